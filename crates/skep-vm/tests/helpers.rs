//! Helpers, one family after the other, as programs see them. Packet helpers are compared with the kernel's in
//! `kernel_differential.rs`; here stands what needs no kernel or what it cannot show.

mod support;

use skep_isa::Insn;
use skep_isa::spec::MapType;
use skep_vm::{Config, Machine, Outcome, Packet, PacketInfo, Redirect};
use support::*;

fn returned(section: &str, code: &[Insn], maps: &[skep_object::MapSpec]) -> i32 {
    match run(section, code, maps, &ipv4(64)).0 {
        Outcome::Ran { result, .. } => result,
        other => panic!("{other:?}"),
    }
}

/// key = `key` at fp-4, value = `value` at fp-16; map in r1, key in r2, value in r3.
fn on_map(key: i32, value: i32, rest: &[Insn]) -> Vec<Insn> {
    let mut code = vec![st(4, 10, -4, key), st(8, 10, -16, value)];
    code.extend(map(1, 0));
    code.extend([movr(2, 10), add(2, -4), movr(3, 10), add(3, -16)]);
    code.extend(rest);
    code
}

#[test]
fn maps_are_looked_up_updated_and_deleted() {
    for map_type in [MapType::Hash, MapType::LruHash, MapType::Array, MapType::PercpuArray, MapType::PercpuHash] {
        let mut machine = machine("xdp", &on_map(3, 77, &[mov(4, 0), call(2), exit()]), &[spec(map_type, 4, 8, 8)]);
        let mut packet = Packet::new();
        assert!(matches!(machine.run(0, &mut packet), Outcome::Ran { result: 0, .. }), "{map_type}");
        assert_eq!(
            machine.map(0).and_then(|m| m.lookup(&[3, 0, 0, 0])),
            Some(vec![77, 0, 0, 0, 0, 0, 0, 0]),
            "{map_type}"
        );
    }
    let hash = [spec(MapType::Hash, 4, 8, 1)];
    assert_eq!(returned("xdp", &on_map(3, 1, &[mov(4, 2), call(2), exit()]), &hash), -2, "BPF_EXIST and absent");
    assert_eq!(returned("xdp", &on_map(3, 1, &[mov(4, 5), call(2), exit()]), &hash), -22, "no such flag");
    assert_eq!(returned("xdp", &on_map(3, 1, &[call(3), exit()]), &hash), -2);
    assert_eq!(returned("xdp", &on_map(3, 1, &[call(1), exit()]), &hash), 0, "a null pointer");
}

#[test]
fn a_value_is_changed_in_place() {
    let code =
        on_map(2, 0, &[call(1), i(0x55, 0, 0, 1, 0), exit(), mov(1, 5), i(0xdb, 0, 1, 0, 0), ldx(8, 0, 0, 0), exit()]);
    let mut machine = machine("xdp", &code, &[spec(MapType::Array, 4, 8, 8)]);
    let mut packet = Packet::new();
    for round in 1..4 {
        assert!(matches!(machine.run(0, &mut packet), Outcome::Ran { result, .. } if result == round * 5));
    }
}

#[test]
fn another_cpus_value_is_reached_by_number() {
    let mut code = vec![st(4, 10, -4, 0)];
    code.extend(map(1, 0));
    code.extend([movr(2, 10), add(2, -4), mov(3, 1), call(195), i(0x15, 0, 0, 1, 0), ldx(4, 0, 0, 0), exit()]);
    let object = object("xdp", &code, &[spec(MapType::PercpuArray, 4, 4, 1)]);
    for (cpus, expected) in [(1, 0), (2, 9)] {
        let config = Config { cpus, ..Config::default() };
        let mut machine = Machine::new(&object, None, config, Box::new(Still::default())).expect("a good object");
        let value = [[1, 0, 0, 0, 0, 0, 0, 0], [9, 0, 0, 0, 0, 0, 0, 0]].concat();
        machine.map(0).expect("a map").update(&[0; 4], &value[..8 * cpus], 0).expect("its size is right");
        let outcome = machine.run(0, &mut Packet::new());
        assert!(matches!(outcome, Outcome::Ran { result, .. } if result == expected), "{outcome:?}");
    }
}

