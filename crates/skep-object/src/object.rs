//! An object: programs, maps and types that belong together.

use skep_btf::Btf;
use skep_diag::{Diagnostic, code};

use crate::external::{Extern, ExternKind};
use crate::map::{Content, MapRole, MapSpec};
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
    /// Compiled for big-endian machines. Instructions and types are in this machine's order all the same; initial bytes of
    /// data are as they stand in the file.
    pub big_endian: bool,
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

    /// Refuses an object for machines of the other byte order, which can be read but not run here.
    ///
    /// # Errors
    /// The diagnostic (`O0009`).
    pub fn check_order(&self) -> Result<(), Box<Diagnostic>> {
        let words = |big| if big { "big-endian" } else { "little-endian" };
        let here = cfg!(target_endian = "big");
        if self.big_endian == here {
            return Ok(());
        }
        let title = format!("`{}` is an object for {} machines", self.name, words(self.big_endian));
        let target = if here { "bpfeb" } else { "bpfel" };
        let d = Diagnostic::error(code::UNSUPPORTED_OBJECT, title)
            .note(format!("this machine is {}: it can read the object, not run it", words(here)))
            .help(format!("compile it with `-target bpf` here, or with `-target {target}`"));
        Err(Box::new(d))
    }

    /// This object with one program, and the maps alone that it needs: those it refers to, those in them, and those that hold it
    /// as a function; `None` where it has no such program.
    pub fn only(&self, index: usize) -> Option<Object> {
        let mut program = self.programs.get(index)?.clone();
        let mut kept = Kept { maps: Vec::new() };
        for reloc in &mut program.relocs {
            let (RelocTarget::Map(map) | RelocTarget::MapValue { map, .. }) = &mut reloc.target else { continue };
            // What leads nowhere here, must there.
            *map = if *map < self.maps.len() { kept.place(*map) } else { usize::MAX };
        }
        let holds = |map: &MapSpec| match &map.role {
            MapRole::StructOps(ops) => ops.programs.iter().any(|(_, name)| *name == program.name),
            _ => false,
        };
        for (at, _) in self.maps.iter().enumerate().filter(|(_, map)| holds(map)) {
            kept.place(at);
        }
        let mut maps: Vec<MapSpec> = Vec::new();
        // Maps in maps are found, and kept, on the way.
        while let Some(spec) = kept.maps.get(maps.len()).map(|at| self.maps.get(*at)) {
            maps.push(kept.map(spec?, &program.name));
        }
        // An option of a map that is not kept goes with it.
        let externs = self.externs.iter().filter_map(|one| {
            let mut one = one.clone();
            if let ExternKind::Option { map, .. } = &mut one.kind {
                *map = kept.maps.iter().position(|k| k == map)?;
            }
            Some(one)
        });
        let externs = externs.collect();
        Some(Object { externs, programs: vec![program], maps, ..self.without_parts() })
    }
}

impl Object {
    /// Name, licence and types, without programs, maps and externs.
    fn without_parts(&self) -> Object {
        let (programs, maps, externs) = (vec![], vec![], vec![]);
        let (name, license, btf) = (self.name.clone(), self.license.clone(), self.btf.clone());
        Object { name, license, programs, maps, externs, btf, big_endian: self.big_endian }
    }
}

/// Maps that go into an object of one program, by their index there: their index here.
struct Kept {
    maps: Vec<usize>,
}

impl Kept {
    /// A map's index there; it is kept from now on.
    fn place(&mut self, map: usize) -> usize {
        self.maps.iter().position(|k| *k == map).unwrap_or_else(|| {
            self.maps.push(map);
            self.maps.len() - 1
        })
    }

    /// A map as it is there, where there is no program but this one.
    fn map(&mut self, spec: &MapSpec, program: &str) -> MapSpec {
        let mut spec = spec.clone();
        spec.contents.retain_mut(|(_, content)| match content {
            Content::Map(map) => {
                *map = self.place(*map);
                true
            }
            Content::Program(name) => name == program,
        });
        if let MapRole::StructOps(ops) = &mut spec.role {
            ops.programs.retain(|(_, name)| name == program);
        }
        spec
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        MapSpec::new(name, MapType::Array, 4, 4, 1)
    }

    #[test]
    fn an_object_of_one_program_has_the_maps_it_refers_to_once_each() {
        let value = RelocTarget::MapValue { map: 0, offset: 8 };
        let targets = vec![RelocTarget::Map(2), value, RelocTarget::Extern("x".into()), RelocTarget::Map(2)];
        let programs = vec![program("other", vec![RelocTarget::Map(1)]), program("one", targets)];
        let maps = ["a", "b", "c"].map(map).to_vec();
        let object = Object {
            name: "o".into(),
            license: "GPL".into(),
            programs,
            maps,
            externs: vec![],
            btf: None,
            big_endian: false,
        };
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
            big_endian: false,
        };
        let only = object.only(0).expect("it has a program");
        let targets: Vec<_> = only.programs.iter().flat_map(|p| &p.relocs).map(|r| r.target.clone()).collect();
        assert_eq!(targets, [RelocTarget::Map(usize::MAX), RelocTarget::Map(0)]);
    }
}
