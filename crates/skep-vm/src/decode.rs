//! Decoding: slots of a program to operations, relocated once. What an instruction is, and which of its fields must be
//! zero, `skep_isa::opcode` says; what the vm cannot run of it is an error here.

use std::sync::Arc;

use skep_isa::Insn;
use skep_isa::opcode::{self, Alu, Callee, Cond, Kind as What, Operand, Order, Size, Source, Width};
use skep_isa::spec::MapType;
use skep_object::{Object, ProgramSpec, RelocTarget};

use crate::context::Kind;
use crate::error::{Error, Place};
use crate::helper;
use crate::kfunc;
use crate::map::Map;
use crate::memory::{function_pointer, map_handle, map_value_pointer};
use crate::op::{Code, Op, Reg, fuse};

/// Most slots of a program; the kernel's limit for privileged users.
const MAX_SLOTS: usize = 1_000_000;

/// The helper that is no call: it goes on with another program.
pub(crate) const TAIL_CALL: i32 = 12;

/// Decodes a whole program; operation `i` is slot `i`.
/// `calls` are the numbers of the host's own functions.
pub(crate) fn decode(
    program: &ProgramSpec,
    object: &Object,
    maps: &[Arc<Map>],
    kind: Kind,
    calls: &[i32],
) -> Result<Vec<Op>, Error> {
    let decoder = Decoder { program, object, maps, kind, calls };
    let (code, last) = match program.code.as_slice() {
        code @ [.., last] if code.len() <= MAX_SLOTS => (code, code.len() - 1),
        code => {
            let why = format!("a program has 1 to {MAX_SLOTS} instructions, this one {}", code.len());
            return Err(decoder.bad(0, why));
        }
    };
    if let Some(reloc) = program.relocs.iter().find(|r| matches!(r.target, RelocTarget::Core(_))) {
        return Err(
            decoder.lacks(reloc.slot as usize, "the layout of a kernel type (CO-RE), which must be resolved first,")
        );
    }
    let mut ops = Vec::with_capacity(code.len());
    let mut slots = code.iter().copied().enumerate();
    while let Some((slot, insn)) = slots.next() {
        let row = opcode::decode(insn).map_err(|refusal| decoder.bad(slot, refusal.to_string()))?;
        match row.kind {
            What::LoadImm(source) => {
                let Some((_, tail)) = slots.next() else {
                    return Err(decoder.bad(slot, "the second slot of the wide load is missing".to_owned()));
                };
                opcode::check_tail(row, tail).map_err(|refusal| decoder.bad(slot, refusal.to_string()))?;
                ops.push(decoder.load_imm(slot, insn, tail, source)?);
                ops.push(Op::new(Code::Hole));
            }
            what => ops.push(decoder.single(slot, insn, what)?),
        }
    }
    for (slot, op) in ops.iter().enumerate() {
        if op.goes() && ops.get(op.off as usize).is_none_or(|landing| landing.code == Code::Hole) {
            return Err(decoder.bad(slot, format!("it goes to slot {}, where no instruction begins", op.off)));
        }
    }
    match ops.last().map(|op| op.code) {
        Some(Code::Exit | Code::Ja | Code::Throw | Code::GotoReg) => {
            decoder.mark_entries(&mut ops);
            fuse(&mut ops);
            Ok(ops)
        }
        _ => Err(decoder.bad(last, "the last instruction is neither `exit` nor a jump".to_owned())),
    }
}

/// What decoding an instruction needs to know besides the instruction.
struct Decoder<'a> {
    program: &'a ProgramSpec,
    object: &'a Object,
    maps: &'a [Arc<Map>],
    kind: Kind,
    calls: &'a [i32],
}

