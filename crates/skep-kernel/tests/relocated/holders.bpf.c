// What holds other things: maps in maps, programs in arrays, an arena with variables, a map kept by name, a structure of functions.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

// Younger than the headers of some systems.
#define ARENA 33
#ifndef __ulong
#define __ulong(field, number) enum { only_##field = number } field
#endif

struct inner {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} first SEC(".maps"), second SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 4);
    __type(key, __u32);
    __array(values, struct inner);
} by_index SEC(".maps") = { .values = { [1] = &first, [3] = &second } };

struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, 4);
    __type(key, __u32);
    __array(values, struct inner);
} by_key SEC(".maps") = { .values = { [2] = &second } };

int seven(struct xdp_md *ctx);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 3);
    __type(key, __u32);
    __array(values, int(void *));
} jumps SEC(".maps") = { .values = { [2] = (void *)&seven } };

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(pinning, LIBBPF_PIN_BY_NAME);
    __type(key, __u32);
    __type(value, __u64);
} kept SEC(".maps");

struct {
    __uint(type, ARENA);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 2);
    __ulong(map_extra, 0x1ull << 44);
} arena SEC(".maps");

#define __arena __attribute__((address_space(1)))
int __arena before SEC(".addr_space.1") = 1;
int __arena counter SEC(".addr_space.1") = 40;

// The sum of what the maps hold under these keys, 1000 for one that is not there.
SEC("xdp")
int sum(struct xdp_md *ctx)
{
    __u32 zero = 0, keys[] = { 1, 3, 0 }, sum = 0;
    for (int i = 0; i < 3; i++) {
        void *map = bpf_map_lookup_elem(&by_index, &keys[i]);
        __u64 *value = map ? bpf_map_lookup_elem(map, &zero) : 0;
        sum += value ? *value : 1000;
    }
    __u32 two = 2;
    void *map = bpf_map_lookup_elem(&by_key, &two);
    __u64 *value = map ? bpf_map_lookup_elem(map, &zero) : 0;
    return sum + (value ? *value : 1000);
}

SEC("xdp")
int seven(struct xdp_md *ctx)
{
    return 7;
}

SEC("xdp")
int jump(struct xdp_md *ctx)
{
    bpf_tail_call(ctx, &jumps, 2);
    return 1;
}

SEC("xdp")
int keep(struct xdp_md *ctx)
{
    __u32 zero = 0;
    __u64 *value = bpf_map_lookup_elem(&kept, &zero);
    return value ? (*value += 1) : 0;
}

SEC("syscall")
int count(void *ctx)
{
    // The arena itself must be named in a program that uses its variables.
    asm volatile("" ::"r"(&arena));
    return ++counter;
}

struct sock;
struct tcp_congestion_ops {
    __u32 (*ssthresh)(struct sock *sk);
    void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
    __u32 (*undo_cwnd)(struct sock *sk);
    int not_in_this_kernel;
    char name[16];
};

SEC("struct_ops")
__u32 BPF_PROG(half, struct sock *sk)
{
    return 2;
}

SEC("struct_ops")
__u32 BPF_PROG(whole, struct sock *sk)
{
    return 4;
}

SEC("struct_ops")
void BPF_PROG(avoid, struct sock *sk, __u32 ack, __u32 acked)
{
}

SEC(".struct_ops")
struct tcp_congestion_ops steady = {
    .ssthresh = (void *)half,
    .undo_cwnd = (void *)whole,
    .cong_avoid = (void *)avoid,
    .name = "skep_steady",
};

char LICENSE[] SEC("license") = "GPL";
