//! Contexts of programs that see packets: `__sk_buff`, `xdp_md`, `bpf_nf_ctx`.

use super::field::*;
use super::{A, Context, P};
use crate::spec::v;

const CGROUP: &[P] = &[P::CgroupSkb];
const TC: Who = Who::Types(&[P::SchedCls, P::SchedAct]);
const TC_CGROUP: Who = Who::Types(&[P::SchedCls, P::SchedAct, P::CgroupSkb]);
const CGROUP_SK: Who = Who::Types(&[P::CgroupSkb, P::SkSkb]);
/// Everything but the flow dissector, which sees three fields only.
const SKB: Who = Who::Types(&[
    P::SocketFilter,
    P::SchedCls,
    P::SchedAct,
    P::CgroupSkb,
    P::LwtIn,
    P::LwtOut,
    P::LwtXmit,
    P::LwtSeg6local,
    P::SkSkb,
]);
const NO_SK: Who = Who::Types(&[
    P::SocketFilter,
    P::SchedCls,
    P::SchedAct,
    P::CgroupSkb,
    P::LwtIn,
    P::LwtOut,
    P::LwtXmit,
    P::LwtSeg6local,
]);
/// Programs that see the packet's bytes through pointers.
const DIRECT: Who = Who::Types(&[
    P::SchedCls,
    P::SchedAct,
    P::CgroupSkb,
    P::LwtIn,
    P::LwtOut,
    P::LwtXmit,
    P::LwtSeg6local,
    P::SkSkb,
    P::FlowDissector,
]);
const MARK: Who =
    Who::Types(&[P::SchedCls, P::SchedAct, P::CgroupSkb, P::LwtIn, P::LwtOut, P::LwtXmit, P::LwtSeg6local]);
const PRIORITY: Who =
    Who::Types(&[P::SchedCls, P::SchedAct, P::CgroupSkb, P::LwtIn, P::LwtOut, P::LwtXmit, P::LwtSeg6local, P::SkSkb]);
const TC_SK: Who = Who::Types(&[P::SchedCls, P::SchedAct, P::SkSkb]);

#[rustfmt::skip]
pub(super) const SK_BUFF: Context = Context {
    name: "__sk_buff",
    is_struct: true,
    prog_types: &[P::SocketFilter, P::SchedCls, P::SchedAct, P::CgroupSkb, P::LwtIn, P::LwtOut, P::LwtXmit,
        P::LwtSeg6local, P::SkSkb, P::FlowDissector],
    default_attach: None,
    size: 192,
    since: v(4, 1),
    what: "A packet in the kernel's socket buffer, with what the network stack knows about it.",
    fields: &[
        row(0, "len", U32, v(4, 1)).part().read(SKB),
        row(4, "pkt_type", U32, v(4, 1)).part().read(SKB),
        row(8, "mark", U32, v(4, 1)).part().read(NO_SK).write(MARK),
        row(12, "queue_mapping", U32, v(4, 1)).part().read(SKB).write(TC).write_since(v(5, 1)),
        row(16, "protocol", U32, v(4, 1)).part().read(SKB),
        row(20, "vlan_present", U32, v(4, 1)).part().read(SKB),
        row(24, "vlan_tci", U32, v(4, 1)).part().read(SKB),
        row(28, "vlan_proto", U32, v(4, 1)).part().read(SKB),
        row(32, "priority", U32, v(4, 1)).part().read(SKB).write(PRIORITY),
        row(36, "ingress_ifindex", U32, v(4, 2)).part().read(SKB),
        row(40, "ifindex", U32, v(4, 2)).part().read(SKB),
        row(44, "tc_index", U32, v(4, 2)).part().read(SKB).write(TC_SK),
        row(48, "cb", U32, v(4, 2)).times(5).width(Width::Inside).read(SKB).write(NO_SK),
        row(68, "hash", U32, v(4, 3)).part().read(SKB),
        row(72, "tc_classid", U32, v(4, 3)).part().read(TC).write(TC),
        row(76, "data", U32, v(4, 7)).kind(Kind::Packet).read(DIRECT).read_cap_bpf(CGROUP),
        row(80, "data_end", U32, v(4, 7)).kind(Kind::PacketEnd).read(DIRECT).read_cap_bpf(CGROUP),
        row(84, "napi_id", U32, v(4, 12)).part().read(SKB),
        row(88, "family", U32, v(4, 14)).part().read(CGROUP_SK),
        row(92, "remote_ip4", U32, v(4, 14)).read(CGROUP_SK),
        row(96, "local_ip4", U32, v(4, 14)).read(CGROUP_SK),
        row(100, "remote_ip6", U32, v(4, 14)).times(4).read(CGROUP_SK),
        row(116, "local_ip6", U32, v(4, 14)).times(4).read(CGROUP_SK),
        row(132, "remote_port", U32, v(4, 14)).part().read(CGROUP_SK),
        row(136, "local_port", U32, v(4, 14)).part().read(CGROUP_SK),
        row(140, "data_meta", U32, v(4, 15)).kind(Kind::PacketMeta).read(TC),
        row(144, "flow_keys", Type("struct bpf_flow_keys *", 8), v(4, 20))
            .kind(Kind::FlowKeys)
            .read(Who::Types(&[P::FlowDissector])),
        row(152, "tstamp", U64, v(5, 0)).read(TC_CGROUP).write(TC_CGROUP).write_cap_bpf(CGROUP),
        row(160, "wire_len", U32, v(5, 0)).part().read(TC),
        row(164, "gso_segs", U32, v(5, 1)).part().read(SKB),
        row(168, "sk", SOCK_PTR, v(5, 1)).kind(Kind::SockCommonOrNull).read(SKB),
        row(176, "gso_size", U32, v(5, 7)).part().read(SKB),
        row(180, "tstamp_type", U8, v(5, 18)).read(TC),
        row(184, "hwtstamp", U64, v(5, 16)).read(TC_CGROUP),
    ],
};

#[rustfmt::skip]
pub(super) const XDP_MD: Context = Context {
    name: "xdp_md",
    is_struct: true,
    prog_types: &[P::Xdp],
    default_attach: None,
    size: 24,
    since: v(4, 8),
    what: "A frame as the driver received it, before the kernel makes a socket buffer of it.",
    fields: &[
        row(0, "data", U32, v(4, 8)).kind(Kind::Packet),
        row(4, "data_end", U32, v(4, 8)).kind(Kind::PacketEnd),
        row(8, "data_meta", U32, v(4, 15)).kind(Kind::PacketMeta),
        row(12, "ingress_ifindex", U32, v(4, 16)),
        row(16, "rx_queue_index", U32, v(4, 16)),
        row(20, "egress_ifindex", U32, v(5, 8)).read(Who::Attach(&[A::XdpDevmap])),
    ],
};

#[rustfmt::skip]
pub(super) const NETFILTER: Context = Context {
    name: "bpf_nf_ctx",
    is_struct: true,
    prog_types: &[P::Netfilter],
    default_attach: None,
    size: 16,
    since: v(6, 4),
    what: "A packet at a netfilter hook, and the state of that hook.",
    fields: &[
        row(0, "state", Type("const struct nf_hook_state *", 8), v(6, 4)).kind(Kind::Typed("nf_hook_state")),
        row(8, "skb", Type("struct sk_buff *", 8), v(6, 4)).kind(Kind::Typed("sk_buff")),
    ],
};
