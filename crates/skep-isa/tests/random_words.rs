//! Ten million random instruction words: decoding and encoding is the identity, or a refusal with a reason.

use skep_isa::{Insn, opcode};

/// How many words.
const WORDS: u64 = 10_000_000;

/// A small generator (SplitMix64), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[test]
fn ten_million_random_words_are_identities_or_refused_with_a_reason() {
    let mut random = Random(7);
    let (mut taken, mut refused) = (0_u64, 0_u64);
    let mut reasons = std::collections::BTreeSet::new();
    for at in 0..WORDS {
        let mut bytes = random.next().to_le_bytes();
        // Fully random fields are refused nearly always: half of the words have some of them empty.
        let keep = random.next();
        if keep & 1 != 0 {
            for (bit, range) in [(1, 1..2), (2, 2..4), (3, 4..8)] {
                if keep & (1 << bit) != 0 {
                    bytes[range].fill(0);
                }
            }
        }
        let insn = Insn::from_bytes(bytes);
        assert_eq!(insn.to_bytes(), bytes, "word {at}");
        match opcode::decode(insn) {
            Ok(op) => {
                taken += 1;
                assert_eq!(op.code, insn.code, "word {at}");
                match op.encode(insn.dst, insn.src, insn.off, insn.imm) {
                    Ok(again) => assert_eq!(again.to_bytes(), bytes, "word {at}: {}", op.name),
                    Err(why) => panic!("word {at}: `{}` decodes but does not encode: {why}", op.name),
                }
            }
            Err(why) => {
                refused += 1;
                let why = why.to_string();
                assert!(!why.is_empty(), "word {at}");
                if at % 64 == 0 {
                    // The reason without its numbers.
                    reasons.insert(why.chars().filter(|c| !c.is_ascii_digit()).collect::<String>());
                }
            }
        }
    }
    println!("{taken} identities, {refused} refused, {} kinds of reasons", reasons.len());
    assert_eq!(taken + refused, WORDS);
    assert!(taken > WORDS / 20 && refused > WORDS / 2 && reasons.len() > 50, "the words are too uniform");
}
