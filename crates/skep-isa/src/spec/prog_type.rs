//! Program types: what a program is, and so what it may see and do.

use super::{Version, v};

/// Program types: what a program is, and so what it may see and do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(u32)]
#[allow(missing_docs, reason = "each variant is the kernel's constant; the row names it")]
pub enum ProgType {
    Unspec,
    SocketFilter,
    Kprobe,
    SchedCls,
    SchedAct,
    Tracepoint,
    Xdp,
    PerfEvent,
    CgroupSkb,
    CgroupSock,
    LwtIn,
    LwtOut,
    LwtXmit,
    SockOps,
    SkSkb,
    CgroupDevice,
    SkMsg,
    RawTracepoint,
    CgroupSockAddr,
    LwtSeg6local,
    LircMode2,
    SkReuseport,
    FlowDissector,
    CgroupSysctl,
    RawTracepointWritable,
    CgroupSockopt,
    Tracing,
    StructOps,
    Ext,
    Lsm,
    SkLookup,
    Syscall,
    Netfilter,
}

/// Whether programs of a type may sleep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sleep {
    /// Never.
    Never,
    /// With [`super::section::SLEEPABLE`] at load.
    Flag,
    /// With the flag, and then only at uprobes.
    Uprobe,
    /// Since this kernel with the flag, and then only at tracepoints that may fault.
    Since(Version),
    /// With the flag, at the attach types whose row says so.
    ByAttach,
    /// Always: a load without the flag is refused.
    Always,
}

impl Sleep {
    /// In words.
    pub fn words(self) -> String {
        let words = match self {
            Sleep::Since(since) => {
                return format!(
                    "since {since} with BPF_F_SLEEPABLE at load, and then only at tracepoints that may fault"
                );
            }
            Sleep::Never => "never",
            Sleep::Flag => "with BPF_F_SLEEPABLE at load (section names that end in `.s`)",
            Sleep::Uprobe => "with BPF_F_SLEEPABLE at load, and then only at uprobes (`uprobe.s`)",
            Sleep::ByAttach => "with BPF_F_SLEEPABLE at load, where the attach type allows it",
            Sleep::Always => "always: BPF_F_SLEEPABLE must be given at load",
        };
        words.to_owned()
    }
}

/// What a load must be allowed beside `CAP_BPF` (`CAP_SYS_ADMIN` stands for all, and before 5.8 it alone would do).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// Nothing: loads without any capability where `unprivileged_bpf_disabled` is 0.
    None,
    /// `CAP_BPF` alone.
    Bpf,
    /// `CAP_BPF` alone since this kernel, before it also `CAP_NET_ADMIN`.
    BpfSince(Version),
    /// `CAP_NET_ADMIN`.
    NetAdmin,
    /// `CAP_PERFMON`.
    Perfmon,
    /// `CAP_NET_ADMIN` and `CAP_PERFMON`.
    Both,
}

impl Needs {
    /// In words.
    pub fn words(self) -> String {
        let words = match self {
            Needs::BpfSince(since) => return format!("CAP_BPF (before {since} also CAP_NET_ADMIN)"),
            Needs::None => "nothing where unprivileged_bpf_disabled is 0, else CAP_BPF",
            Needs::Bpf => "CAP_BPF",
            Needs::NetAdmin => "CAP_BPF and CAP_NET_ADMIN",
            Needs::Perfmon => "CAP_BPF and CAP_PERFMON",
            Needs::Both => "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON",
        };
        words.to_owned()
    }
}

/// What a load must name beside the type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Names {
    /// Nothing.
    Nothing,
    /// The attach type, in `expected_attach_type`.
    Attach,
    /// The function, tracepoint, iterator or table, by its BTF id in `attach_btf_id` (and the attach type).
    Btf,
    /// The structure by its BTF id in `attach_btf_id`, and the number of its member in `expected_attach_type`.
    Member,
    /// Another program and a function of it.
    Program,
}

impl Names {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Names::Nothing => "nothing but the type",
            Names::Attach => "the attach type (expected_attach_type)",
            Names::Btf => "the target by its BTF id (attach_btf_id), and the attach type",
            Names::Member => {
                "the structure by its BTF id (attach_btf_id), and its member's number (expected_attach_type)"
            }
            Names::Program => "another program (attach_prog_fd) and the BTF id of its function",
        }
    }
}