/// Counts its calls at fp-8 of the caller (r2 is the callback's context), stops after `stop` of them.
fn loops(rounds: i32, flags: i32, stop: i32) -> Vec<Insn> {
    vec![
        st(8, 10, -8, 0),
        mov(1, rounds),
        i(0x18, 2, 4, 0, 7),
        i(0, 0, 0, 0, 0),
        movr(3, 10),
        add(3, -8),
        mov(4, flags),
        call(181),
        i(0x05, 0, 0, 6, 0),
        exit(),
        ldx(8, 3, 2, 0),
        add(3, 1),
        stx(8, 2, 3, 0),
        mov(0, 0),
        i(0x05, 0, 0, 4, 0),
        i(0x67, 0, 0, 0, 16),
        ldx(8, 1, 10, -8),
        i(0x0f, 0, 1, 0, 0),
        exit(),
        i(0xa5, 3, 0, 1, stop),
        mov(0, 1),
        exit(),
    ]
}

#[test]
fn a_loop_counts_its_rounds_and_stops_when_told() {
    assert_eq!(returned("xdp", &loops(10, 0, 100), &[]), 10 << 16 | 10);
    assert_eq!(returned("xdp", &loops(0, 0, 100), &[]), 0);
    assert_eq!(returned("xdp", &loops(10, 0, 4), &[]), 4 << 16 | 4);
    assert_eq!(returned("xdp", &loops(10, 1, 4), &[]), -22 << 16);
    assert_eq!(returned("xdp", &loops((8 << 20) + 1, 0, 4), &[]), -7 << 16);
}

#[test]
fn every_entry_is_visited_once() {
    // The callback (map, key, value, ctx) adds key * 100 + value to *ctx.
    let mut code = vec![st(8, 10, -8, 0)];
    code.extend(map(1, 0));
    code.extend([
        i(0x18, 2, 4, 0, 6),
        i(0, 0, 0, 0, 0),
        movr(3, 10),
        add(3, -8),
        mov(4, 0),
        call(164),
        i(0x05, 0, 0, 9, 0),
        ldx(4, 5, 2, 0),
    ]);
    // Slots 10 to 18: the callback; then the end of the entry function.
    code.extend([
        i(0x27, 5, 0, 0, 100),
        ldx(4, 1, 3, 0),
        i(0x0f, 5, 1, 0, 0),
        ldx(8, 1, 4, 0),
        i(0x0f, 5, 1, 0, 0),
        stx(8, 4, 5, 0),
        mov(0, 0),
        exit(),
        i(0x67, 0, 0, 0, 24),
        ldx(8, 1, 10, -8),
        i(0x0f, 0, 1, 0, 0),
        exit(),
    ]);
    for map_type in [MapType::Array, MapType::Hash] {
        let mut machine = machine("xdp", &code, &[spec(map_type, 4, 4, 4)]);
        for key in 0..4_u8 {
            machine.map(0).expect("a map").update(&[key, 0, 0, 0], &[key + 1, 0, 0, 0], 0).expect("room");
        }
        let outcome = machine.run(0, &mut Packet::new());
        assert!(matches!(outcome, Outcome::Ran { result, .. } if result == 4 << 24 | 610), "{map_type}: {outcome:?}");
    }
}

#[test]
fn records_reach_the_user_in_order_and_losses_are_counted() {
    let mut code = vec![st(8, 10, -8, 0x1234)];
    code.extend(map(1, 0));
    code.extend([movr(2, 10), add(2, -8), mov(3, 8), mov(4, 0), call(130)]);
    code.extend(map(1, 0));
    code.extend([
        mov(2, 16),
        mov(3, 0),
        call(131),
        i(0x15, 0, 0, 4, 0),
        st(8, 0, 0, 1),
        st(8, 0, 8, 2),
        movr(1, 0),
        call(132),
        mov(0, 0),
        exit(),
    ]);
    let mut machine = machine("xdp", &code, &[spec(MapType::Ringbuf, 0, 0, 4096)]);
    let mut packet = Packet::new();
    // A pair takes 16 + 24 bytes: 102 pairs leave 16 bytes, which may not all be taken.
    for _ in 0..104 {
        assert!(matches!(machine.run(0, &mut packet), Outcome::Ran { .. }));
    }
    assert_eq!(machine.records_lost(), 4);
    let mut sizes = Vec::new();
    machine.drain(0, |record| sizes.push(record.len()));
    assert_eq!(sizes, [8, 16].repeat(102));
    machine.drain(0, |_| panic!("all are consumed"));
}

