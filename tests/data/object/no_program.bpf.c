// A map, and nothing that uses it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} alone SEC(".maps");

char _license[] SEC("license") = "Dual MIT/GPL";
