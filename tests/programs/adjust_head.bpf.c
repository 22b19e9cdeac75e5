// Puts a header of its own in front of short frames and takes the VLAN tag off tagged ones.
#include "packet.h"

long failed;

SEC("xdp")
int head(struct xdp_md *ctx)
{
	struct ethhdr *eth = DATA(ctx), saved;
	long length = ctx->data_end - ctx->data;

	if ((void *)(eth + 1) > DATA_END(ctx))
		return XDP_DROP;
	saved = *eth;
	if (eth->h_proto == bpf_htons(ETH_P_8021Q)) {
		__be16 *inner = (void *)(eth + 1);

		if ((void *)(inner + 2) > DATA_END(ctx))
			return XDP_DROP;
		saved.h_proto = inner[1];
		if (bpf_xdp_adjust_head(ctx, 4))
			return XDP_ABORTED;
	} else if (length < 100) {
		if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*eth)))
			return XDP_ABORTED;
		saved.h_proto = bpf_htons(0x88b5);
	} else {
		// Beyond the room there is.
		if (bpf_xdp_adjust_head(ctx, -300))
			failed++;
		return XDP_PASS;
	}
	eth = DATA(ctx);
	if ((void *)(eth + 1) > DATA_END(ctx))
		return XDP_DROP;
	*eth = saved;
	return XDP_PASS;
}
