// SPDX-License-Identifier: MIT OR GPL-2.0
// Counts system calls by number, one count for each CPU.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} syscalls SEC(".maps");

SEC("raw_tp/sys_enter")
int syscall_entered(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 number = ctx->args[1];
	__u64 one = 1, *calls;

	calls = bpf_map_lookup_elem(&syscalls, &number);
	if (calls)
		*calls += 1;
	else
		bpf_map_update_elem(&syscalls, &number, &one, BPF_NOEXIST);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
