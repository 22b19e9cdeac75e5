//! Hostile programs: each breaks one rule and gets a typed fault, or an error at load, and never harms its host.

mod support;

use skep_isa::Insn;
use skep_isa::spec::MapType;
use skep_vm::{Config, Error, FaultKind, Machine, Outcome, Packet, Region};
use support::*;

fn fault(code: &[Insn]) -> FaultKind {
    fault_at(code).0
}

fn fault_at(code: &[Insn]) -> (FaultKind, usize) {
    let maps = [spec(MapType::Array, 4, 12, 4), spec(MapType::Ringbuf, 0, 0, 4096)];
    match run("xdp", code, &maps, &ipv4(64)).0 {
        Outcome::Fault(fault) => (fault.kind, fault.slot),
        other => panic!("{other:?}"),
    }
}

fn refused(section: &str, code: &[Insn]) -> Error {
    let object = object(section, code, &[spec(MapType::Array, 4, 12, 4)]);
    Machine::new(&object, None, Config::default(), Box::new(Still::default())).expect_err("refused")
}

fn out_of(region: Region, offset: i64, size: usize) -> FaultKind {
    FaultKind::OutOfBounds { region, offset, size }
}

#[test]
fn null_and_small_numbers_are_no_pointers() {
    assert_eq!(fault(&[mov(1, 0), ldx(8, 0, 1, 0), exit()]), FaultKind::BadPointer { value: 0 });
    assert_eq!(fault(&[mov(1, 64), ldx(1, 0, 1, -1), exit()]), FaultKind::BadPointer { value: 63 });
    assert_eq!(fault(&[mov(1, -1), stx(8, 1, 1, 0), exit()]), FaultKind::BadPointer { value: u64::MAX });
}

#[test]
fn registers_begin_as_zero() {
    for register in 2..10 {
        assert_eq!(result("xdp", &[movr(0, register), exit()]), 0);
    }
    assert_eq!(result("xdp", &[exit()]), 0);
}

#[test]
fn the_packet_ends_at_data_end() {
    let load = |off| [ldx(4, 2, 1, 0), ldx(4, 0, 2, off), exit()];
    assert_eq!(fault_at(&load(61)), (out_of(Region::Packet, 61, 4), 1));
    assert_eq!(fault(&load(-1)), out_of(Region::Packet, -1, 4));
    assert!(matches!(run("xdp", &load(60), &[], &ipv4(64)).0, Outcome::Ran { insns: 3, .. }));
}

#[test]
fn a_packet_pointer_from_before_a_cut_sees_the_new_end() {
    let code = [movr(6, 1), ldx(4, 7, 1, 0), mov(2, -20), call(65), ldx(1, 0, 7, 50), exit()];
    assert_eq!(fault(&code), out_of(Region::Packet, 50, 1));
}

#[test]
fn the_stack_ends_at_its_frame() {
    assert_eq!(fault(&[stx(1, 10, 1, 0), exit()]), out_of(Region::Stack, 512, 1));
    assert_eq!(fault(&[stx(8, 10, 1, -4), exit()]), out_of(Region::Stack, 508, 8));
    assert_eq!(fault(&[stx(8, 10, 1, -520), exit()]), out_of(Region::Stack, -8, 8));
    assert_eq!(result("xdp", &[st(8, 10, -512, 7), ldx(8, 0, 10, -512), exit()]), 7);
}

#[test]
fn a_callee_reaches_its_caller_but_not_the_other_way() {
    // f(p) writes to the caller's stack.
    let code = [movr(1, 10), add(1, -8), i(0x85, 0, 1, 0, 2), ldx(8, 0, 10, -8), exit(), st(8, 1, 0, 9), exit()];
    assert_eq!(result("xdp", &code), 9);
    // f returns the address of a local; the caller reads it.
    let code = [i(0x85, 0, 1, 0, 2), ldx(8, 0, 0, 0), exit(), movr(0, 10), add(0, -8), exit()];
    assert_eq!(fault(&code), out_of(Region::Stack, -8, 8));
}

#[test]
fn an_endless_loop_runs_out_of_fuel() {
    assert!(matches!(fault(&[i(0x05, 0, 0, -1, 0), exit()]), FaultKind::Fuel { .. }));
    assert!(matches!(fault(&[mov(0, 0), i(0x06, 0, 0, 0, -2)]), FaultKind::Fuel { .. }));
}

#[test]
fn endless_recursion_ends_at_eight_frames() {
    assert_eq!(fault(&[i(0x85, 0, 1, 0, -1), exit()]), FaultKind::CallDepth { limit: 8 });
    // By callbacks too: main calls bpf_loop on itself.
    let code = [mov(1, 5), i(0x18, 2, 4, 0, -2), i(0, 0, 0, 0, 0), mov(3, 0), mov(4, 0), call(181), exit()];
    assert_eq!(fault(&code), FaultKind::CallDepth { limit: 8 });
}

