// cpu: v4
// Signed division, sign extension and byte swaps of ISA version 4.
#include "packet.h"

__s64 sums[8];

SEC("xdp")
int v4(struct xdp_md *ctx)
{
	__s64 length = ctx->data_end - ctx->data, odd = length * -0x123456789abcdef;
	__s32 word = odd >> 7;
	volatile __s8 byte = odd >> 3;
	volatile __s16 half = odd >> 11;
	volatile __s32 loaded = odd;
	__s64 divisor = (length & 15) - 7;

	sums[0] += divisor ? odd / divisor : 1;
	sums[1] += divisor ? odd % divisor : 2;
	sums[2] += divisor ? word / (__s32)divisor : 3;
	sums[3] += divisor ? word % (__s32)divisor : 4;
	sums[4] += byte + half + loaded;
	sums[5] += (__s64)(__s8)odd + (__s64)(__s16)(odd >> 16) + (__s64)(__s32)(odd >> 32);
	sums[6] ^= __builtin_bswap64(odd) ^ __builtin_bswap32(word) ^ __builtin_bswap16(word);
	sums[7] += (__s32)(__s8)word + (__s32)(__s16)word;
	return XDP_PASS;
}
