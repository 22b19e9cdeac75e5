//! Ways through a program besides jumps and calls of a fixed function: loops that end for certain, calls and jumps
//! through registers, exceptions.

mod support;

use skep_btf::{Btf, Builder, Kind, TypeId};
use skep_isa::Insn;
use skep_isa::spec::MapType;
use skep_object::{Content, FuncInfo, Object, ProgramSpec, Reloc, RelocTarget};
use skep_vm::{Config, Fault, FaultKind, Machine, Outcome, Packet, Region};
use support::*;

fn fault(code: &[Insn]) -> FaultKind {
    match run("xdp", code, &[spec(MapType::Array, 4, 12, 4)], &ipv4(64)).0 {
        Outcome::Fault(fault) => fault.kind,
        other => panic!("{other:?}"),
    }
}

/// The address of the function `distance` slots behind the wide load.
fn function(dst: u8, distance: i32) -> [Insn; 2] {
    [i(0x18, dst, 4, 0, distance), i(0, 0, 0, 0, 0)]
}

fn may_goto(distance: i16) -> Insn {
    i(0xe5, 0, 0, distance, 0)
}

/// What an object's first program ends with, on 64 zeros.
fn ends(object: &Object, fuel: u64) -> Outcome {
    let config = Config { fuel, ..Config::default() };
    let mut machine = Machine::new(object, None, config, Box::new(Still::default())).expect("a good program");
    let mut packet = Packet::new();
    packet.set_frame(&[0; 64]);
    machine.run(0, &mut packet)
}

#[test]
fn a_loop_passes_may_goto_eight_million_times() {
    let code = [mov(0, 0), may_goto(2), add(0, 1), i(0x05, 0, 0, -3, 0), exit()];
    let outcome = ends(&object("xdp", &code, &[]), 1 << 26);
    assert_eq!(outcome, Outcome::Ran { result: 8 << 20, insns: 3 * (8 << 20) + 3 });
}

#[test]
fn each_frame_passes_may_goto_anew() {
    // The callee uses its own up; the caller may still pass.
    let callee = [may_goto(1), i(0x05, 0, 0, -2, 0), mov(0, 0), exit()];
    let code = [&[may_goto(4), i(0x85, 0, 1, 0, 5), may_goto(2), mov(0, 7), exit(), mov(0, 9), exit()][..], &callee];
    assert!(matches!(ends(&object("xdp", &code.concat(), &[]), 1 << 26), Outcome::Ran { result: 7, .. }));
}

#[test]
fn a_loop_with_may_goto_is_held_to_the_limit_of_instructions() {
    let code = [mov(0, 0), may_goto(1), i(0x05, 0, 0, -2, 0), exit()];
    let outcome = ends(&object("xdp", &code, &[]), 1000);
    assert!(matches!(outcome, Outcome::Fault(f) if f.kind == FaultKind::Fuel { limit: 1000 }), "{outcome:?}");
}

#[test]
fn a_call_through_a_register_reaches_a_function_whose_address_was_taken() {
    let code =
        [&function(3, 4)[..], &[mov(1, 20), i(0x8d, 3, 0, 0, 0), exit(), movr(0, 1), add(0, 1), exit()]].concat();
    assert_eq!(result("xdp", &code), 21);
}

#[test]
fn a_call_through_anything_else_is_refused() {
    assert_eq!(fault(&[mov(3, 0), i(0x8d, 3, 0, 0, 0), exit()]), FaultKind::BadTarget { value: 0 });
    assert!(matches!(fault(&[i(0x8d, 10, 0, 0, 0), exit()]), FaultKind::BadTarget { .. }));
    assert!(matches!(fault(&[i(0x8d, 1, 0, 0, 0), exit()]), FaultKind::BadTarget { .. }));
    // One slot into the function, and far past the end.
    for distance in [1, 1 << 20, -1] {
        let code = [
            &function(3, 4)[..],
            &[add(3, distance), i(0x8d, 3, 0, 0, 0), exit(), movr(0, 1), movr(0, 1), movr(0, 1), exit()],
        ];
        assert!(matches!(fault(&code.concat()), FaultKind::BadTarget { .. }), "{distance}");
    }
}

#[test]
fn recursion_through_a_register_ends_at_eight_frames() {
    let code = [&function(3, -1)[..], &[i(0x8d, 3, 0, 0, 0), exit()]].concat();
    assert_eq!(fault(&code), FaultKind::CallDepth { limit: 8 });
}

