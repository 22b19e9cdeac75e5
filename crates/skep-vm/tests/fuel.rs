//! Fuel is time: a run ends soon whatever its helpers are made to do.

mod support;

use skep_isa::Insn;
use skep_isa::spec::MapType;
use skep_object::MapSpec;
use skep_vm::{Config, Fault, FaultKind, Machine, Outcome, Packet};
use support::*;

/// A loop around `body` that only fuel ends.
fn endless(start: &[Insn], body: &[Insn]) -> Vec<Insn> {
    [start, body, &[i(0x05, 0, 0, -(body.len() as i16) - 1, 0)]].concat()
}

/// Runs a program that only fuel ends: it must end in seconds, even unoptimised, where each call once took as long as it
/// liked.
fn exhausts(code: &[Insn], maps: &[MapSpec], prepare: impl FnOnce(&mut Machine)) {
    let config = Config { fuel: 1 << 20, ..Config::default() };
    let machine = Machine::new(&object("xdp", code, maps), None, config, Box::new(Still::default()));
    let mut machine = machine.expect("a good program");
    prepare(&mut machine);
    let mut packet = Packet::new();
    packet.set_frame(&[0; 64]);
    let start = std::time::Instant::now();
    let outcome = machine.run(0, &mut packet);
    assert!(matches!(outcome, Outcome::Fault(Fault { kind: FaultKind::Fuel { .. }, .. })), "{outcome:?}");
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn copies_of_megabytes_are_charged() {
    let spec = spec(MapType::Array, 4, 1 << 22, 2);
    // r6 = the first value; for ever: update the second with it.
    let start = [
        &[st(4, 10, -4, 0), movr(2, 10), add(2, -4)][..],
        &map(1, 0),
        &[call(1), i(0x55, 0, 0, 1, 0), exit(), movr(6, 0), st(4, 10, -4, 1)],
    ]
    .concat();
    let body = [&map(1, 0)[..], &[movr(2, 10), add(2, -4), movr(3, 6), mov(4, 0), call(2)]].concat();
    exhausts(&endless(&start, &body), &[spec], |_| {});
}

#[test]
fn lookups_in_a_prefix_tree_of_all_lengths_are_charged() {
    let spec = spec(MapType::LpmTrie, 260, 4, 4096);
    let start: Vec<Insn> = (0..65).map(|at| st(4, 10, -260 + 4 * at, -1)).chain([st(4, 10, -260, 2048)]).collect();
    let body = [&map(1, 0)[..], &[movr(2, 10), add(2, -260), call(1)]].concat();
    exhausts(&endless(&start, &body), &[spec], |machine| {
        for length in 0..2049_u32 {
            let key = [&length.to_le_bytes()[..], &[0; 256]].concat();
            machine.map(0).expect("the tree").update(&key, &[0; 4], 0).expect("room");
        }
    });
}

#[test]
fn walks_over_deleted_entries_are_charged() {
    let entries = 1 << 20;
    let spec = spec(MapType::Hash, 4, 4, entries);
    // The callback at the end returns 0.
    let each = [mov(0, 0), exit()];
    let body = [&map(1, 0)[..], &[i(0x18, 2, 4, 0, 5), i(0, 0, 0, 0, 0), mov(3, 0), mov(4, 0), call(164)]].concat();
    let code = [endless(&[], &body), each.to_vec()].concat();
    let callback = body.len() as i32 + 1;
    let mut code = code;
    code[2].imm = callback - 3;
    code.push(i(0x05, 0, 0, -1, 0));
    exhausts(&code, &[spec], |machine| {
        let map = machine.map(0).expect("the map");
        for key in 0..entries {
            map.update(&key.to_le_bytes(), &[0; 4], 0).expect("room");
        }
        for key in 0..entries {
            map.delete(&key.to_le_bytes()).expect("there");
        }
    });
}

#[test]
fn records_that_are_never_finished_end_the_run() {
    let spec = spec(MapType::Ringbuf, 0, 0, 1 << 24);
    let body = [&map(1, 0)[..], &[mov(2, 8), mov(3, 0), call(131)]].concat();
    let mut machine = machine("xdp", &endless(&[], &body), &[spec]);
    let mut packet = Packet::new();
    packet.set_frame(&[0; 64]);
    let outcome = machine.run(0, &mut packet);
    assert!(matches!(outcome, Outcome::Fault(Fault { kind: FaultKind::BadArgument { .. }, .. })), "{outcome:?}");
    assert_eq!(machine.records_lost(), 0);
}
