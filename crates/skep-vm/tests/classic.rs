//! Classic filters in the vm: each operation's meaning, ancillary data, system calls.

mod support;

use proptest::prelude::*;
use skep_isa::classic::{self, ClassicInsn, Target};
use skep_vm::classic::{Filter, SeccompData, SeccompFilter};
use skep_vm::{Packet, PacketInfo};
use support::Still;

/// What a program returns over a packet.
fn over(text: &str, packet: &mut Packet) -> u32 {
    let program = classic::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut filter =
        Filter::new(&program, Box::new(Still::default())).unwrap_or_else(|error| panic!("{error}: {text}"));
    filter.run(packet).unwrap_or_else(|fault| panic!("{fault}: {text}"))
}

/// What a program returns over the bytes 0x40 to 0x7f.
fn result(text: &str) -> u32 {
    let mut packet = Packet::new();
    packet.set_frame(&(0x40..0x80).collect::<Vec<u8>>());
    over(text, &mut packet)
}

#[test]
fn each_operation_gives_what_the_machine_s_description_says() {
    for (text, wanted) in [
        ("ret #7", 7),
        ("ret #-1", u32::MAX),
        ("ret", 0),
        ("ld #0x80000000\nret", 0x8000_0000),
        ("ld [1]\nret", 0x4142_4344),
        ("ldh [1]\nret", 0x4142),
        ("ldb [63]\nret", 0x7f),
        ("ldx #0x2\nld [x + 1]\nret", 0x4344_4546),
        ("ldx #0x2\nldh [x + 1]\nret", 0x4344),
        ("ldx #0xffffffff\nldb [x + 1]\nret", 0x40),
        ("ldx #0x5\nldb [x + -2]\nret", 0x43),
        ("ld #0x9\nldxb 4*([7]&0xf)\nst M[0]\ntxa\nret", 28),
        ("ld #0x9\nldxb 4*([7]&0xf)\nret", 9),
        ("ld #pktlen\nret", 64),
        ("ldx #pktlen\ntxa\nret", 64),
        ("ld #0x5\nst M[15]\nld #0x0\nld M[15]\nret", 5),
        ("ldx #0x5\nstx M[0]\nldx #0x0\nldx M[0]\ntxa\nret", 5),
        ("ld #0x6\ntax\nld #0x0\ntxa\nret", 6),
        ("ld #0x6\nadd #-7\nret", u32::MAX),
        ("ld #0x6\nldx #0x7\nsub x\nret", u32::MAX),
        ("ld #0x80000000\nmul #2\nret", 0),
        ("ld #0xffffffff\nldx #0x10\ndiv x\nret", 0x0fff_ffff),
        ("ld #0xffffffff\ndiv #-1\nret", 1),
        ("ld #0x17\nmod #7\nret", 2),
        ("ld #0x17\nldx #0x7\nmod x\nret", 2),
        ("ld #0xf0\nor #0x80000001\nret", 0x8000_00f1),
        ("ld #0xff\nand #0x18\nret", 0x18),
        ("ld #0xff\nxor #0xf\nret", 0xf0),
        ("ld #0x1\nlsh #31\nret", 0x8000_0000),
        ("ld #0x80000000\nrsh #31\nret", 1),
        ("ld #0x1\nldx #0x21\nlsh x\nret", 2),
        ("ld #0x8\nldx #0x22\nrsh x\nret", 2),
        ("ld #0x1\nneg\nret", u32::MAX),
        ("ja 2\nret #1\nret #2", 2),
    ] {
        assert_eq!(result(text), wanted, "{text}");
    }
}

#[test]
fn what_has_no_answer_ends_the_program_with_0() {
    for text in [
        "ld [61]\nret #1",
        "ldh [63]\nret #1",
        "ldb [64]\nret #1",
        "ldx #0x3d\nld [x + 0]\nret #1",
        "ldx #0x40\nldb [x + 0]\nret #1",
        "ldx #0x1\nldb [x + -2]\nret #1",
        "ldxb 4*([64]&0xf)\nret #1",
        "ld [-3000000]\nret #1",
        "ld #0x5\ndiv x\nret #1",
        "ld #0x5\nmod x\nret #1",
    ] {
        assert_eq!(result(text), 0, "{text}");
    }
}

#[test]
fn each_condition_goes_the_way_it_says_with_every_form_of_distance() {
    for (name, holds) in [
        ("jeq", (|a, b| a == b) as fn(u32, u32) -> bool),
        ("jgt", |a, b| a > b),
        ("jge", |a, b| a >= b),
        ("jset", |a, b| a & b != 0),
    ] {
        for a in [0, 1, 2, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            for b in [0, 1, 3, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, u32::MAX] {
                for (jt, jf) in [(3, 4), (4, 3), (5, 4), (4, 4)] {
                    let wanted = if holds(a, b) { jt } else { jf };
                    let start = format!("ld #{a:#x}\nldx #{b:#x}\n");
                    let ends = "ret #3\nret #4\nret #5";
                    for right in ["x".to_owned(), format!("#{b:#x}")] {
                        let text = format!("{start}{name} {right} jt {jt} jf {jf}\n{ends}");
                        assert_eq!(result(&text), wanted, "{text}");
                    }
                }
            }
        }
    }
}