#[test]
fn a_machine_runs_on_after_a_fault_in_a_deep_frame() {
    // Depth 8, then a null load; the second run must find its stack in order.
    let code = [
        ldx(4, 2, 1, 0),
        ldx(1, 2, 2, 0),
        i(0x15, 2, 0, 2, 1),
        st(8, 10, -8, 5),
        i(0x05, 0, 0, 1, 0),
        i(0x85, 0, 1, 0, 2),
        ldx(8, 0, 10, -8),
        exit(),
        mov(3, 0),
        ldx(8, 0, 3, 0),
        exit(),
    ];
    let mut machine = machine("xdp", &code, &[]);
    let mut packet = Packet::new();
    for round in 0..10 {
        packet.set_frame(&[1; 64]);
        assert!(matches!(machine.run(0, &mut packet), Outcome::Fault(fault) if fault.slot == 9), "round {round}");
        packet.set_frame(&[0; 64]);
        assert!(matches!(machine.run(0, &mut packet), Outcome::Ran { result: 5, .. }), "round {round}");
    }
    assert_eq!(machine.faults(), 10);
}

#[test]
fn a_map_value_ends_before_its_neighbour() {
    let value = |load: Insn| {
        let mut code = vec![st(4, 10, -4, 1)];
        code.extend(map(1, 0));
        code.extend([movr(2, 10), add(2, -4), call(1), load, exit()]);
        code
    };
    assert_eq!(fault(&value(ldx(8, 0, 0, 8))), out_of(Region::Map(0), 8, 8));
    assert_eq!(fault(&value(ldx(1, 0, 0, -1))), out_of(Region::Map(0), 15, 1));
    assert_eq!(fault(&value(stx(4, 0, 0, 12))), out_of(Region::Map(0), 12, 4));
}

#[test]
fn map_handles_and_functions_are_not_memory() {
    let mut code = map(1, 0).to_vec();
    code.extend([ldx(8, 0, 1, 0), exit()]);
    assert!(matches!(fault(&code), FaultKind::BadPointer { .. }));
    let code = [i(0x18, 1, 4, 0, 1), i(0, 0, 0, 0, 0), ldx(8, 0, 1, 0), exit()];
    assert!(matches!(fault(&code), FaultKind::BadPointer { .. }));
}

