//! Types rewritten so that a kernel takes them that is older than their compiler: each type keeps its number, its size and
//! its place, each string its offset.
//!
//! Enter at [`Btf::sanitize`]. Which kernel takes what stands in [`skep_isa::spec::btf_feature`]; nothing here asks one.

use std::collections::{BTreeMap, HashMap, HashSet};

use skep_isa::spec::BtfFeature;

use crate::btf::{Btf, sections};
use crate::kind::{KIND_FLAG, Kind, SectionVar, TypeId};

/// Types fit for a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sanitized {
    /// The encoded form.
    pub bytes: Vec<u8>,
    /// What was changed, and in how many types; empty when all could stay.
    pub changes: BTreeMap<Change, u32>,
}

/// Why a type was changed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Change {
    /// The kernel does not take it.
    Lacks(BtfFeature),
    /// No kernel takes functions with nameless parameters, which compilers write: they were named.
    NamelessParameter,
    /// No kernel takes names that are no identifiers: letters in them were replaced by `_`.
    Name,
    /// No kernel takes declarations of what the object does not define: they became global ones.
    Extern,
    /// No kernel takes an enumeration that is only declared, which has no size: it got that of an `int`.
    EnumSize,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Change::Lacks(feature) => {
                let row = feature.row();
                write!(f, "{} (since {}) replaced by {}", row.records, row.since, row.instead)
            }
            Change::NamelessParameter => f.write_str("nameless parameters of functions named"),
            Change::Name => f.write_str("letters that no identifier has replaced by `_`"),
            Change::Extern => f.write_str("declarations of what the object does not define made global"),
            Change::EnumSize => f.write_str("enumerations that are only declared given the size of an `int`"),
        }
    }
}

/// Numbers of the kinds that are written, as in `Documentation/bpf/btf.rst`.
const INT: u32 = 1;
const STRUCT: u32 = 4;
const ENUM: u32 = 6;
const TYPEDEF: u32 = 8;
const CONST: u32 = 10;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;
const DATASEC: u32 = 15;

/// Size of an `int`, and of an enumeration.
const INT_SIZE: u32 = 4;
/// What a parameter without a name is called.
const PARAMETER: &[u8] = b"unnamed";
/// Longest name that is written; kernels before 6.1 take none longer.
const LONGEST_NAME: usize = 127;

impl Btf {
    /// The same types without what a kernel does not have, and without what no kernel takes.
    ///
    /// Numbers of types and offsets of strings stay, so all that refers to them does too. Sizes stay, except those of
    /// variables where there can be no sections of them.
    pub fn sanitize(&self, has: impl Fn(BtfFeature) -> bool) -> Sanitized {
        let Ok((type_range, strings)) = sections(self.bytes()) else { return Sanitized::unchanged(self) };
        let proto = |kind: &Kind| if let Kind::Func { proto, .. } = kind { Some(*proto) } else { None };
        let piece = |range| self.bytes().get(range).unwrap_or_default();
        let mut rewrite = Rewrite {
            btf: self,
            has,
            protos: self.types().filter_map(|(_, t)| proto(&t.kind)).collect(),
            names: Names::new(piece(strings)),
        };
        let (mut types, mut changes) = (Vec::with_capacity(type_range.len()), BTreeMap::new());
        for (id, t) in self.types().skip(1) {
            let record = piece(self.record(id, type_range.end));
            match rewrite.type_of(id, &t.kind, &words(record)) {
                Some((change, words)) => {
                    *changes.entry(change).or_default() += 1;
                    types.extend(words.iter().flat_map(|word| word.to_le_bytes()));
                }
                None => types.extend(record),
            }
        }
        // It is for readers, and none reads this but the kernel.
        if has_layout(self.bytes())
            && let Some(lacks) = rewrite.lacks(BtfFeature::Layout)
        {
            changes.insert(Change::Lacks(lacks), 1);
        }
        if changes.is_empty() {
            return Sanitized::unchanged(self);
        }
        Sanitized { bytes: encode(&types, &rewrite.names.strings), changes }
    }
}

impl Sanitized {
    /// The types as they are.
    pub fn unchanged(btf: &Btf) -> Sanitized {
        Sanitized { bytes: btf.bytes().to_vec(), changes: BTreeMap::new() }
    }
}