impl Decoder<'_> {
    fn place(&self, slot: usize) -> Place {
        Place::of(self.program, self.object, slot)
    }

    fn bad(&self, slot: usize, why: String) -> Error {
        Error::BadCode { place: self.place(slot), why }
    }

    fn lacks(&self, slot: usize, what: impl Into<String>) -> Error {
        Error::Unsupported { place: self.place(slot), what: what.into() }
    }

    /// A wide load, with what its relocation refers to.
    fn load_imm(&self, slot: usize, insn: Insn, tail: Insn, source: Source) -> Result<Op, Error> {
        let reloc = self.program.relocs.binary_search_by_key(&slot, |r| r.slot as usize).ok();
        let target = reloc.and_then(|at| self.program.relocs.get(at)).map(|r| &r.target);
        let map_at = |index: usize| {
            let count = self.maps.len();
            let none = || self.bad(slot, format!("it refers to map {index}, of which the object has {count}"));
            self.maps.get(index).ok_or_else(none)
        };
        let imm = match (target, source) {
            (Some(RelocTarget::Map(index)), _) => map_at(*index).map(|_| map_handle(*index))?,
            (Some(RelocTarget::MapValue { map, offset }), _) => {
                let found = map_at(*map)?;
                if found.map_type() == MapType::Arena {
                    // User space's form; the program casts it.
                    return Ok(Op {
                        dst: Reg::of(insn.dst),
                        imm: found.address().wrapping_add(u64::from(*offset)) as i64,
                        ..Op::new(Code::LdImm64)
                    });
                }
                if !found.has_direct_values() || *offset >= found.value_size() {
                    let why = format!("byte {offset} of map `{}` has no fixed address", found.name());
                    return Err(self.bad(slot, why));
                }
                map_value_pointer(*map, *offset as usize)
            }
            (Some(RelocTarget::Extern(symbol)), _) => {
                return Err(self.lacks(slot, format!("`{symbol}` of the kernel or of another object")));
            }
            (Some(RelocTarget::Core(_)) | None, Source::Const) => {
                u64::from(insn.imm as u32) | u64::from(tail.imm as u32) << 32
            }
            (_, Source::Func) => {
                let target = slot as i64 + 1 + i64::from(insn.imm);
                let begins = |t: &usize| *t < self.program.code.len() && !self.follows_wide(*t);
                match usize::try_from(target).ok().filter(begins) {
                    Some(target) => function_pointer(target),
                    None => return Err(self.bad(slot, format!("slot {target} is no function of the program"))),
                }
            }
            (_, source) => {
                return Err(self.bad(slot, format!("a wide load of {source:?} needs a relocation, and has none")));
            }
        };
        Ok(Op { dst: Reg::of(insn.dst), imm: imm as i64, ..Op::new(Code::LdImm64) })
    }

    /// True when a slot is the second half of a wide load.
    fn follows_wide(&self, slot: usize) -> bool {
        let before = self.program.code.get(..slot).unwrap_or_default();
        before.iter().rev().take_while(|insn| insn.is_wide()).count() % 2 == 1
    }

    /// Every instruction of one slot.
    fn single(&self, slot: usize, insn: Insn, what: What) -> Result<Op, Error> {
        let lands = |distance: i32| i32::try_from(slot as i64 + 1 + i64::from(distance)).unwrap_or(-1);
        let (dst, src, off) = (Reg::of(insn.dst), Reg::of(insn.src), i32::from(insn.off));
        let by_register = |code| Op { dst, src, off, ..Op::new(code) };
        let by_operand = |code, operand| match operand {
            Operand::Reg => by_register(code),
            Operand::Imm => Op { dst, off, imm: insn.imm.into(), ..Op::new(code) },
        };
        let op = match what {
            What::Alu { op, width, operand } => by_operand(alu(op, width), operand),
            What::Neg(width) => by_register(of(width, Code::Neg, Code::Neg32)),
            What::MovSx { width, from } => by_register(match (width, from) {
                (Width::W64, Size::B) => Code::Movsx8,
                (Width::W64, Size::H) => Code::Movsx16,
                (Width::W64, _) => Code::Movsx32,
                (Width::W32, Size::B) => Code::Movsx8To32,
                (Width::W32, _) => Code::Movsx16To32,
            }),
            What::Swap { order: Order::Little, size } => match size {
                Size::Dw => Op { src: dst, ..by_register(Code::Mov) },
                Size::W => by_register(Code::Zext32),
                _ => by_register(Code::Zext16),
            },
            What::Swap { order: Order::Big | Order::Reverse, size } => by_register(match size {
                Size::Dw => Code::Swap64,
                Size::W => Code::Swap32,
                _ => Code::Swap16,
            }),
            What::Load { size, signed: false } | What::LoadAcquire(size) => by_register(load(size)),
            What::Load { size, signed: true } => by_register(match size {
                Size::B => Code::Lds8,
                Size::H => Code::Lds16,
                _ => Code::Lds32,
            }),
            What::Store { size, operand } => by_operand(store(size), operand),
            What::StoreRelease(size) => by_register(store(size)),
            What::Atomic { op, size, fetch } => {
                let code = if size == Size::Dw { Code::Atomic64 } else { Code::Atomic32 };
                by_register(code).with_atomic(op, fetch)
            }
            What::LoadPacketAbs(size) => {
                self.packet_load(slot, Op { imm: insn.imm.into(), ..Op::new(classic(size)) })?
            }
            What::LoadPacketInd(size) => {
                let op = Op { src, imm: insn.imm.into(), ..Op::new(classic(size)) };
                self.packet_load(slot, op)?
            }
            What::Goto(width) => Op { off: lands(of(width, off, insn.imm)), ..Op::new(Code::Ja) },
            What::If { cond, width, operand } => Op { off: lands(off), ..by_operand(jump(cond, width), operand) },
            What::Call(Callee::Local) => Op { off: lands(insn.imm), ..Op::new(Code::CallLocal) },
            What::Call(Callee::Helper) if let Some(at) = self.calls.iter().position(|id| *id == insn.imm) => {
                Op { imm: at as i64, ..Op::new(Code::CallHost) }
            }
            What::Call(Callee::Helper) if insn.imm == TAIL_CALL => Op::new(Code::TailCall),
            What::Call(Callee::Helper) => {
                let row = helper::find(insn.imm, self.kind);
                let why = |why| Error::Helper { place: self.place(slot), id: insn.imm, why };
                Op { imm: row.map_err(why)? as i64, ..Op::new(Code::CallHelper) }
            }
            What::Call(Callee::Kfunc) => self.kfunc(slot, insn)?,
            What::GotoReg => Op { dst, ..Op::new(Code::GotoReg) },
            What::CallReg => Op { dst, ..Op::new(Code::CallReg) },
            What::MayGoto => Op { off: lands(off), ..Op::new(Code::MayGoto) },
            What::AddrSpaceCast => self.address_cast(slot, insn)?,
            What::Exit => Op::new(Code::Exit),
            What::LoadImm(_) => return Err(self.bad(slot, "a wide load takes two slots".to_owned())),
        };
        Ok(op)
    }

    /// A call of a kernel function, by its name.
    fn kfunc(&self, slot: usize, insn: Insn) -> Result<Op, Error> {
        let reloc = self.program.relocs.binary_search_by_key(&slot, |r| r.slot as usize).ok();
        let name = match reloc.and_then(|at| self.program.relocs.get(at)).map(|r| &r.target) {
            Some(RelocTarget::Extern(name)) => name.as_str(),
            _ => return Err(self.lacks(slot, format!("kernel function {}", insn.imm))),
        };
        if name == kfunc::THROW {
            let handler = self.exception_handler().map_or(-1, |slot| slot as i32);
            return Ok(Op { off: handler, ..Op::new(Code::Throw) });
        }
        match kfunc::find(name) {
            Some(row) => Ok(Op { imm: row as i64, ..Op::new(Code::CallKfunc) }),
            None => Err(self.lacks(slot, format!("the kernel function `{name}`"))),
        }
    }

    /// Slot of the function that takes the program's exceptions.
    fn exception_handler(&self) -> Option<u32> {
        let main = self.program.funcs.first()?.type_id?;
        let btf = self.object.btf.as_ref()?;
        let name = btf.decl_tags(main, -1).find_map(|tag| tag.strip_prefix("exception_callback:"))?;
        let of_that_name = |func: &&skep_object::FuncInfo| func.name == name;
        self.program.funcs.iter().find(of_that_name).map(|func| func.slot)
    }

    /// A cast between the two forms of an arena's addresses: user space's, and the region's of the vm.
    fn address_cast(&self, slot: usize, insn: Insn) -> Result<Op, Error> {
        let is_arena = |map: &skep_object::MapSpec| map.map_type == MapType::Arena;
        let Some(index) = self.object.maps.iter().position(is_arena) else {
            return Err(self.lacks(slot, "an arena"));
        };
        let (dst, src) = (Reg::of(insn.dst), Reg::of(insn.src));
        // The upper half of the immediate is the address space cast to; 0 is the kernel's.
        Ok(if insn.imm >> 16 == 0 {
            Op { dst, src, imm: map_value_pointer(index, 0) as i64, ..Op::new(Code::ToArena) }
        } else {
            let user = self.maps.get(index).map_or(0, |map| map.address()) >> 32 << 32;
            Op { dst, src, imm: user as i64, ..Op::new(Code::FromArena) }
        })
    }

    /// Marks where functions begin: what is called, what has its address taken, what is named.
    fn mark_entries(&self, ops: &mut [Op]) {
        let called = ops.iter().filter(|op| op.code == Code::CallLocal).map(|op| op.off as usize);
        let is_address =
            |insn: &Insn| matches!(opcode::decode(*insn), Ok(row) if row.kind == What::LoadImm(Source::Func));
        let slots = self.program.code.iter().enumerate().filter(|(_, insn)| is_address(insn));
        let taken = slots.map(|(slot, insn)| (slot as i64 + 1 + i64::from(insn.imm)) as usize);
        let named = self.program.funcs.iter().map(|func| func.slot as usize);
        let entries: Vec<usize> = called.chain(taken).chain(named).collect();
        for slot in entries {
            if let Some(op) = ops.get_mut(slot) {
                op.entry = op.code != Code::Hole;
            }
        }
    }

    fn packet_load(&self, slot: usize, op: Op) -> Result<Op, Error> {
        match self.kind {
            Kind::Tc | Kind::Socket => Ok(op),
            _ => Err(self.bad(slot, "classic packet loads are for socket filters and tc programs".to_owned())),
        }
    }
}

