//! An object: programs, maps and types that belong together.

use skep_btf::Btf;

use crate::external::Extern;
use crate::map::MapSpec;
use crate::program::ProgramSpec;

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
}
