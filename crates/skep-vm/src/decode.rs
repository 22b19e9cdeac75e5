//! Decoding: slots of a program to operations, checked and relocated once. What is unknown or reserved is an error.

use skep_isa::Insn;
use skep_isa::insn::{PSEUDO_CALL, PSEUDO_FUNC, PSEUDO_KFUNC_CALL};
use skep_object::{Object, ProgramSpec, RelocTarget};

use crate::context::Kind;
use crate::error::{Error, Place};
use crate::helper;
use crate::map::Map;
use crate::memory::{function_pointer, map_handle, map_value_pointer};
use crate::op::{Code, Op, ZERO};

/// Most slots of a program; the kernel's limit for privileged users.
const MAX_SLOTS: usize = 1_000_000;

/// Decodes a whole program; operation `i` is slot `i`.
pub(crate) fn decode(program: &ProgramSpec, object: &Object, maps: &[Map], kind: Kind) -> Result<Vec<Op>, Error> {
    let bad = |slot: usize, why: String| Error::BadCode { place: Place::of(program, object, slot), why };
    if program.code.is_empty() || program.code.len() > MAX_SLOTS {
        return Err(bad(0, format!("a program has 1 to {MAX_SLOTS} instructions, this one {}", program.code.len())));
    }
    if let Some(reloc) = program.relocs.iter().find(|r| matches!(r.target, RelocTarget::Core(_))) {
        let what = "the layout of a kernel type (CO-RE)".to_owned();
        return Err(Error::Unsupported { place: Place::of(program, object, reloc.slot as usize), what });
    }
    let mut ops = Vec::with_capacity(program.code.len());
    let mut slots = program.code.iter().enumerate();
    while let Some((slot, &insn)) = slots.next() {
        if insn.is_wide() {
            let second = slots.next().map(|(_, second)| *second);
            ops.push(wide(program, object, maps, slot, insn, second)?);
            ops.push(Op { code: Code::Hole, dst: 0, src: ZERO, off: 0, imm: 0 });
        } else if insn.code == skep_isa::insn::CALL {
            ops.push(call(program, object, kind, slot, insn)?);
        } else {
            ops.push(single(slot, insn, kind).map_err(|why| bad(slot, why))?);
        }
    }
    for (slot, op) in ops.iter().enumerate() {
        let target = match op.code {
            code if is_jump(code) => i64::from(op.off),
            Code::CallLocal => i64::from(op.off),
            _ => continue,
        };
        let landing = usize::try_from(target).ok().and_then(|t| ops.get(t));
        if landing.is_none_or(|landing| landing.code == Code::Hole) {
            return Err(bad(slot, format!("it goes to slot {target}, where no instruction begins")));
        }
    }
    match ops.last().map(|op| op.code) {
        Some(Code::Exit | Code::Ja) => Ok(ops),
        _ => Err(bad(ops.len() - 1, "the last instruction is neither `exit` nor a jump".to_owned())),
    }
}

fn is_jump(code: Code) -> bool {
    let code = code as u8;
    (Code::Ja as u8..=Code::Jsle32 as u8).contains(&code)
}

