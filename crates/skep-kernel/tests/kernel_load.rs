//! Maps, programs, rejections and counting on the host's kernel. Needs root.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod host;

use host::*;
use skep_diag::Style;
use skep_isa::Insn;
use skep_isa::spec::MapType;
use skep_kernel::{Counts, Error, Loaded, Map, Options, Program, RingBuffer, TestRun, feature, load};
use skep_object::{MapRole, MapSpec, Object, Reloc, RelocTarget};

fn loaded(object: &Object) -> Loaded {
    match load(object, &Options::default()) {
        Ok(loaded) => loaded,
        Err(e) => panic!("{}", e.diagnostic().render(Style::Plain)),
    }
}

fn results(counts: &Counts) -> Vec<(&'static str, u64)> {
    counts.results.clone().expect("counted").into_iter().filter(|(_, n)| *n > 0).collect()
}

fn run_on(loaded: &Loaded, index: usize, frame: &[u8]) -> u32 {
    let run = TestRun { data: frame, ..Default::default() };
    loaded.program(index).expect("loaded").test_run(&run).expect("runs").retval
}

#[test]
fn a_hash_map_takes_gives_walks_and_deletes() {
    let map = Map::create(&map("counts-of.things", MapType::Hash, 4, 8, 10), None).expect("created");
    assert_eq!(map.lookup(&[1, 0, 0, 0]).expect("looked up"), None);
    for key in 0..3_u32 {
        map.update(&key.to_ne_bytes(), &u64::from(key * 7).to_ne_bytes(), 0).expect("updated");
    }
    let mut entries = map.entries().expect("walked");
    entries.sort();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[2], (vec![2, 0, 0, 0], 14_u64.to_ne_bytes().to_vec()));
    assert!(map.delete(&[1, 0, 0, 0]).expect("deleted"));
    assert!(!map.delete(&[1, 0, 0, 0]).expect("was not there"));
    assert!(map.lookup(&[1]).is_err(), "a short key is refused, not read beyond");
    let info = map.info().expect("info");
    assert_eq!((info.name.as_str(), info.map_type), ("counts_of.thing", Some(MapType::Hash)));
    assert_eq!(Map::from_id(info.id).expect("opened").entries().expect("walked").len(), 2);
    assert!(Map::ids().expect("ids").contains(&info.id));
}

#[test]
fn a_per_cpu_value_has_one_padded_copy_for_each_possible_cpu() {
    let map = Map::create(&map("m", MapType::PercpuArray, 4, 4, 1), None).expect("created");
    assert_eq!(map.value_size(), 8 * skep_kernel::possible_cpus().expect("cpus"));
    let value: Vec<u8> = (0..map.value_size()).map(|at| u8::try_from(at % 8 % 4 + at / 8).expect("small")).collect();
    map.update(&[0; 4], &value, 0).expect("updated");
    let back = map.lookup(&[0; 4]).expect("looked up").expect("there");
    assert_eq!(back.len(), value.len());
    assert_eq!(back[..4], value[..4]);
    assert_eq!(back[8..12], value[8..12]);
}

#[test]
fn read_only_data_is_written_once_and_frozen() {
    let role = MapRole::Data { initial: vec![1, 2, 3, 4], read_only: true };
    let spec = MapSpec { flags: 1 << 7, role, ..map("test.rodata", MapType::Array, 4, 4, 1) };
    let map = Map::create(&spec, None).expect("created");
    assert_eq!(map.lookup(&[0; 4]).expect("looked up"), Some(vec![1, 2, 3, 4]));
    assert!(map.update(&[0; 4], &[0; 4], 0).is_err());
}

#[test]
fn a_ring_buffer_is_rounded_up_to_a_power_of_two_of_pages() {
    let map = Map::create(&map("ring", MapType::Ringbuf, 0, 0, 5000), None).expect("created");
    assert_eq!(map.info().expect("info").max_entries, 8192);
}

