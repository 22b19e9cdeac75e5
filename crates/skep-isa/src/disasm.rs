//! Text of instructions, letter for letter as `llvm-objdump` 19 prints it.
//!
//! Enter at [`text`]; the kernel's spelling stands in [`kernel`]. LLVM is more tolerant than the kernel: it skips most reserved fields and knows a register 11.
//! [`recognise`] states what it accepts, [`write`](fn@write) prints any row of the table, also those newer than LLVM 19.

pub mod kernel;

use std::fmt::{Display, Formatter, Result, Write};

use crate::Insn;
use crate::opcode::{Atomic, Field, Kind, Op, Operand, Order, Size, Source, Width, rows};

/// What LLVM prints for bytes it does not know.
pub const UNKNOWN: &str = "<unknown>";

/// The last register LLVM knows.
const LAST_REGISTER: u8 = 11;

/// Text of one instruction; `next` is the slot after it, which a wide load needs.
///
/// ```
/// use skep_isa::{Insn, disasm};
/// assert_eq!(disasm::text(Insn::new(0x07, 10, 0, 0, -8), None), "r10 += -0x8");
/// assert_eq!(disasm::text(Insn::new(0x18, 1, 0, 0, 5), Some(Insn::default())), "r1 = 0x5 ll");
/// assert_eq!(disasm::text(Insn::new(0xff, 0, 0, 0, 0), None), "<unknown>");
/// ```
pub fn text(insn: Insn, next: Option<Insn>) -> String {
    let mut out = String::new();
    let high = next.map(|tail| tail.imm);
    match recognise(insn) {
        Some(op) if op.slots() == 1 || high.is_some() => {
            // Writing into a String does not fail.
            let _ = write(&mut out, op, insn, high.unwrap_or(0));
        }
        _ => out.push_str(UNKNOWN),
    }
    out
}

/// The row LLVM reads an instruction as.
pub fn recognise(insn: Insn) -> Option<&'static Op> {
    let op = rows(insn.code).iter().find(|op| is_read_as(op, insn))?;
    let known = |field, register| !is_register(field) || register <= LAST_REGISTER;
    (known(op.dst, insn.dst) && known(op.src, insn.src)).then_some(op)
}

fn is_register(field: Field) -> bool {
    matches!(field, Field::Read | Field::Write | Field::Update)
}

fn is_read_as(op: &Op, insn: Insn) -> bool {
    let holds = |field, value: i32| match field {
        Field::Is(wanted) => wanted == value,
        _ => value == 0,
    };
    match op.kind {
        Kind::Alu { .. } | Kind::MovSx { .. } => holds(op.off, insn.off.into()),
        Kind::AddrSpaceCast => insn.off == 1,
        Kind::Swap { .. } | Kind::Exit => holds(op.imm, insn.imm),
        Kind::LoadImm(source) => insn.off == 0 && (source == Source::Const) == (insn.src == 0),
        // LLVM looks at the low byte of an atomic's immediate; without the old value only at its high half, and of
        // the 32-bit ones it prints a sum alone.
        Kind::Atomic { size: Size::W, op: Atomic::Add, fetch: false } => insn.imm & 0xf0 == 0,
        Kind::Atomic { size: Size::W, .. } => false,
        Kind::Atomic { fetch: true, .. } => holds(op.imm, insn.imm & 0xff),
        Kind::Atomic { fetch: false, .. } => {
            let fetch = Field::Is(insn.imm & 0xff);
            holds(op.imm, insn.imm & 0xf0) && !rows(insn.code).iter().any(|op| op.imm == fetch && is_fetch(op))
        }
        Kind::LoadAcquire(_) | Kind::StoreRelease(_) | Kind::GotoReg => false,
        _ => true,
    }
}

fn is_fetch(op: &Op) -> bool {
    matches!(op.kind, Kind::Atomic { fetch: true, .. })
}

