//! The targets of trials, made for the purpose and gone after it.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use skep_isa::spec::attach_type::{self, Target};
use skep_isa::spec::prog_type::Names;
use skep_isa::spec::{AttachType, MapType, ProgType};

use super::program::{Trial, load};
use super::{Held, NOT_TRIED, refused};
use crate::feature::Answer;
use crate::sys::{self, attr};

/// The loopback device, which every network namespace has.
const LOOPBACK: u32 = 1;
/// IPv4 and the hook at which packets for this host arrive; a priority between the kernel's own.
const NETFILTER: (u32, u32, i32) = (2, 1, -150);

/// Puts a program to a place of this type.
pub(super) fn attach(prog_type: ProgType, attach_type: AttachType) -> Trial<Held> {
    let target = attach_type.row().target;
    match target {
        Target::Lirc => return lirc(prog_type, attach_type),
        Target::StructOps => return Err(Answer::Unknown(NOT_TRIED.to_owned())),
        Target::PerfEvent if prog_type == ProgType::Kprobe => return uprobe(false),
        Target::Device | Target::Netns | Target::Netfilter => sys::own_network().map_err(refused("unshare"))?,
        _ => {}
    }
    let program = load(prog_type, Some(attach_type))?;
    let mut held = match target {
        Target::Cgroup => cgroup(program.as_fd(), attach_type)?,
        Target::Device => device(program.as_fd(), attach_type)?,
        Target::Netns => netns(program.as_fd(), attach_type)?,
        Target::Sockmap => {
            let sockmap = map(MapType::Sockmap, 4)?;
            attach_for_a_moment(program.as_fd(), sockmap.as_fd(), attach_type)?;
            Held::of([sockmap])
        }
        Target::MapValue => redirecting_map(program.as_fd(), attach_type)?,
        Target::Socket => {
            let socket = datagram_socket()?;
            sys::attach_reuseport(socket.as_fd(), program.as_fd()).map_err(refused("SO_ATTACH_REUSEPORT_EBPF"))?;
            Held::of([socket])
        }
        Target::PerfEvent => join(program.as_fd(), perf_event(prog_type)?)?,
        Target::Function | Target::Tracepoint | Target::LsmHook => {
            let link = sys::attach_as_loaded(program.as_fd()).map_err(refused("BPF_RAW_TRACEPOINT_OPEN"))?;
            Held::of([link])
        }
        Target::Iterator => {
            let link = linked(sys::link_target(program.as_fd(), 0, attach_type.id()))?;
            let file = sys::iter_create(link.as_fd()).map_err(refused("BPF_ITER_CREATE"))?;
            Held::of([file, link])
        }
        Target::Functions => {
            Held::of([linked(sys::link_kprobes(program.as_fd(), c"bpf_fentry_test1", attach_type.id()))?])
        }
        Target::Places => {
            let (path, offset) = landing()?;
            Held::of([linked(sys::link_uprobes(program.as_fd(), &path, offset, attach_type.id()))?])
        }
        Target::Netfilter => Held::of([linked(sys::link_netfilter(program.as_fd(), NETFILTER, attach_type.id()))?]),
        Target::Lirc | Target::StructOps => return Err(Answer::Unknown(NOT_TRIED.to_owned())),
    };
    held.descriptors.push(program);
    Ok(held)
}

/// Program types that are put somewhere without an attach type.
pub(super) fn without_attach_type(prog_type: ProgType) -> Trial<Held> {
    match prog_type {
        ProgType::SocketFilter => {
            let (program, socket) = (load(prog_type, None)?, datagram_socket()?);
            sys::attach_filter(socket.as_fd(), program.as_fd()).map_err(refused("SO_ATTACH_BPF"))?;
            Ok(Held::of([socket, program]))
        }
        ProgType::RawTracepoint | ProgType::RawTracepointWritable => {
            let program = load(prog_type, None)?;
            // Of the writable kind are only a few tracepoints, among them this one of the kernel's tests.
            let name = if prog_type == ProgType::RawTracepoint { c"sched_process_exec" } else { c"bpf_test_finish" };
            let link = sys::raw_tracepoint_open(name, program.as_fd()).map_err(refused("BPF_RAW_TRACEPOINT_OPEN"))?;
            Ok(Held::of([link, program]))
        }
        ProgType::Syscall => test_run(prog_type),
        ProgType::SchedCls => {
            sys::own_network().map_err(refused("unshare"))?;
            let program = load(prog_type, None)?;
            // The filter goes with the namespace.
            crate::attach::try_clsact(program.as_fd(), LOOPBACK).map_err(refused("netlink"))?;
            Ok(Held::of([program]))
        }
        ProgType::Unspec => Err(Answer::No("a program must have a type".to_owned())),
        ProgType::Ext | ProgType::StructOps => Err(Answer::Unknown(NOT_TRIED.to_owned())),
        _ if prog_type.row().names == Names::Nothing => Ok(Held::of([load(prog_type, None)?])),
        // Their loads name an attach type: any will do.
        _ => {
            let any = attach_type::TABLE.iter().find(|row| row.prog_types.contains(&prog_type));
            Ok(Held::of([load(prog_type, any.map(|row| row.id))?]))
        }
    }
}