#[test]
fn a_map_beyond_memory_says_that_it_is_too_large() {
    let error = Map::create(&map("huge", MapType::Array, 4, 1 << 30, u32::MAX), None).expect_err("too large");
    assert!(matches!(error, Error::MapTooLarge { .. }), "{error}");
    assert!(error.diagnostic().render(Style::Plain).starts_with("error[M0002]: map `huge` is too large"));
}

#[test]
fn results_of_xdp_are_counted_exactly() {
    let object = object(vec![program("first", "xdp", (first_byte(), vec![]))], vec![]);
    let loaded = loaded(&object);
    assert_eq!(loaded.uncounted(0), None);
    for (byte, times) in [(0, 1), (1, 2), (2, 30), (4, 4), (5, 5), (200, 6)] {
        for _ in 0..times {
            assert_eq!(run_on(&loaded, 0, &frame(byte)), u32::from(byte));
        }
    }
    let counts = loaded.counts(0).expect("counts");
    let expected = [("XDP_ABORTED", 1), ("XDP_DROP", 2), ("XDP_PASS", 30), ("XDP_REDIRECT", 4), ("other", 11)];
    assert_eq!(results(&counts), expected);
    assert_eq!((counts.runs, counts.records_lost), (Some(48), Some(0)));
    assert!(counts.run_time_ns.is_some_and(|ns| ns > 0));
}

#[test]
fn results_of_tc_are_counted_exactly_negative_ones_too() {
    let returning = |n| program("t", "tc", (returns(n), vec![]));
    let object = object(vec![returning(-1), returning(2), returning(99)], vec![]);
    let loaded = loaded(&object);
    for (index, name) in ["TC_ACT_UNSPEC", "TC_ACT_SHOT", "other"].into_iter().enumerate() {
        for _ in 0..=index {
            run_on(&loaded, index, &frame(0));
        }
        assert_eq!(loaded.uncounted(index), None);
        assert_eq!(results(&loaded.counts(index).expect("counts")), [(name, index as u64 + 1)]);
    }
}

#[test]
fn results_of_a_socket_filter_are_kept_or_dropped() {
    let returning = |n| program("s", "socket", (returns(n), vec![]));
    let loaded = loaded(&object(vec![returning(0), returning(96)], vec![]));
    for (index, name) in ["drop", "keep"].into_iter().enumerate() {
        run_on(&loaded, index, &frame(0));
        assert_eq!(loaded.uncounted(index), None);
        assert_eq!(results(&loaded.counts(index).expect("counts")), [(name, 1)]);
    }
}

#[test]
fn counts_are_exact_when_many_cpus_run_at_once() {
    let object = object(vec![program("first", "xdp", (first_byte(), vec![]))], vec![]);
    let loaded = loaded(&object);
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| (0..2000).for_each(|_| assert_eq!(run_on(&loaded, 0, &frame(2)), 2)));
        }
    });
    assert_eq!(results(&loaded.counts(0).expect("counts")), [("XDP_PASS", 8000)]);
}

/// Records of 8 bytes take 16; a ring of 4096 bytes holds 255 of them.
#[test]
fn a_full_ring_buffer_loses_exactly_the_records_it_has_no_room_for() {
    let ring = map("ring", MapType::Ringbuf, 0, 0, 4096);
    let object = object(vec![program("out", "xdp", output(2)), program("res", "xdp", reserve())], vec![ring]);
    let loaded = loaded(&object);
    let mut buffer = RingBuffer::new(loaded.map(0).expect("ring")).expect("mapped");
    for index in [0, 1] {
        for _ in 0..300 {
            run_on(&loaded, index, &frame(0));
        }
        assert_eq!(loaded.uncounted(index), None);
        assert_eq!(loaded.counts(index).expect("counts").records_lost, Some(45));
        let mut records = 0;
        let taken = buffer.drain(|record| records += usize::from(record == 7_u64.to_ne_bytes()));
        assert_eq!((taken, records, buffer.pending()), (255, 255, 0));
    }
}

