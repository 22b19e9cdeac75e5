//! A machine: an object's maps and decoded programs, ready to take packets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use skep_isa::Insn;
use skep_object::{Content, MapSpec, Object, ProgramSpec};

use crate::context::Kind;
use crate::decode::decode;
use crate::error::Error;
use crate::fault::{Fault, FaultKind};
use crate::host::{Config, Host};
use crate::interpreter::{Frame, Vm};
use crate::map::Map;
use crate::memory::{MAX_FRAMES, MAX_MAPS, Open, STACK_SIZE};
use crate::op::Op;
use crate::packet::Packet;
use crate::routine::Call;

/// What a CPU runs programs with.
pub(crate) struct World {
    /// Its number.
    pub(crate) cpu: usize,
    pub(crate) maps: Arc<[Arc<Map>]>,
    pub(crate) stack: Box<[u8; STACK_SIZE]>,
    /// What each caller saved, by depth.
    pub(crate) frames: [Frame; MAX_FRAMES + 1],
    /// Keys of the callbacks that run.
    pub(crate) keys: Vec<u8>,
    /// Records that the program that runs has reserved and not finished.
    pub(crate) open: Vec<Open>,
    /// The lock that the program that runs has taken: its map, and the offset there.
    pub(crate) lock: Option<(usize, usize)>,
    pub(crate) host: Box<dyn Host>,
    pub(crate) config: Config,
    tally: Arc<Tally>,
    /// The host's own functions, by their numbers; one that runs is away.
    pub(crate) calls: Vec<(i32, Option<Call>)>,
}

/// What all CPUs count.
#[derive(Debug, Default)]
struct Tally {
    records_lost: AtomicU64,
    faults: AtomicU64,
}

impl World {
    fn new(cpu: usize, maps: Arc<[Arc<Map>]>, host: Box<dyn Host>, config: Config, tally: Arc<Tally>) -> World {
        World {
            cpu,
            maps,
            stack: Box::new([0; STACK_SIZE]),
            frames: Default::default(),
            keys: Vec::new(),
            open: Vec::new(),
            lock: None,
            host,
            config,
            tally,
            calls: Vec::new(),
        }
    }

    /// Counts a record that found no room.
    pub(crate) fn lose_record(&self) {
        self.tally.records_lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Finishes a record.
    pub(crate) fn finish(&self, open: Open, discard: bool) {
        if let Some(ring) = self.maps.get(open.map).and_then(|map| map.ring()) {
            ring.finish(open.offset, open.size, discard);
        }
    }

    /// Gives the lock back that is held; false where none is.
    pub(crate) fn unlock(&mut self) -> bool {
        let Some((map, offset)) = self.lock.take() else { return false };
        self.maps.get(map).and_then(|map| map.store::<4>(offset, 0)).is_some()
    }

    /// Takes away what a run left behind: its lock, and its open records, which are discarded; how many there were.
    fn clean(&mut self) -> usize {
        self.unlock();
        let left = self.open.len();
        while let Some(open) = self.open.pop() {
            self.finish(open, true);
        }
        self.keys.clear();
        left
    }
}

#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) kind: Kind,
    pub(crate) code: Vec<Op>,
}

/// An object's maps and programs in the vm, and a CPU that runs them. [`Machine::on_cpu`] makes further CPUs, for other
/// threads.
///
/// ```
/// use skep_isa::{Insn, spec::section};
/// use skep_object::{Content, MapSpec, Object, ProgramSpec};
/// use skep_vm::{Config, Host, Machine, Outcome, Packet};
///
/// struct Still;
/// impl Host for Still {
///     fn now_ns(&mut self) -> u64 { 0 }
///     fn boot_ns(&mut self) -> u64 { 0 }
///     fn random_u32(&mut self) -> u32 { 4 }
///     fn print(&mut self, _: &str) {}
/// }
///
/// let pass = ProgramSpec {
///     name: "pass".into(),
///     section: "xdp".into(),
///     kind: section::find("xdp").map(|(row, _)| row),
///     hook: None,
///     code: vec![Insn::new(0xb7, 0, 0, 0, 2), Insn::new(0x95, 0, 0, 0, 0)], // r0 = XDP_PASS; exit
///     relocs: vec![],
///     funcs: vec![],
///     lines: vec![],
/// };
/// let object = Object { name: "o".into(), license: "GPL".into(), programs: vec![pass], maps: vec![], externs: vec![], btf: None, big_endian: false };
/// let mut machine = Machine::new(&object, None, Config::default(), Box::new(Still))?;
/// let mut packet = Packet::new();
/// packet.set_frame(&[0; 64]);
/// assert_eq!(machine.run(0, &mut packet), Outcome::Ran { result: 2, insns: 2 });
/// # Ok::<(), skep_vm::Error>(())
/// ```
pub struct Machine {
    programs: Arc<[Option<Program>]>,
    world: World,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The program ended.
    Ran {
        /// What it returned: the low 32 bits of r0.
        result: i32,
        /// Instructions it took.
        insns: u64,
    },
    /// The kernel's test run does not take such a frame; the program did not run.
    Refused(Refused),
    /// The program broke a rule; the frame stays as it was at that moment.
    Fault(Fault),
}

