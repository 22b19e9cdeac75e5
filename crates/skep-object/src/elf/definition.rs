//! Maps that `.maps` defines: the fields of a structure in BTF, and what its relocations put into a map.

use skep_btf::{Btf, Kind, Member, TypeId};
use skep_diag::{Diagnostic, code};
use skep_isa::spec::MapType;

use super::maps::{Maps, bad, room};
use super::{Elf, Rel};
use crate::map::{Content, MapSpec};

/// The section of definitions.
pub(super) const MAPS: &str = ".maps";
/// BTF's linkage of a variable that is declared only.
const EXTERN: u32 = 2;
/// `LIBBPF_PIN_NONE` and `LIBBPF_PIN_BY_NAME`.
const PINNING: [u32; 2] = [0, 1];
/// The fields there are, as messages list them.
const FIELDS: &str =
    "type, key, value, key_size, value_size, max_entries, map_flags, map_extra, numa_node, pinning, values";
/// Bytes of a pointer: of one entry of `values`.
const POINTER: u64 = 8;

/// Where a map with `values` lies in its section.
struct Slots {
    map: usize,
    start: u64,
    end: u64,
}

/// Reads all definitions, and then what the maps hold, for which they must all be known.
pub(super) fn read(elf: &Elf<'_>, section: usize, btf: Option<&Btf>, maps: &mut Maps) -> Result<(), Diagnostic> {
    let Some(btf) = btf else {
        return Err(Diagnostic::error(code::NO_BTF, format!("{} has no BTF, so its maps are not known", elf.file))
            .note("section .maps says only how many maps there are; their types and sizes stand in BTF")
            .help("compile with `-g`, and do not strip the object (`llvm-strip -g` keeps BTF)"));
    };
    let datasec = btf.find(MAPS, |k| matches!(k, Kind::Datasec { .. })).and_then(|id| btf.get(id));
    let Some(Kind::Datasec { vars, .. }) = datasec.map(|t| &t.kind) else {
        return Err(Diagnostic::error(code::NO_BTF, format!("the BTF of {} does not describe its maps", elf.file))
            .help("compile with `-g`"));
    };
    let mut slots = Vec::new();
    for var in vars {
        room(elf, maps)?;
        let name = btf.name(var.type_id);
        let Some(Kind::Var { type_id, linkage }) = btf.get(var.type_id).map(|t| &t.kind) else { continue };
        // Another object's, until both are linked; it has no place in the section.
        if *linkage == EXTERN {
            continue;
        }
        let Some((_, Kind::Struct { members, .. })) = btf.resolve(*type_id) else {
            return Err(bad(elf, name, "its definition is not a struct"));
        };
        let mut spec = definition(elf, btf, name, members, true)?;
        spec.record_type = btf
            .decl_tags(var.type_id, -1)
            .find_map(|tag| tag.strip_prefix("record:"))
            .and_then(|record| btf.find_type(record));
        let map = maps.specs.len();
        let start = u64::from(var.offset);
        if let Some(values) = members.iter().find(|m| btf.string(m.name_off) == Some("values")) {
            let first = start + u64::from(values.bit_offset / 8);
            slots.push(Slots { map, start: first, end: start + u64::from(var.size) });
        }
        maps.user.entry((section, start)).or_insert(map);
        maps.specs.push(spec);
    }
    let rels = elf.sections.get(section).map_or(&[][..], |s| &s.rels);
    for rel in rels {
        fill(elf, section, rel, &slots, maps)?;
    }
    Ok(())
}

/// Puts what a relocation names into the map that it lies in.
fn fill(elf: &Elf<'_>, section: usize, rel: &Rel, slots: &[Slots], maps: &mut Maps) -> Result<(), Diagnostic> {
    let nowhere = |why: String| {
        Diagnostic::error(code::BAD_RELOCATION, format!("a relocation of section .maps in {} leads nowhere", elf.file))
            .note(format!("at byte {}: {why}", rel.offset))
            .help("compile the object again")
    };
    let at = slots.iter().find(|s| (s.start..s.end).contains(&rel.offset));
    let at = at.ok_or_else(|| nowhere("no map has `values` there".to_owned()))?;
    let byte = rel.offset - at.start;
    let key = u32::try_from(byte / POINTER).ok().filter(|_| byte.is_multiple_of(POINTER));
    let key = key.ok_or_else(|| nowhere("it is not at the beginning of an entry".to_owned()))?;
    let symbol = elf.symbols.get(rel.symbol).ok_or_else(|| nowhere(format!("there is no symbol {}", rel.symbol)))?;
    let offset = symbol.value.wrapping_add(elf.word(section, rel.offset).unwrap_or(0));
    let is_programs = maps.specs.get(at.map).is_some_and(|m| m.map_type == MapType::ProgArray);
    let content = if is_programs {
        let function = symbol.section.and_then(|of| elf.function_at(of, offset));
        Content::Program(function.ok_or_else(|| nowhere(format!("`{}` is no program", symbol.name)))?.to_owned())
    } else {
        let map = symbol.section.and_then(|of| maps.at(of, offset));
        Content::Map(map.ok_or_else(|| nowhere(format!("`{}` is no map", symbol.name)))?)
    };
    if let Some(spec) = maps.specs.get_mut(at.map) {
        spec.contents.push((key, content));
    }
    Ok(())
}

