//! THE table of classic operations.

use super::ClassicInsn;
use crate::opcode::{Alu, Cond, Operand, Size};
use crate::spec::{Version, limit, v};

/// One operation.
#[derive(Debug, PartialEq, Eq)]
pub struct Op {
    /// Operation code.
    pub code: u16,
    /// Mnemonic, as `tcpdump -d` prints it.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// What `k` carries, and so how it is written.
    pub field: Field,
    /// Who takes it.
    pub takers: &'static [Target],
    /// First kernel whose socket filters take it; 2.2 also stands for what is older.
    pub since: Version,
    /// What it does, in one sentence.
    pub what: &'static str,
}

impl Op {
    /// The instruction that is this operation; distances are 0 where it is no conditional jump, `k` where it has none.
    pub const fn encode(&self, jt: u8, jf: u8, k: u32) -> ClassicInsn {
        let (jt, jf) = if matches!(self.kind, Kind::If { .. }) { (jt, jf) } else { (0, 0) };
        let k = if matches!(self.field, Field::Nothing | Field::Length | Field::X) { 0 } else { k };
        ClassicInsn { code: self.code, jt, jf, k }
    }

    /// True when this kind of filter takes it.
    pub fn is_for(&self, target: Target) -> bool {
        self.takers.contains(&target)
    }
}

/// What takes classic programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Filters of sockets (`SO_ATTACH_FILTER`), and whatever takes the same programs (tc's `bpf`, packet sockets, tun).
    Socket,
    /// Filters of system calls.
    Seccomp,
    /// Rules of iptables (`-m bpf`).
    XtBpf,
}

impl Target {
    /// All of them.
    pub const ALL: &[Target] = &[Target::Socket, Target::Seccomp, Target::XtBpf];

    /// Most instructions of a program.
    pub const fn most(self) -> usize {
        const CLASSIC: usize = limit::value("instructions_unprivileged") as usize;
        const XT_BPF: usize = limit::value("xt_bpf_instructions") as usize;
        match self {
            Target::Socket | Target::Seccomp => CLASSIC,
            Target::XtBpf => XT_BPF,
        }
    }

    /// First kernel that has it.
    pub const fn since(self) -> Version {
        match self {
            Target::Socket => v(2, 2),
            Target::Seccomp => v(3, 5),
            Target::XtBpf => v(3, 9),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Target::Socket => "a socket filter",
            Target::Seccomp => "seccomp",
            Target::XtBpf => "xt_bpf",
        })
    }
}

/// A register of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// The accumulator.
    A,
    /// The index register.
    X,
}

/// What an operation does. `k`, `jt` and `jf` are the instruction's fields; all arithmetic is unsigned and of 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A = bytes at `k`, in network order; ancillary data where `k` names some; ends the program with 0 where there are
    /// none. In seccomp: a word of `struct seccomp_data`, in the machine's order.
    LoadAbs(Size),
    /// A = bytes at X + `k`, in network order; ends the program with 0 where there are none.
    LoadInd(Size),
    /// X = 4 times the low four bits of the byte at `k`; ends the program with 0 where there is none.
    LoadHeaderLen,
    /// Register = length of the packet; in seccomp of `struct seccomp_data`.
    LoadLen(Register),
    /// Register = `k`.
    LoadImm(Register),
    /// Register = cell `k` of M.
    LoadCell(Register),
    /// Cell `k` of M = register.
    StoreCell(Register),
    /// A = A OP operand; division and remainder by an X of 0 end the program with 0; shifts count modulo 32.
    Alu {
        /// The operator.
        op: Alu,
        /// The right side: `k` or X.
        operand: Operand,
    },
    /// A = -A.
    Neg,
    /// Skips `k` instructions.
    Goto,
    /// Skips `jt` instructions if A COND operand, else `jf`.
    If {
        /// The comparison.
        cond: Cond,
        /// The right side: `k` or X.
        operand: Operand,
    },
    /// Ends the program with `k`.
    ReturnImm,
    /// Ends the program with A.
    ReturnA,
    /// This register = the other one.
    Copy(Register),
}

