//! `perf_event_open(2)` and its ioctls.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;
use zerocopy::IntoBytes;

use super::attr::PerfEvent;
use super::bpf::last_errno;

/// `PERF_TYPE_SOFTWARE`.
const SOFTWARE: u32 = 1;
/// `PERF_TYPE_TRACEPOINT`.
const TRACEPOINT: u32 = 2;
/// `PERF_COUNT_SW_CPU_CLOCK`.
const CPU_CLOCK: u64 = 0;
/// Bit `freq` of `perf_event_attr`: `sample` is a rate, not a period.
const BY_FREQUENCY: u64 = 1 << 10;
/// `PERF_FLAG_FD_CLOEXEC`.
const CLOEXEC: libc::c_ulong = 8;
/// `PERF_EVENT_IOC_ENABLE`.
const ENABLE: libc::c_ulong = 0x2400;
/// `PERF_EVENT_IOC_SET_BPF`.
const SET_BPF: libc::c_ulong = 0x4004_2408;

/// An event for the tracepoint with this id. A program on it runs on every CPU, whichever the event is for.
pub(crate) fn perf_tracepoint(id: u64) -> Result<OwnedFd, Errno> {
    open(PerfEvent { kind: TRACEPOINT, config: id, sample: 1, ..Default::default() }, 0)
}

/// An event that fires `hz` times a second on one CPU.
pub(crate) fn perf_clock(hz: u64, cpu: u32) -> Result<OwnedFd, Errno> {
    let attr = PerfEvent { kind: SOFTWARE, config: CPU_CLOCK, sample: hz, flags: BY_FREQUENCY, ..Default::default() };
    open(attr, i32::try_from(cpu).map_err(|_| Errno::INVAL)?)
}

/// An event of a probe of tracefs's kinds `kprobe` and `uprobe`: `kind` is the number in
/// `/sys/bus/event_source/devices/KIND/type`, `config` its flags, `name` a function or a file, `offset` a place in it.
pub(crate) fn perf_probe(kind: u32, config: u64, name: &std::ffi::CStr, offset: u64) -> Result<OwnedFd, Errno> {
    let config1 = name.as_ptr().expose_provenance() as u64;
    open(PerfEvent { kind, config, config1, config2: offset, ..Default::default() }, 0)
}

fn open(mut attr: PerfEvent, cpu: i32) -> Result<OwnedFd, Errno> {
    attr.size = u32::try_from(size_of::<PerfEvent>()).map_err(|_| Errno::TOOBIG)?;
    let bytes = attr.as_mut_bytes();
    // SAFETY: `bytes` is a whole perf_event_attr that names its own size; all processes (-1), no group (-1).
    let fd = unsafe { libc::syscall(libc::SYS_perf_event_open, bytes.as_mut_ptr(), -1, cpu, -1, CLOEXEC) };
    if fd < 0 {
        return Err(last_errno());
    }
    // SAFETY: the kernel just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(fd).map_err(|_| Errno::BADF)?) })
}

/// Starts an event.
pub(crate) fn perf_enable(event: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: this ioctl takes a number and touches no memory of ours.
    let out = unsafe { libc::ioctl(event.as_raw_fd(), ENABLE, 0) };
    if out < 0 { Err(last_errno()) } else { Ok(()) }
}

/// Puts a program on an event without a link (kernels before 5.15); it stays until the event is closed.
pub(crate) fn perf_set_bpf(event: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: this ioctl takes a descriptor's number and touches no memory of ours.
    let out = unsafe { libc::ioctl(event.as_raw_fd(), SET_BPF, program.as_raw_fd()) };
    if out < 0 { Err(last_errno()) } else { Ok(()) }
}
