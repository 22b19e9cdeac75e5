//! Classic filters in the vm: translated to eBPF once, then run over packets or system calls.
//!
//! Enter at [`Filter::new`] for the filters of sockets and at [`SeccompFilter::new`] for those of system calls. What a
//! classic instruction means is not known here: [`skep_isa::classic`] says it in eBPF.

use skep_isa::classic::{ClassicInsn, Target, Untranslatable, translate};

use crate::context::Kind;
use crate::fault::{Fault, FaultKind};
use crate::host::{Host, Still};
use crate::machine::{Machine, Outcome};
use crate::packet::Packet;

/// Why the vm cannot hold a classic filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The kernel refuses it, or it loads what no eBPF program can.
    #[error(transparent)]
    Classic(#[from] Untranslatable),
    /// The vm does not run what it was translated to.
    #[error(transparent)]
    Vm(#[from] crate::Error),
}

/// A socket's filter.
///
/// ```
/// use skep_isa::classic;
/// use skep_vm::{Host, Packet, classic::Filter};
///
/// struct Still;
/// impl Host for Still {
///     fn now_ns(&mut self) -> u64 { 0 }
///     fn boot_ns(&mut self) -> u64 { 0 }
///     fn random_u32(&mut self) -> u32 { 4 }
///     fn print(&mut self, _: &str) {}
/// }
///
/// let arp = classic::parse("ldh [12]\njeq #0x806 jt 2 jf 3\nret #96\nret #0").unwrap();
/// let mut filter = Filter::new(&arp, Box::new(Still))?;
/// let mut packet = Packet::new();
/// packet.set_frame(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x08, 0x06]);
/// assert_eq!(filter.run(&mut packet), Ok(96));
/// packet.set_frame(&[0; 13]);
/// assert_eq!(filter.run(&mut packet), Ok(0));
/// # Ok::<(), skep_vm::classic::Error>(())
/// ```
#[derive(Debug)]
pub struct Filter {
    machine: Machine,
}

impl Filter {
    /// Checks and translates a filter. The host gives `random` its numbers.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn new(program: &[ClassicInsn], host: Box<dyn Host>) -> Result<Filter, Error> {
        let code = translate(program, Target::Socket)?;
        Ok(Filter { machine: Machine::of_code(code, Kind::Socket, host)? })
    }

    /// The bytes to keep of a packet, more than it has for all of them; 0 drops it. The filter sees the frame from its
    /// link-layer header on, as on a packet socket, and what [`Packet::info`] says as ancillary data.
    ///
    /// # Errors
    /// A filter that was translated breaks no rule; a [`Fault`] would be an error of the vm.
    pub fn run(&mut self, packet: &mut Packet) -> Result<u32, Fault> {
        run(&mut self.machine, packet)
    }
}

/// A filter of system calls.
///
/// ```
/// use skep_isa::classic;
/// use skep_vm::classic::{SeccompData, SeccompFilter};
///
/// let only_read = classic::parse("ld [0]\njeq #0x0 jt 2 jf 3\nret #0x7fff0000\nret #0x50001").unwrap();
/// let mut filter = SeccompFilter::new(&only_read)?;
/// assert_eq!(filter.run(&SeccompData { nr: 0, ..SeccompData::default() }), Ok(0x7fff_0000));
/// assert_eq!(filter.run(&SeccompData { nr: 1, ..SeccompData::default() }), Ok(0x0005_0001));
/// # Ok::<(), skep_vm::classic::Error>(())
/// ```
#[derive(Debug)]
pub struct SeccompFilter {
    machine: Machine,
    data: Packet,
}

impl SeccompFilter {
    /// Checks and translates a filter.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn new(program: &[ClassicInsn]) -> Result<SeccompFilter, Error> {
        let code = translate(program, Target::Seccomp)?;
        Ok(SeccompFilter { machine: Machine::of_code(code, Kind::Seccomp, Box::new(Still))?, data: Packet::new() })
    }

    /// What the kernel is to do with a call: an action and its data, see [`skep_isa::spec::seccomp`].
    ///
    /// # Errors
    /// A filter that was translated breaks no rule; a [`Fault`] would be an error of the vm.
    pub fn run(&mut self, call: &SeccompData) -> Result<u32, Fault> {
        self.data.set_frame(&call.to_bytes());
        run(&mut self.machine, &mut self.data)
    }
}

/// A system call as a filter sees it: `struct seccomp_data`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeccompData {
    /// Number of the call.
    pub nr: u32,
    /// The calling convention it was made by (`AUDIT_ARCH_*`).
    pub arch: u32,
    /// Address of the instruction that made it.
    pub instruction_pointer: u64,
    /// Its arguments.
    pub args: [u64; 6],
}

impl SeccompData {
    /// The bytes of the struct on a little-endian machine.
    pub fn to_bytes(&self) -> [u8; 64] {
        let words = [u64::from(self.nr) | u64::from(self.arch) << 32, self.instruction_pointer];
        let mut bytes = [0; 64];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words.iter().chain(&self.args)) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

fn run(machine: &mut Machine, packet: &mut Packet) -> Result<u32, Fault> {
    match machine.run(0, packet) {
        Outcome::Ran { result, .. } => Ok(result as u32),
        Outcome::Fault(fault) => Err(fault),
        // Only the kernel's test run refuses frames, and the machine has its program.
        Outcome::Refused(_) => Err(Fault::new(FaultKind::WildJump, 0)),
    }
}
