//! A look into large BTF without parsing it: the records are walked once, names are compared
//! where they stand.
//!
//! Enter at [`Scan::new`], for a module's types at [`Scan::split`]. The kernel's own types (some 130,000 records, 5 MB) are
//! walked in about a millisecond; an index of names is made when it is first asked for.

mod essential;
mod raw;
mod spell;

use std::sync::OnceLock;

pub(crate) use essential::essential;
pub use raw::Record;
pub use spell::Prototype;

use crate::btf::{Error, sections};
use crate::kind::{self, Kind, Type, TypeId};
use crate::read::{Reader, string};

/// Record kinds a scan can look for, with BTF's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum KindId {
    /// An integer, `char` or `bool`.
    Int = 1,
    /// `struct`.
    Struct = 4,
    /// `union`.
    Union = 5,
    /// `enum`, of at most 32 bits.
    Enum = 6,
    /// A structure or union that is named only.
    Fwd = 7,
    /// A typedef.
    Typedef = 8,
    /// A function.
    Func = 12,
    /// A variable.
    Var = 14,
    /// A declaration tag.
    DeclTag = 17,
    /// `enum`, of 64 bits.
    Enum64 = 19,
}

/// Encoded types, looked at in place.
///
/// ```
/// use skep_btf::{Builder, Kind, KindId, Scan};
/// let mut builder = Builder::new();
/// let int = builder.add("int", Kind::Int { size: 4, bits: 32, signed: true, char: false, bool: false });
/// let name = builder.add("my_int", Kind::Typedef(int));
/// let bytes = builder.encode().unwrap();
/// let scan = Scan::new(&bytes).unwrap();
/// assert_eq!(scan.find(KindId::Typedef, "my_int"), Some(name));
/// assert_eq!(scan.find(KindId::Func, "my_int"), None);
/// ```
#[derive(Debug)]
pub struct Scan<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    /// Where each record begins in `types`; the first is that of type `first`.
    records: Vec<u32>,
    /// The types whose numbers and strings come before these.
    base: Option<&'a Scan<'a>>,
    /// Number of the first type of its own.
    first: u32,
    /// Offset of the first string of its own.
    first_string: usize,
    /// Hash of the essential name and number of each type of its own, ordered.
    index: OnceLock<Vec<(u32, u32)>>,
}

/// The head of a record.
#[derive(Clone, Copy)]
struct Head {
    name_off: u32,
    kind: u8,
    target: u32,
}

