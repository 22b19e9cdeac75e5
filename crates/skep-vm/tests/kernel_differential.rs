//! The kernel as the oracle: the same instructions run by `BPF_PROG_TEST_RUN` and by the vm must agree, byte for byte.
//! Needs root; `cargo test -p skep-vm --features kernel-tests`.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

#[path = "support/kernel.rs"]
mod kernel;
#[path = "support/mod.rs"]
mod support;

use kernel::{agree, agree_on_result};
use skep_isa::Insn;
use skep_isa::spec::ProgType as P;
use skep_isa::spec::context::{Context, Field};
use support::*;

/// Operands at which arithmetic goes wrong.
const CORNERS: [u64; 12] = [
    0,
    1,
    7,
    31,
    33,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX,
];

/// r6 = data, after a check that `len` bytes are there.
fn prologue(len: i32) -> Vec<Insn> {
    vec![movr(9, 1), ldx(4, 6, 1, 0), ldx(4, 7, 1, 4), movr(2, 6), add(2, len), i(0xbd, 2, 7, 2, 0), mov(0, 0), exit()]
}

/// Runs cases of up to a few instructions on r1 and r2 and compares r1 and r0 after each, 100 cases a program.
fn sweep(cases: &[(u64, u64, Vec<Insn>)]) {
    for batch in cases.chunks(80) {
        let mut code = prologue(1400);
        for (n, (a, b, case)) in batch.iter().enumerate() {
            code.extend(wide(1, *a));
            code.extend(wide(2, *b));
            code.push(mov(0, 0));
            code.extend(case);
            code.push(stx(8, 6, 1, n as i16 * 16));
            code.push(stx(8, 6, 0, n as i16 * 16 + 8));
        }
        code.extend([mov(0, 2), exit()]);
        agree("xdp", &code, &[0; 1400]);
    }
}

#[test]
fn arithmetic_on_registers_agrees() {
    let mut cases = Vec::new();
    for op in [0x0c_u8, 0x1c, 0x2c, 0x3c, 0x4c, 0x5c, 0x6c, 0x7c, 0x9c, 0xac, 0xbc, 0xcc] {
        for class in [op, op | 3] {
            for off in if matches!(op, 0x3c | 0x9c) { 0..2 } else { 0..1 } {
                for a in CORNERS {
                    for b in CORNERS {
                        cases.push((a, b, vec![i(class, 1, 2, off, 0)]));
                    }
                }
            }
        }
    }
    sweep(&cases);
}

#[test]
fn arithmetic_on_immediates_agrees() {
    let mut cases = Vec::new();
    for op in [0x04_u8, 0x14, 0x24, 0x34, 0x44, 0x54, 0x64, 0x74, 0x94, 0xa4, 0xb4, 0xc4] {
        for class in [op, op | 3] {
            for off in if matches!(op, 0x34 | 0x94) { 0..2 } else { 0..1 } {
                for a in CORNERS {
                    for imm in [0, 1, 31, -1, i32::MIN, i32::MAX] {
                        let divides = matches!(op, 0x34 | 0x94);
                        let shifts = matches!(op, 0x64 | 0x74 | 0xc4);
                        if (divides && imm == 0) || (shifts && !(0..32).contains(&imm)) {
                            continue;
                        }
                        cases.push((a, 0, vec![i(class, 1, 0, off, imm)]));
                    }
                }
            }
        }
    }
    sweep(&cases);
}

#[test]
fn moves_swaps_and_negation_agree() {
    let mut cases = Vec::new();
    for a in CORNERS.into_iter().chain([0x0102_0304_0506_0708, 0x8182_8384_8586_8788]) {
        for off in [8, 16, 32] {
            cases.push((0, a, vec![i(0xbf, 1, 2, off, 0)]));
            if off != 32 {
                cases.push((0, a, vec![i(0xbc, 1, 2, off, 0)]));
            }
        }
        for width in [16, 32, 64] {
            for code in [0xd4, 0xdc, 0xd7] {
                cases.push((a, 0, vec![i(code, 1, 0, 0, width)]));
            }
        }
        cases.push((a, 0, vec![i(0x84, 1, 0, 0, 0)]));
        cases.push((a, 0, vec![i(0x87, 1, 0, 0, 0)]));
    }
    sweep(&cases);
}

