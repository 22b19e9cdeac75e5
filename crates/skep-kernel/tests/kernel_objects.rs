//! What clang makes, on the host's kernel: the examples, and a rejected program with its source line. Needs root, and
//! clang 19 for the latter.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod host;

use std::path::{Path, PathBuf};

use host::*;
use skep_diag::Style;
use skep_isa::spec::MapType;
use skep_kernel::{Error, Options, RingBuffer, TestRun, attach, load};
use skep_object::{Hook, MapSpec, Object};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn open(path: &Path) -> Object {
    let name = path.file_stem().and_then(|n| n.to_str()).and_then(|n| n.split('.').next()).expect("a name");
    Object::parse(name, &std::fs::read(path).expect("there")).expect("an object")
}

#[test]
fn every_example_loads_and_is_counted() {
    let mut seen = 0;
    for folder in std::fs::read_dir(examples()).expect("there").flatten().filter(|f| f.path().is_dir()) {
        let name = folder.file_name().into_string().expect("text");
        let object = open(&folder.path().join(format!("{name}.bpf.o")));
        let loaded = load(&object, &Options::default()).unwrap_or_else(|e| panic!("{name}: {}", e.diagnostic()));
        for (index, program) in object.programs.iter().enumerate() {
            assert_eq!(loaded.uncounted(index), None, "{name}: {}", program.name);
            let info = loaded.program(index).expect("loaded").info().expect("info");
            assert_ne!(info.btf_id, 0, "{name}: {} has lost its types", program.name);
            assert_eq!(loaded.counts(index).expect("counts").runs, Some(0));
        }
        // Stack traces are maps the kernel takes no types for.
        let typed = |map: &MapSpec| map.key_type.is_some() && map.map_type != MapType::StackTrace;
        for (index, map) in object.maps.iter().enumerate().filter(|(_, map)| typed(map)) {
            assert_ne!(
                loaded.map(index).expect("made").info().expect("info").btf_id,
                0,
                "{name}: {} has lost its types",
                map.name
            );
        }
        seen += 1;
    }
    assert!(seen >= 7, "{seen} examples");
}

#[test]
fn every_program_of_the_examples_attaches_where_it_says() {
    for (name, hook) in [("opens", None), ("syscalls", None), ("cpu", Some("profile:hz:99"))] {
        let object = open(&examples().join(format!("{name}/{name}.bpf.o")));
        let loaded = load(&object, &Options::default()).expect("loads");
        let mut links = vec![];
        for (index, program) in object.programs.iter().enumerate() {
            let hook = hook.map(|h| Hook::parse(h).expect("a hook")).or(program.hook.clone()).expect("a hook");
            links.push(attach(loaded.program(index).expect("loaded"), &hook).expect("attached"));
        }
        until("it ran", || {
            let _ = std::fs::read_to_string("/proc/self/stat");
            (0..object.programs.len()).any(|index| loaded.counts(index).expect("counts").runs > Some(0))
        });
    }
}

#[test]
fn a_rejection_shows_the_line_of_c() {
    let source = r#"#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} count SEC(".maps");

SEC("xdp")
int counter(struct xdp_md *ctx)
{
	__u32 key = ctx->ingress_ifindex;
	__u64 *value = bpf_map_lookup_elem(&count, &key);
	*value += 1;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
"#;
    let error = load(&compile("counter", source), &Options::default()).expect_err("rejected");
    let expected = "\
error[K0001]: the kernel rejected `counter`: R0 invalid mem access 'map_value_or_null'
  --> ./counter.bpf.c:16:2
   |
16 |     *value += 1;
   |     ^^^^^^^^^^^^ the verifier stopped here
   |
   = note: instruction 7: r1 = *(u64 *)(r0 +0)
   = note: the verifier says: R0 invalid mem access 'map_value_or_null'
   = help: the value may be null: compare it with 0 before it is used";
    assert_eq!(error.diagnostic().render(Style::Plain), expected);
    assert!(matches!(error, Error::Rejected { .. }));
}

/// Loops, subprograms, callbacks, data sections and early returns, instrumented all at once.
#[test]
fn a_program_of_many_parts_is_counted_exactly() {
    let source = r#"#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

const volatile __u64 limit = 3;
__u64 seen = 0, rounds = 0;

static int step(__u64 index, void *ctx)
{
	__sync_fetch_and_add(&rounds, 1);
	return index + 1 >= limit;
}

static __attribute__((noinline)) int note(__u8 first)
{
	__u64 *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record)
		return 0;
	*record = first;
	bpf_ringbuf_submit(record, 0);
	return 1;
}

SEC("xdp")
int parts(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	if (data + 2 > end)
		return XDP_ABORTED;
	seen += 1;
	if (data[0] == 9)
		return XDP_DROP;
	bpf_loop(10, step, 0, 0);
	for (int i = 0; i < 2; i++)
		if (!note(data[i]))
			return XDP_TX;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
"#;
    let object = compile("parts", source);
    let loaded = load(&object, &Options::default()).unwrap_or_else(|e| panic!("{}", e.diagnostic()));
    assert_eq!(loaded.uncounted(0), None);
    // Each run that passes writes two records of 16 bytes; the 128th finds room for one only.
    let program = loaded.program(0).expect("loaded");
    let mut returned = std::collections::BTreeMap::new();
    for first in [9_u8; 5].into_iter().chain([1; 140]) {
        let retval = program.test_run(&TestRun { data: &frame(first), ..Default::default() }).expect("runs").retval;
        *returned.entry(retval).or_insert(0) += 1;
    }
    let counts = loaded.counts(0).expect("counts");
    let counted = counts.results.expect("counted").into_iter().filter(|(_, n)| *n > 0).collect::<Vec<_>>();
    assert_eq!(counted, [("XDP_DROP", 5), ("XDP_PASS", 127), ("XDP_TX", 13)]);
    assert_eq!(returned.into_iter().collect::<Vec<_>>(), [(1, 5), (2, 127), (3, 13)]);
    assert_eq!(counts.records_lost, Some(13));
    assert_eq!(counts.runs, Some(145));
    let ring = object.maps.iter().position(|m| m.name == "ring").expect("ring");
    let mut ring = RingBuffer::new(loaded.map(ring).expect("ring")).expect("mapped");
    assert_eq!(ring.drain(|_| {}), 255);
    let bss = object.maps.iter().position(|m| m.name.ends_with(".bss")).expect("bss");
    let (_, value) = loaded.map(bss).expect("bss").entries().expect("walked").remove(0);
    let words: Vec<u64> = value.chunks(8).map(|w| u64::from_ne_bytes(w.try_into().expect("8 bytes"))).collect();
    assert!(words.contains(&145) && words.contains(&(140 * 3)), "{words:?}");
}
