//! Types with all that their records say, as text and as JSON in the shape in which bpftool dumps them.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Scan, record_size};
use crate::kind::TypeId;

impl<'a> Scan<'a> {
    /// All that one type's record says; `None` for numbers that no type has.
    ///
    /// ```
    /// use skep_btf::{Builder, Kind, Scan};
    /// let mut builder = Builder::new();
    /// let int = builder.add("int", Kind::Int { size: 4, bits: 32, signed: true, char: false, bool: false });
    /// let bytes = builder.encode().unwrap();
    /// let record = Scan::new(&bytes).unwrap().record(int).unwrap();
    /// assert_eq!(record.to_string(), "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED");
    /// ```
    pub fn record(&self, id: TypeId) -> Option<Record<'a>> {
        let words = self.words(id)?;
        let [name, info, third, rest @ ..] = words.as_slice() else { return None };
        let kind = (info >> 24) & 0x1f;
        let head = Parts { scan: self, count: info & 0xffff, flag: info >> 31 != 0, third: *third, rest };
        let (fields, list) = head.of(kind);
        let behind = if kind == 15 {
            rest.as_chunks::<3>().0.iter().map(|[id, ..]| self.variable(*id)).collect()
        } else {
            Vec::new()
        };
        Some(Record { id, kind: kind_name(kind), name: self.shown(*name), fields, list, behind })
    }

    /// The words of a type's record: name, information, size or type, and what follows.
    pub(crate) fn words(&self, id: TypeId) -> Option<Vec<u32>> {
        let Some(at) = id.0.checked_sub(self.first) else { return self.base?.words(id) };
        let at = *self.records.get(at as usize)? as usize;
        let bytes = self.types.get(at..at + record_size(self.types, at)?)?;
        let (words, _) = bytes.as_chunks::<4>();
        Some(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
    }

    /// Kind and name of what stands in a section.
    fn variable(&self, id: u32) -> Option<(&'static str, &'a str)> {
        let head = self.head_of(TypeId(id)).filter(|head| matches!(head.kind, 12 | 14))?;
        Some((kind_name(head.kind.into()), self.shown(head.name_off)))
    }

    fn shown(&self, offset: u32) -> &'a str {
        match self.string(offset) {
            Some("") => "(anon)",
            Some(name) => name,
            None => "(invalid)",
        }
    }
}

/// Kinds by their numbers.
#[rustfmt::skip]
const KINDS: [&str; 20] = [
    "UNKNOWN", "INT", "PTR", "ARRAY", "STRUCT", "UNION", "ENUM", "FWD", "TYPEDEF", "VOLATILE", "CONST", "RESTRICT", "FUNC",
    "FUNC_PROTO", "VAR", "DATASEC", "FLOAT", "DECL_TAG", "TYPE_TAG", "ENUM64",
];

fn kind_name(number: u32) -> &'static str {
    KINDS.get(number as usize).copied().unwrap_or("UNKNOWN")
}

/// What one record says, in its order. It displays as a line, with a line for each member, parameter, constant or
/// variable, and serialises as an object.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    id: TypeId,
    kind: &'static str,
    name: &'a str,
    fields: Fields<'a>,
    /// What the list is called, and its items.
    list: Option<(&'static str, Vec<Fields<'a>>)>,
    /// Of each item what the text says behind it: kind and name of a variable.
    behind: Vec<Option<(&'static str, &'a str)>>,
}

type Fields<'a> = Vec<(&'static str, Datum<'a>)>;

#[derive(Clone, Copy, Debug)]
enum Datum<'a> {
    Number(u64),
    Signed(i64),
    /// A constant of 64 bits, which the text marks as such.
    Long(u64),
    SignedLong(i64),
    Text(&'a str),
}

fn number(number: u32) -> Datum<'static> {
    Datum::Number(number.into())
}

/// A record's words.
struct Parts<'p, 'a> {
    scan: &'p Scan<'a>,
    count: u32,
    flag: bool,
    third: u32,
    rest: &'p [u32],
}