impl<'a> Scan<'a> {
    /// Walks little-endian BTF.
    ///
    /// # Errors
    /// [`Error`] says which part is damaged.
    pub fn new(bytes: &'a [u8]) -> Result<Scan<'a>, Error> {
        Scan::walk(bytes, None)
    }

    /// Walks types that continue those of `base`, as a module's do the kernel's: numbers of types and offsets of strings
    /// go on where the base's end.
    ///
    /// # Errors
    /// As [`Scan::new`].
    pub fn split(bytes: &'a [u8], base: &'a Scan<'a>) -> Result<Scan<'a>, Error> {
        Scan::walk(bytes, Some(base))
    }

    fn walk(bytes: &'a [u8], base: Option<&'a Scan<'a>>) -> Result<Scan<'a>, Error> {
        let first = base.map_or(1, Scan::end);
        let first_string = base.map_or(0, |base| base.first_string + base.strings.len());
        let (types, strings) = sections(bytes)?;
        let (types, strings) = (bytes.get(types).unwrap_or_default(), bytes.get(strings).unwrap_or_default());
        let mut records = Vec::with_capacity(types.len() / 24);
        let mut at = 0;
        while at < types.len() {
            let damaged = || Error::Type { id: first.saturating_add(records.len() as u32), offset: at };
            let size = record_size(types, at).ok_or_else(damaged)?;
            let end = at.checked_add(size).filter(|end| *end <= types.len()).ok_or_else(damaged)?;
            records.push(u32::try_from(at).map_err(|_| Error::Section("type"))?);
            at = end;
        }
        // Every type has a number of 32 bits.
        first.checked_add(records.len() as u32).ok_or(Error::Section("type"))?;
        Ok(Scan { types, strings, records, base, first, first_string, index: OnceLock::new() })
    }

    /// The types these continue.
    pub fn base(&self) -> Option<&'a Scan<'a>> {
        self.base
    }

    /// Numbers of its own types, without those of its base.
    pub fn ids(&self) -> impl Iterator<Item = TypeId> + use<> {
        (self.first..self.end()).map(TypeId)
    }

    /// One more than the number of its last type.
    fn end(&self) -> u32 {
        self.first + self.records.len() as u32
    }

    /// The type of a kind with this name, of its own or of its base.
    pub fn find(&self, kind: KindId, name: &str) -> Option<TypeId> {
        let own = self.find_own(kind, name);
        own.or_else(|| self.base?.find(kind, name))
    }

    fn find_own(&self, kind: KindId, name: &str) -> Option<TypeId> {
        self.heads().find(|(_, head)| head.kind == kind as u8 && self.is_named(head.name_off, name)).map(|(id, _)| id)
    }

    /// The types of several kinds and names among its own, found in one walk; in the order they were asked for.
    pub fn find_all(&self, wanted: &[(KindId, &str)]) -> Vec<Option<TypeId>> {
        let mut found = vec![None; wanted.len()];
        let is_wanted = |kind: u8| wanted.iter().any(|(k, _)| *k as u8 == kind);
        for (id, head) in self.heads().filter(|(_, head)| is_wanted(head.kind)) {
            for (slot, (kind, name)) in found.iter_mut().zip(wanted) {
                if slot.is_none() && *kind as u8 == head.kind && self.is_named(head.name_off, name) {
                    *slot = Some(id);
                }
            }
        }
        found
    }

    /// The types that bear a declaration tag of this text, in the order of the tags.
    pub fn tagged(&self, tag: &str) -> Vec<TypeId> {
        let tags = self.heads().filter(|(_, h)| h.kind == KindId::DeclTag as u8 && self.is_named(h.name_off, tag));
        tags.map(|(_, head)| TypeId(head.target)).collect()
    }

    /// The names of an enum's constants.
    pub fn enumerators(&self, name: &str) -> Option<Vec<&'a str>> {
        let Kind::Enum { values, .. } = self.get(self.find(KindId::Enum, name)?)?.kind else { return None };
        Some(values.iter().filter_map(|v| self.string(v.name_off)).collect())
    }

    /// A type, parsed; `None` for `void` and for numbers that no type has.
    pub fn get(&self, id: TypeId) -> Option<Type> {
        match id.0.checked_sub(self.first) {
            Some(at) => kind::read(&mut Reader::new(self.types.get(*self.records.get(at as usize)? as usize..)?)),
            None => self.base?.get(id),
        }
    }

    /// A type's name, empty where it has none.
    pub fn name(&self, id: TypeId) -> &'a str {
        self.head_of(id).and_then(|head| self.string(head.name_off)).unwrap_or_default()
    }

    /// The head of a type's record, of its own or of its base.
    fn head_of(&self, id: TypeId) -> Option<Head> {
        match id.0.checked_sub(self.first) {
            Some(at) => head(self.types, *self.records.get(at as usize)? as usize).map(|(head, _)| head),
            None => self.base?.head_of(id),
        }
    }

    /// A name by its offset.
    pub fn string(&self, offset: u32) -> Option<&'a str> {
        match (offset as usize).checked_sub(self.first_string) {
            Some(at) => string(self.strings, u32::try_from(at).ok()?),
            None => self.base?.string(offset),
        }
    }

    /// A string's bytes from its offset on.
    fn bytes_at(&self, offset: u32) -> Option<&'a [u8]> {
        match (offset as usize).checked_sub(self.first_string) {
            Some(at) => self.strings.get(at..),
            None => self.base?.bytes_at(offset),
        }
    }

    fn is_named(&self, name_off: u32, name: &str) -> bool {
        let rest = self.bytes_at(name_off).and_then(|s| s.strip_prefix(name.as_bytes()));
        rest.is_some_and(|rest| rest.first() == Some(&0))
    }

    fn heads(&self) -> impl Iterator<Item = (TypeId, Head)> + '_ {
        (self.first..).zip(&self.records).filter_map(|(id, at)| Some((TypeId(id), head(self.types, *at as usize)?.0)))
    }
}

/// A record's head and its second word.
fn head(types: &[u8], at: usize) -> Option<(Head, u32)> {
    let words: &[u8; 12] = types.get(at..)?.first_chunk()?;
    let [n0, n1, n2, n3, i0, i1, i2, i3, t0, t1, t2, t3] = *words;
    let info = u32::from_le_bytes([i0, i1, i2, i3]);
    let head = Head {
        name_off: u32::from_le_bytes([n0, n1, n2, n3]),
        kind: ((info >> 24) & 0x1f) as u8,
        target: u32::from_le_bytes([t0, t1, t2, t3]),
    };
    Some((head, info))
}

/// Bytes of the record at an offset, `None` for an unknown kind.
fn record_size(types: &[u8], at: usize) -> Option<usize> {
    let (head, info) = head(types, at)?;
    let count = (info & 0xffff) as usize;
    let more = match head.kind {
        1 | 14 | 17 => 4,
        3 => 12,
        4 | 5 | 15 | 19 => count * 12,
        6 | 13 => count * 8,
        2 | 7..=12 | 16 | 18 => 0,
        _ => return None,
    };
    Some(12 + more)
}
