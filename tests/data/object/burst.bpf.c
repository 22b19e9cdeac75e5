// Sends forty records of 256 bytes for each packet into a buffer that holds fifteen, and counts what was refused.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct shot {
	__u64 number;
	__u8 rest[248];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} shots SEC(".maps");

struct {
	__u64 sent;
	__u64 refused;
} told;

// A function of its own, so that `struct shot` stands in the object's types, by which records are shown.
static __noinline long fire(struct shot *shot)
{
	return bpf_ringbuf_output(&shots, shot, sizeof(*shot), 0);
}

SEC("xdp")
int burst(struct xdp_md *ctx)
{
	struct shot shot = {};

	for (int i = 0; i < 40; i++) {
		shot.number = i;
		if (fire(&shot))
			__sync_fetch_and_add(&told.refused, 1);
		else
			__sync_fetch_and_add(&told.sent, 1);
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
