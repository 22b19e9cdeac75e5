// Programs for `cargo xtask bench`: each does one sort of work, in a loop, and returns a number that shows it did.
// All but `packet` take nothing but a zero from their context, so that peers without `xdp_md` run them as well.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define ROUNDS 2000

// 64-bit arithmetic, each step waiting for the one before.
SEC("xdp")
int alu64(struct xdp_md *ctx)
{
	__u64 x = 88172645463325252ULL + ctx->rx_queue_index;
	for (int i = 0; i < ROUNDS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		x += i;
	}
	return x & 0x7fffffff;
}

// 32-bit arithmetic on four values that do not wait for one another.
SEC("xdp")
int alu32(struct xdp_md *ctx)
{
	__u32 a = ctx->rx_queue_index, b = a + 1, c = a + 2, d = a + 3;
	for (__u32 i = 0; i < ROUNDS; i++) {
		a = (a + i) * 0x85ebca6b;
		b = (b ^ i) - 0x27d4eb2f;
		c = (c | i) + (d >> 3);
		d = (d << 1) ^ i;
	}
	return (a ^ b ^ c ^ d) & 0x7fffffff;
}

// Jumps that go either way: the length of Collatz sequences.
SEC("xdp")
int branches(struct xdp_md *ctx)
{
	__u32 steps = 0;
	for (__u64 n = 1; n < 120; n++)
		for (__u64 x = n + ctx->rx_queue_index; x != 1; steps++)
			x = x & 1 ? 3 * x + 1 : x >> 1;
	return steps;
}

// Loads and stores of words on the stack: insertion sort.
SEC("xdp")
int stack(struct xdp_md *ctx)
{
	volatile __u32 v[48];
	__u32 seed = ctx->rx_queue_index + 12345, sum = 0;
	for (int i = 0; i < 48; i++) {
		seed = seed * 1103515245 + 12345;
		v[i] = seed >> 16;
	}
	for (int i = 1; i < 48; i++) {
		__u32 x = v[i];
		int j = i;
		for (; j > 0 && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
	for (int i = 0; i < 48; i++)
		sum += v[i] * i;
	return sum & 0x7fffffff;
}

// Loads of bytes and arithmetic: CRC-32 without a table.
SEC("xdp")
int bytes(struct xdp_md *ctx)
{
	volatile __u8 text[64];
	__u32 crc = ~ctx->rx_queue_index;
	for (int i = 0; i < 64; i++)
		text[i] = i * 7;
	for (int i = 0; i < 64; i++) {
		crc ^= text[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0xedb88320 & -(crc & 1));
	}
	return ~crc & 0x7fffffff;
}

static __attribute__((noinline)) __u64 step(__u64 x, __u64 i)
{
	return x * 31 + i;
}

// Calls of a function of the program.
SEC("xdp")
int calls(struct xdp_md *ctx)
{
	__u64 x = ctx->rx_queue_index;
	for (int i = 0; i < ROUNDS; i++)
		x = step(x, i);
	return x & 0x7fffffff;
}

// Loads from the packet, each compared with its end: the sum of all bytes. For skep only.
SEC("xdp")
int packet(struct xdp_md *ctx)
{
	__u8 *end = (void *)(long)ctx->data_end;
	__u32 sum = 0;
	for (__u8 *at = (void *)(long)ctx->data; at + 1 <= end; at++)
		sum += *at;
	return sum & 0x7fffffff;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

// Counting in a hash map, as tracing and accounting do. For skep only.
SEC("xdp")
int count(struct xdp_md *ctx)
{
	for (__u32 i = 0; i < ROUNDS; i++) {
		__u32 key = i & 255;
		__u64 one = 1, *n = bpf_map_lookup_elem(&counts, &key);
		if (n)
			*n += 1;
		else
			bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
	}
	return 2;
}

char _license[] SEC("license") = "GPL";
