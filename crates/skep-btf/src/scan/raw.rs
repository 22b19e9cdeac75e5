//! Types as one line each, in the text form in which types are commonly dumped, with all that their records say.

use std::fmt;

use super::{Scan, record_size};
use crate::kind::TypeId;

impl Scan<'_> {
    /// One of its own types as text: a line, and a line for each member, parameter, constant or variable.
    /// It displays nothing for numbers that no type has.
    pub fn line(&self, id: TypeId) -> impl fmt::Display + '_ {
        Line { scan: self, id }
    }

    /// The words of a type's record: name, information, size or type, and what follows.
    pub(crate) fn words(&self, id: TypeId) -> Option<Vec<u32>> {
        let Some(at) = id.0.checked_sub(self.first) else { return self.base?.words(id) };
        let at = *self.records.get(at as usize)? as usize;
        let bytes = self.types.get(at..at + record_size(self.types, at)?)?;
        let (words, _) = bytes.as_chunks::<4>();
        Some(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
    }
}

struct Line<'s> {
    scan: &'s Scan<'s>,
    id: TypeId,
}

/// Kinds by their numbers.
const KINDS: [&str; 20] = [
    "UNKNOWN",
    "INT",
    "PTR",
    "ARRAY",
    "STRUCT",
    "UNION",
    "ENUM",
    "FWD",
    "TYPEDEF",
    "VOLATILE",
    "CONST",
    "RESTRICT",
    "FUNC",
    "FUNC_PROTO",
    "VAR",
    "DATASEC",
    "FLOAT",
    "DECL_TAG",
    "TYPE_TAG",
    "ENUM64",
];

impl Line<'_> {
    fn name(&self, offset: u32) -> &str {
        match self.scan.string(offset) {
            Some("") => "(anon)",
            Some(name) => name,
            None => "(invalid)",
        }
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(words) = self.scan.words(self.id) else { return Ok(()) };
        let [name, info, third, rest @ ..] = words.as_slice() else { return Ok(()) };
        let (kind, count, flag) = ((info >> 24) & 0x1f, info & 0xffff, info >> 31 != 0);
        let kind_name = KINDS.get(kind as usize).copied().unwrap_or("UNKNOWN");
        write!(f, "[{}] {kind_name} '{}'", self.id.0, self.name(*name))?;
        match (kind, rest) {
            (1, [data]) => {
                let encoding = match (data >> 24) & 0xf {
                    0 => "(none)",
                    1 => "SIGNED",
                    2 => "CHAR",
                    4 => "BOOL",
                    _ => "UNKN",
                };
                let (offset, bits) = ((data >> 16) & 0xff, data & 0xff);
                write!(f, " size={third} bits_offset={offset} nr_bits={bits} encoding={encoding}")
            }
            (2 | 8..=11 | 18, _) => write!(f, " type_id={third}"),
            (3, [element, index, len]) => write!(f, " type_id={element} index_type_id={index} nr_elems={len}"),
            (4 | 5, members) => {
                write!(f, " size={third} vlen={count}")?;
                let (members, _) = members.as_chunks::<3>();
                members.iter().try_for_each(|[name, id, offset]| {
                    let (bits, width) = if flag { (offset & 0x00ff_ffff, offset >> 24) } else { (*offset, 0) };
                    write!(f, "\n\t'{}' type_id={id} bits_offset={bits}", self.name(*name))?;
                    if width == 0 { Ok(()) } else { write!(f, " bitfield_size={width}") }
                })
            }
            (6, values) => {
                write!(f, " encoding={} size={third} vlen={count}", signedness(flag))?;
                let (values, _) = values.as_chunks::<2>();
                values.iter().try_for_each(|[name, value]| {
                    write!(f, "\n\t'{}' val=", self.name(*name))?;
                    if flag { write!(f, "{}", value.cast_signed()) } else { write!(f, "{value}") }
                })
            }
            (19, values) => {
                write!(f, " encoding={} size={third} vlen={count}", signedness(flag))?;
                let (values, _) = values.as_chunks::<3>();
                values.iter().try_for_each(|[name, low, high]| {
                    let value = u64::from(*low) | u64::from(*high) << 32;
                    write!(f, "\n\t'{}' val=", self.name(*name))?;
                    if flag { write!(f, "{}LL", value.cast_signed()) } else { write!(f, "{value}ULL") }
                })
            }
            (7, _) => write!(f, " fwd_kind={}", if flag { "union" } else { "struct" }),
            (12, _) => write!(f, " type_id={third} linkage={}", linkage(count)),
            (13, params) => {
                write!(f, " ret_type_id={third} vlen={count}")?;
                let (params, _) = params.as_chunks::<2>();
                params.iter().try_for_each(|[name, id]| write!(f, "\n\t'{}' type_id={id}", self.name(*name)))
            }
            (14, [kind]) => write!(f, " type_id={third}, linkage={}", linkage(*kind)),
            (15, vars) => {
                write!(f, " size={third} vlen={count}")?;
                let (vars, _) = vars.as_chunks::<3>();
                vars.iter().try_for_each(|[id, offset, size]| {
                    write!(f, "\n\ttype_id={id} offset={offset} size={size}")?;
                    let of = TypeId(*id);
                    match self.scan.head_of(of).map_or(0, |head| head.kind) {
                        14 => write!(f, " (VAR '{}')", self.scan.name(of)),
                        12 => write!(f, " (FUNC '{}')", self.scan.name(of)),
                        _ => Ok(()),
                    }
                })
            }
            (16, _) => write!(f, " size={third}"),
            (17, [component]) => write!(f, " type_id={third} component_idx={}", component.cast_signed()),
            _ => Ok(()),
        }
    }
}

fn signedness(signed: bool) -> &'static str {
    if signed { "SIGNED" } else { "UNSIGNED" }
}

fn linkage(number: u32) -> &'static str {
    match number {
        0 => "static",
        1 => "global",
        2 => "extern",
        _ => "(unknown)",
    }
}