/// A test run over an empty frame, or without input.
pub(super) fn test_run(prog_type: ProgType) -> Trial<Held> {
    let program = load(prog_type, None)?;
    let frame = [0; 64];
    let data_in: &[u8] = if prog_type == ProgType::Syscall { &[] } else { &frame };
    let (_, done) = sys::test_run(program.as_fd(), sys::TestRunParts { data_in, ..Default::default() });
    done.map_err(refused("BPF_PROG_TEST_RUN"))?;
    Ok(Held::of([program]))
}

/// An event of a kernel function that nothing calls.
pub(super) fn kprobe(at_return: bool) -> Trial<Held> {
    probe("kprobe", at_return, c"bpf_fentry_test1", 0)
}

/// An event of a function of this program that nothing calls.
pub(super) fn uprobe(at_return: bool) -> Trial<Held> {
    let (path, offset) = landing()?;
    probe("uprobe", at_return, &path, offset)
}

fn probe(kind: &str, at_return: bool, name: &std::ffi::CStr, offset: u64) -> Trial<Held> {
    let file = format!("/sys/bus/event_source/devices/{kind}/type");
    let number = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
    let Some(number) = number else { return Err(Answer::No(format!("this kernel has no {kind} events"))) };
    let event = sys::perf_probe(number, u64::from(at_return), name, offset).map_err(refused("perf_event_open"))?;
    let program = load(ProgType::Kprobe, None)?;
    let mut held = join(program.as_fd(), event)?;
    held.descriptors.push(program);
    Ok(held)
}

fn perf_event(prog_type: ProgType) -> Trial<OwnedFd> {
    let event = match prog_type {
        ProgType::Tracepoint => {
            let id = crate::attach::tracepoint_id("sched", "sched_process_exec");
            sys::perf_tracepoint(id.map_err(|e| Answer::Unknown(e.to_string()))?)
        }
        // So seldom that it does not fire while it is there.
        _ => sys::perf_clock(1, 0),
    };
    event.map_err(refused("perf_event_open"))
}

/// Puts a program on an event.
fn join(program: BorrowedFd<'_>, event: OwnedFd) -> Trial<Held> {
    match sys::link_perf(program, event.as_fd(), AttachType::PerfEvent.id()) {
        Err(Errno::INVAL) => {
            sys::perf_set_bpf(event.as_fd(), program).map_err(refused("PERF_EVENT_IOC_SET_BPF"))?;
            Ok(Held::of([event]))
        }
        link => Ok(Held::of([linked(link)?, event])),
    }
}

fn linked(link: Result<OwnedFd, Errno>) -> Trial<OwnedFd> {
    link.map_err(refused("BPF_LINK_CREATE"))
}

fn attach_for_a_moment(program: BorrowedFd<'_>, target: BorrowedFd<'_>, attach_type: AttachType) -> Trial {
    sys::prog_attach(program, target, attach_type.id()).map_err(refused("BPF_PROG_ATTACH"))?;
    sys::prog_detach(program, target, attach_type.id()).map_err(refused("BPF_PROG_DETACH"))
}

/// A link, or on kernels that have none of its kind the older call.
fn link_or_attach(program: BorrowedFd<'_>, target: BorrowedFd<'_>, attach_type: AttachType) -> Trial<Held> {
    match sys::link_target(program, sys::number(target), attach_type.id()) {
        Err(Errno::INVAL) if attach_type.row().target.takes_prog_attach(attach_type) => {
            attach_for_a_moment(program, target, attach_type)?;
            Ok(Held::default())
        }
        link => Ok(Held::of([linked(link)?])),
    }
}

fn device(program: BorrowedFd<'_>, attach_type: AttachType) -> Trial<Held> {
    let ifindex = match attach_type {
        AttachType::NetkitPrimary | AttachType::NetkitPeer => {
            crate::attach::netkit().map_err(refused("making a netkit device"))?
        }
        _ => LOOPBACK,
    };
    Ok(Held::of([linked(sys::link_target(program, ifindex, attach_type.id()))?]))
}

