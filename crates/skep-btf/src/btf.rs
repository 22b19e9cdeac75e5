//! Types as BTF encodes them, parsed into a vector; the encoded form is kept for the kernel.

use std::ops::Range;

use crate::kind::{self, Kind, Member, SectionVar, Type, TypeId};
use crate::read::{Reader, piece, string};

/// Parsed type information of one object or kernel.
///
/// ```
/// use skep_btf::Btf;
/// assert!(Btf::parse(&[0x9f, 0xeb, 1]).is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Btf {
    bytes: Vec<u8>,
    strings: Range<usize>,
    types: Vec<Type>,
    /// Where each type's record begins in `bytes`.
    records: Vec<usize>,
    /// The declaration tags: what is tagged, which member, offset of the text. Ordered by the first two.
    tags: Vec<(TypeId, i32, u32)>,
}

/// Why bytes are not BTF.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too short for a header, or not the magic number.
    #[error("not BTF: the header is cut short or does not begin with eb9f")]
    Header,
    /// A version other than 1.
    #[error("BTF version {0} is not known")]
    Version(u8),
    /// The types or strings lie outside the bytes.
    #[error("the {0} section lies outside the BTF")]
    Section(&'static str),
    /// A type record is cut short or of an unknown kind.
    #[error("type {id} at byte {offset} of the type section is cut short or of an unknown kind")]
    Type {
        /// Its number.
        id: u32,
        /// Where its record begins.
        offset: usize,
    },
    /// A type refers to a type or a name that there is not.
    #[error("type {id} refers to a type or a name that there is not")]
    Reference {
        /// Its number.
        id: u32,
    },
}

const MAGIC: u16 = 0xeb9f;
/// How many typedefs, qualifiers and array dimensions may stand in a row; the kernel allows 32.
pub(crate) const DEPTH: usize = 32;

/// Where the types and the strings lie, checked to be inside.
pub(crate) fn sections(bytes: &[u8]) -> Result<(Range<usize>, Range<usize>), Error> {
    let mut r = Reader::new(bytes);
    if r.u16() != Some(MAGIC) {
        return Err(Error::Header);
    }
    let version = r.u8().ok_or(Error::Header)?;
    if version != 1 {
        return Err(Error::Version(version));
    }
    let _flags = r.u8();
    let mut field = || r.u32().ok_or(Error::Header);
    let (header, type_off, type_len, str_off, str_len) = (field()?, field()?, field()?, field()?, field()?);
    let body = bytes.get(header as usize..).ok_or(Error::Header)?;
    piece(body, type_off, type_len).ok_or(Error::Section("type"))?;
    piece(body, str_off, str_len).ok_or(Error::Section("string"))?;
    let range = |off: u32, len: u32| {
        let start = header as usize + off as usize;
        start..start + len as usize
    };
    Ok((range(type_off, type_len), range(str_off, str_len)))
}

impl Btf {
    /// Reads little-endian BTF.
    ///
    /// # Errors
    /// [`Error`] says which part is damaged. Names and type numbers inside are checked when they are used.
    pub fn parse(bytes: &[u8]) -> Result<Btf, Error> {
        let (type_range, strings) = sections(bytes)?;
        let type_bytes = bytes.get(type_range.clone()).unwrap_or_default();
        let mut types = vec![Type { name_off: 0, kind: Kind::Void }];
        let mut records = vec![0];
        let mut r = Reader::new(type_bytes);
        while !r.is_empty() {
            let offset = r.at();
            let id = types.len() as u32;
            types.push(kind::read(&mut r).ok_or(Error::Type { id, offset })?);
            records.push(type_range.start + offset);
        }
        let tags = types.iter().filter_map(|t| match t.kind {
            Kind::DeclTag { type_id, component } => Some((type_id, component, t.name_off)),
            _ => None,
        });
        let mut tags: Vec<_> = tags.collect();
        tags.sort_by_key(|(of, component, _)| (*of, *component));
        Ok(Btf { bytes: bytes.to_vec(), strings, types, records, tags })
    }

    /// The encoded form, as the kernel takes it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The string at an offset of the string section; `None` for one of more than 4,096 bytes, not in UTF-8 or with control characters.
    pub fn string(&self, offset: u32) -> Option<&str> {
        string(self.bytes.get(self.strings.clone())?, offset)
    }

    /// A type by its number.
    pub fn get(&self, id: TypeId) -> Option<&Type> {
        self.types.get(id.0 as usize)
    }

    /// All types with their numbers, `void` first.
    pub fn types(&self) -> impl Iterator<Item = (TypeId, &Type)> {
        self.types.iter().enumerate().map(|(id, t)| (TypeId(id as u32), t))
    }

    /// A type's name, `""` when it has none.
    pub fn name(&self, id: TypeId) -> &str {
        self.get(id).and_then(|t| self.string(t.name_off)).unwrap_or("")
    }

