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
            Target::Cgroup => !matches!(id, AttachType::LsmCgroup),
            Target::Netns => matches!(id, AttachType::FlowDissector),
            Target::Device => !matches!(id, AttachType::Xdp),
            Target::Sockmap | Target::Lirc => true,
            _ => false,
        }
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
    /// True where the load must name it (`expected_attach_type`).
    pub at_load: bool,
    /// True where programs that may sleep can be put there.
    pub may_sleep: bool,
    /// What programs see there, in one sentence.
    pub what: &'static str,
}

impl Row {
    const fn new(id: AttachType, name: &'static str, since: Version, place: Place, what: &'static str) -> Row {
        let Place(prog_types, target, link, at_load) = place;
        Row { id, name, since, prog_types, target, link, at_load, may_sleep: false, what }
    }

    /// The same row, open to programs that may sleep.
    const fn sleeps(mut self) -> Row {
        self.may_sleep = true;
        self
    }
}

/// Program types, target, link, and whether the load must name the attach type.
struct Place(&'static [P], Target, Option<L>, bool);

/// All rows, in the order of the kernel's numbers. Facts are those of the kernel's checks at `BPF_PROG_LOAD`,
/// `BPF_PROG_ATTACH` and `BPF_LINK_CREATE` (6.12, 6.18).
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    Row::new(AttachType::CgroupInetIngress, "cgroup_inet_ingress", v(4, 10), Place(&[P::CgroupSkb], Target::Cgroup, Some(L::Cgroup), true),
        "Packets that a cgroup's sockets are about to receive."),
    Row::new(AttachType::CgroupInetEgress, "cgroup_inet_egress", v(4, 10), Place(&[P::CgroupSkb], Target::Cgroup, Some(L::Cgroup), true),
        "Packets that a cgroup's sockets are about to send."),
    Row::new(AttachType::CgroupInetSockCreate, "cgroup_inet_sock_create", v(4, 10), Place(&[P::CgroupSock], Target::Cgroup, Some(L::Cgroup), true),
        "Sockets of a cgroup as they are made."),
    Row::new(AttachType::CgroupSockOps, "cgroup_sock_ops", v(4, 13), Place(&[P::SockOps], Target::Cgroup, Some(L::Cgroup), false),
        "Events of a cgroup's TCP connections."),
    Row::new(AttachType::SkSkbStreamParser, "sk_skb_stream_parser", v(4, 14), Place(&[P::SkSkb], Target::Sockmap, Some(L::Sockmap), false),
        "The stream of a sockmap's socket, to say where a message ends."),
    Row::new(AttachType::SkSkbStreamVerdict, "sk_skb_stream_verdict", v(4, 14), Place(&[P::SkSkb], Target::Sockmap, Some(L::Sockmap), false),
        "Messages of a sockmap's socket that its parser has cut, to pass, drop or redirect them."),
    Row::new(AttachType::CgroupDevice, "cgroup_device", v(4, 15), Place(&[P::CgroupDevice], Target::Cgroup, Some(L::Cgroup), false),
        "A cgroup's opening and making of device nodes."),
    Row::new(AttachType::SkMsgVerdict, "sk_msg_verdict", v(4, 17), Place(&[P::SkMsg], Target::Sockmap, Some(L::Sockmap), false),
        "Messages that a sockmap's socket is about to send."),
    Row::new(AttachType::CgroupInet4Bind, "cgroup_inet4_bind", v(4, 17), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "bind(2) of a cgroup's IPv4 sockets; the address can be rewritten."),
    Row::new(AttachType::CgroupInet6Bind, "cgroup_inet6_bind", v(4, 17), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "bind(2) of a cgroup's IPv6 sockets; the address can be rewritten."),
    Row::new(AttachType::CgroupInet4Connect, "cgroup_inet4_connect", v(4, 17), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "connect(2) of a cgroup's IPv4 sockets; the peer's address can be rewritten."),
    Row::new(AttachType::CgroupInet6Connect, "cgroup_inet6_connect", v(4, 17), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "connect(2) of a cgroup's IPv6 sockets; the peer's address can be rewritten."),
    Row::new(AttachType::CgroupInet4PostBind, "cgroup_inet4_post_bind", v(4, 17), Place(&[P::CgroupSock], Target::Cgroup, Some(L::Cgroup), true),
        "A cgroup's IPv4 sockets once an address is bound."),
    Row::new(AttachType::CgroupInet6PostBind, "cgroup_inet6_post_bind", v(4, 17), Place(&[P::CgroupSock], Target::Cgroup, Some(L::Cgroup), true),
        "A cgroup's IPv6 sockets once an address is bound."),
    Row::new(AttachType::CgroupUdp4Sendmsg, "cgroup_udp4_sendmsg", v(4, 18), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "sendto(2) and sendmsg(2) of a cgroup's unconnected UDP sockets over IPv4; both addresses can be rewritten."),
    Row::new(AttachType::CgroupUdp6Sendmsg, "cgroup_udp6_sendmsg", v(4, 18), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "sendto(2) and sendmsg(2) of a cgroup's unconnected UDP sockets over IPv6; both addresses can be rewritten."),
    Row::new(AttachType::LircMode2, "lirc_mode2", v(4, 18), Place(&[P::LircMode2], Target::Lirc, None, false),
        "Pulses and spaces that an infrared receiver sees."),
    Row::new(AttachType::FlowDissector, "flow_dissector", v(4, 20), Place(&[P::FlowDissector], Target::Netns, Some(L::Netns), false),
        "The parsing of packet headers in a network namespace."),
    Row::new(AttachType::CgroupSysctl, "cgroup_sysctl", v(5, 2), Place(&[P::CgroupSysctl], Target::Cgroup, Some(L::Cgroup), false),
        "Reads and writes of sysctls by a cgroup's processes."),
    Row::new(AttachType::CgroupUdp4Recvmsg, "cgroup_udp4_recvmsg", v(5, 2), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "recvfrom(2) and recvmsg(2) of a cgroup's unconnected UDP sockets over IPv4; the sender's address can be rewritten."),
    Row::new(AttachType::CgroupUdp6Recvmsg, "cgroup_udp6_recvmsg", v(5, 2), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "recvfrom(2) and recvmsg(2) of a cgroup's unconnected UDP sockets over IPv6; the sender's address can be rewritten."),
    Row::new(AttachType::CgroupGetsockopt, "cgroup_getsockopt", v(5, 3), Place(&[P::CgroupSockopt], Target::Cgroup, Some(L::Cgroup), true),
        "getsockopt(2) of a cgroup's processes; the answer can be rewritten."),
    Row::new(AttachType::CgroupSetsockopt, "cgroup_setsockopt", v(5, 3), Place(&[P::CgroupSockopt], Target::Cgroup, Some(L::Cgroup), true),
        "setsockopt(2) of a cgroup's processes; the option can be rewritten."),
    Row::new(AttachType::TraceRawTp, "trace_raw_tp", v(5, 5), Place(&[P::Tracing], Target::Tracepoint, Some(L::RawTracepoint), true),
        "A tracepoint of the kernel, with arguments typed by BTF."),
    Row::new(AttachType::TraceFentry, "trace_fentry", v(5, 5), Place(&[P::Tracing], Target::Function, Some(L::Tracing), true),
        "Entry of a kernel function, or of a function of another program, by trampoline.").sleeps(),
    Row::new(AttachType::TraceFexit, "trace_fexit", v(5, 5), Place(&[P::Tracing], Target::Function, Some(L::Tracing), true),
        "Return of a kernel function, or of a function of another program, with arguments and result, by trampoline.").sleeps(),
    Row::new(AttachType::ModifyReturn, "modify_return", v(5, 7), Place(&[P::Tracing], Target::Function, Some(L::Tracing), true),
        "Entry of a kernel function that allows its result to be replaced: a result other than 0 skips the function.").sleeps(),
    Row::new(AttachType::LsmMac, "lsm_mac", v(5, 7), Place(&[P::Lsm], Target::LsmHook, Some(L::Tracing), true),
        "A hook of the Linux security modules; a result below 0 refuses what is asked.").sleeps(),
    Row::new(AttachType::TraceIter, "trace_iter", v(5, 8), Place(&[P::Tracing], Target::Iterator, Some(L::Iter), true),
        "Each element of one of the kernel's lists, as someone reads the iterator's file.").sleeps(),
    Row::new(AttachType::CgroupInet4Getpeername, "cgroup_inet4_getpeername", v(5, 8), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "getpeername(2) of a cgroup's IPv4 sockets; the answer can be rewritten."),
    Row::new(AttachType::CgroupInet6Getpeername, "cgroup_inet6_getpeername", v(5, 8), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "getpeername(2) of a cgroup's IPv6 sockets; the answer can be rewritten."),
    Row::new(AttachType::CgroupInet4Getsockname, "cgroup_inet4_getsockname", v(5, 8), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "getsockname(2) of a cgroup's IPv4 sockets; the answer can be rewritten."),
    Row::new(AttachType::CgroupInet6Getsockname, "cgroup_inet6_getsockname", v(5, 8), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "getsockname(2) of a cgroup's IPv6 sockets; the answer can be rewritten."),
    Row::new(AttachType::XdpDevmap, "xdp_devmap", v(5, 8), Place(&[P::Xdp], Target::MapValue, None, true),
        "Frames redirected by a devmap, before the device sends them."),
    Row::new(AttachType::CgroupInetSockRelease, "cgroup_inet_sock_release", v(5, 9), Place(&[P::CgroupSock], Target::Cgroup, Some(L::Cgroup), true),
        "Sockets of a cgroup as they are released."),
    Row::new(AttachType::XdpCpumap, "xdp_cpumap", v(5, 9), Place(&[P::Xdp], Target::MapValue, None, true),
        "Frames redirected by a cpumap, on the CPU they were sent to."),
    Row::new(AttachType::SkLookup, "sk_lookup", v(5, 9), Place(&[P::SkLookup], Target::Netns, Some(L::Netns), true),
        "The choice of a listening or unconnected socket in a network namespace."),
    Row::new(AttachType::Xdp, "xdp", v(5, 9), Place(&[P::Xdp], Target::Device, Some(L::Xdp), false),
        "Frames that a network device receives."),
    Row::new(AttachType::SkSkbVerdict, "sk_skb_verdict", v(5, 13), Place(&[P::SkSkb], Target::Sockmap, Some(L::Sockmap), false),
        "Messages of a sockmap's socket, without a parser, to pass, drop or redirect them."),
    Row::new(AttachType::SkReuseportSelect, "sk_reuseport_select", v(5, 14), Place(&[P::SkReuseport], Target::Socket, None, true),
        "The choice of a socket of a SO_REUSEPORT group."),
    Row::new(AttachType::SkReuseportSelectOrMigrate, "sk_reuseport_select_or_migrate", v(5, 14), Place(&[P::SkReuseport], Target::Socket, None, true),
        "The choice of a socket of a SO_REUSEPORT group, also for connections whose listener is closing."),
    Row::new(AttachType::PerfEvent, "perf_event", v(5, 15), Place(&[P::Tracepoint, P::PerfEvent, P::Kprobe], Target::PerfEvent, Some(L::PerfEvent), false),
        "A perf event: a tracepoint, kprobe, uprobe or a counter that samples.").sleeps(),
    Row::new(AttachType::TraceKprobeMulti, "trace_kprobe_multi", v(5, 18), Place(&[P::Kprobe], Target::Functions, Some(L::KprobeMulti), true),
        "Entry or return of many kernel functions at once."),
    Row::new(AttachType::LsmCgroup, "lsm_cgroup", v(6, 0), Place(&[P::Lsm], Target::Cgroup, Some(L::Cgroup), true),
        "A hook of the Linux security modules, for a cgroup's sockets and processes only."),
    Row::new(AttachType::StructOps, "struct_ops", v(6, 4), Place(&[P::StructOps], Target::StructOps, Some(L::StructOps), false),
        "A place in the kernel that takes a table of functions, by the link of a struct_ops map.").sleeps(),
    Row::new(AttachType::Netfilter, "netfilter", v(6, 4), Place(&[P::Netfilter], Target::Netfilter, Some(L::Netfilter), true),
        "A netfilter hook of a network namespace, IPv4 or IPv6, at a priority."),
    Row::new(AttachType::TcxIngress, "tcx_ingress", v(6, 6), Place(&[P::SchedCls], Target::Device, Some(L::Tcx), false),
        "Packets that a network device has received."),
    Row::new(AttachType::TcxEgress, "tcx_egress", v(6, 6), Place(&[P::SchedCls], Target::Device, Some(L::Tcx), false),
        "Packets that a network device is about to send."),
    Row::new(AttachType::TraceUprobeMulti, "trace_uprobe_multi", v(6, 6), Place(&[P::Kprobe], Target::Places, Some(L::UprobeMulti), true),
        "Many places of a user program at once.").sleeps(),
    Row::new(AttachType::CgroupUnixConnect, "cgroup_unix_connect", v(6, 7), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "connect(2) of a cgroup's Unix stream sockets; the peer's address can be rewritten."),
    Row::new(AttachType::CgroupUnixSendmsg, "cgroup_unix_sendmsg", v(6, 7), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "sendmsg(2) of a cgroup's Unix datagram sockets; the peer's address can be rewritten."),
    Row::new(AttachType::CgroupUnixRecvmsg, "cgroup_unix_recvmsg", v(6, 7), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "recvmsg(2) of a cgroup's Unix datagram sockets; the sender's address can be rewritten."),
    Row::new(AttachType::CgroupUnixGetpeername, "cgroup_unix_getpeername", v(6, 7), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "getpeername(2) of a cgroup's Unix sockets; the answer can be rewritten."),
    Row::new(AttachType::CgroupUnixGetsockname, "cgroup_unix_getsockname", v(6, 7), Place(&[P::CgroupSockAddr], Target::Cgroup, Some(L::Cgroup), true),
        "getsockname(2) of a cgroup's Unix sockets; the answer can be rewritten."),
    Row::new(AttachType::NetkitPrimary, "netkit_primary", v(6, 7), Place(&[P::SchedCls], Target::Device, Some(L::Netkit), false),
        "Packets that the primary end of a netkit pair sends."),
    Row::new(AttachType::NetkitPeer, "netkit_peer", v(6, 7), Place(&[P::SchedCls], Target::Device, Some(L::Netkit), false),
        "Packets that the peer end of a netkit pair sends."),
    Row::new(AttachType::TraceKprobeSession, "trace_kprobe_session", v(6, 10), Place(&[P::Kprobe], Target::Functions, Some(L::KprobeMulti), true),
        "Entry and return of many kernel functions by one program; its result at entry says whether it runs at the return."),
    Row::new(AttachType::TraceUprobeSession, "trace_uprobe_session", v(6, 13), Place(&[P::Kprobe], Target::Places, Some(L::UprobeMulti), true),
        "Entry and return of many functions of a user program by one program; its result at entry says whether it runs at the return.").sleeps(),
    Row::new(AttachType::TraceFsession, "trace_fsession", v(7, 0), Place(&[P::Tracing], Target::Function, Some(L::Tracing), true),
        "Entry and return of a kernel function by one program, by trampoline.").sleeps(),
    Row::new(AttachType::TraceFentryMulti, "trace_fentry_multi", v(7, 2), Place(&[P::Tracing], Target::Functions, Some(L::TracingMulti), true),
        "Entry of many kernel functions at once, by trampoline.").sleeps(),
    Row::new(AttachType::TraceFexitMulti, "trace_fexit_multi", v(7, 2), Place(&[P::Tracing], Target::Functions, Some(L::TracingMulti), true),
        "Return of many kernel functions at once, by trampoline.").sleeps(),
    Row::new(AttachType::TraceFsessionMulti, "trace_fsession_multi", v(7, 2), Place(&[P::Tracing], Target::Functions, Some(L::TracingMulti), true),
        "Entry and return of many kernel functions by one program, by trampoline.").sleeps(),
];

super::numbered!(AttachType, "BPF_");
