//! Structs that helpers and contexts give pointers to, or that helpers fill in: their layout, and what may be loaded.
//!
//! Enter at [`TABLE`] and [`Pointee::access`]. A struct that lies in the program's own memory (its stack, a map) has a
//! layout here and no rights: the program may do as it likes with its own bytes.

use super::access::{Op, Refusal, verdict};
use super::field::*;
use super::socket::SOCK_FIELDS;
use crate::spec::{Version, v};

/// How the struct is reached, and so what the verifier says of accesses to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Via {
    /// A pointer to a socket of the kernel; nobody stores through it.
    Socket,
    /// A pointer to what all sockets have in common.
    SockCommon,
    /// A pointer to memory of the kernel, free within its bounds.
    Memory,
    /// The program's own memory, filled in by a helper.
    Own,
}

/// What [`Via`] means for accesses.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// In words.
    pub text: &'static str,
    /// True where each field has sizes of its own.
    pub sized: bool,
}

impl Via {
    /// What it means for accesses.
    pub const fn words(self) -> Rules {
        let (text, sized) = match self {
            Via::Socket => ("loads of the sizes below, no stores", true),
            Via::SockCommon => {
                ("loads of the sizes below, no stores; fields that not every socket has are hidden", true)
            }
            Via::Memory => ("loads and stores of any size inside it", false),
            Via::Own => ("the program's own memory, which a helper fills in", false),
        };
        Rules { text, sized }
    }
}

/// One row of [`TABLE`].
#[derive(Debug)]
pub struct Pointee {
    /// The struct's name.
    pub name: &'static str,
    /// How it is reached.
    pub via: Via,
    /// Size in bytes.
    pub size: u32,
    /// First kernel that has it.
    pub since: Version,
    /// What it is, in one sentence.
    pub what: &'static str,
    /// Its fields in the order of their offsets; those of a union stand together.
    pub fields: &'static [Field],
}

/// Bytes of `bpf_sock` that a pointer to the common part does not reach: `type`, `protocol`, `mark`, `priority`.
const NOT_COMMON: std::ops::Range<u32> = 8..24;