#[test]
fn conditional_jumps_agree() {
    let mut cases = Vec::new();
    for op in [0x1d_u8, 0x2d, 0x3d, 0x4d, 0x5d, 0x6d, 0x7d, 0xad, 0xbd, 0xcd, 0xdd] {
        for class in [op, op + 1] {
            for a in CORNERS {
                for b in CORNERS {
                    // The condition through memory, so that the verifier follows no path twice.
                    cases.push((a, b, vec![i(class, 1, 2, 1, 0), mov(0, 1)]));
                }
            }
        }
    }
    // A jump multiplies the verifier's paths; few cases a program keep it linear enough, as r1 and r2 are constants.
    sweep(&cases);
}

#[test]
fn sign_extending_loads_agree() {
    let mut code = prologue(64);
    for (n, (op, size)) in [(0x91_u8, 1), (0x89, 2), (0x81, 4)].into_iter().enumerate() {
        for byte in 0..8_i16 / size {
            code.push(i(op, 1, 6, byte * size, 0));
            code.push(stx(8, 6, 1, 64 + (n as i16 * 8 + byte) * 8));
        }
    }
    code.extend([mov(0, 2), exit()]);
    let mut frame = vec![0x80, 0x7f, 0xff, 0x01, 0x90, 0xf0, 0x8f, 0xfe];
    frame.resize(300, 0);
    code[4] = add(2, 300);
    agree("xdp", &code, &frame);
}

#[test]
fn atomics_agree() {
    let mut cases = Vec::new();
    for kind in [0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1] {
        for (code, size) in [(0xc3_u8, 4_u8), (0xdb, 8)] {
            for a in [0, 1, 0xffff_ffff_ffff_ffff, 0x1234_5678_9abc_def0] {
                for b in [0, 0xf0f0_f0f0_f0f0_f0f0, 1] {
                    let mut case = vec![stx(8, 10, 1, -8), movr(0, 2)];
                    if kind == 0xf1 {
                        case.push(movr(0, 1));
                    }
                    case.extend([i(code, 10, 2, -8, kind), ldx(8, 1, 10, -8), i(0x0f, 0, 2, 0, 0)]);
                    let _ = size;
                    cases.push((a, b, case));
                }
            }
        }
    }
    sweep(&cases);
}

/// Fields of a program's context.
fn fields(prog_type: P) -> &'static [Field] {
    Context::of(prog_type).expect("a context").fields
}

/// Every `__sk_buff` field the kernel lets a tc program load, and its value in a test run.
#[test]
fn tc_context_fields_agree() {
    for field in fields(P::SchedCls) {
        // Addresses, the time-stamp clock of the device, and sizes the vm has no source for.
        if matches!(field.name, "data" | "data_end" | "data_meta" | "sk" | "hwtstamp" | "napi_id" | "cb") {
            continue;
        }
        agree_on_result("tc", &[ldx(field.unit, 0, 1, field.offset as i16), exit()], &ipv4(64), field.name);
    }
}

#[test]
fn socket_filter_context_fields_agree() {
    for field in fields(P::SchedCls) {
        if matches!(field.name, "sk" | "napi_id" | "cb" | "gso_segs" | "hwtstamp" | "tstamp_type") {
            continue;
        }
        agree_on_result("socket", &[ldx(field.unit, 0, 1, field.offset as i16), exit()], &ipv4(64), field.name);
    }
}

/// A cgroup's filter answers with one bit, so that is what is compared; who may load a field is compared in full.
#[test]
fn cgroup_filters_agree() {
    for field in fields(P::SchedCls) {
        if matches!(field.name, "data" | "data_end" | "sk" | "hwtstamp" | "napi_id" | "cb") {
            continue;
        }
        let code = [ldx(field.unit, 0, 1, field.offset as i16), i(0x57, 0, 0, 0, 1), exit()];
        agree_on_result("cgroup_skb/ingress", &code, &ipv4(64), field.name);
    }
    for len in [13, 14, 33, 34, 64] {
        agree("cgroup_skb/ingress", &[mov(0, 1), exit()], &ipv4(64)[..len]);
    }
}

/// Who may store to which field of a context, and in which sizes.
#[test]
fn context_stores_agree() {
    for (section, prog_type) in
        [("xdp", P::Xdp), ("tc", P::SchedCls), ("socket", P::SocketFilter), ("cgroup_skb/ingress", P::CgroupSkb)]
    {
        for field in fields(prog_type) {
            for size in [1, 2, 4, 8] {
                let offset = field.offset as i16;
                let code = [mov(2, 0), stx(size, 1, 2, offset), mov(0, 1), exit()];
                agree_on_result(section, &code, &ipv4(64), field.name);
            }
        }
    }
}

