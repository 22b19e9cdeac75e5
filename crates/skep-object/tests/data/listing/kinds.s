# Every kind of instruction, and what stands between them; assembled by `llvm-mc-19 -triple=bpf -filetype=obj`.
	.section arithmetic,"ax",@progbits
	.globl	compute
	.type	compute,@function
compute:
	r1 += 5
	r1 -= r2
	w1 *= -1
	w1 /= w2
	r3 s/= r4
	w3 s%= w4
	.byte 0x37,0x01,1,0,3,0,0,0	# s/= with an immediate
	r3 %= 7
	r0 |= r1
	r0 &= 0x7fffffff
	r0 ^= r1
	r0 <<= 32
	w0 >>= w9
	r0 s>>= 63
	r1 = -r1
	w1 = -w1
	r1 = r10
	w1 = 0
	r1 = (s8)r2
	r1 = (s16)r2
	r1 = (s32)r2
	w1 = (s8)w2
	w1 = (s16)w2
	r1 = le16 r1
	r1 = be32 r1
	r1 = be64 r1
	r1 = bswap16 r1
	r1 = bswap64 r1
	r1 = addr_space_cast(r2, 0x0, 0x1)
	exit

	.section memory,"ax",@progbits
	.globl	access
	.type	access,@function
access:
	r1 = *(u8 *)(r2 + 1)
	r1 = *(u16 *)(r2 - 2)
	r1 = *(u32 *)(r2 + 0)
	r1 = *(u64 *)(r10 - 8)
	r1 = *(s8 *)(r2 + 1)
	r1 = *(s16 *)(r2 - 2)
	r1 = *(s32 *)(r2 + 4)
	*(u8 *)(r1 + 1) = r2
	*(u64 *)(r10 - 512) = r2
	.byte 0x7a,0x0a,0xf8,0xff,0xff,0xff,0xff,0xff	# a store of an immediate
	r1 = 0x1122334455667788 ll
	r1 = -1 ll
	.byte 0x18,0x11,0,0,7,0,0,0,0,0,0,0,0,0,0,0	# a map's descriptor
	lock *(u32 *)(r1 + 4) += r2
	lock *(u64 *)(r1 + 8) += r2
	lock *(u64 *)(r1 + 8) |= r2
	lock *(u64 *)(r1 + 8) &= r2
	lock *(u64 *)(r1 + 8) ^= r2
	r2 = atomic_fetch_add((u64 *)(r1 + 8), r2)
	r2 = atomic_fetch_or((u64 *)(r1 + 8), r2)
	r2 = atomic_fetch_and((u64 *)(r1 + 8), r2)
	r2 = atomic_fetch_xor((u64 *)(r1 + 8), r2)
	w2 = atomic_fetch_add((u32 *)(r1 + 8), w2)
	r2 = xchg_64(r1 + 8, r2)
	r0 = cmpxchg_64(r1 + 8, r0, r2)
	w0 = cmpxchg32_32(r1 + 8, w0, w2)
	.byte 0xdb,0x12,0,0,0,1,0,0	# load_acquire, newer than LLVM 19
	r0 = *(u8 *)skb[14]
	r0 = *(u16 *)skb[r7]
	r0 = *(u32 *)skb[-1]
	exit

	.section jumps,"ax",@progbits
	.globl	branch
	.type	branch,@function
branch:
	goto again
again:
	if r1 == 0 goto again
	if r1 != r2 goto last
	if w1 > 5 goto last
	if w1 >= w2 goto last
	if r1 < 5 goto again
	if r1 <= r2 goto last
	if r1 s> -1 goto last
	if w1 s>= w2 goto last
	if r1 s< r2 goto last
	if w1 s<= 7 goto last
	if r1 & 1 goto last
	gotol last
	may_goto last
	.byte 0x05,0,0xd4,0xfe,0,0,0,0	# far before the section
	call 1
	call again
	.byte 0x85,0x20,0,0,9,0,0,0
	callx r1
	.local	inner
	.type	inner,@function
inner:
last:
	exit

	.section nameless,"ax",@progbits
	.byte 0x05,0,1,0,0,0,0,0
	r0 = 0
	exit

	.section between,"ax",@progbits
	.type	code,@function
	.globl	code
	.weak	other
	.type	other,@function
code:
other:
	r0 = 0
	.zero	20
	.byte	0xff,1,2,3,4,5,6,7
	exit
	.type	table,@object
table:
	.ascii	"data in code\n"
	.byte	0,255
	.type	after,@function
after:
	r0 = 0
	.byte	0x18,1,0,0
middle:
	.byte	1,2,3,4,5,6,7,8,9,10,11,12
	.byte	0x95,0,0