/// `ld_imm64`, with what its relocation refers to.
fn wide(
    program: &ProgramSpec,
    object: &Object,
    maps: &[Map],
    slot: usize,
    insn: Insn,
    second: Option<Insn>,
) -> Result<Op, Error> {
    let place = || Place::of(program, object, slot);
    let bad = |why: String| Error::BadCode { place: place(), why };
    let Some(second) = second.filter(|s| (s.code, s.dst, s.src, s.off) == (0, 0, 0, 0) && insn.off == 0) else {
        return Err(bad("the wide load has no proper second slot".to_owned()));
    };
    if insn.dst > 9 {
        return Err(bad(format!("r{} cannot be written", insn.dst)));
    }
    let reloc = program.relocs.binary_search_by_key(&slot, |r| r.slot as usize).ok();
    let target = reloc.and_then(|at| program.relocs.get(at)).map(|r| &r.target);
    let no_map = |map: usize| bad(format!("it refers to map {map}, of which the object has {}", maps.len()));
    let imm = match (target, insn.src) {
        (Some(RelocTarget::Map(index)), _) => {
            maps.get(*index).ok_or_else(|| no_map(*index))?;
            map_handle(*index)
        }
        (Some(RelocTarget::MapValue { map, offset }), _) => {
            let found = maps.get(*map).ok_or_else(|| no_map(*map))?;
            if !found.has_direct_values() || *offset >= found.value_size() {
                return Err(bad(format!("byte {offset} of map `{}` has no fixed address", found.name())));
            }
            map_value_pointer(*map, *offset as usize)
        }
        (Some(RelocTarget::Extern(symbol)), _) => {
            return Err(Error::Unsupported { place: place(), what: format!("`{symbol}`, a symbol of the kernel,") });
        }
        (Some(RelocTarget::Core(_)) | None, 0) => u64::from(insn.imm as u32) | u64::from(second.imm as u32) << 32,
        (None, PSEUDO_FUNC) => {
            let target = slot as i64 + 1 + i64::from(insn.imm);
            let begins = |t: &usize| *t < program.code.len() && !follows_wide(program, *t);
            match usize::try_from(target).ok().filter(begins) {
                Some(target) => function_pointer(target),
                None => return Err(bad(format!("slot {target} is no function of the program"))),
            }
        }
        (_, src) => return Err(bad(format!("pseudo source {src} without a relocation"))),
    };
    Ok(Op { code: Code::LdImm64, dst: insn.dst, src: ZERO, off: 0, imm: imm as i64 })
}

/// True when a slot is the second half of a wide load.
fn follows_wide(program: &ProgramSpec, slot: usize) -> bool {
    let wides = program.code.get(..slot).unwrap_or_default().iter().rev().take_while(|i| i.is_wide()).count();
    wides % 2 == 1
}

fn call(program: &ProgramSpec, object: &Object, kind: Kind, slot: usize, insn: Insn) -> Result<Op, Error> {
    let place = || Place::of(program, object, slot);
    if insn.dst != 0 || insn.off != 0 {
        return Err(Error::BadCode { place: place(), why: "reserved fields of the call are used".to_owned() });
    }
    let op = |code, off: i64, imm| Op { code, dst: 0, src: ZERO, off: i32::try_from(off).unwrap_or(-1), imm };
    match insn.src {
        0 => match helper::find(insn.imm, kind) {
            Ok(row) => Ok(op(Code::CallHelper, 0, row as i64)),
            Err(why) => Err(Error::Helper { place: place(), id: insn.imm, why }),
        },
        PSEUDO_CALL => Ok(op(Code::CallLocal, slot as i64 + 1 + i64::from(insn.imm), 0)),
        PSEUDO_KFUNC_CALL => Err(Error::Unsupported { place: place(), what: format!("kernel function {}", insn.imm) }),
        src => Err(Error::BadCode { place: place(), why: format!("a call with source {src} is not defined") }),
    }
}

/// Every instruction of one slot except calls.
fn single(slot: usize, insn: Insn, kind: Kind) -> Result<Op, String> {
    if insn.dst > 10 || insn.src > 10 {
        return Err(format!("there is no register r{}", insn.dst.max(insn.src)));
    }
    match insn.class() {
        0x00 => packet_load(insn, kind),
        0x01 => load(insn),
        0x02 | 0x03 => store(insn),
        0x04 | 0x07 => alu(insn),
        _ => jump(slot, insn),
    }
}

fn reserved() -> String {
    "a field that must be 0 is not".to_owned()
}

fn unknown(insn: Insn) -> String {
    format!("code {:#04x} is not defined", insn.code)
}

/// Refuses to write r10.
fn writable(register: u8) -> Result<u8, String> {
    if register == 10 { Err("r10, the frame pointer, cannot be written".to_owned()) } else { Ok(register) }
}

/// The second operand: register and immediate.
fn operand(insn: Insn) -> Result<(u8, i64), String> {
    match insn.code & 0x08 {
        0 if insn.src == 0 => Ok((ZERO, i64::from(insn.imm))),
        8 if insn.imm == 0 => Ok((insn.src, 0)),
        _ => Err(reserved()),
    }
}

