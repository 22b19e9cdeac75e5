//! Attach types: where a program of a type is put.

use super::link_type::LinkType as L;
use super::prog_type::ProgType as P;
use super::{Version, v};

/// Attach types: where a program of a type is put.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(u32)]
#[allow(missing_docs, reason = "each variant is the kernel's constant; the row names it")]
pub enum AttachType {
    CgroupInetIngress,
    CgroupInetEgress,
    CgroupInetSockCreate,
    CgroupSockOps,
    SkSkbStreamParser,
    SkSkbStreamVerdict,
    CgroupDevice,
    SkMsgVerdict,
    CgroupInet4Bind,
    CgroupInet6Bind,
    CgroupInet4Connect,
    CgroupInet6Connect,
    CgroupInet4PostBind,
    CgroupInet6PostBind,
    CgroupUdp4Sendmsg,
    CgroupUdp6Sendmsg,
    LircMode2,
    FlowDissector,
    CgroupSysctl,
    CgroupUdp4Recvmsg,
    CgroupUdp6Recvmsg,
    CgroupGetsockopt,
    CgroupSetsockopt,
    TraceRawTp,
    TraceFentry,
    TraceFexit,
    ModifyReturn,
    LsmMac,
    TraceIter,
    CgroupInet4Getpeername,
    CgroupInet6Getpeername,
    CgroupInet4Getsockname,
    CgroupInet6Getsockname,
    XdpDevmap,
    CgroupInetSockRelease,
    XdpCpumap,
    SkLookup,
    Xdp,
    SkSkbVerdict,
    SkReuseportSelect,
    SkReuseportSelectOrMigrate,
    PerfEvent,
    TraceKprobeMulti,
    LsmCgroup,
    StructOps,
    Netfilter,
    TcxIngress,
    TcxEgress,
    TraceUprobeMulti,
    CgroupUnixConnect,
    CgroupUnixSendmsg,
    CgroupUnixRecvmsg,
    CgroupUnixGetpeername,
    CgroupUnixGetsockname,
    NetkitPrimary,
    NetkitPeer,
    TraceKprobeSession,
    TraceUprobeSession,
    TraceFsession,
    TraceFentryMulti,
    TraceFexitMulti,
    TraceFsessionMulti,
}

/// What a program is attached to, and by which call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// A cgroup of version 2, by the descriptor of its folder.
    Cgroup,
    /// A network device, by its index.
    Device,
    /// A network namespace, by its descriptor.
    Netns,
    /// A sockmap or sockhash, by its descriptor.
    Sockmap,
    /// The value of a devmap or cpumap, which names the program.
    MapValue,
    /// A socket, by `setsockopt(2)`.
    Socket,
    /// An infrared receiver, by the descriptor of its device node.
    Lirc,
    /// A perf event, by its descriptor.
    PerfEvent,
    /// A function of the kernel or of a program, named at load by its BTF id.
    Function,
    /// A tracepoint, named at load by the BTF id of its typedef `btf_trace_NAME`.
    Tracepoint,
    /// An iterator, named at load by the BTF id of its function `bpf_iter_NAME`.
    Iterator,
    /// A hook of the security modules, named at load by the BTF id of its function `bpf_lsm_NAME`.
    LsmHook,
    /// Functions of the kernel, by names or addresses given to the link.
    Functions,
    /// Places of a user program, by its path and offsets given to the link.
    Places,
    /// A struct_ops map.
    StructOps,
    /// A netfilter hook, by protocol family, hook number and priority given to the link.
    Netfilter,
}