/// Why the kernel's test run would not take a frame (`EINVAL`), in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Shorter than its headers.
    #[error("the frame has {len} bytes; the kernel's test run takes no such frame below {least}")]
    TooShort {
        /// Its length.
        len: usize,
        /// Least length.
        least: usize,
    },
    /// Longer than one page leaves room for.
    #[error("the frame has {len} bytes; the kernel's test run takes at most {most}")]
    TooLong {
        /// Its length.
        len: usize,
        /// Most length.
        most: usize,
    },
    /// The machine holds no such program.
    #[error("the machine holds no program number {program}")]
    NoProgram {
        /// The index.
        program: usize,
    },
}

impl Machine {
    /// Makes all maps of an object, and decodes and relocates the chosen programs (by index; `None` for all).
    ///
    /// # Errors
    /// The first map or program the vm cannot hold; see [`Error`].
    pub fn new(
        object: &Object,
        programs: Option<&[usize]>,
        config: Config,
        mut host: Box<dyn Host>,
    ) -> Result<Machine, Error> {
        object.check_order().map_err(Error::Object)?;
        let mut maps = Vec::with_capacity(object.maps.len());
        let mut left = config.map_memory;
        for spec in object.maps.iter().take(MAX_MAPS) {
            let seed = u64::from(host.random_u32()) << 32 | u64::from(host.random_u32());
            let (map, bytes) = Map::new(spec, config.cpus, left, seed)?;
            left -= bytes;
            maps.push(Arc::new(map));
        }
        for (spec, map) in object.maps.iter().zip(&maps) {
            fill(spec, map, object)?;
        }
        let mut decoded: Vec<Option<Program>> = object.programs.iter().map(|_| None).collect();
        let all: Vec<usize> = (0..decoded.len()).collect();
        for &index in programs.unwrap_or(&all) {
            let no_program = Error::NoProgram { index, count: object.programs.len() };
            let (Some(spec), Some(place)) = (object.programs.get(index), decoded.get_mut(index)) else {
                return Err(no_program);
            };
            let prog_type = spec.prog_type();
            let kind = prog_type
                .and_then(Kind::of)
                .ok_or_else(|| Error::ProgramType { program: spec.name.clone(), prog_type })?;
            *place = Some(Program { kind, code: decode(spec, object, &maps, kind, &[])? });
        }
        let world = World::new(0, maps.into(), host, config, Arc::default());
        Ok(Machine { programs: decoded.into(), world })
    }

    /// The same programs and maps on another CPU: a thread of its own may run them there. The number is below
    /// [`Config::cpus`], or is taken for the last of them; no two that run at a time should have the same. What hosts
    /// know (a clock, a task) is the new CPU's own, and so are functions of the host, of which it has none.
    ///
    /// ```
    /// # use skep_object::Object;
    /// # use skep_vm::{Config, Machine, Still};
    /// # let object = Object { name: "o".into(), license: "GPL".into(), programs: vec![], maps: vec![], externs: vec![], btf: None, big_endian: false };
    /// let config = Config { cpus: 2, ..Config::default() };
    /// let first = Machine::new(&object, None, config, Box::new(Still))?;
    /// let second = first.on_cpu(1, Box::new(Still));
    /// std::thread::spawn(move || second.cpu()).join().expect("it ends");
    /// # Ok::<(), skep_vm::Error>(())
    /// ```
    pub fn on_cpu(&self, cpu: usize, host: Box<dyn Host>) -> Machine {
        let cpu = cpu.min(self.world.config.cpus.saturating_sub(1));
        let (maps, tally) = (Arc::clone(&self.world.maps), Arc::clone(&self.world.tally));
        let world = World::new(cpu, maps, host, self.world.config.clone(), tally);
        Machine { programs: Arc::clone(&self.programs), world }
    }

    /// The number of its CPU.
    pub fn cpu(&self) -> usize {
        self.world.cpu
    }

    /// A machine without maps whose only program has a context that follows from no program type.
    pub(crate) fn of_code(code: Vec<Insn>, kind: Kind, host: Box<dyn Host>) -> Result<Machine, Error> {
        let spec = ProgramSpec {
            name: "classic".to_owned(),
            section: String::new(),
            kind: None,
            hook: None,
            code,
            relocs: Vec::new(),
            funcs: Vec::new(),
            lines: Vec::new(),
        };
        let (name, license) = (spec.name.clone(), String::new());
        let object = Object {
            name,
            license,
            programs: vec![spec],
            maps: Vec::new(),
            externs: Vec::new(),
            btf: None,
            big_endian: false,
        };
        // Decoded below, with the kind given.
        let mut machine = Machine::new(&object, Some(&[]), Config::default(), host)?;
        let decoded = object.programs.iter().map(|spec| decode(spec, &object, &[], kind, &[]));
        machine.programs = decoded.map(|code| Ok(Some(Program { kind, code: code? }))).collect::<Result<_, Error>>()?;
        Ok(machine)
    }

