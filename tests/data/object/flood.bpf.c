// A record for each system call of the machine, and how many were made.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} calls SEC(".maps");

__u64 made;

SEC("raw_tp/sys_enter")
int flood(void *ctx)
{
	__u64 record = __sync_fetch_and_add(&made, 1);

	bpf_ringbuf_output(&calls, &record, sizeof(record), 0);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
