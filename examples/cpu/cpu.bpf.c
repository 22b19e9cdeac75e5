// SPDX-License-Identifier: MIT OR GPL-2.0
// Samples what each CPU runs: how often each command was met, and in which place of the kernel.
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <bpf/bpf_helpers.h>

struct place {
	char command[16];
	// Key in `stacks`; negative when the sample was not taken in the kernel.
	__s32 stack;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, struct place);
	__type(value, __u64);
} samples SEC(".maps");

struct stack {
	__u64 addresses[32] __attribute__((btf_decl_tag("format:ksym")));
};

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct stack);
} stacks SEC(".maps");

SEC("perf_event")
int sampled(struct bpf_perf_event_data *ctx)
{
	struct place place = {};
	__u64 one = 1, *count;

	bpf_get_current_comm(place.command, sizeof(place.command));
	place.stack = bpf_get_stackid(ctx, &stacks, 0);
	count = bpf_map_lookup_elem(&samples, &place);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&samples, &place, &one, BPF_NOEXIST);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
