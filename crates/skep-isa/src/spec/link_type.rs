//! Link types: what holds a program at its place.

use super::{Version, v};

/// Link types: what holds a program at its place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(u32)]
#[allow(missing_docs, reason = "each variant is the kernel's constant; the row names it")]
pub enum LinkType {
    Unspec,
    RawTracepoint,
    Tracing,
    Cgroup,
    Iter,
    Netns,
    Xdp,
    PerfEvent,
    KprobeMulti,
    StructOps,
    Netfilter,
    Tcx,
    UprobeMulti,
    Netkit,
    Sockmap,
    TracingMulti,
}

/// One row of [`TABLE`].
#[derive(Debug)]
pub struct Row {
    /// The constant.
    pub id: LinkType,
    /// The kernel's constant in lower case without `BPF_LINK_TYPE_`.
    pub name: &'static str,
    /// First kernel that has it.
    pub since: Version,
    /// True where `BPF_LINK_UPDATE` can put another program in its place.
    pub update: bool,
    /// True where `BPF_LINK_DETACH` works.
    pub detach: bool,
    /// What it holds, in one sentence.
    pub what: &'static str,
}

const fn row(id: LinkType, name: &'static str, since: Version, update: bool, detach: bool, what: &'static str) -> Row {
    Row { id, name, since, update, detach, what }
}

/// All rows, in the order of the kernel's numbers.
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    row(LinkType::Unspec, "unspec", v(5, 7), false, false, "No link has this type."),
    row(LinkType::RawTracepoint, "raw_tracepoint", v(5, 8), false, false, "Holds a program at a tracepoint with its bare or its typed arguments."),
    row(LinkType::Tracing, "tracing", v(5, 8), false, false, "Holds a program at the entry or exit of a kernel function, at an LSM hook, or in the place of another program's function."),
    row(LinkType::Cgroup, "cgroup", v(5, 7), true, true, "Holds a program at a hook of a cgroup."),
    row(LinkType::Iter, "iter", v(5, 8), true, false, "Holds an iterator program, of which BPF_ITER_CREATE or a pin makes readable files."),
    row(LinkType::Netns, "netns", v(5, 8), true, true, "Holds a flow dissector or socket lookup program in a network namespace."),
    row(LinkType::Xdp, "xdp", v(5, 9), true, true, "Holds a program at the receiving end of a network device."),
    row(LinkType::PerfEvent, "perf_event", v(5, 15), false, false, "Holds a program at a perf event: a tracepoint, kprobe, uprobe or sampled counter."),
    row(LinkType::KprobeMulti, "kprobe_multi", v(5, 18), false, false, "Holds a program at many kernel functions at once."),
    row(LinkType::StructOps, "struct_ops", v(6, 4), true, true, "Holds a table of functions in the kernel's list of them."),
    row(LinkType::Netfilter, "netfilter", v(6, 4), false, true, "Holds a program at a netfilter hook, at a priority."),
    row(LinkType::Tcx, "tcx", v(6, 6), true, true, "Holds a program among others at the ingress or egress of a network device."),
    row(LinkType::UprobeMulti, "uprobe_multi", v(6, 6), false, false, "Holds a program at many places of a user program at once."),
    row(LinkType::Netkit, "netkit", v(6, 7), true, true, "Holds a program among others at an end of a netkit device."),
    row(LinkType::Sockmap, "sockmap", v(6, 10), true, true, "Holds a program at a socket map."),
    row(LinkType::TracingMulti, "tracing_multi", v(7, 2), false, false, "Holds a program at the entry or exit of many kernel functions at once, by trampoline."),
];

super::numbered!(LinkType, "BPF_LINK_TYPE_");
