//! The interpreter: one loop over decoded operations. Semantics are those of RFC 9669 and the kernel's interpreter.

use std::cell::Cell;

use skep_isa::opcode::Atomic;
use skep_isa::spec::MapType;

use crate::context::Kind;
use crate::fault::{Fault, FaultKind};
use crate::helper;
use crate::kfunc;
use crate::machine::{Program, World};
use crate::mem::Change;
use crate::memory::{
    FRAME, MAX_FRAMES, STACK_SIZE, arena_pointer, context_pointer, function_slot, handle_index, is_context,
    packet_pointer, stack_pointer,
};
use crate::op::{Code, Op, Registers};
use crate::packet::Packet;
use crate::routine::Caller;

/// One run: a program, the packet it sees and the world it runs in.
pub(crate) struct Vm<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) packet: &'a mut Packet,
    pub(crate) kind: Kind,
    /// All programs of the machine.
    programs: &'a [Option<Program>],
    /// The one that was run.
    first: usize,
    /// The one that runs: tail calls lead to others.
    program: usize,
    code: &'a [Op],
    /// Tail calls so far.
    tail_calls: u32,
    /// Instructions left.
    fuel: u64,
    /// Bytes that the helper that runs has gone through beyond what any call may; it is charged for them.
    work: Cell<u64>,
    /// What ended a function that gave no result. It is here, not in what functions return, because a result that fits into
    /// registers makes short runs faster by half.
    broken: Option<Fault>,
    /// An exception that is on its way to the outermost function.
    thrown: Option<Thrown<'a>>,
    /// Frames in use.
    depth: usize,
    /// Offset of the innermost frame's lowest byte.
    pub(crate) stack_low: usize,
}

impl std::fmt::Debug for Vm<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vm").field("depth", &self.depth).finish_non_exhaustive()
    }
}

/// An exception: its value, and the slot of its handler in the program that threw it.
struct Thrown<'a> {
    cookie: u64,
    handler: Option<usize>,
    program: usize,
    code: &'a [Op],
}

/// What belongs to a frame: what its call saved, r6–r9 and where to go on, and how often it may still pass a `may_goto`.
#[derive(Clone, Copy, Default)]
pub(crate) struct Frame {
    back: usize,
    saved: [u64; 4],
    passes: u32,
    /// The caller's program.
    program: usize,
}

/// Most tail calls of a run (`MAX_TAIL_CALL_CNT`).
const MAX_TAIL_CALLS: u32 = 33;

/// How often one frame may pass a `may_goto` (`BPF_MAX_LOOPS`).
const MAX_PASSES: u32 = 8 << 20;

/// Bytes any call of a helper may go through.
const FREE_WORK: usize = 512;
/// Bytes of work that count as one instruction.
const WORK_OF_AN_INSTRUCTION: u64 = 64;