/// Loads in every size and at every offset of the contexts.
#[test]
fn narrow_context_loads_agree() {
    for (section, end) in [("xdp", 28), ("tc", 196), ("socket", 196)] {
        for offset in 0..end {
            let pointer = if section == "xdp" { offset < 12 } else { matches!(offset, 76..84 | 140..144 | 168..176) };
            for size in [1, 2, 4, 8] {
                let clock = matches!(offset, 84..88 | 184..192);
                // Unaligned loads are refused by the kernel, addresses differ, and egress_ifindex is for device maps.
                if pointer || clock || offset % i16::from(size) != 0 || (section == "xdp" && offset >= 20) {
                    continue;
                }
                let code = [ldx(size, 0, 1, offset), exit()];
                agree_on_result(section, &code, &ipv4(64), &format!("offset {offset}, size {size}"));
            }
        }
    }
}

#[test]
fn limits_of_the_test_run_agree() {
    let mut ipv6 = ipv4(200);
    (ipv6[12], ipv6[13]) = (0x86, 0xdd);
    for section in ["tc", "socket", "xdp"] {
        for frame in [&ipv4(60)[..], &ipv6, &[0; 200]] {
            for len in [1, 13, 14, 15, 33, 34, 35, 53, 54, 55] {
                let len = len.min(frame.len());
                agree(section, &[mov(0, 0), exit()], &frame[..len]);
            }
        }
        for len in [3519, 3520, 3521, 3711, 3712, 3713, 4000] {
            let mut frame = ipv4(60);
            frame.resize(len, 7);
            agree(section, &[mov(0, 0), exit()], &frame);
        }
    }
    // What of a long frame an XDP program sees.
    let mut frame = ipv4(60);
    frame.resize(5000, 7);
    let code = [ldx(4, 2, 1, 0), ldx(4, 0, 1, 4), i(0x1f, 0, 2, 0, 0), exit()];
    agree("xdp", &code, &frame);
}

#[test]
fn xdp_head_meta_and_tail_agree() {
    for (id, distances) in [
        (44, &[-300, -217, -216, -215, -4, 0, 4, 49, 50, 51][..]),
        (54, &[-300, -256, -252, -216, -212, -8, -3, 0, 4][..]),
        (65, &[-60, -50, -49, -10, 0, 1, 3455, 3456, 3457][..]),
    ] {
        for distance in distances {
            agree("xdp", &[mov(2, *distance), call(id), exit()], &ipv4(64));
        }
    }
    // Metadata moves with the head.
    let both = |meta, head| vec![movr(6, 1), mov(2, meta), call(54), movr(1, 6), mov(2, head), call(44), exit()];
    for (meta, head) in [(-8, -8), (-8, 8), (-100, -116), (-100, -117), (-8, 60)] {
        agree("xdp", &both(meta, head), &ipv4(64));
    }
}

/// Runs helper calls on an skb one after another and returns the last answer.
fn calls(list: &[(i32, [i32; 4])]) -> Vec<Insn> {
    let mut code = vec![movr(6, 1)];
    for (id, args) in list {
        code.push(movr(1, 6));
        for (n, arg) in args.iter().enumerate() {
            code.push(mov(n as u8 + 2, *arg));
        }
        code.push(call(*id));
    }
    code.push(exit());
    code
}

#[test]
fn vlan_tags_agree() {
    const Q: i32 = 0x0081;
    const AD: i32 = 0xa888;
    let push = |proto, tci| (18, [proto, tci, 0, 0]);
    let pop = (19, [0; 4]);
    let mut tagged = ipv4(64);
    tagged.splice(12..12, [0x81, 0x00, 0x20, 0x05]);
    let mut twice = tagged.clone();
    twice.splice(12..12, [0x88, 0xa8, 0x10, 0x07]);
    for frame in [&ipv4(64), &tagged, &twice] {
        for list in [
            vec![push(Q, 5)],
            vec![push(AD, 0x2005), push(Q, 6)],
            vec![push(Q, 5), push(Q, 6), push(Q, 7)],
            vec![pop],
            vec![pop, pop],
            vec![push(Q, 5), pop],
            vec![push(Q, 5), push(Q, 6), pop],
            vec![pop, push(AD, 9), push(Q, 1)],
        ] {
            agree("tc", &calls(&list), frame);
            // What the context shows afterwards.
            for offset in [0, 16, 20, 24, 28] {
                let mut code = calls(&list);
                code.pop();
                code.extend([ldx(4, 0, 6, offset), exit()]);
                agree("tc", &code, frame);
            }
        }
    }
}

