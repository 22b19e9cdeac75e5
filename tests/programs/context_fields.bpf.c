// Reads the context of a packet at tc, writes what may be written, and reads it back.
#include "packet.h"

__u64 sums[12];

SEC("tc")
int fields(struct __sk_buff *skb)
{
	skb->mark = skb->len;
	skb->priority = skb->mark + 1;
	skb->cb[0] = skb->priority * 2;
	skb->cb[4] = skb->cb[0] ^ skb->mark;
	skb->tc_index = 0x12345;
	skb->queue_mapping = 3;
	sums[0] += skb->len;
	sums[1] += skb->pkt_type;
	sums[2] += skb->mark;
	sums[3] += skb->priority;
	sums[4] += skb->cb[0];
	sums[5] += skb->cb[4];
	sums[6] += skb->tc_index;
	sums[7] += skb->protocol;
	sums[8] += skb->vlan_present;
	sums[9] += skb->data_end - skb->data;
	sums[10] += skb->gso_segs;
	sums[11] += skb->queue_mapping;
	return skb->cb[4] & 1 ? TC_ACT_OK : TC_ACT_STOLEN;
}
