//! The kernel's verdict on a classic program: [`check`] says what it refuses, and why.
//!
//! The rules and their order are the kernel's, its one oddity included: after a `ret` the next instruction is taken to
//! know no more cells than the `ret` did, although nothing falls through to it.

use super::{CELLS, ClassicInsn, Kind, Op, Target, decode};
use crate::opcode::{Alu, Operand};
use crate::spec::{ancillary, seccomp};

/// Why the kernel does not take a program. Instructions are numbered from 0, as `tcpdump -d` numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No instruction, or too many.
    #[error("the program has {len} instructions; {target} takes 1 to {most}")]
    Length {
        /// How many.
        len: usize,
        /// The most.
        most: usize,
        /// Who takes them.
        target: Target,
    },
    /// No operation has the code.
    #[error("instruction {at}: {code:#x} is not the code of any operation")]
    Code {
        /// The instruction.
        at: usize,
        /// Its code.
        code: u16,
    },
    /// The operation exists, but not for this kind of filter.
    #[error("instruction {at}: {target} does not take `{name}` with code {code:#x}")]
    NotTaken {
        /// The instruction.
        at: usize,
        /// Its code.
        code: u16,
        /// Its mnemonic.
        name: &'static str,
        /// Who refuses.
        target: Target,
    },
    /// Division or remainder by a constant 0.
    #[error("instruction {at}: `{name}` by 0")]
    DivisionByZero {
        /// The instruction.
        at: usize,
        /// Its mnemonic.
        name: &'static str,
    },
    /// A shift by as many bits as A has, or more.
    #[error("instruction {at}: `{name}` by {count} bits, of which A has 32")]
    Shift {
        /// The instruction.
        at: usize,
        /// Its mnemonic.
        name: &'static str,
        /// The constant.
        count: u32,
    },
    /// A cell that does not exist.
    #[error("instruction {at}: M[{cell}] does not exist, the cells are M[0] to M[15]")]
    Cell {
        /// The instruction.
        at: usize,
        /// The cell.
        cell: u32,
    },
    /// A cell that some path reads before it is written.
    #[error("instruction {at}: M[{cell}] may be read here before it is written")]
    Unwritten {
        /// The instruction.
        at: usize,
        /// The cell.
        cell: u32,
    },
    /// A jump behind the last instruction.
    #[error("instruction {at}: `{name}` goes to instruction {to}, the last one is {}", len - 1)]
    Jump {
        /// The instruction.
        at: usize,
        /// Its mnemonic.
        name: &'static str,
        /// Where it goes.
        to: u64,
        /// Instructions of the program.
        len: usize,
    },
    /// A place among the ancillary data at which there is none.
    #[error("instruction {at}: no ancillary data is at {place:#x}")]
    Ancillary {
        /// The instruction.
        at: usize,
        /// The place.
        place: u32,
    },
    /// A place that is no aligned word of `struct seccomp_data`.
    #[error("instruction {at}: seccomp loads words at multiples of 4 below {}, not at {place}", seccomp::SIZE)]
    SeccompPlace {
        /// The instruction.
        at: usize,
        /// The place.
        place: u32,
    },
    /// The last instruction does not end the program.
    #[error("instruction {at}: the last instruction is `{name}`, it must be `ret`")]
    End {
        /// The instruction.
        at: usize,
        /// Its mnemonic.
        name: &'static str,
    },
}

impl Refusal {
    /// The instruction it is about, `None` when it is about the whole program.
    pub fn at(&self) -> Option<usize> {
        match *self {
            Refusal::Length { .. } => None,
            Refusal::Code { at, .. }
            | Refusal::NotTaken { at, .. }
            | Refusal::DivisionByZero { at, .. }
            | Refusal::Shift { at, .. }
            | Refusal::Cell { at, .. }
            | Refusal::Unwritten { at, .. }
            | Refusal::Jump { at, .. }
            | Refusal::Ancillary { at, .. }
            | Refusal::SeccompPlace { at, .. }
            | Refusal::End { at, .. } => Some(at),
        }
    }
}