    /// The first type of this name that `accept`s its kind.
    pub fn find(&self, name: &str, accept: impl Fn(&Kind) -> bool) -> Option<TypeId> {
        let strings = self.bytes.get(self.strings.clone())?;
        let is_named = |offset: u32| {
            let rest = strings.get(offset as usize..).and_then(|s| s.strip_prefix(name.as_bytes()));
            rest.is_some_and(|rest| rest.first() == Some(&0))
        };
        self.types().find(|(_, t)| accept(&t.kind) && is_named(t.name_off)).map(|(id, _)| id)
    }

    /// The type a user means by `event`, `struct event`, `union event` or `enum event`; a typedef counts.
    pub fn find_type(&self, spelled: &str) -> Option<TypeId> {
        let spelled = spelled.trim();
        let (word, name) = spelled.split_once(' ').unwrap_or(("", spelled));
        let of_word = |kind: &Kind| match word {
            "struct" => matches!(kind, Kind::Struct { .. }),
            "union" => matches!(kind, Kind::Union { .. }),
            "enum" => matches!(kind, Kind::Enum { .. }),
            _ => false,
        };
        let any = |kind: &Kind| {
            matches!(
                kind,
                Kind::Struct { .. } | Kind::Union { .. } | Kind::Enum { .. } | Kind::Typedef(_) | Kind::Int { .. }
            )
        };
        match word {
            "struct" | "union" | "enum" => self.find(name.trim(), of_word),
            _ => self.find(spelled, any),
        }
    }

    /// The type behind typedefs, qualifiers and type tags; `None` when they go in a circle or nowhere.
    pub fn resolve(&self, id: TypeId) -> Option<(TypeId, &Kind)> {
        let mut id = id;
        for _ in 0..DEPTH {
            let kind = &self.get(id)?.kind;
            match kind {
                Kind::Typedef(to) | Kind::Volatile(to) | Kind::Const(to) | Kind::Restrict(to) | Kind::TypeTag(to) => {
                    id = *to;
                }
                _ => return Some((id, kind)),
            }
        }
        None
    }

    /// Bytes a value of this type takes; `None` for `void`, functions and broken types.
    pub fn size_of(&self, id: TypeId) -> Option<u64> {
        let mut id = id;
        let mut count: u64 = 1;
        for _ in 0..DEPTH {
            let (_, kind) = self.resolve(id)?;
            let size = match kind {
                Kind::Int { size, .. }
                | Kind::Struct { size, .. }
                | Kind::Union { size, .. }
                | Kind::Enum { size, .. }
                | Kind::Float { size }
                | Kind::Datasec { size, .. } => u64::from(*size),
                Kind::Ptr(_) => 8,
                Kind::Var { type_id, .. } => {
                    id = *type_id;
                    continue;
                }
                Kind::Array { element, len } => {
                    count = count.checked_mul(u64::from(*len))?;
                    id = *element;
                    continue;
                }
                _ => return None,
            };
            return count.checked_mul(size);
        }
        None
    }

    /// Structures of exactly this size, for guessing what a record is.
    pub fn structs_of_size(&self, size: u64) -> impl Iterator<Item = TypeId> {
        self.types().filter_map(move |(id, t)| match &t.kind {
            Kind::Struct { size: s, .. } if u64::from(*s) == size && t.name_off != 0 => Some(id),
            _ => None,
        })
    }

    /// Text of the tags on a declaration (`component` -1) or on one of its members.
    pub fn decl_tags(&self, of: TypeId, component: i32) -> impl Iterator<Item = &str> {
        let place = (of, component);
        let first = self.tags.partition_point(|tag| (tag.0, tag.1) < place);
        let tagged = self.tags.iter().skip(first).take_while(move |tag| (tag.0, tag.1) == place);
        tagged.filter_map(|(_, _, text)| self.string(*text))
    }

    /// Gives a section of variables its size and each variable its offset, which compilers leave to the linker.
    /// `offset_of` is asked for the place of each variable by name; static ones have theirs already.
    pub fn set_section_layout(&mut self, section: TypeId, size: u32, offset_of: impl Fn(&str) -> Option<u32>) {
        let Some(Type { kind: Kind::Datasec { vars, .. }, .. }) = self.get(section) else { return };
        let mut placed: Vec<SectionVar> = vars
            .iter()
            .map(|v| {
                let is_static = matches!(self.get(v.type_id), Some(Type { kind: Kind::Var { linkage: 0, .. }, .. }));
                let place = if is_static { None } else { offset_of(self.name(v.type_id)) };
                SectionVar { offset: place.unwrap_or(v.offset), ..v.clone() }
            })
            .collect();
        // The kernel wants them in the order of their offsets.
        placed.sort_by_key(|v| v.offset);
        let words = std::iter::once((8, size)).chain(placed.iter().enumerate().flat_map(|(at, v)| {
            let first = 12 + at * 12;
            [(first, v.type_id.0), (first + 4, v.offset), (first + 8, v.size)]
        }));
        self.write_words(section, &words.collect::<Vec<_>>());
        if let Some(t) = self.types.get_mut(section.0 as usize) {
            t.kind = Kind::Datasec { size, vars: placed };
        }
    }

