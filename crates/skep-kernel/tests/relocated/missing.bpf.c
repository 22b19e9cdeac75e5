// SPDX-License-Identifier: MIT OR GPL-2.0
// Asks for what newer kernels do not have, and leads there.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct task_struct {
	long state;
	int pid;
} __attribute__((preserve_access_index));

enum bpf_map_type___mine { BPF_MAP_TYPE_HASHS = 1 };

__u64 out;

SEC("raw_tp/sched_switch")
int old_state(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (BPF_CORE_READ(task, pid) > 1)
		out = BPF_CORE_READ(task, state);
	return 0;
}

SEC("raw_tp/sched_switch")
int old_constant(void *ctx)
{
	out = bpf_core_enum_value(enum bpf_map_type___mine, BPF_MAP_TYPE_HASHS);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
