// SPDX-License-Identifier: MIT OR GPL-2.0
// Counts TCP and UDP packets by the ports they go to, and keeps those of one port for the socket.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// The port whose packets reach the socket.
const volatile __u16 kept_port = 80;

enum transport { TCP = IPPROTO_TCP, UDP = IPPROTO_UDP };

struct destination {
	enum transport transport;
	__u32 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct destination);
	__type(value, __u64);
} ports SEC(".maps");

// Offsets count from the network header, so the filter reads the same bytes on any link.
static __always_inline int load(struct __sk_buff *skb, __u32 offset, void *to, __u32 len)
{
	return bpf_skb_load_bytes_relative(skb, offset, to, len, BPF_HDR_START_NET);
}

SEC("socket")
int by_port(struct __sk_buff *skb)
{
	struct destination destination = {};
	__u64 one = 1, *packets;
	__u32 transport_at;
	__be16 port;
	__u8 byte;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		__be16 fragment;

		// Only the first fragment holds the ports.
		if (load(skb, __builtin_offsetof(struct iphdr, frag_off), &fragment, 2) || fragment & bpf_htons(0x1fff))
			return 0;
		if (load(skb, 0, &byte, 1))
			return 0;
		transport_at = (byte & 0x0f) * 4;
		if (load(skb, __builtin_offsetof(struct iphdr, protocol), &byte, 1))
			return 0;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		transport_at = sizeof(struct ipv6hdr);
		if (load(skb, __builtin_offsetof(struct ipv6hdr, nexthdr), &byte, 1))
			return 0;
	} else {
		return 0;
	}
	if (byte != IPPROTO_TCP && byte != IPPROTO_UDP)
		return 0;
	if (load(skb, transport_at + 2, &port, 2))
		return 0;
	destination.transport = byte;
	destination.port = bpf_ntohs(port);
	packets = bpf_map_lookup_elem(&ports, &destination);
	if (packets)
		__sync_fetch_and_add(packets, 1);
	else
		bpf_map_update_elem(&ports, &destination, &one, BPF_NOEXIST);
	return destination.port == kept_port ? skb->len : 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
