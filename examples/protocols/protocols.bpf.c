// SPDX-License-Identifier: MIT OR GPL-2.0
// Counts packets and bytes by protocol, and by who sent them. Lets every packet pass.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum protocol { OTHER, ARP, ICMP, ICMPV6, TCP, UDP, IPV4_OTHER, IPV6_OTHER };

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct ipv4 {
	__u8 address[4] __attribute__((btf_decl_tag("format:ipv4")));
};

struct ipv6 {
	__u8 address[16] __attribute__((btf_decl_tag("format:ipv6")));
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, enum protocol);
	__type(value, struct traffic);
} protocols SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct ipv4);
	__type(value, struct traffic);
} talkers4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct ipv6);
	__type(value, struct traffic);
} talkers6 SEC(".maps");

struct vlan_header {
	__be16 tag;
	__be16 protocol;
};

struct ipv6_extension {
	__u8 next;
	__u8 length;
	__u8 rest[6];
};

static __always_inline void count(void *map, const void *key, __u64 bytes)
{
	struct traffic *traffic = bpf_map_lookup_elem(map, key);

	if (!traffic) {
		struct traffic none = {};

		bpf_map_update_elem(map, key, &none, BPF_NOEXIST);
		traffic = bpf_map_lookup_elem(map, key);
		if (!traffic)
			return;
	}
	__sync_fetch_and_add(&traffic->packets, 1);
	__sync_fetch_and_add(&traffic->bytes, bytes);
}

static __always_inline enum protocol ipv4(const struct iphdr *ip, const void *end, __u64 bytes)
{
	struct ipv4 source;

	if ((const void *)(ip + 1) > end)
		return IPV4_OTHER;
	__builtin_memcpy(&source, &ip->saddr, sizeof(source));
	count(&talkers4, &source, bytes);
	switch (ip->protocol) {
	case IPPROTO_ICMP:
		return ICMP;
	case IPPROTO_TCP:
		return TCP;
	case IPPROTO_UDP:
		return UDP;
	}
	return IPV4_OTHER;
}

static __always_inline enum protocol ipv6(const struct ipv6hdr *ip, const void *end, __u64 bytes)
{
	const struct ipv6_extension *extension = (const void *)(ip + 1);
	struct ipv6 source;
	__u8 next;

	if ((const void *)(ip + 1) > end)
		return IPV6_OTHER;
	__builtin_memcpy(&source, &ip->saddr, sizeof(source));
	count(&talkers6, &source, bytes);
	next = ip->nexthdr;
	for (int i = 0; i < 4; i++) {
		switch (next) {
		case IPPROTO_ICMPV6:
			return ICMPV6;
		case IPPROTO_TCP:
			return TCP;
		case IPPROTO_UDP:
			return UDP;
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case IPPROTO_FRAGMENT:
			break;
		default:
			return IPV6_OTHER;
		}
		if ((const void *)(extension + 1) > end)
			return IPV6_OTHER;
		// A fragment header has a fixed length; its second byte is reserved.
		__u64 length = next == IPPROTO_FRAGMENT ? 8 : (extension->length + 1) * 8;

		next = extension->next;
		extension = (const void *)extension + length;
	}
	return IPV6_OTHER;
}

SEC("xdp")
int count_protocols(struct xdp_md *ctx)
{
	const void *end = (const void *)(long)ctx->data_end;
	const struct ethhdr *ethernet = (const void *)(long)ctx->data;
	const void *next = ethernet + 1;
	__u64 bytes = ctx->data_end - ctx->data;
	enum protocol protocol = OTHER;
	__be16 type;

	if (next > end)
		return XDP_PASS;
	type = ethernet->h_proto;
	for (int i = 0; i < 2; i++) {
		const struct vlan_header *vlan = next;

		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		if ((const void *)(vlan + 1) > end)
			break;
		type = vlan->protocol;
		next = vlan + 1;
	}
	if (type == bpf_htons(ETH_P_IP))
		protocol = ipv4(next, end, bytes);
	else if (type == bpf_htons(ETH_P_IPV6))
		protocol = ipv6(next, end, bytes);
	else if (type == bpf_htons(ETH_P_ARP))
		protocol = ARP;
	count(&protocols, &protocol, bytes);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
