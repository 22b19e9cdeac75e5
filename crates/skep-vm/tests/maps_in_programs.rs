//! What programs do with maps that are not keys and values: queues, maps of maps, events, arenas.

mod support;

use skep_isa::Insn;
use skep_isa::spec::{MapType, map_flag};
use skep_object::{Content, MapRole, MapSpec, Reloc, RelocTarget};
use skep_vm::{Config, Machine, Outcome, Packet, Still};
use support::*;

#[track_caller]
fn ran(machine: &mut Machine) -> i32 {
    let mut packet = Packet::new();
    packet.set_frame(&ipv4(64));
    match machine.run(0, &mut packet) {
        Outcome::Ran { result, .. } => result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_map_in_a_map_is_found_and_looked_into() {
    for (outer, key_size) in [(MapType::ArrayOfMaps, 4), (MapType::HashOfMaps, 4)] {
        let mut maps = [spec(outer, key_size, 4, 4), spec(MapType::Array, 4, 4, 2)];
        maps[0].contents = vec![(2, Content::Map(1))];
        let look = |key: i32| {
            let mut code = vec![st(4, 10, -4, key)];
            code.extend(map(1, 0));
            code.extend([movr(2, 10), add(2, -4), call(1), i(0x15, 0, 0, 7, 0)]);
            code.extend([st(4, 10, -4, 1), movr(1, 0), movr(2, 10), add(2, -4), call(1), i(0x15, 0, 0, 1, 0)]);
            code.extend([ldx(4, 0, 0, 0), exit()]);
            code
        };
        let mut machine = machine("xdp", &look(2), &maps);
        machine.map(1).expect("the inner map").update(&[1, 0, 0, 0], &[77, 0, 0, 0], 0).expect("in it");
        assert_eq!(ran(&mut machine), 77, "{outer}");
        let mut nothing = support::machine("xdp", &look(1), &maps);
        assert_eq!(ran(&mut nothing), 0, "{outer}");
        machine.map(0).expect("the outer map").delete(&[2, 0, 0, 0]).expect("it holds one");
        assert_eq!(ran(&mut machine), 0, "{outer}");
    }
}

#[test]
fn an_event_is_the_program_s_bytes_and_as_much_of_the_packet_as_it_says() {
    let maps = [spec(MapType::PerfEventArray, 4, 4, 0)];
    let output = |flags: u64| {
        let mut code = vec![st(8, 10, -8, 0x0102_0304), movr(6, 1)];
        code.extend([movr(1, 6)]);
        code.extend(map(2, 0));
        code.extend(wide(3, flags));
        code.extend([movr(4, 10), add(4, -8), mov(5, 8), call(25), exit()]);
        code
    };
    let mut machine = machine("xdp", &output(0xffff_ffff | 14 << 32), &maps);
    assert_eq!(ran(&mut machine), 0);
    let mut seen = Vec::new();
    machine.drain(0, |record| seen.push(record.to_vec()));
    assert_eq!(seen, [[&[4, 3, 2, 1, 0, 0, 0, 0], &ipv4(64)[..14]].concat()]);
    for (flags, errno) in [(5, -7), (1 << 63, -22), (0xffff_ffff | 5000 << 32, -14)] {
        assert_eq!(ran(&mut support::machine("xdp", &output(flags), &maps)), errno, "{flags:x}");
    }
    assert_eq!(machine.records_lost(), 0);
    (0..100_000).for_each(|_| _ = ran(&mut machine));
    let mut count = 0;
    machine.drain(0, |_| count += 1);
    assert!(machine.records_lost() > 0, "the buffer has an end");
    assert_eq!(count + machine.records_lost(), 100_000);
}

/// Allocates a page, writes 42 to its byte 8, and returns what is there.
fn arena_code() -> (Vec<Insn>, Vec<Reloc>) {
    let mut code = map(1, 0).to_vec();
    code.extend([mov(2, 0), mov(3, 1), mov(4, -1), mov(5, 0), i(0x85, 0, 2, 0, -1)]);
    code.extend([i(0x15, 0, 0, 4, 0), i(0xbf, 6, 0, 1, 1), mov(1, 42), stx(8, 6, 1, 8), ldx(8, 0, 6, 8), exit()]);
    let kfunc = RelocTarget::Extern("bpf_arena_alloc_pages".to_owned());
    (code, vec![Reloc { slot: 0, target: RelocTarget::Map(0) }, Reloc { slot: 6, target: kfunc }])
}

fn arena(pages: u32) -> MapSpec {
    let flags = map_flag::MMAPABLE;
    MapSpec { flags, role: MapRole::Arena { initial: vec![7; 3] }, ..spec(MapType::Arena, 0, 0, pages) }
}

#[test]
fn an_arena_s_pages_are_there_when_asked_for_and_user_space_reads_them() {
    let (code, relocs) = arena_code();
    let mut object = object("xdp", &code, &[arena(3)]);
    object.programs[0].relocs = relocs;
    let mut machine = Machine::new(&object, None, Config::default(), Box::new(Still)).expect("made");
    let map = machine.map(0).expect("the arena").clone();
    assert_eq!(map.read_at(map.address(), 4), Some(vec![7, 7, 7, 0]), "what it begins with");
    // The first page has what it begins with; two are left.
    for page in [1, 2] {
        assert_eq!(ran(&mut machine), 42);
        assert_eq!(map.read_at(map.address() + page * 4096 + 8, 1), Some(vec![42]));
    }
    assert_eq!(ran(&mut machine), 0, "no page is left");
    assert_eq!(map.read_at(map.address() + 3 * 4096, 1), None);
    assert_eq!(map.write_at(map.address() - 1, &[0]), None);
}

#[test]
fn a_page_of_an_arena_that_is_not_there_gives_zeros_and_takes_nothing() {
    let high = machine("xdp", &[mov(0, 0), exit()], &[arena(3)]).map(0).expect("the arena").address();
    let mut code = wide(6, high + 4096).to_vec();
    code.extend([i(0xbf, 6, 6, 1, 1), mov(1, 42), stx(8, 6, 1, 0), ldx(8, 0, 6, 0), exit()]);
    assert_eq!(ran(&mut machine("xdp", &code, &[arena(3)])), 0);
}
