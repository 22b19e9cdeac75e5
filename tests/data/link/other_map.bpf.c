// Refused beside library.bpf.c: it declares a map of another size.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum class { SMALL, MIDDLE, LARGE, CLASSES };

extern struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 5);
	__type(key, enum class);
	__type(value, __u64);
} totals SEC(".maps");

SEC("xdp")
int other_map(struct xdp_md *ctx)
{
	enum class key = SMALL;

	return bpf_map_lookup_elem(&totals, &key) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual MIT/GPL";
