//! Maps: those that BTF defines in `.maps`, and one for each data section.

use std::collections::HashMap;

use skep_btf::{Btf, Kind, Member, TypeId};
use skep_diag::{Diagnostic, code};
use skep_isa::spec::MapType;

use super::Elf;
use super::externs::KCONFIG;
use crate::external::{Extern, ExternKind};
use crate::map::{F_MMAPABLE, F_RDONLY_PROG, MapRole, MapSpec};

/// The maps of an object and where their symbols lie.
pub(crate) struct Maps {
    pub specs: Vec<MapSpec>,
    /// Maps of `.maps`, by section and offset in it.
    user: HashMap<(usize, u64), usize>,
    /// Maps of data sections, by section.
    data: HashMap<usize, usize>,
}

impl Maps {
    /// The map that a byte of a section belongs to: for `.maps` the one that begins there, else the section's own.
    pub(crate) fn at(&self, section: usize, offset: u64) -> Option<usize> {
        self.data.get(&section).or_else(|| self.user.get(&(section, offset))).copied()
    }
}

/// Most bytes of all data sections together; `.bss` takes none in the file, so a file could ask for any number.
const MAX_DATA: u64 = 1 << 28;
/// Most maps of an object; a program may use 64.
const MAX_MAPS: usize = 4096;
/// BTF's linkage of a variable that is declared only.
const EXTERN: u32 = 2;
/// Longest name of a map in the kernel.
const NAME_LEN: usize = 15;