/// Writes an instruction as the row says; `high` is the immediate of a wide load's second slot.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, op: &Op, insn: Insn, high: i32) -> Result {
    let (dst, src) = (R(Width::W64, insn.dst), R(Width::W64, insn.src));
    let (off, imm) = (Hex(insn.off.into()), Hex(insn.imm.into()));
    match op.kind {
        Kind::Alu { op, width, operand } => {
            write!(out, "{} {} ", R(width, insn.dst), op.symbol())?;
            right_side(out, operand, width, insn)
        }
        Kind::Neg(width) => write!(out, "{0} = -{0}", R(width, insn.dst)),
        Kind::MovSx { width, from } => {
            write!(out, "{} = (s{}){}", R(width, insn.dst), from.bits(), R(width, insn.src))
        }
        Kind::Swap { order, size } => {
            let name = match order {
                Order::Little => "le",
                Order::Big => "be",
                Order::Reverse => "bswap",
            };
            write!(out, "{dst} = {name}{} {dst}", size.bits())
        }
        Kind::AddrSpaceCast => {
            let (old, new) = ((insn.imm >> 16) & 0xffff, insn.imm & 0xffff);
            write!(out, "{dst} = addr_space_cast({src}, {old:#x}, {new:#x})")
        }
        Kind::LoadImm(source) => {
            let low = i64::from(insn.imm as u32);
            match source {
                Source::Const => write!(out, "{dst} = {} ll", Hex((i64::from(high) << 32) | low)),
                // LLVM leaves out the upper half.
                _ => write!(out, "ld_pseudo\t{dst}, {}, {}", Hex(insn.src.into()), Hex(low)),
            }
        }
        Kind::Load { size, signed: false } => write!(out, "{dst} = {}", At(size, insn.src, insn.off)),
        Kind::Load { size, signed: true } => {
            write!(out, "{dst} = *(s{} *)({})", size.bits(), Address(insn.src, insn.off))
        }
        Kind::Store { size, operand } => {
            write!(out, "{} = ", At(size, insn.dst, insn.off))?;
            right_side(out, operand, Width::W64, insn)
        }
        Kind::LoadPacketAbs(size) => write!(out, "r0 = *(u{} *)skb[{imm}]", size.bits()),
        Kind::LoadPacketInd(size) => write!(out, "r0 = *(u{} *)skb[{src}]", size.bits()),
        Kind::Atomic { op, size, fetch } => atomic(out, op, size, fetch, insn),
        Kind::LoadAcquire(size) => {
            write!(out, "{dst} = load_acquire((u{} *)({}))", size.bits(), Address(insn.src, insn.off))
        }
        Kind::StoreRelease(size) => {
            write!(out, "store_release((u{} *)({}), {src})", size.bits(), Address(insn.dst, insn.off))
        }
        Kind::Goto(Width::W64) => write!(out, "goto {off:+}"),
        Kind::Goto(Width::W32) => write!(out, "gotol {imm:+}"),
        Kind::If { cond, width, operand } => {
            write!(out, "if {} {} ", R(width, insn.dst), cond.symbol())?;
            right_side(out, operand, width, insn)?;
            write!(out, " goto {off:+}")
        }
        Kind::MayGoto => write!(out, "may_goto {off:+}"),
        Kind::Call(_) => write!(out, "call {imm}"),
        Kind::GotoReg => write!(out, "gotox {dst}"),
        Kind::CallReg => write!(out, "callx {dst}"),
        Kind::Exit => out.write_str("exit"),
    }
}

fn right_side(out: &mut impl Write, operand: Operand, width: Width, insn: Insn) -> Result {
    match operand {
        Operand::Imm => write!(out, "{}", Hex(insn.imm.into())),
        Operand::Reg => write!(out, "{}", R(width, insn.src)),
    }
}

/// LLVM writes 32-bit operands as `w`, except in the sum, which is older than the spelling.
fn atomic(out: &mut impl Write, op: Atomic, size: Size, fetch: bool, insn: Insn) -> Result {
    let old_sum = op == Atomic::Add && !fetch;
    let width = if size == Size::W && !old_sum { Width::W32 } else { Width::W64 };
    let (src, r0) = (R(width, insn.src), R(width, 0));
    let bits = if size == Size::W { "32_32" } else { "_64" };
    let (symbol, name) = match op {
        Atomic::Add => ("+=", "add"),
        Atomic::Or => ("|=", "or"),
        Atomic::And => ("&=", "and"),
        Atomic::Xor => ("^=", "xor"),
        Atomic::Xchg => return write!(out, "{src} = xchg{bits}({}, {src})", Address(insn.dst, insn.off)),
        Atomic::Cmpxchg => return write!(out, "{r0} = cmpxchg{bits}({}, {r0}, {src})", Address(insn.dst, insn.off)),
    };
    if fetch {
        write!(out, "{src} = atomic_fetch_{name}((u{} *)({}), {src})", size.bits(), Address(insn.dst, insn.off))
    } else {
        write!(out, "lock {} {symbol} {src}", At(size, insn.dst, insn.off))
    }
}

/// A register: `r1`, or `w1` for its low half.
struct R(Width, u8);