/// What `k` carries, and so how the operation's operand is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Nothing; no operand is written.
    Nothing,
    /// A place or the name of ancillary data: `[12]`, `[mark]`.
    Place,
    /// A place counted from X: `[x + 14]`.
    Indexed,
    /// The place of a byte with a header's length: `4*([14]&0xf)`.
    HeaderLen,
    /// Nothing; written `#pktlen`.
    Length,
    /// A number in hexadecimal: `#0x800`.
    Hex,
    /// A signed number: `#2`.
    Decimal,
    /// The number of a cell: `M[3]`.
    Cell,
    /// Nothing, since the right side is X: `x`.
    X,
    /// A distance, written as the number of the instruction it leads to.
    Distance,
}

use Target::{Seccomp, Socket, XtBpf};

/// Packet filters and seccomp.
const ALL: &[Target] = &[Socket, Seccomp, XtBpf];
/// Packet filters alone.
const PACKETS: &[Target] = &[Socket, XtBpf];

const fn row(code: u16, name: &'static str, kind: Kind, field: Field, what: &'static str) -> Op {
    Op { code, name, kind, field, takers: ALL, since: v(2, 2), what }
}

impl Op {
    const fn of_packets(mut self) -> Op {
        self.takers = PACKETS;
        self
    }

    const fn since(mut self, major: u8, minor: u8) -> Op {
        self.since = v(major, minor);
        self
    }
}

const fn abs(code: u16, name: &'static str, size: Size, what: &'static str) -> Op {
    row(code, name, Kind::LoadAbs(size), Field::Place, what)
}

const fn ind(code: u16, name: &'static str, size: Size, what: &'static str) -> Op {
    row(code, name, Kind::LoadInd(size), Field::Indexed, what).of_packets()
}

const fn alu(code: u16, name: &'static str, op: Alu, field: Field, what: &'static str) -> Op {
    let operand = if matches!(field, Field::X) { Operand::Reg } else { Operand::Imm };
    row(code, name, Kind::Alu { op, operand }, field, what)
}

const fn jump(code: u16, name: &'static str, cond: Cond, field: Field, what: &'static str) -> Op {
    let operand = if matches!(field, Field::X) { Operand::Reg } else { Operand::Imm };
    row(code, name, Kind::If { cond, operand }, field, what)
}

use Register::{A, X};

