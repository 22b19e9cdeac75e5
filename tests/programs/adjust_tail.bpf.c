// Cuts long frames, lengthens short ones, and counts what is refused.
#include "packet.h"

long refused, cut, grown;

SEC("xdp")
int tail(struct xdp_md *ctx)
{
	int length = ctx->data_end - ctx->data;

	if (length > 200) {
		if (bpf_xdp_adjust_tail(ctx, 200 - length))
			return XDP_ABORTED;
		cut++;
	} else if (length < 90) {
		if (bpf_xdp_adjust_tail(ctx, 90 - length))
			return XDP_ABORTED;
		grown++;
	}
	if (bpf_xdp_adjust_tail(ctx, 5000))
		refused++;
	if (bpf_xdp_adjust_tail(ctx, -5000))
		refused++;
	return XDP_PASS;
}