pub(crate) fn read(elf: &Elf<'_>, btf: Option<&Btf>, stem: &str, externs: &mut [Extern]) -> Result<Maps, Diagnostic> {
    let mut maps = Maps { specs: Vec::new(), user: HashMap::new(), data: HashMap::new() };
    let mut left = MAX_DATA;
    if let Some(at) = elf.sections.iter().position(|s| s.name == ".maps") {
        user_maps(elf, at, btf, &mut maps)?;
    }
    for (at, section) in elf.sections.iter().enumerate() {
        let is_of = |kind: &str| section.name.strip_prefix(kind).is_some_and(|r| r.is_empty() || r.starts_with('.'));
        let read_only = is_of(".rodata");
        let is_data = read_only || is_of(".bss") || is_of(".data");
        if !is_data || !section.holds_data || section.size == 0 {
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
        maps.data.insert(at, maps.specs.len());
        room(elf, &maps)?;
        maps.specs.push(MapSpec {
            name: data_name(stem, section.name),
            map_type: MapType::Array,
            key_size: 4,
            value_size: section.size as u32,
            max_entries: 1,
            flags: if read_only { F_RDONLY_PROG | F_MMAPABLE } else { F_MMAPABLE },
            extra: 0,
            key_type: None,
            value_type: btf.and_then(|b| b.find(section.name, |k| matches!(k, Kind::Datasec { .. }))),
            record_type: None,
            role: MapRole::Data { initial, read_only },
        });
    }
    options(elf, btf, stem, externs, &mut maps)?;
    Ok(maps)
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
    maps.specs.push(MapSpec {
        name: data_name(stem, KCONFIG),
        map_type: MapType::Array,
        key_size: 4,
        value_size: size,
        max_entries: 1,
        flags: F_RDONLY_PROG | F_MMAPABLE,
        extra: 0,
        key_type: None,
        value_type: btf.and_then(|b| b.find(KCONFIG, |k| matches!(k, Kind::Datasec { .. }))),
        record_type: None,
        role: MapRole::Data { initial: vec![0; size as usize], read_only: true },
    });
    Ok(())
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

fn user_maps(elf: &Elf<'_>, section: usize, btf: Option<&Btf>, maps: &mut Maps) -> Result<(), Diagnostic> {
    let Some(btf) = btf else {
        return Err(Diagnostic::error(code::NO_BTF, format!("{} has no BTF, so its maps are not known", elf.file))
            .note("section .maps says only how many maps there are; their types and sizes stand in BTF")
            .help("compile with `-g`, and do not strip the object (`llvm-strip -g` keeps BTF)"));
    };
    let datasec = btf.find(".maps", |k| matches!(k, Kind::Datasec { .. })).and_then(|id| btf.get(id));
    let Some(Kind::Datasec { vars, .. }) = datasec.map(|t| &t.kind) else {
        return Err(Diagnostic::error(code::NO_BTF, format!("the BTF of {} does not describe its maps", elf.file))
            .help("compile with `-g`"));
    };
    for var in vars {
        room(elf, maps)?;
        let name = btf.name(var.type_id);
        let Some(Kind::Var { type_id, linkage }) = btf.get(var.type_id).map(|t| &t.kind) else { continue };
        // Another object's, until both are linked; it has no place in the section.
        if *linkage == EXTERN {
            continue;
        }
        let Some((_, Kind::Struct { members, .. })) = btf.resolve(*type_id) else {
            return Err(bad(elf, name, "its definition is not a struct".to_owned()));
        };
        let mut spec = definition(elf, btf, name, members)?;
        spec.record_type = btf
            .decl_tags(var.type_id, -1)
            .find_map(|tag| tag.strip_prefix("record:"))
            .and_then(|record| btf.find_type(record));
        maps.user.entry((section, u64::from(var.offset))).or_insert(maps.specs.len());
        maps.specs.push(spec);
    }
    Ok(())
}

/// Refuses one map too many.
fn room(elf: &Elf<'_>, maps: &Maps) -> Result<(), Diagnostic> {
    if maps.specs.len() < MAX_MAPS {
        return Ok(());
    }
    Err(Diagnostic::error(code::UNSUPPORTED_OBJECT, format!("{} has more than {MAX_MAPS} maps", elf.file)))
}

fn bad(elf: &Elf<'_>, map: &str, why: String) -> Diagnostic {
    Diagnostic::error(code::BAD_MAP, format!("map `{map}` of {} cannot be made", elf.file)).note(why)
}

/// Reads `struct { __uint(type, …); __type(key, …); … }`: a number is the length of an array behind a pointer.
fn definition(elf: &Elf<'_>, btf: &Btf, name: &str, members: &[Member]) -> Result<MapSpec, Diagnostic> {
    let mut spec = MapSpec {
        name: name.to_owned(),
        map_type: MapType::Unspec,
        key_size: 0,
        value_size: 0,
        max_entries: 0,
        flags: 0,
        extra: 0,
        key_type: None,
        value_type: None,
        record_type: None,
        role: MapRole::User,
    };
    let mut seen: Vec<&str> = Vec::new();
    for member in members {
        let field = btf.string(member.name_off).unwrap_or("");
        if seen.contains(&field) {
            return Err(bad(elf, name, format!("it gives `{field}` twice")));
        }
        seen.push(field);
        let number = || {
            number(btf, member.type_id)
                .ok_or_else(|| bad(elf, name, format!("`{field}` is not `__uint({field}, NUMBER)`")))
        };
        let typed = || {
            let to = match btf.resolve(member.type_id) {
                Some((_, Kind::Ptr(to))) => *to,
                _ => return Err(bad(elf, name, format!("`{field}` is not `__type({field}, TYPE)`"))),
            };
            let size = btf.size_of(to).and_then(|s| u32::try_from(s).ok());
            size.map(|s| (to, s)).ok_or_else(|| bad(elf, name, format!("the type of `{field}` has no size")))
        };
        match field {
            "type" => {
                let id = number()?;
                spec.map_type = MapType::from_id(id)
                    .ok_or_else(|| bad(elf, name, format!("map type {id} is not known to this version of skep")))?;
            }
            "key" => {
                let (to, size) = typed()?;
                agree(elf, name, "key", spec.key_size, size)?;
                (spec.key_type, spec.key_size) = (Some(to), size);
            }
            "value" => {
                let (to, size) = typed()?;
                agree(elf, name, "value", spec.value_size, size)?;
                (spec.value_type, spec.value_size) = (Some(to), size);
            }
            "key_size" => {
                let size = number()?;
                agree(elf, name, "key", spec.key_size, size)?;
                spec.key_size = size;
            }
            "value_size" => {
                let size = number()?;
                agree(elf, name, "value", spec.value_size, size)?;
                spec.value_size = size;
            }
            "max_entries" => spec.max_entries = number()?,
            "map_flags" => spec.flags = number()?,
            "map_extra" => spec.extra = u64::from(number()?),
            "numa_node" => {}
            _ => {
                return Err(Diagnostic::error(
                    code::UNSUPPORTED_OBJECT,
                    format!("map `{name}` of {} has a field skep does not know: `{field}`", elf.file),
                )
                .help("known: type, key, value, key_size, value_size, max_entries, map_flags, map_extra, numa_node"));
            }
        }
    }
    if spec.map_type == MapType::Unspec {
        return Err(bad(elf, name, "it has no type".to_owned()).help("add `__uint(type, BPF_MAP_TYPE_…)`"));
    }
    Ok(spec)
}

fn agree(elf: &Elf<'_>, name: &str, what: &str, before: u32, now: u32) -> Result<(), Diagnostic> {
    if before == 0 || before == now {
        return Ok(());
    }
    Err(bad(elf, name, format!("the {what} has {before} bytes by one field and {now} by another")))
}

fn number(btf: &Btf, id: TypeId) -> Option<u32> {
    let (_, Kind::Ptr(to)) = btf.resolve(id)? else { return None };
    let (_, Kind::Array { len, .. }) = btf.resolve(*to)? else { return None };
    Some(*len)
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
