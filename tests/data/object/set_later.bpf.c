// What a tool decides when it loads: the size of a map, and constants of every shape.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum mode { COUNT, DROP_LARGE, DROP_ALL };

struct settings {
	enum mode mode;
	__u16 limits[3];
	__u8 trusting : 1;
	__u8 step : 3;
	char name[8];
};

const volatile struct settings settings = { .limits = { 100, 500, 1000 }, .step = 1 };
__u64 runs = 0;
char letter = 'a';

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
} lengths SEC(".maps");

SEC("xdp")
int set_later(struct xdp_md *ctx)
{
	__u32 length = ctx->data_end - ctx->data;
	__u64 *count, one = settings.step;
	__u32 class = 3;

	runs++;
	if (settings.trusting)
		letter = *(volatile char *)(long)ctx->data;
	for (int at = 0; at < 3; at++)
		if (length < settings.limits[at]) {
			class = at;
			break;
		}
	count = bpf_map_lookup_elem(&lengths, &class);
	if (count)
		*count += settings.step;
	else
		bpf_map_update_elem(&lengths, &class, &one, BPF_ANY);
	if (settings.mode == DROP_ALL || (settings.mode == DROP_LARGE && class == 3))
		return XDP_DROP;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
SEC("ours/drop")
int named_by_its_loader(struct xdp_md *ctx)
{
	return XDP_DROP;
}

