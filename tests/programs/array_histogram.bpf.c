// A histogram of frame lengths in an array, by powers of two.
#include "packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} lengths SEC(".maps");

SEC("xdp")
int histogram(struct xdp_md *ctx)
{
	__u64 length = ctx->data_end - ctx->data;
	__u32 slot = 0;
	__u64 *count;

	for (int i = 0; i < 15; i++)
		if (length >> (i + 1))
			slot = i + 1;
	count = bpf_map_lookup_elem(&lengths, &slot);
	if (count)
		__sync_fetch_and_add(count, 1);
	return slot > 10 ? XDP_DROP : XDP_PASS;
}
