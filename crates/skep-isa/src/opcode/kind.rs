//! What operations do, as values that engines can match on.

/// What an operation does. `dst`, `src`, `off` and `imm` are the instruction's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `dst = dst OP operand`, or `dst = operand` for [`Alu::Mov`].
    Alu {
        /// The operator.
        op: Alu,
        /// Width; a 32-bit result clears the upper half of `dst`.
        width: Width,
        /// The right side.
        operand: Operand,
    },
    /// `dst = -dst`.
    Neg(Width),
    /// `dst` = the low bits of `src`, sign-extended to the width.
    MovSx {
        /// Width of the result.
        width: Width,
        /// How many low bits.
        from: Size,
    },
    /// `dst` = the low bits of `dst` in another order of bytes; the bits above are cleared.
    Swap {
        /// The order.
        order: Order,
        /// How many low bits.
        size: Size,
    },
    /// `dst` = the pointer `src` in another address space: `imm` has the new one in its low half, the old in its high.
    AddrSpaceCast,
    /// `dst` = 64 bits from two slots.
    LoadImm(Source),
    /// `dst = *(size *)(src + off)`.
    Load {
        /// Bytes read.
        size: Size,
        /// Whether they are sign-extended, else zero-extended.
        signed: bool,
    },
    /// `*(size *)(dst + off) = operand`.
    Store {
        /// Bytes written.
        size: Size,
        /// What is written.
        operand: Operand,
    },
    /// `r0` = bytes of the packet in network order, at `imm`; leaves the program when there are none.
    LoadPacketAbs(Size),
    /// `r0` = bytes of the packet in network order, at `src + imm`; leaves the program when there are none.
    LoadPacketInd(Size),
    /// `*(size *)(dst + off)` changed by `src` in one step.
    Atomic {
        /// The operator.
        op: Atomic,
        /// Size of the word in memory, [`Size::W`] or [`Size::Dw`].
        size: Size,
        /// Whether `src` (`r0` for a compare-and-exchange) receives the old value.
        fetch: bool,
    },
    /// `dst = *(size *)(src + off)`, before any later access.
    LoadAcquire(Size),
    /// `*(size *)(dst + off) = src`, after any earlier access.
    StoreRelease(Size),
    /// Jump by `off` slots ([`Width::W64`]) or by `imm` slots ([`Width::W32`]).
    Goto(Width),
    /// Jump to the address in `dst`, which was read from an instruction array.
    GotoReg,
    /// Jump by `off` slots if `dst COND operand`.
    If {
        /// The comparison.
        cond: Cond,
        /// How many low bits are compared.
        width: Width,
        /// The right side.
        operand: Operand,
    },
    /// Jump by `off` slots when the program has run long enough; else go on.
    MayGoto,
    /// Call what `imm` names.
    Call(Callee),
    /// Call the function whose address is in `dst`.
    CallReg,
    /// Return `r0` to the caller.
    Exit,
}

/// Width of arithmetic and comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// The low 32 bits.
    W32,
    /// All 64 bits.
    W64,
}

/// The right side of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// `imm`, sign-extended to the width.
    Imm,
    /// Register `src`.
    Reg,
}

/// Size of a word in memory, or of the part of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// One byte.
    B,
    /// Two bytes.
    H,
    /// Four bytes.
    W,
    /// Eight bytes.
    Dw,
}

impl Size {
    /// Number of bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Size::B => 1,
            Size::H => 2,
            Size::W => 4,
            Size::Dw => 8,
        }
    }

    /// Number of bits.
    pub const fn bits(self) -> u32 {
        match self {
            Size::B => 8,
            Size::H => 16,
            Size::W => 32,
            Size::Dw => 64,
        }
    }
}

/// Arithmetic operators. Division by zero gives 0, its remainder the left side; shifts count modulo the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is RFC 9669's name; `symbol` says the rest")]
pub enum Alu {
    Add,
    Sub,
    Mul,
    Div,
    Sdiv,
    Mod,
    Smod,
    Or,
    And,
    Xor,
    Lsh,
    Rsh,
    Arsh,
    Mov,
}

impl Alu {
    /// The operator as assignment: `+=`.
    pub const fn symbol(self) -> &'static str {
        match self {
            Alu::Add => "+=",
            Alu::Sub => "-=",
            Alu::Mul => "*=",
            Alu::Div => "/=",
            Alu::Sdiv => "s/=",
            Alu::Mod => "%=",
            Alu::Smod => "s%=",
            Alu::Or => "|=",
            Alu::And => "&=",
            Alu::Xor => "^=",
            Alu::Lsh => "<<=",
            Alu::Rsh => ">>=",
            Alu::Arsh => "s>>=",
            Alu::Mov => "=",
        }
    }
}

/// Comparisons; those that begin with `S` are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is RFC 9669's name without J; `symbol` says the rest")]
pub enum Cond {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Sgt,
    Sge,
    Slt,
    Sle,
    /// Some bit is set in both sides.
    Set,
}

impl Cond {
    /// The operator: `==`.
    pub const fn symbol(self) -> &'static str {
        match self {
            Cond::Eq => "==",
            Cond::Ne => "!=",
            Cond::Gt => ">",
            Cond::Ge => ">=",
            Cond::Lt => "<",
            Cond::Le => "<=",
            Cond::Sgt => "s>",
            Cond::Sge => "s>=",
            Cond::Slt => "s<",
            Cond::Sle => "s<=",
            Cond::Set => "&",
        }
    }
}

/// Orders of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From or to little-endian: on a little-endian machine only the upper bits are cleared.
    Little,
    /// From or to big-endian.
    Big,
    /// The other way round, on every machine.
    Reverse,
}

/// Atomic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Atomic {
    /// Sum.
    Add,
    /// Bits of either.
    Or,
    /// Bits of both.
    And,
    /// Bits of one.
    Xor,
    /// `src` replaces the word.
    Xchg,
    /// `src` replaces the word if it equals `r0`.
    Cmpxchg,
}

/// What the two slots of a wide load hold, by its source field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A constant.
    Const,
    /// The address of a map: its descriptor.
    MapFd,
    /// The address of a byte in an array map's first value: descriptor and offset.
    MapValue,
    /// The address of a kernel variable: its BTF id and the module's descriptor.
    BtfId,
    /// The address of a function of this program: distance in slots.
    Func,
    /// The address of a map: its index in the loader's list.
    MapIdx,
    /// The address of a byte in an array map's first value: index in the loader's list and offset.
    MapIdxValue,
}

/// What `imm` of a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// Number of a helper.
    Helper,
    /// Distance in slots to a function of this program.
    Local,
    /// BTF id of a kernel function; `off` is the index of its module's descriptor.
    Kfunc,
}
