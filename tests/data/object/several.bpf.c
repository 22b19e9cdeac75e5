// Programs of three types over one map that counts how often each ran.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

enum which { GATE, SHAPER, TAP };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, enum which);
	__type(value, __u64);
} ran SEC(".maps");

static __always_inline void count(enum which which)
{
	__u64 *times = bpf_map_lookup_elem(&ran, &which);

	if (times)
		__sync_fetch_and_add(times, 1);
}

SEC("xdp")
int gate(struct xdp_md *ctx)
{
	count(GATE);
	return ctx->data_end - ctx->data > 1000 ? XDP_DROP : XDP_PASS;
}

SEC("tc")
int shaper(struct __sk_buff *skb)
{
	count(SHAPER);
	return TC_ACT_OK;
}

SEC("socket")
int tap(struct __sk_buff *skb)
{
	count(TAP);
	return 64;
}

char _license[] SEC("license") = "Dual MIT/GPL";