#[test]
fn the_host_is_asked_for_clock_randomness_and_task() {
    for (id, expected) in [(5, 1000), (160, 1000), (125, 2000), (208, 1000), (7, 4), (8, 0), (42, 0), (14, 8), (15, 4)]
    {
        assert_eq!(returned("xdp", &[call(id), exit()], &[]), expected, "helper {id}");
    }
    let comm = [st(8, 10, -8, -1), movr(1, 10), add(1, -8), mov(2, 4), call(16), ldx(8, 0, 10, -8), exit()];
    assert_eq!(returned("xdp", &comm, &[]), i32::from_le_bytes(*b"ske\0"));
}

/// Runs `trace_printk` on a template with three arguments; its answer and the text.
fn printed(template: &str, args: [i32; 3]) -> (i32, String) {
    let mut bytes = template.as_bytes().to_vec();
    bytes.push(0);
    let size = bytes.len() as i32;
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let mut code = Vec::new();
    for (n, word) in bytes.chunks(8).enumerate() {
        code.extend(wide(1, u64::from_le_bytes(word.try_into().expect("eight bytes"))));
        code.push(stx(8, 10, 1, n as i16 * 8 - 128));
    }
    code.extend([st(8, 10, -8, 0x6968), movr(1, 10), add(1, -128), mov(2, size)]);
    code.extend([mov(3, args[0]), mov(4, args[1]), mov(5, args[2])]);
    if template.contains("%s") {
        code.extend([movr(3, 10), add(3, -8)]);
    }
    code.extend([call(6), exit()]);
    let host = Still::default();
    let object = object("xdp", &code, &[]);
    let mut machine = Machine::new(&object, None, Config::default(), Box::new(host.clone())).expect("a good object");
    let Outcome::Ran { result, .. } = machine.run(0, &mut Packet::new()) else { panic!("it runs") };
    let text = host.printed.lock().expect("no printer panicked").clone();
    (result, text)
}

#[test]
fn text_is_formatted_as_the_kernel_does() {
    assert_eq!(printed("a %d b\n", [-5, 0, 0]), (7, "a -5 b\n".to_owned()));
    assert_eq!(printed("%u %x %lld", [-1, 255, -1]).1, "4294967295 ff -1");
    assert_eq!(printed("%llx %5d|%-4d|", [-1, 42, 7]).1, "ffffffffffffffff    42|7   |");
    assert_eq!(printed("%03d %c %%", [7, 65, 0]).1, "007 A %");
    assert_eq!(printed("<%s> %X", [0, 171, 0]).1, "<hi> AB");
    assert_eq!(printed("%px", [16, 0, 0]).1, "0000000000000010");
    for refused in ["%d %d %d %d", "%q", "%", "%.3d", "\u{e9}"] {
        assert_eq!(printed(refused, [0; 3]), (-22, String::new()), "{refused}");
    }
}

fn frame_after(code: &[Insn], info: PacketInfo) -> Vec<u8> {
    let mut machine = machine("tc", code, &[]);
    let mut packet = Packet::new();
    packet.info = info;
    packet.set_frame(&ipv4(64));
    assert!(matches!(machine.run(0, &mut packet), Outcome::Ran { .. }));
    packet.frame().to_vec()
}

#[test]
fn a_tag_held_back_stands_in_the_frame_that_leaves() {
    let push = |tci| [mov(2, 0x0081), mov(3, tci), call(18)];
    let mut code = vec![movr(6, 1)];
    code.extend(push(5));
    code.push(movr(1, 6));
    code.extend(push(6));
    code.extend([mov(0, 0), exit()]);
    let frame = frame_after(&code, PacketInfo::default());
    assert_eq!(frame[12..22], [0x81, 0, 0, 6, 0x81, 0, 0, 5, 8, 0]);
    assert_eq!(frame.len(), 72);
    let given = PacketInfo { vlan: Some((0x8100, 9)), ..PacketInfo::default() };
    assert_eq!(frame_after(&[mov(0, 0), exit()], given.clone())[12..16], [0x81, 0, 0, 9]);
    assert_eq!(frame_after(&[call(19), mov(0, 0), exit()], given), ipv4(64));
}

