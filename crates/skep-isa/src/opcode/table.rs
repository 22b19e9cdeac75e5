//! THE table of operations. The functions above it say what rows of one sort have in common.

use super::Field::{Ignored, Is, Read, Reserved, Update, Value, Write};
use super::Isa::{V1, V2, V3, V4};
use super::Operand::{Imm, Reg};
use super::Width::{W32, W64};
use super::{Alu, Atomic, Callee, Cond, Field, Isa, Kind, Op, Operand, Order, Size, Source, Width};
use crate::spec::{Version, v};

/// A row of the first instruction set.
const fn row(code: u8, name: &'static str, kind: Kind, [dst, src, off, imm]: [Field; 4]) -> Op {
    Op { code, name, kind, dst, src, off, imm, isa: V1, since: Some(v(3, 18)) }
}

impl Op {
    /// The same row, selected by the offset field.
    const fn off(mut self, value: i32) -> Op {
        self.off = Is(value);
        self
    }

    /// The same row, from a later level and kernel.
    const fn from(mut self, isa: Isa, since: Version) -> Op {
        self.isa = isa;
        self.since = Some(since);
        self
    }
}

const fn right_side(operand: Operand) -> (Field, Field) {
    match operand {
        Imm => (Reserved, Value),
        Reg => (Read, Reserved),
    }
}

const fn alu(code: u8, name: &'static str, op: Alu, width: Width, operand: Operand) -> Op {
    let (src, imm) = right_side(operand);
    let dst = if matches!(op, Alu::Mov) { Write } else { Update };
    let isa = if matches!(width, W32) { V3 } else { V1 };
    row(code, name, Kind::Alu { op, width, operand }, [dst, src, Reserved, imm]).from(isa, v(3, 18))
}

const fn movsx(code: u8, name: &'static str, width: Width, from: Size) -> Op {
    row(code, name, Kind::MovSx { width, from }, [Write, Read, Is(from.bits() as i32), Reserved]).from(V4, v(6, 6))
}

const fn cast(spaces: i32) -> Op {
    row(0xbf, "addr_space_cast", Kind::AddrSpaceCast, [Write, Read, Is(1), Is(spaces)]).from(V4, v(6, 9))
}

const fn neg(code: u8, name: &'static str, width: Width) -> Op {
    let isa = if matches!(width, W32) { V3 } else { V1 };
    row(code, name, Kind::Neg(width), [Update, Reserved, Reserved, Reserved]).from(isa, v(3, 18))
}

const fn swap(code: u8, name: &'static str, order: Order, size: Size) -> Op {
    row(code, name, Kind::Swap { order, size }, [Update, Reserved, Reserved, Is(size.bits() as i32)])
}

const fn wide(src: i32, source: Source, since: Version) -> Op {
    row(crate::insn::LD_IMM64, "lddw", Kind::LoadImm(source), [Write, Is(src), Reserved, Value]).from(V1, since)
}

const fn packet(code: u8, name: &'static str, kind: Kind, src: Field) -> Op {
    row(code, name, kind, [Reserved, src, Reserved, Value])
}

const fn load(code: u8, name: &'static str, size: Size, signed: bool) -> Op {
    row(code, name, Kind::Load { size, signed }, [Write, Read, Value, Reserved])
}

const fn store(code: u8, name: &'static str, size: Size, operand: Operand) -> Op {
    let (src, imm) = right_side(operand);
    row(code, name, Kind::Store { size, operand }, [Read, src, Value, imm])
}

/// Bit 0 of the selecting immediate asks for the old value.
const fn atomic(code: u8, name: &'static str, op: Atomic, size: Size, imm: i32) -> Op {
    let fetch = imm & 1 != 0;
    let src = if fetch && !matches!(op, Atomic::Cmpxchg) { Update } else { Read };
    row(code, name, Kind::Atomic { op, size, fetch }, [Read, src, Value, Is(imm)]).from(V3, v(5, 12))
}

const fn acquire(code: u8, name: &'static str, size: Size) -> Op {
    row(code, name, Kind::LoadAcquire(size), [Write, Read, Value, Is(0x100)]).from(V4, v(6, 15))
}

