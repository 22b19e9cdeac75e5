// A socket filter with the loads of classic BPF, which end the program when they miss.
#include "packet.h"

unsigned long long load_byte(void *skb, unsigned long long off) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long off) asm("llvm.bpf.load.half");
unsigned long long load_word(void *skb, unsigned long long off) asm("llvm.bpf.load.word");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} words SEC(".maps");

SEC("socket")
int classic(struct __sk_buff *skb)
{
	// SKF_NET_OFF: from the network header, on any link.
	__u32 version = load_byte(skb, -0x100000) >> 4;
	__u64 *count, one = 1;

	if (version == 4) {
		__u32 protocol = load_byte(skb, -0x100000 + 9);
		__u32 header = (load_byte(skb, -0x100000) & 15) * 4;
		__u32 port = load_half(skb, -0x100000 + header + 2);

		count = bpf_map_lookup_elem(&words, &protocol);
		if (count)
			*count += port;
		else
			bpf_map_update_elem(&words, &protocol, &one, BPF_ANY);
		return protocol == IPPROTO_TCP ? 96 : 0;
	}
	if (version == 6)
		return load_word(skb, -0x100000 + 4) & 0xff ? -1 : 0;
	return load_word(skb, 100000) ? 1 : 2;
}