#[test]
fn a_socket_filter_sees_the_frame_from_its_link_layer() {
    let code = [movr(6, 1), i(0x28, 0, 0, 0, 12), exit()];
    assert_eq!(returned("socket", &code, &[]), 0x0800);
    assert_eq!(run("socket", &code, &[], &ipv4(64)).1, ipv4(64));
}

#[test]
fn redirects_are_noted() {
    let mut packet = Packet::new();
    let mut tc =
        machine("tc", &[movr(6, 1), mov(2, 3), mov(3, 0), call(13), mov(1, 4), mov(2, 1), call(23), exit()], &[]);
    packet.set_frame(&ipv4(64));
    assert!(matches!(tc.run(0, &mut packet), Outcome::Ran { result: 7, .. }));
    let copy = Redirect { target: 3, map: None, flags: 0, copy: Some(ipv4(64)) };
    assert_eq!(packet.redirects, [copy, Redirect { target: 4, map: None, flags: 1, copy: None }]);
    let mut code = map(1, 0).to_vec();
    code.extend([mov(2, 1), mov(3, 2), call(51), exit()]);
    let mut xdp = machine("xdp", &code, &[spec(MapType::Devmap, 4, 4, 4)]);
    assert!(matches!(xdp.run(0, &mut packet), Outcome::Ran { result: 2, .. }), "absent: the flags' action");
    xdp.map(0).expect("a map").update(&[1, 0, 0, 0], &[7, 0, 0, 0], 0).expect("room");
    assert!(matches!(xdp.run(0, &mut packet), Outcome::Ran { result: 4, .. }));
    assert_eq!(packet.redirects.len(), 1);
    assert_eq!(returned("xdp", &[mov(1, 1), mov(2, 1), call(23), exit()], &[]), 0, "XDP knows no flags here");
}

#[test]
fn packet_bytes_are_copied_in_and_out_of_xdp_frames() {
    let code = [
        movr(6, 1),
        st(8, 10, -8, 0x0102_0304),
        mov(2, 60),
        movr(3, 10),
        add(3, -8),
        mov(4, 4),
        call(190),
        i(0x55, 0, 0, 7, 0),
        movr(1, 6),
        mov(2, 59),
        movr(3, 10),
        add(3, -16),
        mov(4, 5),
        call(189),
        ldx(4, 0, 10, -15),
        exit(),
    ];
    assert_eq!(returned("xdp", &code, &[]), 0x0102_0304);
    assert_eq!(returned("xdp", &[mov(2, 61), movr(3, 10), add(3, -8), mov(4, 4), call(189), exit()], &[]), -22);
    assert_eq!(returned("xdp", &[call(188), exit()], &[]), 64);
}

#[test]
fn strings_are_compared_and_printed_to_memory() {
    let strings = |id, rest: &[Insn]| {
        let mut code = vec![st(8, 10, -8, 0x0063_6261), st(8, 10, -16, 0x0064_6261)];
        code.extend(rest);
        code.extend([call(id), exit()]);
        returned("xdp", &code, &[])
    };
    let args = |size| [movr(1, 10), add(1, -8), mov(2, size), movr(3, 10), add(3, -16)];
    assert_eq!(strings(182, &args(2)), 0);
    assert_eq!(strings(182, &args(3)), -1);
    let mut code = vec![
        st(8, 10, -8, 0x0064_253d),
        st(8, 10, -16, -7),
        movr(1, 10),
        add(1, -32),
        mov(2, 8),
        movr(3, 10),
        add(3, -8),
    ];
    code.extend([
        movr(4, 10),
        add(4, -16),
        mov(5, 8),
        call(165),
        ldx(4, 1, 10, -32),
        i(0x67, 0, 0, 0, 28),
        i(0xaf, 0, 1, 0, 0),
        exit(),
    ]);
    assert_eq!(returned("xdp", &code, &[]), (4 << 28) ^ i32::from_le_bytes(*b"=-7\0"));
}