impl Target {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Target::Cgroup => "a cgroup (version 2), by the descriptor of its folder",
            Target::Device => "a network device, by its index",
            Target::Netns => "a network namespace, by its descriptor",
            Target::Sockmap => "a sockmap or sockhash, by its descriptor",
            Target::MapValue => "the value of a map that redirects, which names the program",
            Target::Socket => "a socket, by setsockopt(2) with SO_ATTACH_REUSEPORT_EBPF",
            Target::Lirc => "an infrared receiver, by the descriptor of its device node",
            Target::PerfEvent => "a perf event, by its descriptor",
            Target::Function => "a function of the kernel or of a program, named at load by its BTF id",
            Target::Tracepoint => "a tracepoint, named at load by the BTF id of its typedef btf_trace_NAME",
            Target::Iterator => "an iterator, named at load by the BTF id of its function bpf_iter_NAME",
            Target::LsmHook => "a security hook, named at load by the BTF id of its function bpf_lsm_NAME",
            Target::Functions => "functions of the kernel, by names, addresses or ids given to the link",
            Target::Places => "places of a user program, by its path and offsets given to the link",
            Target::StructOps => "a struct_ops map, by its descriptor",
            Target::Netfilter => "a netfilter hook, by family, hook number and priority given to the link",
        }
    }

    /// True where `BPF_PROG_ATTACH` attaches, beside links.
    pub const fn takes_prog_attach(self, id: AttachType) -> bool {
        match self {
            Target::Netns => matches!(id, AttachType::FlowDissector),
            Target::Device => !matches!(id, AttachType::Xdp),
            Target::Cgroup | Target::Sockmap | Target::Lirc => true,
            _ => false,
        }
    }
}

/// Whether a load must name an attach type in `expected_attach_type`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AtLoad {
    /// It must.
    Must,
    /// It may leave the field 0, which the kernel takes for this attach type.
    Zero,
    /// It may leave the field 0; results that only this attach type allows are refused then.
    Results,
    /// It need not.
    May,
    /// The field holds something else: the number of the structure's member.
    Member,
}

impl AtLoad {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            AtLoad::Must => "expected_attach_type must name it",
            AtLoad::Zero => "expected_attach_type may be 0, which stands for it",
            AtLoad::Results => "need not be named, but without it results are those of cgroup_inet_ingress",
            AtLoad::May => "need not be named",
            AtLoad::Member => "not named: expected_attach_type is the number of the structure's member",
        }
    }

    /// True where a load is best to name it.
    pub const fn is_named(self) -> bool {
        matches!(self, AtLoad::Must | AtLoad::Zero | AtLoad::Results)
    }
}

/// One row of [`TABLE`].
#[derive(Debug)]
pub struct Row {
    /// The constant.
    pub id: AttachType,
    /// The kernel's constant in lower case without `BPF_`.
    pub name: &'static str,
    /// First kernel that has it.
    pub since: Version,
    /// Types of the programs that can be put there.
    pub prog_types: &'static [P],
    /// What they are put to.
    pub target: Target,
    /// The link that holds them there, where there is one.
    pub link: Option<L>,
    /// Whether the load must name it (`expected_attach_type`).
    pub at_load: AtLoad,
    /// First kernel where programs that may sleep can be put there, `None` where they cannot.
    pub may_sleep: Option<Version>,
    /// What programs see there, in one sentence.
    pub what: &'static str,
}

impl Row {
    const fn new(id: AttachType, name: &'static str, since: Version, place: Place, what: &'static str) -> Row {
        let Place(prog_types, target, link, at_load) = place;
        Row { id, name, since, prog_types, target, link, at_load, may_sleep: None, what }
    }

    /// First kernel where `BPF_LINK_CREATE` makes the link; `None` where there is none.
    pub fn link_since(&self) -> Option<Version> {
        let since = self.link?.row().since.max(self.since);
        Some(match self.target {
            // Until then `BPF_RAW_TRACEPOINT_OPEN` alone made these links.
            Target::Tracepoint | Target::Function | Target::LsmHook => since.max(v(5, 19)),
            _ => since,
        })
    }

    /// The same row, open to programs that may sleep.
    const fn sleeps(self) -> Row {
        let since = self.since;
        self.sleeps_from(since)
    }

    /// The same row, open to programs that may sleep since a later kernel.
    const fn sleeps_from(mut self, since: Version) -> Row {
        self.may_sleep = Some(since);
        self
    }
}