fn alu(insn: Insn) -> Result<Op, String> {
    use Code::*;
    let wide = insn.class() == 7;
    let pick = |on64: Code, on32: Code| if wide { on64 } else { on32 };
    let dst = writable(insn.dst)?;
    let op = insn.code & 0xf0;
    let by_register = insn.code & 0x08 != 0;
    if op == 0xd0 {
        let code = match (wide, by_register, insn.imm) {
            (false, false, 16) => Zext16,
            (false, false, 32) => Zext32,
            (false, false, 64) => Mov,
            (_, true, 16) if !wide => Swap16,
            (_, true, 32) if !wide => Swap32,
            (_, true, 64) if !wide => Swap64,
            (true, false, 16) => Swap16,
            (true, false, 32) => Swap32,
            (true, false, 64) => Swap64,
            _ => return Err(unknown(insn)),
        };
        if insn.src != 0 || insn.off != 0 {
            return Err(reserved());
        }
        return Ok(Op { code, dst, src: dst, off: 0, imm: 0 });
    }
    let (src, imm) = operand(insn)?;
    let code = match (op, insn.off) {
        (0x00, 0) => pick(Add, Add32),
        (0x10, 0) => pick(Sub, Sub32),
        (0x20, 0) => pick(Mul, Mul32),
        (0x30, 0) => pick(Div, Div32),
        (0x30, 1) => pick(Sdiv, Sdiv32),
        (0x40, 0) => pick(Or, Or32),
        (0x50, 0) => pick(And, And32),
        (0x60, 0) => pick(Lsh, Lsh32),
        (0x70, 0) => pick(Rsh, Rsh32),
        (0x80, 0) if !by_register && imm == 0 => pick(Neg, Neg32),
        (0x90, 0) => pick(Mod, Mod32),
        (0x90, 1) => pick(Smod, Smod32),
        (0xa0, 0) => pick(Xor, Xor32),
        (0xb0, 0) => pick(Mov, Mov32),
        (0xb0, 8) if by_register => pick(Movsx8, Movsx8To32),
        (0xb0, 16) if by_register => pick(Movsx16, Movsx16To32),
        (0xb0, 32) if by_register && wide => Movsx32,
        (0xc0, 0) => pick(Arsh, Arsh32),
        (0x00..=0xc0, _) => return Err(reserved()),
        _ => return Err(unknown(insn)),
    };
    Ok(Op { code, dst, src, off: 0, imm })
}

fn jump(slot: usize, insn: Insn) -> Result<Op, String> {
    use Code::*;
    let wide = insn.class() == 5;
    let pick = |on64: Code, on32: Code| if wide { on64 } else { on32 };
    let goes = |distance: i64| i32::try_from(slot as i64 + 1 + distance).unwrap_or(-1);
    match insn.code {
        0x95 if (insn.dst, insn.src, insn.off, insn.imm) == (0, 0, 0, 0) => {
            return Ok(Op { code: Exit, dst: 0, src: ZERO, off: 0, imm: 0 });
        }
        0x05 if (insn.dst, insn.src, insn.imm) == (0, 0, 0) => {
            return Ok(Op { code: Ja, dst: 0, src: ZERO, off: goes(insn.off.into()), imm: 0 });
        }
        0x06 if (insn.dst, insn.src, insn.off) == (0, 0, 0) => {
            return Ok(Op { code: Ja, dst: 0, src: ZERO, off: goes(insn.imm.into()), imm: 0 });
        }
        0x05 | 0x06 | 0x95 => return Err(reserved()),
        _ => {}
    }
    let (src, imm) = operand(insn)?;
    let code = match insn.code & 0xf0 {
        0x10 => pick(Jeq, Jeq32),
        0x20 => pick(Jgt, Jgt32),
        0x30 => pick(Jge, Jge32),
        0x40 => pick(Jset, Jset32),
        0x50 => pick(Jne, Jne32),
        0x60 => pick(Jsgt, Jsgt32),
        0x70 => pick(Jsge, Jsge32),
        0xa0 => pick(Jlt, Jlt32),
        0xb0 => pick(Jle, Jle32),
        0xc0 => pick(Jslt, Jslt32),
        0xd0 => pick(Jsle, Jsle32),
        _ => return Err(unknown(insn)),
    };
    Ok(Op { code, dst: insn.dst, src, off: goes(insn.off.into()), imm })
}

