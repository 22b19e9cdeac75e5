// Every atomic operation of v3, 32 and 64 bits wide, in maps and on the stack.
#include "packet.h"

struct words {
	__u64 add, or, and, xor, swapped, compared;
	__u32 add32, or32, and32, xor32, swapped32, compared32;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct words);
} words SEC(".maps");

__u64 old[6];

SEC("xdp")
int atomics(struct xdp_md *ctx)
{
	__u64 length = ctx->data_end - ctx->data, on_stack = length * 0x9e3779b97f4a7c15;
	__u32 zero = 0;
	struct words *w = bpf_map_lookup_elem(&words, &zero);

	if (!w)
		return XDP_ABORTED;
	__sync_fetch_and_add(&w->add, length);
	__sync_fetch_and_or(&w->or, on_stack);
	__sync_fetch_and_and(&w->and, length);
	__sync_fetch_and_xor(&w->xor, on_stack);
	__sync_fetch_and_add(&w->add32, on_stack);
	__sync_fetch_and_or(&w->or32, length);
	__sync_fetch_and_and(&w->and32, length);
	__sync_fetch_and_xor(&w->xor32, on_stack);
	old[0] += __sync_fetch_and_add(&on_stack, length);
	old[1] ^= __sync_fetch_and_xor(&w->xor, length);
	old[2] += __sync_lock_test_and_set(&w->swapped, on_stack);
	old[3] += __sync_lock_test_and_set(&w->swapped32, (__u32)length);
	old[4] += __sync_val_compare_and_swap(&w->compared, length, on_stack);
	old[4] += __sync_val_compare_and_swap(&w->compared, 0, length);
	old[5] += __sync_val_compare_and_swap(&w->compared32, 0, (__u32)length);
	return XDP_PASS;
}
