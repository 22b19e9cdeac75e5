//! An object: programs, maps and types that belong together.

use skep_btf::Btf;

use crate::external::{Extern, ExternKind};
use crate::map::MapSpec;
use crate::program::{ProgramSpec, RelocTarget};

/// What one object file defines. Indices in [`crate::RelocTarget`] are those of `maps`.
#[derive(Clone, Debug)]
pub struct Object {
    /// Name for the maps of data sections: the file's name up to its first dot.
    pub name: String,
    /// The `license` section's text, `""` when there is none.
    pub license: String,
    /// Its programs, in the order of sections and symbols.
    pub programs: Vec<ProgramSpec>,
    /// Its maps: those of `.maps` first, then data sections.
    pub maps: Vec<MapSpec>,
    /// What it names and does not define.
    pub externs: Vec<Extern>,
    /// Its types, with the sizes and offsets of data sections filled in.
    pub btf: Option<Btf>,
}

impl Object {
    /// The program of this name.
    pub fn program(&self, name: &str) -> Option<&ProgramSpec> {
        self.programs.iter().find(|p| p.name == name)
    }

    /// The map of this name.
    pub fn map(&self, name: &str) -> Option<&MapSpec> {
        self.maps.iter().find(|m| m.name == name)
    }

    /// This object with one program, and the maps alone that it refers to; `None` where it has no such program.
    pub fn only(&self, index: usize) -> Option<Object> {
        let mut program = self.programs.get(index)?.clone();
        // By their index here, the maps' indices there.
        let mut kept: Vec<usize> = Vec::new();
        for reloc in &mut program.relocs {
            let (RelocTarget::Map(map) | RelocTarget::MapValue { map, .. }) = &mut reloc.target else { continue };
            if *map >= self.maps.len() {
                // It leads nowhere here, and must there.
                *map = usize::MAX;
                continue;
            }
            let at = kept.iter().position(|k| k == map).unwrap_or_else(|| {
                kept.push(*map);
                kept.len() - 1
            });
            *map = at;
        }
        let maps = kept.iter().filter_map(|map| self.maps.get(*map).cloned()).collect();
        // An option of a map that is not kept goes with it.
        let externs = self.externs.iter().filter_map(|one| {
            let mut one = one.clone();
            if let ExternKind::Option { map, .. } = &mut one.kind {
                *map = kept.iter().position(|k| k == map)?;
            }
            Some(one)
        });
        let (name, license, btf) = (self.name.clone(), self.license.clone(), self.btf.clone());
        Some(Object { name, license, externs: externs.collect(), programs: vec![program], maps, btf })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::MapRole;
    use crate::program::Reloc;
    use skep_isa::spec::MapType;

    fn program(name: &str, targets: Vec<RelocTarget>) -> ProgramSpec {
        let relocs = targets.into_iter().zip(0..).map(|(target, slot)| Reloc { slot, target }).collect();
        ProgramSpec {
            name: name.to_owned(),
            section: "xdp".to_owned(),
            kind: None,
            hook: None,
            code: vec![],
            relocs,
            funcs: vec![],
            lines: vec![],
        }
    }

    fn map(name: &str) -> MapSpec {
        MapSpec {
            name: name.to_owned(),
            map_type: MapType::Array,
            key_size: 4,
            value_size: 4,
            max_entries: 1,
            flags: 0,
            extra: 0,
            key_type: None,
            value_type: None,
            record_type: None,
            role: MapRole::User,
        }
    }

    #[test]
    fn an_object_of_one_program_has_the_maps_it_refers_to_once_each() {
        let value = RelocTarget::MapValue { map: 0, offset: 8 };
        let targets = vec![RelocTarget::Map(2), value, RelocTarget::Extern("x".into()), RelocTarget::Map(2)];
        let programs = vec![program("other", vec![RelocTarget::Map(1)]), program("one", targets)];
        let maps = ["a", "b", "c"].map(map).to_vec();
        let object = Object { name: "o".into(), license: "GPL".into(), programs, maps, externs: vec![], btf: None };
        let only = object.only(1).expect("it has a second program");
        let names: Vec<&str> = only.maps.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["c", "a"]);
        let targets: Vec<_> = only.programs.iter().flat_map(|p| &p.relocs).map(|r| r.target.clone()).collect();
        let value = RelocTarget::MapValue { map: 1, offset: 8 };
        assert_eq!(targets, [RelocTarget::Map(0), value, RelocTarget::Extern("x".into()), RelocTarget::Map(0)]);
        assert_eq!((only.name.as_str(), only.license.as_str()), ("o", "GPL"));
        assert!(object.only(2).is_none());
    }

    #[test]
    fn a_reference_that_leads_nowhere_leads_nowhere_there() {
        let programs = vec![program("bad", vec![RelocTarget::Map(7), RelocTarget::Map(0)])];
        let object = Object {
            name: "o".into(),
            license: String::new(),
            programs,
            maps: vec![map("a")],
            externs: vec![],
            btf: None,
        };
        let only = object.only(0).expect("it has a program");
        let targets: Vec<_> = only.programs.iter().flat_map(|p| &p.relocs).map(|r| r.target.clone()).collect();
        assert_eq!(targets, [RelocTarget::Map(usize::MAX), RelocTarget::Map(0)]);
    }
}