fn of<T>(width: Width, on64: T, on32: T) -> T {
    match width {
        Width::W64 => on64,
        Width::W32 => on32,
    }
}

#[rustfmt::skip]
fn alu(op: Alu, width: Width) -> Code {
    use Code::*;
    match op {
        Alu::Add => of(width, Add, Add32), Alu::Sub => of(width, Sub, Sub32), Alu::Mul => of(width, Mul, Mul32),
        Alu::Div => of(width, Div, Div32), Alu::Sdiv => of(width, Sdiv, Sdiv32),
        Alu::Mod => of(width, Mod, Mod32), Alu::Smod => of(width, Smod, Smod32),
        Alu::Or => of(width, Or, Or32), Alu::And => of(width, And, And32), Alu::Xor => of(width, Xor, Xor32),
        Alu::Lsh => of(width, Lsh, Lsh32), Alu::Rsh => of(width, Rsh, Rsh32), Alu::Arsh => of(width, Arsh, Arsh32),
        Alu::Mov => of(width, Mov, Mov32),
    }
}

#[rustfmt::skip]
fn jump(cond: Cond, width: Width) -> Code {
    use Code::*;
    match cond {
        Cond::Eq => of(width, Jeq, Jeq32), Cond::Ne => of(width, Jne, Jne32), Cond::Set => of(width, Jset, Jset32),
        Cond::Gt => of(width, Jgt, Jgt32), Cond::Ge => of(width, Jge, Jge32),
        Cond::Lt => of(width, Jlt, Jlt32), Cond::Le => of(width, Jle, Jle32),
        Cond::Sgt => of(width, Jsgt, Jsgt32), Cond::Sge => of(width, Jsge, Jsge32),
        Cond::Slt => of(width, Jslt, Jslt32), Cond::Sle => of(width, Jsle, Jsle32),
    }
}

fn load(size: Size) -> Code {
    match size {
        Size::B => Code::Ld8,
        Size::H => Code::Ld16,
        Size::W => Code::Ld32,
        Size::Dw => Code::Ld64,
    }
}

fn store(size: Size) -> Code {
    match size {
        Size::B => Code::St8,
        Size::H => Code::St16,
        Size::W => Code::St32,
        Size::Dw => Code::St64,
    }
}

/// Loads of classic BPF.
fn classic(size: Size) -> Code {
    match size {
        Size::B => Code::LdAbs8,
        Size::H => Code::LdAbs16,
        _ => Code::LdAbs32,
    }
}
