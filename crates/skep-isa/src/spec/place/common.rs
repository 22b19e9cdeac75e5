//! Sets of places that recur in the rows of helpers.

use super::Place::{self, *};
use super::PlaceSet;
use crate::spec::{AttachType, ProgType};

const fn of(places: &[Place]) -> PlaceSet {
    PlaceSet::of(places)
}

const fn types(types: &[ProgType]) -> PlaceSet {
    PlaceSet::of_types(types)
}

/// All places but remote controls, which are offered little.
pub const EVERYWHERE: PlaceSet = PlaceSet::ALL.but(LIRC);

/// Remote controls.
pub const LIRC: PlaceSet = of(&[LircMode2]);

/// Socket filters.
pub const SOCKET_FILTER: PlaceSet = of(&[SocketFilter]);
/// Classifiers and actions of tc.
pub const TC: PlaceSet = types(&[ProgType::SchedCls, ProgType::SchedAct]);
/// XDP, wherever it runs.
pub const XDP: PlaceSet = types(&[ProgType::Xdp]);
/// Lightweight tunnels, all four kinds.
pub const LWT: PlaceSet = LWT_PLAIN.and(LWT_SEG6LOCAL);
/// Lightweight tunnels without segment routing.
pub const LWT_PLAIN: PlaceSet = of(&[LwtIn, LwtOut, LwtXmit]);
/// Incoming packets of a lightweight tunnel.
pub const LWT_IN: PlaceSet = of(&[LwtIn]);
/// Packets that a lightweight tunnel sends.
pub const LWT_XMIT: PlaceSet = of(&[LwtXmit]);
/// Segment routing.
pub const LWT_SEG6LOCAL: PlaceSet = of(&[LwtSeg6local]);
/// Stream parsers and verdicts of socket maps.
pub const SK_SKB: PlaceSet = of(&[SkSkb]);
/// Messages of socket maps.
pub const SK_MSG: PlaceSet = of(&[SkMsg]);
/// Flow dissectors.
pub const FLOW_DISSECTOR: PlaceSet = of(&[FlowDissector]);
/// The choice of a socket of a reuseport group.
pub const SK_REUSEPORT: PlaceSet = types(&[ProgType::SkReuseport]);
/// The lookup of a listening socket.
pub const SK_LOOKUP: PlaceSet = of(&[SkLookup]);
/// Netfilter hooks.
pub const NETFILTER: PlaceSet = of(&[Netfilter]);
/// Programs on packets and sockets that share the helpers of sockets.
pub const SK_BASE: PlaceSet = types(&[
    ProgType::SocketFilter,
    ProgType::SchedCls,
    ProgType::SchedAct,
    ProgType::Xdp,
    ProgType::CgroupSkb,
    ProgType::CgroupSockAddr,
    ProgType::LwtIn,
    ProgType::LwtOut,
    ProgType::LwtXmit,
    ProgType::LwtSeg6local,
    ProgType::SockOps,
    ProgType::SkSkb,
    ProgType::SkMsg,
    ProgType::FlowDissector,
    ProgType::SkLookup,
]);

/// Packets of a cgroup.
pub const CGROUP_SKB: PlaceSet = types(&[ProgType::CgroupSkb]);
/// Sockets of a cgroup.
pub const CGROUP_SOCK: PlaceSet = types(&[ProgType::CgroupSock]);
/// Addresses that sockets of a cgroup name.
pub const SOCK_ADDR: PlaceSet = types(&[ProgType::CgroupSockAddr]);
/// Addresses that sockets of a cgroup name, but those that are asked of Unix sockets.
pub const SOCK_ADDR_OPTIONS: PlaceSet = SOCK_ADDR.but(of(&[SockAddrGetpeernameUnix, SockAddrGetsocknameUnix]));
/// Connecting by IP address.
pub const SOCK_ADDR_CONNECT: PlaceSet = of(&[SockAddrConnect4, SockAddrConnect6]);
/// Events of TCP connections.
pub const SOCK_OPS: PlaceSet = of(&[SockOps]);
/// Sysctls.
pub const CGROUP_SYSCTL: PlaceSet = of(&[CgroupSysctl]);
/// Socket options, read and set.
pub const CGROUP_SOCKOPT: PlaceSet = types(&[ProgType::CgroupSockopt]);
/// Socket options that are set.
pub const SETSOCKOPT: PlaceSet = of(&[CgroupSetsockopt]);
/// Programs of a cgroup that run in the task that asked.
pub const CGROUP_TASK: PlaceSet = types(&[
    ProgType::CgroupSock,
    ProgType::CgroupSockAddr,
    ProgType::CgroupDevice,
    ProgType::CgroupSysctl,
    ProgType::CgroupSockopt,
]);
/// All programs of a cgroup but security hooks.
pub const CGROUP: PlaceSet = CGROUP_TASK.and(types(&[ProgType::CgroupSkb, ProgType::SockOps]));
/// Programs of a cgroup that decide what a system call returns.
pub const CGROUP_RETVAL: PlaceSet = CGROUP_TASK.but(PlaceSet::of_attach(&[
    AttachType::CgroupUdp4Recvmsg,
    AttachType::CgroupUdp6Recvmsg,
    AttachType::CgroupUnixRecvmsg,
    AttachType::CgroupInet4Getpeername,
    AttachType::CgroupInet6Getpeername,
    AttachType::CgroupUnixGetpeername,
    AttachType::CgroupInet4Getsockname,
    AttachType::CgroupInet6Getsockname,
    AttachType::CgroupUnixGetsockname,
]));

