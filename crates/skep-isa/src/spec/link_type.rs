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
    /// What `BPF_LINK_UPDATE` can put in the place of what it holds.
    pub update: Option<&'static str>,
    /// First kernel where `BPF_LINK_DETACH` works, `None` where it does not.
    pub detach: Option<Version>,
    /// What it holds, in one sentence.
    pub what: &'static str,
}

type U = Option<&'static str>;

/// What most links can be given in place of what they hold.
const PROGRAM: U = Some("another program of the same type");
/// Some kinds of structures cannot be exchanged, and say so.
const TABLE_OF_FUNCTIONS: U = Some("another struct_ops map of the same structure, where the structure allows it");

const fn row(
    id: LinkType,
    name: &'static str,
    since: Version,
    update: U,
    detach: Option<Version>,
    what: &'static str,
) -> Row {
    Row { id, name, since, update, detach, what }
}

/// All rows, in the order of the kernel's numbers.
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    row(LinkType::Unspec, "unspec", v(5, 8), None, None, "No link has this type."),
    row(LinkType::RawTracepoint, "raw_tracepoint", v(5, 8), None, None, "Holds a program at a tracepoint with its bare or its typed arguments."),
    row(LinkType::Tracing, "tracing", v(5, 8), None, None, "Holds a program at the entry or exit of a kernel function, at an LSM hook, or in the place of another program's function."),
    row(LinkType::Cgroup, "cgroup", v(5, 7), PROGRAM, Some(v(5, 9)), "Holds a program at a hook of a cgroup."),
    row(LinkType::Iter, "iter", v(5, 8), PROGRAM, None, "Holds an iterator program, of which BPF_ITER_CREATE or a pin makes readable files."),
    row(LinkType::Netns, "netns", v(5, 8), PROGRAM, Some(v(5, 9)), "Holds a flow dissector or socket lookup program in a network namespace."),
    row(LinkType::Xdp, "xdp", v(5, 9), PROGRAM, Some(v(5, 9)), "Holds a program at the receiving end of a network device."),
    row(LinkType::PerfEvent, "perf_event", v(5, 15), None, None, "Holds a program at a perf event: a tracepoint, kprobe, uprobe or sampled counter."),
    row(LinkType::KprobeMulti, "kprobe_multi", v(5, 18), None, None, "Holds a program at many kernel functions at once."),
    row(LinkType::StructOps, "struct_ops", v(5, 19), TABLE_OF_FUNCTIONS, Some(v(6, 11)), "Holds a table of functions in the kernel's list of them; the kernel's own affair before 6.4."),
    row(LinkType::Netfilter, "netfilter", v(6, 4), None, Some(v(6, 4)), "Holds a program at a netfilter hook, at a priority."),
    row(LinkType::Tcx, "tcx", v(6, 6), PROGRAM, Some(v(6, 6)), "Holds a program among others at the ingress or egress of a network device."),
    row(LinkType::UprobeMulti, "uprobe_multi", v(6, 6), None, None, "Holds a program at many places of a user program at once."),
    row(LinkType::Netkit, "netkit", v(6, 7), PROGRAM, Some(v(6, 7)), "Holds a program among others at an end of a netkit device."),
    row(LinkType::Sockmap, "sockmap", v(6, 10), PROGRAM, Some(v(6, 10)), "Holds a program at a socket map."),
    row(LinkType::TracingMulti, "tracing_multi", v(7, 2), None, None, "Holds a program at the entry or exit of many kernel functions at once, by trampoline."),
];

super::numbered!(LinkType, "BPF_LINK_TYPE_");
