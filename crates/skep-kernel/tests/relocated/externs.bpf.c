// SPDX-License-Identifier: MIT OR GPL-2.0
// What a program names and does not define: options, functions and variables of the kernel, there and not there.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>


extern int LINUX_KERNEL_VERSION __kconfig;
extern int CONFIG_HZ __kconfig;
extern enum libbpf_tristate CONFIG_BPF_SYSCALL __kconfig __weak;
extern _Bool CONFIG_NET __kconfig;
extern int CONFIG_NO_SUCH_OPTION __kconfig __weak;

struct bpf_iter_num_here { unsigned long long opaque; } __attribute__((aligned(8)));
extern int bpf_iter_num_new(struct bpf_iter_num_here *it, int start, int end) __ksym;
extern int *bpf_iter_num_next___flavour(struct bpf_iter_num_here *it) __ksym __weak;
extern void bpf_iter_num_destroy(struct bpf_iter_num_here *it) __ksym;
extern int bpf_no_such_function(void) __ksym __weak;
extern const int no_such_variable __ksym __weak;
extern const void no_such_address __ksym __weak;

SEC("socket")
int version(void *ctx)
{
	return LINUX_KERNEL_VERSION;
}

SEC("socket")
int hertz(void *ctx)
{
	return CONFIG_HZ;
}

SEC("socket")
int flags(void *ctx)
{
	return (CONFIG_BPF_SYSCALL == TRI_YES) | CONFIG_NET << 1 | CONFIG_NO_SUCH_OPTION << 2;
}

SEC("socket")
int sum(void *ctx)
{
	struct bpf_iter_num_here it;
	int total = 0, *next;

	bpf_iter_num_new(&it, 1, 5);
	while ((next = bpf_iter_num_next___flavour(&it)))
		total += *next;
	bpf_iter_num_destroy(&it);
	return total;
}

SEC("socket")
int without(void *ctx)
{
	if (bpf_no_such_function)
		return bpf_no_such_function();
	return 7 + !!&no_such_variable + !!&no_such_address;
}

char _license[] SEC("license") = "Dual MIT/GPL";
