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
            let at = kept.iter().position(|k| k == map).unwrap_or_else(|| {
                kept.push(*map);
                kept.len() - 1
            });
            *map = at;
        }
        let maps = kept.iter().map(|map| self.maps.get(*map).cloned()).collect::<Option<_>>()?;
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