fn netns(program: BorrowedFd<'_>, attach_type: AttachType) -> Trial<Held> {
    let own = openat(CWD, "/proc/thread-self/ns/net", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    link_or_attach(program, own.map_err(refused("open"))?.as_fd(), attach_type)
}

/// A map whose value names the program, and where frames go.
fn redirecting_map(program: BorrowedFd<'_>, attach_type: AttachType) -> Trial<Held> {
    /// Room for frames on their way to another CPU.
    const QUEUE: u32 = 64;
    let (map_type, first) = match attach_type {
        AttachType::XdpCpumap => (MapType::Cpumap, QUEUE),
        _ => (MapType::Devmap, LOOPBACK),
    };
    let map = sys::MapFd::new(map(map_type, 8)?, 1).map_err(refused("BPF_OBJ_GET_INFO_BY_FD"))?;
    let value = [first.to_ne_bytes(), sys::number(program).to_ne_bytes()].concat();
    map.update(&0_u32.to_ne_bytes(), &value, 0).map_err(refused("BPF_MAP_UPDATE_ELEM"))?;
    Ok(Held::default())
}

/// The root of the cgroup2 file system: where it is mounted, else opened without being mounted anywhere, which takes the
/// kernel longer.
fn cgroup_root() -> Trial<OwnedFd> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mounted = mounts.lines().find_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (path, kind) = (words.next()?, words.next()?);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        (kind == "cgroup2").then(|| openat(CWD, path, flags, Mode::empty()).ok())?
    });
    if let Some(root) = mounted {
        return Ok(root);
    }
    let failed = refused("opening the cgroup2 file system");
    let context = fsopen("cgroup2", FsOpenFlags::FSOPEN_CLOEXEC).map_err(&failed)?;
    fsconfig_create(&context).map_err(&failed)?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).map_err(&failed)
}

/// An empty cgroup.
fn cgroup(program: BorrowedFd<'_>, attach_type: AttachType) -> Trial<Held> {
    let root = cgroup_root()?;
    let name = format!("skep-trial-{}-{}", std::process::id(), attach_type.id());
    mkdirat(&root, &name, Mode::RWXU).map_err(refused("making a cgroup"))?;
    // From here on the cgroup goes with what is held.
    let opened = openat(&root, &name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let mut made = Held { descriptors: vec![], cgroup: Some((root, name)) };
    let mut held = link_or_attach(program, opened.map_err(refused("open"))?.as_fd(), attach_type)?;
    made.descriptors.append(&mut held.descriptors);
    Ok(made)
}

/// Infrared receivers are rare: a descriptor that is none tells whether the kernel has the call at all.
fn lirc(prog_type: ProgType, attach_type: AttachType) -> Trial<Held> {
    let program = load(prog_type, None)?;
    let socket = datagram_socket()?;
    match sys::prog_attach(program.as_fd(), socket.as_fd(), attach_type.id()) {
        Err(Errno::INVAL) => {
            Err(Answer::No("this kernel has no infrared receivers (CONFIG_BPF_LIRC_MODE2)".to_owned()))
        }
        Err(_) => Err(Answer::Unknown("it loads; no infrared receiver is at hand".to_owned())),
        Ok(()) => Ok(Held::of([program])),
    }
}

fn datagram_socket() -> Trial<OwnedFd> {
    socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None).map_err(refused("socket"))
}

fn map(map_type: MapType, value_size: u32) -> Trial<OwnedFd> {
    let attr =
        attr::MapCreate { map_type: map_type.id(), key_size: 4, value_size, max_entries: 1, ..Default::default() };
    sys::map_create(&attr).map_err(refused("BPF_MAP_CREATE"))
}

/// A place of this program that is never reached, as a file and an offset in it.
fn landing() -> Trial<(CString, u64)> {
    #[inline(never)]
    fn nothing_calls_this() -> u64 {
        std::hint::black_box(u64::from(std::process::id()))
    }
    let address = nothing_calls_this as fn() -> u64 as usize;
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let place = maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        let offset = u64::from_str_radix(rest.split_whitespace().nth(1)?, 16).ok()?;
        (start..end).contains(&address).then(|| offset + (address - start) as u64)
    });
    match place {
        Some(offset) => Ok((c"/proc/self/exe".to_owned(), offset)),
        None => Err(Answer::Unknown("the program does not find itself in /proc/self/maps".to_owned())),
    }
}