/// Reads `struct { __uint(type, …); __type(key, …); … }`: a number is the length of an array behind a pointer. `outer` is
/// false for a map in a map, which can hold none itself.
fn definition(elf: &Elf<'_>, btf: &Btf, name: &str, members: &[Member], outer: bool) -> Result<MapSpec, Diagnostic> {
    let mut spec = MapSpec::new(name, MapType::Unspec, 0, 0, 0);
    let mut seen: Vec<&str> = Vec::new();
    for (index, member) in members.iter().enumerate() {
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
            "numa_node" => spec.numa_node = Some(number()?),
            "map_extra" => {
                spec.extra = long(btf, member.type_id).ok_or_else(|| {
                    bad(elf, name, "`map_extra` is neither `__uint(map_extra, …)` nor `__ulong(map_extra, …)`")
                })?;
            }
            "pinning" => {
                let pinning = number()?;
                if !PINNING.contains(&pinning) {
                    return Err(bad(elf, name, format!("`pinning` is {pinning}"))
                        .help("it is LIBBPF_PIN_NONE (0) or LIBBPF_PIN_BY_NAME (1)"));
                }
                spec.pinned = pinning == 1;
            }
            "values" => {
                if index + 1 != members.len() {
                    return Err(bad(elf, name, "`values` is not its last field"));
                }
                if !outer {
                    return Err(bad(elf, name, "it stands in a map and has `values` itself")
                        .help("the kernel has maps of maps one level deep"));
                }
                values(elf, btf, name, member.type_id, &mut spec)?;
            }
            _ => {
                return Err(Diagnostic::error(
                    code::UNSUPPORTED_OBJECT,
                    format!("map `{name}` of {} has a field skep does not know: `{field}`", elf.file),
                )
                .help(format!("known: {FIELDS}")));
            }
        }
    }
    if spec.map_type == MapType::Unspec {
        return Err(bad(elf, name, "it has no type").help("add `__uint(type, BPF_MAP_TYPE_…)`"));
    }
    Ok(spec)
}

/// `__array(values, struct { … })` in a map of maps, `__array(values, int (void *))` in a program array.
fn values(elf: &Elf<'_>, btf: &Btf, name: &str, id: TypeId, spec: &mut MapSpec) -> Result<(), Diagnostic> {
    let element = match btf.resolve(id) {
        Some((_, Kind::Array { element, .. })) => btf.resolve(*element),
        _ => None,
    };
    let to = match element {
        Some((_, Kind::Ptr(to))) => btf.resolve(*to),
        _ => None,
    };
    match (spec.map_type, to) {
        (MapType::ArrayOfMaps | MapType::HashOfMaps, Some((_, Kind::Struct { members, .. }))) => {
            let inner = definition(elf, btf, &format!("{name}.inner"), members, false)?;
            if inner.pinned {
                return Err(bad(elf, name, "the maps in it are pinned").help("pin the map itself"));
            }
            spec.inner = Some(Box::new(inner));
        }
        (MapType::ProgArray, Some((_, Kind::FuncProto { .. }))) => {}
        (MapType::ArrayOfMaps | MapType::HashOfMaps, _) => {
            return Err(bad(elf, name, "its `values` are not maps").help("write `__array(values, struct { … })`"));
        }
        (MapType::ProgArray, _) => {
            return Err(bad(elf, name, "its `values` are not functions").help("write `__array(values, int (void *))`"));
        }
        (other, _) => {
            return Err(bad(elf, name, format!("a map of type {other} has no `values`"))
                .help("array_of_maps, hash_of_maps and prog_array have"));
        }
    }
    agree(elf, name, "value", spec.value_size, 4)?;
    spec.value_size = 4;
    Ok(())
}

fn agree(elf: &Elf<'_>, name: &str, what: &str, before: u32, now: u32) -> Result<(), Diagnostic> {
    if before == 0 || before == now {
        return Ok(());
    }
    Err(bad(elf, name, format!("the {what} has {before} bytes by one field and {now} by another")))
}

/// `__uint(field, NUMBER)`.
fn number(btf: &Btf, id: TypeId) -> Option<u32> {
    let (_, Kind::Ptr(to)) = btf.resolve(id)? else { return None };
    let (_, Kind::Array { len, .. }) = btf.resolve(*to)? else { return None };
    Some(*len)
}

/// `__uint(field, NUMBER)`, or `__ulong(field, NUMBER)`: the only value of an enumeration.
fn long(btf: &Btf, id: TypeId) -> Option<u64> {
    match btf.resolve(id)? {
        (_, Kind::Enum { values, .. }) => match values.as_slice() {
            [one] => Some(one.value.cast_unsigned()),
            _ => None,
        },
        _ => number(btf, id).map(u64::from),
    }
}
