//! A resolved value put into an instruction.

use skep_isa::Insn;
use skep_isa::insn::CALL;
use skep_isa::opcode::{self, Kind, Operand, Source, TABLE};
use skep_isa::spec::core_kind::POISON;

use super::{Error, Missing, Resized, Resolution};

/// What became of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patched {
    /// It carries the value for this kernel.
    Value {
        /// What it carried before.
        old: i64,
        /// What it carries now.
        new: i64,
    },
    /// It is a call of a helper that there is not: nothing may lead there.
    Poisoned(Missing),
}

/// Puts a value into the instruction at `slot`: into the immediate of arithmetic, the offset of a load or store (with
/// another size where the field has one), or both halves of a wide load.
///
/// # Errors
/// [`Error`] for another instruction, for one that does not carry the value it was compiled with, and for a value or size
/// that does not fit.
pub fn patch(code: &mut [Insn], slot: usize, resolution: &Resolution) -> Result<Patched, Error> {
    let none = Error::Instruction { slot };
    let Some([insn, rest @ ..]) = code.get_mut(slot..) else { return Err(none) };
    let row = opcode::rows(insn.code).first().ok_or(none.clone())?;
    match row.kind {
        Kind::Alu { operand: Operand::Imm, .. } => {
            let Some(value) = resolution.value else { return Ok(poison(&mut [insn], resolution)) };
            let old = i64::from(insn.imm);
            resolution.expect(slot, old)?;
            insn.imm = value as u32 as i32;
            Ok(Patched::Value { old, new: i64::from(insn.imm) })
        }
        Kind::Load { .. } | Kind::Store { .. } | Kind::Atomic { .. } | Kind::LoadAcquire(_) | Kind::StoreRelease(_) => {
            let Some(value) = resolution.value else { return Ok(poison(&mut [insn], resolution)) };
            memory(insn, slot, row.kind, value, resolution)
        }
        Kind::LoadImm(_) => {
            let [tail, ..] = rest else { return Err(none) };
            let plain = opcode::rows(insn.code).iter().any(|row| row.kind == Kind::LoadImm(Source::Const));
            let bare = Insn { imm: 0, ..*tail } == Insn::default();
            if !plain || insn.src != 0 || insn.off != 0 || !bare {
                return Err(none);
            }
            let Some(value) = resolution.value else { return Ok(poison(&mut [insn, tail], resolution)) };
            let old = (u64::from(insn.imm.cast_unsigned()) | u64::from(tail.imm.cast_unsigned()) << 32).cast_signed();
            resolution.expect(slot, old)?;
            insn.imm = value as u32 as i32;
            tail.imm = (value >> 32) as u32 as i32;
            Ok(Patched::Value { old, new: value.cast_signed() })
        }
        _ => Err(none),
    }
}

/// Puts an offset, and where it changed a size, into a load or store.
fn memory(insn: &mut Insn, slot: usize, kind: Kind, value: u64, resolution: &Resolution) -> Result<Patched, Error> {
    let old = i64::from(insn.off);
    resolution.expect(slot, old)?;
    let what = || resolution.what.clone();
    let off = i16::try_from(value).map_err(|_| Error::Range { slot, what: what(), value })?;
    if let Some(Resized { from, to, alike }) = resolution.resized {
        if !alike {
            let missing = Missing::Access { local: from, target: to };
            return Ok(poison(&mut [insn], &Resolution { missing: Some(missing), ..resolution.clone() }));
        }
        let size = Error::Size { slot, what: what(), size: to };
        if size_of(kind) != Some(from) {
            return Err(size);
        }
        let other = TABLE.iter().find(|row| size_of(row.kind) == Some(to) && sized(row.kind, kind));
        insn.code = other.ok_or(size)?.code;
    }
    insn.off = off;
    Ok(Patched::Value { old, new: i64::from(off) })
}

/// Bytes a load or store moves.
fn size_of(kind: Kind) -> Option<u64> {
    let size = match kind {
        Kind::Load { size, .. }
        | Kind::Store { size, .. }
        | Kind::Atomic { size, .. }
        | Kind::LoadAcquire(size)
        | Kind::StoreRelease(size) => size,
        _ => return None,
    };
    Some(size.bytes() as u64)
}

/// True for operations that differ at most in their size.
fn sized(a: Kind, b: Kind) -> bool {
    match (a, b) {
        (Kind::Load { signed: a, .. }, Kind::Load { signed: b, .. }) => a == b,
        (Kind::Store { operand: a, .. }, Kind::Store { operand: b, .. }) => a == b,
        (Kind::Atomic { op: a, fetch: fa, .. }, Kind::Atomic { op: b, fetch: fb, .. }) => a == b && fa == fb,
        (Kind::LoadAcquire(_), Kind::LoadAcquire(_)) | (Kind::StoreRelease(_), Kind::StoreRelease(_)) => true,
        _ => false,
    }
}

/// Makes slots invalid.
fn poison(slots: &mut [&mut Insn], resolution: &Resolution) -> Patched {
    for slot in slots {
        **slot = Insn::new(CALL, 0, 0, 0, POISON);
    }
    let nothing = || Missing::Type { spelled: resolution.what.clone(), name: resolution.what.clone() };
    Patched::Poisoned(resolution.missing.clone().unwrap_or_else(nothing))
}

impl Resolution {
    /// An error when an instruction does not carry what it was compiled with.
    fn expect(&self, slot: usize, found: i64) -> Result<(), Error> {
        let expected = self.local.cast_signed();
        if self.checked && found != expected {
            return Err(Error::Value { slot, what: self.what.clone(), found, expected });
        }
        Ok(())
    }
}
