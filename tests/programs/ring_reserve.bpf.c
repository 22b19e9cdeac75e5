// Records of several sizes reserved in place, every third discarded; their type is not told.
#include "packet.h"

struct note {
	__u64 number;
	__u32 length;
	__u32 mark;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8192);
} notes SEC(".maps");

long number;
struct note last;

SEC("tc")
int note(struct __sk_buff *skb)
{
	struct note *note = bpf_ringbuf_reserve(&notes, sizeof(*note), 0);

	number++;
	if (!note)
		return TC_ACT_SHOT;
	note->number = number;
	note->length = skb->len;
	note->mark = skb->mark;
	last = *note;
	if ((__u64)number % 3 == 0)
		bpf_ringbuf_discard(note, 0);
	else
		bpf_ringbuf_submit(note, BPF_RB_NO_WAKEUP);
	return TC_ACT_OK;
}