#[test]
fn a_failed_dynptr_reservation_counts_as_a_loss() {
    let ring = map("ring", MapType::Ringbuf, 0, 0, 4096);
    let mut code = vec![];
    code.extend(load_map(1));
    // 8192 bytes never fit; the dynptr is discarded as the verifier demands.
    code.extend([mov(2, 8192), mov(3, 0), copy(4, 10), Insn::new(0x07, 4, 0, 0, -16), call(198)]);
    code.extend([copy(1, 10), Insn::new(0x07, 1, 0, 0, -16), mov(2, 0), call(200)]);
    code.extend(returns(2));
    let relocs = vec![Reloc { slot: 0, target: RelocTarget::Map(0) }];
    let loaded = loaded(&object(vec![program("dyn", "xdp", (code, relocs))], vec![ring]));
    (0..3).for_each(|_| assert_eq!(run_on(&loaded, 0, &frame(0)), 2));
    assert_eq!(loaded.uncounted(0), None);
    assert_eq!(loaded.counts(0).expect("counts").records_lost, Some(3));
}

/// `bpf_ringbuf_reserve`, written and submitted where it succeeded.
fn reserve() -> (Vec<Insn>, Vec<Reloc>) {
    let mut code = vec![];
    code.extend(load_map(1));
    code.extend([mov(2, 8), mov(3, 0), call(131)]);
    code.extend([
        Insn::new(0x15, 0, 0, 5, 0), // if r0 == 0 goto return
        mov(1, 7),
        Insn::new(0x7b, 0, 1, 0, 0), // *(u64 *)r0 = r1
        copy(1, 0),
        mov(2, 0),
        call(132),
    ]);
    code.extend(returns(2));
    (code, vec![Reloc { slot: 0, target: RelocTarget::Map(0) }])
}

#[test]
fn a_program_loaded_verbatim_is_untouched_and_nothing_is_invented() {
    let object = object(vec![program("first", "xdp", (first_byte(), vec![]))], vec![]);
    let loaded = load(&object, &Options { counting: false, ..Options::default() }).expect("loads");
    run_on(&loaded, 0, &frame(2));
    assert_eq!(loaded.counts(0).expect("counts"), Counts::default());
    assert!(loaded.program(0).expect("loaded").info().expect("info").map_ids.is_empty());
}

#[test]
fn only_the_programs_asked_for_are_loaded() {
    let object = object(vec![program("a", "xdp", (vec![], vec![])), program("b", "xdp", (returns(2), vec![]))], vec![]);
    let options = Options { programs: Some(vec![1]), ..Default::default() };
    let loaded = load(&object, &options).expect("the broken one is left out");
    assert!(loaded.program(0).is_none());
    assert_eq!(loaded.program(1).map(Program::name), Some("b"));
    assert_eq!(loaded.counts(0).expect("counts"), Counts::default());
}

#[test]
fn a_rejection_names_the_instruction_the_reason_and_what_to_try() {
    // A lookup whose result is read without a null check.
    let mut code = vec![mov(1, 0), Insn::new(0x63, 10, 1, -4, 0), copy(2, 10), Insn::new(0x07, 2, 0, 0, -4)];
    let slot = u32::try_from(code.len()).expect("short");
    code.extend(load_map(1));
    code.extend([call(1), Insn::new(0x79, 1, 0, 0, 0)]);
    code.extend(returns(2));
    let relocs = vec![Reloc { slot, target: RelocTarget::Map(0) }];
    let maps = vec![map("m", MapType::Hash, 4, 8, 1)];
    let error = load(&object(vec![program("count", "xdp", (code, relocs))], maps), &Options::default());
    let error = error.expect_err("rejected");
    let expected = "\
error[K0001]: the kernel rejected `count`: R0 invalid mem access 'map_value_or_null'
 |
 = note: instruction 7: r1 = *(u64 *)(r0 +0)
 = note: the verifier says: R0 invalid mem access 'map_value_or_null'
 = help: the value may be null: compare it with 0 before it is used";
    assert_eq!(error.diagnostic().render(Style::Plain), expected);
    assert!(matches!(error, Error::Rejected { log, .. } if log.contains("processed")));
}