#[test]
fn a_jump_through_a_register_stays_in_the_program() {
    let code = [&function(3, 3)[..], &[i(0x0d, 3, 0, 0, 0), mov(0, 1), exit()]].concat();
    assert_eq!(result("xdp", &[&[mov(0, 5)], &code[..]].concat()), 5);
    assert!(matches!(fault(&[i(0x0d, 1, 0, 0, 0), exit()]), FaultKind::BadTarget { .. }));
    // Into the second half of a wide load.
    let hole = [&function(3, -1)[..], &[add(3, 1), i(0x0d, 3, 0, 0, 0), exit()]].concat();
    assert!(matches!(fault(&hole), FaultKind::BadTarget { .. }));
}

/// `main` calls a function that throws r1 = 40 + 2; `handler` is where the exception goes.
fn throwing(handler: bool) -> Object {
    let code = [
        i(0x85, 0, 1, 0, 2),
        mov(0, 1),
        exit(),
        mov(1, 42),
        i(0x85, 0, 2, 0, 0),
        exit(),
        // The handler: its argument and 100 more.
        movr(0, 1),
        add(0, 100),
        exit(),
    ];
    let mut object = object("xdp", &code, &[]);
    let throw = RelocTarget::Extern("bpf_throw".to_owned());
    object.programs[0].relocs.push(Reloc { slot: 4, target: throw });
    if handler {
        let mut builder = Builder::new();
        let proto = builder.add("", Kind::FuncProto { ret: TypeId(0), params: Vec::new() });
        let main = builder.add("test", Kind::Func { proto, linkage: 1 });
        builder.add("exception_callback:catch", Kind::DeclTag { type_id: main, component: -1 });
        object.btf = Btf::parse(&builder.encode().expect("small")).ok();
        let function = |slot, name: &str, type_id| FuncInfo { slot, name: name.to_owned(), type_id };
        object.programs[0].funcs =
            vec![function(0, "test", Some(main)), function(3, "thrower", None), function(6, "catch", None)];
    }
    object
}

#[test]
fn an_exception_ends_the_program_from_any_depth_with_its_value() {
    assert_eq!(ends(&throwing(false), 100), Outcome::Ran { result: 42, insns: 3 });
}

#[test]
fn the_handler_of_an_exception_says_what_the_program_returns() {
    assert_eq!(ends(&throwing(true), 100), Outcome::Ran { result: 142, insns: 6 });
    // It counts against the same limit.
    assert!(matches!(ends(&throwing(true), 5), Outcome::Fault(f) if f.kind == FaultKind::Fuel { limit: 5 }));
}

#[test]
fn an_exception_leaves_callbacks_of_helpers_too() {
    // bpf_loop(1000, throw 7): the helper does not go on.
    let callback = [mov(1, 7), i(0x85, 0, 2, 0, 0), exit()];
    let start = [&[mov(1, 1000)][..], &function(2, 6), &[mov(3, 0), mov(4, 0), call(181), mov(0, 1), exit()]].concat();
    let mut object = object("xdp", &[&start[..], &callback].concat(), &[]);
    object.programs[0].relocs.push(Reloc { slot: 9, target: RelocTarget::Extern("bpf_throw".to_owned()) });
    assert!(matches!(ends(&object, 100), Outcome::Ran { result: 7, .. }));
    // The machine is in order afterwards.
    assert!(matches!(ends(&object, 100), Outcome::Ran { result: 7, .. }));
}

#[test]
fn atomics_lie_as_their_size_wants() {
    let region = Region::Stack;
    for (code, size, off, offset) in [(0xdb_u8, 8, -12_i16, 500), (0xc3, 4, -6, 506)] {
        let program = [st(8, 10, -8, 0), st(8, 10, -16, 0), mov(1, 1), i(code, 10, 1, off, 0), exit()];
        assert_eq!(fault(&program), FaultKind::Misaligned { region, offset, size });
    }
    let outside = [mov(1, 1), i(0xdb, 10, 1, 4, 0), exit()];
    assert_eq!(fault(&outside), FaultKind::OutOfBounds { region, offset: 516, size: 8 });
}

#[test]
fn acquire_and_release_load_and_store() {
    let code = [mov(1, -2), i(0xdb, 10, 1, -8, 0x110), i(0xc3, 0, 10, -8, 0x100), i(0xcb, 10, 1, -8, 0x110), exit()];
    assert_eq!(result("xdp", &code), -2);
}

/// Programs `p0`, `p1`, … with an array that holds `p0` under 0, `p1` under 1, and so on, and nothing under 7.
fn in_an_array(programs: &[&[Insn]]) -> Object {
    let mut array = spec(MapType::ProgArray, 4, 4, 8);
    array.contents = (0..).zip(programs).map(|(key, _)| (key, Content::Program(format!("p{key}")))).collect();
    let maps = [array, spec(MapType::Array, 4, 8, 1)];
    let mut whole = object("xdp", &[exit()], &maps);
    let one = |(n, code): (usize, &&[Insn])| ProgramSpec {
        name: format!("p{n}"),
        ..object("xdp", code, &maps).programs.swap_remove(0)
    };
    whole.programs = programs.iter().enumerate().map(one).collect();
    whole
}

