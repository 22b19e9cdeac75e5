//! Types to bytes: a [`Builder`] collects types and strings and encodes them as [`crate::Btf::parse`] reads them.

use std::collections::HashMap;

use crate::ext::Ext;
use crate::kind::{KIND_FLAG, Kind, Member, Type, TypeId};

/// Types and strings of one object, to be encoded.
///
/// ```
/// use skep_btf::{Btf, Builder, Kind};
/// let mut builder = Builder::new();
/// let int = builder.add("u32", Kind::Int { size: 4, bits: 32, signed: false, char: false, bool: false });
/// builder.add("", Kind::Ptr(int));
/// let btf = Btf::parse(&builder.encode()?).unwrap();
/// assert_eq!(btf.name(int), "u32");
/// # Ok::<(), skep_btf::TooLarge>(())
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    types: Vec<Type>,
    strings: Vec<u8>,
    offsets: HashMap<String, u32>,
    /// The type of arrays' indices; without it, that of their elements.
    index: Option<TypeId>,
}

/// A list or the strings are longer than BTF can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// A type has more than 65,535 members, parameters, constants or variables.
    #[error("a type has {0} members, and BTF counts to 65535")]
    Members(usize),
    /// The types or strings together.
    #[error("the types and their strings take more than 4 GiB")]
    Bytes,
}

const MAGIC: u16 = 0xeb9f;
/// Bytes of the header.
const HEADER: u32 = 24;

impl Default for Builder {
    fn default() -> Builder {
        Builder::new()
    }
}

impl Builder {
    /// No types but `void`, no string but the empty one.
    pub fn new() -> Builder {
        Builder { types: Vec::new(), strings: vec![0], offsets: HashMap::from([(String::new(), 0)]), index: None }
    }

    /// Offset of a string, which is kept once. A NUL in it ends it.
    pub fn string(&mut self, text: &str) -> u32 {
        let text = text.split('\0').next().unwrap_or("");
        if let Some(offset) = self.offsets.get(text) {
            return *offset;
        }
        let offset = self.strings.len() as u32;
        self.strings.extend(text.bytes());
        self.strings.push(0);
        self.offsets.insert(text.to_owned(), offset);
        offset
    }

    /// Adds a type; types it refers to may come later. Names inside it are offsets of [`string`](Builder::string).
    pub fn add(&mut self, name: &str, kind: Kind) -> TypeId {
        let name_off = self.string(name);
        self.types.push(Type { name_off, kind });
        TypeId(self.types.len() as u32)
    }

    /// Adds a type whose name is an offset already.
    pub(crate) fn push(&mut self, new: Type) {
        self.types.push(new);
    }

    /// Gives indices of arrays an integer type, as the kernel wants: clang's own where there is one, else any of four bytes,
    /// else a new one. Without this an array's element stands there.
    pub fn index_arrays(&mut self) {
        const CLANG: &str = "__ARRAY_SIZE_TYPE__";
        if !self.types.iter().any(|found| matches!(found.kind, Kind::Array { .. })) {
            return;
        }
        let clang = self.offsets.get(CLANG).copied();
        let integers = (1..)
            .zip(&self.types)
            .filter(|(_, found)| matches!(found.kind, Kind::Int { size: 4, bits: 32, bool: false, char: false, .. }));
        let best = integers.min_by_key(|(_, found)| Some(found.name_off) != clang).map(|(id, _)| TypeId(id));
        let new = Kind::Int { size: 4, bits: 32, signed: false, char: false, bool: false };
        self.index = Some(best.unwrap_or_else(|| self.add(CLANG, new)));
    }

    /// The little-endian encoding.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn encode(&self) -> Result<Vec<u8>, TooLarge> {
        let mut types = Words { index: self.index, ..Words::default() };
        self.types.iter().try_for_each(|t| types.record(t))?;
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| TooLarge::Bytes);
        let (type_len, str_len) = (length(&types.bytes)?, length(&self.strings)?);
        let mut out = Words::default();
        out.bytes.extend(MAGIC.to_le_bytes());
        out.bytes.extend([1, 0]);
        out.words(&[HEADER, 0, type_len, type_len, str_len]);
        out.bytes.extend(types.bytes);
        out.bytes.extend(&self.strings);
        Ok(out.bytes)
    }
}

impl Ext {
    /// The little-endian encoding of `.BTF.ext`; records keep their order within a section.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn encode(&self) -> Result<Vec<u8>, TooLarge> {
        let funcs = part(8, &self.funcs, |f| f.section, |f| vec![f.offset, f.type_id.0]);
        let place = |line: u32, column: u32| line << 10 | column & 0x3ff;
        let words = |l: &crate::ext::LineRecord| vec![l.offset, l.file_off, l.text_off, place(l.line, l.column)];
        let lines = part(16, &self.lines, |l| l.section, words);
        let cores = part(16, &self.cores, |c| c.section, |c| vec![c.offset, c.type_id.0, c.access_off, c.kind]);
        let length = |part: &Words| u32::try_from(part.bytes.len()).map_err(|_| TooLarge::Bytes);
        let (func_len, line_len, core_len) = (length(&funcs)?, length(&lines)?, length(&cores)?);
        let line_off = func_len;
        let core_off = line_off.checked_add(line_len).ok_or(TooLarge::Bytes)?;
        let mut out = Words::default();
        out.bytes.extend(MAGIC.to_le_bytes());
        out.bytes.extend([1, 0]);
        out.words(&[32, 0, func_len, line_off, line_len, core_off, core_len]);
        for part in [funcs, lines, cores] {
            out.bytes.extend(part.bytes);
        }
        Ok(out.bytes)
    }
}

