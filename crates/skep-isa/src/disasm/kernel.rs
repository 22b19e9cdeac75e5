//! Text of instructions as the kernel's printer has it: in the verifier's log and in dumps of translated programs.
//!
//! A line begins with the code, `(bf) r6 = r1`. Where the printer asks its caller (for maps and functions), the words
//! are those of `bpftool prog dump xlated`.

use std::fmt::{Result, Write};

use super::{Hex, R};
use crate::Insn;
use crate::opcode::{Atomic, Callee, Kind, Op, Operand, Order, Size, Source, Width};
use crate::spec::helper;

/// Writes an instruction as the row says; `high` is the immediate of a wide load's second slot.
///
/// # Errors
/// Those of `out`.
///
/// ```
/// use skep_isa::{Insn, disasm, opcode};
/// let insn = Insn::new(0x15, 1, 0, 3, -1);
/// let mut text = String::new();
/// disasm::kernel::write(&mut text, opcode::decode(insn).unwrap(), insn, 0).unwrap();
/// assert_eq!(text, "(15) if r1 == 0xffffffff goto pc+3");
/// ```
pub fn write(out: &mut impl Write, op: &Op, insn: Insn, high: i32) -> Result {
    write!(out, "({:02x}) ", insn.code)?;
    let (dst, src) = (R(Width::W64, insn.dst), R(Width::W64, insn.src));
    let Insn { off, imm, .. } = insn;
    match op.kind {
        Kind::Alu { op, width, operand } => {
            write!(out, "{} {} ", R(width, insn.dst), op.symbol())?;
            match operand {
                Operand::Imm => write!(out, "{imm}"),
                Operand::Reg => write!(out, "{}", R(width, insn.src)),
            }
        }
        Kind::Neg(width) => write!(out, "{0} = -{0}", R(width, insn.dst)),
        Kind::MovSx { width, from } => {
            write!(out, "{} = (s{}){}", R(width, insn.dst), from.bits(), R(width, insn.src))
        }
        Kind::Swap { order, size } => write!(out, "{dst} = {}{} {dst}", order_name(order), size.bits()),
        Kind::AddrSpaceCast => {
            write!(out, "{dst} = addr_space_cast({src}, {}, {})", (imm >> 16) & 0xffff, imm & 0xffff)
        }
        Kind::LoadImm(source) => match source {
            Source::MapFd => write!(out, "{dst} = map[id:{}]", imm as u32),
            Source::MapValue => write!(out, "{dst} = map[id:{}][0]+{}", imm as u32, high as u32),
            Source::Func => write!(out, "{dst} = subprog[{imm:+}]"),
            _ => write!(out, "{dst} = {:#x}", (i64::from(high) << 32) | i64::from(imm as u32)),
        },
        Kind::Load { size, signed } => {
            let sign = if signed { 's' } else { 'u' };
            write!(out, "{dst} = *({sign}{} *)({src} {off:+})", size.bits())
        }
        Kind::Store { size, operand } => {
            write!(out, "*(u{} *)({dst} {off:+}) = ", size.bits())?;
            match operand {
                Operand::Imm => write!(out, "{imm}"),
                Operand::Reg => write!(out, "{src}"),
            }
        }
        Kind::LoadPacketAbs(size) => write!(out, "r0 = *(u{} *)skb[{imm}]", size.bits()),
        Kind::LoadPacketInd(size) => write!(out, "r0 = *(u{} *)skb[{src} + {imm}]", size.bits()),
        Kind::Atomic { op, size, fetch } => atomic(out, op, size, fetch, insn),
        Kind::LoadAcquire(size) => write!(out, "{dst} = load_acquire((u{} *)({src} {off:+}))", size.bits()),
        Kind::StoreRelease(size) => write!(out, "store_release((u{} *)({dst} {off:+}), {src})", size.bits()),
        Kind::Goto(Width::W64) => write!(out, "goto pc{off:+}"),
        Kind::Goto(Width::W32) => write!(out, "gotol pc{imm:+}"),
        Kind::If { cond, width, operand } => {
            write!(out, "if {} {} ", R(width, insn.dst), cond.symbol())?;
            match operand {
                Operand::Imm => write!(out, "{imm:#x}")?,
                Operand::Reg => write!(out, "{}", R(width, insn.src))?,
            }
            write!(out, " goto pc{off:+}")
        }
        Kind::MayGoto => write!(out, "may_goto pc{off:+}"),
        Kind::Call(Callee::Helper) => match u32::try_from(imm).ok().and_then(helper::find) {
            Some(helper) => write!(out, "call bpf_{}#{imm}", helper.name),
            // The number before the first helper has a name too.
            None => write!(out, "call {}#{imm}", if imm == 0 { "bpf_unspec" } else { "unknown" }),
        },
        Kind::Call(Callee::Local) => write!(out, "call pc{imm:+}"),
        Kind::Call(Callee::Kfunc) => write!(out, "call kernel-function#{imm}"),
        Kind::GotoReg => write!(out, "gotox {dst}"),
        Kind::CallReg => write!(out, "callx {dst}"),
        Kind::Exit => out.write_str("exit"),
    }
}

/// Text of one instruction; `next` is the slot after it. What is no instruction is shown as bytes.
pub fn text(insn: Insn, next: Option<Insn>) -> String {
    let mut out = String::new();
    // Writing into a String does not fail.
    let _ = match crate::opcode::decode(insn) {
        Ok(op) => write(&mut out, op, insn, next.map_or(0, |tail| tail.imm)),
        Err(_) => write!(out, "({:02x}) {}", insn.code, Hex(insn.imm.into())),
    };
    out
}

fn order_name(order: Order) -> &'static str {
    match order {
        Order::Little => "le",
        Order::Big => "be",
        Order::Reverse => "bswap",
    }
}

fn atomic(out: &mut impl Write, op: Atomic, size: Size, fetch: bool, insn: Insn) -> Result {
    let (dst, src, off) = (R(Width::W64, insn.dst), R(Width::W64, insn.src), insn.off);
    let (bits, word) = (size.bits(), if size == Size::Dw { "64" } else { "" });
    let (symbol, name) = match op {
        Atomic::Add => ("+=", "add"),
        Atomic::Or => ("|=", "or"),
        Atomic::And => ("&=", "and"),
        Atomic::Xor => ("^=", "xor"),
        Atomic::Xchg => return write!(out, "{src} = atomic{word}_xchg((u{bits} *)({dst} {off:+}), {src})"),
        Atomic::Cmpxchg => {
            return write!(out, "r0 = atomic{word}_cmpxchg((u{bits} *)({dst} {off:+}), r0, {src})");
        }
    };
    if fetch {
        write!(out, "{src} = atomic{word}_fetch_{name}((u{bits} *)({dst} {off:+}), {src})")
    } else {
        write!(out, "lock *(u{bits} *)({dst} {off:+}) {symbol} {src}")
    }
}
