// A hidden function that writes through a pointer unasked: the verifier takes it where it is called, not for any pointer.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__weak __hidden int put(long *to, long what)
{
	*to = what;
	return 0;
}

SEC("xdp")
int keeper(struct xdp_md *ctx)
{
	long length = 0;

	put(&length, ctx->data_end - ctx->data);
	return length > 60 ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual MIT/GPL";
