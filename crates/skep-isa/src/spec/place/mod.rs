//! Places: what decides which helpers a program is offered, a program type and, where it matters, how it is attached.
//!
//! Enter at [`TABLE`] and [`PlaceSet`]. Licence and privilege decide too, but stand with the helper, not here.

pub mod common;
mod set;

pub use set::PlaceSet;

use super::{AttachType, ProgType, Version, v};

/// Where a program is put, as far as the kernel's choice of helpers sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "the row says what each is")]
pub enum Place {
    SocketFilter,
    Kprobe,
    KprobeSleepable,
    KprobeMulti,
    KprobeSession,
    UprobeMulti,
    UprobeMultiSleepable,
    UprobeSession,
    UprobeSessionSleepable,
    SchedCls,
    SchedAct,
    Tracepoint,
    Xdp,
    XdpDevmap,
    XdpCpumap,
    PerfEvent,
    CgroupSkbIngress,
    CgroupSkbEgress,
    CgroupSockCreate,
    CgroupSockRelease,
    CgroupSockPostBind4,
    CgroupSockPostBind6,
    LwtIn,
    LwtOut,
    LwtXmit,
    LwtSeg6local,
    SockOps,
    SkSkb,
    CgroupDevice,
    SkMsg,
    RawTracepoint,
    RawTracepointWritable,
    SockAddrBind4,
    SockAddrBind6,
    SockAddrConnect4,
    SockAddrConnect6,
    SockAddrConnectUnix,
    SockAddrSendmsg4,
    SockAddrSendmsg6,
    SockAddrSendmsgUnix,
    SockAddrRecvmsg4,
    SockAddrRecvmsg6,
    SockAddrRecvmsgUnix,
    SockAddrGetpeername4,
    SockAddrGetpeername6,
    SockAddrGetpeernameUnix,
    SockAddrGetsockname4,
    SockAddrGetsockname6,
    SockAddrGetsocknameUnix,
    LircMode2,
    SkReuseport,
    SkReuseportMigrate,
    FlowDissector,
    CgroupSysctl,
    CgroupGetsockopt,
    CgroupSetsockopt,
    TracingRawTp,
    Iter,
    IterSleepable,
    IterTcp,
    IterUnix,
    Fentry,
    FentrySleepable,
    Fexit,
    FexitSleepable,
    FmodRet,
    FmodRetSleepable,
    TcpCongestion,
    TcpCongestionRelease,
    SchedExt,
    HidBpf,
    LsmMac,
    LsmMacSleepable,
    LsmCgroup,
    LsmCgroupSockopt,
    SkLookup,
    Syscall,
    Netfilter,
}

