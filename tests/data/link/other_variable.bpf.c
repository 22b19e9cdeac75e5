// Refused beside library.bpf.c: it declares a variable of another type.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern const volatile struct limits {
	__u64 small;
	__u32 large;
} limits;

SEC("xdp")
int other_variable(struct xdp_md *ctx)
{
	return limits.small ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual MIT/GPL";
