// A record for each ICMP packet, copied out; and what the buffer says of itself.
#include "packet.h"

struct echo {
	__be32 from;
	__be32 to;
	__u16 length;
	__u8 type;
	__u8 code;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} echoes SEC(".maps") __attribute__((btf_decl_tag("record:echo")));

long failed;
long size;

static __noinline long report(struct echo *echo)
{
	return bpf_ringbuf_output(&echoes, echo, sizeof(*echo), 0);
}

SEC("xdp")
int icmp(struct xdp_md *ctx)
{
	struct ethhdr *eth = DATA(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	__u8 *type = (void *)(ip + 1);
	struct echo echo = {};

	if ((void *)(type + 2) > DATA_END(ctx) || eth->h_proto != bpf_htons(ETH_P_IP) || ip->protocol != IPPROTO_ICMP)
		return XDP_PASS;
	echo.from = ip->saddr;
	echo.to = ip->daddr;
	echo.length = bpf_ntohs(ip->tot_len);
	echo.type = type[0];
	echo.code = type[1];
	if (report(&echo))
		failed++;
	size = bpf_ringbuf_query(&echoes, BPF_RB_RING_SIZE);
	return XDP_PASS;
}
