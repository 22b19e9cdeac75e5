// Sends IPv6 to another device, by number and by an empty table.
#include "packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} verdicts SEC(".maps");

SEC("xdp")
int redirect(struct xdp_md *ctx)
{
	struct ethhdr *eth = DATA(ctx);
	__u64 *count, one = 1;
	__u32 verdict;

	if ((void *)(eth + 1) > DATA_END(ctx))
		return XDP_ABORTED;
	verdict = eth->h_proto == bpf_htons(ETH_P_IPV6) ? bpf_redirect(1, 0) : XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_ARP))
		verdict = bpf_redirect(1, 7);
	count = bpf_map_lookup_elem(&verdicts, &verdict);
	if (count)
		*count += 1;
	else if (bpf_map_update_elem(&verdicts, &verdict, &one, BPF_NOEXIST))
		return XDP_DROP;
	return verdict;
}
