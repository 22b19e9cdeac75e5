// Uses what a lookup found without asking whether it found anything.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("xdp")
int forgotten_null(struct xdp_md *ctx)
{
	__u32 key = ctx->ingress_ifindex;
	__u64 *packets = bpf_map_lookup_elem(&seen, &key);

	*packets += 1;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
