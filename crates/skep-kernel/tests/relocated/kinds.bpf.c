// SPDX-License-Identifier: MIT OR GPL-2.0
// Every kind of relocation: found, missing, of another type, of types that bear one name twice.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct list_head { struct list_head *next; };
struct mm_struct { unsigned long start_code; };
struct thread_struct { unsigned long cr2; };
struct task_struct {
	int pid;
	struct mm_struct *mm;
	long state;
	unsigned sched_reset_on_fork:1;
	unsigned sched_contributes_to_load:1;
	unsigned no_such_bit:1;
	char comm[16];
	struct list_head tasks;
	unsigned long no_such_array[4];
};
struct task_struct___old { long state; int prio; };
struct net_device___renamed { int ifindex; char name[16]; };
struct no_such_struct { int x; };
union bpf_attr___mine { unsigned map_type; };
struct sk_buff { unsigned len; unsigned char pkt_type:3; unsigned char cloned:1; unsigned char head_frag:1; };
struct file_operations___mine { long (*read)(void *, char *, unsigned long, long long *); };
struct bpf_prog_aux { char ksym_name_missing; unsigned int id; };
struct dir_entry { long mtime; };
struct workspace { unsigned buf_size; char *buf; };
struct task_struct___other { int *pid; int mm; struct { int inner; } comm; };
#pragma clang attribute pop
enum bpf_map_type___x { BPF_MAP_TYPE_ARRAY___x = 77, BPF_MAP_TYPE_NONESUCH___x = 78 };
enum no_such_enum { A_CONSTANT };
enum bpf_cond_pseudo_jmp { BPF_MAY_GOTO = 3 };
enum perf_callchain_context___x { PERF_CONTEXT_HV___x = 0xfedcba9876543210ULL, PERF_CONTEXT_USER___x = 1 };
typedef struct { int counter; } atomic_t;
typedef int (*fn_t)(int);
typedef unsigned int u32___x;

struct list_head___matching { struct list_head *next, *prev; };
struct list_head___other { struct list_head *next; int prev; };
struct callback_head___m { struct callback_head *next; void (*func)(struct callback_head *); };
struct rb_root___m { struct rb_node *rb_node; };

__u64 out[64];

SEC("raw_tp/sys_enter")
int kinds(void *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct sk_buff *skb = (void *)t;
	int i = 0;
#define PUT(x) out[i++] = (x)
	PUT(bpf_core_field_offset(t->pid));
	PUT(bpf_core_field_size(t->comm));
	PUT(bpf_core_field_exists(t->state));
	PUT(bpf_core_field_exists(t->pid));
	PUT(bpf_core_field_exists(t->no_such_bit));
	PUT(bpf_core_field_exists(((struct task_struct___old *)t)->prio));
	PUT(__builtin_preserve_field_info(t->pid, BPF_FIELD_SIGNED));
	PUT(__builtin_preserve_field_info(t->sched_reset_on_fork, BPF_FIELD_SIGNED));
	PUT(BPF_CORE_READ_BITFIELD_PROBED(t, sched_reset_on_fork));
	PUT(BPF_CORE_READ_BITFIELD_PROBED(t, sched_contributes_to_load));
	PUT(BPF_CORE_READ_BITFIELD_PROBED(skb, cloned));
	PUT(bpf_core_field_offset(t->comm[3]));
	PUT(bpf_core_field_offset(t->tasks.next));
	PUT(bpf_core_field_exists(t->no_such_array[2]));
	PUT(bpf_core_type_id_local(struct task_struct));
	PUT(bpf_core_type_id_kernel(struct task_struct));
	PUT(bpf_core_type_id_kernel(struct no_such_struct));
	PUT(bpf_core_type_exists(struct task_struct));
	PUT(bpf_core_type_exists(struct no_such_struct));
	PUT(bpf_core_type_exists(atomic_t));
	PUT(bpf_core_type_exists(fn_t));
	PUT(bpf_core_type_exists(u32___x));
	PUT(bpf_core_type_exists(union bpf_attr___mine));
	PUT(bpf_core_type_size(struct task_struct));
	PUT(bpf_core_type_size(struct no_such_struct));
	PUT(bpf_core_enum_value_exists(enum bpf_map_type___x, BPF_MAP_TYPE_ARRAY___x));
	PUT(bpf_core_enum_value_exists(enum bpf_map_type___x, BPF_MAP_TYPE_NONESUCH___x));
	PUT(bpf_core_enum_value_exists(enum no_such_enum, A_CONSTANT));
	PUT(bpf_core_enum_value(enum bpf_map_type___x, BPF_MAP_TYPE_ARRAY___x));
	PUT(bpf_core_type_matches(struct list_head));
	PUT(bpf_core_type_matches(struct list_head___matching));
	PUT(bpf_core_type_matches(struct list_head___other));
	PUT(bpf_core_type_matches(struct callback_head___m));
	PUT(bpf_core_type_matches(struct rb_root___m));
	PUT(bpf_core_type_matches(enum bpf_map_type___x));
	PUT(BPF_CORE_READ((struct net_device___renamed *)t, ifindex));
	PUT(bpf_core_enum_value(enum perf_callchain_context___x, PERF_CONTEXT_HV___x));
	PUT(bpf_core_enum_value(enum perf_callchain_context___x, PERF_CONTEXT_USER___x));
	PUT(bpf_core_field_exists(((struct dir_entry *)t)->mtime));
	PUT(bpf_core_field_offset(((struct dir_entry *)t)->mtime));
	PUT(bpf_core_field_offset(((struct workspace *)t)->buf_size));
	PUT(bpf_core_field_offset(((struct workspace *)t)->buf));
	PUT(bpf_core_field_exists(((struct task_struct___other *)t)->pid));
	PUT(bpf_core_field_exists(((struct task_struct___other *)t)->mm));
	PUT(bpf_core_field_exists(((struct task_struct___other *)t)->comm));
	if (bpf_core_enum_value_exists(enum no_such_enum, A_CONSTANT))
		PUT(bpf_core_enum_value(enum no_such_enum, A_CONSTANT));
	if (bpf_core_field_exists(t->state))
		PUT(BPF_CORE_READ(t, state));
	return 0;
}
char LICENSE[] SEC("license") = "GPL";
