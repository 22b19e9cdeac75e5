//! Random bytes as programs: they are refused, fault, or end; they never panic or hang.

mod support;

use proptest::prelude::*;
use skep_isa::Insn;
use skep_isa::spec::MapType;
use skep_vm::{Config, Machine, Packet};
use support::*;

/// Instructions that decode more often than random bytes do.
fn likely() -> impl Strategy<Value = Insn> {
    let code = prop_oneof![
        3 => prop::sample::select(vec![0x07_u8, 0x0f, 0xb7, 0xbf, 0x67, 0x77, 0x57, 0x04, 0xac, 0x3f, 0x9f, 0xd4, 0xdc]),
        3 => prop::sample::select(vec![0x61_u8, 0x69, 0x71, 0x79, 0x62, 0x6a, 0x72, 0x7a, 0x63, 0x7b, 0xdb, 0xc3, 0x91]),
        2 => prop::sample::select(vec![0x05_u8, 0x15, 0x1d, 0x25, 0x55, 0xa5, 0x06, 0x30, 0x40]),
        2 => prop::sample::select(vec![0x85_u8, 0x95, 0x18]),
    ];
    (code, 0..11_u8, 0..11_u8, -12..12_i16, -3..200_i32).prop_map(|(code, dst, src, off, imm)| match code {
        0x18 => Insn::new(code, dst.min(9), 1, 0, imm & 1),
        0x85 => Insn::new(code, 0, if imm < 20 { 1 } else { 0 }, 0, if imm < 20 { imm % 6 } else { imm }),
        0x95 => Insn::new(code, 0, 0, 0, 0),
        0x05 => Insn::new(code, 0, 0, off, 0),
        0x06 => Insn::new(code, 0, 0, 0, off.into()),
        0xdb | 0xc3 => Insn::new(code, dst, src.min(9), off, [0, 1, 0x41, 0xe1, 0xf1][imm.unsigned_abs() as usize % 5]),
        0xd4 | 0xdc => Insn::new(code, dst.min(9), 0, 0, 32),
        _ if code & 0x08 != 0 && matches!(code & 7, 4 | 5 | 7) => {
            Insn::new(code, dst.min(9), src, if code & 7 == 5 { off } else { 0 }, 0)
        }
        _ if matches!(code & 7, 4 | 7) => Insn::new(code, dst.min(9), 0, 0, imm & 31),
        _ if code & 7 == 5 => Insn::new(code, dst, 0, off, imm),
        _ if matches!(code & 7, 1 | 3) => {
            Insn::new(code, if code & 7 == 1 { dst.min(9) } else { dst }, src, off * 8, 0)
        }
        _ if code & 7 == 2 => Insn::new(code, dst, 0, off * 8, imm),
        _ => Insn::new(code, 0, if code == 0x40 { src } else { 0 }, 0, imm),
    })
}

