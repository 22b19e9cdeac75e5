// Variables of every section, read and written.
#include "packet.h"

const volatile __u32 limit = 1000;
const volatile __u8 table[8] = { 1, 1, 2, 3, 5, 8, 13, 21 };
__u64 start = 0x1122334455667788;
__s16 small = -5;
char text[8] = "skep";
static __u64 hidden;
__u64 zero;
struct {
	__u32 a;
	__u8 b[3];
	__s8 c;
} nested = { .c = -1 };

SEC("xdp")
int globals(struct xdp_md *ctx)
{
	__u32 length = ctx->data_end - ctx->data;

	start = (start << 7 | start >> 57) ^ length;
	small += length & 3;
	hidden += table[length & 7];
	zero = hidden * 2;
	nested.a = length;
	nested.b[length & 1]++;
	nested.c--;
	text[length & 3] ^= 0x20;
	return length > limit ? XDP_DROP : XDP_PASS;
}
