//! Attach types: where a program of a type is put.

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
}

const fn row(id: AttachType, name: &'static str, since: Version) -> Row {
    Row { id, name, since }
}

/// All rows, in the order of the kernel's numbers.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row(AttachType::CgroupInetIngress, "cgroup_inet_ingress", v(4, 10)),
    row(AttachType::CgroupInetEgress, "cgroup_inet_egress", v(4, 10)),
    row(AttachType::CgroupInetSockCreate, "cgroup_inet_sock_create", v(4, 10)),
    row(AttachType::CgroupSockOps, "cgroup_sock_ops", v(4, 13)),
    row(AttachType::SkSkbStreamParser, "sk_skb_stream_parser", v(4, 14)),
    row(AttachType::SkSkbStreamVerdict, "sk_skb_stream_verdict", v(4, 14)),
    row(AttachType::CgroupDevice, "cgroup_device", v(4, 15)),
    row(AttachType::SkMsgVerdict, "sk_msg_verdict", v(4, 17)),
    row(AttachType::CgroupInet4Bind, "cgroup_inet4_bind", v(4, 17)),
    row(AttachType::CgroupInet6Bind, "cgroup_inet6_bind", v(4, 17)),
    row(AttachType::CgroupInet4Connect, "cgroup_inet4_connect", v(4, 17)),
    row(AttachType::CgroupInet6Connect, "cgroup_inet6_connect", v(4, 17)),
    row(AttachType::CgroupInet4PostBind, "cgroup_inet4_post_bind", v(4, 17)),
    row(AttachType::CgroupInet6PostBind, "cgroup_inet6_post_bind", v(4, 17)),
    row(AttachType::CgroupUdp4Sendmsg, "cgroup_udp4_sendmsg", v(4, 18)),
    row(AttachType::CgroupUdp6Sendmsg, "cgroup_udp6_sendmsg", v(4, 18)),
    row(AttachType::LircMode2, "lirc_mode2", v(4, 18)),
    row(AttachType::FlowDissector, "flow_dissector", v(4, 20)),
    row(AttachType::CgroupSysctl, "cgroup_sysctl", v(5, 2)),
    row(AttachType::CgroupUdp4Recvmsg, "cgroup_udp4_recvmsg", v(5, 2)),
    row(AttachType::CgroupUdp6Recvmsg, "cgroup_udp6_recvmsg", v(5, 2)),
    row(AttachType::CgroupGetsockopt, "cgroup_getsockopt", v(5, 3)),
    row(AttachType::CgroupSetsockopt, "cgroup_setsockopt", v(5, 3)),
    row(AttachType::TraceRawTp, "trace_raw_tp", v(5, 5)),
    row(AttachType::TraceFentry, "trace_fentry", v(5, 5)),
    row(AttachType::TraceFexit, "trace_fexit", v(5, 5)),
    row(AttachType::ModifyReturn, "modify_return", v(5, 7)),
    row(AttachType::LsmMac, "lsm_mac", v(5, 7)),
    row(AttachType::TraceIter, "trace_iter", v(5, 8)),
    row(AttachType::CgroupInet4Getpeername, "cgroup_inet4_getpeername", v(5, 8)),
    row(AttachType::CgroupInet6Getpeername, "cgroup_inet6_getpeername", v(5, 8)),
    row(AttachType::CgroupInet4Getsockname, "cgroup_inet4_getsockname", v(5, 8)),
    row(AttachType::CgroupInet6Getsockname, "cgroup_inet6_getsockname", v(5, 8)),
    row(AttachType::XdpDevmap, "xdp_devmap", v(5, 8)),
    row(AttachType::CgroupInetSockRelease, "cgroup_inet_sock_release", v(5, 9)),
    row(AttachType::XdpCpumap, "xdp_cpumap", v(5, 9)),
    row(AttachType::SkLookup, "sk_lookup", v(5, 9)),
    row(AttachType::Xdp, "xdp", v(5, 9)),
    row(AttachType::SkSkbVerdict, "sk_skb_verdict", v(5, 13)),
    row(AttachType::SkReuseportSelect, "sk_reuseport_select", v(5, 14)),
    row(AttachType::SkReuseportSelectOrMigrate, "sk_reuseport_select_or_migrate", v(5, 14)),
    row(AttachType::PerfEvent, "perf_event", v(5, 15)),
    row(AttachType::TraceKprobeMulti, "trace_kprobe_multi", v(5, 18)),
    row(AttachType::LsmCgroup, "lsm_cgroup", v(6, 0)),
    row(AttachType::StructOps, "struct_ops", v(6, 4)),
    row(AttachType::Netfilter, "netfilter", v(6, 4)),
    row(AttachType::TcxIngress, "tcx_ingress", v(6, 6)),
    row(AttachType::TcxEgress, "tcx_egress", v(6, 6)),
    row(AttachType::TraceUprobeMulti, "trace_uprobe_multi", v(6, 6)),
    row(AttachType::CgroupUnixConnect, "cgroup_unix_connect", v(6, 7)),
    row(AttachType::CgroupUnixSendmsg, "cgroup_unix_sendmsg", v(6, 7)),
    row(AttachType::CgroupUnixRecvmsg, "cgroup_unix_recvmsg", v(6, 7)),
    row(AttachType::CgroupUnixGetpeername, "cgroup_unix_getpeername", v(6, 7)),
    row(AttachType::CgroupUnixGetsockname, "cgroup_unix_getsockname", v(6, 7)),
    row(AttachType::NetkitPrimary, "netkit_primary", v(6, 7)),
    row(AttachType::NetkitPeer, "netkit_peer", v(6, 7)),
    row(AttachType::TraceKprobeSession, "trace_kprobe_session", v(6, 10)),
    row(AttachType::TraceUprobeSession, "trace_uprobe_session", v(6, 13)),
];

impl AttachType {
    /// The kernel's number.
    pub const fn id(self) -> u32 {
        self as u32
    }

    /// The constant with this number, if this table knows it.
    pub fn from_id(id: u32) -> Option<AttachType> {
        TABLE.get(id as usize).map(|row| row.id)
    }

    /// Its row.
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The kernel's constant in lower case without `BPF_`.
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

impl std::fmt::Display for AttachType {
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
