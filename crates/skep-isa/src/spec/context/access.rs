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
    /// type; an argument that is a pointer is loaded in 8 bytes only.
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
        let may = |f: &Field| match op {
            Op::Load | Op::LoadSigned if f.read.has(prog_type, attach) => Ok(()),
            Op::Load | Op::LoadSigned => Err(Refusal::Unreadable),
            Op::Store if f.write.has(prog_type, attach) => Ok(()),
            Op::Store => Err(Refusal::ReadOnly),
        };
        verdict(self.fields, offset, size, op, may)
    }
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
    // No instruction loads 8 bytes with their sign.
    if !matches!(size, 1 | 2 | 4 | 8) || (op == Op::LoadSigned && size == 8) {
        return Err(Refusal::Size);
    }
    if !offset.is_multiple_of(size) {
        return Err(Refusal::Unaligned);
    }
    let mut refusal = Refusal::NoField;
    for field in fields.iter().filter(|f| f.holds(offset)) {
        let width = if op == Op::Store { field.store } else { field.load };
        let verdict = match may(field) {
            Err(refusal) => Err(refusal),
            Ok(()) if !width.fits(field, offset - u32::from(field.offset), size) => Err(Refusal::Size),
            Ok(()) if op == Op::LoadSigned && field.kind.is_packet() => Err(Refusal::Sign),
            Ok(()) => Ok(field.kind),
        };
        match verdict {
            Ok(kind) => return Ok(kind),
            Err(why) => refusal = why,
        }
    }
    Err(refusal)
}
