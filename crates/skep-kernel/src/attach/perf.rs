//! Hooks that are perf events or tracepoints.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use skep_isa::spec::AttachType;

use super::tracefs::Events;
use super::{Held, LINK_CREATE, Site};
use crate::error::Error;
use crate::name::cpu_list;
use skep_isa::spec::Command;

use crate::sys;

/// A tracepoint, by a perf event for its number.
pub(super) fn tracepoint(site: &Site<'_>, category: &str, name: &str) -> Result<(String, Held), Error> {
    let id = Events::open()?.id(category, name)?;
    let event = sys::perf_tracepoint(id).map_err(|e| site.failed("perf_event_open", e))?;
    let mut held = Vec::new();
    let by = join(site, event, &mut held)?;
    Ok((format!("tracepoint, {by}"), Held::Descriptors(held)))
}

/// A raw tracepoint, by its name alone.
pub(super) fn raw_tracepoint(site: &Site<'_>, name: &str) -> Result<(String, Held), Error> {
    let none = |near| Error::NoTracepoint { name: name.to_owned(), near };
    let text = CString::new(name).map_err(|_| none(None))?;
    match sys::raw_tracepoint_open(&text, site.program.as_fd()) {
        Ok(link) => Ok(("raw tracepoint".to_owned(), Held::Descriptors(vec![link]))),
        Err(Errno::NOENT) => Err(none(Events::open().ok().and_then(|events| events.near(name)))),
        Err(e) => Err(site.failed(Command::RawTracepointOpen.constant(), e)),
    }
}

/// A clock on every CPU that is online.
pub(super) fn profile(site: &Site<'_>, hz: u64) -> Result<(String, Held), Error> {
    let cpus = cpu_list("/sys/devices/system/cpu/online")?;
    let mut held = Vec::with_capacity(cpus.len() * 2);
    let mut by = "";
    for cpu in &cpus {
        match sys::perf_clock(hz, *cpu) {
            Ok(event) => by = join(site, event, &mut held)?,
            // It went offline since the list was read.
            Err(Errno::NODEV) => {}
            Err(e) => return Err(site.failed("perf_event_open", e)),
        }
    }
    Ok((format!("cpu clock on {} CPUs, {by}", cpus.len()), Held::Descriptors(held)))
}

/// Puts the program on an event: by link, or by ioctl on kernels before 5.15. The link is closed before its event.
fn join(site: &Site<'_>, event: OwnedFd, held: &mut Vec<OwnedFd>) -> Result<&'static str, Error> {
    let program = site.program.as_fd();
    let by = match sys::link_perf(program, event.as_fd(), AttachType::PerfEvent.id()) {
        Ok(link) => {
            held.push(link);
            "by link"
        }
        Err(Errno::INVAL) => {
            sys::perf_set_bpf(event.as_fd(), program).map_err(|e| site.failed("PERF_EVENT_IOC_SET_BPF", e))?;
            "by perf event: this kernel has no links for it"
        }
        Err(e) => return Err(site.failed(LINK_CREATE, e)),
    };
    sys::perf_enable(event.as_fd()).map_err(|e| site.failed("PERF_EVENT_IOC_ENABLE", e))?;
    held.push(event);
    Ok(by)
}
