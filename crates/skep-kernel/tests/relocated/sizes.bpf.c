// SPDX-License-Identifier: MIT OR GPL-2.0
// Fields whose size differs from the kernel's, accessed directly: changed loads, and one that cannot be.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct sk_buff { unsigned long len; short mac_len; unsigned short protocol; unsigned queue_mapping; };
struct task_struct { long pid; unsigned int flags; unsigned long start_time; };
#pragma clang attribute pop

__u64 out[8];

SEC("tp_btf/kfree_skb")
int sizes(unsigned long long *ctx)
{
	struct sk_buff *skb = (void *)ctx[0];

	out[0] = skb->len;
	out[1] = skb->queue_mapping;
	out[2] = skb->protocol;
	return 0;
}

SEC("tp_btf/task_rename")
int sign(unsigned long long *ctx)
{
	struct task_struct *task = (void *)ctx[0];

	out[3] = task->flags;
	out[4] = task->pid;
	return 0;
}
char LICENSE[] SEC("license") = "GPL";
