// Loops by callback: bpf_loop and bpf_for_each_map_elem.
#include "packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} cells SEC(".maps");

__u64 total;

struct sum {
	__u64 value;
	__u32 stop;
};

static long add(__u64 index, void *arg)
{
	struct sum *sum = arg;

	sum->value += index * index;
	return index >= sum->stop;
}

static long each(void *map, __u32 *key, __u64 *value, void *arg)
{
	struct sum *sum = arg;

	*value += *key + 1;
	sum->value += *value;
	return 0;
}

SEC("xdp")
int callbacks(struct xdp_md *ctx)
{
	struct sum sum = { .stop = (ctx->data_end - ctx->data) & 31 };
	long ran = bpf_loop(100, add, &sum, 0);
	long walked = bpf_for_each_map_elem(&cells, each, &sum, 0);

	total += sum.value + ran + walked;
	return ran & 1 ? XDP_PASS : XDP_DROP;
}
