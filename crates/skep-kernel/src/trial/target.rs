//! The targets of trials, made for the purpose and gone after it.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, unlinkat};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use skep_isa::spec::{AttachType, MapType, ProgType, attach_type::Target};

use super::program::{Trial, load};
use super::{NOT_TRIED, refused};
use crate::feature::Answer;
use crate::sys::{self, attr};

/// The loopback device, which every network namespace has.
const LOOPBACK: u32 = 1;
/// IPv4 and the hook at which packets for this host arrive; a priority between the kernel's own.
const NETFILTER: (u32, u32, i32) = (2, 1, -150);

/// Puts a program to a place of this type and takes it away again.
pub(super) fn attach(prog_type: ProgType, attach_type: AttachType) -> Trial {
    let row = attach_type.row();
    let link = refused("BPF_LINK_CREATE");
    match row.target {
        Target::Lirc => return lirc(prog_type, attach_type),
        Target::StructOps => return Err(Answer::Unknown(NOT_TRIED.to_owned())),
        Target::PerfEvent if prog_type == ProgType::Kprobe => return uprobe(false),
        _ => {}
    }
    if matches!(row.target, Target::Device | Target::Netns | Target::Netfilter) {
        sys::own_network().map_err(refused("unshare"))?;
    }
    let program = load(prog_type, Some(attach_type))?;
    let program = program.as_fd();
    match row.target {
        Target::Cgroup => in_cgroup(|cgroup| cgroup_attach(program, cgroup, attach_type)),
        Target::Device if matches!(attach_type, AttachType::NetkitPrimary | AttachType::NetkitPeer) => {
            let device = crate::attach::netkit().map_err(refused("making a netkit device"))?;
            sys::link_target(program, device, attach_type.id()).map(drop).map_err(link)
        }
        Target::Device => sys::link_target(program, LOOPBACK, attach_type.id()).map(drop).map_err(link),
        Target::Netns => {
            let path = "/proc/thread-self/ns/net";
            let own = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map_err(refused("open"))?;
            match sys::link_target(program, sys::number(own.as_fd()), attach_type.id()) {
                // Kernels before 5.8 attach a flow dissector without a link.
                Err(Errno::INVAL) if row.target.takes_prog_attach(attach_type) => {
                    attach_for_a_moment(program, own.as_fd(), attach_type)
                }
                other => other.map(drop).map_err(link),
            }
        }
        Target::Sockmap => {
            let sockmap = map(MapType::Sockmap, 4)?;
            attach_for_a_moment(program, sockmap.as_fd(), attach_type)
        }
        Target::MapValue => {
            let (map_type, first) = match attach_type {
                AttachType::XdpCpumap => (MapType::Cpumap, 64),
                _ => (MapType::Devmap, LOOPBACK),
            };
            let map = map(map_type, 8)?;
            let map = sys::MapFd::new(map, 1).map_err(refused("BPF_OBJ_GET_INFO_BY_FD"))?;
            let value = [first.to_ne_bytes(), sys::number(program).to_ne_bytes()].concat();
            map.update(&0_u32.to_ne_bytes(), &value, 0).map_err(refused("BPF_MAP_UPDATE_ELEM"))
        }
        Target::Socket => {
            let socket = datagram_socket()?;
            sys::attach_reuseport(socket.as_fd(), program).map_err(refused("SO_ATTACH_REUSEPORT_EBPF"))
        }
        Target::PerfEvent => {
            let event = match prog_type {
                ProgType::Tracepoint => {
                    let id = crate::attach::tracepoint_id("sched", "sched_process_exec");
                    sys::perf_tracepoint(id.map_err(|e| Answer::Unknown(e.to_string()))?)
                }
                // So seldom that it does not fire while it is there.
                _ => sys::perf_clock(1, 0),
            };
            let event = event.map_err(refused("perf_event_open"))?;
            join(program, event.as_fd())
        }
        Target::Function | Target::Tracepoint | Target::LsmHook => {
            sys::attach_as_loaded(program).map(drop).map_err(refused("BPF_RAW_TRACEPOINT_OPEN"))
        }
        Target::Iterator => {
            let link = sys::link_target(program, 0, attach_type.id()).map_err(link)?;
            sys::iter_create(link.as_fd()).map(drop).map_err(refused("BPF_ITER_CREATE"))
        }
        Target::Functions => sys::link_kprobes(program, c"bpf_fentry_test1", attach_type.id()).map(drop).map_err(link),
        Target::Places => {
            let (path, offset) = landing()?;
            sys::link_uprobes(program, &path, offset, attach_type.id()).map(drop).map_err(link)
        }
        Target::Netfilter => sys::link_netfilter(program, NETFILTER, attach_type.id()).map(drop).map_err(link),
        Target::Lirc | Target::StructOps => Err(Answer::Unknown(NOT_TRIED.to_owned())),
    }
}

