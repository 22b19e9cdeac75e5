//! Classic BPF: the two-register machine of socket filters and seccomp.
//!
//! Enter at [`ClassicInsn`] for one instruction, at [`TABLE`] for what codes mean, at [`parse`](parse()) and [`text`]
//! for the three forms that `tcpdump -d`, `-dd` and `-ddd` print, at [`check`](check()) for the kernel's verdict, and
//! at [`translate`](translate()) for the same program as eBPF.
//!
//! A program has an accumulator A, an index register X and sixteen cells `M[0]` to `M[15]`, all of 32 bits; it jumps only
//! forward. This module runs nothing and knows no kernel it runs on. Facts are those of Linux 6.18.

mod check;
mod parse;
mod table;
pub mod text;
mod translate;

use crate::spec::limit;

pub use check::{Refusal, check};
pub use parse::{ParseError, Problem, parse, parse_bytes};
pub use table::{Field, Kind, Op, Register, TABLE, Target};
pub use translate::{Untranslatable, translate};

/// Number of cells of M.
pub const CELLS: u32 = limit::value("classic_cells") as u32;

/// One instruction, its fields as the kernel's `struct sock_filter` has them.
///
/// ```
/// use skep_isa::classic::{self, ClassicInsn};
/// let insn = ClassicInsn::new(0x15, 0, 3, 0x0800);
/// assert_eq!(classic::decode(insn).unwrap().name, "jeq");
/// assert_eq!(classic::text::line(insn, 1), "(001) jeq      #0x800           jt 2\tjf 5");
/// assert_eq!(ClassicInsn::from_bytes(insn.to_bytes()), insn);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct ClassicInsn {
    /// Operation code.
    pub code: u16,
    /// Instructions to skip when a condition holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// Constant, place, cell or distance.
    pub k: u32,
}

impl ClassicInsn {
    /// Bytes of one instruction.
    pub const SIZE: usize = 8;

    /// Makes an instruction from its fields.
    pub const fn new(code: u16, jt: u8, jf: u8, k: u32) -> ClassicInsn {
        ClassicInsn { code, jt, jf, k }
    }

    /// Reads one little-endian instruction; whether it means anything is asked of [`decode`].
    pub const fn from_bytes(b: [u8; 8]) -> ClassicInsn {
        ClassicInsn {
            code: u16::from_le_bytes([b[0], b[1]]),
            jt: b[2],
            jf: b[3],
            k: u32::from_le_bytes([b[4], b[5], b[6], b[7]]),
        }
    }

    /// Writes the instruction in little-endian form.
    pub const fn to_bytes(self) -> [u8; 8] {
        let (code, k) = (self.code.to_le_bytes(), self.k.to_le_bytes());
        [code[0], code[1], self.jt, self.jf, k[0], k[1], k[2], k[3]]
    }
}

/// The operation of an instruction, `None` when no operation has its code. No other field is looked at: the kernel
/// ignores what an operation does not use.
pub fn decode(insn: ClassicInsn) -> Option<&'static Op> {
    TABLE.iter().find(|op| op.code == insn.code)
}

/// The rows with this mnemonic, in the order of the table.
pub fn named(name: &str) -> impl Iterator<Item = &'static Op> {
    TABLE.iter().filter(move |op| op.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;