    /// A machine with an object's maps and one of its programs, which runs as `kind` whatever its section says, and calls
    /// functions of the host.
    pub(crate) fn with_calls(
        object: &Object,
        program: usize,
        kind: Kind,
        calls: Vec<(i32, Call)>,
        config: Config,
        host: Box<dyn Host>,
    ) -> Result<Machine, Error> {
        let mut machine = Machine::new(object, Some(&[]), config, host)?;
        let no_program = Error::NoProgram { index: program, count: object.programs.len() };
        let Some(spec) = object.programs.get(program) else { return Err(no_program) };
        let ids: Vec<i32> = calls.iter().map(|(id, _)| *id).collect();
        let mut code = Some(decode(spec, object, &machine.world.maps, kind, &ids)?);
        let places = (0..object.programs.len()).map(|index| if index == program { code.take() } else { None });
        machine.programs = places.map(|code| code.map(|code| Program { kind, code })).collect();
        machine.world.calls = calls.into_iter().map(|(id, call)| (id, Some(call))).collect();
        Ok(machine)
    }

    /// Runs a program on memory that was put into a packet: r0, and the instructions it took.
    #[inline]
    pub(crate) fn run_memory(&mut self, program: usize, packet: &mut Packet) -> (Result<u64, Fault>, u64) {
        let Some(Some(Program { kind, code })) = self.programs.get(program) else {
            return (Err(Fault::new(FaultKind::WildJump, 0)), 0);
        };
        if packet.prepare(*kind, false).is_err() {
            return (Err(Fault::new(FaultKind::WildJump, 0)), 0);
        }
        let mut vm = Vm::new(&mut self.world, packet, &self.programs, program, *kind, code);
        let r0 = vm.run();
        let insns = vm.used();
        let result = match r0 {
            Some(r0) => Ok(r0),
            None => Err(vm.broken()),
        };
        self.world.clean();
        (result, insns)
    }

    /// Takes one packet through one program, given by its index in the object.
    pub fn run(&mut self, program: usize, packet: &mut Packet) -> Outcome {
        let Some(Some(Program { kind, code })) = self.programs.get(program) else {
            return Outcome::Refused(Refused::NoProgram { program });
        };
        let like_kernel = self.world.config.like_kernel;
        if let Err(refused) = packet.prepare(*kind, like_kernel) {
            return Outcome::Refused(refused);
        }
        let mut vm = Vm::new(&mut self.world, packet, &self.programs, program, *kind, code);
        let r0 = vm.run();
        let insns = vm.used();
        let fault = if r0.is_none() { Some(vm.broken()) } else { None };
        packet.finish(*kind, like_kernel);
        let open = self.world.clean();
        match (r0, fault) {
            (Some(r0), _) if open == 0 => Outcome::Ran { result: r0 as i32, insns },
            (_, fault) => {
                let slot = code.iter().rposition(|op| op.code == crate::op::Code::Exit).unwrap_or(0);
                let left = Fault::new(FaultKind::OpenRecord { count: open }, slot);
                self.world.tally.faults.fetch_add(1, Ordering::Relaxed);
                Outcome::Fault(fault.unwrap_or(left))
            }
        }
    }

    /// The map with this index in the object, which all CPUs share, and who else keeps a clone.
    pub fn map(&self, index: usize) -> Option<&Arc<Map>> {
        self.world.maps.get(index)
    }

    /// Hands over and consumes the records of a ring buffer; nothing for any other map.
    pub fn drain(&self, map: usize, record: impl FnMut(&[u8])) {
        if let Some(map) = self.world.maps.get(map) {
            map.drain(record);
        }
    }

    /// Records that were lost, on all CPUs: each call that reserves or outputs one and failed.
    pub fn records_lost(&self) -> u64 {
        self.world.tally.records_lost.load(Ordering::Relaxed)
    }

    /// Runs that ended in a fault, on all CPUs.
    pub fn faults(&self) -> u64 {
        self.world.tally.faults.load(Ordering::Relaxed)
    }
}

/// Puts in what a map holds from the beginning: maps and programs, by their indices in the object counted from 1.
fn fill(spec: &MapSpec, map: &Map, object: &Object) -> Result<(), Error> {
    let bad = |why: String| Error::BadMap { map: spec.name.clone(), why };
    for (key, content) in &spec.contents {
        let index = match content {
            Content::Map(index) => Some(*index).filter(|index| *index < object.maps.len()),
            Content::Program(name) => object.programs.iter().position(|program| program.name == *name),
        };
        let index = index.ok_or_else(|| bad(format!("what it holds under {key} is not in the object")))?;
        map.hold(*key, index + 1).map_err(|why| bad(format!("it does not take what it holds under {key}: {why}")))?;
    }
    Ok(())
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").field("maps", &self.world.maps).finish_non_exhaustive()
    }
}
