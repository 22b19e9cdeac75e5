// Never ends: no verifier lets it pass, the vm stops it when its fuel is used up.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int endless(struct xdp_md *ctx)
{
	for (volatile int i = 0;; i++)
		;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
