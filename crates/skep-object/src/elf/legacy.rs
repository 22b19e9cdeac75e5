//! Maps of the section `maps`, as objects defined them before BTF: structures of five numbers, one for each symbol.
//!
//! libbpf reads them no more; other loaders do, and old objects have them. What `iproute2` puts behind the five numbers (ids,
//! pinning, inner maps) is refused unless it is zero.

use skep_diag::{Diagnostic, code};
use skep_isa::spec::MapType;

use super::Elf;
use super::maps::{Maps, bad, room};
use crate::map::MapSpec;

/// The section of definitions.
pub(super) const MAPS: &str = "maps";
/// Bytes of the five numbers: type, size of a key, size of a value, entries, flags.
const LEN: usize = 20;

pub(super) fn read(elf: &Elf<'_>, section: usize, maps: &mut Maps) -> Result<(), Diagnostic> {
    let data = elf.sections.get(section).map_or(&[][..], |s| s.data);
    let mut starts: Vec<(usize, &str)> = elf
        .symbols
        .iter()
        .filter(|s| s.section == Some(section) && !s.name.is_empty())
        .filter_map(|s| Some((usize::try_from(s.value).ok()?, s.name)))
        .collect();
    starts.sort_unstable();
    starts.dedup_by_key(|(start, _)| *start);
    for (at, (start, name)) in starts.iter().enumerate() {
        room(elf, maps)?;
        let end = starts.get(at + 1).map_or(data.len(), |(next, _)| *next);
        let bytes = data.get(*start..end).unwrap_or_default();
        let (Some(fields), Some(rest)) = (bytes.first_chunk::<LEN>(), bytes.get(LEN..)) else {
            return Err(bad(elf, name, format!("its definition has {} bytes, and {LEN} are needed", bytes.len())));
        };
        if rest.iter().any(|byte| *byte != 0) {
            let title = format!("map `{name}` of {} is defined with more than its sizes", elf.file);
            return Err(Diagnostic::error(code::UNSUPPORTED_OBJECT, title)
                .note("behind the five numbers of section `maps` stand others that are not zero")
                .help("define it in section `.maps` with `__uint(…)` and `__type(…)`"));
        }
        let mut numbers = fields.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
        let mut next = || numbers.next().unwrap_or(0);
        let (id, key_size, value_size, max_entries, flags) = (next(), next(), next(), next(), next());
        let map_type = MapType::from_id(id)
            .ok_or_else(|| bad(elf, name, format!("map type {id} is not known to this version of skep")))?;
        maps.user.entry((section, *start as u64)).or_insert(maps.specs.len());
        maps.specs.push(MapSpec { flags, ..MapSpec::new(*name, map_type, key_size, value_size, max_entries) });
    }
    Ok(())
}
