//! The verdict on one access: what a load gives, or why the kernel refuses it.

use super::{Context, Field, Kind};
use crate::spec::{AttachType, ProgType};

/// What an instruction does with the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// Load them, with zeros above.
    Load,
    /// Load them, with their sign above.
    LoadSigned,
    /// Store to them.
    Store,
}

/// Why an access is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// There is no field.
    NoField,
    /// The offset is no multiple of the size.
    Unaligned,
    /// The field is not accessed in this size.
    Size,
    /// The field holds a pointer into the packet, which has no sign.
    Sign,
    /// Programs of this type, or loaded for this attach type, may not load it.
    Unreadable,
    /// Nobody, or not programs of this type or attach type, may store to it.
    ReadOnly,
}

impl Context {
    /// What Linux 6.18 says of one access by a program with every capability.
    ///
    /// [`Kind::Argument`] leaves a question open: whether the attached function has such an argument, and of which
    /// type; an argument that is a pointer is loaded in 8 bytes only (before 6.12, in any size).
    ///
    /// ```
    /// use skep_isa::spec::{ProgType, context::{Context, Kind, Op, Refusal}};
    /// let skb = Context::of(ProgType::SchedCls).unwrap();
    /// assert_eq!(skb.access(ProgType::SchedCls, None, 8, 4, Op::Store), Ok(Kind::Scalar)); // mark
    /// assert_eq!(skb.access(ProgType::SocketFilter, None, 8, 4, Op::Store), Err(Refusal::ReadOnly));
    /// ```
    pub fn access(
        &self,
        prog_type: ProgType,
        attach: Option<AttachType>,
        offset: u32,
        size: u32,
        op: Op,
    ) -> Result<Kind, Refusal> {
        let attach = attach.or(self.default_attach);
        verdict(self.fields, offset, size, op, |f| f.may(prog_type, attach, op))
    }

    /// The first field that holds the byte at `offset`, by its place among the fields; `None` where none does.
    pub const fn field_at(&self, offset: u32) -> Option<usize> {
        let mut at = 0;
        while at < self.fields.len() {
            if self.fields[at].holds(offset) {
                return Some(at);
            }
            at += 1;
        }
        None
    }
}

impl Field {
    const fn may(&self, prog_type: ProgType, attach: Option<AttachType>, op: Op) -> Result<(), Refusal> {
        match op {
            Op::Load | Op::LoadSigned if self.read.has(prog_type, attach) => Ok(()),
            Op::Load | Op::LoadSigned => Err(Refusal::Unreadable),
            Op::Store if self.write.has(prog_type, attach) => Ok(()),
            Op::Store => Err(Refusal::ReadOnly),
        }
    }

    /// What [`Context::access`] says where this field is the only one that holds `offset`, and with this attach type.
    pub const fn access(
        &self,
        prog_type: ProgType,
        attach: Option<AttachType>,
        offset: u32,
        size: u32,
        op: Op,
    ) -> Result<Kind, Refusal> {
        match (bytes(offset, size, op), self.may(prog_type, attach, op)) {
            (Err(refusal), _) | (Ok(()), Err(refusal)) => Err(refusal),
            (Ok(()), Ok(())) => self.fits(offset, size, op),
        }
    }

    /// Whether the bytes are a part of the field that is accessed so.
    const fn fits(&self, offset: u32, size: u32, op: Op) -> Result<Kind, Refusal> {
        let width = if matches!(op, Op::Store) { self.store } else { self.load };
        if !width.fits(self, offset - self.offset as u32, size) {
            return Err(Refusal::Size);
        }
        if matches!(op, Op::LoadSigned) && self.kind.is_packet() {
            return Err(Refusal::Sign);
        }
        Ok(self.kind)
    }
}

/// Whether an instruction accesses so many bytes there at all.
const fn bytes(offset: u32, size: u32, op: Op) -> Result<(), Refusal> {
    // No instruction loads 8 bytes with their sign.
    if !matches!(size, 1 | 2 | 4 | 8) || (matches!(op, Op::LoadSigned) && size == 8) {
        return Err(Refusal::Size);
    }
    if !offset.is_multiple_of(size) { Err(Refusal::Unaligned) } else { Ok(()) }
}

/// The verdict over a struct's fields, where `may` knows the programs' rights. In a union, one field that takes the
/// access is enough.
pub(super) fn verdict(
    fields: &[Field],
    offset: u32,
    size: u32,
    op: Op,
    may: impl Fn(&Field) -> Result<(), Refusal>,
) -> Result<Kind, Refusal> {
    bytes(offset, size, op)?;
    let mut refusal = Refusal::NoField;
    for field in fields.iter().filter(|f| f.holds(offset)) {
        match may(field).and_then(|()| field.fits(offset, size, op)) {
            Ok(kind) => return Ok(kind),
            Err(why) => refusal = why,
        }
    }
    Err(refusal)
}
