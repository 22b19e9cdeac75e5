// Sends more in one run than the buffer holds: forty records of 256 bytes into 4,096.
#include "packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} burst SEC(".maps");

long sent, refused;

SEC("xdp")
int overfull(struct xdp_md *ctx)
{
	__u64 record[32] = {};

	for (int i = 0; i < 40; i++) {
		record[0] = i;
		if (bpf_ringbuf_output(&burst, record, sizeof(record), 0))
			refused++;
		else
			sent++;
	}
	return XDP_PASS;
}