/// bpf_tail_call(r1, the array, key)
fn tail_call(key: i32) -> Vec<Insn> {
    [&map(2, 0)[..], &[mov(3, key), call(12)]].concat()
}

#[test]
fn a_tail_call_goes_on_with_the_other_program() {
    let first = [&[mov(6, 5)], &tail_call(1)[..], &[mov(0, 1), exit()]].concat();
    // What the first one had in its registers is gone, but not its context.
    let second = [ldx(4, 2, 1, 0), ldx(4, 0, 1, 4), i(0x1f, 0, 2, 0, 0), i(0x0f, 0, 6, 0, 0), exit()];
    assert_eq!(ends(&in_an_array(&[&first, &second]), 100), Outcome::Ran { result: 64, insns: 4 + 5 });
}

#[test]
fn an_empty_place_and_one_past_the_end_are_passed_by() {
    for key in [7, 8, -1] {
        let first = [&tail_call(key)[..], &[mov(0, 3), exit()]].concat();
        assert_eq!(ends(&in_an_array(&[&first]), 100), Outcome::Ran { result: 3, insns: 5 }, "{key}");
    }
}

#[test]
fn the_thirty_fourth_tail_call_is_passed_by() {
    // Counts its runs in map 1, then calls itself.
    let count = [
        &[movr(6, 1), st(4, 10, -4, 0)][..],
        &map(1, 1),
        &[movr(2, 10), add(2, -4), call(1), i(0x55, 0, 0, 1, 0), exit(), ldx(8, 7, 0, 0), add(7, 1), stx(8, 0, 7, 0)],
        &[movr(1, 6)],
        &tail_call(0),
        &[movr(0, 7), exit()],
    ];
    assert!(matches!(ends(&in_an_array(&[&count.concat()]), 10000), Outcome::Ran { result: 34, .. }));
}

#[test]
fn programs_that_tail_call_each_other_are_held_to_one_limit() {
    let one = [&tail_call(1)[..], &[mov(0, 1), exit()]].concat();
    let other = [&tail_call(0)[..], &[mov(0, 2), exit()]].concat();
    let object = in_an_array(&[&one, &other]);
    // 34 times three instructions, and two.
    assert_eq!(ends(&object, 104), Outcome::Ran { result: 2, insns: 3 * 34 + 2 });
    assert!(matches!(ends(&object, 103), Outcome::Fault(f) if f.kind == FaultKind::Fuel { limit: 103 }));
}

#[test]
fn a_tail_call_of_a_function_returns_to_the_functions_caller() {
    let first = [&[i(0x85, 0, 1, 0, 2), add(0, 100), exit()], &tail_call(1)[..], &[mov(0, 1), exit()]].concat();
    let second = [mov(0, 7), mov(6, 0), exit()];
    assert!(matches!(ends(&in_an_array(&[&first, &second]), 100), Outcome::Ran { result: 107, .. }));
}

#[test]
fn a_fault_behind_a_tail_call_is_the_other_programs() {
    let first = [&tail_call(1)[..], &[mov(0, 1), exit()]].concat();
    let object = in_an_array(&[&first, &[mov(2, 0), ldx(8, 0, 2, 0), exit()]]);
    let Outcome::Fault(fault) = ends(&object, 100) else { panic!("no fault") };
    assert_eq!((fault.kind, fault.slot, fault.program), (FaultKind::BadPointer { value: 0 }, 1, Some(1)));
    let text = fault.diagnostic(&object.programs[0], &object).to_string();
    assert!(text.contains("instruction 1 of `p1`"), "{text}");
}

#[test]
fn a_tail_call_needs_the_context_and_an_array_of_programs() {
    let bad = |code: Vec<Insn>| match ends(&in_an_array(&[&code]), 100) {
        Outcome::Fault(Fault { kind: FaultKind::BadArgument { helper: "tail_call", argument, .. }, .. }) => argument,
        other => panic!("{other:?}"),
    };
    assert_eq!(bad([&[mov(1, 0)], &tail_call(0)[..], &[exit()]].concat()), 1);
    assert_eq!(bad([&map(2, 1)[..], &[mov(3, 0), call(12), exit()]].concat()), 2);
    assert_eq!(bad(vec![mov(2, 0), mov(3, 0), call(12), exit()]), 2);
}
