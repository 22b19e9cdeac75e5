//! What a run costs before its first instruction, and what a lookup costs, the helper's call included.

use std::time::Instant;

use anyhow::{Result, ensure};
use skep_isa::Insn;
use skep_isa::spec::MapType;
use skep_object::{MapSpec, Object};
use skep_vm::{Machine, Outcome, Packet};

use crate::{SAMPLES, machine, object, row};

pub(crate) fn run() -> Result<()> {
    let nothing = object(vec![Insn::new(0xb7, 0, 0, 0, 2), Insn::new(0x95, 0, 0, 0, 0)], Vec::new());
    let mut entry = machine(&nothing)?;
    let entry = samples(|| time(&mut entry, 100_000))?;
    row("maps", "a run of `return 2`", "ns", &entry, None);
    for (map_type, name) in [(MapType::Array, "array"), (MapType::Hash, "hash")] {
        for entries in [1 << 10, 1 << 16] {
            let mut with = filled(&lookups(map_type, entries, true), entries)?;
            let mut without = filled(&lookups(map_type, entries, false), entries)?;
            let rounds = (1 << 18) / entries;
            let per_lookup =
                samples(|| Ok((time(&mut with, rounds)? - time(&mut without, rounds)?) / f64::from(entries)))?;
            row("maps", &format!("lookup, {name} of {} Ki entries", entries >> 10), "ns", &per_lookup, None);
        }
    }
    Ok(())
}

fn samples(mut one: impl FnMut() -> Result<f64>) -> Result<Vec<f64>> {
    (0..SAMPLES).map(|_| one()).collect()
}

/// Nanoseconds of a run, the mean of some.
fn time(machine: &mut Machine, runs: u32) -> Result<f64> {
    let mut packet = Packet::new();
    packet.set_frame(&[0; 64]);
    let started = Instant::now();
    for _ in 0..runs {
        let outcome = machine.run(0, &mut packet);
        ensure!(matches!(outcome, Outcome::Ran { result: 2, .. }), "{outcome:?}");
    }
    Ok(started.elapsed().as_secs_f64() * 1e9 / f64::from(runs))
}

/// Walks all keys in a scattered order; looks each up, or does all but the call.
fn lookups(map_type: MapType, entries: u32, call: bool) -> Object {
    let mut code = vec![
        Insn::new(0xb7, 6, 0, 0, 0),
        Insn::new(0x63, 10, 6, -4, 0),
        Insn::new(0x18, 1, 1, 0, 0),
        Insn::default(),
        Insn::new(0xbf, 2, 10, 0, 0),
        Insn::new(0x07, 2, 0, 0, -4),
    ];
    code.push(if call { Insn::new(0x85, 0, 0, 0, 1) } else { Insn::new(0xb7, 0, 0, 0, 1) });
    code.extend([
        Insn::new(0x15, 0, 0, 4, 0),
        Insn::new(0x07, 6, 0, 0, 40_503),
        Insn::new(0x57, 6, 0, 0, entries as i32 - 1),
        Insn::new(0x55, 6, 0, -10, 0),
        Insn::new(0xb7, 0, 0, 0, 2),
        Insn::new(0x95, 0, 0, 0, 0),
    ]);
    object(code, vec![MapSpec::new("map", map_type, 4, 8, entries)])
}

fn filled(object: &Object, entries: u32) -> Result<Machine> {
    let machine = machine(object)?;
    if let Some(map) = machine.map(0) {
        for key in 0..entries {
            map.update(&key.to_le_bytes(), &[1; 8], 0)?;
        }
    }
    Ok(machine)
}
