//! One program alone before the verifier of the host's kernel: `load_one`. Needs root.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod host;

use std::sync::Arc;

use host::*;
use skep_isa::Insn;
use skep_isa::spec::MapType;
use skep_kernel::{Checked, Map, Verdict, load_one};
use skep_object::{MapSpec, Object, Reloc, RelocTarget};

/// Loads the address of a map and returns 1.
fn refers_to(map: usize) -> (Vec<Insn>, Vec<Reloc>) {
    let mut code = load_map(1).to_vec();
    code.extend(returns(1));
    (code, vec![Reloc { slot: 0, target: RelocTarget::Map(map) }])
}

fn impossible() -> MapSpec {
    map("impossible", MapType::Array, 3, 8, 1)
}

fn one(object: &Object, index: usize) -> Checked {
    load_one(object, index, &Arc::default()).expect("the object has this program")
}

#[test]
fn a_program_is_judged_with_the_maps_that_it_refers_to_alone() {
    let programs = vec![program("with", "xdp", refers_to(1)), program("without", "xdp", refers_to(0))];
    let object = object(programs, vec![impossible(), map("only_once", MapType::Array, 4, 8, 1)]);
    let checked = one(&object, 0);
    assert_eq!(checked.verdict, Verdict::Accept, "{checked:?}");
    assert_eq!((checked.processed, checked.errno, checked.message), (Some(3), None, None));
    assert!(checked.time_us.is_some() && checked.states.is_some());
    let checked = one(&object, 1);
    assert_eq!((checked.verdict, checked.processed), (Verdict::Undecided, None));
    let message = checked.message.expect("a reason");
    assert!(message.contains("did not create map `impossible`"), "{message}");
    assert!(load_one(&object, 2, &Arc::default()).is_none(), "the object has two programs");
}

#[test]
fn a_rejected_program_does_not_keep_the_next_from_its_verdict() {
    let programs = vec![program("mute", "xdp", (vec![exit()], vec![])), program("fine", "xdp", (returns(2), vec![]))];
    let object = object(programs, vec![]);
    let checked = one(&object, 0);
    assert_eq!((checked.verdict, checked.errno), (Verdict::Reject, Some(13)));
    assert_eq!(checked.message.as_deref(), Some("R0 !read_ok"));
    assert_eq!(checked.processed, Some(1));
    assert!(checked.log.contains("0: (95) exit"), "{}", checked.log);
    assert!(checked.diagnostic.is_some());
    assert_eq!(one(&object, 1).verdict, Verdict::Accept);
}

#[test]
fn maps_whose_size_the_object_leaves_open_get_one() {
    for map_type in [MapType::Hash, MapType::Cpumap, MapType::Ringbuf, MapType::StackTrace, MapType::PerfEventArray] {
        let (key, value) = if map_type == MapType::Ringbuf { (0, 0) } else { (4, 4) };
        let value = if map_type == MapType::StackTrace { 0 } else { value };
        let object = object(vec![program("p", "xdp", refers_to(0))], vec![map("open", map_type, key, value, 0)]);
        let checked = one(&object, 0);
        assert_eq!(checked.verdict, Verdict::Accept, "{map_type}: {:?}", checked.message);
    }
}

#[test]
fn what_the_kernel_does_not_have_and_what_no_type_fits_is_undecided_with_its_reason() {
    let symbol = (returns(1), vec![Reloc { slot: 0, target: RelocTarget::Extern("bpf_nothing".into()) }]);
    let programs = vec![program("asks", "xdp", symbol), program("lost", "no/such/section", (returns(0), vec![]))];
    let object = object(programs, vec![]);
    for (index, reason) in [(0, "has no symbol `bpf_nothing`"), (1, "which tells no program type")] {
        let checked = one(&object, index);
        assert_eq!((checked.verdict, checked.errno), (Verdict::Undecided, None));
        assert!(checked.message.as_deref().is_some_and(|m| m.contains(reason)), "{:?}", checked.message);
    }
}

#[test]
fn a_hidden_function_is_verified_where_it_is_called() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/object/hidden.bpf.o");
    let object = Object::parse("hidden.bpf.o", &std::fs::read(path).expect("read")).expect("an object");
    let checked = one(&object, 0);
    assert_eq!(checked.verdict, Verdict::Accept, "{:?}\n{}", checked.message, checked.log);
}

#[test]
fn nothing_is_left_of_what_was_judged() {
    let maps = vec![map("left_nowhere", MapType::Array, 4, 8, 1)];
    let checked = one(&object(vec![program("p", "xdp", refers_to(0))], maps), 0);
    assert_eq!(checked.verdict, Verdict::Accept);
    // The kernel frees a map a moment after its last holder lets go.
    let gone = || {
        let names = Map::ids().expect("ids").into_iter().filter_map(|id| Map::from_id(id).ok()?.info().ok());
        names.into_iter().all(|info| info.name != "left_nowhere")
    };
    assert!((0..100).any(|_| gone() || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        false
    }));
}

#[test]
fn an_optional_program_is_judged_as_any_other_on_this_host() {
    // It names a tracepoint of the kernel's types, which are read for the programs that are loaded.
    let program = program("named", "?tp_btf/sched_switch", (vec![mov(0, 0), exit()], vec![]));
    let checked = one(&object(vec![program], vec![]), 0);
    assert_eq!(checked.verdict, Verdict::Accept, "{checked:?}");
}
