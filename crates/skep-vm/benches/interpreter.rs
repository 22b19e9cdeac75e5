//! Times the interpreter: nanoseconds an instruction on small programs, a run's fixed cost, packets a second.
//! `cargo bench -p skep-vm`

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::Instant;

use skep_isa::Insn;
use skep_isa::spec::MapType;
use skep_vm::{Outcome, Packet};
use support::*;

/// Best of several rounds: instructions and nanoseconds of one run.
fn time(name: &str, code: &[Insn], maps: &[skep_object::MapSpec], runs: u32, refill: bool) {
    let mut machine = machine("xdp", code, maps);
    let frame = ipv4(64);
    let mut packet = Packet::new();
    packet.set_frame(&frame);
    let mut best = f64::MAX;
    let mut used = 0;
    for _ in 0..7 {
        let start = Instant::now();
        for _ in 0..runs {
            if refill {
                packet.set_frame(black_box(&frame));
            }
            match machine.run(0, &mut packet) {
                Outcome::Ran { insns, .. } => used = insns,
                other => panic!("{name}: {other:?}"),
            }
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(runs));
    }
    #[allow(clippy::print_stdout, reason = "a bench reports by printing")]
    {
        println!(
            "{name:24} {used:8} insns {best:10.1} ns/run {:6.2} ns/insn {:8.2} M runs/s",
            best / used as f64,
            1e3 / best
        );
    }
}

fn main() {
    time("entry", &[mov(0, 2), exit()], &[], 1_000_000, false);
    time("entry and frame copy", &[mov(0, 2), exit()], &[], 1_000_000, true);
    // xorshift: six shifts and xors a round.
    let mut xorshift = vec![mov(1, 88_172_645), mov(2, 0)];
    for (shift, by) in [(0x67, 13), (0x77, 7), (0x67, 17)] {
        xorshift.extend([movr(3, 1), i(shift, 3, 0, 0, by), i(0xaf, 1, 3, 0, 0)]);
    }
    xorshift.extend([add(2, 1), i(0xa5, 2, 0, -11, 10_000), movr(0, 1), exit()]);
    time("xorshift", &xorshift, &[], 30, true);
    // Bytes of the stack written and summed.
    let stack = [
        mov(0, 0),
        mov(2, 0),
        movr(1, 10),
        add(1, -64),
        stx(8, 1, 2, 0),
        ldx(8, 3, 1, 0),
        i(0x0f, 0, 3, 0, 0),
        stx(1, 1, 0, 8),
        ldx(1, 3, 1, 8),
        add(2, 1),
        i(0xa5, 2, 0, -7, 10_000),
        exit(),
    ];
    time("stack loads and stores", &stack, &[], 30, true);
    // An XDP parser: Ethernet, IPv4, UDP; counts by protocol in an array.
    let mut parser = vec![
        ldx(4, 7, 1, 4),
        ldx(4, 6, 1, 0),
        movr(2, 6),
        add(2, 14),
        i(0x2d, 2, 7, 29, 0),
        ldx(2, 3, 6, 12),
        i(0x55, 3, 0, 27, 8),
        movr(2, 6),
        add(2, 34),
        i(0x2d, 2, 7, 24, 0),
        ldx(1, 4, 6, 14),
        i(0x57, 4, 0, 0, 15),
        i(0x67, 4, 0, 0, 2),
        ldx(1, 5, 6, 23),
        i(0x55, 5, 0, 19, 17),
        movr(2, 6),
        add(2, 14),
        i(0x0f, 2, 4, 0, 0),
        movr(3, 2),
        add(3, 8),
        i(0x2d, 3, 7, 13, 0),
        ldx(2, 8, 2, 2),
        i(0xdc, 8, 0, 0, 16),
        stx(4, 10, 5, -4),
    ];
    parser.extend(map(1, 0));
    parser.extend([
        movr(2, 10),
        add(2, -4),
        call(1),
        i(0x15, 0, 0, 3, 0),
        mov(1, 1),
        i(0xdb, 0, 1, 0, 0),
        mov(0, 2),
        exit(),
    ]);
    parser.truncate(33);
    parser.push(mov(0, 2));
    parser.push(exit());
    let fix = parser.len() as i16 - 2;
    for (at, insn) in parser.iter_mut().enumerate() {
        if matches!(insn.code, 0x2d | 0x55 | 0x15) {
            insn.off = fix - at as i16 - 1;
        }
    }
    time("parser, array", &parser, &[spec(MapType::Array, 4, 8, 256)], 300_000, true);
    time("parser, hash", &parser, &[spec(MapType::Hash, 4, 8, 1024)], 300_000, true);
    for (name, map_type, entries) in [
        ("array lookup, 1 Ki", MapType::Array, 1 << 10),
        ("array lookup, 64 Ki", MapType::Array, 1 << 16),
        ("hash lookup, 1 Ki", MapType::Hash, 1 << 10),
        ("hash lookup, 64 Ki", MapType::Hash, 1 << 16),
    ] {
        lookups(name, spec(map_type, 4, 8, entries));
    }
}

/// One lookup, the helper's call included: a loop of lookups of all keys less the same loop without the call.
fn lookups(name: &str, map_spec: skep_object::MapSpec) {
    let entries = map_spec.max_entries;
    let round = |with: bool| {
        let mut code = vec![mov(6, 0)];
        code.extend([stx(4, 10, 6, -4)]);
        code.extend(map(1, 0));
        code.extend([movr(2, 10), add(2, -4)]);
        code.push(if with { call(1) } else { mov(0, 0) });
        code.extend([add(6, 40_503), i(0x57, 6, 0, 0, entries as i32 - 1), i(0x55, 6, 0, -9, 0), mov(0, 2), exit()]);
        let mut machine = machine("xdp", &code, std::slice::from_ref(&map_spec));
        let filled = machine
            .map_mut(0)
            .is_some_and(|map| (0..entries).all(|key| map.update(&key.to_le_bytes(), &[1; 8], 0).is_ok()));
        assert!(filled, "{name}");
        let mut packet = Packet::new();
        packet.set_frame(&ipv4(64));
        let mut best = f64::MAX;
        for _ in 0..9 {
            let start = Instant::now();
            for _ in 0..(1 << 18) / entries {
                assert!(matches!(machine.run(0, &mut packet), Outcome::Ran { result: 2, .. }));
            }
            best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(1 << 18));
        }
        best
    };
    let (with, without) = (round(true), round(false));
    #[allow(clippy::print_stdout, reason = "a bench reports by printing")]
    {
        println!("{name:24} {:6.1} ns a lookup", with - without);
    }
}
