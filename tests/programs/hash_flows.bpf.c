// TCP and UDP flows over IPv4 in a hash map, until it is full.
#include "packet.h"

struct flow {
	__be32 source;
	__be32 destination;
	__be16 source_port;
	__be16 destination_port;
	__u32 protocol;
};

struct counts {
	__u64 packets;
	__u64 bytes;
	__u8 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct flow);
	__type(value, struct counts);
} flows SEC(".maps");

long refused;

SEC("xdp")
int flow(struct xdp_md *ctx)
{
	void *end = DATA_END(ctx);
	struct ethhdr *eth = DATA(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	struct flow flow = {};
	struct counts *counts, first = { .packets = 1 };
	__u8 flags = 0;

	if ((void *)(tcp + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5)
		return XDP_PASS;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	flow.source = ip->saddr;
	flow.destination = ip->daddr;
	flow.source_port = tcp->source;
	flow.destination_port = tcp->dest;
	flow.protocol = ip->protocol;
	if (ip->protocol == IPPROTO_TCP)
		flags = ((__u8 *)tcp)[13];
	counts = bpf_map_lookup_elem(&flows, &flow);
	if (counts) {
		counts->packets++;
		counts->bytes += end - (void *)eth;
		counts->flags |= flags;
		if (flags & 1)
			bpf_map_delete_elem(&flows, &flow);
		return XDP_PASS;
	}
	first.bytes = end - (void *)eth;
	first.flags = flags;
	if (bpf_map_update_elem(&flows, &flow, &first, BPF_NOEXIST)) {
		refused++;
		return XDP_DROP;
	}
	return XDP_PASS;
}
