; What a capture holds, counted in assembly: maps, data, subprograms of both kinds, a loop, every atomic, and
; instructions of all levels, in LLVM's spelling and here and there in the kernel's.
        .license "GPL"
        .map protocols array key=4 value=8 entries=256
        .map lengths hash key=4 value=8 entries=64
        .map flows hash key=8 value=16 entries=4096
        .map words array key=4 value=64 entries=1

        .section .rodata
; What a byte of a header counts for, by its lowest two bits.
weights:
        .long 1, 3, 5, 7
        .section .data
; Frames so far, and a sum over their headers.
frames: .quad 0
sum:    .quad 0

        .section xdp
        .global classify
classify:
        r6 = r1
        r7 = *(u32 *)(r6 + 0)           ; data
        r8 = *(u32 *)(r6 + 4)           ; data_end

; Frames are counted in the variable, before anything is looked at.
        r1 = frames ll
        r2 = 1
        r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)
        *(u64 *)(r10 - 48) = r2         ; number of this frame

; Lengths, rounded up to a power of two.
        r1 = r8
        r1 -= r7
        call power_of_two
        *(u32 *)(r10 - 4) = w0
        r1 = lengths ll
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        if r0 != 0 goto known_length
        *(u64 *)(r10 - 16) = 1
        r1 = lengths ll
        r2 = r10
        r2 += -4
        r3 = r10
        r3 += -16
        r4 = 0
        call bpf_map_update_elem#2
        goto ethernet
known_length:
        r1 = 1
        lock *(u64 *)(r0 + 0) += r1

; Ethernet and IPv4, or nothing more.
ethernet:
        r1 = r7
        r1 += 34
        if r1 > r8 goto done
        r1 = *(u16 *)(r7 + 12)
        r1 = be16 r1
        if r1 != 0x800 goto done

; Protocols.
        r1 = *(u8 *)(r7 + 23)
        *(u32 *)(r10 - 4) = r1
        r1 = protocols ll
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        if (r0 == 0) goto done
        (b7) r1 = 1
        (db) lock *(u64 *)(r0 +0) += r1

; Flows: the two addresses as they stand; packets and bytes.
        r1 = *(u32 *)(r7 + 26)
        r2 = *(u32 *)(r7 + 30)
        r1 <<= 32
        r1 |= r2
        *(u64 *)(r10 - 24) = r1
        r9 = *(u16 *)(r7 + 16)
        r9 = be16 r9
        r1 = flows ll
        r2 = r10
        r2 += -24
        call bpf_map_lookup_elem
        if r0 == 0 goto new_flow
        r1 = 1
        lock *(u64 *)(r0 + 0) += r1
        lock *(u64 *)(r0 + 8) += r9
        goto header
new_flow:
        r1 = 1
        *(u64 *)(r10 - 40) = r1
        *(u64 *)(r10 - 32) = r9
        r1 = flows ll
        r2 = r10
        r2 += -24
        r3 = r10
        r3 += -40
        r4 = 1                          ; BPF_NOEXIST
        call bpf_map_update_elem

; The loop: the bytes of the header, each with its weight.
header:
        r1 = 0                          ; sum
        r2 = 0                          ; index
        r3 = r7
        r3 += 14
        r5 = weights ll
.Lnext:
        r4 = *(u8 *)(r3 + 0)
        r0 = r4
        r0 &= 3
        r0 <<= 2
        *(u64 *)(r10 - 56) = r5
        r5 += r0
        r0 = *(u32 *)(r5 + 0)
        r5 = *(u64 *)(r10 - 56)
        r4 *= r0
        r1 += r4
        r3 += 1
        r2 += 1
        if r2 < 20 goto .Lnext
        r9 = r1
        r1 = sum ll
        lock *(u64 *)(r1 + 0) += r9

; Every atomic, on eight words that depend on all frames.
        r1 = 0
        *(u32 *)(r10 - 4) = r1
        r1 = words ll
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        if r0 == 0 goto done
        r8 = r0
        r1 = *(u64 *)(r10 - 48)
        lock *(u64 *)(r8 + 0) += r1
        lock *(u64 *)(r8 + 8) |= r9
        lock *(u64 *)(r8 + 16) ^= r9
        r2 = r9
        r2 = atomic_fetch_xor((u64 *)(r8 + 24), r2)
        r3 = r2
        r3 = xchg_64(r8 + 32, r3)
        r3 |= 0xff
        lock *(u64 *)(r8 + 32) &= r3
        w4 = w9
        w4 = atomic_fetch_or((u32 *)(r8 + 40), w4)
        w4 ^= w9
        (c3) r4 = atomic_fetch_add((u32 *)(r8 +44), r4)
        w4 = 0x7fffffff
        w4 = atomic_fetch_and((u32 *)(r8 + 40), w4)
        r0 = *(u64 *)(r8 + 48)
        r5 = r0
        r5 += r9
        r0 = cmpxchg_64(r8 + 48, r0, r5)
        w0 = 0
        w5 = w9
        w0 = cmpxchg32_32(r8 + 56, w0, w5)

; The newer instructions, for what they leave in the last word.
        r1 = r9
        r1 = bswap16 r1
        r2 = (s8)r1
        r2 = -r2
        w3 = (s16)w9
        w3 s%= 7
        r3 = (s32)r3
        r2 s/= 3
        r2 ^= r3
        r1 = r2
        r2 = r9
        call mix
        w1 = w0
        lock *(u32 *)(r8 + 60) ^= w1
        gotol done
done:
        r0 = 2                          ; XDP_PASS
        exit

; Subprograms stand here: libbpf wants those that are no programs in this section.
        .text
; Rounds r1 up to a power of two, at most 2^16.
power_of_two:
        r0 = 1
        r2 = 0
.Lgrow:
        if r0 >= r1 goto .Lgrown
        r0 <<= 1
        r2 += 1
        if w2 s< 16 goto .Lgrow
.Lgrown:
        exit

; Mixes two words.
mix:
        r0 = r1
        r0 *= 0x01000193
        r0 ^= r2
        r3 = r0
        r3 >>= 17
        r0 ^= r3
        r1 = r0
        call tail_of_mix
        exit
tail_of_mix:
        r0 = r1
        r0 s>>= 3
        w0 += w1
        exit