/// All of them; `bpf_sock` stands here twice, once for each pointer to it.
#[rustfmt::skip]
pub static TABLE: &[Pointee] = &[
    Pointee {
        name: "bpf_sock",
        via: Via::Socket,
        size: 80,
        since: v(5, 1),
        what: "A socket of the kernel that a context field or a helper gives a pointer to.",
        fields: SOCK_FIELDS,
    },
    Pointee {
        name: "bpf_sock",
        via: Via::SockCommon,
        size: 80,
        since: v(5, 1),
        what: "What sockets of every kind have, those of half-open connections too.",
        fields: SOCK_FIELDS,
    },
    Pointee {
        name: "bpf_tcp_sock",
        via: Via::Socket,
        size: 112,
        since: v(5, 1),
        what: "The figures of a TCP connection.",
        fields: &[
            row(0, "snd_cwnd", U32, v(5, 1)),
            row(4, "srtt_us", U32, v(5, 1)),
            row(8, "rtt_min", U32, v(5, 1)),
            row(12, "snd_ssthresh", U32, v(5, 1)),
            row(16, "rcv_nxt", U32, v(5, 1)),
            row(20, "snd_nxt", U32, v(5, 1)),
            row(24, "snd_una", U32, v(5, 1)),
            row(28, "mss_cache", U32, v(5, 1)),
            row(32, "ecn_flags", U32, v(5, 1)),
            row(36, "rate_delivered", U32, v(5, 1)),
            row(40, "rate_interval_us", U32, v(5, 1)),
            row(44, "packets_out", U32, v(5, 1)),
            row(48, "retrans_out", U32, v(5, 1)),
            row(52, "total_retrans", U32, v(5, 1)),
            row(56, "segs_in", U32, v(5, 1)),
            row(60, "data_segs_in", U32, v(5, 1)),
            row(64, "segs_out", U32, v(5, 1)),
            row(68, "data_segs_out", U32, v(5, 1)),
            row(72, "lost_out", U32, v(5, 1)),
            row(76, "sacked_out", U32, v(5, 1)),
            row(80, "bytes_received", U64, v(5, 1)).load(Width::EightThenFour),
            row(88, "bytes_acked", U64, v(5, 1)).load(Width::EightThenFour),
            row(96, "dsack_dups", U32, v(5, 3)),
            row(100, "delivered", U32, v(5, 3)),
            row(104, "delivered_ce", U32, v(5, 3)),
            row(108, "icsk_retransmits", U32, v(5, 3)),
        ],
    },
    Pointee {
        name: "bpf_xdp_sock",
        via: Via::Socket,
        size: 4,
        since: v(5, 3),
        what: "An AF_XDP socket, found in an xskmap.",
        fields: &[row(0, "queue_id", U32, v(5, 3))],
    },
    Pointee {
        name: "bpf_flow_keys",
        via: Via::Memory,
        size: 56,
        since: v(4, 20),
        what: "What a flow dissector finds out about a packet: offsets, protocols, addresses and ports.",
        fields: &[
            row(0, "nhoff", U16, v(4, 20)),
            row(2, "thoff", U16, v(4, 20)),
            row(4, "addr_proto", U16, v(4, 20)),
            row(6, "is_frag", U8, v(4, 20)),
            row(7, "is_first_frag", U8, v(4, 20)),
            row(8, "is_encap", U8, v(4, 20)),
            row(9, "ip_proto", U8, v(4, 20)),
            row(10, "n_proto", BE16, v(4, 20)),
            row(12, "sport", BE16, v(4, 20)),
            row(14, "dport", BE16, v(4, 20)),
            row(16, "ipv4_src", BE32, v(4, 20)),
            row(20, "ipv4_dst", BE32, v(4, 20)),
            row(16, "ipv6_src", U32, v(4, 20)).times(4),
            row(32, "ipv6_dst", U32, v(4, 20)).times(4),
            row(48, "flags", U32, v(5, 4)),
            row(52, "flow_label", BE32, v(5, 4)),
        ],
    },
    Pointee {
        name: "bpf_fib_lookup",
        via: Via::Own,
        size: 64,
        since: v(4, 18),
        what: "A question to the routing table and its answer, of the helper fib_lookup.",
        fields: &[
            row(0, "family", U8, v(4, 18)),
            row(1, "l4_protocol", U8, v(4, 18)),
            row(2, "sport", BE16, v(4, 18)),
            row(4, "dport", BE16, v(4, 18)),
            row(6, "tot_len", U16, v(4, 18)),
            row(6, "mtu_result", U16, v(5, 12)),
            row(8, "ifindex", U32, v(4, 18)),
            row(12, "tos", U8, v(4, 18)),
            row(12, "flowinfo", BE32, v(4, 18)),
            row(12, "rt_metric", U32, v(4, 18)),
            row(16, "ipv4_src", BE32, v(4, 18)),
            row(16, "ipv6_src", U32, v(4, 18)).times(4),
            row(32, "ipv4_dst", BE32, v(4, 18)),
            row(32, "ipv6_dst", U32, v(4, 18)).times(4),
            row(48, "h_vlan_proto", BE16, v(4, 18)),
            row(50, "h_vlan_TCI", BE16, v(4, 18)),
            row(48, "tbid", U32, v(6, 5)),
            row(52, "mark", U32, v(6, 10)),
            row(52, "smac", U8, v(4, 18)).times(6),
            row(58, "dmac", U8, v(4, 18)).times(6),
        ],
    },
    Pointee {
        name: "bpf_tunnel_key",
        via: Via::Own,
        size: 44,
        since: v(4, 3),
        what: "The outer addresses and marks of a tunnelled packet, of the helpers skb_get_tunnel_key and skb_set_tunnel_key.",
        fields: &[
            row(0, "tunnel_id", U32, v(4, 3)),
            row(4, "remote_ipv4", U32, v(4, 3)),
            row(4, "remote_ipv6", U32, v(4, 5)).times(4),
            row(20, "tunnel_tos", U8, v(4, 5)),
            row(21, "tunnel_ttl", U8, v(4, 5)),
            row(22, "tunnel_ext", U16, v(4, 6)),
            row(22, "tunnel_flags", BE16, v(6, 1)),
            row(24, "tunnel_label", U32, v(4, 6)),
            row(28, "local_ipv4", U32, v(5, 19)),
            row(28, "local_ipv6", U32, v(5, 19)).times(4),
        ],
    },
    Pointee {
        name: "bpf_xfrm_state",
        via: Via::Own,
        size: 28,
        since: v(4, 18),
        what: "A transform of the packet's security path, of the helper skb_get_xfrm_state.",
        fields: &[
            row(0, "reqid", U32, v(4, 18)),
            row(4, "spi", U32, v(4, 18)),
            row(8, "family", U16, v(4, 18)),
            row(10, "ext", U16, v(4, 18)),
            row(12, "remote_ipv4", U32, v(4, 18)),
            row(12, "remote_ipv6", U32, v(4, 18)).times(4),
        ],
    },
];

impl Pointee {
    /// True for a field that this pointer does not reach.
    pub fn hides(&self, field: &Field) -> bool {
        self.via == Via::SockCommon && NOT_COMMON.contains(&field.offset.into())
    }

    /// What Linux 6.18 says of one access through a pointer to the struct's start.
    pub fn access(&self, offset: u32, size: u32, op: Op) -> Result<Kind, Refusal> {
        if matches!(self.via, Via::Memory | Via::Own) {
            let fits = matches!(size, 1 | 2 | 4 | 8) && offset.checked_add(size).is_some_and(|end| end <= self.size);
            return if fits { Ok(Kind::Scalar) } else { Err(Refusal::NoField) };
        }
        let hidden = self.via == Via::SockCommon && NOT_COMMON.contains(&offset);
        let refused = if op == Op::Store { Some(Refusal::ReadOnly) } else { hidden.then_some(Refusal::Unreadable) };
        verdict(self.fields, offset, size, op, |_| refused.map_or(Ok(()), Err))
    }
}