#[test]
fn skb_lengths_and_rooms_agree() {
    for size in [0, 13, 14, 33, 34, 40, 64, 100, 2000, 16064, 16065] {
        agree("tc", &calls(&[(38, [size, 0, 0, 0])]), &ipv4(64));
    }
    for room in [0, 1, 14, 200, 1000] {
        agree("tc", &calls(&[(43, [room, 0, 0, 0])]), &ipv4(64));
    }
    for change in [-64, -50, -31, -30, -29, -8, 0, 8, 20, 300, 4095, 4096] {
        for mode in [0, 1, 2] {
            agree("tc", &calls(&[(50, [change, mode, 0, 0])]), &ipv4(64));
        }
    }
    for size in [0, 14, 64, 65] {
        agree("tc", &calls(&[(39, [size, 0, 0, 0])]), &ipv4(64));
    }
    for kind in [0, 1, 2, 3, 4] {
        agree("tc", &calls(&[(32, [kind, 0, 0, 0])]), &ipv4(64));
    }
}

#[test]
fn stores_and_checksums_agree() {
    // skb_store_bytes and skb_load_bytes by a stack buffer.
    for offset in [0, 23, 60, 61, 64, 70000] {
        for flags in [0, 1, 2, 4] {
            let store = vec![
                movr(6, 1),
                st(4, 10, -4, 0x1122_3344),
                mov(2, offset),
                movr(3, 10),
                add(3, -4),
                mov(4, 4),
                mov(5, flags),
                call(9),
                exit(),
            ];
            agree("tc", &store, &ipv4(64));
        }
        for (section, id) in [("tc", 26), ("tc", 68), ("socket", 26), ("socket", 68)] {
            for start in if id == 68 { 0..3 } else { 0..1 } {
                let load = vec![
                    st(4, 10, -4, -1),
                    mov(2, offset),
                    movr(3, 10),
                    add(3, -4),
                    mov(4, 4),
                    mov(5, start),
                    call(id),
                    ldx(4, 1, 10, -4),
                    i(0x0f, 0, 1, 0, 0),
                    exit(),
                ];
                agree(section, &load, &ipv4(64));
            }
        }
    }
    for (from, to) in [(0, 0), (0x1111, 0x2222), (-1, 0), (0, -1), (0x1234, 0x3412), (i32::MIN, 1)] {
        for flags in [0, 2, 4, 0x10, 0x12, 0x14, 0x22, 0x24, 0x62, 0x64, 0x60, 3, 0x100] {
            for offset in [24, 40, 41, 63, 62] {
                agree("tc", &calls(&[(10, [offset, from, to, flags])]), &ipv4(64));
                agree("tc", &calls(&[(11, [offset, from, to, flags])]), &ipv4(64));
            }
        }
    }
    for (from, to, seed) in [(0, 8, 0), (8, 0, 0), (8, 8, 0), (4, 8, -1), (8, 4, 0x1234_5678), (0, 0, 0x7fff_ffff)] {
        for fill in [0, 0x0102_0304, -1, i32::MIN] {
            let code = vec![
                st(4, 10, -16, fill),
                st(4, 10, -12, 0x1122_3344),
                st(4, 10, -8, 0x5566_7788),
                st(4, 10, -4, fill),
                movr(1, 10),
                add(1, -16),
                mov(2, from),
                movr(3, 10),
                add(3, -8),
                mov(4, to),
                mov(5, seed),
                call(28),
                exit(),
            ];
            agree("tc", &code, &ipv4(64));
        }
    }
}

#[test]
fn classic_packet_loads_agree() {
    for place in [0, 6, 12, 14, 23, 30, 49, 50, 51, 61, 64, -1, -0x10_0000, -0x10_0000 + 9, -0x20_0000 + 12, -0x1000] {
        for code in [0x20_u8, 0x28, 0x30] {
            for section in ["tc", "socket"] {
                agree(section, &[movr(6, 1), mov(0, 9), i(code, 0, 0, 0, place), exit()], &ipv4(64));
                let indirect = [movr(6, 1), mov(7, 2), i(code + 0x20, 0, 7, 0, place), exit()];
                agree(section, &indirect, &ipv4(64));
            }
        }
    }
}

