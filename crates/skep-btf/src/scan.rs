//! A look into large BTF without parsing it: the records are walked once, names are compared
//! where they stand.
//!
//! Enter at [`Scan::new`]. The kernel's own types (some 130,000 records, 5 MB) are walked in about a millisecond.

use crate::btf::{Error, sections};
use crate::kind::{self, Kind, Type, TypeId};
use crate::read::{Reader, string};

/// Record kinds a scan can look for, with BTF's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum KindId {
    /// `struct`.
    Struct = 4,
    /// `enum`, of at most 32 bits.
    Enum = 6,
    /// A typedef.
    Typedef = 8,
    /// A function.
    Func = 12,
    /// A variable.
    Var = 14,
    /// A declaration tag.
    DeclTag = 17,
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
    /// Where each record begins in `types`; the first is that of type 1.
    records: Vec<u32>,
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
        let (types, strings) = sections(bytes)?;
        let (types, strings) = (bytes.get(types).unwrap_or_default(), bytes.get(strings).unwrap_or_default());
        let mut records = Vec::with_capacity(types.len() / 24);
        let mut at = 0;
        while at < types.len() {
            let damaged = || Error::Type { id: records.len() as u32 + 1, offset: at };
            let size = record_size(types, at).ok_or_else(damaged)?;
            let end = at.checked_add(size).filter(|end| *end <= types.len()).ok_or_else(damaged)?;
            records.push(u32::try_from(at).map_err(|_| Error::Section("type"))?);
            at = end;
        }
        Ok(Scan { types, strings, records })
    }

    /// The type of a kind with this name.
    pub fn find(&self, kind: KindId, name: &str) -> Option<TypeId> {
        self.heads().find(|(_, head)| head.kind == kind as u8 && self.is_named(head.name_off, name)).map(|(id, _)| id)
    }

    /// The types of several kinds and names, found in one walk; in the order they were asked for.
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
        let at = *self.records.get(id.0.checked_sub(1)? as usize)?;
        kind::read(&mut Reader::new(self.types.get(at as usize..)?))
    }

    /// A type's name, empty where it has none.
    pub fn name(&self, id: TypeId) -> &'a str {
        let head = self.get(id);
        head.and_then(|t| self.string(t.name_off)).unwrap_or_default()
    }

    /// A name by its offset.
    pub fn string(&self, offset: u32) -> Option<&'a str> {
        string(self.strings, offset)
    }

    /// The function's prototype as C declares it: result type, then each parameter's type and name.
    ///
    /// `None` for what is no function.
    pub fn prototype(&self, func: TypeId) -> Option<Prototype<'a>> {
        let Kind::Func { proto, .. } = self.get(func)?.kind else { return None };
        let Kind::FuncProto { ret, params } = self.get(proto)?.kind else { return None };
        let params =
            params.iter().map(|(name, id)| (self.spell(*id), self.string(*name).unwrap_or_default())).collect();
        Some(Prototype { name: self.name(func), result: self.spell(ret), params })
    }

    /// A type as C spells it, without a declared name: `const struct sk_buff *`.
    pub fn spell(&self, id: TypeId) -> String {
        self.spelled(id, crate::btf::DEPTH)
    }

    fn spelled(&self, id: TypeId, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else { return "…".to_owned() };
        let Some(found) = self.get(id) else { return "void".to_owned() };
        let name = self.string(found.name_off).unwrap_or_default();
        let named = |word: &str| if name.is_empty() { format!("{word} {{…}}") } else { format!("{word} {name}") };
        match found.kind {
            Kind::Ptr(to) => {
                let inner = self.spelled(to, depth);
                if inner.ends_with('*') { format!("{inner}*") } else { format!("{inner} *") }
            }
            Kind::Const(to) => match self.spelled(to, depth) {
                pointer if pointer.ends_with('*') => format!("{pointer} const"),
                inner => format!("const {inner}"),
            },
            Kind::Volatile(to) => format!("volatile {}", self.spelled(to, depth)),
            Kind::Restrict(to) | Kind::TypeTag(to) => self.spelled(to, depth),
            Kind::Struct { .. } | Kind::Fwd { union: false } => named("struct"),
            Kind::Union { .. } | Kind::Fwd { union: true } => named("union"),
            Kind::Enum { .. } => named("enum"),
            Kind::Array { element, len } => format!("{}[{len}]", self.spelled(element, depth)),
            Kind::FuncProto { ret, .. } => format!("{} (*)(…)", self.spelled(ret, depth)),
            _ if name.is_empty() => "void".to_owned(),
            _ => name.to_owned(),
        }
    }

    fn is_named(&self, name_off: u32, name: &str) -> bool {
        let rest = self.strings.get(name_off as usize..).and_then(|s| s.strip_prefix(name.as_bytes()));
        rest.is_some_and(|rest| rest.first() == Some(&0))
    }

    fn heads(&self) -> impl Iterator<Item = (TypeId, Head)> + '_ {
        (1u32..).zip(&self.records).filter_map(|(id, at)| Some((TypeId(id), head(self.types, *at as usize)?.0)))
    }
}

/// A function as C declares it.
#[derive(Clone, Debug)]
pub struct Prototype<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its result's type.
    pub result: String,
    /// Type and name of each parameter.
    pub params: Vec<(String, &'a str)>,
}

impl std::fmt::Display for Prototype<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let join = |(ty, name): &(String, &str)| match name.is_empty() {
            true => ty.clone(),
            false if ty.ends_with('*') => format!("{ty}{name}"),
            false => format!("{ty} {name}"),
        };
        let params: Vec<String> = self.params.iter().map(join).collect();
        let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
        let blank = if self.result.ends_with('*') { "" } else { " " };
        write!(f, "{}{blank}{}({params})", self.result, self.name)
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