impl Display for R {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let letter = if self.0 == Width::W32 { 'w' } else { 'r' };
        f.write_char(letter)?;
        if self.1 >= 10 {
            f.write_char('1')?;
        }
        f.write_char(char::from(b'0' + self.1 % 10))
    }
}

/// A number as LLVM writes it: sign, then hexadecimal. `{:+}` shows both signs.
struct Hex(i64);

impl Display for Hex {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let sign = match self.0 {
            ..0 => "-",
            _ if f.sign_plus() => "+",
            _ => "",
        };
        write!(f, "{sign}{:#x}", self.0.unsigned_abs())
    }
}

/// `r1 + 0x8`
struct Address(u8, i16);

impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let sign = if self.1 < 0 { '-' } else { '+' };
        write!(f, "{} {sign} {:#x}", R(Width::W64, self.0), self.1.unsigned_abs())
    }
}

/// `*(u32 *)(r1 + 0x8)`
struct At(Size, u8, i16);

impl Display for At {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "*(u{} *)({})", self.0.bits(), Address(self.1, self.2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opcode::TABLE;

    #[test]
    fn every_row_has_a_text_of_its_own_or_shares_it_with_its_code() {
        for op in TABLE {
            let mut out = String::new();
            write(&mut out, op, Insn::new(op.code, 1, 2, 8, 16), 0).expect("a String takes all");
            assert!(!out.is_empty() && out != UNKNOWN, "{op:?}");
        }
    }

    #[test]
    fn spells_as_llvm_does() {
        let cases: &[(Insn, &str)] = &[
            (Insn::new(0x34, 1, 0, 1, 3), "w1 s/= 0x3"),
            (Insn::new(0xbf, 1, 2, 16, 0), "r1 = (s16)r2"),
            (Insn::new(0xbf, 1, 2, 1, 0x10000), "r1 = addr_space_cast(r2, 0x1, 0x0)"),
            (Insn::new(0xd7, 3, 0, 0, 64), "r3 = bswap64 r3"),
            (Insn::new(0x84, 3, 0, 0, 0), "w3 = -w3"),
            (Insn::new(0x61, 1, 10, -4, 0), "r1 = *(u32 *)(r10 - 0x4)"),
            (Insn::new(0x91, 1, 2, 4, 0), "r1 = *(s8 *)(r2 + 0x4)"),
            (Insn::new(0x7a, 10, 0, -8, -1), "*(u64 *)(r10 - 0x8) = -0x1"),
            (Insn::new(0x20, 0, 0, 0, 14), "r0 = *(u32 *)skb[0xe]"),
            (Insn::new(0x50, 0, 7, 0, 14), "r0 = *(u8 *)skb[r7]"),
            (Insn::new(0xdb, 1, 2, 8, 0xf1), "r0 = cmpxchg_64(r1 + 0x8, r0, r2)"),
            (Insn::new(0xdb, 1, 2, 8, 0x41), "r2 = atomic_fetch_or((u64 *)(r1 + 0x8), r2)"),
            (Insn::new(0xc3, 1, 2, 8, 0), "lock *(u32 *)(r1 + 0x8) += r2"),
            (Insn::new(0x06, 0, 0, 0, i32::MIN), "gotol -0x80000000"),
            (Insn::new(0xce, 1, 2, 3, 0), "if w1 s< w2 goto +0x3"),
            (Insn::new(0xe5, 0, 0, -1, 0), "may_goto -0x1"),
            (Insn::new(0x85, 0, 1, 0, -1), "call -0x1"),
            (Insn::new(0x8d, 2, 0, 0, 0), "callx r2"),
            (Insn::new(0x95, 0, 0, 0, 1), UNKNOWN),
            (Insn::new(0x07, 12, 0, 0, 1), UNKNOWN),
            (Insn::new(0x07, 1, 0, 1, 1), UNKNOWN),
            (Insn::new(0x18, 1, 0, 0, 1), UNKNOWN),
        ];
        for (insn, expected) in cases {
            assert_eq!(text(*insn, None), *expected, "{insn:?}");
        }
        let tail = Insn::new(0, 0, 0, 0, i32::MIN);
        assert_eq!(text(Insn::new(0x18, 1, 0, 0, 0), Some(tail)), "r1 = -0x8000000000000000 ll");
        assert_eq!(text(Insn::new(0x18, 1, 1, 0, 7), Some(Insn::default())), "ld_pseudo\tr1, 0x1, 0x7");
    }
}
