// References to what does not stand at the beginning of its section.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64);
} other SEC(".maps");
__u64 zero, first = 5, second = 6, third[3] = {7, 8, 9};
__attribute__((noinline)) int one(int x) { return x * 2 + second; }
__attribute__((noinline)) int two(int x) { return one(x) + one(x + 1); }
static __attribute__((noinline)) int three(int x) { volatile int y = x; return two(y); }
SEC("xdp") int prog(struct xdp_md *ctx)
{
    __u32 key = 1;
    __u64 *value = bpf_map_lookup_elem(&other, &key);
    if (value) first += *value;
    value = bpf_map_lookup_elem(&counts, &key);
    if (!value) return 0;
    *value += 1;
    zero += third[2];
    return two(*value) + first + three(1) + one(3);
}
char LICENSE[] SEC("license") = "GPL";
