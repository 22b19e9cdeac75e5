// Refused beside library.bpf.c: its licence is another.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int other_licence(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "MIT";
