// SPDX-License-Identifier: MIT OR GPL-2.0
// Counts UDP packets by fields that stand elsewhere in its own types than on the wire. Right only when it is adapted.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct ethhdr {
	unsigned short h_proto;
} __attribute__((preserve_access_index));

struct iphdr___short {
	unsigned char protocol;
	unsigned int ihl : 4;
	unsigned int gone;
} __attribute__((preserve_access_index));

enum ip_protocol___mine { IP_UDP___mine = 99 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} udp SEC(".maps");

static __always_inline void count(__u32 key)
{
	__u64 *value = bpf_map_lookup_elem(&udp, &key);

	if (value)
		*value += 1;
}

SEC("xdp")
int adapted(struct xdp_md *ctx)
{
	char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)data;
	struct iphdr___short *ip;

	if (data + 64 > end || bpf_core_field_offset(eth->h_proto) > 40)
		return XDP_ABORTED;
	if (eth->h_proto != bpf_htons(0x0800))
		return XDP_PASS;
	ip = (void *)(data + 14);
	if (ip->protocol != bpf_core_enum_value(enum ip_protocol___mine, IP_UDP___mine))
		return XDP_PASS;
	count(BPF_CORE_READ_BITFIELD(ip, ihl) == 5);
	return bpf_core_field_exists(ip->gone) ? XDP_ABORTED : XDP_DROP;
}

SEC("xdp")
int lacking(struct xdp_md *ctx)
{
	char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr___short *ip = (void *)(data + 14);

	if (data + 64 > end)
		return XDP_ABORTED;
	return ip->gone ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
