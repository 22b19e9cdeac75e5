//! A machine: an object's maps and decoded programs, ready to take packets.

use skep_isa::Insn;
use skep_object::{Object, ProgramSpec};

use crate::context::Kind;
use crate::decode::decode;
use crate::error::Error;
use crate::fault::{Fault, FaultKind};
use crate::host::{Config, Host};
use crate::interpreter::{Frame, Vm};
use crate::map::Map;
use crate::memory::{MAX_FRAMES, MAX_MAPS, STACK_SIZE};
use crate::op::Op;
use crate::packet::Packet;
use crate::routine::Call;

/// What all programs of a machine share.
pub(crate) struct World {
    pub(crate) maps: Vec<Map>,
    pub(crate) stack: Box<[u8; STACK_SIZE]>,
    /// What each caller saved, by depth.
    pub(crate) frames: [Frame; MAX_FRAMES + 1],
    /// Keys of the callbacks that run.
    pub(crate) keys: Vec<u8>,
    pub(crate) host: Box<dyn Host>,
    pub(crate) config: Config,
    pub(crate) records_lost: u64,
    /// The host's own functions, by their numbers; one that runs is away.
    pub(crate) calls: Vec<(i32, Option<Call>)>,
}

struct Program {
    kind: Kind,
    code: Vec<Op>,
}

/// An object's maps and programs in the vm.
///
/// ```
/// use skep_isa::{Insn, spec::section};
/// use skep_object::{Object, ProgramSpec};
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
    programs: Vec<Option<Program>>,
    world: World,
    faults: u64,
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
            maps.push(map);
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
        let stack = Box::new([0; STACK_SIZE]);
        let world = World {
            maps,
            stack,
            frames: Default::default(),
            keys: Vec::new(),
            host,
            config,
            records_lost: 0,
            calls: Vec::new(),
        };
        Ok(Machine { programs: decoded, world, faults: 0 })
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
        for (spec, place) in object.programs.iter().zip(&mut machine.programs) {
            *place = Some(Program { kind, code: decode(spec, &object, &[], kind, &[])? });
        }
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
        let (Some(spec), Some(place)) = (object.programs.get(program), machine.programs.get_mut(program)) else {
            return Err(no_program);
        };
        let ids: Vec<i32> = calls.iter().map(|(id, _)| *id).collect();
        *place = Some(Program { kind, code: decode(spec, object, &machine.world.maps, kind, &ids)? });
        machine.world.calls = calls.into_iter().map(|(id, call)| (id, Some(call))).collect();
        Ok(machine)
    }

    /// Runs a program on memory that was put into a packet: r0, and the instructions it took.
    pub(crate) fn run_memory(&mut self, program: usize, packet: &mut Packet) -> (Result<u64, Fault>, u64) {
        let Some(Some(Program { kind, code })) = self.programs.get(program) else {
            return (Err(Fault { kind: FaultKind::WildJump, slot: 0 }), 0);
        };
        if packet.prepare(*kind, false).is_err() {
            return (Err(Fault { kind: FaultKind::WildJump, slot: 0 }), 0);
        }
        let mut vm = Vm::new(&mut self.world, packet, *kind, code);
        let result = vm.run();
        let insns = vm.used();
        self.world.keys.clear();
        self.world.maps.iter_mut().filter_map(Map::ring_mut).for_each(|ring| _ = ring.close());
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
        let mut vm = Vm::new(&mut self.world, packet, *kind, code);
        let result = vm.run();
        let insns = vm.used();
        packet.finish(*kind, like_kernel);
        let open: usize = self.world.maps.iter_mut().filter_map(Map::ring_mut).map(|ring| ring.close()).sum();
        let result = match result {
            Ok(_) if open > 0 => {
                let slot = code.iter().rposition(|op| op.code == crate::op::Code::Exit).unwrap_or(0);
                Err(Fault { kind: FaultKind::OpenRecord { count: open }, slot })
            }
            other => other,
        };
        match result {
            Ok(r0) => Outcome::Ran { result: r0 as i32, insns },
            Err(fault) => {
                self.faults += 1;
                self.world.keys.clear();
                Outcome::Fault(fault)
            }
        }
    }

    /// The map with this index in the object.
    pub fn map(&self, index: usize) -> Option<&Map> {
        self.world.maps.get(index)
    }

    /// The map with this index in the object, to change.
    pub fn map_mut(&mut self, index: usize) -> Option<&mut Map> {
        self.world.maps.get_mut(index)
    }

    /// Hands over and consumes the records of a ring buffer; nothing for any other map.
    pub fn drain(&mut self, map: usize, record: impl FnMut(&[u8])) {
        if let Some(ring) = self.world.maps.get_mut(map).and_then(Map::ring_mut) {
            ring.drain(record);
        }
    }

    /// Records that were lost: each call that reserves or outputs one and failed.
    pub fn records_lost(&self) -> u64 {
        self.world.records_lost
    }

    /// Runs that ended in a fault.
    pub fn faults(&self) -> u64 {
        self.faults
    }
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").field("maps", &self.world.maps).finish_non_exhaustive()
    }
}