/// Checks a program as the kernel does when a filter is attached.
///
/// # Errors
/// The first [`Refusal`], in the order in which the kernel looks.
///
/// ```
/// use skep_isa::classic::{self, Refusal, Target};
/// let program = classic::parse("1\n4 0 0 1").unwrap();
/// let refusal = classic::check(&program, Target::Socket).unwrap_err();
/// assert_eq!(refusal, Refusal::End { at: 0, name: "add" });
/// ```
pub fn check(program: &[ClassicInsn], target: Target) -> Result<(), Refusal> {
    let len = program.len();
    if len == 0 || len > target.most() {
        return Err(Refusal::Length { len, most: target.most(), target });
    }
    let mut last = None;
    for (at, insn) in program.iter().enumerate() {
        let op = decode(*insn).ok_or(Refusal::Code { at, code: insn.code })?;
        one(op, *insn, at, len)?;
        last = Some((at, op));
    }
    match last {
        Some((_, op)) if matches!(op.kind, Kind::ReturnImm | Kind::ReturnA) => {}
        Some((at, op)) => return Err(Refusal::End { at, name: op.name }),
        None => {}
    }
    cells(program)?;
    program.iter().enumerate().try_for_each(|(at, insn)| taken(*insn, at, target))
}

/// What the kernel asks of each instruction, whatever takes the program.
fn one(op: &'static Op, insn: ClassicInsn, at: usize, len: usize) -> Result<(), Refusal> {
    let (k, name) = (insn.k, op.name);
    let lands = |distance: u32| {
        let to = at as u64 + 1 + u64::from(distance);
        if to < len as u64 { Ok(()) } else { Err(Refusal::Jump { at, name, to, len }) }
    };
    match op.kind {
        Kind::Alu { op: Alu::Div | Alu::Mod, operand: Operand::Imm } if k == 0 => {
            Err(Refusal::DivisionByZero { at, name })
        }
        Kind::Alu { op: Alu::Lsh | Alu::Rsh, operand: Operand::Imm } if k >= u32::BITS => {
            Err(Refusal::Shift { at, name, count: k })
        }
        Kind::LoadCell(_) | Kind::StoreCell(_) if k >= CELLS => Err(Refusal::Cell { at, cell: k }),
        Kind::LoadAbs(_) if k >= ancillary::BASE && ancillary::at(k).is_none() => {
            Err(Refusal::Ancillary { at, place: k })
        }
        Kind::Goto => lands(k),
        Kind::If { .. } => lands(insn.jt.into()).and_then(|()| lands(insn.jf.into())),
        _ => Ok(()),
    }
}

/// What one kind of filter asks beyond that.
fn taken(insn: ClassicInsn, at: usize, target: Target) -> Result<(), Refusal> {
    match decode(insn) {
        Some(op) if !op.is_for(target) => Err(Refusal::NotTaken { at, code: op.code, name: op.name, target }),
        Some(Op { kind: Kind::LoadAbs(_), .. })
            if target == Target::Seccomp && (insn.k >= seccomp::SIZE || !insn.k.is_multiple_of(4)) =>
        {
            Err(Refusal::SeccompPlace { at, place: insn.k })
        }
        _ => Ok(()),
    }
}

/// Every cell that is read has been written on all paths: one pass, since jumps go forward only.
fn cells(program: &[ClassicInsn]) -> Result<(), Refusal> {
    const EVERY: u16 = u16::MAX;
    let bit = |cell: u32| 1_u16.checked_shl(cell).unwrap_or(0);
    // The cells written on every jump that leads to an instruction.
    let mut at_target = vec![EVERY; program.len()];
    let mut written = 0;
    for (at, insn) in program.iter().enumerate() {
        written &= at_target.get(at).copied().unwrap_or(EVERY);
        let mut leads = |distance: u32, written: u16| {
            if let Some(mask) = at_target.get_mut((at + 1).saturating_add(distance as usize)) {
                *mask &= written;
            }
        };
        match decode(*insn).map(|op| op.kind) {
            Some(Kind::StoreCell(_)) => written |= bit(insn.k),
            Some(Kind::LoadCell(_)) if written & bit(insn.k) == 0 => {
                return Err(Refusal::Unwritten { at, cell: insn.k });
            }
            Some(Kind::Goto) => {
                leads(insn.k, written);
                written = EVERY;
            }
            Some(Kind::If { .. }) => {
                leads(insn.jt.into(), written);
                leads(insn.jf.into(), written);
                written = EVERY;
            }
            _ => {}
        }
    }
    Ok(())
}
