// Redirects at tc, in and out, and clones.
#include "packet.h"

long clones[2];

SEC("tc")
int redirect(struct __sk_buff *skb)
{
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return bpf_redirect(1, 0);
	if (skb->protocol == bpf_htons(ETH_P_IP) && skb->len > 1000)
		return bpf_redirect(1, BPF_F_INGRESS);
	if (skb->protocol == bpf_htons(ETH_P_ARP))
		return bpf_redirect(1, 0xff00);
	return TC_ACT_OK;
}