const fn release(code: u8, name: &'static str, size: Size) -> Op {
    row(code, name, Kind::StoreRelease(size), [Read, Read, Value, Is(0x110)]).from(V4, v(6, 15))
}

const fn goto(code: u8, name: &'static str, width: Width) -> Op {
    let (off, imm) = if matches!(width, W32) { (Reserved, Value) } else { (Value, Reserved) };
    row(code, name, Kind::Goto(width), [Reserved, Reserved, off, imm])
}

const fn cond(code: u8, name: &'static str, cond: Cond, width: Width, operand: Operand) -> Op {
    let (src, imm) = right_side(operand);
    let op = row(code, name, Kind::If { cond, width, operand }, [Read, src, Value, imm]);
    if matches!(width, W32) { op.from(V3, v(5, 1)) } else { op }
}

/// Newer than LLVM 19.
const GOTOX: Op = row(0x0d, "gotox", Kind::GotoReg, [Read, Reserved, Reserved, Reserved]).from(V4, v(6, 19));

const MAY_GOTO: Op = row(0xe5, "may_goto", Kind::MayGoto, [Reserved, Is(0), Value, Reserved]).from(V4, v(6, 9));

const fn call(src: i32, callee: Callee, since: Version) -> Op {
    let off = if matches!(callee, Callee::Kfunc) { Value } else { Reserved };
    row(crate::insn::CALL, "call", Kind::Call(callee), [Reserved, Is(src), off, Value]).from(V1, since)
}

/// clang emits it; no kernel takes it.
const CALLX: Op = Op { since: None, ..row(0x8d, "callx", Kind::CallReg, [Read, Reserved, Reserved, Reserved]) };

/// The kernel does not look at the offset of `exit`.
const EXIT: Op = row(crate::insn::EXIT, "exit", Kind::Exit, [Reserved, Reserved, Ignored, Reserved]);

