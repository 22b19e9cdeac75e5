// Linked with main.bpf.c: what that declares.
#define SEEN 10
#define STEP 5
#include "shared.h"

const volatile struct limits limits = { .small = 100, .large = 1000 };
struct totals totals SEC(".maps");
__u64 classified = 0;

__hidden __noinline __u64 hidden_sum(__u64 start)
{
	__u64 sum = start;

	bpf_loop(3, add, &sum, 0);
	return sum;
}

__noinline __u64 score(__u64 value)
{
	return hidden_sum(mix(value));
}

__noinline enum class classify(struct frame *frame)
{
	if (!frame)
		return SMALL;
	classified++;
	if (frame->length < limits.small)
		return SMALL;
	return frame->length < limits.large ? MIDDLE : LARGE;
}

char _license[] SEC("license") = "Dual MIT/GPL";
