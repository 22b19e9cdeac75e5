// Refused beside library.bpf.c: it defines what that defines.
#define SEEN 1
#define STEP 1
#include "shared.h"

__u64 classified = 7;

SEC("xdp")
int twice(struct xdp_md *ctx)
{
	return mix(classified) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual MIT/GPL";
