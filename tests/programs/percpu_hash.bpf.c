// Bytes by IPv4 protocol in a per-CPU hash, at tc.
#include "packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8);
	__type(key, __u8);
	__type(value, __u32);
} protocols SEC(".maps");

SEC("tc")
int protocol(struct __sk_buff *skb)
{
	__u32 bytes = skb->len, *sum;
	__u8 protocol;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_PIPE;
	if (bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, protocol), &protocol, 1))
		return TC_ACT_SHOT;
	sum = bpf_map_lookup_elem(&protocols, &protocol);
	if (sum)
		*sum += bytes;
	else
		bpf_map_update_elem(&protocols, &protocol, &bytes, BPF_ANY);
	return TC_ACT_OK;
}
