//! Maps: one for each data section, and those that [`definition`], [`legacy`] and [`struct_ops`] read.

use std::collections::HashMap;

use skep_btf::{Btf, Kind};
use skep_diag::{Diagnostic, code};
use skep_isa::spec::MapType;

use super::definition::{self, MAPS};
use super::externs::KCONFIG;
use super::{Elf, legacy, struct_ops};
use crate::external::{Extern, ExternKind};
use crate::map::{F_MMAPABLE, F_RDONLY_PROG, MapRole, MapSpec};

/// The maps of an object and where their symbols lie.
pub(crate) struct Maps {
    pub specs: Vec<MapSpec>,
    /// Maps of `.maps`, by section and offset in it.
    pub(super) user: HashMap<(usize, u64), usize>,
    /// Maps of data sections, by section.
    data: HashMap<usize, usize>,
}

impl Maps {
    /// The map that a byte of a section belongs to: for `.maps` the one that begins there, else the section's own.
    pub(crate) fn at(&self, section: usize, offset: u64) -> Option<usize> {
        self.data.get(&section).or_else(|| self.user.get(&(section, offset))).copied()
    }

    /// True for a section whose bytes are a map's.
    pub(crate) fn is_data(&self, section: usize) -> bool {
        self.data.contains_key(&section)
    }
}

/// Most bytes of all data sections together; `.bss` takes none in the file, so a file could ask for any number.
const MAX_DATA: u64 = 1 << 28;
/// Most maps of an object; a program may use 64.
const MAX_MAPS: usize = 4096;
/// The section of variables in the arena: clang names it after the address space.
const ARENA: &str = ".addr_space.1";
/// Longest name of a map in the kernel.
const NAME_LEN: usize = 15;

pub(crate) fn read(elf: &Elf<'_>, btf: Option<&Btf>, stem: &str, externs: &mut [Extern]) -> Result<Maps, Diagnostic> {
    let mut maps = Maps { specs: Vec::new(), user: HashMap::new(), data: HashMap::new() };
    let mut left = MAX_DATA;
    if let Some(at) = elf.sections.iter().position(|s| s.name == MAPS) {
        definition::read(elf, at, btf, &mut maps)?;
    }
    if let Some(at) = elf.sections.iter().position(|s| s.name == legacy::MAPS) {
        legacy::read(elf, at, &mut maps)?;
    }
    struct_ops::read(elf, btf, &mut maps)?;
    for (at, section) in elf.sections.iter().enumerate() {
        let is_of = |kind: &str| section.name.strip_prefix(kind).is_some_and(|r| r.is_empty() || r.starts_with('.'));
        let read_only = is_of(".rodata");
        let is_data = read_only || is_of(".bss") || is_of(".data");
        let is_arena = section.name == ARENA;
        if !is_data && !is_arena || !section.holds_data || section.size == 0 {
            continue;
        }
        left = left.checked_sub(section.size).ok_or_else(|| {
            Diagnostic::error(code::BAD_MAP, format!("section {} of {} is too large", section.name, elf.file))
                .note(format!("it takes {} bytes, and data sections have at most {MAX_DATA} together", section.size))
        })?;
        // Zeros that are not written cost no memory.
        let mut initial = vec![0; section.size as usize];
        if let Some(room) = initial.get_mut(..section.data.len()) {
            room.copy_from_slice(section.data);
        }
        if is_arena {
            arena(elf, at, initial, &mut maps)?;
            continue;
        }
        maps.data.insert(at, maps.specs.len());
        room(elf, &maps)?;
        maps.specs.push(data(stem, section.name, btf, initial, read_only));
    }
    options(elf, btf, stem, externs, &mut maps)?;
    Ok(maps)
}

/// Puts variables of the arena's address space into the arena.
fn arena(elf: &Elf<'_>, section: usize, bytes: Vec<u8>, maps: &mut Maps) -> Result<(), Diagnostic> {
    let mut arenas = maps.specs.iter_mut().enumerate().filter(|(_, m)| m.map_type == MapType::Arena);
    let (Some((at, spec)), None) = (arenas.next(), arenas.next()) else {
        let title = format!("the variables in section {ARENA} of {} have no arena", elf.file);
        return Err(Diagnostic::error(code::BAD_MAP, title)
            .note("the object must define one map of type arena, no more and no fewer"));
    };
    let page = 4096;
    if bytes.len() as u64 > u64::from(spec.max_entries) * page {
        return Err(bad(elf, &spec.name, format!("its variables take {} bytes", bytes.len()))
            .note(format!("it has {} pages of {page} bytes", spec.max_entries))
            .help("raise `max_entries`"));
    }
    spec.role = MapRole::Arena { initial: bytes };
    maps.data.insert(section, at);
    Ok(())
}

/// The map of kernel options, whose values the engine fills in.
fn options(
    elf: &Elf<'_>,
    btf: Option<&Btf>,
    stem: &str,
    externs: &mut [Extern],
    maps: &mut Maps,
) -> Result<(), Diagnostic> {
    let mut size = 0;
    for one in externs.iter_mut() {
        if let ExternKind::Option { map, offset, size: bytes, .. } = &mut one.kind {
            *map = maps.specs.len();
            size = size.max(*offset + *bytes);
        }
    }
    if size == 0 {
        return Ok(());
    }
    room(elf, maps)?;
    maps.specs.push(data(stem, KCONFIG, btf, vec![0; size as usize], true));
    Ok(())
}

/// The map of a data section.
fn data(stem: &str, section: &str, btf: Option<&Btf>, initial: Vec<u8>, read_only: bool) -> MapSpec {
    let size = u32::try_from(initial.len()).unwrap_or(u32::MAX);
    MapSpec {
        flags: if read_only { F_RDONLY_PROG | F_MMAPABLE } else { F_MMAPABLE },
        value_type: btf.and_then(|b| b.find(section, |k| matches!(k, Kind::Datasec { .. }))),
        role: MapRole::Data { initial, read_only },
        ..MapSpec::new(data_name(stem, section), MapType::Array, 4, size, 1)
    }
}

/// libbpf's name for a data section's map: the object's name cut so that the whole has 15 characters; a section with
/// a name of its own (`.data.counters`) keeps it.
fn data_name(stem: &str, section: &str) -> String {
    match section {
        ".data" | ".bss" | ".rodata" | KCONFIG => {
            let room = NAME_LEN - section.len().max(".rodata".len());
            let stem: String = stem.chars().take(room).collect();
            format!("{stem}{section}")
        }
        _ => section.to_owned(),
    }
}

/// Refuses one map too many.
pub(super) fn room(elf: &Elf<'_>, maps: &Maps) -> Result<(), Diagnostic> {
    if maps.specs.len() < MAX_MAPS {
        return Ok(());
    }
    Err(Diagnostic::error(code::UNSUPPORTED_OBJECT, format!("{} has more than {MAX_MAPS} maps", elf.file)))
}

pub(super) fn bad(elf: &Elf<'_>, map: &str, why: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code::BAD_MAP, format!("map `{map}` of {} cannot be made", elf.file)).note(why.into())
}

#[cfg(test)]
mod tests {
    use super::data_name;

    #[test]
    fn names_data_maps_as_libbpf_does() {
        assert_eq!(data_name("count", ".bss"), "count.bss");
        assert_eq!(data_name("protocols", ".rodata"), "protocol.rodata");
        assert_eq!(data_name("protocols", ".bss"), "protocol.bss");
        assert_eq!(data_name("protocols", ".rodata.str1.1"), ".rodata.str1.1");
    }
}
