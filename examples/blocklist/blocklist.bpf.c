// SPDX-License-Identifier: MIT OR GPL-2.0
// Drops packets whose source is on a list of networks, and counts what each network sent.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct network4 {
	__u32 prefixlen;
	__u8 address[4] __attribute__((btf_decl_tag("format:ipv4")));
};

struct network6 {
	__u32 prefixlen;
	__u8 address[16] __attribute__((btf_decl_tag("format:ipv6")));
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct network4);
	__type(value, __u64);
} blocked4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct network6);
	__type(value, __u64);
} blocked6 SEC(".maps");

static __always_inline int verdict(void *trie, const void *source)
{
	__u64 *dropped = bpf_map_lookup_elem(trie, source);

	if (!dropped)
		return XDP_PASS;
	__sync_fetch_and_add(dropped, 1);
	return XDP_DROP;
}

SEC("xdp")
int block(struct xdp_md *ctx)
{
	const void *end = (const void *)(long)ctx->data_end;
	const struct ethhdr *ethernet = (const void *)(long)ctx->data;

	if ((const void *)(ethernet + 1) > end)
		return XDP_PASS;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = (const void *)(ethernet + 1);
		struct network4 source = { .prefixlen = 32 };

		if ((const void *)(ip + 1) > end)
			return XDP_PASS;
		__builtin_memcpy(source.address, &ip->saddr, sizeof(source.address));
		return verdict(&blocked4, &source);
	}
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip = (const void *)(ethernet + 1);
		struct network6 source = { .prefixlen = 128 };

		if ((const void *)(ip + 1) > end)
			return XDP_PASS;
		__builtin_memcpy(source.address, &ip->saddr, sizeof(source.address));
		return verdict(&blocked6, &source);
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