impl<'a> Parts<'_, 'a> {
    /// Fields and list of a record of this kind.
    fn of(&self, kind: u32) -> (Fields<'a>, Option<(&'static str, Vec<Fields<'a>>)>) {
        let (size, type_id) = (("size", number(self.third)), ("type_id", number(self.third)));
        let vlen = ("vlen", number(self.count));
        let encoding = ("encoding", Datum::Text(if self.flag { "SIGNED" } else { "UNSIGNED" }));
        match (kind, self.rest) {
            (1, [data]) => {
                let encoding = match (data >> 24) & 0xf {
                    0 => "(none)",
                    1 => "SIGNED",
                    2 => "CHAR",
                    4 => "BOOL",
                    _ => "UNKN",
                };
                let (offset, bits) = (number((data >> 16) & 0xff), number(data & 0xff));
                let encoding = ("encoding", Datum::Text(encoding));
                (vec![size, ("bits_offset", offset), ("nr_bits", bits), encoding], None)
            }
            (2 | 8..=11 | 18, _) => (vec![type_id], None),
            (3, [element, index, len]) => {
                let (element, index, len) = (number(*element), number(*index), number(*len));
                (vec![("type_id", element), ("index_type_id", index), ("nr_elems", len)], None)
            }
            (4 | 5, _) => (vec![size, vlen], Some(("members", self.each(|item| self.member(item))))),
            (6, _) => (vec![encoding, size, vlen], Some(("values", self.each(|item| self.constant(item))))),
            (19, _) => (vec![encoding, size, vlen], Some(("values", self.each(|item| self.long_constant(item))))),
            (7, _) => (vec![("fwd_kind", Datum::Text(if self.flag { "union" } else { "struct" }))], None),
            (12, _) => (vec![type_id, ("linkage", Datum::Text(linkage(self.count)))], None),
            (13, _) => {
                let param = |[name, id]: &[u32; 2]| vec![self.named(*name), ("type_id", number(*id))];
                (vec![("ret_type_id", number(self.third)), vlen], Some(("params", self.each(param))))
            }
            (14, [kind]) => (vec![type_id, ("linkage", Datum::Text(linkage(*kind)))], None),
            (15, _) => {
                let var = |[id, offset, size]: &[u32; 3]| {
                    vec![("type_id", number(*id)), ("offset", number(*offset)), ("size", number(*size))]
                };
                (vec![size, vlen], Some(("vars", self.each(var))))
            }
            (16, _) => (vec![size], None),
            (17, [component]) => {
                (vec![type_id, ("component_idx", Datum::Signed(component.cast_signed().into()))], None)
            }
            _ => (Vec::new(), None),
        }
    }

    fn each<const N: usize>(&self, item: impl Fn(&[u32; N]) -> Fields<'a>) -> Vec<Fields<'a>> {
        self.rest.as_chunks::<N>().0.iter().map(item).collect()
    }

    fn named(&self, offset: u32) -> (&'static str, Datum<'a>) {
        ("name", Datum::Text(self.scan.shown(offset)))
    }

    fn member(&self, [name, id, offset]: &[u32; 3]) -> Fields<'a> {
        let (bits, width) = if self.flag { (offset & 0x00ff_ffff, offset >> 24) } else { (*offset, 0) };
        let mut fields = vec![self.named(*name), ("type_id", number(*id)), ("bits_offset", number(bits))];
        if width > 0 {
            fields.push(("bitfield_size", number(width)));
        }
        fields
    }

    fn constant(&self, [name, value]: &[u32; 2]) -> Fields<'a> {
        let value = if self.flag { Datum::Signed(value.cast_signed().into()) } else { number(*value) };
        vec![self.named(*name), ("val", value)]
    }

    fn long_constant(&self, [name, low, high]: &[u32; 3]) -> Fields<'a> {
        let value = u64::from(*low) | u64::from(*high) << 32;
        let value = if self.flag { Datum::SignedLong(value.cast_signed()) } else { Datum::Long(value) };
        vec![self.named(*name), ("val", value)]
    }
}

fn linkage(number: u32) -> &'static str {
    match number {
        0 => "static",
        1 => "global",
        2 => "extern",
        _ => "(unknown)",
    }
}

impl fmt::Display for Datum<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Number(number) => write!(f, "{number}"),
            Datum::Signed(number) => write!(f, "{number}"),
            Datum::Long(number) => write!(f, "{number}ULL"),
            Datum::SignedLong(number) => write!(f, "{number}LL"),
            Datum::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {} '{}'", self.id.0, self.kind, self.name)?;
        let mut separator = " ";
        for (key, value) in &self.fields {
            write!(f, "{separator}{key}={value}")?;
            separator = if self.kind == "VAR" { ", " } else { " " };
        }
        let items = self.list.iter().flat_map(|(_, items)| items);
        for (item, behind) in items.zip(self.behind.iter().chain(std::iter::repeat(&None))) {
            let mut separator = "\n\t";
            for (key, value) in item {
                match *key {
                    "name" => write!(f, "{separator}'{value}'")?,
                    _ => write!(f, "{separator}{key}={value}")?,
                }
                separator = " ";
            }
            if let Some((kind, name)) = behind {
                write!(f, " ({kind} '{name}')")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Datum<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Datum::Number(number) | Datum::Long(number) => serializer.serialize_u64(*number),
            Datum::Signed(number) | Datum::SignedLong(number) => serializer.serialize_i64(*number),
            Datum::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// Fields as an object.
struct Item<'i, 'a>(&'i Fields<'a>);

impl Serialize for Item<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id.0)?;
        map.serialize_entry("kind", self.kind)?;
        map.serialize_entry("name", self.name)?;
        for (key, value) in &self.fields {
            map.serialize_entry(key, value)?;
        }
        if let Some((key, items)) = &self.list {
            map.serialize_entry(key, &items.iter().map(Item).collect::<Vec<_>>())?;
        }
        map.end()
    }
}