fn survives(section: &str, code: Vec<Insn>, frame: &[u8]) -> bool {
    let maps = [spec(MapType::Hash, 4, 8, 4), spec(MapType::Ringbuf, 0, 0, 4096)];
    let object = object(section, &code, &maps);
    let config = Config { fuel: 5000, ..Config::default() };
    let Ok(mut machine) = Machine::new(&object, None, config, Box::new(Still::default())) else { return false };
    let mut packet = Packet::new();
    for _ in 0..2 {
        packet.set_frame(frame);
        machine.run(0, &mut packet);
        assert!(packet.frame().len() <= 1 << 17);
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic_or_hang(bytes in prop::collection::vec(any::<u8>(), 0..200), frame in prop::collection::vec(any::<u8>(), 0..80)) {
        for section in ["xdp", "tc", "socket", "cgroup_skb/ingress"] {
            survives(section, Insn::slots(&bytes), &frame);
        }
    }

    #[test]
    fn likely_programs_never_panic_or_hang(code in prop::collection::vec(likely(), 1..24), frame in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut whole = Vec::new();
        for insn in code {
            whole.push(insn);
            if insn.is_wide() {
                whole.push(Insn::default());
            }
        }
        whole.extend([mov(0, 0), exit()]);
        // A jump to nowhere would have the program refused: turn it into a short one.
        let len = whole.len() as i16;
        for (at, insn) in whole.iter_mut().enumerate() {
            if matches!(insn.code & 7, 5) && !matches!(insn.code, 0x85 | 0x95) && !(0..len).contains(&(at as i16 + 1 + insn.off)) {
                insn.off = 0;
            }
        }
        for section in ["xdp", "tc", "socket"] {
            survives(section, whole.clone(), &frame);
        }
    }

    /// One call of each helper with every kind of argument.
    #[test]
    fn helpers_survive_any_arguments(id in 1..212_i32, kinds in prop::array::uniform5(0..9_u8), numbers in prop::array::uniform5(any::<i32>())) {
        let mut code = vec![movr(6, 1), st(8, 10, -8, 1), st(8, 10, -16, 0x6425)];
        for (n, kind) in kinds.into_iter().enumerate() {
            let register = n as u8 + 1;
            match kind {
                0 => code.push(movr(register, 6)),
                1 | 2 => code.extend(map(register, i32::from(kind) - 1)),
                3 => code.extend([movr(register, 10), add(register, -16)]),
                4 => code.push(mov(register, numbers[n])),
                5 => code.push(mov(register, numbers[n] & 0xff)),
                6 => code.push(mov(register, 0)),
                7 => code.extend([i(0x18, register, 4, 0, -(code.len() as i32) - 1), Insn::default()]),
                _ => code.extend(wide(register, 6 << 32 | (256 + u64::from(numbers[n] as u8)))),
            }
        }
        code.extend([call(id), exit()]);
        for section in ["xdp", "tc", "socket"] {
            survives(section, code.clone(), &ipv4(64));
        }
    }

    /// Several changes of one packet after another keep its bounds in order.
    #[test]
    fn packets_survive_any_changes(calls in prop::collection::vec((0..14_usize, prop::array::uniform4(-70..300_i32)), 1..8), len in 0..120_usize) {
        let skb = [9, 10, 11, 18, 19, 32, 34, 38, 39, 43, 50, 50, 13, 26];
        let xdp = [44, 54, 65, 44, 54, 65, 188, 189, 190, 23, 65, 44, 54, 65];
        for (section, ids) in [("tc", skb), ("xdp", xdp)] {
            let mut code = vec![movr(6, 1), st(8, 10, -8, 1)];
            for (which, args) in &calls {
                code.push(movr(1, 6));
                for (n, arg) in args.iter().enumerate() {
                    code.push(mov(n as u8 + 2, *arg));
                }
                if matches!(ids[*which], 9 | 26 | 189 | 190) {
                    code.extend([movr(3, 10), add(3, -8), mov(4, args[2] & 7), mov(5, 0)]);
                }
                if matches!(ids[*which], 10 | 11) {
                    code.push(mov(5, args[3] & 0x7f));
                }
                if ids[*which] == 50 {
                    code.extend([mov(3, args[1] & 1), mov(4, 0)]);
                }
                if matches!(ids[*which], 38 | 43) {
                    code.push(mov(3, 0));
                }
                code.push(call(ids[*which]));
                if section == "xdp" || *which % 2 == 0 {
                    let (data, end) = if section == "xdp" { (0, 4) } else { (76, 80) };
                    code.extend([ldx(4, 7, 6, data), ldx(4, 8, 6, end), i(0x3d, 7, 8, 1, 0), ldx(1, 0, 7, 0)]);
                }
            }
            code.extend([mov(0, 0), exit()]);
            let mut frame = ipv4(60);
            frame.resize(len, 3);
            prop_assert!(survives(section, code, &frame));
        }
    }
}
