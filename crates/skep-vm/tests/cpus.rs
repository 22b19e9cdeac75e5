//! Several threads run one object's programs at once, each as its own CPU.

use skep_isa::Insn;
use skep_isa::spec::{MapType, section};
use skep_object::{MapSpec, Object, ProgramSpec, Reloc, RelocTarget};
use skep_vm::{Config, Machine, Outcome, Packet, Still};

fn insn(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Insn {
    Insn::new(code, dst, src, off, imm)
}

/// An XDP program whose first wide load names the only map.
fn object(code: Vec<Insn>, map: MapSpec) -> Object {
    let slot = code.iter().position(|insn| insn.is_wide()).expect("a wide load") as u32;
    let program = ProgramSpec {
        name: "p".into(),
        section: "xdp".into(),
        kind: section::find("xdp").map(|(row, _)| row),
        hook: None,
        code,
        relocs: vec![Reloc { slot, target: RelocTarget::Map(0) }],
        funcs: vec![],
        lines: vec![],
    };
    Object {
        name: "o".into(),
        license: "GPL".into(),
        programs: vec![program],
        maps: vec![map],
        externs: vec![],
        btf: None,
        big_endian: false,
    }
}

/// Looks up key 0 and adds 1 to its value at once; returns 1, or 0 where there is none.
fn count() -> Vec<Insn> {
    vec![
        insn(0x62, 10, 0, -4, 0),
        insn(0x18, 1, 1, 0, 0),
        Insn::default(),
        insn(0xbf, 2, 10, 0, 0),
        insn(0x07, 2, 0, 0, -4),
        insn(0x85, 0, 0, 0, 1),
        insn(0x15, 0, 0, 3, 0),
        insn(0xb7, 1, 0, 0, 1),
        insn(0xdb, 0, 1, 0, 0),
        insn(0xb7, 0, 0, 0, 1),
        insn(0x95, 0, 0, 0, 0),
    ]
}

/// Writes 16 bytes of the CPU's number into a ring buffer's record.
fn record() -> Vec<Insn> {
    vec![
        insn(0x85, 0, 0, 0, 8),
        insn(0xbf, 6, 0, 0, 0),
        insn(0x18, 1, 1, 0, 0),
        Insn::default(),
        insn(0xb7, 2, 0, 0, 16),
        insn(0xb7, 3, 0, 0, 0),
        insn(0x85, 0, 0, 0, 131),
        insn(0x15, 0, 0, 5, 0),
        insn(0x7b, 0, 6, 0, 0),
        insn(0x7b, 0, 6, 8, 0),
        insn(0xbf, 1, 0, 0, 0),
        insn(0xb7, 2, 0, 0, 0),
        insn(0x85, 0, 0, 0, 132),
        insn(0xb7, 0, 0, 0, 2),
        insn(0x95, 0, 0, 0, 0),
    ]
}

const CPUS: usize = 4;
const RUNS: u64 = 5_000;

fn on_all(object: &Object) -> Machine {
    let config = Config { cpus: CPUS, ..Config::default() };
    let first = Machine::new(object, None, config, Box::new(Still)).expect("a good object");
    std::thread::scope(|scope| {
        for cpu in 0..CPUS {
            let mut machine = first.on_cpu(cpu, Box::new(Still));
            assert_eq!(machine.cpu(), cpu);
            scope.spawn(move || {
                let mut packet = Packet::new();
                for _ in 0..RUNS {
                    packet.set_frame(&[0; 64]);
                    assert!(matches!(machine.run(0, &mut packet), Outcome::Ran { result: 1 | 2, .. }));
                }
            });
        }
    });
    first
}

#[test]
fn an_atomic_add_on_four_cpus_loses_nothing() {
    for map_type in [MapType::Array, MapType::Hash, MapType::LruHash] {
        let object = object(count(), MapSpec::new("m", map_type, 4, 8, 4));
        let config = Config { cpus: CPUS, ..Config::default() };
        let first = Machine::new(&object, None, config, Box::new(Still)).expect("a good object");
        let map = first.map(0).expect("the map").clone();
        map.update(&[0; 4], &[0; 8], 0).expect("room");
        std::thread::scope(|scope| {
            for cpu in 0..CPUS {
                let mut machine = first.on_cpu(cpu, Box::new(Still));
                scope.spawn(move || {
                    let mut packet = Packet::new();
                    for _ in 0..RUNS {
                        packet.set_frame(&[0; 64]);
                        assert!(matches!(machine.run(0, &mut packet), Outcome::Ran { result: 1, .. }));
                    }
                });
            }
        });
        assert_eq!(map.lookup(&[0; 4]), Some((CPUS as u64 * RUNS).to_le_bytes().to_vec()), "{map_type:?}");
    }
}

#[test]
fn each_cpu_counts_in_its_own_value() {
    let first = on_all(&object(count(), MapSpec::new("m", MapType::PercpuArray, 4, 8, 1)));
    let value = first.map(0).and_then(|map| map.lookup(&[0; 4]));
    assert_eq!(value, Some([RUNS.to_le_bytes(); CPUS].concat()));
}

#[test]
fn records_of_four_cpus_come_whole_and_are_all_counted() {
    let first = on_all(&object(record(), MapSpec::new("m", MapType::Ringbuf, 0, 0, 1 << 16)));
    let mut seen = 0;
    first.drain(0, |record| {
        assert_eq!((record.len(), &record[..8]), (16, &record[8..]));
        seen += 1;
    });
    assert_eq!(seen + first.records_lost(), CPUS as u64 * RUNS);
    assert_eq!(seen, ((1 << 16) - 1) / 24, "the ring was full");
}