/// One row of [`TABLE`].
#[derive(Debug)]
pub struct Row {
    /// The constant.
    pub id: ProgType,
    /// The kernel's constant in lower case without `BPF_PROG_TYPE_`.
    pub name: &'static str,
    /// First kernel that has it.
    pub since: Version,
    /// What such programs are for, in one sentence.
    pub what: &'static str,
    /// Name of the context they get, as [`super::context`] has it.
    pub context: &'static str,
    /// Whether they may sleep.
    pub sleep: Sleep,
    /// What a load must be allowed.
    pub needs: Needs,
    /// What a load must name.
    pub names: Names,
}

const fn row(
    id: ProgType,
    name: &'static str,
    since: Version,
    (context, sleep, needs, names): (&'static str, Sleep, Needs, Names),
    what: &'static str,
) -> Row {
    Row { id, name, since, what, context, sleep, needs, names }
}

/// All rows, in the order of the kernel's numbers. Facts are those of the kernel's checks at `BPF_PROG_LOAD` (6.12, 6.18).
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    row(ProgType::Unspec, "unspec", v(3, 18), ("none", Sleep::Never, Needs::Bpf, Names::Nothing),
        "A load without a type: the kernel refuses it."),
    row(ProgType::SocketFilter, "socket_filter", v(3, 19), ("__sk_buff", Sleep::Never, Needs::None, Names::Nothing),
        "Sees a copy of each packet a socket receives and says how many bytes of it to keep."),
    row(ProgType::Kprobe, "kprobe", v(4, 1), ("pt_regs", Sleep::Uprobe, Needs::Perfmon, Names::Nothing),
        "Runs at an instruction of the kernel (kprobe) or of a user program (uprobe) with the registers there."),
    row(ProgType::SchedCls, "sched_cls", v(4, 1), ("__sk_buff", Sleep::Never, Needs::NetAdmin, Names::Nothing),
        "Classifies, changes, drops or redirects packets of a device: a clsact filter, tcx or netkit."),
    row(ProgType::SchedAct, "sched_act", v(4, 1), ("__sk_buff", Sleep::Never, Needs::NetAdmin, Names::Nothing),
        "Acts on a packet that a tc filter has matched."),
    row(ProgType::Tracepoint, "tracepoint", v(4, 7), ("tracepoint_record", Sleep::Since(v(7, 2)), Needs::Perfmon, Names::Nothing),
        "Runs at a tracepoint of the kernel with the record that tracefs describes."),
    row(ProgType::Xdp, "xdp", v(4, 8), ("xdp_md", Sleep::Never, Needs::NetAdmin, Names::Nothing),
        "Sees each frame a device receives before the kernel makes a packet of it; drops, sends back, redirects or passes."),
    row(ProgType::PerfEvent, "perf_event", v(4, 9), ("bpf_perf_event_data", Sleep::Never, Needs::Perfmon, Names::Nothing),
        "Runs at each sample of a perf event, such as a CPU's clock."),
    row(ProgType::CgroupSkb, "cgroup_skb", v(4, 10), ("__sk_buff", Sleep::Never, Needs::None, Names::Attach),
        "Lets packets of a cgroup's sockets pass or drops them."),
    row(ProgType::CgroupSock, "cgroup_sock", v(4, 10), ("bpf_sock", Sleep::Never, Needs::NetAdmin, Names::Attach),
        "Decides on a cgroup's sockets as they are made, bound or released."),
    row(ProgType::LwtIn, "lwt_in", v(4, 10), ("__sk_buff", Sleep::Never, Needs::NetAdmin, Names::Nothing),
        "Inspects packets that a route with a light-weight tunnel takes in."),
    row(ProgType::LwtOut, "lwt_out", v(4, 10), ("__sk_buff", Sleep::Never, Needs::NetAdmin, Names::Nothing),
        "Inspects packets that a route with a light-weight tunnel sends out."),
    row(ProgType::LwtXmit, "lwt_xmit", v(4, 10), ("__sk_buff", Sleep::Never, Needs::NetAdmin, Names::Nothing),
        "Changes or redirects packets that a route with a light-weight tunnel is about to send."),
    row(ProgType::SockOps, "sock_ops", v(4, 13), ("bpf_sock_ops", Sleep::Never, Needs::NetAdmin, Names::Nothing),
        "Follows the events of a cgroup's TCP connections and tunes them."),
    row(ProgType::SkSkb, "sk_skb", v(4, 14), ("__sk_buff", Sleep::Never, Needs::NetAdmin, Names::Nothing),
        "Splits a socket's stream into messages, or decides to which socket of a sockmap they go."),
    row(ProgType::CgroupDevice, "cgroup_device", v(4, 15), ("bpf_cgroup_dev_ctx", Sleep::Never, Needs::NetAdmin, Names::Nothing),
        "Allows or refuses a cgroup's processes a device node."),
    row(ProgType::SkMsg, "sk_msg", v(4, 17), ("sk_msg_md", Sleep::Never, Needs::NetAdmin, Names::Nothing),
        "Decides about each message that a socket of a sockmap is about to send."),
    row(ProgType::RawTracepoint, "raw_tracepoint", v(4, 17), ("bpf_raw_tracepoint_args", Sleep::Since(v(7, 2)), Needs::Perfmon, Names::Nothing),
        "Runs at a tracepoint of the kernel with its bare arguments, before any record is made up."),
    row(ProgType::CgroupSockAddr, "cgroup_sock_addr", v(4, 17), ("bpf_sock_addr", Sleep::Never, Needs::NetAdmin, Names::Attach),
        "Sees and rewrites the addresses that a cgroup's processes bind, connect or send to."),
    row(ProgType::LwtSeg6local, "lwt_seg6local", v(4, 18), ("__sk_buff", Sleep::Never, Needs::NetAdmin, Names::Nothing),
        "Acts as the function of a segment of an IPv6 segment route."),
    row(ProgType::LircMode2, "lirc_mode2", v(4, 18), ("lirc_mode2", Sleep::Never, Needs::BpfSince(v(6, 4)), Names::Nothing),
        "Decodes the pulses and spaces of an infrared receiver into key presses."),
    row(ProgType::SkReuseport, "sk_reuseport", v(4, 19), ("sk_reuseport_md", Sleep::Never, Needs::Bpf, Names::Nothing),
        "Picks the socket of a SO_REUSEPORT group that gets a packet or connection."),
    row(ProgType::FlowDissector, "flow_dissector", v(4, 20), ("__sk_buff", Sleep::Never, Needs::NetAdmin, Names::Nothing),
        "Takes the place of the kernel's parser of packet headers in a network namespace."),
    row(ProgType::CgroupSysctl, "cgroup_sysctl", v(5, 2), ("bpf_sysctl", Sleep::Never, Needs::NetAdmin, Names::Nothing),
        "Sees, rewrites or refuses a cgroup's reads and writes of sysctls."),
    row(ProgType::RawTracepointWritable, "raw_tracepoint_writable", v(5, 2), ("bpf_raw_tracepoint_args", Sleep::Never, Needs::Perfmon, Names::Nothing),
        "A raw tracepoint that may write into the tracepoint's first argument, where the kernel allows it."),
    row(ProgType::CgroupSockopt, "cgroup_sockopt", v(5, 3), ("bpf_sockopt", Sleep::Never, Needs::NetAdmin, Names::Attach),
        "Sees, rewrites or refuses a cgroup's getsockopt and setsockopt calls."),
    row(ProgType::Tracing, "tracing", v(5, 5), ("btf_arguments", Sleep::ByAttach, Needs::Perfmon, Names::Btf),
        "Runs at a function, tracepoint or iterator of the kernel with arguments typed by BTF."),
    row(ProgType::StructOps, "struct_ops", v(5, 6), ("btf_arguments", Sleep::Flag, Needs::Perfmon, Names::Member),
        "Implements one function of a table of functions that the kernel calls, such as a TCP congestion control."),
    row(ProgType::Ext, "ext", v(5, 6), ("btf_arguments", Sleep::Never, Needs::Both, Names::Program),
        "Takes the place of a global function of another loaded program (freplace)."),
    row(ProgType::Lsm, "lsm", v(5, 7), ("btf_arguments", Sleep::Flag, Needs::Perfmon, Names::Btf),
        "Runs at a hook of the Linux security modules and may refuse what is asked there."),
    row(ProgType::SkLookup, "sk_lookup", v(5, 9), ("bpf_sk_lookup", Sleep::Never, Needs::Bpf, Names::Attach),
        "Chooses the listening or unconnected socket that gets a packet, before the kernel looks one up."),
    row(ProgType::Syscall, "syscall", v(5, 14), ("syscall_arguments", Sleep::Always, Needs::Bpf, Names::Nothing),
        "Runs when user space asks for it (BPF_PROG_TEST_RUN) and may itself call bpf(2)."),
    row(ProgType::Netfilter, "netfilter", v(6, 4), ("bpf_nf_ctx", Sleep::Never, Needs::NetAdmin, Names::Attach),
        "Lets packets at a netfilter hook pass or drops them."),
];

super::numbered!(ProgType, "BPF_PROG_TYPE_");