#[test]
fn forged_pointers_stay_in_the_sandbox() {
    // Every tag, a few offsets: a fault or bytes of the sandbox, never a crash.
    for tag in (0..600_u64).chain([0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
        for offset in [0, 8, 300, 4096, 0xffff_fff8, 0xffff_ffff] {
            for access in [ldx(8, 0, 1, 0), stx(8, 1, 0, 0), ldx(1, 0, 1, -1), i(0xdb, 1, 0, 0, 0xe1)] {
                let mut code = wide(1, tag << 32 | offset).to_vec();
                code.extend([access, exit()]);
                let maps = [spec(MapType::Array, 4, 8, 4), spec(MapType::Ringbuf, 0, 0, 4096)];
                run("xdp", &code, &maps, &ipv4(64));
            }
        }
    }
}

#[test]
fn the_context_is_written_where_the_kernel_lets_it() {
    assert_eq!(fault(&[st(4, 1, 0, 0), exit()]), FaultKind::ReadOnly { region: Region::Context });
    assert_eq!(fault(&[ldx(4, 0, 1, 24), exit()]), out_of(Region::Context, 24, 4));
    assert_eq!(fault(&[ldx(8, 0, 1, 0), exit()]), out_of(Region::Context, 0, 8));
    assert_eq!(result("tc", &[st(4, 1, 8, 77), ldx(4, 0, 1, 8), exit()]), 77);
}

#[test]
fn a_socket_filter_cannot_write_the_packet() {
    // Its context has no `data`; the address is a guess.
    let code = [i(0x18, 2, 0, 0, 256), i(0, 0, 0, 0, 6), stx(1, 2, 2, 0), exit()];
    assert!(matches!(run("socket", &code, &[], &ipv4(64)).0,
        Outcome::Fault(fault) if fault.kind == FaultKind::ReadOnly { region: Region::Packet }));
}

#[test]
fn records_must_be_finished_once() {
    let reserve = |rest: &[Insn]| {
        let mut code = map(1, 1).to_vec();
        code.extend([mov(2, 16), mov(3, 0), call(131)]);
        code.extend(rest);
        code
    };
    assert_eq!(fault(&reserve(&[mov(0, 0), exit()])), FaultKind::OpenRecord { count: 1 });
    assert_eq!(fault(&reserve(&[ldx(8, 0, 0, 12), exit()])), out_of(Region::Map(1), 12, 8));
    let twice = [movr(6, 0), movr(1, 6), mov(2, 0), call(132), movr(1, 6), mov(2, 0), call(132), exit()];
    assert!(matches!(fault(&reserve(&twice)), FaultKind::BadArgument { helper: "ringbuf_submit", argument: 1, .. }));
    let after = [movr(6, 0), movr(1, 6), mov(2, 0), call(132), ldx(8, 0, 6, 0), exit()];
    assert!(matches!(fault(&reserve(&after)), FaultKind::OutOfBounds { region: Region::Map(1), .. }));
}

#[test]
fn helpers_check_their_arguments() {
    assert!(matches!(fault(&[mov(1, 3), call(1), exit()]), FaultKind::BadArgument { argument: 1, .. }));
    assert!(matches!(fault(&[mov(1, 3), call(44), exit()]), FaultKind::BadArgument { argument: 1, .. }));
    let mut output = map(1, 1).to_vec();
    output.extend([movr(2, 10), add(2, -8), mov(3, -1), mov(4, 0), call(130), exit()]);
    assert!(matches!(fault(&output), FaultKind::BadArgument { helper: "ringbuf_output", argument: 3, .. }));
    let mut code = map(1, 0).to_vec();
    code.extend([movr(2, 10), call(1), exit()]);
    assert_eq!(fault(&code), out_of(Region::Stack, 512, 4), "a key that is not all on the stack");
}

#[test]
fn undefined_code_is_refused_at_load() {
    let why = |code: &[Insn]| match refused("xdp", code) {
        Error::BadCode { place, why } => (place.slot, why),
        other => panic!("{other}"),
    };
    assert_eq!(why(&[]).0, 0);
    assert_eq!(why(&[mov(0, 0)]).0, 0, "it falls off its end");
    assert_eq!(why(&[mov(0, 0), i(0x05, 0, 0, 5, 0), exit()]).0, 1, "a jump past the end");
    assert_eq!(why(&[i(0x05, 0, 0, -2, 0), exit()]).0, 0, "a jump before the start");
    assert_eq!(why(&[i(0x05, 0, 0, 1, 0), wide(1, 5)[0], wide(1, 5)[1], exit()]).0, 0, "into a wide load");
    assert_eq!(why(&[mov(0, 0), wide(1, 5)[0]]).0, 1, "half a wide load");
    assert_eq!(why(&[wide(1, 5)[0], mov(1, 0), exit()]).0, 0, "a wrong second half");
    assert_eq!(why(&[mov(11, 0), exit()]).0, 0, "no such register");
    assert_eq!(why(&[mov(10, 0), exit()]).0, 0, "the frame pointer");
    assert_eq!(why(&[i(0xbf, 1, 2, 1, 0), exit()]).0, 0, "a cast between address spaces there are not");
    assert_eq!(why(&[i(0x07, 1, 2, 0, 1), exit()]).0, 0, "a source register beside an immediate");
    assert_eq!(why(&[i(0xdb, 1, 2, 0, 0x33), exit()]).0, 0, "no such atomic");
    assert_eq!(why(&[i(0xd3, 1, 2, 0, 0), exit()]).0, 0, "an atomic on a byte");
    assert_eq!(why(&[i(0x20, 0, 0, 0, 0), exit()]).0, 0, "a classic load in an XDP program");
    assert_eq!(why(&[i(0x85, 0, 1, 0, 99), exit()]).0, 0, "a call past the end");
    assert_eq!(why(&[i(0x18, 1, 1, 0, 3), i(0, 0, 0, 0, 0), exit()]).0, 0, "no such map");
}

#[test]
fn instructions_the_vm_lacks_are_named_at_load() {
    for (insn, part) in [(i(0xbf, 1, 2, 1, 1), "an arena"), (i(0x85, 0, 2, 0, 5), "kernel function 5")] {
        let error = refused("xdp", &[mov(0, 0), insn, exit()]);
        assert!(matches!(&error, Error::Unsupported { place, .. } if place.slot == 1), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn helpers_the_vm_lacks_are_named_at_load() {
    for (section, id, part) in [
        ("xdp", 153, "not a helper of the vm: the vm has no per-CPU variables"),
        ("xdp", 26, "not for programs of this type"),
        ("tc", 44, "not for"),
        ("xdp", -1, "not a helper"),
    ] {
        let error = refused(section, &[mov(0, 0), call(id), exit()]);
        assert!(matches!(&error, Error::Helper { place, id: i, .. } if place.slot == 1 && *i == id), "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(error.diagnostic().to_string().starts_with("error[V0001]"), "{}", error.diagnostic());
    }
    let kfunc = refused("xdp", &[i(0x85, 0, 2, 0, 5), exit()]);
    assert!(matches!(kfunc, Error::Unsupported { .. }));
    assert!(matches!(refused("kprobe/x", &[mov(0, 0), exit()]), Error::ProgramType { .. }));
}

#[test]
fn a_fault_says_what_where_and_what_to_try() {
    let code = [mov(1, 0), ldx(8, 0, 1, 0), exit()];
    let object = object("xdp", &code, &[]);
    let Outcome::Fault(fault) = run("xdp", &code, &[], &ipv4(64)).0 else { panic!("it faults") };
    let text = fault.diagnostic(&object.programs[0], &object).to_string();
    for part in ["error[V0002]", "`test` broke a rule", "0x0", "instruction 1", "null means absent"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