/// Program types that are put somewhere without an attach type.
pub(super) fn without_attach_type(prog_type: ProgType) -> Trial {
    match prog_type {
        ProgType::SocketFilter => {
            let (program, socket) = (load(prog_type, None)?, datagram_socket()?);
            sys::attach_filter(socket.as_fd(), program.as_fd()).map_err(refused("SO_ATTACH_BPF"))
        }
        ProgType::RawTracepoint | ProgType::RawTracepointWritable => {
            let program = load(prog_type, None)?;
            // Of the writable kind are only a few tracepoints, among them this one of the kernel's tests.
            let name = if prog_type == ProgType::RawTracepoint { c"sched_process_exec" } else { c"bpf_test_finish" };
            sys::raw_tracepoint_open(name, program.as_fd()).map(drop).map_err(refused("BPF_RAW_TRACEPOINT_OPEN"))
        }
        ProgType::Syscall => {
            let program = load(prog_type, None)?;
            let (_, done) = sys::test_run(program.as_fd(), sys::TestRunParts::default());
            done.map_err(refused("BPF_PROG_TEST_RUN"))
        }
        ProgType::SchedCls => {
            sys::own_network().map_err(refused("unshare"))?;
            let program = load(prog_type, None)?;
            crate::attach::try_clsact(program.as_fd(), LOOPBACK).map_err(refused("netlink"))
        }
        ProgType::Unspec => Err(Answer::No("a program must have a type".to_owned())),
        ProgType::Ext | ProgType::StructOps => Err(Answer::Unknown(NOT_TRIED.to_owned())),
        _ => load(prog_type, None).map(drop),
    }
}

/// An event of a kernel function that nothing calls.
pub(super) fn kprobe(at_return: bool) -> Trial {
    probe("kprobe", at_return, c"bpf_fentry_test1", 0)
}

/// An event of a function of this program that nothing calls.
pub(super) fn uprobe(at_return: bool) -> Trial {
    let (path, offset) = landing()?;
    probe("uprobe", at_return, &path, offset)
}

fn probe(kind: &str, at_return: bool, name: &std::ffi::CStr, offset: u64) -> Trial {
    let file = format!("/sys/bus/event_source/devices/{kind}/type");
    let number = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
    let Some(number) = number else { return Err(Answer::No(format!("this kernel has no {kind} events"))) };
    let event = sys::perf_probe(number, u64::from(at_return), name, offset).map_err(refused("perf_event_open"))?;
    let program = load(ProgType::Kprobe, None)?;
    join(program.as_fd(), event.as_fd())
}

/// Puts a program on an event.
fn join(program: BorrowedFd<'_>, event: BorrowedFd<'_>) -> Trial {
    match sys::link_perf(program, event, AttachType::PerfEvent.id()) {
        Err(Errno::INVAL) => sys::perf_set_bpf(event, program).map_err(refused("PERF_EVENT_IOC_SET_BPF")),
        other => other.map(drop).map_err(refused("BPF_LINK_CREATE")),
    }
}

fn attach_for_a_moment(program: BorrowedFd<'_>, target: BorrowedFd<'_>, attach_type: AttachType) -> Trial {
    sys::prog_attach(program, target, attach_type.id()).map_err(refused("BPF_PROG_ATTACH"))?;
    sys::prog_detach(program, target, attach_type.id()).map_err(refused("BPF_PROG_DETACH"))
}

fn cgroup_attach(program: BorrowedFd<'_>, cgroup: BorrowedFd<'_>, attach_type: AttachType) -> Trial {
    match sys::link_target(program, sys::number(cgroup), attach_type.id()) {
        // Kernels before 5.7 have no links.
        Err(Errno::INVAL) if attach_type.row().target.takes_prog_attach(attach_type) => {
            attach_for_a_moment(program, cgroup, attach_type)
        }
        other => other.map(drop).map_err(refused("BPF_LINK_CREATE")),
    }
}

/// Calls with an empty cgroup, which is removed after it. The file system is opened without being mounted anywhere.
fn in_cgroup(trial: impl FnOnce(BorrowedFd<'_>) -> Trial) -> Trial {
    let failed = refused("opening the cgroup2 file system");
    let context = fsopen("cgroup2", FsOpenFlags::FSOPEN_CLOEXEC).map_err(&failed)?;
    fsconfig_create(&context).map_err(&failed)?;
    let root = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).map_err(&failed)?;
    let name = format!("skep-trial-{}", std::process::id());
    mkdirat(&root, &name, Mode::RWXU).map_err(refused("making a cgroup"))?;
    let opened = openat(&root, &name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let done = opened.map_err(refused("open")).and_then(|cgroup: OwnedFd| trial(cgroup.as_fd()));
    unlinkat(&root, &name, AtFlags::REMOVEDIR).map_err(refused("removing the cgroup"))?;
    done
}

/// Infrared receivers are rare: a descriptor that is none tells whether the kernel has the call at all.
fn lirc(prog_type: ProgType, attach_type: AttachType) -> Trial {
    let program = load(prog_type, None)?;
    let socket = datagram_socket()?;
    match sys::prog_attach(program.as_fd(), socket.as_fd(), attach_type.id()) {
        Err(Errno::INVAL) => {
            Err(Answer::No("this kernel has no infrared receivers (CONFIG_BPF_LIRC_MODE2)".to_owned()))
        }
        Err(_) => Err(Answer::Unknown("it loads; no infrared receiver is at hand".to_owned())),
        Ok(()) => Ok(()),
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
