// Rewrites IPv4 destinations and TCP ports at tc with the checksums kept right, and computes one from scratch.
#include "packet.h"

#define IP(field) (ETH_HLEN + offsetof(struct iphdr, field))
#define TCP(field) (ETH_HLEN + sizeof(struct iphdr) + offsetof(struct tcphdr, field))

long sums[3];

SEC("tc")
int nat(struct __sk_buff *skb)
{
	__be32 before, after = bpf_htonl(0x0a630001);
	__be16 port, new_port = bpf_htons(8081);
	struct iphdr ip;

	if (skb->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || ip.ihl != 5)
		return TC_ACT_OK;
	sums[0] += bpf_csum_diff(0, 0, (__be32 *)&ip, sizeof(ip), 0) & 0xffff;
	before = ip.daddr;
	sums[1] += bpf_csum_diff(&before, 4, &after, 4, 0x1234) & 0xffff;
	if (ip.protocol == IPPROTO_TCP) {
		if (bpf_skb_load_bytes(skb, TCP(dest), &port, 2))
			return TC_ACT_SHOT;
		if (bpf_l4_csum_replace(skb, TCP(check), before, after, BPF_F_PSEUDO_HDR | 4) ||
		    bpf_l4_csum_replace(skb, TCP(check), port, new_port, 2) ||
		    bpf_skb_store_bytes(skb, TCP(dest), &new_port, 2, 0))
			return TC_ACT_SHOT;
	}
	if (bpf_l3_csum_replace(skb, IP(check), before, after, 4) ||
	    bpf_skb_store_bytes(skb, IP(daddr), &after, 4, BPF_F_RECOMPUTE_CSUM))
		return TC_ACT_SHOT;
	if (bpf_skb_store_bytes(skb, 60000, &after, 4, 0))
		sums[2]++;
	return TC_ACT_OK;
}