/// Kernel and user probes.
pub const KPROBE: PlaceSet = types(&[ProgType::Kprobe]);
/// Kernel and user probes at one place each.
pub const KPROBE_PLAIN: PlaceSet = of(&[Kprobe, KprobeSleepable]);
/// Tracepoints with their fields.
pub const TRACEPOINT: PlaceSet = of(&[Tracepoint]);
/// Samples of perf events.
pub const PERF_EVENT: PlaceSet = of(&[PerfEvent]);
/// Raw tracepoints, with and without types.
pub const RAW_TP: PlaceSet = of(&[RawTracepoint, RawTracepointWritable, TracingRawTp]);
/// Iterators.
pub const ITERS: PlaceSet = PlaceSet::of_attach(&[AttachType::TraceIter]);
/// Iterators over sockets.
pub const SOCKET_ITER: PlaceSet = of(&[IterTcp, IterUnix]);
/// Functions, before and after, and what they return.
pub const TRAMPOLINE: PlaceSet =
    PlaceSet::of_attach(&[AttachType::TraceFentry, AttachType::TraceFexit, AttachType::ModifyReturn]);
/// Security hooks.
pub const LSM: PlaceSet = types(&[ProgType::Lsm]);
/// Security hooks that are not of a cgroup.
pub const LSM_MAC: PlaceSet = PlaceSet::of_attach(&[AttachType::LsmMac]);
/// Security hooks of a cgroup.
pub const LSM_CGROUP: PlaceSet = PlaceSet::of_attach(&[AttachType::LsmCgroup]);
/// Security hooks of a cgroup that may ask for socket options.
pub const LSM_SOCKOPT: PlaceSet = of(&[LsmCgroupSockopt]);
/// Functions and security hooks that are reached through a trampoline.
pub const TRAMPOLINE_LSM: PlaceSet = TRAMPOLINE.and(LSM_MAC);
/// Programs that system calls run.
pub const SYSCALL: PlaceSet = of(&[Syscall]);
/// Programs that trace by the kernel's types.
pub const TYPED: PlaceSet = types(&[ProgType::Tracing, ProgType::Lsm, ProgType::Syscall]);
/// All programs that trace.
pub const TRACE: PlaceSet = TYPED.and(types(&[
    ProgType::Kprobe,
    ProgType::Tracepoint,
    ProgType::PerfEvent,
    ProgType::RawTracepoint,
    ProgType::RawTracepointWritable,
]));
/// Programs that trace and may keep storage for sockets.
pub const TRACE_SK_STORAGE: PlaceSet =
    ITERS.and(of(&[TracingRawTp])).and(PlaceSet::of_attach(&[AttachType::TraceFentry, AttachType::TraceFexit]));
/// Programs that may ask for the path of a file.
pub const D_PATH: PlaceSet = ITERS.and(TRAMPOLINE).and(LSM);

/// Functions of a structure.
pub const STRUCT_OPS: PlaceSet = types(&[ProgType::StructOps]);
/// TCP congestion control.
pub const TCP_CONGESTION: PlaceSet = of(&[TcpCongestion, TcpCongestionRelease]);
/// The end of TCP congestion control.
pub const TCP_RELEASE: PlaceSet = of(&[TcpCongestionRelease]);
/// The scheduler.
pub const SCHED_EXT: PlaceSet = of(&[SchedExt]);