/// What of the kernel's own types a program at a place names, with an example that every kernel with the place has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Nothing.
    None,
    /// A tracepoint, whose type is `btf_trace_NAME`.
    Tracepoint(&'static str),
    /// An iterator, whose function is `bpf_iter_NAME`.
    Iterator(&'static str),
    /// A kernel function.
    Function(&'static str),
    /// A security hook, whose function is `bpf_lsm_NAME`.
    LsmHook(&'static str),
    /// A structure of functions, and the member that the program becomes.
    Member(&'static str, &'static str),
}

/// One row of [`TABLE`].
#[derive(Debug)]
pub struct Row {
    /// The place.
    pub id: Place,
    /// Program type, then what is attached to; `.s` where the program may sleep.
    pub name: &'static str,
    /// The program type.
    pub prog_type: ProgType,
    /// The attach type that loading names, where it does.
    pub attach_type: Option<AttachType>,
    /// The program may sleep.
    pub sleepable: bool,
    /// What else loading names.
    pub target: Target,
    /// The kernel option that it stands and falls with.
    pub needs: Option<&'static str>,
    /// Set where the place is younger than its types.
    later: Option<Version>,
}

const fn row(id: Place, name: &'static str, prog_type: ProgType) -> Row {
    Row { id, name, prog_type, attach_type: None, sleepable: false, target: Target::None, needs: None, later: None }
}

impl Row {
    const fn attach(self, attach_type: AttachType) -> Row {
        Row { attach_type: Some(attach_type), ..self }
    }

    const fn sleepable(self) -> Row {
        Row { sleepable: true, ..self }
    }

    const fn target(self, target: Target) -> Row {
        Row { target, ..self }
    }

    const fn needs(self, option: &'static str) -> Row {
        Row { needs: Some(option), ..self }
    }

    const fn since(self, version: Version) -> Row {
        Row { later: Some(version), ..self }
    }

    /// First kernel with this place: the youngest of its program type, its attach type and itself.
    pub fn first(&self) -> Version {
        let attach = self.attach_type.map(|a| a.row().since);
        let types = attach.map_or(self.prog_type.row().since, |a| a.max(self.prog_type.row().since));
        self.later.map_or(types, |own| own.max(types))
    }
}

/// All places, those of one program type together.
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    row(Place::SocketFilter, "socket_filter", ProgType::SocketFilter),
    row(Place::Kprobe, "kprobe", ProgType::Kprobe),
    row(Place::KprobeSleepable, "kprobe.s", ProgType::Kprobe).sleepable().since(v(6, 0)),
    row(Place::KprobeMulti, "kprobe/multi", ProgType::Kprobe).attach(AttachType::TraceKprobeMulti),
    row(Place::KprobeSession, "kprobe/session", ProgType::Kprobe).attach(AttachType::TraceKprobeSession),
    row(Place::UprobeMulti, "kprobe/uprobe_multi", ProgType::Kprobe).attach(AttachType::TraceUprobeMulti),
    row(Place::UprobeMultiSleepable, "kprobe/uprobe_multi.s", ProgType::Kprobe).attach(AttachType::TraceUprobeMulti).sleepable(),
    row(Place::UprobeSession, "kprobe/uprobe_session", ProgType::Kprobe).attach(AttachType::TraceUprobeSession),
    row(Place::UprobeSessionSleepable, "kprobe/uprobe_session.s", ProgType::Kprobe).attach(AttachType::TraceUprobeSession).sleepable(),
    row(Place::SchedCls, "sched_cls", ProgType::SchedCls),
    row(Place::SchedAct, "sched_act", ProgType::SchedAct),
    row(Place::Tracepoint, "tracepoint", ProgType::Tracepoint),
    row(Place::Xdp, "xdp", ProgType::Xdp).attach(AttachType::Xdp),
    row(Place::XdpDevmap, "xdp/devmap", ProgType::Xdp).attach(AttachType::XdpDevmap),
    row(Place::XdpCpumap, "xdp/cpumap", ProgType::Xdp).attach(AttachType::XdpCpumap),
    row(Place::PerfEvent, "perf_event", ProgType::PerfEvent),
    row(Place::CgroupSkbIngress, "cgroup_skb/ingress", ProgType::CgroupSkb).attach(AttachType::CgroupInetIngress).needs("CONFIG_CGROUP_BPF"),
    row(Place::CgroupSkbEgress, "cgroup_skb/egress", ProgType::CgroupSkb).attach(AttachType::CgroupInetEgress).needs("CONFIG_CGROUP_BPF"),
    row(Place::CgroupSockCreate, "cgroup_sock/create", ProgType::CgroupSock).attach(AttachType::CgroupInetSockCreate).needs("CONFIG_CGROUP_BPF"),
    row(Place::CgroupSockRelease, "cgroup_sock/release", ProgType::CgroupSock).attach(AttachType::CgroupInetSockRelease).needs("CONFIG_CGROUP_BPF"),
    row(Place::CgroupSockPostBind4, "cgroup_sock/post_bind4", ProgType::CgroupSock).attach(AttachType::CgroupInet4PostBind).needs("CONFIG_CGROUP_BPF"),
    row(Place::CgroupSockPostBind6, "cgroup_sock/post_bind6", ProgType::CgroupSock).attach(AttachType::CgroupInet6PostBind).needs("CONFIG_CGROUP_BPF"),
    row(Place::LwtIn, "lwt_in", ProgType::LwtIn).needs("CONFIG_LWTUNNEL_BPF"),
    row(Place::LwtOut, "lwt_out", ProgType::LwtOut).needs("CONFIG_LWTUNNEL_BPF"),
    row(Place::LwtXmit, "lwt_xmit", ProgType::LwtXmit).needs("CONFIG_LWTUNNEL_BPF"),
    row(Place::LwtSeg6local, "lwt_seg6local", ProgType::LwtSeg6local).needs("CONFIG_LWTUNNEL_BPF"),
    row(Place::SockOps, "sock_ops", ProgType::SockOps).attach(AttachType::CgroupSockOps).needs("CONFIG_CGROUP_BPF"),
    row(Place::SkSkb, "sk_skb", ProgType::SkSkb),
    row(Place::CgroupDevice, "cgroup_device", ProgType::CgroupDevice).attach(AttachType::CgroupDevice).needs("CONFIG_CGROUP_BPF"),
    row(Place::SkMsg, "sk_msg", ProgType::SkMsg).attach(AttachType::SkMsgVerdict),
    row(Place::RawTracepoint, "raw_tracepoint", ProgType::RawTracepoint),
    row(Place::RawTracepointWritable, "raw_tracepoint_writable", ProgType::RawTracepointWritable),
    row(Place::SockAddrBind4, "cgroup_sock_addr/bind4", ProgType::CgroupSockAddr).attach(AttachType::CgroupInet4Bind).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrBind6, "cgroup_sock_addr/bind6", ProgType::CgroupSockAddr).attach(AttachType::CgroupInet6Bind).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrConnect4, "cgroup_sock_addr/connect4", ProgType::CgroupSockAddr).attach(AttachType::CgroupInet4Connect).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrConnect6, "cgroup_sock_addr/connect6", ProgType::CgroupSockAddr).attach(AttachType::CgroupInet6Connect).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrConnectUnix, "cgroup_sock_addr/connect_unix", ProgType::CgroupSockAddr).attach(AttachType::CgroupUnixConnect).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrSendmsg4, "cgroup_sock_addr/sendmsg4", ProgType::CgroupSockAddr).attach(AttachType::CgroupUdp4Sendmsg).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrSendmsg6, "cgroup_sock_addr/sendmsg6", ProgType::CgroupSockAddr).attach(AttachType::CgroupUdp6Sendmsg).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrSendmsgUnix, "cgroup_sock_addr/sendmsg_unix", ProgType::CgroupSockAddr).attach(AttachType::CgroupUnixSendmsg).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrRecvmsg4, "cgroup_sock_addr/recvmsg4", ProgType::CgroupSockAddr).attach(AttachType::CgroupUdp4Recvmsg).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrRecvmsg6, "cgroup_sock_addr/recvmsg6", ProgType::CgroupSockAddr).attach(AttachType::CgroupUdp6Recvmsg).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrRecvmsgUnix, "cgroup_sock_addr/recvmsg_unix", ProgType::CgroupSockAddr).attach(AttachType::CgroupUnixRecvmsg).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrGetpeername4, "cgroup_sock_addr/getpeername4", ProgType::CgroupSockAddr).attach(AttachType::CgroupInet4Getpeername).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrGetpeername6, "cgroup_sock_addr/getpeername6", ProgType::CgroupSockAddr).attach(AttachType::CgroupInet6Getpeername).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrGetpeernameUnix, "cgroup_sock_addr/getpeername_unix", ProgType::CgroupSockAddr).attach(AttachType::CgroupUnixGetpeername).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrGetsockname4, "cgroup_sock_addr/getsockname4", ProgType::CgroupSockAddr).attach(AttachType::CgroupInet4Getsockname).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrGetsockname6, "cgroup_sock_addr/getsockname6", ProgType::CgroupSockAddr).attach(AttachType::CgroupInet6Getsockname).needs("CONFIG_CGROUP_BPF"),
    row(Place::SockAddrGetsocknameUnix, "cgroup_sock_addr/getsockname_unix", ProgType::CgroupSockAddr).attach(AttachType::CgroupUnixGetsockname).needs("CONFIG_CGROUP_BPF"),
    row(Place::LircMode2, "lirc_mode2", ProgType::LircMode2).attach(AttachType::LircMode2).needs("CONFIG_BPF_LIRC_MODE2"),
    row(Place::SkReuseport, "sk_reuseport/select", ProgType::SkReuseport).attach(AttachType::SkReuseportSelect),
    row(Place::SkReuseportMigrate, "sk_reuseport/select_or_migrate", ProgType::SkReuseport).attach(AttachType::SkReuseportSelectOrMigrate),
    row(Place::FlowDissector, "flow_dissector", ProgType::FlowDissector).attach(AttachType::FlowDissector),
    row(Place::CgroupSysctl, "cgroup_sysctl", ProgType::CgroupSysctl).attach(AttachType::CgroupSysctl).needs("CONFIG_CGROUP_BPF"),
    row(Place::CgroupGetsockopt, "cgroup_sockopt/getsockopt", ProgType::CgroupSockopt).attach(AttachType::CgroupGetsockopt).needs("CONFIG_CGROUP_BPF"),
    row(Place::CgroupSetsockopt, "cgroup_sockopt/setsockopt", ProgType::CgroupSockopt).attach(AttachType::CgroupSetsockopt).needs("CONFIG_CGROUP_BPF"),
    row(Place::TracingRawTp, "tracing/raw_tp", ProgType::Tracing).attach(AttachType::TraceRawTp).target(Target::Tracepoint("sched_switch")),
    row(Place::Iter, "tracing/iter", ProgType::Tracing).attach(AttachType::TraceIter).target(Target::Iterator("task")),
    row(Place::IterSleepable, "tracing/iter.s", ProgType::Tracing).attach(AttachType::TraceIter).sleepable().target(Target::Iterator("task")).since(v(5, 18)),
    row(Place::IterTcp, "tracing/iter:tcp", ProgType::Tracing).attach(AttachType::TraceIter).target(Target::Iterator("tcp")).since(v(5, 9)),
    row(Place::IterUnix, "tracing/iter:unix", ProgType::Tracing).attach(AttachType::TraceIter).target(Target::Iterator("unix")).since(v(5, 15)),
    row(Place::Fentry, "tracing/fentry", ProgType::Tracing).attach(AttachType::TraceFentry).target(Target::Function("filp_close")),
    row(Place::FentrySleepable, "tracing/fentry.s", ProgType::Tracing).attach(AttachType::TraceFentry).sleepable().target(Target::Function("bpf_fentry_test1")).since(v(5, 10)),
    row(Place::Fexit, "tracing/fexit", ProgType::Tracing).attach(AttachType::TraceFexit).target(Target::Function("filp_close")),
    row(Place::FexitSleepable, "tracing/fexit.s", ProgType::Tracing).attach(AttachType::TraceFexit).sleepable().target(Target::Function("bpf_fentry_test1")).since(v(5, 10)),
    row(Place::FmodRet, "tracing/fmod_ret", ProgType::Tracing).attach(AttachType::ModifyReturn).target(Target::Function("security_file_open")),
    row(Place::FmodRetSleepable, "tracing/fmod_ret.s", ProgType::Tracing).attach(AttachType::ModifyReturn).sleepable().target(Target::Function("bpf_fentry_test1")).since(v(5, 10)),
    row(Place::TcpCongestion, "struct_ops/tcp_congestion_ops", ProgType::StructOps).target(Target::Member("tcp_congestion_ops", "ssthresh")),
    row(Place::TcpCongestionRelease, "struct_ops/tcp_congestion_ops:release", ProgType::StructOps).target(Target::Member("tcp_congestion_ops", "release")),
    row(Place::SchedExt, "struct_ops/sched_ext_ops", ProgType::StructOps).target(Target::Member("sched_ext_ops", "enqueue")).since(v(6, 12)).needs("CONFIG_SCHED_CLASS_EXT"),
    row(Place::HidBpf, "struct_ops/hid_bpf_ops", ProgType::StructOps).target(Target::Member("hid_bpf_ops", "hid_device_event")).since(v(6, 11)).needs("CONFIG_HID_BPF"),
    row(Place::LsmMac, "lsm/mac", ProgType::Lsm).attach(AttachType::LsmMac).target(Target::LsmHook("file_open")).needs("CONFIG_BPF_LSM"),
    row(Place::LsmMacSleepable, "lsm/mac.s", ProgType::Lsm).attach(AttachType::LsmMac).sleepable().target(Target::LsmHook("file_open")).since(v(5, 10)).needs("CONFIG_BPF_LSM"),
    row(Place::LsmCgroup, "lsm/cgroup", ProgType::Lsm).attach(AttachType::LsmCgroup).target(Target::LsmHook("socket_bind")).needs("CONFIG_BPF_LSM"),
    row(Place::LsmCgroupSockopt, "lsm/cgroup:sockopt", ProgType::Lsm).attach(AttachType::LsmCgroup).target(Target::LsmHook("socket_post_create")).needs("CONFIG_BPF_LSM"),
    row(Place::SkLookup, "sk_lookup", ProgType::SkLookup).attach(AttachType::SkLookup),
    row(Place::Syscall, "syscall", ProgType::Syscall).sleepable(),
    row(Place::Netfilter, "netfilter", ProgType::Netfilter).attach(AttachType::Netfilter).needs("CONFIG_NETFILTER_BPF_LINK"),
];

