// Changes the length of packets at tc and writes into them directly after pulling.
#include "packet.h"

long errors[4];

SEC("tc")
int change(struct __sk_buff *skb)
{
	struct ethhdr *eth;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_UNSPEC;
	if (skb->len > 400) {
		if (bpf_skb_change_tail(skb, 300, 0))
			errors[0]++;
	} else if (skb->len < 80) {
		if (bpf_skb_change_tail(skb, 100, 0))
			errors[1]++;
	} else if (bpf_skb_change_head(skb, 14, 0)) {
		errors[2]++;
	}
	if (bpf_skb_pull_data(skb, 60))
		errors[3]++;
	eth = DATA(skb);
	if ((void *)(eth + 1) > DATA_END(skb))
		return TC_ACT_SHOT;
	eth->h_dest[0] = 0x02;
	eth->h_dest[5] ^= 0xff;
	return TC_ACT_OK;
}
