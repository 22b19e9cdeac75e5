// Packets and bytes by the kind of Ethernet frame, in a per-CPU array.
#include "packet.h"

struct sums {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct sums);
} kinds SEC(".maps");

SEC("xdp")
int kind(struct xdp_md *ctx)
{
	struct ethhdr *eth = DATA(ctx);
	struct sums *sums;
	__u32 slot = 3;

	if ((void *)(eth + 1) > DATA_END(ctx))
		return XDP_ABORTED;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		slot = 0;
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		slot = 1;
	else if (eth->h_proto == bpf_htons(ETH_P_8021Q))
		slot = 2;
	sums = bpf_map_lookup_elem(&kinds, &slot);
	if (!sums)
		return XDP_ABORTED;
	sums->packets++;
	sums->bytes += ctx->data_end - ctx->data;
	return XDP_PASS;
}
