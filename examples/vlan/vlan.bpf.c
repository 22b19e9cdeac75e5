// SPDX-License-Identifier: MIT OR GPL-2.0
// Moves traffic between tagged and untagged: takes the VLAN tag off frames that have one, puts tag `vlan_id` on IPv4
// frames that have none, and marks those with a traffic class, keeping the IPv4 checksum right.
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u16 vlan_id = 42;
const volatile __u8 traffic_class = 0x28;

struct {
	__u64 popped;
	__u64 pushed;
	__u64 untouched;
	__u64 failed;
} frames;

#define IP_TOS (ETH_HLEN + offsetof(struct iphdr, tos))
#define IP_CHECK (ETH_HLEN + offsetof(struct iphdr, check))

SEC("tc")
int vlan(struct __sk_buff *skb)
{
	__u8 version_and_class[2], marked[2];
	__be16 before, after;
	void *data = (void *)(long)skb->data;
	struct ethhdr *ethernet = data;

	if (skb->vlan_present || skb->protocol == bpf_htons(ETH_P_8021Q)) {
		if (bpf_skb_vlan_pop(skb)) {
			__sync_fetch_and_add(&frames.failed, 1);
			return TC_ACT_SHOT;
		}
		__sync_fetch_and_add(&frames.popped, 1);
		return TC_ACT_OK;
	}
	if ((void *)(ethernet + 1) > (void *)(long)skb->data_end || ethernet->h_proto != bpf_htons(ETH_P_IP)) {
		__sync_fetch_and_add(&frames.untouched, 1);
		return TC_ACT_OK;
	}
	if (bpf_skb_load_bytes(skb, ETH_HLEN, version_and_class, sizeof(version_and_class)))
		goto failed;
	marked[0] = version_and_class[0];
	marked[1] = traffic_class;
	__builtin_memcpy(&before, version_and_class, sizeof(before));
	__builtin_memcpy(&after, marked, sizeof(after));
	if (bpf_l3_csum_replace(skb, IP_CHECK, before, after, sizeof(after)) ||
	    bpf_skb_store_bytes(skb, IP_TOS, &marked[1], sizeof(marked[1]), 0) ||
	    bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), vlan_id))
		goto failed;
	__sync_fetch_and_add(&frames.pushed, 1);
	return TC_ACT_OK;
failed:
	__sync_fetch_and_add(&frames.failed, 1);
	return TC_ACT_SHOT;
}

char _license[] SEC("license") = "Dual MIT/GPL";
