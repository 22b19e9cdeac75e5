//! Types looked at the way relocations do: through typedefs and qualifiers, with errors for what leads nowhere.

use super::Error;
use crate::btf::DEPTH;
use crate::kind::{Kind, Member, Type, TypeId};
use crate::scan::{KindId, Scan};

/// How many members and types one relocation may look at; hostile types could ask for 2^64.
const EFFORT: usize = 2_000_000;
/// How many all relocations of an object may look at together.
const WHOLE_EFFORT: usize = 100_000_000;

/// What is left of the work that relocations may cost.
#[derive(Debug)]
pub(super) struct Effort {
    /// Of this one.
    left: usize,
    /// Of all of the object.
    whole: usize,
}

impl Effort {
    pub(super) fn new() -> Effort {
        Effort { left: EFFORT, whole: WHOLE_EFFORT }
    }

    /// Begins another relocation.
    pub(super) fn renew(&mut self) {
        self.left = self.whole.min(EFFORT);
    }

    pub(super) fn spend(&mut self, amount: usize) -> Result<(), Error> {
        self.whole = self.whole.saturating_sub(amount);
        self.left = self.left.checked_sub(amount).ok_or(Error::Types("comparing them takes too long"))?;
        Ok(())
    }

    /// For having read two types, which costs as much as they have parts.
    pub(super) fn read(&mut self, a: &Kind, b: &Kind) -> Result<(), Error> {
        self.spend(1 + parts(a) + parts(b))
    }
}

/// How many members, constants or parameters a type has.
fn parts(kind: &Kind) -> usize {
    match kind {
        Kind::Struct { members, .. } | Kind::Union { members, .. } => members.len(),
        Kind::Enum { values, .. } => values.len(),
        Kind::FuncProto { params, .. } => params.len(),
        Kind::Datasec { vars, .. } => vars.len(),
        _ => 0,
    }
}

impl Scan<'_> {
    /// The type behind typedefs, qualifiers and type tags; `None` when they go in a circle or nowhere.
    pub fn resolve(&self, id: TypeId) -> Option<(TypeId, Type)> {
        skip(self, id).ok()
    }

    /// Bytes a value of this type takes; `None` for `void`, functions and broken types.
    pub fn size_of(&self, id: TypeId) -> Option<u64> {
        size(self, id).ok()
    }
}

/// A type by its number, `void` for 0.
pub(super) fn get(scan: &Scan<'_>, id: TypeId) -> Result<Type, Error> {
    if id.0 == 0 {
        return Ok(Type { name_off: 0, kind: Kind::Void });
    }
    scan.get(id).ok_or(Error::Types("a type is referred to that there is not"))
}

/// The type behind typedefs, qualifiers and type tags.
pub(super) fn skip(scan: &Scan<'_>, id: TypeId) -> Result<(TypeId, Type), Error> {
    let mut id = id;
    for _ in 0..DEPTH {
        let found = get(scan, id)?;
        match found.kind {
            Kind::Typedef(to) | Kind::Volatile(to) | Kind::Const(to) | Kind::Restrict(to) | Kind::TypeTag(to) => {
                id = to
            }
            _ => return Ok((id, found)),
        }
    }
    Err(Error::Types("typedefs and qualifiers do not end"))
}

/// Bytes a value takes.
pub(super) fn size(scan: &Scan<'_>, id: TypeId) -> Result<u64, Error> {
    let mut id = id;
    let mut count: u64 = 1;
    for _ in 0..DEPTH {
        let (_, found) = skip(scan, id)?;
        let size = match found.kind {
            Kind::Int { size, .. }
            | Kind::Struct { size, .. }
            | Kind::Union { size, .. }
            | Kind::Enum { size, .. }
            | Kind::Float { size }
            | Kind::Datasec { size, .. } => u64::from(size),
            Kind::Ptr(_) => pointer_size(scan),
            Kind::Var { type_id, .. } | Kind::DeclTag { type_id, .. } => {
                id = type_id;
                continue;
            }
            Kind::Array { element, len } => {
                let product = count.checked_mul(u64::from(len)).filter(|n| *n <= u64::from(u32::MAX));
                count = product.ok_or(Error::Types("an array is larger than 4 GiB"))?;
                id = element;
                continue;
            }
            _ => return Err(Error::Types("the size of something is asked that has none")),
        };
        let whole = count.checked_mul(size).filter(|n| *n <= u64::from(u32::MAX));
        return whole.ok_or(Error::Types("a type is larger than 4 GiB"));
    }
    Err(Error::Types("arrays are nested too deeply"))
}

/// Bytes of a pointer: as many as a `long` has where one is in the types, else eight.
fn pointer_size(scan: &Scan<'_>) -> u64 {
    let longs = ["long unsigned int", "unsigned long", "long", "long int"];
    let long = longs.iter().find_map(|name| scan.find(KindId::Int, name)).and_then(|id| scan.get(id));
    match long.map(|t| t.kind) {
        Some(Kind::Int { size: 4, .. }) => 4,
        _ => 8,
    }
}

/// The members of a structure or union.
pub(super) fn members(kind: &Kind) -> Option<&[Member]> {
    match kind {
        Kind::Struct { members, .. } | Kind::Union { members, .. } => Some(members),
        _ => None,
    }
}

/// The name at an offset, empty where there is none.
pub(super) fn name<'a>(scan: &Scan<'a>, offset: u32) -> &'a str {
    scan.string(offset).unwrap_or_default()
}

/// True for types that can stand for one another by their kind alone: enumerations of any size are one kind.
pub(super) fn same_kind(a: &Kind, b: &Kind) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// True for an old integer that is a bit-field by its own type; no compiler makes them any more.
pub(super) fn is_shifted_int(scan: &Scan<'_>, id: TypeId) -> bool {
    scan.words(id).and_then(|words| words.get(3).copied()).is_some_and(|data| (data >> 16) & 0xff != 0)
}
