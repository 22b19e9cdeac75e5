//! Random instruction words: the kernel takes for an instruction what the table takes for one.
//!
//! Each word stands first in a program that is refused in any case; the log tells whether the word was refused or what
//! stands behind it. None is compiled.
#![cfg(feature = "kernel-tests")]

use std::collections::BTreeMap;

use skep_isa::opcode::{self, Kind};
use skep_isa::spec::{Place, Version};
use skep_isa::{Insn, disasm};
use skep_kernel::feature::{Prober, kernel_version};

/// How many words, unless `SKEP_WORDS` says otherwise.
const WORDS: u64 = 100_000;

/// What the verifier says to a word that is no instruction.
const NO_INSTRUCTION: &[&str] = &[
    "unknown opcode",
    "reserved field",
    "uses invalid atomic opcode",
    "invalid atomic operand size",
    "invalid atomic opcode",
    "uses invalid ",
    "unrecognized bpf_ld_imm64 insn",
    "invalid bpf_ld_imm64 insn",
    " is invalid",
    "frame pointer is read only",
    "invalid may_goto",
    "addr_space_cast insn can only convert between address space",
];

/// Checks that come before the look at the fields: they say nothing of the word itself.
const EARLIER: &[&str] = &[
    "jump out of range",
    "last insn is not an exit or jmp",
    "unreachable insn",
    "call to invalid destination",
    "fd ",
    "fd_idx without fd_array",
    "pseudo btf_id",
    "that has an associated arena",
    "ctx is not allowed",
    "not pointing to valid bpf_map",
    "invalid module BTF object FD",
    "back-edge",
    "infinite loop",
    "bpf_may_goto",
    "invalid func ",
    "specifies invalid btf_id",
    "missing btf",
    "kernel btf_id",
    "kernel function",
    "calling kernel function",
    "cannot call GPL",
    "jumps into the middle of ldimm64",
    "jump into the middle of ldimm64",
];

/// What the verifier refuses of an instruction that is one, for the constant in it.
const CONSTANT: &[&str] = &["invalid shift", "div by zero"];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A word: half are near an instruction of the table, so that most of its rows are met.
    fn word(&mut self) -> Insn {
        let mut insn = Insn::from_bytes(self.next().to_le_bytes());
        let how = self.next();
        if how & 1 == 0 {
            let at = usize::try_from(self.next() % opcode::TABLE.len() as u64).expect("small");
            let row = &opcode::TABLE[at];
            // Nothing but what selects the row is kept; then one field may be wrong.
            insn = row.encode(insn.dst % 10, 0, 0, 0).or_else(|_| row.encode(0, 0, 0, 0)).unwrap_or(insn);
            match how >> 1 & 7 {
                0 => insn.dst = (self.next() % 12) as u8,
                1 => insn.src = (self.next() % 12) as u8,
                2 => insn.off = (self.next() % 4) as i16,
                3 => insn.imm = (self.next() % 70) as i32,
                4 => insn.imm = 1 << (self.next() % 31),
                _ => {}
            }
        } else {
            for (bit, field) in [(1, 0), (2, 1), (3, 2)] {
                if how & (1 << bit) != 0 {
                    match field {
                        0 => (insn.dst, insn.src) = (insn.dst % 11, 0),
                        1 => insn.off = 0,
                        _ => insn.imm = 0,
                    }
                }
            }
        }
        insn
    }
}

#[test]
fn the_kernel_refuses_the_words_that_the_table_refuses() {
    let words = std::env::var("SKEP_WORDS").map_or(WORDS, |text| text.parse().expect("SKEP_WORDS is a number"));
    let prober = Prober::untyped();
    let here = kernel_version().expect("a version");
    let mut random = Random(11);
    let (mut both_take, mut both_refuse, mut undecided) = (0_u64, 0_u64, BTreeMap::<&str, u64>::new());
    let (mut constant, mut wrong) = (0_u64, Vec::new());
    for _ in 0..words {
        let mut insn = random.word();
        // Register 9 is the one that must not be written.
        insn.dst = if insn.dst == 9 { 8 } else { insn.dst };
        insn.src = if insn.src == 9 { 8 } else { insn.src };
        // Jumps stay inside.
        if matches!(insn.code & 7, 5 | 6) {
            insn.off = insn.off.rem_euclid(3);
        }
        let decoded = opcode::decode(insn);
        // Registers are written before, so that a register without a value is not what is refused.
        let mut code: Vec<Insn> = [0, 2, 3, 4, 5, 7, 8].map(|r| Insn::new(0xb7, r, 0, 0, 1)).to_vec();
        // Loads from the packet want the context in r6.
        code.push(Insn::new(0xbf, 6, 1, 0, 0));
        code.push(insn);
        if insn.is_wide() {
            code.push(Insn::default());
        }
        // Short jumps land on the end.
        code.extend([Insn::new(0xbf, 0, 10, 0, 0); 3]);
        let log = prober.refuse(Place::SocketFilter, &code, c"GPL").log;
        if let Some(earlier) = EARLIER.iter().find(|said| log.contains(**said)) {
            *undecided.entry(earlier).or_default() += 1;
            continue;
        }
        if CONSTANT.iter().any(|said| log.contains(said)) {
            constant += 1;
            continue;
        }
        let refused = NO_INSTRUCTION.iter().any(|said| log.contains(said));
        let expected = match decoded {
            Ok(op) => op.since.is_some_and(|since| since <= here),
            Err(_) => false,
        };
        // A jump of 32 bits to the next instruction was taken before there were such jumps; 5.10 did not yet.
        let is_nowhere = insn == Insn::new(0x06, 0, 0, 0, 0) && (Version(5, 11)..Version(6, 6)).contains(&here);
        // A jump that may be taken had to lead somewhere, in 6.12 still.
        let is_no_loop = insn == Insn::new(0xe5, 0, 0, 0, 0) && here <= Version(6, 12);
        match (refused, (expected || is_nowhere) && !is_no_loop) {
            (false, true) => both_take += 1,
            (true, false) => both_refuse += 1,
            _ if wrong.len() > 60 => {}
            _ => {
                let ours = decoded.map_or_else(|why| why.to_string(), |op| format!("`{}`", op.name));
                let text = disasm::kernel::text(insn, Some(Insn::default()));
                let said = log.lines().rfind(|l| !l.starts_with("processed")).unwrap_or_default();
                wrong.push(format!("{insn:?} ({text}): table: {ours}; kernel: {said}"));
            }
        }
    }
    println!(
        "both take {both_take}, both refuse {both_refuse}, {constant} for their constant, an earlier check answers {undecided:?}"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(both_take > words / 4 && both_refuse > words / 4, "the words are too uniform");
    assert!(undecided.values().sum::<u64>() < words / 20, "too many words are not decided");
}

#[test]
fn every_row_is_met() {
    // What the random words above can meet: a row that cannot be encoded would be left out without a word.
    for row in opcode::TABLE {
        let made = row.encode(1, 0, 0, 0).or_else(|_| row.encode(0, 0, 0, 0));
        assert!(made.is_ok() || matches!(row.kind, Kind::Swap { .. }), "{}", row.name);
    }
}