/// All operations, by class and code.
#[rustfmt::skip]
pub static TABLE: &[Op] = &[
    // Loads to A.
    row(0x00, "ld", Kind::LoadImm(A), Field::Hex, "A becomes the constant."),
    abs(0x20, "ld", Size::W, "A becomes the four bytes at a place of the packet, or ancillary data."),
    abs(0x28, "ldh", Size::H, "A becomes the two bytes at a place of the packet, or ancillary data.").of_packets(),
    abs(0x30, "ldb", Size::B, "A becomes the byte at a place of the packet, or ancillary data.").of_packets(),
    ind(0x40, "ld", Size::W, "A becomes the four bytes at X and a distance."),
    ind(0x48, "ldh", Size::H, "A becomes the two bytes at X and a distance."),
    ind(0x50, "ldb", Size::B, "A becomes the byte at X and a distance."),
    row(0x60, "ld", Kind::LoadCell(A), Field::Cell, "A becomes a cell of M."),
    row(0x80, "ld", Kind::LoadLen(A), Field::Length, "A becomes the length of the packet."),
    // Loads to X.
    row(0x01, "ldx", Kind::LoadImm(X), Field::Hex, "X becomes the constant."),
    row(0x61, "ldx", Kind::LoadCell(X), Field::Cell, "X becomes a cell of M."),
    row(0x81, "ldx", Kind::LoadLen(X), Field::Length, "X becomes the length of the packet."),
    row(0xb1, "ldxb", Kind::LoadHeaderLen, Field::HeaderLen,
        "X becomes four times the low half of a byte of the packet: the length of an IPv4 header.").of_packets(),
    // Stores.
    row(0x02, "st", Kind::StoreCell(A), Field::Cell, "A cell of M becomes A."),
    row(0x03, "stx", Kind::StoreCell(X), Field::Cell, "A cell of M becomes X."),
    // Arithmetic on A.
    alu(0x04, "add", Alu::Add, Field::Decimal, "The constant is added to A."),
    alu(0x0c, "add", Alu::Add, Field::X, "X is added to A."),
    alu(0x14, "sub", Alu::Sub, Field::Decimal, "The constant is taken from A."),
    alu(0x1c, "sub", Alu::Sub, Field::X, "X is taken from A."),
    alu(0x24, "mul", Alu::Mul, Field::Decimal, "A is multiplied by the constant."),
    alu(0x2c, "mul", Alu::Mul, Field::X, "A is multiplied by X."),
    alu(0x34, "div", Alu::Div, Field::Decimal, "A is divided by the constant, which is not 0."),
    alu(0x3c, "div", Alu::Div, Field::X, "A is divided by X; an X of 0 ends the program with 0."),
    alu(0x44, "or", Alu::Or, Field::Hex, "A becomes the bits of A or the constant."),
    alu(0x4c, "or", Alu::Or, Field::X, "A becomes the bits of A or X."),
    alu(0x54, "and", Alu::And, Field::Hex, "A becomes the bits of both A and the constant."),
    alu(0x5c, "and", Alu::And, Field::X, "A becomes the bits of both A and X."),
    alu(0x64, "lsh", Alu::Lsh, Field::Decimal, "A is shifted left by the constant, which is below 32."),
    alu(0x6c, "lsh", Alu::Lsh, Field::X, "A is shifted left by the low five bits of X."),
    alu(0x74, "rsh", Alu::Rsh, Field::Decimal, "A is shifted right by the constant, which is below 32."),
    alu(0x7c, "rsh", Alu::Rsh, Field::X, "A is shifted right by the low five bits of X."),
    row(0x84, "neg", Kind::Neg, Field::Nothing, "A changes its sign."),
    alu(0x94, "mod", Alu::Mod, Field::Decimal, "A becomes its remainder by the constant, which is not 0.")
        .of_packets().since(3, 7),
    alu(0x9c, "mod", Alu::Mod, Field::X, "A becomes its remainder by X; an X of 0 ends the program with 0.")
        .of_packets().since(3, 7),
    alu(0xa4, "xor", Alu::Xor, Field::Hex, "A becomes the bits of either A or the constant, but not both.").since(3, 7),
    alu(0xac, "xor", Alu::Xor, Field::X, "A becomes the bits of either A or X, but not both.").since(3, 7),
    // Jumps, forward only.
    row(0x05, "ja", Kind::Goto, Field::Distance, "Goes on at another instruction."),
    jump(0x15, "jeq", Cond::Eq, Field::Hex, "Goes by whether A equals the constant."),
    jump(0x1d, "jeq", Cond::Eq, Field::X, "Goes by whether A equals X."),
    jump(0x25, "jgt", Cond::Gt, Field::Hex, "Goes by whether A is greater than the constant."),
    jump(0x2d, "jgt", Cond::Gt, Field::X, "Goes by whether A is greater than X."),
    jump(0x35, "jge", Cond::Ge, Field::Hex, "Goes by whether A is at least the constant."),
    jump(0x3d, "jge", Cond::Ge, Field::X, "Goes by whether A is at least X."),
    jump(0x45, "jset", Cond::Set, Field::Hex, "Goes by whether A and the constant have a bit in common."),
    jump(0x4d, "jset", Cond::Set, Field::X, "Goes by whether A and X have a bit in common."),
    // Ends.
    row(0x06, "ret", Kind::ReturnImm, Field::Decimal, "Ends with the constant: bytes to keep, or what seccomp does."),
    row(0x16, "ret", Kind::ReturnA, Field::Nothing, "Ends with A: bytes to keep, or what seccomp does."),
    // Between the registers.
    row(0x07, "tax", Kind::Copy(X), Field::Nothing, "X becomes A."),
    row(0x87, "txa", Kind::Copy(A), Field::Nothing, "A becomes X."),
];
