//! The form instructions are run in: one fixed-size operation for each slot, decoded once.

use skep_isa::opcode::Atomic;

/// One operation. The second operand of every operation is `regs[src] + imm`: an operation on an immediate names
/// [`ZERO`], one on a register has `imm` 0. So each operation needs one arm in the interpreter, not two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    /// What to do.
    pub(crate) code: Code,
    /// Register operated on, 0–10.
    pub(crate) dst: u8,
    /// Register of the second operand, 0–10 or [`ZERO`].
    pub(crate) src: u8,
    /// Slot a jump or call goes to, or offset of a memory access.
    pub(crate) off: i32,
    /// Immediate.
    pub(crate) imm: i64,
}

impl Op {
    /// An operation without operands.
    pub(crate) const fn new(code: Code) -> Op {
        Op { code, dst: 0, src: ZERO, off: 0, imm: 0 }
    }

    /// The same operation with an atomic operator in its immediate.
    pub(crate) const fn with_atomic(mut self, operator: Atomic, fetch: bool) -> Op {
        self.imm = (operator as i64) << 1 | fetch as i64;
        self
    }

    /// The operator's number, and whether the old value is wanted.
    pub(crate) const fn atomic(&self) -> (i64, bool) {
        (self.imm >> 1, self.imm & 1 != 0)
    }

    /// True when `off` is a slot of the program.
    pub(crate) fn goes(&self) -> bool {
        let code = self.code as u8;
        (Code::Ja as u8..=Code::Jsle32 as u8).contains(&code) || self.code == Code::CallLocal
    }
}

/// A register no program can name; it is always 0.
pub(crate) const ZERO: u8 = 15;

/// What an operation does. Names are the instruction set's (RFC 9669); `32` marks the forms on the low half, whose
/// results are extended by zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[rustfmt::skip]
pub(crate) enum Code {
    Add, Sub, Mul, Div, Sdiv, Or, And, Lsh, Rsh, Neg, Mod, Smod, Xor, Mov, Arsh,
    Add32, Sub32, Mul32, Div32, Sdiv32, Or32, And32, Lsh32, Rsh32, Neg32, Mod32, Smod32, Xor32, Mov32, Arsh32,
    Movsx8, Movsx16, Movsx32, Movsx8To32, Movsx16To32,
    Zext16, Zext32, Swap16, Swap32, Swap64,
    Ja, Jeq, Jne, Jgt, Jge, Jlt, Jle, Jset, Jsgt, Jsge, Jslt, Jsle,
    Jeq32, Jne32, Jgt32, Jge32, Jlt32, Jle32, Jset32, Jsgt32, Jsge32, Jslt32, Jsle32,
    Ld8, Ld16, Ld32, Ld64, Lds8, Lds16, Lds32,
    St8, St16, St32, St64,
    /// The operator stands in `imm`.
    Atomic32, Atomic64,
    /// Loads `imm`, which may be a pointer, and skips the second slot.
    LdImm64,
    /// Classic packet loads: network order, from `imm` or `imm + regs[src]`, to r0.
    LdAbs8, LdAbs16, LdAbs32,
    /// Call of the function at slot `off`.
    CallLocal,
    /// Call of row `imm` of the vm's helper table.
    CallHelper,
    Exit,
    /// The second slot of a wide load: nothing can reach it.
    Hole,
}
