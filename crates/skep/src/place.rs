//! The two engines behind one set of operations: maps by index, frames through programs, records drained.

use std::cell::RefCell;

use skep_object::{Hook, Object};
use skep_vm::{Machine, Outcome, Packet};

use crate::engine::{Engine, Options};
use crate::error::Error;
use crate::host::{Printed, Printer, SystemHost};

/// A loaded object on one of the engines.
pub(crate) enum Place {
    Vm(Box<VmPlace>),
    #[cfg(target_os = "linux")]
    Kernel(Box<crate::kernel::KernelPlace>),
}

pub(crate) struct VmPlace {
    pub(crate) machine: RefCell<Machine>,
    packet: Packet,
    printer: Printer,
}

/// What became of one frame.
pub(crate) enum FrameResult {
    /// The program ran and returned this.
    Ran(i32),
    /// The engine does not run programs over such a frame.
    Refused,
    /// The program broke a rule of the vm.
    Fault(skep_vm::Fault),
}

impl Place {
    pub(crate) fn load(engine: Engine, object: &Object, options: &Options) -> Result<Place, Error> {
        match engine {
            Engine::Vm => {
                let config =
                    skep_vm::Config { cpus: cpus(), like_kernel: options.like_kernel, ..skep_vm::Config::default() };
                let printer = Printer::default();
                let host = Box::new(SystemHost::new(printer.clone()));
                let object = &*crate::types::settle(object, options)?;
                let machine = Machine::new(object, options.programs.as_deref(), config, host)?;
                Ok(Place::Vm(Box::new(VmPlace { machine: RefCell::new(machine), packet: Packet::new(), printer })))
            }
            #[cfg(target_os = "linux")]
            Engine::Kernel => Ok(Place::Kernel(Box::new(crate::kernel::KernelPlace::load(object, options)?))),
            #[cfg(not(target_os = "linux"))]
            Engine::Kernel => Err(skep_diag::Diagnostic::error(skep_diag::code::NO_KERNEL, "this system is not Linux")
                .help("use --engine vm")
                .into()),
        }
    }

    /// Runs one program over one frame. `out` gets the frame as the program left it.
    pub(crate) fn run_frame(
        &mut self,
        program: usize,
        frame: &[u8],
        wire_len: u32,
        out: Option<&mut Vec<u8>>,
    ) -> Result<(FrameResult, Option<u64>), Error> {
        match self {
            Place::Vm(vm) => {
                vm.packet.set_frame(frame);
                vm.packet.info.wire_len = (wire_len as usize > frame.len()).then_some(wire_len);
                let outcome = vm.machine.get_mut().run(program, &mut vm.packet);
                let result = match outcome {
                    Outcome::Ran { result, .. } => FrameResult::Ran(result),
                    Outcome::Refused(_) => FrameResult::Refused,
                    Outcome::Fault(fault) => FrameResult::Fault(fault),
                };
                if let Some(out) = out {
                    out.clear();
                    out.extend_from_slice(vm.packet.frame());
                }
                Ok((result, None))
            }
            #[cfg(target_os = "linux")]
            Place::Kernel(kernel) => kernel.run_frame(program, frame, out),
        }
    }

    pub(crate) fn drain(&mut self, map: usize, mut each: impl FnMut(&[u8])) -> Result<(), Error> {
        match self {
            Place::Vm(vm) => {
                vm.machine.get_mut().drain(map, &mut each);
                Ok(())
            }
            #[cfg(target_os = "linux")]
            Place::Kernel(kernel) => kernel.drain(map, each),
        }
    }

    /// What programs printed since the last call; the kernel's trace pipe is not read.
    pub(crate) fn take_printed(&self) -> Printed {
        match self {
            Place::Vm(vm) => vm.printer.take(),
            #[cfg(target_os = "linux")]
            Place::Kernel(_) => Printed::default(),
        }
    }

    /// Records that found no room, `None` where they are not counted.
    pub(crate) fn records_lost(&self) -> Result<Option<u64>, Error> {
        match self {
            Place::Vm(vm) => Ok(Some(vm.machine.borrow().records_lost())),
            #[cfg(target_os = "linux")]
            Place::Kernel(kernel) => kernel.records_lost(),
        }
    }

    /// Attaches to a live hook; answers how it was done.
    pub(crate) fn attach(&mut self, program: usize, hook: &Hook) -> Result<Option<String>, Error> {
        match self {
            Place::Vm(_) => Err(skep_diag::Diagnostic::error(
                skep_diag::code::HOOK_ENGINE,
                format!("the vm has no live hooks, so nothing fires {hook} there"),
            )
            .note("the vm runs programs over the frames of a capture file: pcap:FILE")
            .help("use --engine kernel, or give --on pcap:FILE")
            .into()),
            #[cfg(target_os = "linux")]
            Place::Kernel(kernel) => kernel.attach(program, hook).map(Some),
        }
    }
}

/// CPUs that per-CPU maps have values for: those of this machine, as the kernel would.
pub(crate) fn cpus() -> usize {
    #[cfg(target_os = "linux")]
    if let Ok(cpus) = skep_kernel::possible_cpus() {
        return cpus;
    }
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_isa::{Insn, spec::section};

    #[test]
    fn what_a_program_prints_can_be_taken() {
        let text = i32::from_le_bytes(*b"hi\n\0");
        let code = vec![
            Insn::new(0x62, 10, 0, -8, text),
            Insn::new(0xbf, 1, 10, 0, 0),
            Insn::new(0x07, 1, 0, 0, -8),
            Insn::new(0xb7, 2, 0, 0, 4),
            Insn::new(0x85, 0, 0, 0, 6),
            Insn::new(0x95, 0, 0, 0, 0),
        ];
        let program = skep_object::ProgramSpec {
            name: "prints".to_owned(),
            section: "xdp".to_owned(),
            kind: section::find("xdp").map(|(row, _)| row),
            hook: None,
            code,
            relocs: Vec::new(),
            funcs: Vec::new(),
            lines: Vec::new(),
        };
        let object = Object {
            name: "o".to_owned(),
            license: "GPL".to_owned(),
            programs: vec![program],
            maps: Vec::new(),
            externs: Vec::new(),
            btf: None,
            big_endian: false,
        };
        let mut place = Place::load(Engine::Vm, &object, &Options::default()).expect("loads");
        for _ in 0..2 {
            place.run_frame(0, &[0; 60], 60, None).expect("runs");
        }
        assert_eq!(place.take_printed().lines, ["hi", "hi"]);
        assert_eq!(place.take_printed(), Printed::default());
    }
}