fn words(record: &[u8]) -> Vec<u32> {
    record.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

/// Bytes of a header that names types and strings alone.
const HEADER: u32 = 24;

/// Whether there is a section that tells of the kinds.
fn has_layout(bytes: &[u8]) -> bool {
    bytes.get(4..8).is_some_and(|length| words(length).first().is_some_and(|length| *length > HEADER))
}

/// A header, the types, the strings; nothing between or behind them, which kernels refuse.
fn encode(types: &[u8], strings: &[u8]) -> Vec<u8> {
    let (type_len, str_len) = (types.len() as u32, strings.len() as u32);
    let mut bytes = vec![0x9f, 0xeb, 1, 0];
    bytes.extend([HEADER, 0, type_len, type_len, str_len].iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend(types);
    bytes.extend(strings);
    bytes
}

/// The first three words of a record.
fn head(name: u32, kind: u32, count: usize, last: u32) -> Vec<u32> {
    vec![name, kind << 24 | count as u32, last]
}

fn int(name: u32, size: u32, bits: u32, signed: bool) -> Vec<u32> {
    vec![name, INT << 24, size, u32::from(signed) << 24 | bits]
}

fn section(name: u32, size: u32, vars: &[SectionVar]) -> Vec<u32> {
    let vars_of = vars.iter().flat_map(|var| [var.type_id.0, var.offset, var.size]);
    head(name, DATASEC, vars.len(), size).into_iter().chain(vars_of).collect()
}

/// A new record and why it takes the place of another.
type New<Why> = Option<(Why, Vec<u32>)>;

struct Rewrite<'a, H> {
    btf: &'a Btf,
    has: H,
    /// Prototypes of functions, not those of pointers alone.
    protos: HashSet<TypeId>,
    names: Names,
}

impl<H: Fn(BtfFeature) -> bool> Rewrite<'_, H> {
    /// What stands in the place of a type, `None` where it may stay. `old` are the words of its record.
    fn type_of(&mut self, id: TypeId, kind: &Kind, old: &[u32]) -> New<Change> {
        let [name, info, ..] = *old else { return None };
        let lacked = match kind {
            Kind::Var { .. } | Kind::Datasec { .. } => self.variables(name, kind),
            Kind::Func { .. } | Kind::FuncProto { .. } => self.function(name, kind),
            Kind::DeclTag { .. } | Kind::TypeTag(_) => self.tag(kind, info & KIND_FLAG != 0),
            Kind::Float { size } => self.lacks(BtfFeature::Float).map(|lacks| (lacks, head(0, STRUCT, 0, *size))),
            Kind::Enum { size, signed, .. } => self.enumeration(old, *size, *signed),
            _ => None,
        };
        match lacked {
            Some((lacks, words)) => Some((Change::Lacks(lacks), words)),
            None => self.parameters(id, kind).or_else(|| self.declared(kind, old)).or_else(|| self.name(kind, old)),
        }
    }

    fn lacks(&self, feature: BtfFeature) -> Option<BtfFeature> {
        if (self.has)(feature) { None } else { Some(feature) }
    }

    fn variables(&mut self, name: u32, kind: &Kind) -> New<BtfFeature> {
        let lacks = self.lacks(BtfFeature::Datasec);
        match (kind, lacks) {
            // It lies in its section, which may have no more than a byte for it.
            (Kind::Var { .. }, Some(lacks)) => Some((lacks, int(self.names.identifier(name), 1, 8, false))),
            (Kind::Datasec { size, vars }, Some(lacks)) => {
                let vars = self.defined(vars);
                let mut words = head(self.names.identifier(name), STRUCT, vars.len(), *size);
                vars.iter().for_each(|var| words.extend(self.member(var)));
                Some((lacks, words))
            }
            (Kind::Datasec { size, vars }, None) => {
                let is_empty = self.defined(vars).is_empty();
                if let Some(lacks) = self.lacks(BtfFeature::EmptySection).filter(|_| is_empty) {
                    return Some((lacks, head(self.names.identifier(name), STRUCT, 0, *size)));
                }
                let lacks = self.lacks(BtfFeature::SectionName)?;
                let new = self.names.section(name);
                (new != name).then(|| (lacks, section(new, *size, &self.defined(vars))))
            }
            _ => None,
        }
    }

    /// The variables of a section that have a place in it.
    fn defined(&self, vars: &[SectionVar]) -> Vec<SectionVar> {
        let is_extern = |id| matches!(self.btf.get(id).map(|t| &t.kind), Some(Kind::Var { linkage: 2, .. }));
        vars.iter().filter(|var| !is_extern(var.type_id)).cloned().collect()
    }

    /// What is only declared, as a definition.
    fn declared(&mut self, kind: &Kind, old: &[u32]) -> New<Change> {
        const GLOBAL: u32 = 1;
        let [name, info, last, ..] = *old else { return None };
        match kind {
            Kind::Func { linkage: 2, .. } => {
                Some((Change::Extern, vec![self.names.identifier(name), FUNC << 24 | GLOBAL, last]))
            }
            Kind::Var { linkage: 2, .. } => {
                Some((Change::Extern, vec![self.names.identifier(name), info, last, GLOBAL]))
            }
            Kind::Datasec { size, vars } => {
                let defined = self.defined(vars);
                (defined.len() < vars.len()).then(|| (Change::Extern, section(name, *size, &defined)))
            }
            Kind::Enum { size: 0, .. } => {
                let mut words = old.to_vec();
                *words.first_mut()? = self.names.identifier(name);
                *words.get_mut(2)? = INT_SIZE;
                Some((Change::EnumSize, words))
            }
            _ => None,
        }
    }

    /// A section's variable as a structure's member.
    fn member(&mut self, var: &SectionVar) -> [u32; 3] {
        let name = self.btf.get(var.type_id).map_or(0, |t| t.name_off);
        [self.names.identifier(name), var.type_id.0, var.offset.wrapping_mul(8)]
    }

    fn function(&mut self, name: u32, kind: &Kind) -> New<BtfFeature> {
        match (kind, self.lacks(BtfFeature::Func)) {
            // Parameters may be nameless, constants may not: none is taken over.
            (Kind::FuncProto { .. }, Some(lacks)) => Some((lacks, head(0, ENUM, 0, INT_SIZE))),
            (Kind::Func { proto, .. }, Some(lacks)) => {
                Some((lacks, head(self.names.identifier(name), TYPEDEF, 0, proto.0)))
            }
            (Kind::Func { proto, linkage: 1.. }, None) => {
                let lacks = self.lacks(BtfFeature::GlobalFunc)?;
                Some((lacks, head(self.names.identifier(name), FUNC, 0, proto.0)))
            }
            _ => None,
        }
    }

    fn tag(&self, kind: &Kind, is_attribute: bool) -> New<BtfFeature> {
        let lacks_flag = || self.lacks(BtfFeature::TagFlag).filter(|_| is_attribute);
        match kind {
            Kind::DeclTag { type_id, .. } => {
                // A tag on what is no declaration any more would be refused.
                let gone = match self.btf.get(*type_id).map(|of| &of.kind) {
                    Some(Kind::Var { .. } | Kind::Datasec { .. }) => self.lacks(BtfFeature::Datasec),
                    Some(Kind::Func { .. }) => self.lacks(BtfFeature::Func),
                    _ => None,
                };
                let lacks = gone.or_else(|| self.lacks(BtfFeature::DeclTag)).or_else(lacks_flag)?;
                // Its text may be anything; an integer needs no name.
                Some((lacks, int(0, 1, 8, false)))
            }
            Kind::TypeTag(to) => {
                let lacks = self.lacks(BtfFeature::TypeTag).or_else(lacks_flag)?;
                Some((lacks, head(0, CONST, 0, to.0)))
            }
            _ => None,
        }
    }

    fn enumeration(&mut self, old: &[u32], size: u32, signed: bool) -> New<BtfFeature> {
        let lacks = self.lacks(BtfFeature::Enum64)?;
        let [name, info, ..] = *old else { return None };
        if info >> 24 & 0x1f != ENUM {
            // A number, as which functions take it and bit-fields hold it, and not the union that libbpf makes of it.
            let bits = size.saturating_mul(8).min(64);
            return Some((lacks, int(self.names.identifier(name), size, bits, signed)));
        }
        let mut words = old.to_vec();
        *words.get_mut(1).filter(|_| signed)? &= !KIND_FLAG;
        *words.first_mut()? = self.names.identifier(name);
        *words.get_mut(2)? = if size == 0 { INT_SIZE } else { size };
        Some((lacks, words))
    }

    /// A function's prototype with names for parameters that have none.
    fn parameters(&mut self, id: TypeId, kind: &Kind) -> New<Change> {
        let Kind::FuncProto { ret, params } = kind else { return None };
        // An argument list without an end has neither name nor type.
        let is_nameless = |(name, of): &(u32, TypeId)| *name == 0 && of.0 != 0;
        if !self.protos.contains(&id) || !params.iter().any(is_nameless) {
            return None;
        }
        let mut words = head(0, FUNC_PROTO, params.len(), ret.0);
        for param in params {
            let name = if is_nameless(param) { self.names.write(PARAMETER) } else { param.0 };
            words.extend([name, param.1.0]);
        }
        Some((Change::NamelessParameter, words))
    }

    /// A type with an identifier for a name that is none.
    fn name(&mut self, kind: &Kind, old: &[u32]) -> New<Change> {
        let is_identifier = matches!(
            kind,
            Kind::Struct { .. }
                | Kind::Union { .. }
                | Kind::Enum { .. }
                | Kind::Fwd { .. }
                | Kind::Typedef(_)
                | Kind::Func { .. }
                | Kind::Var { .. }
        );
        let mut words = old.to_vec();
        let name = words.first_mut().filter(|_| is_identifier)?;
        let new = self.names.identifier(*name);
        if new == *name {
            return None;
        }
        *name = new;
        Some((Change::Name, words))
    }
}