impl Place {
    /// Its row.
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The place with this name.
    pub fn named(name: &str) -> Option<Place> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.id)
    }

    /// All places, in the order of [`TABLE`].
    pub fn all() -> impl Iterator<Item = Place> {
        TABLE.iter().map(|row| row.id)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_their_numbers_and_are_found_by_their_names() {
        assert!(TABLE.len() <= 128, "a set has 128 bits");
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.id as usize, at, "{}", row.name);
            assert_eq!(Place::named(row.name), Some(row.id));
            assert!(row.name.starts_with(row.prog_type.name()), "{}", row.name);
            assert_eq!(row.sleepable, row.name.ends_with(".s") || row.id == Place::Syscall, "{}", row.name);
        }
    }

    #[test]
    fn every_program_type_but_the_unspecified_and_ext_has_a_place() {
        for row in super::super::prog_type::TABLE {
            let has = TABLE.iter().any(|place| place.prog_type == row.id);
            assert_eq!(has, !matches!(row.id, ProgType::Unspec | ProgType::Ext), "{}", row.name);
        }
    }

    #[test]
    fn a_place_is_as_young_as_the_youngest_of_what_it_names() {
        assert_eq!(Place::Xdp.row().first(), v(5, 9));
        assert_eq!(Place::KprobeSleepable.row().first(), v(6, 0));
        assert_eq!(Place::SockAddrConnectUnix.row().first(), v(6, 7));
    }
}