/// One part of `.BTF.ext`: the size of a record, then for each section its name, a count and the records.
fn part<T>(size: u32, records: &[T], section: impl Fn(&T) -> u32, words: impl Fn(&T) -> Vec<u32>) -> Words {
    let mut out = Words::default();
    if records.is_empty() {
        return out;
    }
    out.words(&[size]);
    let mut order: Vec<&T> = records.iter().collect();
    order.sort_by_key(|record| section(record));
    for group in order.chunk_by(|a, b| section(a) == section(b)) {
        out.words(&[group.first().map_or(0, |record| section(record)), group.len() as u32]);
        group.iter().for_each(|record| out.words(&words(record)));
    }
    out
}

/// Bytes that are written word by word.
#[derive(Default)]
struct Words {
    bytes: Vec<u8>,
    /// The type of arrays' indices.
    index: Option<TypeId>,
}

impl Words {
    fn words(&mut self, words: &[u32]) {
        self.bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    }

    /// One type, as [`crate::kind::read`] reads it.
    fn record(&mut self, t: &Type) -> Result<(), TooLarge> {
        let flag = |set: bool| if set { KIND_FLAG } else { 0 };
        let mut head = |number: u32, count: usize, flags: u32, size_or_type: u32| {
            let count = u16::try_from(count).map_err(|_| TooLarge::Members(count))?;
            self.words(&[t.name_off, number << 24 | flags | u32::from(count), size_or_type]);
            Ok(())
        };
        match &t.kind {
            Kind::Void => head(0, 0, 0, 0)?,
            Kind::Int { size, bits, signed, char, bool } => {
                head(1, 0, 0, *size)?;
                let encoding = u32::from(*signed) | u32::from(*char) << 1 | u32::from(*bool) << 2;
                self.words(&[encoding << 24 | u32::from(*bits)]);
            }
            Kind::Ptr(to) => head(2, 0, 0, to.0)?,
            Kind::Array { element, len } => {
                head(3, 0, 0, 0)?;
                // Of the index, readers do not ask; the kernel wants an integer.
                self.words(&[element.0, self.index.unwrap_or(*element).0, *len]);
            }
            Kind::Struct { size, members } | Kind::Union { size, members } => {
                let fields = members.iter().any(|m| m.bit_size != 0);
                let number = if matches!(t.kind, Kind::Struct { .. }) { 4 } else { 5 };
                head(number, members.len(), flag(fields), *size)?;
                for Member { name_off, type_id, bit_offset, bit_size } in members {
                    self.words(&[*name_off, type_id.0, bit_offset | u32::from(*bit_size) << 24]);
                }
            }
            Kind::Enum { size, signed, values } => {
                let long = *size > 4;
                head(if long { 19 } else { 6 }, values.len(), flag(*signed), *size)?;
                for v in values {
                    self.words(&[v.name_off, v.value as u32]);
                    if long {
                        self.words(&[(v.value >> 32) as u32]);
                    }
                }
            }
            Kind::Fwd { union } => head(7, 0, flag(*union), 0)?,
            Kind::Typedef(to) => head(8, 0, 0, to.0)?,
            Kind::Volatile(to) => head(9, 0, 0, to.0)?,
            Kind::Const(to) => head(10, 0, 0, to.0)?,
            Kind::Restrict(to) => head(11, 0, 0, to.0)?,
            Kind::Func { proto, linkage } => head(12, usize::from(*linkage), 0, proto.0)?,
            Kind::FuncProto { ret, params } => {
                head(13, params.len(), 0, ret.0)?;
                params.iter().for_each(|(name, of)| self.words(&[*name, of.0]));
            }
            Kind::Var { type_id, linkage } => {
                head(14, 0, 0, type_id.0)?;
                self.words(&[*linkage]);
            }
            Kind::Datasec { size, vars } => {
                head(15, vars.len(), 0, *size)?;
                vars.iter().for_each(|v| self.words(&[v.type_id.0, v.offset, v.size]));
            }
            Kind::Float { size } => head(16, 0, 0, *size)?,
            Kind::DeclTag { type_id, component } => {
                head(17, 0, 0, type_id.0)?;
                self.words(&[*component as u32]);
            }
            Kind::TypeTag(to) => head(18, 0, 0, to.0)?,
        }
        Ok(())
    }
}
