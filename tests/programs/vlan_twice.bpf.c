// Pushes two tags, takes off what tagged frames have, and writes down what the context says after each step.
#include "packet.h"

long pushed, popped, errors;
__u32 seen[4];

SEC("tc")
int twice(struct __sk_buff *skb)
{
	if (skb->protocol == bpf_htons(ETH_P_8021Q)) {
		seen[0] = skb->vlan_present;
		if (bpf_skb_vlan_pop(skb))
			errors++;
		popped++;
		seen[1] = skb->protocol;
		// There is no second tag to take.
		if (bpf_skb_vlan_pop(skb))
			errors++;
		return TC_ACT_OK;
	}
	if (skb->len > 120)
		return TC_ACT_OK;
	if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 5))
		errors++;
	seen[2] = skb->vlan_tci;
	if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021AD), 6))
		errors++;
	seen[3] = skb->vlan_proto;
	pushed++;
	return TC_ACT_OK;
}
