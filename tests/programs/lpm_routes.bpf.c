// Longest-prefix routes that the program makes itself with its first packet.
#include "packet.h"

struct prefix {
	__u32 length;
	__u8 address[4];
};

struct route {
	__u32 verdict;
	__u32 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, struct route);
} routes SEC(".maps");

int made;
long updates[6];

static const struct prefix prefixes[] = {
	{ 0, { 0 } }, { 8, { 10 } }, { 16, { 10, 77 } }, { 32, { 10, 77, 0, 2 } }, { 25, { 10, 78, 0, 128 } }, { 24, { 10, 78, 0, 9 } },
};

static __noinline void make(void)
{
	for (int i = 0; i < 6; i++) {
		struct prefix prefix = prefixes[i];
		struct route route = { .verdict = i % 2 ? XDP_PASS : XDP_DROP };

		updates[i] = bpf_map_update_elem(&routes, &prefix, &route, i == 5 ? BPF_NOEXIST : BPF_ANY);
	}
}

SEC("xdp")
int route(struct xdp_md *ctx)
{
	struct ethhdr *eth = DATA(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	struct prefix destination = { .length = 32 };
	struct route *route;

	if (!made) {
		made = 1;
		make();
	}
	if ((void *)(ip + 1) > DATA_END(ctx) || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	__builtin_memcpy(destination.address, &ip->daddr, 4);
	route = bpf_map_lookup_elem(&routes, &destination);
	if (!route)
		return XDP_ABORTED;
	__sync_fetch_and_add(&route->packets, 1);
	return route->verdict;
}
