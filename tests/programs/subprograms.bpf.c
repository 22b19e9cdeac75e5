// Calls: static and global functions, five arguments, a stack pointer handed down, a chain of frames.
#include "packet.h"

long results[4];

static __noinline long mix(long a, long b, long c, long d, long e)
{
	return a * 31 + (b ^ c) - d * e;
}

__noinline int parity(__u32 value)
{
	value ^= value >> 16;
	value ^= value >> 8;
	value ^= value >> 4;
	return 0x6996 >> (value & 15) & 1;
}

static __noinline void fill(__u8 *bytes, int from)
{
	for (int i = 0; i < 8; i++)
		bytes[i] = from + i;
}

static __noinline long deep3(long x) { volatile long pad[4] = { x }; return pad[0] * 3; }
static __noinline long deep2(long x) { volatile long pad[4] = { x }; return deep3(pad[0] + 1) * 5; }
static __noinline long deep1(long x) { volatile long pad[4] = { x }; return deep2(pad[0] + 1) * 7; }

SEC("xdp")
int calls(struct xdp_md *ctx)
{
	long length = ctx->data_end - ctx->data;
	__u8 bytes[8];

	results[0] += mix(length, 3, length >> 2, 7, 11);
	results[1] += parity(length);
	fill(bytes, length);
	results[2] += bytes[0] + bytes[7];
	results[3] += deep1(length);
	return parity(length) ? XDP_PASS : XDP_DROP;
}
