//! Helpers against the running kernel: numbers in text, dynptrs, reads at any address, and what is around a packet. Needs
//! root; `cargo test -p skep-vm --features kernel-tests`.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

#[path = "support/kernel.rs"]
mod kernel;
#[path = "support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use skep_isa::Insn;
use skep_isa::spec::MapType;
use skep_object::MapSpec;
use support::*;

/// Rests now and then, as the kernel takes it badly when it frees many programs at once.
fn rested() {
    static LOADED: AtomicUsize = AtomicUsize::new(0);
    if LOADED.fetch_add(1, Ordering::Relaxed) % 32 == 31 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[track_caller]
fn agree(section: &str, code: &[Insn], frame: &[u8]) {
    rested();
    kernel::agree(section, code, frame);
}

#[track_caller]
fn agree_on_result(section: &str, code: &[Insn], frame: &[u8], what: &str) {
    rested();
    kernel::agree_on_result(section, code, frame, what);
}

#[track_caller]
fn agree_on_runs(section: &str, code: &[Insn], maps: &[MapSpec], frame: &[u8], runs: usize) {
    rested();
    kernel::agree_on_runs(section, code, maps, frame, runs);
}

/// The string at fp-32 of up to 32 bytes.
fn text(bytes: &[u8]) -> Vec<Insn> {
    let mut padded = [0; 32];
    padded[..bytes.len()].copy_from_slice(bytes);
    let words = padded.chunks(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")));
    words.zip([-32, -24, -16, -8]).flat_map(|(word, at)| [&wide(1, word)[..], &[stx(8, 10, 1, at)]].concat()).collect()
}

/// r0 mixed with the word at fp-40, returned.
fn mixed() -> Vec<Insn> {
    vec![
        ldx(8, 1, 10, -40),
        i(0x67, 0, 0, 0, 40),
        i(0xaf, 0, 1, 0, 0),
        movr(2, 0),
        i(0x77, 2, 0, 0, 32),
        i(0xaf, 0, 2, 0, 0),
        exit(),
    ]
}

#[test]
fn numbers_are_read_from_text_as_the_kernel_reads_them() {
    let texts: [&[u8]; 14] = [
        b"12",
        b"-12",
        b" \t\n\x0b\x0c\r7x",
        b"0x1F",
        b"0x",
        b"0xg",
        b"0755",
        b"089",
        b"+5",
        b"-",
        b"-9223372036854775808",
        b"9223372036854775808",
        b"18446744073709551615",
        b"18446744073709551616",
    ];
    for text_of in texts {
        for base in [0, 8, 10, 16] {
            // One program asks both, and keeps what they say and store.
            let mut code = text(text_of);
            let args = [movr(1, 10), add(1, -32), mov(2, 32), mov(3, base), movr(4, 10), add(4, -40)];
            code.extend(args);
            code.extend([call(105), movr(6, 0), ldx(8, 7, 10, -40)]);
            code.extend(args);
            code.extend([call(106), i(0x67, 6, 0, 0, 8), i(0xaf, 0, 6, 0, 0), i(0xaf, 0, 7, 0, 0)]);
            code.extend(mixed());
            agree("tc", &code, &ipv4(64));
        }
    }
    let mut code = text(b"5");
    code.extend([movr(1, 10), add(1, -32), mov(2, 32), mov(3, 7), movr(4, 10), add(4, -40), call(105)]);
    code.extend(mixed());
    agree("tc", &code, &ipv4(64));
}

/// r7 = the only value of an array, of 32 bytes that are a text; r6 = what the test has folded so far.
fn value() -> Vec<Insn> {
    let mut code = vec![st(4, 10, -4, 0)];
    code.extend(map(1, 0));
    code.extend([movr(2, 10), add(2, -4), call(1), i(0x55, 0, 0, 1, 0), exit(), movr(7, 0), mov(6, 0)]);
    for (n, word) in b"abcdefghijklmnopqrstuvwxyz012345".chunks(8).enumerate() {
        code.extend(wide(1, u64::from_le_bytes(word.try_into().expect("eight bytes"))));
        code.push(stx(8, 7, 1, n as i16 * 8));
    }
    code.push(st(8, 10, -40, 0));
    code
}

/// Folds r0 and the word at fp-40 into r6.
fn fold() -> Vec<Insn> {
    vec![i(0x27, 6, 0, 0, 31), i(0xaf, 6, 0, 0, 0), ldx(8, 1, 10, -40), i(0x27, 6, 0, 0, 31), i(0xaf, 6, 1, 0, 0)]
}

/// A dynptr at fp-56 of the value, and what comes of reading, writing and reaching into it.
fn with_dynptr(size: i32, flags: i32, offset: i32, len: i32) -> Vec<Insn> {
    let mut code = value();
    code.extend([movr(1, 7), mov(2, size), mov(3, flags), movr(4, 10), add(4, -56), call(197)]);
    code.extend(fold());
    for other in [0, 1] {
        code.extend([movr(1, 10), add(1, -40), mov(2, len), movr(3, 10), add(3, -56), mov(4, offset), mov(5, other)]);
        code.push(call(201));
        code.extend(fold());
        code.extend([movr(1, 10), add(1, -56), mov(2, offset), movr(3, 10), add(3, -40), mov(4, len), mov(5, other)]);
        code.push(call(202));
        code.extend(fold());
    }
    code.extend([movr(1, 10), add(1, -56), mov(2, offset), mov(3, len), call(203)]);
    code.extend([i(0x15, 0, 0, 1, 0), ldx(1, 0, 0, 0)]);
    code.extend(fold());
    code.extend([movr(0, 6), i(0x77, 6, 0, 0, 32), i(0xaf, 0, 6, 0, 0), exit()]);
    code
}

#[test]
fn dynptrs_agree() {
    let array = [spec(MapType::Array, 4, 32, 1)];
    for (size, flags) in [(32, 0), (32, 1), (16, 0)] {
        for (offset, len) in [(0, 8), (8, 8), (9, 8), (24, 8), (25, 8), (31, 1), (32, 1), (-1, 1), (-1, 8)] {
            agree_on_runs("tc", &with_dynptr(size, flags, offset, len), &array, &ipv4(64), 2);
        }
    }
}

#[test]
fn dynptrs_of_records_agree() {
    let ring = [spec(MapType::Ringbuf, 0, 0, 4096)];
    for (size, flags) in [(8, 0), (8, 1), (4000, 0), (4096, 0), (1 << 24, 0)] {
        for finish in [199, 200] {
            let mut code = vec![mov(6, 0), st(8, 10, -40, 77)];
            code.extend(map(1, 0));
            code.extend([mov(2, size), mov(3, flags), movr(4, 10), add(4, -56), call(198)]);
            code.extend(fold());
            code.extend([
                movr(1, 10),
                add(1, -56),
                mov(2, 0),
                movr(3, 10),
                add(3, -40),
                mov(4, 8),
                mov(5, 0),
                call(202),
            ]);
            code.extend(fold());
            code.extend([movr(1, 10), add(1, -56), mov(2, 0), call(finish)]);
            code.extend([movr(0, 6), i(0x77, 6, 0, 0, 32), i(0xaf, 0, 6, 0, 0), exit()]);
            agree_on_runs("tc", &code, &ring, &ipv4(64), 3);
        }
    }
}

#[test]
fn reads_at_any_address_agree() {
    for id in [112, 113, 114, 115] {
        for address in [0, 0x1000, 0x7fff_ffff_f000, 0xdead_0000_0000_0000, 0xffff_8000_0000_0000] {
            for size in [0, 1, 8] {
                let mut code = vec![st(8, 10, -40, -1), movr(1, 10), add(1, -40), mov(2, size)];
                code.extend(wide(3, address));
                code.push(call(id));
                code.extend(mixed());
                agree_on_result("tc", &code, &ipv4(64), &format!("helper {id} at {address:#x}, {size} bytes"));
            }
        }
    }
    for id in [113, 115] {
        for size in [1, 2, 3, 8] {
            let mut code = text(b"ab\0cdefgh");
            code.extend([st(8, 10, -40, -1), movr(1, 10), add(1, -40), mov(2, size), movr(3, 10), add(3, -32)]);
            code.push(call(id));
            code.extend(mixed());
            agree("tc", &code, &ipv4(64));
        }
    }
}

fn ipv6() -> Vec<u8> {
    let mut frame = ipv4(64);
    frame.truncate(14);
    frame[12..].copy_from_slice(&[0x86, 0xdd]);
    frame.extend([0x60, 0, 0, 0, 0, 20, 59, 64]);
    frame.extend((0..52).map(|n| n as u8));
    frame
}

#[test]
fn a_packet_changes_its_version_as_in_the_kernel() {
    for (frame, to) in [(ipv4(64), 0xdd86), (ipv6(), 0x0008), (ipv4(64), 0x0008), (ipv6(), 0xdd86), (ipv4(64), 0x81)] {
        for flags in [0, 1] {
            let code = [
                movr(6, 1),
                mov(2, to),
                mov(3, flags),
                call(31),
                ldx(4, 1, 6, 16),
                i(0xaf, 0, 1, 0, 0),
                ldx(4, 1, 6, 0),
                i(0xaf, 0, 1, 0, 0),
                exit(),
            ];
            agree("tc", &code, &frame);
        }
    }
}

#[test]
fn congestion_is_marked_as_in_the_kernel() {
    for ecn in 0..4 {
        for sum in [[0, 0], [0, 1], [0, 2], [0xff, 0xff], [0x12, 0x34]] {
            let mut frame = ipv4(64);
            frame[15] = 0xb8 | ecn;
            frame[24..26].copy_from_slice(&sum);
            agree("tc", &[call(97), exit()], &frame);
        }
        let mut frame = ipv6();
        frame[15] = ecn << 4 | 5;
        agree("tc", &[call(97), exit()], &frame);
    }
    agree("tc", &[call(97), exit()], &[0; 64]);
}

#[test]
fn confirmed_sums_are_counted_as_in_the_kernel() {
    for steps in
        [&[0][..], &[1, 0], &[1, 1, 0], &[1, 1, 1, 1, 1, 0], &[1, 2, 0], &[1, 1, 2, 0], &[1, 3, 0], &[4], &[2, 0]]
    {
        let mut code = vec![movr(6, 1)];
        for step in steps {
            code.extend([movr(1, 6), mov(2, *step), call(135)]);
        }
        code.push(exit());
        agree("tc", &code, &ipv4(64));
    }
}

#[test]
fn time_stamps_are_set_as_in_the_kernel() {
    for frame in [ipv4(64), ipv6(), vec![0; 64]] {
        for (tstamp, clock) in [(0, 0), (5, 0), (5, 1), (0, 1), (5, 2), (0, 2), (5, 3)] {
            let code = [
                movr(6, 1),
                mov(2, tstamp),
                mov(3, clock),
                call(192),
                ldx(8, 1, 6, 152),
                i(0x67, 1, 0, 0, 8),
                i(0xaf, 0, 1, 0, 0),
                exit(),
            ];
            agree("tc", &code, &frame);
        }
    }
}

#[test]
fn what_a_packet_has_not_is_told_as_in_the_kernel() {
    let clear = |id, size, args: &[Insn]| {
        let mut code = vec![movr(6, 1)];
        code.extend([-56, -48, -40, -32, -24, -16, -8].map(|at| st(8, 10, at, -1)));
        code.extend([movr(2, 10), add(2, -56), mov(3, size)]);
        code.extend(args);
        code.push(call(id));
        code.extend(mixed());
        agree("tc", &code, &ipv4(64));
    };
    clear(20, 44, &[mov(4, 0)]);
    clear(20, 44, &[mov(4, 8)]);
    clear(29, 24, &[]);
    clear(66, 28, &[movr(3, 2), mov(2, 0), mov(4, 28), mov(5, 0)]);
    for code in [
        vec![mov(1, 1), mov(2, 1), call(155), exit()],
        vec![mov(1, 1), mov(2, 0), mov(3, 0), mov(4, 1), call(152), exit()],
        vec![call(24), exit()],
        vec![st(8, 10, -8, 0), movr(2, 10), add(2, -8), mov(3, 8), call(30), exit()],
        vec![mov(2, 5), call(40), exit()],
        vec![mov(1, 1), mov(2, 2), movr(3, 10), add(3, -8), mov(4, 8), call(120), exit()],
    ] {
        agree("tc", &code, &ipv4(64));
    }
}

#[test]
fn tunnel_keys_are_taken_and_told_as_in_the_kernel() {
    // A key of these bytes, then what is told of it: all words folded.
    let words = [0x0a00_0001_0000_0007_u64, 0x0102_0304_0506_0708, 0x0000_4005_0000_0000, 0x0a00_0002_0000_0000, 0, 0];
    for (size, set, get) in
        [(44, 0, 0), (44, 1, 1), (44, 0, 1), (28, 0, 0), (22, 0, 0), (20, 0, 0), (44, 32, 0), (44, 6, 16)]
    {
        for label in [0, 1] {
            let mut code = vec![movr(6, 1)];
            for (word, at) in words.into_iter().zip([-48, -40, -32, -24, -16, -8]) {
                code.extend(wide(1, word));
                code.push(stx(8, 10, 1, at));
            }
            code.extend([st(4, 10, -24, label), movr(1, 6), movr(2, 10), add(2, -48), mov(3, size), mov(4, set)]);
            code.extend([
                call(21),
                movr(7, 0),
                movr(1, 6),
                movr(2, 10),
                add(2, -48),
                mov(3, 44),
                mov(4, get),
                call(20),
            ]);
            code.extend([i(0x27, 7, 0, 0, 31), i(0xaf, 7, 0, 0, 0)]);
            // The flags of the tunnel, at 22, are told in the kernel's own way.
            if get != 16 {
                for at in [-48, -44, -40, -36, -32, -28, -24, -20, -16, -12, -8] {
                    code.extend([ldx(4, 1, 10, at), i(0x27, 7, 0, 0, 31), i(0xaf, 7, 1, 0, 0)]);
                }
            }
            code.extend([movr(0, 7), i(0x77, 7, 0, 0, 32), i(0xaf, 0, 7, 0, 0), exit()]);
            agree("tc", &code, &ipv4(64));
        }
    }
}

/// The kernel tells the length of what it printed, or that it does not take the template.
#[test]
fn what_is_printed_is_as_long_as_the_kernels() {
    let templates: [&[u8]; 32] = [
        b"%pI4",
        b"%pi4",
        b"%pI6",
        b"%pi6",
        b"<%pI4>",
        b"%pI4x",
        b"%pI5",
        b"%pi",
        b"%p",
        b"%px",
        b"%p.",
        b"%pz",
        b"%pS",
        b"%ps",
        b"%pB",
        b"%pks",
        b"%pksx",
        b"%pk",
        b"%s",
        b"%sx",
        b"%s %d",
        b"%d %d %d",
        b"%d %d %d %d",
        b"%5d|%-8x|",
        b"%lld",
        b"%c",
        b"%lc",
        b"%.3d",
        b"%%",
        b"%",
        b"%hd",
        b"%08llX",
    ];
    for template in templates {
        for value in [0, 7] {
            let mut code = text(template);
            code.extend([st(8, 10, -48, 0x0403_0201), st(8, 10, -40, 0x0065_6462), movr(1, 10), add(1, -32)]);
            code.extend([mov(2, template.len() as i32 + 1), movr(3, 10), add(3, -40), mov(4, value), mov(5, 3)]);
            // An address of the frame where one is read, for the two have others; else a number.
            let reads = [&b"%pI"[..], b"%pi", b"<%pI", b"%pk", b"%s"].iter().any(|begin| template.starts_with(begin));
            if !reads {
                code.push(mov(3, 0xabc));
            }
            code.extend([call(6), exit()]);
            agree_on_result("tc", &code, &ipv4(64), &String::from_utf8_lossy(template));
        }
    }
}