/// The strings, with new ones behind those there were.
struct Names {
    strings: Vec<u8>,
    /// Bytes of those there were.
    own: usize,
    written: HashMap<Vec<u8>, u32>,
}

impl Names {
    fn new(strings: &[u8]) -> Names {
        let mut strings = strings.to_vec();
        // What is written behind them is no part of the last.
        if strings.last().is_some_and(|last| *last != 0) {
            strings.push(0);
        }
        let own = strings.len();
        Names { strings, own, written: HashMap::new() }
    }

    /// The offset of a name made of letters, digits and `_`: of this one if it is so. Later kernels take dots too.
    fn identifier(&mut self, name: u32) -> u32 {
        self.fit(name, |letter| letter.is_ascii_alphanumeric() || letter == b'_')
    }

    /// The same for the name of a section, which may have dots.
    fn section(&mut self, name: u32) -> u32 {
        self.fit(name, |letter| letter.is_ascii_alphanumeric() || letter == b'_' || letter == b'.')
    }

    fn fit(&mut self, name: u32, is_fit: impl Fn(u8) -> bool) -> u32 {
        // Behind the last string stood nothing, and what is written there is nobody's name.
        if name as usize >= self.own {
            return 0;
        }
        let rest = self.strings.get(name as usize..).unwrap_or_default();
        let text = rest.split(|byte| *byte == 0).next().unwrap_or_default();
        let is_digit = |letter: Option<&u8>| letter.is_some_and(u8::is_ascii_digit);
        // Offset 0 is no name, whatever stands there.
        if name == 0 || text.iter().all(|letter| is_fit(*letter)) && !is_digit(text.first()) {
            return name;
        }
        let letters = text.iter().take(LONGEST_NAME);
        let mut new: Vec<u8> = letters.map(|letter| if is_fit(*letter) { *letter } else { b'_' }).collect();
        if let Some(first) = new.first_mut().filter(|first| first.is_ascii_digit()) {
            *first = b'_';
        }
        self.write(&new)
    }

    /// The offset of a string that was not there before.
    fn write(&mut self, text: &[u8]) -> u32 {
        if let Some(offset) = self.written.get(text) {
            return *offset;
        }
        let offset = self.strings.len() as u32;
        self.strings.extend(text);
        self.strings.push(0);
        self.written.insert(text.to_owned(), offset);
        offset
    }
}
