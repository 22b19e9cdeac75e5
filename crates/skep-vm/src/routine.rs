//! A program that runs on a piece of memory, as one does that is embedded in another program.
//!
//! Enter at [`Routine::of_code`] or [`Routine::of_object`]. r1 points to the memory, or is 0 where there is none, and r2 is its
//! length; what the program returns is the whole of r0.

use std::sync::Arc;

use skep_diag::{Diagnostic, code};
use skep_isa::Insn;
use skep_object::{Object, ProgramSpec};

use crate::context::Kind;
use crate::error::Error;
use crate::fault::{Fault, FaultKind};
use crate::host::{Config, Host, Still};
use crate::interpreter::Vm;
use crate::machine::Machine;
use crate::map::Map;
use crate::packet::Packet;

/// A function of the host that programs call by its number: it gets r1 to r5 and gives r0, or stops the program.
pub type Call = Box<dyn FnMut(&mut Caller<'_, '_>, [u64; 5]) -> Result<u64, FaultKind> + Send>;

/// The program that calls a function of the host: its memory, by the pointers it passes.
#[derive(Debug)]
pub struct Caller<'c, 'v>(pub(crate) &'c mut Vm<'v>);

impl Caller<'_, '_> {
    /// Copies out what a pointer of the program leads to.
    ///
    /// # Errors
    /// What a load there would be: pass it on, and the program stops with it.
    pub fn read(&self, pointer: u64, len: usize) -> Result<Vec<u8>, FaultKind> {
        Ok(self.0.take(pointer, len)?.bytes().to_vec())
    }

    /// Copies bytes to where a pointer of the program leads.
    ///
    /// # Errors
    /// What a store there would be: pass it on, and the program stops with it.
    pub fn write(&mut self, pointer: u64, bytes: &[u8]) -> Result<(), FaultKind> {
        self.0.give(pointer, bytes)
    }
}

/// A program on memory, its maps, and the functions it may call.
///
/// ```
/// use skep_isa::Insn;
/// use skep_vm::Routine;
/// // r0 = *(u32 *)r1; call 1000; exit
/// let code = vec![Insn::new(0x61, 1, 1, 0, 0), Insn::new(0x85, 0, 0, 0, 1000), Insn::new(0x95, 0, 0, 0, 0)];
/// let double = |_: &mut skep_vm::Caller<'_, '_>, [a, ..]: [u64; 5]| Ok(2 * a);
/// let mut routine = Routine::of_code(code, vec![(1000, Box::new(double))])?;
/// let mut memory = 21_u32.to_le_bytes();
/// assert_eq!(routine.run(&mut memory), Ok(42));
/// # Ok::<(), skep_vm::Error>(())
/// ```
#[derive(Debug)]
pub struct Routine {
    machine: Machine,
    /// What it was made of, for messages.
    object: Object,
    program: usize,
    packet: Packet,
    insns: u64,
}

impl Routine {
    /// A program of its instructions alone.
    ///
    /// # Errors
    /// [`Error::BadCode`], [`Error::Unsupported`] or [`Error::Helper`].
    pub fn of_code(code: Vec<Insn>, calls: Vec<(i32, Call)>) -> Result<Routine, Error> {
        let spec = ProgramSpec {
            name: "program".to_owned(),
            section: String::new(),
            kind: None,
            hook: None,
            code,
            relocs: Vec::new(),
            funcs: Vec::new(),
            lines: Vec::new(),
        };
        let object = Object {
            name: "code".to_owned(),
            license: String::new(),
            programs: vec![spec],
            maps: Vec::new(),
            externs: Vec::new(),
            btf: None,
            big_endian: false,
        };
        Routine::of_object(&object, 0, calls, Config::default(), Box::new(Still))
    }

    /// A program of an object, whatever its section says of it, and the object's maps.
    ///
    /// # Errors
    /// The first map or instruction that the vm cannot hold; see [`Error`].
    pub fn of_object(
        object: &Object,
        program: usize,
        calls: Vec<(i32, Call)>,
        config: Config,
        host: Box<dyn Host>,
    ) -> Result<Routine, Error> {
        let machine = Machine::with_calls(object, program, Kind::Memory, calls, config, host)?;
        Ok(Routine { machine, object: object.clone(), program, packet: Packet::new(), insns: 0 })
    }

    /// Runs it on memory, which is as the program leaves it afterwards, also when it faults; what r0 is at its end.
    ///
    /// # Errors
    /// The rule that the program broke.
    pub fn run(&mut self, memory: &mut [u8]) -> Result<u64, Fault> {
        self.load(memory);
        let result = self.again();
        let left = self.packet.frame();
        memory.iter_mut().zip(left).for_each(|(to, from)| *to = *from);
        result
    }

    /// Puts memory in, for [`Routine::again`].
    pub fn load(&mut self, memory: &[u8]) {
        self.packet.set_frame(memory);
    }

    /// Runs it on the memory that was put in last, as the run before left it.
    ///
    /// # Errors
    /// The rule that the program broke.
    pub fn again(&mut self) -> Result<u64, Fault> {
        let (result, insns) = self.machine.run_memory(self.program, &mut self.packet);
        self.insns = insns;
        result
    }

    /// What to show the user of a rule that the program broke.
    pub fn explain(&self, fault: &Fault) -> Diagnostic {
        match self.object.programs.get(self.program) {
            Some(spec) => fault.diagnostic(spec, &self.object),
            None => Diagnostic::error(code::FAULT, fault.to_string()),
        }
    }

    /// Instructions that the last run took.
    pub fn insns(&self) -> u64 {
        self.insns
    }

    /// The map with this index in the object.
    pub fn map(&self, index: usize) -> Option<&Arc<Map>> {
        self.machine.map(index)
    }
}