/// Program types, target, link, and whether the load must name the attach type.
struct Place(&'static [P], Target, Option<L>, AtLoad);

/// All rows, in the order of the kernel's numbers. Facts are those of the kernel's checks at `BPF_PROG_LOAD`,
/// `BPF_PROG_ATTACH` and `BPF_LINK_CREATE` (6.12, 6.18).
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    Row::new(AttachType::CgroupInetIngress, "cgroup_inet_ingress", v(4, 10), Place(&[P::CgroupSkb], Target::Cgroup, Some(L::Cgroup), AtLoad::Zero),
        "Packets that a cgroup's sockets are about to receive."),
    Row::new(AttachType::CgroupInetEgress, "cgroup_inet_egress", v(4, 10), Place(&[P::CgroupSkb], Target::Cgroup, Some(L::Cgroup), AtLoad::Results),
        "Packets that a cgroup's sockets are about to send."),
    Row::new(AttachType::CgroupInetSockCreate, "cgroup_inet_sock_create", v(4, 10), Place(&[P::CgroupSock], Target::Cgroup, Some(L::Cgroup), AtLoad::Zero),
        "Sockets of a cgroup as they are made."),
    Row::new(AttachType::CgroupSockOps, "cgroup_sock_ops", v(4, 13), Place(&[P::SockOps], Target::Cgroup, Some(L::Cgroup), AtLoad::May),
        "Events of a cgroup's TCP connections."),
    Row::new(AttachType::SkSkbStreamParser, "sk_skb_stream_parser", v(4, 14), Place(&[P::SkSkb], Target::Sockmap, Some(L::Sockmap), AtLoad::May),
        "The stream of a sockmap's socket, to say where a message ends."),
    Row::new(AttachType::SkSkbStreamVerdict, "sk_skb_stream_verdict", v(4, 14), Place(&[P::SkSkb], Target::Sockmap, Some(L::Sockmap), AtLoad::May),
        "Messages of a sockmap's socket that its parser has cut, to pass, drop or redirect them."),
    Row::new(AttachType::CgroupDevice, "cgroup_device", v(4, 15), Place(&[P::CgroupDevice], Target::Cgroup, Some(L::Cgroup), AtLoad::May),
        "A cgroup's opening and making of device nodes."),
    Row::new(AttachType::SkMsgVerdict, "sk_msg_verdict", v(4, 17), Place(&[P::SkMsg], Target::Sockmap, Some(L::Sockmap), AtLoad::May),
        "Messages that a sockmap's socket is about to send."),
    Row::new(AttachType::CgroupInet4Bind, "cgroup_inet4_bind", v(4, 17), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "bind(2) of a cgroup's IPv4 sockets; the address can be rewritten."),
    Row::new(AttachType::CgroupInet6Bind, "cgroup_inet6_bind", v(4, 17), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "bind(2) of a cgroup's IPv6 sockets; the address can be rewritten."),
    Row::new(AttachType::CgroupInet4Connect, "cgroup_inet4_connect", v(4, 17), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "connect(2) of a cgroup's IPv4 sockets; the peer's address can be rewritten."),
    Row::new(AttachType::CgroupInet6Connect, "cgroup_inet6_connect", v(4, 17), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "connect(2) of a cgroup's IPv6 sockets; the peer's address can be rewritten."),
    Row::new(AttachType::CgroupInet4PostBind, "cgroup_inet4_post_bind", v(4, 17), Place(&[P::CgroupSock], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "A cgroup's IPv4 sockets once an address is bound."),
    Row::new(AttachType::CgroupInet6PostBind, "cgroup_inet6_post_bind", v(4, 17), Place(&[P::CgroupSock], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "A cgroup's IPv6 sockets once an address is bound."),
    Row::new(AttachType::CgroupUdp4Sendmsg, "cgroup_udp4_sendmsg", v(4, 18), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "sendto(2) and sendmsg(2) of a cgroup's unconnected UDP sockets over IPv4; both addresses can be rewritten."),
    Row::new(AttachType::CgroupUdp6Sendmsg, "cgroup_udp6_sendmsg", v(4, 18), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "sendto(2) and sendmsg(2) of a cgroup's unconnected UDP sockets over IPv6; both addresses can be rewritten."),
    Row::new(AttachType::LircMode2, "lirc_mode2", v(4, 18), Place(&[P::LircMode2], Target::Lirc, None, AtLoad::May),
        "Pulses and spaces that an infrared receiver sees."),
    Row::new(AttachType::FlowDissector, "flow_dissector", v(4, 20), Place(&[P::FlowDissector], Target::Netns, Some(L::Netns), AtLoad::May),
        "The parsing of packet headers in a network namespace."),
    Row::new(AttachType::CgroupSysctl, "cgroup_sysctl", v(5, 2), Place(&[P::CgroupSysctl], Target::Cgroup, Some(L::Cgroup), AtLoad::May),
        "Reads and writes of sysctls by a cgroup's processes."),
    Row::new(AttachType::CgroupUdp4Recvmsg, "cgroup_udp4_recvmsg", v(5, 2), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "recvfrom(2) and recvmsg(2) of a cgroup's unconnected UDP sockets over IPv4; the sender's address can be rewritten."),
    Row::new(AttachType::CgroupUdp6Recvmsg, "cgroup_udp6_recvmsg", v(5, 2), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "recvfrom(2) and recvmsg(2) of a cgroup's unconnected UDP sockets over IPv6; the sender's address can be rewritten."),
    Row::new(AttachType::CgroupGetsockopt, "cgroup_getsockopt", v(5, 3), Place(&[P::CgroupSockopt], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "getsockopt(2) of a cgroup's processes; the answer can be rewritten."),
    Row::new(AttachType::CgroupSetsockopt, "cgroup_setsockopt", v(5, 3), Place(&[P::CgroupSockopt], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "setsockopt(2) of a cgroup's processes; the option can be rewritten."),
    Row::new(AttachType::TraceRawTp, "trace_raw_tp", v(5, 5), Place(&[P::Tracing], Target::Tracepoint, Some(L::RawTracepoint), AtLoad::Must),
        "A tracepoint of the kernel, with arguments typed by BTF.").sleeps_from(v(7, 2)),
    Row::new(AttachType::TraceFentry, "trace_fentry", v(5, 5), Place(&[P::Tracing], Target::Function, Some(L::Tracing), AtLoad::Must),
        "Entry of a kernel function, or of a function of another program, by trampoline.").sleeps_from(v(5, 10)),
    Row::new(AttachType::TraceFexit, "trace_fexit", v(5, 5), Place(&[P::Tracing], Target::Function, Some(L::Tracing), AtLoad::Must),
        "Return of a kernel function, or of a function of another program, with arguments and result, by trampoline.").sleeps_from(v(5, 10)),
    Row::new(AttachType::ModifyReturn, "modify_return", v(5, 7), Place(&[P::Tracing], Target::Function, Some(L::Tracing), AtLoad::Must),
        "Entry of a kernel function that allows its result to be replaced: a result other than 0 skips the function.").sleeps_from(v(5, 10)),
    Row::new(AttachType::LsmMac, "lsm_mac", v(5, 7), Place(&[P::Lsm], Target::LsmHook, Some(L::Tracing), AtLoad::Must),
        "A hook of the Linux security modules; a result below 0 refuses what is asked.").sleeps_from(v(5, 10)),
    Row::new(AttachType::TraceIter, "trace_iter", v(5, 8), Place(&[P::Tracing], Target::Iterator, Some(L::Iter), AtLoad::Must),
        "Each element of one of the kernel's lists, as someone reads the iterator's file.").sleeps_from(v(5, 18)),
    Row::new(AttachType::CgroupInet4Getpeername, "cgroup_inet4_getpeername", v(5, 8), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "getpeername(2) of a cgroup's IPv4 sockets; the answer can be rewritten."),
    Row::new(AttachType::CgroupInet6Getpeername, "cgroup_inet6_getpeername", v(5, 8), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "getpeername(2) of a cgroup's IPv6 sockets; the answer can be rewritten."),
    Row::new(AttachType::CgroupInet4Getsockname, "cgroup_inet4_getsockname", v(5, 8), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "getsockname(2) of a cgroup's IPv4 sockets; the answer can be rewritten."),
    Row::new(AttachType::CgroupInet6Getsockname, "cgroup_inet6_getsockname", v(5, 8), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "getsockname(2) of a cgroup's IPv6 sockets; the answer can be rewritten."),
    Row::new(AttachType::XdpDevmap, "xdp_devmap", v(5, 8), Place(&[P::Xdp], Target::MapValue, None, AtLoad::Must),
        "Frames redirected by a devmap, before the device sends them."),
    Row::new(AttachType::CgroupInetSockRelease, "cgroup_inet_sock_release", v(5, 9), Place(&[P::CgroupSock], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "Sockets of a cgroup as they are released."),
    Row::new(AttachType::XdpCpumap, "xdp_cpumap", v(5, 9), Place(&[P::Xdp], Target::MapValue, None, AtLoad::Must),
        "Frames redirected by a cpumap, on the CPU they were sent to."),
    Row::new(AttachType::SkLookup, "sk_lookup", v(5, 9), Place(&[P::SkLookup], Target::Netns, Some(L::Netns), AtLoad::Must),
        "The choice of a listening or unconnected socket in a network namespace."),
    Row::new(AttachType::Xdp, "xdp", v(5, 9), Place(&[P::Xdp], Target::Device, Some(L::Xdp), AtLoad::May),
        "Frames that a network device receives."),
    Row::new(AttachType::SkSkbVerdict, "sk_skb_verdict", v(5, 13), Place(&[P::SkSkb], Target::Sockmap, Some(L::Sockmap), AtLoad::May),
        "Messages of a sockmap's socket, without a parser, to pass, drop or redirect them."),
    Row::new(AttachType::SkReuseportSelect, "sk_reuseport_select", v(5, 14), Place(&[P::SkReuseport], Target::Socket, None, AtLoad::Zero),
        "The choice of a socket of a SO_REUSEPORT group."),
    Row::new(AttachType::SkReuseportSelectOrMigrate, "sk_reuseport_select_or_migrate", v(5, 14), Place(&[P::SkReuseport], Target::Socket, None, AtLoad::Must),
        "The choice of a socket of a SO_REUSEPORT group, also for connections whose listener is closing."),
    Row::new(AttachType::PerfEvent, "perf_event", v(5, 15), Place(&[P::Tracepoint, P::PerfEvent, P::Kprobe], Target::PerfEvent, Some(L::PerfEvent), AtLoad::May),
        "A perf event: a tracepoint, kprobe, uprobe or a counter that samples.").sleeps_from(v(6, 0)),
    Row::new(AttachType::TraceKprobeMulti, "trace_kprobe_multi", v(5, 18), Place(&[P::Kprobe], Target::Functions, Some(L::KprobeMulti), AtLoad::Must),
        "Entry or return of many kernel functions at once."),
    Row::new(AttachType::LsmCgroup, "lsm_cgroup", v(6, 0), Place(&[P::Lsm], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "A hook of the Linux security modules, for a cgroup's sockets and processes only."),
    Row::new(AttachType::StructOps, "struct_ops", v(6, 4), Place(&[P::StructOps], Target::StructOps, Some(L::StructOps), AtLoad::Member),
        "A place in the kernel that takes a table of functions, by the link of a struct_ops map.").sleeps(),
    Row::new(AttachType::Netfilter, "netfilter", v(6, 4), Place(&[P::Netfilter], Target::Netfilter, Some(L::Netfilter), AtLoad::Must),
        "A netfilter hook of a network namespace, IPv4 or IPv6, at a priority."),
    Row::new(AttachType::TcxIngress, "tcx_ingress", v(6, 6), Place(&[P::SchedCls], Target::Device, Some(L::Tcx), AtLoad::May),
        "Packets that a network device has received."),
    Row::new(AttachType::TcxEgress, "tcx_egress", v(6, 6), Place(&[P::SchedCls], Target::Device, Some(L::Tcx), AtLoad::May),
        "Packets that a network device is about to send."),
    Row::new(AttachType::TraceUprobeMulti, "trace_uprobe_multi", v(6, 6), Place(&[P::Kprobe], Target::Places, Some(L::UprobeMulti), AtLoad::Must),
        "Many places of a user program at once.").sleeps(),
    Row::new(AttachType::CgroupUnixConnect, "cgroup_unix_connect", v(6, 7), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "connect(2) of a cgroup's Unix sockets; the peer's address can be rewritten."),
    Row::new(AttachType::CgroupUnixSendmsg, "cgroup_unix_sendmsg", v(6, 7), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "sendmsg(2) of a cgroup's Unix datagram sockets; the peer's address can be rewritten."),
    Row::new(AttachType::CgroupUnixRecvmsg, "cgroup_unix_recvmsg", v(6, 7), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "recvmsg(2) of a cgroup's Unix sockets; the sender's address can be rewritten."),
    Row::new(AttachType::CgroupUnixGetpeername, "cgroup_unix_getpeername", v(6, 7), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "getpeername(2) of a cgroup's Unix sockets; the answer can be rewritten."),
    Row::new(AttachType::CgroupUnixGetsockname, "cgroup_unix_getsockname", v(6, 7), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), AtLoad::Must),
        "getsockname(2) of a cgroup's Unix sockets; the answer can be rewritten."),
    Row::new(AttachType::NetkitPrimary, "netkit_primary", v(6, 7), Place(&[P::SchedCls], Target::Device, Some(L::Netkit), AtLoad::May),
        "Packets that the primary end of a netkit pair sends."),
    Row::new(AttachType::NetkitPeer, "netkit_peer", v(6, 7), Place(&[P::SchedCls], Target::Device, Some(L::Netkit), AtLoad::May),
        "Packets that the peer end of a netkit pair sends."),
    Row::new(AttachType::TraceKprobeSession, "trace_kprobe_session", v(6, 10), Place(&[P::Kprobe], Target::Functions, Some(L::KprobeMulti), AtLoad::Must),
        "Entry and return of many kernel functions by one program; its result at entry says whether it runs at the return."),
    Row::new(AttachType::TraceUprobeSession, "trace_uprobe_session", v(6, 13), Place(&[P::Kprobe], Target::Places, Some(L::UprobeMulti), AtLoad::Must),
        "Entry and return of many functions of a user program by one program; its result at entry says whether it runs at the return.").sleeps(),
    Row::new(AttachType::TraceFsession, "trace_fsession", v(7, 0), Place(&[P::Tracing], Target::Function, Some(L::Tracing), AtLoad::Must),
        "Entry and return of a kernel function by one program, by trampoline.").sleeps(),
    Row::new(AttachType::TraceFentryMulti, "trace_fentry_multi", v(7, 2), Place(&[P::Tracing], Target::Functions, Some(L::TracingMulti), AtLoad::Must),
        "Entry of many kernel functions at once, by trampoline.").sleeps(),
    Row::new(AttachType::TraceFexitMulti, "trace_fexit_multi", v(7, 2), Place(&[P::Tracing], Target::Functions, Some(L::TracingMulti), AtLoad::Must),
        "Return of many kernel functions at once, by trampoline.").sleeps(),
    Row::new(AttachType::TraceFsessionMulti, "trace_fsession_multi", v(7, 2), Place(&[P::Tracing], Target::Functions, Some(L::TracingMulti), AtLoad::Must),
        "Entry and return of many kernel functions by one program, by trampoline.").sleeps(),
];

super::numbered!(AttachType, "BPF_");
