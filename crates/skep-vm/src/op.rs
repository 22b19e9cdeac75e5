//! The form instructions are run in: one fixed-size operation for each slot, decoded once.

use skep_isa::opcode::Atomic;

/// One operation. The second operand of every operation is `regs[src] + imm`: an operation on an immediate names
/// [`Reg::Zero`], one on a register has `imm` 0. So each operation needs one arm in the interpreter, not two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    /// What to do.
    pub(crate) code: Code,
    /// Register operated on.
    pub(crate) dst: Reg,
    /// Register of the second operand.
    pub(crate) src: Reg,
    /// A function begins here: a call through a register may go to it.
    pub(crate) entry: bool,
    /// Slot a jump or call goes to, or offset of a memory access.
    pub(crate) off: i32,
    /// Immediate.
    pub(crate) imm: i64,
}

impl Op {
    /// An operation without operands.
    pub(crate) const fn new(code: Code) -> Op {
        Op { code, dst: Reg::R0, src: Reg::Zero, entry: false, off: 0, imm: 0 }
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
        (Code::Ja as u8..=Code::MayGoto as u8).contains(&code) || self.code == Code::CallLocal
    }
}

/// Makes one operation of a move and the arithmetic on its result that follows. The second stays where it is, for jumps
/// that lead to it.
pub(crate) fn fuse(ops: &mut [Op]) {
    for at in 1..ops.len() {
        let Some([first, second]) = ops.get_mut(at - 1..=at) else { continue };
        let Some((code, narrow)) = moved(second.code) else { continue };
        let moves = first.code == Code::Mov || (narrow && first.code == Code::Mov32);
        if !moves || first.imm != 0 || second.dst != first.dst {
            continue;
        }
        // The register moved to holds what the one moved from holds.
        let right = if second.src == first.dst { first.src } else { second.src };
        *first = Op { code, off: right as i32, imm: second.imm, ..*first };
    }
}

/// The operation that a move and this one are together; true where it looks at low halves alone.
fn moved(code: Code) -> Option<(Code, bool)> {
    use Code::*;
    let wide = match code {
        Add => MovAdd,
        Sub => MovSub,
        Mul => MovMul,
        Or => MovOr,
        And => MovAnd,
        Xor => MovXor,
        Lsh => MovLsh,
        Rsh => MovRsh,
        Arsh => MovArsh,
        _ => {
            let narrow = match code {
                Add32 => MovAdd32,
                Sub32 => MovSub32,
                Mul32 => MovMul32,
                Or32 => MovOr32,
                And32 => MovAnd32,
                Xor32 => MovXor32,
                Lsh32 => MovLsh32,
                Rsh32 => MovRsh32,
                _ => return None,
            };
            return Some((narrow, true));
        }
    };
    Some((wide, false))
}

/// A register. Sixteen values, so that the compiler sees that none is past the end of [`Registers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[rustfmt::skip]
pub(crate) enum Reg {
    R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10,
    /// Unused.
    R11, R12, R13, R14,
    /// No program can name it; it is always 0.
    Zero,
}

/// The values of all registers.
pub(crate) type Registers = [u64; 16];

impl Reg {
    const ALL: [Reg; 16] = {
        use Reg::*;
        [R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, R13, R14, Zero]
    };

    /// The register a field of four bits names.
    pub(crate) const fn of(field: u8) -> Reg {
        Reg::ALL[(field & 15) as usize]
    }
}

/// What an operation does. Names are the instruction set's (RFC 9669); `32` marks the forms on the low half, whose
/// results are extended by zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[rustfmt::skip]
pub(crate) enum Code {
    Add, Sub, Mul, Div, Sdiv, Or, And, Lsh, Rsh, Neg, Mod, Smod, Xor, Mov, Arsh,
    Add32, Sub32, Mul32, Div32, Sdiv32, Or32, And32, Lsh32, Rsh32, Neg32, Mod32, Smod32, Xor32, Mov32, Arsh32,
    /// A move to `dst` and what follows it: `dst = src OP (regs[off] + imm)`, over both slots.
    MovAdd, MovSub, MovMul, MovOr, MovAnd, MovXor, MovLsh, MovRsh, MovArsh,
    MovAdd32, MovSub32, MovMul32, MovOr32, MovAnd32, MovXor32, MovLsh32, MovRsh32,
    Movsx8, Movsx16, Movsx32, Movsx8To32, Movsx16To32,
    Zext16, Zext32, Swap16, Swap32, Swap64,
    Ja, Jeq, Jne, Jgt, Jge, Jlt, Jle, Jset, Jsgt, Jsge, Jslt, Jsle,
    Jeq32, Jne32, Jgt32, Jge32, Jlt32, Jle32, Jset32, Jsgt32, Jsge32, Jslt32, Jsle32,
    /// Jumps once the function has passed it often enough.
    MayGoto,
    /// Jump to the address in `dst`.
    GotoReg,
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
    /// Call of the function whose address `dst` is.
    CallReg,
    /// Call of row `imm` of the vm's helper table.
    CallHelper,
    /// Goes on with the program of an array of programs.
    TailCall,
    /// Call of row `imm` of the vm's table of kernel functions.
    CallKfunc,
    /// Call of the host's function `imm`.
    CallHost,
    /// Ends the program with an exception, which the function at slot `off` takes; without one (-1) it is the result.
    Throw,
    /// An address of the arena, whose region's pointer to its first byte is `imm`, from the form user space has.
    ToArena,
    /// The same back; `imm` is the upper half of user space's form.
    FromArena,
    Exit,
    /// The second slot of a wide load: nothing can reach it.
    Hole,
}
