//! Attaching: a program runs at a hook for as long as its [`Link`] lives.
//!
//! One file for each family of hooks. Attaching is tried, never inferred; a link says what was used.

mod cookie;
mod device;
mod netlink;
mod perf;
mod tc;
mod tracefs;

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use skep_object::Hook;

use crate::error::Error;
use crate::program::Program;
use skep_isa::spec::Command;

use crate::sys;

pub(crate) use netlink::netkit;
pub use tc::sweep_tc;
pub(crate) use tc::try_clsact;

/// A program at a hook. Dropping it detaches the program.
#[derive(Debug)]
#[must_use = "a link that is dropped detaches its program"]
pub struct Link {
    hook: Hook,
    used: String,
    /// Number of the device it is on.
    device: Option<u32>,
    held: Held,
}

/// What keeps a program attached.
#[derive(Debug)]
pub(crate) enum Held {
    /// Descriptors, closed in this order.
    Descriptors(Vec<OwnedFd>),
    /// A tc filter, which would outlive its maker: it is removed on drop.
    Filter(#[expect(dead_code, reason = "held for what its drop does")] tc::Filter),
}

impl Link {
    /// Where the program runs.
    pub fn hook(&self) -> &Hook {
        &self.hook
    }

    /// What was used, and why where it was not the first choice: `xdp native`, `tcx`, `tc: this kernel has no tcx`.
    pub fn used(&self) -> &str {
        &self.used
    }

    /// True when the device it was on is no more, and with it the attachment.
    pub fn is_gone(&self) -> bool {
        self.device.is_some_and(|index| !device::exists(index))
    }

    /// How many kernel objects hold it: one, or one for each CPU.
    pub fn parts(&self) -> usize {
        match &self.held {
            Held::Descriptors(fds) => fds.len(),
            Held::Filter(_) => 1,
        }
    }
}

/// Makes a program run at a hook.
///
/// # Errors
/// [`Error::HookMismatch`], [`Error::NotInKernel`] (capture files), [`Error::NoDevice`], [`Error::NoTracepoint`],
/// [`Error::HookBusy`], [`Error::NoPrivilege`] or [`Error::Attach`].
pub fn attach(program: &Program, hook: &Hook) -> Result<Link, Error> {
    let site = Site { program, hook };
    site.check()?;
    let device = hook.device().map(device::index).transpose()?;
    let (used, held) = match hook {
        Hook::Xdp { device } => device::xdp(&site, device)?,
        Hook::Tcx { device, direction } => device::tcx(&site, device, *direction)?,
        Hook::Tc { device, direction } => ("tc".to_owned(), tc::attach(&site, device, *direction)?),
        Hook::Socket { device } => device::socket(&site, device)?,
        Hook::Tracepoint { category, name } => perf::tracepoint(&site, category, name)?,
        Hook::RawTracepoint { name } => perf::raw_tracepoint(&site, name)?,
        Hook::Profile { hz } => perf::profile(&site, *hz)?,
        Hook::Pcap { .. } => return Err(Error::NotInKernel { hook: hook.to_string() }),
    };
    Ok(Link { hook: hook.clone(), used, device, held })
}

/// The number of a tracepoint.
pub(crate) fn tracepoint_id(category: &str, name: &str) -> Result<u64, Error> {
    tracefs::Events::open()?.id(category, name)
}

/// A program on its way to a hook.
pub(crate) struct Site<'a> {
    program: &'a Program,
    hook: &'a Hook,
}

impl Site<'_> {
    /// The hook takes programs of this type.
    fn check(&self) -> Result<(), Error> {
        let kind = self.hook.kind();
        match self.program.prog_type() {
            Some(prog_type) if !kind.row().prog_types.contains(&prog_type) => {
                Err(Error::HookMismatch { prog_type, hook: self.hook.to_string(), kind })
            }
            _ => Ok(()),
        }
    }

    /// What a failed call on the way means.
    fn failed(&self, call: &'static str, errno: Errno) -> Error {
        let hook = self.hook.to_string();
        match errno {
            Errno::PERM | Errno::ACCESS => {
                let needs = match self.hook {
                    Hook::Tracepoint { .. } | Hook::RawTracepoint { .. } | Hook::Profile { .. } => "CAP_PERFMON",
                    Hook::Socket { .. } => "CAP_NET_RAW",
                    _ => "CAP_NET_ADMIN",
                };
                Error::no_privilege(call, format!("attaching `{}` to {hook}", self.program.name()), needs)
            }
            Errno::BUSY | Errno::EXIST => Error::HookBusy { hook },
            _ => Error::Attach { program: self.program.name().to_owned(), hook, call, errno },
        }
    }

    /// `BPF_LINK_CREATE` on a device.
    fn link(&self, ifindex: u32, attach_type: skep_isa::spec::AttachType, flags: u32) -> Result<OwnedFd, Errno> {
        sys::link_device(self.program.as_fd(), ifindex, attach_type.id(), flags)
    }
}

/// The call that most links are made by, as messages name it.
const LINK_CREATE: &str = Command::LinkCreate.constant();
