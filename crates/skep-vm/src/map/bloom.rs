//! A set that says of a value whether it may be in it or surely is not.

use crate::mem::{Change, Memory};

/// Bits, of which each value sets a few.
#[derive(Debug)]
pub(crate) struct Bloom {
    seed: u64,
    hashes: u64,
    /// One less than the number of bits, which is a power of two.
    mask: u64,
    bits: Memory,
}

/// Hash functions where the map does not say.
const HASHES: u64 = 5;

impl Bloom {
    /// Bits for so many entries, as many as the kernel takes.
    pub(crate) fn bits(entries: u64, hashes: u64) -> u64 {
        let hashes = if hashes == 0 { HASHES } else { hashes };
        // Few are taken for one another where there are hashes / ln 2 bits for each entry: about 7/5.
        (entries * hashes * 7 / 5).next_power_of_two().max(64)
    }

    pub(crate) fn new(entries: u64, hashes: u64, seed: u64) -> Bloom {
        let bits = Bloom::bits(entries, hashes);
        let memory = Memory::new(bits as usize / 8);
        Bloom { seed, hashes: if hashes == 0 { HASHES } else { hashes }, mask: bits - 1, bits: memory }
    }

    fn places(&self, value: &[u8]) -> impl Iterator<Item = u64> {
        const K: u64 = 0x9e37_79b9_7f4a_7c15;
        let mix = |hash: u64, word: u64| {
            let wide = u128::from(hash ^ word) * u128::from(K);
            (wide as u64) ^ (wide >> 64) as u64
        };
        let hash = value.chunks(8).fold(self.seed, |hash, word| mix(hash, crate::memory::read_le(word)));
        let mask = self.mask;
        (0..self.hashes).map(move |n| mix(hash, n.wrapping_mul(K)) & mask)
    }

    pub(crate) fn push(&self, value: &[u8]) {
        for place in self.places(value) {
            self.bits.change::<8>(place as usize / 64 * 8, Change::Or, 1 << (place % 64));
        }
    }

    pub(crate) fn has(&self, value: &[u8]) -> bool {
        self.places(value)
            .all(|place| self.bits.load::<8>(place as usize / 64 * 8).is_some_and(|word| word >> (place % 64) & 1 != 0))
    }
}