#[test]
fn an_undefined_symbol_is_named() {
    let mut code: Vec<Insn> = load_map(1).to_vec();
    code.extend(returns(2));
    let relocs = vec![Reloc { slot: 0, target: RelocTarget::Extern("no_such_symbol".into()) }];
    let error = load(&object(vec![program("p", "xdp", (code, relocs))], vec![]), &Options::default());
    assert!(error.expect_err("missing").to_string().contains("`no_such_symbol`"));
}

#[test]
fn a_dropped_object_leaves_nothing() {
    let ring = map("ring", MapType::Ringbuf, 0, 0, 4096);
    let loaded = loaded(&object(vec![program("out", "xdp", output(2))], vec![ring]));
    let program = loaded.program(0).expect("loaded").info().expect("info");
    assert_eq!(program.map_ids.len(), 2, "the ring buffer and the counters");
    drop(loaded);
    until_gone(program.id);
    until("the maps are gone", || Map::ids().expect("ids").iter().all(|id| !program.map_ids.contains(id)));
}

#[test]
fn this_kernel_has_what_its_features_say() {
    let programs = feature::program_types();
    let maps = feature::map_types();
    let answer = |t| programs.iter().find(|(p, _)| *p == t).map(|(_, a)| a.clone());
    assert_eq!(answer(skep_isa::spec::ProgType::Xdp), Some(feature::Answer::Yes));
    let yes = |t| maps.iter().any(|(m, a)| *m == t && *a == feature::Answer::Yes);
    assert!([MapType::Hash, MapType::Ringbuf, MapType::SkStorage, MapType::HashOfMaps].into_iter().all(yes));
    assert!(feature::facts().iter().any(|f| f.name == "kernel version" && f.value.is_some()));
    for (name, answer) in programs.iter().map(|(p, a)| (p.name(), a)).chain(maps.iter().map(|(m, a)| (m.name(), a))) {
        println!("{name}: {answer:?}");
    }
}

#[test]
fn a_log_of_megabytes_is_read_to_its_end() {
    let mut code = vec![mov(0, 0)];
    code.extend((0..60_000).map(|_| add(0, 1)));
    code.extend([copy(0, 9), exit()]);
    let error = load(&object(vec![program("long", "xdp", (code, vec![]))], vec![]), &Options::default());
    let Err(Error::Rejected { diagnostic, log }) = error else { panic!("{error:?}") };
    assert!(log.len() > 1 << 20, "{}", log.len());
    assert_eq!(diagnostic.title, "the kernel rejected `long`: R9 !read_ok");
}

#[test]
fn a_program_that_cannot_be_counted_is_loaded_untouched_and_says_why() {
    // The farthest jump there is, over one of two exits.
    let far = i16::MAX;
    let mut code = vec![Insn::new(0x61, 1, 1, 0, 0), mov(0, 2), Insn::new(0x15, 1, 0, far, 0)];
    code.extend((1..far).map(|_| mov(0, 2)));
    code.extend([exit(), exit()]);
    let loaded = loaded(&object(vec![program("far", "xdp", (code, vec![]))], vec![]));
    assert_eq!(loaded.uncounted(0), Some("a jump would become too long"));
    assert_eq!(loaded.counts(0).expect("counts").results, None);
    assert_eq!(run_on(&loaded, 0, &frame(0)), 2);
}