#[test]
fn local_calls_agree() {
    // r0 = f(5), where f saves nothing: r6 must survive.
    let code =
        [mov(6, 100), mov(1, 5), i(0x85, 0, 1, 0, 2), i(0x0f, 0, 6, 0, 0), exit(), mov(6, 1), movr(0, 1), exit()];
    agree("xdp", &code, &ipv4(64));
}

/// A generator of numbers that is the same on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }
}

/// Random operations on a map give the same answers, and leave the same entries.
fn map_agrees(spec: skep_object::MapSpec, mut key: impl FnMut(&mut Numbers) -> Vec<u8>) {
    let mut numbers = Numbers(spec.max_entries.into());
    let on_kernel = kernel::KernelMap::new(&spec);
    let machine = machine("xdp", &[mov(0, 0), exit()], std::slice::from_ref(&spec));
    for step in 0..4000 {
        let key = key(&mut numbers);
        let in_vm = machine.map(0).expect("one map");
        match numbers.below(5) {
            0 => {
                let answer = in_vm.delete(&key).map_err(|e| e.errno());
                assert_eq!(on_kernel.delete(&key), answer, "{}: step {step}, delete {key:x?}", spec.name);
            }
            1 => assert_eq!(on_kernel.lookup(&key), in_vm.lookup(&key), "{}: step {step}, {key:x?}", spec.name),
            _ => {
                let value: Vec<u8> = (0..spec.value_size).map(|_| numbers.below(256) as u8).collect();
                let flags = numbers.below(4);
                let answer = in_vm.update(&key, &value, flags).map_err(|e| e.errno());
                assert_eq!(
                    on_kernel.update(&key, &value, flags),
                    answer,
                    "{}: step {step}, update {key:x?} flags {flags}",
                    spec.name
                );
            }
        }
    }
    let mut entries = machine.map(0).expect("one map").entries();
    entries.sort();
    let mut expected = on_kernel.entries();
    expected.sort();
    assert_eq!(expected, entries, "{}", spec.name);
}

#[test]
fn map_operations_agree() {
    use skep_isa::spec::MapType::*;
    map_agrees(spec(Array, 4, 12, 10), |n| (n.below(13) as u32).to_le_bytes().to_vec());
    map_agrees(spec(Hash, 4, 12, 16), |n| (n.below(24) as u32).to_le_bytes().to_vec());
    map_agrees(spec(Hash, 13, 3, 40), |n| [vec![n.below(50) as u8], vec![7; 12]].concat());
    map_agrees(spec(LpmTrie, 8, 4, 20), |n| {
        let prefix = n.below(35) as u32;
        let prefix = if prefix > 20 { prefix } else { prefix % 4 };
        [prefix.to_le_bytes(), [n.below(3) as u8 * 64, 0, n.below(2) as u8, n.below(4) as u8]].concat()
    });
    map_agrees(spec(LpmTrie, 5, 9, 300), |n| {
        [(n.below(10) as u32).to_le_bytes().to_vec(), vec![n.below(256) as u8]].concat()
    });
}

#[test]
fn ring_buffers_lose_the_same_records() {
    let ring = spec(skep_isa::spec::MapType::Ringbuf, 0, 0, 4096);
    for size in [0, 1, 8, 9, 100, 2036, 4072, 4080, 4081, 4088, 4089, 5000] {
        for discard in [false, true] {
            // Reserve up to 600 times over the runs, and say how often there was room; read nothing.
            let mut code = vec![mov(6, 0)];
            for _ in 0..30 {
                code.extend(map(1, 0));
                let finish = if discard { 133 } else { 132 };
                let reserve = [
                    mov(2, size),
                    mov(3, 0),
                    call(131),
                    i(0x15, 0, 0, 4, 0),
                    movr(1, 0),
                    mov(2, 1),
                    call(finish),
                    add(6, 1),
                ];
                code.extend(reserve);
            }
            code.extend(map(1, 0));
            code.extend([mov(2, 3), call(134), i(0x67, 6, 0, 0, 16), i(0x0f, 0, 6, 0, 0), exit()]);
            kernel::agree_on_runs("xdp", &code, std::slice::from_ref(&ring), &ipv4(64), 15);
        }
    }
}
