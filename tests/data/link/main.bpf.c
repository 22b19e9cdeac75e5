// Linked with library.bpf.c: the program, which declares what the library defines.
#define SEEN 1
#define STEP 3
#include "shared.h"

extern const volatile struct limits limits;
extern struct totals totals SEC(".maps");
extern __u64 classified;
enum class classify(struct frame *frame);

// The library has a strong one.
__weak __noinline __u64 score(__u64 value)
{
	return value + 1000000;
}

__u64 scores = 0;
__u64 sums = 0;
__u32 middle_of = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} lengths SEC(".maps");

SEC("xdp")
int linked(struct xdp_md *ctx)
{
	struct frame frame = { .length = ctx->data_end - ctx->data };
	__u64 one = 1, *count, sum = 0;
	enum class class;

	class = classify(&frame);
	count = bpf_map_lookup_elem(&totals, &class);
	if (count)
		*count += one;
	bpf_map_update_elem(&lengths, &frame.length, &classified, BPF_ANY);
	bpf_loop(4, add, &sum, 0);
	sums += sum;
	scores += score(mix(frame.length));
	middle_of = limits.large - limits.small;
	return class == LARGE ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