impl<'a> Vm<'a> {
    pub(crate) fn new(
        world: &'a mut World,
        packet: &'a mut Packet,
        programs: &'a [Option<Program>],
        program: usize,
        kind: Kind,
        code: &'a [Op],
    ) -> Vm<'a> {
        let fuel = world.config.fuel;
        Vm {
            world,
            packet,
            kind,
            programs,
            first: program,
            program,
            code,
            tail_calls: 0,
            fuel,
            work: Cell::new(0),
            broken: None,
            thrown: None,
            depth: 0,
            stack_low: STACK_SIZE,
        }
    }

    /// Runs the program from its start; `r0` at its end, else [`Vm::broken`] has a fault.
    #[inline]
    pub(crate) fn run(&mut self) -> Option<u64> {
        let args = match (self.kind, self.packet.len()) {
            (Kind::Memory, 0) => [0; 5],
            (Kind::Memory, len) => [packet_pointer(self.packet.data), len as u64, 0, 0, 0],
            _ => [context_pointer(), 0, 0, 0, 0],
        };
        let result = self.enter(0, args);
        if self.thrown.is_some() { self.caught() } else { result }
    }

    /// The fault of a run that had no result.
    #[cold]
    pub(crate) fn broken(&mut self) -> Fault {
        self.broken.take().unwrap_or(Fault::new(FaultKind::WildJump, 0))
    }

    /// What a program ends with that threw an exception.
    #[cold]
    #[inline(never)]
    fn caught(&mut self) -> Option<u64> {
        let Thrown { cookie, handler, program, code } = self.thrown.take()?;
        let Some(handler) = handler else { return Some(cookie) };
        (self.program, self.code) = (program, code);
        self.enter(handler, [cookie, 0, 0, 0, 0])
    }

    /// Notes that a helper goes through this many bytes. Without it, a loop of calls that copy megabytes would run for
    /// hours on the fuel of a second.
    #[inline(always)]
    pub(crate) fn works(&self, bytes: usize) {
        if bytes > FREE_WORK {
            self.work.set(self.work.get().saturating_add(bytes as u64));
        }
    }

    /// Instructions run so far.
    pub(crate) fn used(&self) -> u64 {
        self.world.config.fuel - self.fuel
    }

    /// Runs a helper's callback, a function of the program, in a frame of its own.
    pub(crate) fn function(&mut self, slot: usize, args: [u64; 5]) -> Result<u64, Fault> {
        match self.enter(slot, args) {
            Some(r0) => Ok(r0),
            None => Err(self.broken()),
        }
    }

    /// Runs a function of the program in a frame of its own: the entry, a callback or a handler.
    #[inline]
    fn enter(&mut self, slot: usize, [a1, a2, a3, a4, a5]: [u64; 5]) -> Option<u64> {
        let (depth, stack_low) = (self.depth, self.stack_low);
        if depth == MAX_FRAMES {
            return self.stop(FaultKind::CallDepth { limit: MAX_FRAMES }, slot);
        }
        let (program, code) = (self.program, self.code);
        self.depth += 1;
        self.stack_low -= FRAME;
        self.allow_passes();
        let mut regs = [0, a1, a2, a3, a4, a5, 0, 0, 0, 0, stack_pointer(stack_low), 0, 0, 0, 0, 0];
        let result = self.execute(slot, &mut regs);
        self.depth = depth;
        self.stack_low = stack_low;
        (self.program, self.code) = (program, code);
        result
    }

    /// A fault of the program that runs.
    #[cold]
    #[inline(never)]
    fn stop(&mut self, kind: FaultKind, slot: usize) -> Option<u64> {
        let program = (self.program != self.first).then_some(self.program);
        self.broken = Some(Fault { kind, slot, program });
        None
    }

    /// The program that a tail call goes on with; `None` where it goes on behind the call: past the end of the array, at an
    /// empty place, after 33 of them.
    #[inline(never)]
    fn tail_call(&mut self, context: u64, map: u64, index: u64) -> Result<Option<&'a [Op]>, FaultKind> {
        if !is_context(context) {
            let why = "not the context";
            return Err(FaultKind::BadArgument { helper: "tail_call", argument: 1, value: context, why });
        }
        let array = handle_index(map).and_then(|index| self.world.maps.get(index));
        let Some(array) = array.filter(|map| map.map_type() == MapType::ProgArray) else {
            let why = "not an array of programs";
            return Err(FaultKind::BadArgument { helper: "tail_call", argument: 2, value: map, why });
        };
        let Some(number) = array.program_held(&(index as u32).to_le_bytes()) else { return Ok(None) };
        let Some(Some(next)) = self.programs.get(number - 1) else { return Ok(None) };
        if self.tail_calls == MAX_TAIL_CALLS || next.kind != self.kind {
            return Ok(None);
        }
        self.tail_calls += 1;
        (self.program, self.code) = (number - 1, &next.code);
        Ok(Some(&next.code))
    }

    /// A new frame may pass `may_goto`s again.
    #[inline(always)]
    fn allow_passes(&mut self) {
        if let Some(frame) = self.world.frames.get_mut(self.depth) {
            frame.passes = MAX_PASSES;
        }
    }

    /// True until the frame has passed `may_goto`s too often.
    fn passes(&mut self) -> bool {
        let Some(frame) = self.world.frames.get_mut(self.depth) else { return false };
        let left = frame.passes.checked_sub(1);
        frame.passes = left.unwrap_or(0);
        left.is_some()
    }

    /// Fuel is charged for the instructions since the last jump at each jump taken, call and exit, so no loop is free.
    #[inline(never)]
    fn execute(&mut self, start: usize, regs: &mut Registers) -> Option<u64> {
        let outermost = self.depth;
        let mut code = self.code;
        let mut fuel = self.fuel;
        // What comes next, and how much that was after the last charge.
        let mut ops = from(code, start);
        let mut charged = ops.len();
        macro_rules! check {
            ($result:expr) => {
                match $result {
                    Ok(value) => value,
                    Err(kind) => break kind,
                }
            };
        }
        macro_rules! charge {
            () => {
                match fuel.checked_sub((charged - ops.len()) as u64) {
                    Some(left) => fuel = left,
                    None => {
                        fuel = 0;
                        break FaultKind::Fuel { limit: self.world.config.fuel };
                    }
                }
            };
        }
        macro_rules! call {
            ($function:path, $row:expr) => {{
                charge!();
                charged = ops.len();
                self.fuel = fuel;
                let args = [regs[1], regs[2], regs[3], regs[4], regs[5]];
                let answer = $function(self, $row as usize, args);
                fuel = self.fuel.saturating_sub(self.work.take() / WORK_OF_AN_INSTRUCTION);
                match answer {
                    Ok(value) => regs[0] = value,
                    Err(helper::Stop::Here(kind)) => break kind,
                    Err(helper::Stop::Inside(inner)) => {
                        self.broken = Some(inner);
                        return None;
                    }
                }
            }};
        }
        macro_rules! go {
            ($slot:expr) => {
                ops = from(code, $slot);
                charged = ops.len();
            };
        }
        let kind = loop {
            let Some(op) = ops.next() else { break FaultKind::WildJump };
            let (d, s) = (op.dst as usize, op.src as usize);
            let a = regs[d];
            let b = regs[s].wrapping_add(op.imm as u64);
            let (a32, b32) = (a as u32, b as u32);
            // Where a load reads and a store writes.
            macro_rules! at {
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
            macro_rules! both {
                (|$x:ident: $int:ty, $y:ident: $same:ty| $result:expr) => {{
                    let $x = regs[s] as $int;
                    let $y = regs[(op.off & 15) as usize].wrapping_add(op.imm as u64) as $same;
                    regs[d] = $result as u64;
                    ops.next();
                }};
            }
            macro_rules! jump {
                ($condition:expr) => {
                    if $condition {
                        charge!();
                        go!(op.off as usize);
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
                Code::MovAdd => both!(|x: u64, y: u64| x.wrapping_add(y)),
                Code::MovSub => both!(|x: u64, y: u64| x.wrapping_sub(y)),
                Code::MovMul => both!(|x: u64, y: u64| x.wrapping_mul(y)),
                Code::MovOr => both!(|x: u64, y: u64| x | y),
                Code::MovAnd => both!(|x: u64, y: u64| x & y),
                Code::MovXor => both!(|x: u64, y: u64| x ^ y),
                Code::MovLsh => both!(|x: u64, y: u64| x.wrapping_shl(y as u32)),
                Code::MovRsh => both!(|x: u64, y: u64| x.wrapping_shr(y as u32)),
                Code::MovArsh => both!(|x: u64, y: u64| (x as i64).wrapping_shr(y as u32)),
                Code::MovAdd32 => both!(|x: u32, y: u32| x.wrapping_add(y)),
                Code::MovSub32 => both!(|x: u32, y: u32| x.wrapping_sub(y)),
                Code::MovMul32 => both!(|x: u32, y: u32| x.wrapping_mul(y)),
                Code::MovOr32 => both!(|x: u32, y: u32| x | y),
                Code::MovAnd32 => both!(|x: u32, y: u32| x & y),
                Code::MovXor32 => both!(|x: u32, y: u32| x ^ y),
                Code::MovLsh32 => both!(|x: u32, y: u32| x.wrapping_shl(y)),
                Code::MovRsh32 => both!(|x: u32, y: u32| x.wrapping_shr(y)),
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
                Code::Ja => {
                    charge!();
                    go!(op.off as usize);
                }
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
                Code::MayGoto => jump!(!self.passes()),
                Code::GotoReg => {
                    charge!();
                    charged = ops.len();
                    let landing =
                        function_slot(a).filter(|slot| code.get(*slot).is_some_and(|op| op.code != Code::Hole));
                    match landing {
                        Some(slot) => {
                            go!(slot);
                        }
                        None => break FaultKind::BadTarget { value: a },
                    }
                }
                Code::Ld8 => set!(check!(self.load::<1>(at!()))),
                Code::Ld16 => set!(check!(self.load::<2>(at!()))),
                Code::Ld32 => set!(check!(self.load::<4>(at!()))),
                Code::Ld64 => set!(check!(self.load::<8>(at!()))),
                Code::Lds8 => set!(check!(self.load::<1>(at!())) as i8 as i64),
                Code::Lds16 => set!(check!(self.load::<2>(at!())) as i16 as i64),
                Code::Lds32 => set!(check!(self.load::<4>(at!())) as i32 as i64),
                Code::St8 => check!(self.store::<1>(to!(), b)),
                Code::St16 => check!(self.store::<2>(to!(), b)),
                Code::St32 => check!(self.store::<4>(to!(), b)),
                Code::St64 => check!(self.store::<8>(to!(), b)),
                Code::Atomic32 => check!(self.atomic::<4>(regs, op, to!())),
                Code::Atomic64 => check!(self.atomic::<8>(regs, op, to!())),
                Code::LdImm64 => {
                    set!(op.imm);
                    // Two slots, one instruction.
                    ops.next();
                    charged -= 1;
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
                            charge!();
                            self.fuel = fuel;
                            return Some(0);
                        }
                    }
                }
                Code::CallLocal | Code::CallReg => {
                    charge!();
                    charged = ops.len();
                    if self.depth == MAX_FRAMES {
                        break FaultKind::CallDepth { limit: MAX_FRAMES };
                    }
                    let saved = [regs[6], regs[7], regs[8], regs[9]];
                    if let Some(frame) = self.world.frames.get_mut(self.depth) {
                        frame.back = code.len() - ops.len();
                        frame.saved = saved;
                        frame.program = self.program;
                    }
                    let target = match op.code {
                        Code::CallLocal => op.off as usize,
                        _ => match function_slot(a).filter(|slot| code.get(*slot).is_some_and(|op| op.entry)) {
                            Some(slot) => slot,
                            None => break FaultKind::BadTarget { value: a },
                        },
                    };
                    regs[10] = stack_pointer(self.stack_low);
                    self.depth += 1;
                    self.stack_low -= FRAME;
                    self.allow_passes();
                    go!(target);
                }
                Code::TailCall => {
                    charge!();
                    charged = ops.len();
                    match check!(self.tail_call(regs[1], regs[2], regs[3])) {
                        Some(next) => {
                            code = next;
                            // The next program sees its context and the frame, and nothing of this one.
                            *regs = [0, regs[1], 0, 0, 0, 0, 0, 0, 0, 0, regs[10], 0, 0, 0, 0, 0];
                            self.allow_passes();
                            go!(0);
                        }
                        None => regs[0] = 0,
                    }
                }
                Code::CallHelper => call!(helper::call, op.imm),
                Code::CallKfunc => call!(kfunc::call, op.imm),
                Code::Throw => {
                    charge!();
                    charged = ops.len();
                    let handler = usize::try_from(op.off).ok();
                    self.thrown = Some(Thrown { cookie: regs[1], handler, program: self.program, code });
                    // No fault anyone sees: the outermost function takes the exception.
                    break FaultKind::WildJump;
                }
                Code::ToArena => set!(arena_pointer(op.imm as u64, regs[s])),
                Code::FromArena => set!(arena_pointer(op.imm as u64, regs[s])),
                Code::CallHost => {
                    charge!();
                    charged = ops.len();
                    self.fuel = fuel;
                    let args = [regs[1], regs[2], regs[3], regs[4], regs[5]];
                    let answer = self.call_host(op.imm as usize, args);
                    fuel = self.fuel.saturating_sub(self.work.take() / WORK_OF_AN_INSTRUCTION);
                    regs[0] = check!(answer);
                }
                Code::Exit => {
                    charge!();
                    if self.depth == outermost {
                        self.fuel = fuel;
                        return Some(regs[0]);
                    }
                    self.depth -= 1;
                    self.stack_low += FRAME;
                    regs[10] = stack_pointer(self.stack_low + FRAME);
                    let Some(frame) = self.world.frames.get(self.depth).copied() else { break FaultKind::WildJump };
                    regs[6..10].copy_from_slice(&frame.saved);
                    if frame.program != self.program {
                        let Some(Some(caller)) = self.programs.get(frame.program) else { break FaultKind::WildJump };
                        (self.program, self.code, code) = (frame.program, &caller.code, &caller.code);
                    }
                    go!(frame.back);
                }
                Code::Hole => break FaultKind::WildJump,
            }
        };
        // The instructions of the last stretch, the one that broke the rule included.
        self.fuel = fuel.saturating_sub((charged - ops.len()) as u64);
        self.stop(kind, (code.len() - ops.len()).saturating_sub(1))
    }

    /// Calls a function of the host, which may reach the program's memory meanwhile.
    fn call_host(&mut self, index: usize, args: [u64; 5]) -> Result<u64, FaultKind> {
        let place = self.world.calls.get_mut(index);
        let Some(mut call) = place.and_then(|(_, call)| call.take()) else { return Err(FaultKind::WildJump) };
        let answer = call(&mut Caller(self), args);
        if let Some((_, place)) = self.world.calls.get_mut(index) {
            *place = Some(call);
        }
        answer
    }

    /// One atomic operation on `N` bytes.
    fn atomic<const N: usize>(&mut self, regs: &mut Registers, op: &Op, address: u64) -> Result<(), FaultKind> {
        let src = op.src as usize;
        if crate::memory::is_context_region(address) {
            return Err(FaultKind::ReadOnly { region: crate::fault::Region::Context });
        }
        self.aligned(address, N)?;
        let (operator, fetch) = op.atomic();
        let change = match operator {
            ADD => Change::Add,
            OR => Change::Or,
            AND => Change::And,
            XOR => Change::Xor,
            XCHG => Change::Swap,
            _ if N == 4 => Change::Expect(u64::from(regs[0] as u32)),
            _ => Change::Expect(regs[0]),
        };
        let old = self.change::<N>(address, change, regs[src])?;
        match operator {
            CMPXCHG => regs[0] = old,
            _ if fetch => regs[src] = old,
            _ => {}
        }
        Ok(())
    }
}

/// The operations from a slot on; none when it is past the end.
#[inline(always)]
fn from(code: &[Op], slot: usize) -> std::slice::Iter<'_, Op> {
    code.get(slot..).unwrap_or_default().iter()
}

const ADD: i64 = Atomic::Add as i64;
const OR: i64 = Atomic::Or as i64;
const AND: i64 = Atomic::And as i64;
const XOR: i64 = Atomic::Xor as i64;
const XCHG: i64 = Atomic::Xchg as i64;
const CMPXCHG: i64 = Atomic::Cmpxchg as i64;
