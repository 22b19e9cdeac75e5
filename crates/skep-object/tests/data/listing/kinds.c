// Compiled by the listing's test for -mcpu v1 to v4: what clang makes of arithmetic, memory, atomics, packets and calls.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

#define SEC(name) __attribute__((section(name), used))

struct context {
	u32 length;
	u64 word;
};

u64 load_byte(void *packet, u64 offset) asm("llvm.bpf.load.byte");
u64 load_half(void *packet, u64 offset) asm("llvm.bpf.load.half");
u64 load_word(void *packet, u64 offset) asm("llvm.bpf.load.word");

int counter;
static int hidden;
const int constants[4] = {1, 2, 3, 4};

static __attribute__((noinline)) u64 loop(u64 a, u64 b)
{
	for (u64 i = 0; i < b; i++)
		a += a * i ^ (a >> 3);
	return a / b + a % b;
}

__attribute__((noinline)) s64 divide(s64 a, s64 b, s32 c, s32 d)
{
#if __BPF_CPU_VERSION__ >= 4
	return a / b + a % b + c / d + c % d;
#else
	return a * b + c - d;
#endif
}

static u64 (*functions[2])(u64, u64) = {loop, loop};

SEC("xdp") int program(struct context *context)
{
	volatile s8 byte = context->length;
	volatile s16 half = context->word;
	volatile s32 word = context->word;
	s64 sum = (s64)byte + half + word;

	sum += __builtin_bswap64(sum) + __builtin_bswap32((u32)sum) + __builtin_bswap16((u16)sum);
	if (sum < -5)
		counter++;
	if ((u32)sum > 7)
		hidden = sum;
	if ((s32)sum <= 3)
		sum |= constants[sum & 3];
	__sync_fetch_and_add(&context->word, sum);
	return loop(sum, context->length) + divide(sum, context->word, sum, 3);
}

SEC("socket") int packet(void *context)
{
	return load_byte(context, 12) + load_half(context, 14) + load_word(context, counter) +
	       load_byte(context, counter) + load_half(context, counter);
}

SEC("tc") int indirect(u64 which)
{
	return functions[which & 1](which, 2);
}

#if __BPF_CPU_VERSION__ >= 3
SEC("atomic") u64 exchange(u64 *wide, u32 *narrow, u64 value)
{
	u64 old = __sync_fetch_and_add(wide, value);
	u32 low = __sync_fetch_and_add(narrow, (u32)value);

	__sync_fetch_and_or(wide, value);
	old += __sync_fetch_and_or(wide, value);
	old ^= __sync_fetch_and_and(wide, value);
	old += __sync_fetch_and_xor(wide, value);
	old += __sync_lock_test_and_set(wide, value);
	old += __sync_val_compare_and_swap(wide, old, value);
	low += __sync_fetch_and_or(narrow, low);
	low += __sync_lock_test_and_set(narrow, low);
	low += __sync_val_compare_and_swap(narrow, low, value);
	__sync_fetch_and_xor(narrow, low);
	return old + low;
}
#endif

SEC("asm") __attribute__((naked)) int assembly(void)
{
	asm volatile("back: r0 = 5\n"
		     "w1 = 7\n"
		     "r1 = -r1\n"
		     "if r1 s< r2 goto back\n"
		     "may_goto back\n"
		     "r1 = 0x1122334455667788 ll\n"
		     "callx r1\n"
		     "r1 = be16 r1\n"
		     "goto on\n"
		     ".byte 0xff, 1, 2, 3, 4, 5, 6, 7\n"
		     ".zero 12\n"
		     ".byte 1, 2, 3, 4\n"
		     "on: exit\n");
}

#if __BPF_CPU_VERSION__ >= 4
SEC("level4") __attribute__((naked)) int newest(void)
{
	asm volatile("far: gotol far\n"
		     "w1 s/= w2\n"
		     "r1 s%= r5\n"
		     "r1 = (s8)r2\n"
		     "r1 = (s32)r2\n"
		     "w1 = (s16)w2\n"
		     "r1 = bswap64 r1\n"
		     "r1 = *(s8 *)(r2 + 5)\n"
		     "*(u64 *)(r1 + 8) = r5\n"
		     "r1 = addr_space_cast(r2, 0x0, 0x1)\n"
		     "exit\n");
}
#endif