/// All operations. Rows of one code stand together.
#[rustfmt::skip]
pub static TABLE: &[Op] = &[
    // Arithmetic, 64 and 32 bits.
    alu(0x07, "add", Alu::Add, W64, Imm),
    alu(0x0f, "add", Alu::Add, W64, Reg),
    alu(0x04, "add32", Alu::Add, W32, Imm),
    alu(0x0c, "add32", Alu::Add, W32, Reg),
    alu(0x17, "sub", Alu::Sub, W64, Imm),
    alu(0x1f, "sub", Alu::Sub, W64, Reg),
    alu(0x14, "sub32", Alu::Sub, W32, Imm),
    alu(0x1c, "sub32", Alu::Sub, W32, Reg),
    alu(0x27, "mul", Alu::Mul, W64, Imm),
    alu(0x2f, "mul", Alu::Mul, W64, Reg),
    alu(0x24, "mul32", Alu::Mul, W32, Imm),
    alu(0x2c, "mul32", Alu::Mul, W32, Reg),
    alu(0x37, "div", Alu::Div, W64, Imm).off(0),
    alu(0x37, "sdiv", Alu::Sdiv, W64, Imm).off(1).from(V4, v(6, 6)),
    alu(0x3f, "div", Alu::Div, W64, Reg).off(0),
    alu(0x3f, "sdiv", Alu::Sdiv, W64, Reg).off(1).from(V4, v(6, 6)),
    alu(0x34, "div32", Alu::Div, W32, Imm).off(0),
    alu(0x34, "sdiv32", Alu::Sdiv, W32, Imm).off(1).from(V4, v(6, 6)),
    alu(0x3c, "div32", Alu::Div, W32, Reg).off(0),
    alu(0x3c, "sdiv32", Alu::Sdiv, W32, Reg).off(1).from(V4, v(6, 6)),
    alu(0x47, "or", Alu::Or, W64, Imm),
    alu(0x4f, "or", Alu::Or, W64, Reg),
    alu(0x44, "or32", Alu::Or, W32, Imm),
    alu(0x4c, "or32", Alu::Or, W32, Reg),
    alu(0x57, "and", Alu::And, W64, Imm),
    alu(0x5f, "and", Alu::And, W64, Reg),
    alu(0x54, "and32", Alu::And, W32, Imm),
    alu(0x5c, "and32", Alu::And, W32, Reg),
    alu(0x67, "lsh", Alu::Lsh, W64, Imm),
    alu(0x6f, "lsh", Alu::Lsh, W64, Reg),
    alu(0x64, "lsh32", Alu::Lsh, W32, Imm),
    alu(0x6c, "lsh32", Alu::Lsh, W32, Reg),
    alu(0x77, "rsh", Alu::Rsh, W64, Imm),
    alu(0x7f, "rsh", Alu::Rsh, W64, Reg),
    alu(0x74, "rsh32", Alu::Rsh, W32, Imm),
    alu(0x7c, "rsh32", Alu::Rsh, W32, Reg),
    alu(0x97, "mod", Alu::Mod, W64, Imm).off(0),
    alu(0x97, "smod", Alu::Smod, W64, Imm).off(1).from(V4, v(6, 6)),
    alu(0x9f, "mod", Alu::Mod, W64, Reg).off(0),
    alu(0x9f, "smod", Alu::Smod, W64, Reg).off(1).from(V4, v(6, 6)),
    alu(0x94, "mod32", Alu::Mod, W32, Imm).off(0),
    alu(0x94, "smod32", Alu::Smod, W32, Imm).off(1).from(V4, v(6, 6)),
    alu(0x9c, "mod32", Alu::Mod, W32, Reg).off(0),
    alu(0x9c, "smod32", Alu::Smod, W32, Reg).off(1).from(V4, v(6, 6)),
    alu(0xa7, "xor", Alu::Xor, W64, Imm),
    alu(0xaf, "xor", Alu::Xor, W64, Reg),
    alu(0xa4, "xor32", Alu::Xor, W32, Imm),
    alu(0xac, "xor32", Alu::Xor, W32, Reg),
    alu(0xb7, "mov", Alu::Mov, W64, Imm),
    alu(0xbf, "mov", Alu::Mov, W64, Reg).off(0),
    movsx(0xbf, "movsx8", W64, Size::B),
    movsx(0xbf, "movsx16", W64, Size::H),
    movsx(0xbf, "movsx32", W64, Size::W),
    cast(1),
    cast(0x10000),
    alu(0xb4, "mov32", Alu::Mov, W32, Imm),
    alu(0xbc, "mov32", Alu::Mov, W32, Reg).off(0),
    movsx(0xbc, "movsx8to32", W32, Size::B),
    movsx(0xbc, "movsx16to32", W32, Size::H),
    alu(0xc7, "arsh", Alu::Arsh, W64, Imm),
    alu(0xcf, "arsh", Alu::Arsh, W64, Reg),
    // Refused by the verifier until 5.0.
    alu(0xc4, "arsh32", Alu::Arsh, W32, Imm).from(V3, v(5, 0)),
    alu(0xcc, "arsh32", Alu::Arsh, W32, Reg).from(V3, v(5, 0)),
    neg(0x87, "neg", W64),
    neg(0x84, "neg32", W32),
    swap(0xd4, "le16", Order::Little, Size::H),
    swap(0xd4, "le32", Order::Little, Size::W),
    swap(0xd4, "le64", Order::Little, Size::Dw),
    swap(0xdc, "be16", Order::Big, Size::H),
    swap(0xdc, "be32", Order::Big, Size::W),
    swap(0xdc, "be64", Order::Big, Size::Dw),
    swap(0xd7, "bswap16", Order::Reverse, Size::H).from(V4, v(6, 6)),
    swap(0xd7, "bswap32", Order::Reverse, Size::W).from(V4, v(6, 6)),
    swap(0xd7, "bswap64", Order::Reverse, Size::Dw).from(V4, v(6, 6)),
    // Loads of constants, of packets, of memory; stores.
    wide(0, Source::Const, v(3, 18)),
    wide(1, Source::MapFd, v(3, 18)),
    wide(2, Source::MapValue, v(5, 2)),
    wide(3, Source::BtfId, v(5, 10)),
    wide(4, Source::Func, v(5, 13)),
    wide(5, Source::MapIdx, v(5, 14)),
    wide(6, Source::MapIdxValue, v(5, 14)),
    packet(0x20, "ldabsw", Kind::LoadPacketAbs(Size::W), Reserved),
    packet(0x28, "ldabsh", Kind::LoadPacketAbs(Size::H), Reserved),
    packet(0x30, "ldabsb", Kind::LoadPacketAbs(Size::B), Reserved),
    packet(0x40, "ldindw", Kind::LoadPacketInd(Size::W), Read),
    packet(0x48, "ldindh", Kind::LoadPacketInd(Size::H), Read),
    packet(0x50, "ldindb", Kind::LoadPacketInd(Size::B), Read),
    load(0x61, "ldxw", Size::W, false),
    load(0x69, "ldxh", Size::H, false),
    load(0x71, "ldxb", Size::B, false),
    load(0x79, "ldxdw", Size::Dw, false),
    load(0x81, "ldxsw", Size::W, true).from(V4, v(6, 6)),
    load(0x89, "ldxsh", Size::H, true).from(V4, v(6, 6)),
    load(0x91, "ldxsb", Size::B, true).from(V4, v(6, 6)),
    store(0x62, "stw", Size::W, Imm),
    store(0x6a, "sth", Size::H, Imm),
    store(0x72, "stb", Size::B, Imm),
    store(0x7a, "stdw", Size::Dw, Imm),
    store(0x63, "stxw", Size::W, Reg),
    store(0x6b, "stxh", Size::H, Reg),
    store(0x73, "stxb", Size::B, Reg),
    store(0x7b, "stxdw", Size::Dw, Reg),
    // Atomics, acquire and release.
    atomic(0xc3, "xadd32", Atomic::Add, Size::W, 0).from(V1, v(3, 18)),
    atomic(0xc3, "fetch_add32", Atomic::Add, Size::W, 0x1),
    atomic(0xc3, "atomic_or32", Atomic::Or, Size::W, 0x40),
    atomic(0xc3, "fetch_or32", Atomic::Or, Size::W, 0x41),
    atomic(0xc3, "atomic_and32", Atomic::And, Size::W, 0x50),
    atomic(0xc3, "fetch_and32", Atomic::And, Size::W, 0x51),
    atomic(0xc3, "atomic_xor32", Atomic::Xor, Size::W, 0xa0),
    atomic(0xc3, "fetch_xor32", Atomic::Xor, Size::W, 0xa1),
    atomic(0xc3, "xchg32", Atomic::Xchg, Size::W, 0xe1),
    atomic(0xc3, "cmpxchg32", Atomic::Cmpxchg, Size::W, 0xf1),
    acquire(0xc3, "load_acquire32", Size::W),
    release(0xc3, "store_release32", Size::W),
    atomic(0xdb, "xadd", Atomic::Add, Size::Dw, 0).from(V1, v(3, 18)),
    atomic(0xdb, "fetch_add", Atomic::Add, Size::Dw, 0x1),
    atomic(0xdb, "atomic_or", Atomic::Or, Size::Dw, 0x40),
    atomic(0xdb, "fetch_or", Atomic::Or, Size::Dw, 0x41),
    atomic(0xdb, "atomic_and", Atomic::And, Size::Dw, 0x50),
    atomic(0xdb, "fetch_and", Atomic::And, Size::Dw, 0x51),
    atomic(0xdb, "atomic_xor", Atomic::Xor, Size::Dw, 0xa0),
    atomic(0xdb, "fetch_xor", Atomic::Xor, Size::Dw, 0xa1),
    atomic(0xdb, "xchg", Atomic::Xchg, Size::Dw, 0xe1),
    atomic(0xdb, "cmpxchg", Atomic::Cmpxchg, Size::Dw, 0xf1),
    acquire(0xdb, "load_acquire", Size::Dw),
    release(0xdb, "store_release", Size::Dw),
    acquire(0xcb, "load_acquire16", Size::H),
    release(0xcb, "store_release16", Size::H),
    acquire(0xd3, "load_acquire8", Size::B),
    release(0xd3, "store_release8", Size::B),
    // Jumps, 64 and 32 bits; calls; the end.
    goto(0x05, "ja", W64),
    goto(0x06, "gotol", W32).from(V4, v(6, 6)),
    GOTOX,
    cond(0x15, "jeq", Cond::Eq, W64, Imm),
    cond(0x1d, "jeq", Cond::Eq, W64, Reg),
    cond(0x16, "jeq32", Cond::Eq, W32, Imm),
    cond(0x1e, "jeq32", Cond::Eq, W32, Reg),
    cond(0x25, "jgt", Cond::Gt, W64, Imm),
    cond(0x2d, "jgt", Cond::Gt, W64, Reg),
    cond(0x26, "jgt32", Cond::Gt, W32, Imm),
    cond(0x2e, "jgt32", Cond::Gt, W32, Reg),
    cond(0x35, "jge", Cond::Ge, W64, Imm),
    cond(0x3d, "jge", Cond::Ge, W64, Reg),
    cond(0x36, "jge32", Cond::Ge, W32, Imm),
    cond(0x3e, "jge32", Cond::Ge, W32, Reg),
    cond(0x45, "jset", Cond::Set, W64, Imm),
    cond(0x4d, "jset", Cond::Set, W64, Reg),
    cond(0x46, "jset32", Cond::Set, W32, Imm),
    cond(0x4e, "jset32", Cond::Set, W32, Reg),
    cond(0x55, "jne", Cond::Ne, W64, Imm),
    cond(0x5d, "jne", Cond::Ne, W64, Reg),
    cond(0x56, "jne32", Cond::Ne, W32, Imm),
    cond(0x5e, "jne32", Cond::Ne, W32, Reg),
    cond(0x65, "jsgt", Cond::Sgt, W64, Imm),
    cond(0x6d, "jsgt", Cond::Sgt, W64, Reg),
    cond(0x66, "jsgt32", Cond::Sgt, W32, Imm),
    cond(0x6e, "jsgt32", Cond::Sgt, W32, Reg),
    cond(0x75, "jsge", Cond::Sge, W64, Imm),
    cond(0x7d, "jsge", Cond::Sge, W64, Reg),
    cond(0x76, "jsge32", Cond::Sge, W32, Imm),
    cond(0x7e, "jsge32", Cond::Sge, W32, Reg),
    cond(0xa5, "jlt", Cond::Lt, W64, Imm).from(V2, v(4, 14)),
    cond(0xad, "jlt", Cond::Lt, W64, Reg).from(V2, v(4, 14)),
    cond(0xa6, "jlt32", Cond::Lt, W32, Imm),
    cond(0xae, "jlt32", Cond::Lt, W32, Reg),
    cond(0xb5, "jle", Cond::Le, W64, Imm).from(V2, v(4, 14)),
    cond(0xbd, "jle", Cond::Le, W64, Reg).from(V2, v(4, 14)),
    cond(0xb6, "jle32", Cond::Le, W32, Imm),
    cond(0xbe, "jle32", Cond::Le, W32, Reg),
    cond(0xc5, "jslt", Cond::Slt, W64, Imm).from(V2, v(4, 14)),
    cond(0xcd, "jslt", Cond::Slt, W64, Reg).from(V2, v(4, 14)),
    cond(0xc6, "jslt32", Cond::Slt, W32, Imm),
    cond(0xce, "jslt32", Cond::Slt, W32, Reg),
    cond(0xd5, "jsle", Cond::Sle, W64, Imm).from(V2, v(4, 14)),
    cond(0xdd, "jsle", Cond::Sle, W64, Reg).from(V2, v(4, 14)),
    cond(0xd6, "jsle32", Cond::Sle, W32, Imm),
    cond(0xde, "jsle32", Cond::Sle, W32, Reg),
    MAY_GOTO,
    call(0, Callee::Helper, v(3, 18)),
    call(1, Callee::Local, v(4, 16)),
    call(2, Callee::Kfunc, v(5, 13)),
    CALLX,
    EXIT,
];