fn load(insn: Insn) -> Result<Op, String> {
    use Code::*;
    let code = match insn.code {
        0x71 => Ld8,
        0x69 => Ld16,
        0x61 => Ld32,
        0x79 => Ld64,
        0x91 => Lds8,
        0x89 => Lds16,
        0x81 => Lds32,
        _ => return Err(unknown(insn)),
    };
    if insn.imm != 0 {
        return Err(reserved());
    }
    Ok(Op { code, dst: writable(insn.dst)?, src: insn.src, off: insn.off.into(), imm: 0 })
}

/// Kind of an atomic operation: load-acquire.
const LOAD_ACQUIRE: i32 = 0x100;
/// Kind of an atomic operation: store-release.
const STORE_RELEASE: i32 = 0x110;
/// Flag of an atomic operation: the old value is fetched.
pub(crate) const FETCH: i64 = 0x01;
/// Kind of an atomic operation: exchange.
pub(crate) const XCHG: i64 = 0xe1;
/// Kind of an atomic operation: compare and exchange.
pub(crate) const CMPXCHG: i64 = 0xf1;

fn store(insn: Insn) -> Result<Op, String> {
    use Code::*;
    let sized = |of: [Code; 4]| match insn.code & 0x18 {
        0x10 => of[0],
        0x08 => of[1],
        0x00 => of[2],
        _ => of[3],
    };
    let off = i32::from(insn.off);
    match (insn.class(), insn.code & 0xe0) {
        (2, 0x60) if insn.src == 0 => {
            let imm = i64::from(insn.imm);
            Ok(Op { code: sized([St8, St16, St32, St64]), dst: insn.dst, src: ZERO, off, imm })
        }
        (3, 0x60) if insn.imm == 0 => {
            Ok(Op { code: sized([St8, St16, St32, St64]), dst: insn.dst, src: insn.src, off, imm: 0 })
        }
        (2 | 3, 0x60) => Err(reserved()),
        (3, 0xc0) => match insn.imm {
            LOAD_ACQUIRE => {
                let dst = writable(insn.dst)?;
                Ok(Op { code: sized([Ld8, Ld16, Ld32, Ld64]), dst, src: insn.src, off, imm: 0 })
            }
            STORE_RELEASE => Ok(Op { code: sized([St8, St16, St32, St64]), dst: insn.dst, src: insn.src, off, imm: 0 }),
            imm => {
                let code = match insn.code {
                    0xc3 => Atomic32,
                    0xdb => Atomic64,
                    _ => return Err(unknown(insn)),
                };
                if !matches!(imm, 0x00 | 0x01 | 0x40 | 0x41 | 0x50 | 0x51 | 0xa0 | 0xa1 | 0xe1 | 0xf1) {
                    return Err(format!("atomic operation {imm:#x} is not defined"));
                }
                let fetched = i64::from(imm) & FETCH != 0 && i64::from(imm) != CMPXCHG;
                let src = if fetched { writable(insn.src)? } else { insn.src };
                Ok(Op { code, dst: insn.dst, src, off, imm: imm.into() })
            }
        },
        _ => Err(unknown(insn)),
    }
}

fn packet_load(insn: Insn, kind: Kind) -> Result<Op, String> {
    let code = match insn.code & 0x18 {
        0x10 => Code::LdAbs8,
        0x08 => Code::LdAbs16,
        0x00 => Code::LdAbs32,
        _ => return Err(unknown(insn)),
    };
    let src = match insn.code & 0xe0 {
        0x20 if insn.src == 0 => ZERO,
        0x40 => insn.src,
        0x20 => return Err(reserved()),
        _ => return Err(unknown(insn)),
    };
    if insn.dst != 0 || insn.off != 0 {
        return Err(reserved());
    }
    if !matches!(kind, Kind::Tc | Kind::Socket) {
        return Err("classic packet loads are for socket filters and tc programs".to_owned());
    }
    Ok(Op { code, dst: 0, src, off: 0, imm: insn.imm.into() })
}
