//! Contexts of programs that stand at sockets: creation, addresses, events, messages and the choice among sockets.

use super::field::*;
use super::{A, Context, P};
use crate::spec::v;

const CREATED: Who = Who::Attach(&[A::CgroupInetSockCreate, A::CgroupInetSockRelease]);
const POST_BIND4: Who = Who::Attach(&[A::CgroupInet4PostBind]);
const POST_BIND6: Who = Who::Attach(&[A::CgroupInet6PostBind]);
const POST_BIND: Who = Who::Attach(&[A::CgroupInet4PostBind, A::CgroupInet6PostBind]);

#[rustfmt::skip]
pub(super) const SOCK: Context = Context {
    name: "bpf_sock",
    is_struct: true,
    prog_types: &[P::CgroupSock],
    default_attach: Some(A::CgroupInetSockCreate),
    size: 80,
    since: v(4, 10),
    what: "A socket that a process of the group makes, binds or releases.",
    fields: SOCK_FIELDS,
};

/// Fields of `bpf_sock`, as a context and behind a pointer.
#[rustfmt::skip]
pub(super) const SOCK_FIELDS: &[Field] = &[
    row(0, "bound_dev_if", U32, v(4, 10)).read(CREATED).write(CREATED),
    row(4, "family", U32, v(4, 10)).load(Width::Head),
    row(8, "type", U32, v(4, 10)).load(Width::Head),
    row(12, "protocol", U32, v(4, 10)).load(Width::Head),
    row(16, "mark", U32, v(4, 14)).read(CREATED).write(CREATED),
    row(20, "priority", U32, v(4, 14)).read(CREATED).write(CREATED),
    row(24, "src_ip4", U32, v(4, 17)).part().read(POST_BIND4),
    row(28, "src_ip6", U32, v(4, 17)).times(4).part().read(POST_BIND6),
    row(44, "src_port", U32, v(4, 17)).load(Width::Head).read(POST_BIND),
    row(48, "dst_port", BE16, v(5, 1)).load(Width::PartOrFour),
    row(52, "dst_ip4", U32, v(5, 1)).part(),
    row(56, "dst_ip6", U32, v(5, 1)).times(4).part(),
    row(72, "state", U32, v(5, 1)).load(Width::Head),
    row(76, "rx_queue_mapping", S32, v(5, 8)).load(Width::Head),
];

const USER4: Who = Who::Attach(&[
    A::CgroupInet4Bind,
    A::CgroupInet4Connect,
    A::CgroupInet4Getpeername,
    A::CgroupInet4Getsockname,
    A::CgroupUdp4Sendmsg,
    A::CgroupUdp4Recvmsg,
]);
const USER6: Who = Who::Attach(&[
    A::CgroupInet6Bind,
    A::CgroupInet6Connect,
    A::CgroupInet6Getpeername,
    A::CgroupInet6Getsockname,
    A::CgroupUdp6Sendmsg,
    A::CgroupUdp6Recvmsg,
]);
const SENDMSG4: Who = Who::Attach(&[A::CgroupUdp4Sendmsg]);
const SENDMSG6: Who = Who::Attach(&[A::CgroupUdp6Sendmsg]);

#[rustfmt::skip]
pub(super) const SOCK_ADDR: Context = Context {
    name: "bpf_sock_addr",
    is_struct: true,
    prog_types: &[P::CgroupSockAddr],
    default_attach: None,
    size: 72,
    since: v(4, 17),
    what: "The address in a process's system call on a socket, which the program may change.",
    fields: &[
        row(0, "user_family", U32, v(4, 17)),
        row(4, "user_ip4", U32, v(4, 17)).part().read(USER4).write(USER4),
        row(8, "user_ip6", U32, v(4, 17)).times(4).load(Width::Inside).store(Width::WholeOrPair)
            .read(USER6).write(USER6),
        row(24, "user_port", U32, v(4, 17)).part().write(Who::All),
        row(28, "family", U32, v(4, 17)),
        row(32, "type", U32, v(4, 17)),
        row(36, "protocol", U32, v(4, 17)),
        row(40, "msg_src_ip4", U32, v(4, 18)).part().read(SENDMSG4).write(SENDMSG4),
        row(44, "msg_src_ip6", U32, v(4, 18)).times(4).load(Width::Inside).store(Width::WholeOrPair)
            .read(SENDMSG6).write(SENDMSG6),
        row(64, "sk", SOCK_PTR, v(5, 3)).kind(Kind::Socket),
    ],
};

