// Who sends to whom by MAC address, in a least-recently-used hash with room to spare.
#include "packet.h"

struct pair {
	__u8 to[6];
	__u8 from[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, struct pair);
	__type(value, __u64);
} pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 256);
	__type(key, __u16);
	__type(value, __u64);
} types SEC(".maps");

SEC("xdp")
int macs(struct xdp_md *ctx)
{
	struct ethhdr *eth = DATA(ctx);
	__u64 one = 1, *count;
	struct pair pair;
	__u16 type;

	if ((void *)(eth + 1) > DATA_END(ctx))
		return XDP_PASS;
	__builtin_memcpy(&pair, eth, sizeof(pair));
	count = bpf_map_lookup_elem(&pairs, &pair);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&pairs, &pair, &one, BPF_NOEXIST);
	type = bpf_ntohs(eth->h_proto);
	count = bpf_map_lookup_elem(&types, &type);
	if (count)
		*count += 1;
	else
		bpf_map_update_elem(&types, &type, &one, BPF_NOEXIST);
	return XDP_PASS;
}
