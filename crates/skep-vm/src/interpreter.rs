//! The interpreter: one loop over decoded operations. Semantics are those of RFC 9669 and the kernel's interpreter.

use skep_isa::opcode::Atomic;

use crate::context::Kind;
use crate::fault::{Fault, FaultKind};
use crate::helper;
use crate::machine::World;
use crate::memory::{FRAME, MAX_FRAMES, STACK_SIZE, context_pointer, stack_pointer};
use crate::op::{Code, Op};
use crate::packet::Packet;

/// One run: a program, the packet it sees and the world it runs in.
pub(crate) struct Vm<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) packet: &'a mut Packet,
    pub(crate) kind: Kind,
    code: &'a [Op],
    /// Instructions left.
    fuel: u64,
    /// Frames in use.
    depth: usize,
    /// Offset of the innermost frame's lowest byte.
    pub(crate) stack_low: usize,
}

/// What a call saves: where to go on, and r6–r9.
#[derive(Clone, Copy, Default)]
pub(crate) struct Frame {
    back: usize,
    saved: [u64; 4],
}

/// Sixteen, so that a masked register number needs no bounds check; r11–r14 are unused, r15 stays 0.
type Registers = [u64; 16];

impl<'a> Vm<'a> {
    pub(crate) fn new(world: &'a mut World, packet: &'a mut Packet, kind: Kind, code: &'a [Op]) -> Vm<'a> {
        let fuel = world.config.fuel;
        Vm { world, packet, kind, code, fuel, depth: 0, stack_low: STACK_SIZE }
    }

    /// Runs the program from its start; `r0` at its end.
    pub(crate) fn run(&mut self) -> Result<u64, Fault> {
        self.function(0, [context_pointer(), 0, 0, 0, 0])
    }

    /// Instructions run so far.
    pub(crate) fn used(&self) -> u64 {
        self.world.config.fuel - self.fuel
    }

    /// Runs a function of the program in a frame of its own: the entry, or a helper's callback.
    pub(crate) fn function(&mut self, slot: usize, args: [u64; 5]) -> Result<u64, Fault> {
        if self.depth == MAX_FRAMES {
            return Err(Fault { kind: FaultKind::CallDepth { limit: MAX_FRAMES }, slot });
        }
        let mut regs: Registers = [0; 16];
        regs[1..6].copy_from_slice(&args);
        regs[10] = stack_pointer(self.stack_low);
        self.depth += 1;
        self.stack_low -= FRAME;
        let result = self.execute(slot, regs);
        self.depth -= 1;
        self.stack_low += FRAME;
        result
    }

    fn execute(&mut self, start: usize, mut regs: Registers) -> Result<u64, Fault> {
        let outermost = self.depth;
        let code = self.code;
        let mut fuel = self.fuel;
        let mut pc = start;
        macro_rules! fault {
            ($kind:expr) => {{
                self.fuel = fuel;
                self.stack_low += (self.depth - outermost) * FRAME;
                self.depth = outermost;
                return Err(Fault { kind: $kind, slot: pc.wrapping_sub(1) });
            }};
        }
        macro_rules! check {
            ($result:expr) => {
                match $result {
                    Ok(value) => value,
                    Err(kind) => fault!(kind),
                }
            };
        }
        loop {
            let Some(op) = code.get(pc) else { fault!(FaultKind::WildJump) };
            pc += 1;
            if fuel == 0 {
                fault!(FaultKind::Fuel { limit: self.world.config.fuel });
            }
            fuel -= 1;
            let d = (op.dst & 15) as usize;
            let s = (op.src & 15) as usize;
            let a = regs[d];
            let b = regs[s].wrapping_add(op.imm as u64);
            let (a32, b32) = (a as u32, b as u32);
            // Where a load reads and a store writes.
            macro_rules! from {
                () => {
                    regs[s].wrapping_add(op.off as i64 as u64)
                };
            }
            macro_rules! to {
                () => {
                    a.wrapping_add(op.off as i64 as u64)
                };
            }
            macro_rules! set {
                ($value:expr) => {
                    regs[d] = $value as u64
                };
            }
            macro_rules! jump {
                ($condition:expr) => {
                    if $condition {
                        pc = op.off as usize;
                    }
                };
            }
            match op.code {
                Code::Add => set!(a.wrapping_add(b)),
                Code::Sub => set!(a.wrapping_sub(b)),
                Code::Mul => set!(a.wrapping_mul(b)),
                Code::Div => set!(a.checked_div(b).unwrap_or(0)),
                Code::Sdiv => set!(if b == 0 { 0 } else { (a as i64).wrapping_div(b as i64) }),
                Code::Or => set!(a | b),
                Code::And => set!(a & b),
                Code::Lsh => set!(a.wrapping_shl(b32)),
                Code::Rsh => set!(a.wrapping_shr(b32)),
                Code::Neg => set!(a.wrapping_neg()),
                Code::Mod => set!(a.checked_rem(b).unwrap_or(a)),
                Code::Smod => set!(if b == 0 { a as i64 } else { (a as i64).wrapping_rem(b as i64) }),
                Code::Xor => set!(a ^ b),
                Code::Mov => set!(b),
                Code::Arsh => set!((a as i64).wrapping_shr(b32)),
                Code::Add32 => set!(a32.wrapping_add(b32)),
                Code::Sub32 => set!(a32.wrapping_sub(b32)),
                Code::Mul32 => set!(a32.wrapping_mul(b32)),
                Code::Div32 => set!(a32.checked_div(b32).unwrap_or(0)),
                Code::Sdiv32 => set!(if b32 == 0 { 0 } else { (a as i32).wrapping_div(b as i32) as u32 }),
                Code::Or32 => set!(a32 | b32),
                Code::And32 => set!(a32 & b32),
                Code::Lsh32 => set!(a32.wrapping_shl(b32)),
                Code::Rsh32 => set!(a32.wrapping_shr(b32)),
                Code::Neg32 => set!(a32.wrapping_neg()),
                Code::Mod32 => set!(a32.checked_rem(b32).unwrap_or(a32)),
                Code::Smod32 => set!(if b32 == 0 { a32 } else { (a as i32).wrapping_rem(b as i32) as u32 }),
                Code::Xor32 => set!(a32 ^ b32),
                Code::Mov32 => set!(b32),
                Code::Arsh32 => set!((a as i32).wrapping_shr(b32) as u32),
                Code::Movsx8 => set!(i64::from(b as i8)),
                Code::Movsx16 => set!(i64::from(b as i16)),
                Code::Movsx32 => set!(i64::from(b as i32)),
                Code::Movsx8To32 => set!(i32::from(b as i8) as u32),
                Code::Movsx16To32 => set!(i32::from(b as i16) as u32),
                Code::Zext16 => set!(a as u16),
                Code::Zext32 => set!(a32),
                Code::Swap16 => set!((a as u16).swap_bytes()),
                Code::Swap32 => set!(a32.swap_bytes()),
                Code::Swap64 => set!(a.swap_bytes()),
                Code::Ja => pc = op.off as usize,
                Code::Jeq => jump!(a == b),
                Code::Jne => jump!(a != b),
                Code::Jgt => jump!(a > b),
                Code::Jge => jump!(a >= b),
                Code::Jlt => jump!(a < b),
                Code::Jle => jump!(a <= b),
                Code::Jset => jump!(a & b != 0),
                Code::Jsgt => jump!(a as i64 > b as i64),
                Code::Jsge => jump!(a as i64 >= b as i64),
                Code::Jslt => jump!((a as i64) < b as i64),
                Code::Jsle => jump!(a as i64 <= b as i64),
                Code::Jeq32 => jump!(a32 == b32),
                Code::Jne32 => jump!(a32 != b32),
                Code::Jgt32 => jump!(a32 > b32),
                Code::Jge32 => jump!(a32 >= b32),
                Code::Jlt32 => jump!(a32 < b32),
                Code::Jle32 => jump!(a32 <= b32),
                Code::Jset32 => jump!(a32 & b32 != 0),
                Code::Jsgt32 => jump!(a as i32 > b as i32),
                Code::Jsge32 => jump!(a as i32 >= b as i32),
                Code::Jslt32 => jump!((a as i32) < b as i32),
                Code::Jsle32 => jump!(a as i32 <= b as i32),
                Code::Ld8 => set!(check!(self.load::<1>(from!()))),
                Code::Ld16 => set!(check!(self.load::<2>(from!()))),
                Code::Ld32 => set!(check!(self.load::<4>(from!()))),
                Code::Ld64 => set!(check!(self.load::<8>(from!()))),
                Code::Lds8 => set!(check!(self.load::<1>(from!())) as i8 as i64),
                Code::Lds16 => set!(check!(self.load::<2>(from!())) as i16 as i64),
                Code::Lds32 => set!(check!(self.load::<4>(from!())) as i32 as i64),
                Code::St8 => check!(self.store::<1>(to!(), b)),
                Code::St16 => check!(self.store::<2>(to!(), b)),
                Code::St32 => check!(self.store::<4>(to!(), b)),
                Code::St64 => check!(self.store::<8>(to!(), b)),
                Code::Atomic32 => check!(self.atomic::<4>(&mut regs, op, to!())),
                Code::Atomic64 => check!(self.atomic::<8>(&mut regs, op, to!())),
                Code::LdImm64 => {
                    set!(op.imm);
                    pc += 1;
                }
                Code::LdAbs8 | Code::LdAbs16 | Code::LdAbs32 => {
                    let size = match op.code {
                        Code::LdAbs8 => 1,
                        Code::LdAbs16 => 2,
                        _ => 4,
                    };
                    // The sum is taken in 32 bits, signed: negative places are relative to a header.
                    match self.packet.load_classic(b as i32, size) {
                        Some(value) => regs[0] = value,
                        None => {
                            // A load past the end ends the program with 0.
                            self.fuel = fuel;
                            self.stack_low += (self.depth - outermost) * FRAME;
                            self.depth = outermost;
                            return Ok(0);
                        }
                    }
                }
                Code::CallLocal => {
                    if self.depth == MAX_FRAMES {
                        fault!(FaultKind::CallDepth { limit: MAX_FRAMES });
                    }
                    let saved = [regs[6], regs[7], regs[8], regs[9]];
                    if let Some(frame) = self.world.frames.get_mut(self.depth) {
                        *frame = Frame { back: pc, saved };
                    }
                    regs[10] = stack_pointer(self.stack_low);
                    self.depth += 1;
                    self.stack_low -= FRAME;
                    pc = op.off as usize;
                }
                Code::CallHelper => {
                    self.fuel = fuel;
                    let args = [regs[1], regs[2], regs[3], regs[4], regs[5]];
                    match helper::call(self, op.imm as usize, args) {
                        Ok(value) => regs[0] = value,
                        Err(helper::Stop::Here(kind)) => fault!(kind),
                        Err(helper::Stop::Inside(inner)) => {
                            self.stack_low += (self.depth - outermost) * FRAME;
                            self.depth = outermost;
                            return Err(inner);
                        }
                    }
                    fuel = self.fuel;
                }
                Code::Exit => {
                    if self.depth == outermost {
                        self.fuel = fuel;
                        return Ok(regs[0]);
                    }
                    self.depth -= 1;
                    self.stack_low += FRAME;
                    regs[10] = stack_pointer(self.stack_low + FRAME);
                    if let Some(frame) = self.world.frames.get(self.depth) {
                        pc = frame.back;
                        regs[6..10].copy_from_slice(&frame.saved);
                    }
                }
                Code::Hole => fault!(FaultKind::WildJump),
            }
        }
    }

    /// One atomic operation on `N` bytes. A machine runs one program at a time, so plain loads and stores are atomic.
    fn atomic<const N: usize>(&mut self, regs: &mut Registers, op: &Op, address: u64) -> Result<(), FaultKind> {
        let src = (op.src & 15) as usize;
        if crate::memory::is_context_region(address) {
            return Err(FaultKind::ReadOnly { region: crate::fault::Region::Context });
        }
        let old = self.load::<N>(address)?;
        let (operator, fetch) = op.atomic();
        let operand = regs[src];
        let new = match operator {
            ADD => old.wrapping_add(operand),
            OR => old | operand,
            AND => old & operand,
            XOR => old ^ operand,
            XCHG => operand,
            _ => {
                let expected = if N == 4 { u64::from(regs[0] as u32) } else { regs[0] };
                if old == expected { operand } else { old }
            }
        };
        self.store::<N>(address, new)?;
        match operator {
            CMPXCHG => regs[0] = old,
            _ if fetch => regs[src] = old,
            _ => {}
        }
        Ok(())
    }
}

const ADD: i64 = Atomic::Add as i64;
const OR: i64 = Atomic::Or as i64;
const AND: i64 = Atomic::And as i64;
const XOR: i64 = Atomic::Xor as i64;
const XCHG: i64 = Atomic::Xchg as i64;
const CMPXCHG: i64 = Atomic::Cmpxchg as i64;