#[rustfmt::skip]
pub(super) const SOCK_OPS: Context = Context {
    name: "bpf_sock_ops",
    is_struct: true,
    prog_types: &[P::SockOps],
    default_attach: None,
    size: 224,
    since: v(4, 13),
    what: "An event in a TCP connection's life, with the connection's figures.",
    fields: &[
        row(0, "op", U32, v(4, 13)),
        row(4, "args", U32, v(4, 16)).times(4),
        row(4, "reply", U32, v(4, 13)).write(Who::All),
        row(4, "replylong", U32, v(4, 13)).times(4),
        row(20, "family", U32, v(4, 13)),
        row(24, "remote_ip4", U32, v(4, 13)),
        row(28, "local_ip4", U32, v(4, 13)),
        row(32, "remote_ip6", U32, v(4, 13)).times(4),
        row(48, "local_ip6", U32, v(4, 13)).times(4),
        row(64, "remote_port", U32, v(4, 13)),
        row(68, "local_port", U32, v(4, 13)),
        row(72, "is_fullsock", U32, v(4, 16)),
        row(76, "snd_cwnd", U32, v(4, 16)),
        row(80, "srtt_us", U32, v(4, 16)),
        row(84, "bpf_sock_ops_cb_flags", U32, v(4, 16)),
        row(88, "state", U32, v(4, 16)),
        row(92, "rtt_min", U32, v(4, 16)),
        row(96, "snd_ssthresh", U32, v(4, 16)),
        row(100, "rcv_nxt", U32, v(4, 16)),
        row(104, "snd_nxt", U32, v(4, 16)),
        row(108, "snd_una", U32, v(4, 16)),
        row(112, "mss_cache", U32, v(4, 16)),
        row(116, "ecn_flags", U32, v(4, 16)),
        row(120, "rate_delivered", U32, v(4, 16)),
        row(124, "rate_interval_us", U32, v(4, 16)),
        row(128, "packets_out", U32, v(4, 16)),
        row(132, "retrans_out", U32, v(4, 16)),
        row(136, "total_retrans", U32, v(4, 16)),
        row(140, "segs_in", U32, v(4, 16)),
        row(144, "data_segs_in", U32, v(4, 16)),
        row(148, "segs_out", U32, v(4, 16)),
        row(152, "data_segs_out", U32, v(4, 16)),
        row(156, "lost_out", U32, v(4, 16)),
        row(160, "sacked_out", U32, v(4, 16)),
        row(164, "sk_txhash", U32, v(4, 16)).write(Who::All),
        row(168, "bytes_received", U64, v(4, 16)),
        row(176, "bytes_acked", U64, v(4, 16)),
        row(184, "sk", SOCK_PTR, v(5, 3)).kind(Kind::SocketOrNull),
        row(192, "skb_data", VOID_PTR, v(5, 10)).kind(Kind::Packet),
        row(200, "skb_data_end", VOID_PTR, v(5, 10)).kind(Kind::PacketEnd),
        row(208, "skb_len", U32, v(5, 10)),
        row(212, "skb_tcp_flags", U32, v(5, 10)).load(Width::Head),
        row(216, "skb_hwtstamp", U64, v(6, 2)),
    ],
};

#[rustfmt::skip]
pub(super) const SK_MSG: Context = Context {
    name: "sk_msg_md",
    is_struct: true,
    prog_types: &[P::SkMsg],
    default_attach: None,
    size: 80,
    since: v(4, 17),
    what: "A message that a process sends on a socket of a sockmap.",
    fields: &[
        row(0, "data", VOID_PTR, v(4, 17)).kind(Kind::Packet),
        row(8, "data_end", VOID_PTR, v(4, 17)).kind(Kind::PacketEnd),
        row(16, "family", U32, v(4, 18)),
        row(20, "remote_ip4", U32, v(4, 18)),
        row(24, "local_ip4", U32, v(4, 18)),
        row(28, "remote_ip6", U32, v(4, 18)).times(4),
        row(44, "local_ip6", U32, v(4, 18)).times(4),
        row(60, "remote_port", U32, v(4, 18)),
        row(64, "local_port", U32, v(4, 18)),
        row(68, "size", U32, v(5, 0)),
        row(72, "sk", SOCK_PTR, v(5, 8)).kind(Kind::Socket),
    ],
};

#[rustfmt::skip]
pub(super) const SK_REUSEPORT: Context = Context {
    name: "sk_reuseport_md",
    is_struct: true,
    prog_types: &[P::SkReuseport],
    default_attach: None,
    size: 56,
    since: v(4, 19),
    what: "A packet for which a socket of a reuseport group is chosen.",
    fields: &[
        row(0, "data", VOID_PTR, v(4, 19)).kind(Kind::Packet),
        row(8, "data_end", VOID_PTR, v(4, 19)).kind(Kind::PacketEnd),
        row(16, "len", U32, v(4, 19)).part(),
        row(20, "eth_protocol", U32, v(4, 19)).load(Width::WholeOrHalf),
        row(24, "ip_protocol", U32, v(4, 19)).part(),
        row(28, "bind_inany", U32, v(4, 19)).part(),
        row(32, "hash", U32, v(4, 19)),
        row(40, "sk", SOCK_PTR, v(5, 14)).kind(Kind::Socket),
        row(48, "migrating_sk", SOCK_PTR, v(5, 14)).kind(Kind::SockCommonOrNull),
    ],
};

#[rustfmt::skip]
pub(super) const SK_LOOKUP: Context = Context {
    name: "bpf_sk_lookup",
    is_struct: true,
    prog_types: &[P::SkLookup],
    default_attach: None,
    size: 72,
    since: v(5, 9),
    what: "The search for the socket that gets a packet or connection.",
    fields: &[
        row(0, "sk", SOCK_PTR, v(5, 9)).kind(Kind::SocketOrNull),
        row(0, "cookie", U64, v(5, 13)).read(Who::Nobody),
        row(8, "family", U32, v(5, 9)).part(),
        row(12, "protocol", U32, v(5, 9)).part(),
        row(16, "remote_ip4", U32, v(5, 9)).part(),
        row(20, "remote_ip6", U32, v(5, 9)).times(4).part(),
        row(36, "remote_port", BE16, v(5, 9)).load(Width::PartOrFour),
        row(38, "zeros behind the port", U16, v(5, 9)).part(),
        row(40, "local_ip4", U32, v(5, 9)).part(),
        row(44, "local_ip6", U32, v(5, 9)).times(4).part(),
        row(60, "local_port", U32, v(5, 9)).part(),
        row(64, "ingress_ifindex", U32, v(5, 17)).part(),
    ],
};
