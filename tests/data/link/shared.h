// What the files that are linked say to one another.
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct limits {
	__u32 small;
	__u32 large;
	struct limits *next;
};

struct frame {
	__u32 length;
	const struct limits *limits;
};

enum class { SMALL, MIDDLE, LARGE, CLASSES };

struct totals {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLASSES);
	__type(key, enum class);
	__type(value, __u64);
};

// Two files have a static function, a static variable and a callback of these names.
static long seen = SEEN;
static const volatile __u32 step = STEP;

static __noinline __u64 mix(__u64 value)
{
	seen++;
	return value * STEP + step;
}

static __attribute__((unused)) long add(__u64 index, void *sum)
{
	*(__u64 *)sum += index + STEP;
	return 0;
}
