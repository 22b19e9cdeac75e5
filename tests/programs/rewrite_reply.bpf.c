// Turns IPv4 frames round: MAC and IP addresses swapped in place, sent back.
#include "packet.h"

SEC("xdp")
int reply(struct xdp_md *ctx)
{
	struct ethhdr *eth = DATA(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	__u8 mac[6];
	__be32 address;

	if ((void *)(ip + 1) > DATA_END(ctx) || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_DROP;
	__builtin_memcpy(mac, eth->h_source, 6);
	__builtin_memcpy(eth->h_source, eth->h_dest, 6);
	__builtin_memcpy(eth->h_dest, mac, 6);
	address = ip->saddr;
	ip->saddr = ip->daddr;
	ip->daddr = address;
	ip->ttl--;
	ip->check += bpf_htons(0x0100);
	return XDP_TX;
}