    /// Lays out a section of variables that the object only declares, and makes them global ones.
    pub fn set_extern_layout(&mut self, section: TypeId, size: u32, offset_of: impl Fn(&str) -> Option<u32>) {
        self.set_section_layout(section, size, offset_of);
        let Some(Type { kind: Kind::Datasec { vars, .. }, .. }) = self.get(section) else { return };
        for var in vars.clone() {
            self.settle_extern(var.type_id, var.type_id);
        }
    }

    /// Makes declarations of what the object does not define fit for the kernel, which knows none: functions and variables
    /// become global ones, nameless parameters get a name, and a section that lists them becomes a nameless structure of
    /// integers, to which nothing refers.
    pub fn settle_externs(&mut self, section: TypeId, int: TypeId) {
        const INT_SIZE: u32 = 4;
        const STRUCT: u32 = 4 << 24;
        let Some(Type { kind: Kind::Datasec { vars, .. }, .. }) = self.get(section) else { return };
        let vars = vars.clone();
        for var in &vars {
            self.settle_extern(var.type_id, int);
        }
        let count = u32::try_from(vars.len()).unwrap_or(0);
        self.write_words(section, &[(0, 0), (4, STRUCT | count), (8, count * INT_SIZE)]);
        let mut members = Vec::new();
        for at in 0..count {
            let (record, bit_offset) = (12 + at as usize * 12, at * INT_SIZE * 8);
            self.write_words(section, &[(record, 0), (record + 4, int.0), (record + 8, bit_offset)]);
            members.push(Member { name_off: 0, type_id: int, bit_offset, bit_size: 0 });
        }
        if let Some(t) = self.types.get_mut(section.0 as usize) {
            *t = Type { name_off: 0, kind: Kind::Struct { size: count * INT_SIZE, members } };
        }
    }

    /// Makes a function static: the verifier then checks it where it is called, not once for any arguments.
    pub fn set_static(&mut self, func: TypeId) {
        const STATIC: u16 = 0;
        const FUNC: u32 = 12 << 24;
        let Some(&Type { kind: Kind::Func { proto, .. }, name_off }) = self.get(func) else { return };
        self.write_words(func, &[(4, FUNC | u32::from(STATIC))]);
        self.put(func, Type { name_off, kind: Kind::Func { proto, linkage: STATIC } });
    }

    fn settle_extern(&mut self, id: TypeId, int: TypeId) {
        const GLOBAL: u16 = 1;
        const FUNC: u32 = 12 << 24;
        match self.get(id).cloned() {
            Some(Type { kind: Kind::Var { type_id, .. }, name_off }) => {
                let is_void = self.resolve(type_id).is_none_or(|(_, kind)| matches!(kind, Kind::Void));
                let type_id = if is_void { int } else { type_id };
                self.write_words(id, &[(8, type_id.0), (12, GLOBAL.into())]);
                self.put(id, Type { name_off, kind: Kind::Var { type_id, linkage: GLOBAL.into() } });
            }
            Some(Type { kind: Kind::Func { proto, .. }, name_off }) => {
                self.write_words(id, &[(4, FUNC | u32::from(GLOBAL))]);
                self.put(id, Type { name_off, kind: Kind::Func { proto, linkage: GLOBAL } });
                let Some(Type { kind: Kind::FuncProto { ret, mut params }, name_off: none }) = self.get(proto).cloned()
                else {
                    return;
                };
                for (at, (name, of)) in params.iter_mut().enumerate() {
                    // An argument list without an end has neither name nor type.
                    if *name == 0 && of.0 != 0 {
                        *name = name_off;
                        self.write_words(proto, &[(12 + at * 8, name_off)]);
                    }
                }
                self.put(proto, Type { name_off: none, kind: Kind::FuncProto { ret, params } });
            }
            _ => {}
        }
    }

    fn put(&mut self, id: TypeId, new: Type) {
        if let Some(t) = self.types.get_mut(id.0 as usize) {
            *t = new;
        }
    }

    /// Where a type's record lies in the encoded form, whose types end at `end`.
    pub(crate) fn record(&self, id: TypeId, end: usize) -> Range<usize> {
        let at = id.0 as usize;
        let start = self.records.get(at).copied().unwrap_or(end);
        start..self.records.get(at + 1).copied().unwrap_or(end)
    }

    /// Writes words at offsets of a type's record.
    fn write_words(&mut self, id: TypeId, words: &[(usize, u32)]) {
        let Some(record) = self.records.get(id.0 as usize).copied() else { return };
        for (at, word) in words {
            if let Some(place) = self.bytes.get_mut(record + at..record + at + 4) {
                place.copy_from_slice(&word.to_le_bytes());
            }
        }
    }
}
