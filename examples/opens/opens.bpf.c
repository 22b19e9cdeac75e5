// SPDX-License-Identifier: MIT OR GPL-2.0
// Reports each file that a process opens.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct open {
	__u32 pid;
	__u32 uid;
	char command[16];
	char path[256];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} opens SEC(".maps") __attribute__((btf_decl_tag("record:open")));

// As /sys/kernel/tracing/events/syscalls/sys_enter_openat/format has it.
struct sys_enter_openat {
	__u64 common;
	__u64 number;
	__u64 directory;
	const char *path;
	__u64 flags;
	__u64 mode;
};

// A function of its own, so that `struct open` stands in the object's types, by which records are shown.
static __noinline void describe(struct open *open, const char *path)
{
	open->pid = bpf_get_current_pid_tgid() >> 32;
	open->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(open->command, sizeof(open->command));
	if (bpf_probe_read_user_str(open->path, sizeof(open->path), path) < 0)
		open->path[0] = 0;
}

SEC("tracepoint/syscalls/sys_enter_openat")
int openat_entered(struct sys_enter_openat *ctx)
{
	struct open *open = bpf_ringbuf_reserve(&opens, sizeof(*open), 0);

	if (!open)
		return 0;
	describe(open, ctx->path);
	bpf_ringbuf_submit(open, 0);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
