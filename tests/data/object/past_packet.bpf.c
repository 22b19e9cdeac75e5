// Reads the packet where it may already have ended.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int past_packet(struct xdp_md *ctx)
{
	const __u8 *data = (const void *)(long)ctx->data;

	if (data[200] == 7)
		return XDP_DROP;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