#[test]
fn places_may_count_from_the_headers() {
    let mut packet = Packet::new();
    packet.set_frame(&(0..40).collect::<Vec<u8>>());
    assert_eq!(over("ldb [-2097150]\nret", &mut packet), 2, "from the link layer");
    assert_eq!(over("ldb [-1048574]\nret", &mut packet), 16, "from the network layer");
}

#[test]
fn ancillary_data_comes_from_what_is_known_of_the_packet() {
    let mut packet = Packet::new();
    packet.set_frame(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0x86, 0xdd, 0, 0]);
    packet.info = PacketInfo {
        ifindex: 7,
        mark: 0x8000_0001,
        queue_mapping: 3,
        vlan: Some((0x88a8, 0x1005)),
        ..PacketInfo::default()
    };
    let info = packet.info.clone();
    for (name, wanted) in [
        ("proto", 0x86dd),
        ("type", 1),
        ("ifidx", 7),
        ("mark", 0x8000_0001),
        ("queue", 3),
        ("rxhash", 0),
        ("cpu", 0),
        ("random", 4),
        ("vlan_tci", 0x1005),
        ("vlanp", 1),
        ("vlan_tpid", 0x88a8),
    ] {
        for load in ["ld", "ldh", "ldb"] {
            let mut packet = packet.clone();
            packet.info = info.clone();
            assert_eq!(over(&format!("ld #0x1234567\n{load} [{name}]\nret"), &mut packet), wanted, "{name}");
        }
    }
    assert_eq!(over("ld #0x6\nldx #0x5\nld [xor_x]\nret", &mut packet), 3);
    packet.info.ifindex = 0;
    assert_eq!(over("ld #0x9\nld [ifidx]\nret #1", &mut packet), 9, "a packet without a device ends it with A");
}

#[test]
fn a_system_call_s_words_are_read_where_the_struct_has_them() {
    let call = SeccompData {
        nr: 0x101,
        arch: 0xc000_003e,
        instruction_pointer: 0x0302_0100_8006_0504,
        args: [1, 2, 3, 4, 5, 0xf1f2_f3f4_0504_0302],
    };
    let load = |place: u32| {
        let program = [ClassicInsn::new(0x20, 0, 0, place), ClassicInsn::new(0x16, 0, 0, 0)];
        SeccompFilter::new(&program).map(|mut filter| filter.run(&call))
    };
    for (place, wanted) in
        [(0, 0x101), (4, 0xc000_003e), (8, 0x8006_0504), (12, 0x0302_0100), (16, 1), (60, 0xf1f2_f3f4)]
    {
        assert_eq!(load(place), Ok(Ok(wanted)), "{place}");
    }
    for place in [2, 64, 0xffff_f014] {
        assert!(load(place).is_err(), "{place}");
    }
    let len = classic::parse("ld #pktlen\nldx #pktlen\nadd x\nret").expect("two lengths");
    assert_eq!(SeccompFilter::new(&len).map(|mut filter| filter.run(&call)), Ok(Ok(128)));
}

proptest! {
    /// Whatever the check takes runs to its end, over any bytes.
    #[test]
    fn what_is_taken_never_faults(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        codes in prop::collection::vec((prop::sample::select(classic::TABLE.iter().map(|op| op.code).collect::<Vec<_>>()),
            0..4_u8, 0..4_u8, prop_oneof![0..16_u32, 0..80_u32, Just(0xffff_f014), any::<u32>()]), 1..30),
    ) {
        let mut program: Vec<ClassicInsn> =
            codes.into_iter().map(|(code, jt, jf, k)| ClassicInsn::new(code, jt, jf, if code == 5 { jt.into() } else { k })).collect();
        program.extend([ClassicInsn::new(0x16, 0, 0, 0); 5]);
        // What is refused goes, so that most of the programs run.
        let none = ClassicInsn::new(0x02, 0, 0, 3);
        while let Err(refusal) = classic::check(&program, Target::Socket) {
            let at = refusal.at().expect("the length is right");
            program[at] = none;
        }
        if let Ok(mut filter) = Filter::new(&program, Box::new(Still::default())) {
            let mut packet = Packet::new();
            packet.set_frame(&bytes);
            prop_assert!(filter.run(&mut packet).is_ok());
        }
        if let Ok(mut filter) = SeccompFilter::new(&program) {
            prop_assert!(filter.run(&SeccompData::default()).is_ok());
        }
    }
}
