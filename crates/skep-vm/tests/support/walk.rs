//! What the walk over helpers needs: a host that knows something of everything, and programs of one call.

use std::sync::{Arc, Mutex};

use skep_isa::Insn;
use skep_object::MapSpec;
use skep_vm::{Config, Effect, FaultKind, Host, Machine, Outcome, Packet, Probe, Routine, Space, Symbol, Task};

use crate::support::*;

/// Where the host's memory of the kernel and of the user begins; each ends 16 bytes later.
pub(crate) const KERNEL: u64 = 0xffff_8880_0000_1000;
pub(crate) const USER: u64 = 0x7f00_0000_1000;
pub(crate) const PAGE: [u8; 16] = *b"some text\0\x01\x02\x03\x04\x05\x06";

/// An address, and what was written there.
pub(crate) type Write = (u64, Vec<u8>);

#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) effects: Arc<Mutex<Vec<Effect>>>,
    pub(crate) written: Arc<Mutex<Vec<Write>>>,
    pub(crate) printed: Arc<Mutex<String>>,
}

impl Host for World {
    fn now_ns(&mut self) -> u64 {
        8_000_000
    }
    fn boot_ns(&mut self) -> u64 {
        2000
    }
    fn random_u32(&mut self) -> u32 {
        4
    }
    fn print(&mut self, text: &str) {
        self.printed.lock().expect("no printer panicked").push_str(text);
    }
    fn task(&mut self) -> Task {
        Task { address: 0x1234, pid_tgid: 7 << 32 | 8, uid_gid: 3 << 32 | 4, ..Task::default() }
    }
    fn cgroups(&mut self) -> Vec<u64> {
        vec![1, 50, 60]
    }
    fn read(&mut self, space: Space, address: u64, to: &mut [u8]) -> bool {
        let begin = if space == Space::Kernel { KERNEL } else { USER };
        let found = address.checked_sub(begin).and_then(|at| PAGE.get(at as usize..at as usize + to.len()));
        found.map(|bytes| to.copy_from_slice(bytes)).is_some()
    }
    fn write_user(&mut self, address: u64, bytes: &[u8]) -> bool {
        self.written.lock().expect("no writer panicked").push((address, bytes.to_vec()));
        address >= USER
    }
    fn stack(&mut self, space: Space) -> Vec<u64> {
        if space == Space::Kernel { vec![0x11, 0x22, 0x33] } else { Vec::new() }
    }
    fn symbol(&mut self, address: u64) -> Option<Symbol> {
        (address == KERNEL).then(|| Symbol { name: "start".to_owned(), offset: 4, size: 16 })
    }
    fn probe(&mut self) -> Probe {
        Probe { ip: 77, cookie: 88 }
    }
    fn effect(&mut self, effect: Effect) {
        self.effects.lock().expect("no effect panicked").push(effect);
    }
}

/// An argument of a call.
#[derive(Clone, Copy)]
pub(crate) enum A {
    /// What r1 was at the start.
    Ctx,
    N(i32),
    W(u64),
    /// An address of the frame.
    Fp(i32),
    /// A map of the object.
    M,
    /// A function that returns 0.
    F,
    /// What was moved to r7.
    R7,
}
pub(crate) use self::A::{Ctx, F, Fp, M, N, R7, W};

/// Setup, the call, and what follows; then a function that returns 0.
pub(crate) fn program(setup: &[Insn], args: &[A], id: i32, after: &[Insn]) -> Vec<Insn> {
    let mut code = vec![movr(6, 1)];
    code.extend(setup);
    let mut functions = Vec::new();
    for (register, arg) in (1..).zip(args) {
        match *arg {
            Ctx => code.push(movr(register, 6)),
            N(number) => code.push(mov(register, number)),
            W(number) => code.extend(wide(register, number)),
            Fp(at) => code.extend([movr(register, 10), add(register, at)]),
            M => code.extend(map(register, 0)),
            R7 => code.push(movr(register, 7)),
            F => {
                functions.push(code.len());
                code.extend([i(0x18, register, 4, 0, 0), i(0, 0, 0, 0, 0)]);
            }
        }
    }
    code.push(call(id));
    code.extend(after);
    code.push(exit());
    for slot in functions {
        code[slot].imm = (code.len() - slot - 1) as i32;
    }
    code.extend([mov(0, 0), exit()]);
    code
}

/// What is to come of a case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Is {
    /// It returns this; a packet's program the low half of it.
    Gives(i64),
    /// The helper does not take the argument.
    Refuses,
}
pub(crate) use self::Is::{Gives, Refuses};

pub(crate) struct Case {
    pub(crate) id: i32,
    /// `xdp`, `tc`, `cgroup_skb/egress` or, for a routine, nothing.
    pub(crate) section: &'static str,
    pub(crate) maps: Vec<MapSpec>,
    pub(crate) code: Vec<Insn>,
    pub(crate) is: Is,
}

pub(crate) fn on(section: &'static str, id: i32, setup: &[Insn], args: &[A], after: &[Insn], is: Is) -> Case {
    Case { id, section, maps: Vec::new(), code: program(setup, args, id, after), is }
}

pub(crate) fn with(map: MapSpec, case: Case) -> Case {
    Case { maps: vec![map], ..case }
}

pub(crate) fn go(case: &Case, host: &World) -> Is {
    let section = if case.section.is_empty() { "kprobe/x" } else { case.section };
    let object = object(section, &case.code, &case.maps);
    let host = Box::new(host.clone());
    let fault = |kind| match kind {
        FaultKind::BadArgument { .. } => Refuses,
        other => panic!("{}: {other:?}", case.id),
    };
    if case.section.is_empty() {
        let mut routine = match Routine::of_object(&object, 0, Vec::new(), Config::default(), host) {
            Ok(routine) => routine,
            Err(error) => panic!("{error}"),
        };
        return match routine.run(&mut [0; 64]) {
            Ok(result) => Gives(result as i64),
            Err(found) => fault(found.kind),
        };
    }
    let mut machine = match Machine::new(&object, None, Config::default(), host) {
        Ok(machine) => machine,
        Err(error) => panic!("{error}"),
    };
    let mut packet = Packet::new();
    packet.set_frame(&ipv4(64));
    match machine.run(0, &mut packet) {
        Outcome::Ran { result, .. } => Gives(result.into()),
        Outcome::Fault(found) => fault(found.kind),
        other => panic!("{}: {other:?}", case.id),
    }
}
