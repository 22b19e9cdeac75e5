// Leaves a note in front of the frame for whoever comes next, and reads it back.
#include "packet.h"

long failed, good;

SEC("xdp")
int meta(struct xdp_md *ctx)
{
	__u32 *note, length = ctx->data_end - ctx->data;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*note) * (length & 1 ? 2 : 1))) {
		failed++;
		return XDP_ABORTED;
	}
	note = (void *)(long)ctx->data_meta;
	if ((void *)(note + 1) > DATA(ctx))
		return XDP_ABORTED;
	*note = length;
	if (bpf_xdp_adjust_meta(ctx, -400))
		failed++;
	if (bpf_xdp_adjust_meta(ctx, -3))
		failed++;
	note = (void *)(long)ctx->data_meta;
	if ((void *)(note + 1) > DATA(ctx))
		return XDP_DROP;
	good += *note == length;
	return XDP_PASS;
}