#[test]
fn without_privilege_the_error_says_which_capabilities_are_missing() {
    let thread = std::thread::spawn(|| {
        // Capabilities belong to a thread.
        let none = rustix::thread::CapabilitySet::empty();
        let sets = rustix::thread::CapabilitySets { effective: none, permitted: none, inheritable: none };
        rustix::thread::set_capabilities(None, sets).expect("dropped");
        load(&object(vec![program("p", "xdp", (returns(2), vec![]))], vec![]), &Options::default())
    });
    let error = thread.join().expect("no panic").expect_err("no privilege");
    let expected = "\
error[K0002]: BPF_PROG_LOAD is not permitted for program `p` of type xdp
 |
 = note: it needs CAP_BPF and CAP_NET_ADMIN
 = help: run it as root";
    assert_eq!(error.diagnostic().render(Style::Plain), expected);
}

#[test]
fn a_raw_tracepoint_is_test_run_on_its_arguments() {
    // Returns its first argument.
    let code = vec![Insn::new(0x79, 0, 1, 0, 0), exit()];
    let loaded = loaded(&object(vec![program("raw", "raw_tp", (code, vec![]))], vec![]));
    let run = TestRun { ctx: &42_u64.to_ne_bytes(), ..Default::default() };
    assert_eq!(loaded.program(0).expect("loaded").test_run(&run).expect("runs").retval, 42);
}

#[test]
fn a_frame_too_short_for_a_test_run_is_explained() {
    let loaded = loaded(&object(vec![program("x", "xdp", (returns(2), vec![]))], vec![]));
    let run = TestRun { data: &[0; 4], ..Default::default() };
    let text = loaded.program(0).expect("loaded").test_run(&run).expect_err("too short").diagnostic().to_string();
    assert!(text.contains("BPF_PROG_TEST_RUN") && text.contains("shorter or longer"), "{text}");
}

#[test]
fn types_are_read_back_by_id() {
    // Types 1 are the kernel's own.
    let types = skep_kernel::btf_bytes(1).expect("vmlinux");
    assert_eq!(types, std::fs::read("/sys/kernel/btf/vmlinux").expect("sysfs"));
}

#[test]
fn a_program_accepted_only_untouched_is_loaded_untouched_and_says_so() {
    // Ten instructions below the most the kernel takes.
    let mut code = vec![mov(0, 2); 999_989];
    code.push(exit());
    let loaded = loaded(&object(vec![program("big", "xdp", (code, vec![]))], vec![]));
    let why = loaded.uncounted(0).expect("not counted");
    assert!(why.starts_with("the verifier refuses the counting instructions: "), "{why}");
    let counts = loaded.counts(0).expect("counts");
    // It sends no records, so none are lost; what it returned is not known.
    assert_eq!((counts.results, counts.records_lost), (None, Some(0)));
    assert_eq!(run_on(&loaded, 0, &frame(0)), 2);
}

#[test]
fn losses_of_perf_buffers_are_not_invented() {
    let events = map("events", MapType::PerfEventArray, 4, 4, 0);
    let mut code = vec![mov(2, 7), Insn::new(0x7b, 10, 2, -8, 0)];
    let slot = u32::try_from(code.len()).expect("short");
    code.extend(load_map(2));
    code.extend([mov(3, 0), copy(4, 10), add(4, -8), mov(5, 8), call(25)]);
    code.extend(returns(2));
    let relocs = vec![Reloc { slot, target: RelocTarget::Map(0) }];
    let loaded = loaded(&object(vec![program("perf", "xdp", (code, relocs))], vec![events]));
    run_on(&loaded, 0, &frame(0));
    let counts = loaded.counts(0).expect("counts");
    assert_eq!((counts.records_lost, results(&counts)), (None, vec![("XDP_PASS", 1)]));
    let cpus = u32::try_from(skep_kernel::possible_cpus().expect("cpus")).expect("few");
    assert_eq!(loaded.map(0).expect("made").info().expect("info").max_entries, cpus, "one perf buffer for each CPU");
}
