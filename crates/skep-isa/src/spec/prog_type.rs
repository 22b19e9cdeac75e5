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

/// One row of [`TABLE`].
#[derive(Debug)]
pub struct Row {
    /// The constant.
    pub id: ProgType,
    /// The kernel's constant in lower case without `BPF_PROG_TYPE_`.
    pub name: &'static str,
    /// First kernel that has it.
    pub since: Version,
}

const fn row(id: ProgType, name: &'static str, since: Version) -> Row {
    Row { id, name, since }
}

/// All rows, in the order of the kernel's numbers.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row(ProgType::Unspec, "unspec", v(3, 18)),
    row(ProgType::SocketFilter, "socket_filter", v(3, 19)),
    row(ProgType::Kprobe, "kprobe", v(4, 1)),
    row(ProgType::SchedCls, "sched_cls", v(4, 1)),
    row(ProgType::SchedAct, "sched_act", v(4, 1)),
    row(ProgType::Tracepoint, "tracepoint", v(4, 7)),
    row(ProgType::Xdp, "xdp", v(4, 8)),
    row(ProgType::PerfEvent, "perf_event", v(4, 9)),
    row(ProgType::CgroupSkb, "cgroup_skb", v(4, 10)),
    row(ProgType::CgroupSock, "cgroup_sock", v(4, 10)),
    row(ProgType::LwtIn, "lwt_in", v(4, 10)),
    row(ProgType::LwtOut, "lwt_out", v(4, 10)),
    row(ProgType::LwtXmit, "lwt_xmit", v(4, 10)),
    row(ProgType::SockOps, "sock_ops", v(4, 13)),
    row(ProgType::SkSkb, "sk_skb", v(4, 14)),
    row(ProgType::CgroupDevice, "cgroup_device", v(4, 15)),
    row(ProgType::SkMsg, "sk_msg", v(4, 17)),
    row(ProgType::RawTracepoint, "raw_tracepoint", v(4, 17)),
    row(ProgType::CgroupSockAddr, "cgroup_sock_addr", v(4, 17)),
    row(ProgType::LwtSeg6local, "lwt_seg6local", v(4, 18)),
    row(ProgType::LircMode2, "lirc_mode2", v(4, 18)),
    row(ProgType::SkReuseport, "sk_reuseport", v(4, 19)),
    row(ProgType::FlowDissector, "flow_dissector", v(4, 20)),
    row(ProgType::CgroupSysctl, "cgroup_sysctl", v(5, 2)),
    row(ProgType::RawTracepointWritable, "raw_tracepoint_writable", v(5, 2)),
    row(ProgType::CgroupSockopt, "cgroup_sockopt", v(5, 3)),
    row(ProgType::Tracing, "tracing", v(5, 5)),
    row(ProgType::StructOps, "struct_ops", v(5, 6)),
    row(ProgType::Ext, "ext", v(5, 6)),
    row(ProgType::Lsm, "lsm", v(5, 7)),
    row(ProgType::SkLookup, "sk_lookup", v(5, 9)),
    row(ProgType::Syscall, "syscall", v(5, 14)),
    row(ProgType::Netfilter, "netfilter", v(6, 4)),
];

impl ProgType {
    /// The kernel's number.
    pub const fn id(self) -> u32 {
        self as u32
    }

    /// The constant with this number, if this table knows it.
    pub fn from_id(id: u32) -> Option<ProgType> {
        TABLE.get(id as usize).map(|row| row.id)
    }

    /// Its row.
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The kernel's constant in lower case without `BPF_PROG_TYPE_`.
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

impl std::fmt::Display for ProgType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_their_numbers() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.id.id() as usize, at, "{}", row.name);
        }
    }
}
