//! Memory that several CPUs read and write at once: bytes in words of atomics, of which nobody ever has a reference.
//!
//! Enter at [`Memory`]. An access that lies as its size wants is one access of the machine; any other is made of several,
//! as the machine's own are. Loads acquire and stores release, so what was written before a store is seen after a load
//! of it. It knows nothing of maps and sandboxes: places are bytes from its beginning.
#![allow(unsafe_code, reason = "an atomic of four bytes inside one of eight, and pages of zeros that cost nothing")]

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// What an atomic operation does with the old value and its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    Or,
    And,
    Xor,
    Swap,
    /// Stores the operand where the old value is this one.
    Expect(u64),
}

impl Change {
    /// What stands there afterwards.
    pub(crate) fn apply(self, old: u64, operand: u64) -> u64 {
        match self {
            Change::Add => old.wrapping_add(operand),
            Change::Or => old | operand,
            Change::And => old & operand,
            Change::Xor => old ^ operand,
            Change::Swap => operand,
            Change::Expect(expected) => {
                if old == expected {
                    operand
                } else {
                    old
                }
            }
        }
    }
}

/// Bytes that several threads share.
pub(crate) struct Memory {
    words: Box<[AtomicU64]>,
}

impl Memory {
    /// `len` bytes of zeros, rounded up to whole words; pages are taken from the system when they are first written.
    pub(crate) fn new(len: usize) -> Memory {
        let words = Box::<[AtomicU64]>::new_zeroed_slice(len.div_ceil(8));
        // SAFETY: all bits zero are an atomic of 0.
        let words = unsafe { words.assume_init() };
        Memory { words }
    }

    /// Bytes of it.
    pub(crate) fn len(&self) -> usize {
        self.words.len() * 8
    }

    /// `N` bytes as a number.
    #[inline(always)]
    pub(crate) fn load<const N: usize>(&self, at: usize) -> Option<u64> {
        if !at.is_multiple_of(N) {
            return self.load_across(at, N);
        }
        let word = self.words.get(at / 8)?;
        Some(match N {
            1 => byte(word, at).load(Ordering::Acquire).into(),
            2 => u16::from_le(quarter(word, at).load(Ordering::Acquire)).into(),
            4 => u32::from_le(half(word, at).load(Ordering::Acquire)).into(),
            _ => u64::from_le(word.load(Ordering::Acquire)),
        })
    }

    #[cold]
    fn load_across(&self, at: usize, size: usize) -> Option<u64> {
        let mut wide = [0; 8];
        self.copy_out(at, wide.get_mut(..size)?)?;
        Some(u64::from_le_bytes(wide))
    }

    /// Stores the low `N` bytes of a number.
    #[inline(always)]
    pub(crate) fn store<const N: usize>(&self, at: usize, value: u64) -> Option<()> {
        if !at.is_multiple_of(N) {
            return self.copy_in(at, value.to_le_bytes().get(..N)?);
        }
        let word = self.words.get(at / 8)?;
        match N {
            1 => byte(word, at).store(value as u8, Ordering::Release),
            2 => quarter(word, at).store((value as u16).to_le(), Ordering::Release),
            4 => half(word, at).store((value as u32).to_le(), Ordering::Release),
            _ => word.store(value.to_le(), Ordering::Release),
        }
        Some(())
    }

    /// Changes 4 or 8 bytes in one step that all threads see in one order; the old value. In several steps where it
    /// does not lie as its size wants, which the kernel's verifier never lets through.
    pub(crate) fn change<const N: usize>(&self, at: usize, change: Change, operand: u64) -> Option<u64> {
        if !at.is_multiple_of(N) || !matches!(N, 4 | 8) {
            let old = self.load::<N>(at)?;
            self.store::<N>(at, change.apply(old, operand))?;
            return Some(old);
        }
        let word = self.words.get(at / 8)?;
        Some(if N == 4 { change_half(half(word, at), change, operand) } else { change_word(word, change, operand) })
    }

    /// Copies bytes out; `None` when they are not all inside.
    pub(crate) fn copy_out(&self, at: usize, to: &mut [u8]) -> Option<()> {
        let end = at.checked_add(to.len()).filter(|end| *end <= self.len())?;
        let mut at = at;
        let mut rest = to;
        while at < end {
            let word = self.words.get(at / 8)?;
            if at.is_multiple_of(8) && rest.len() >= 8 {
                let (chunk, after) = rest.split_first_chunk_mut::<8>()?;
                *chunk = word.load(Ordering::Acquire).to_ne_bytes();
                rest = after;
                at += 8;
            } else {
                let (first, after) = rest.split_first_mut()?;
                *first = byte(word, at).load(Ordering::Acquire);
                rest = after;
                at += 1;
            }
        }
        Some(())
    }

    /// Copies bytes in; `None`, and nothing is written, when they are not all inside.
    pub(crate) fn copy_in(&self, at: usize, from: &[u8]) -> Option<()> {
        let end = at.checked_add(from.len()).filter(|end| *end <= self.len())?;
        let mut at = at;
        let mut rest = from;
        while at < end {
            let word = self.words.get(at / 8)?;
            match rest.split_first_chunk::<8>() {
                Some((chunk, after)) if at.is_multiple_of(8) => {
                    word.store(u64::from_ne_bytes(*chunk), Ordering::Release);
                    rest = after;
                    at += 8;
                }
                _ => {
                    let (first, after) = rest.split_first()?;
                    byte(word, at).store(*first, Ordering::Release);
                    rest = after;
                    at += 1;
                }
            }
        }
        Some(())
    }

    /// Writes zeros over bytes.
    pub(crate) fn clear(&self, at: usize, len: usize) -> Option<()> {
        let end = at.checked_add(len).filter(|end| *end <= self.len())?;
        let mut at = at;
        while at < end {
            let whole = at.is_multiple_of(8) && end - at >= 8;
            if whole {
                self.store::<8>(at, 0)?
            } else {
                self.store::<1>(at, 0)?
            };
            at += if whole { 8 } else { 1 };
        }
        Some(())
    }

    /// Copies bytes out into a new vector; empty when they are not all inside.
    pub(crate) fn to_vec(&self, at: usize, len: usize) -> Vec<u8> {
        if at.checked_add(len).is_none_or(|end| end > self.len()) {
            return Vec::new();
        }
        let mut bytes = vec![0; len];
        self.copy_out(at, &mut bytes);
        bytes
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// One byte of a word in memory. Accesses of several sizes to one place meet in the machine, which keeps each whole:
/// programs make them of their maps as they like.
#[inline(always)]
fn byte(word: &AtomicU64, at: usize) -> &AtomicU8 {
    let first = word.as_ptr().cast::<u8>();
    // SAFETY: the place is below 8, so inside the word, which lives as long; all who reach it use atomics.
    unsafe { AtomicU8::from_ptr(first.add(at % 8)) }
}

/// Two bytes of a word in memory.
#[inline(always)]
fn quarter(word: &AtomicU64, at: usize) -> &AtomicU16 {
    let first = word.as_ptr().cast::<u16>();
    // SAFETY: as in `byte`, and a word's quarters lie as their size wants.
    unsafe { AtomicU16::from_ptr(first.add(at % 8 / 2)) }
}

/// Four bytes of a word in memory.
#[inline(always)]
fn half(word: &AtomicU64, at: usize) -> &AtomicU32 {
    let first = word.as_ptr().cast::<u32>();
    // SAFETY: as in `byte`, and a word's halves lie as their size wants.
    unsafe { AtomicU32::from_ptr(first.add(at % 8 / 4)) }
}

fn change_word(word: &AtomicU64, change: Change, operand: u64) -> u64 {
    let new = |old: u64| Some(change.apply(u64::from_le(old), operand).to_le());
    let old = match change {
        Change::Add if cfg!(target_endian = "little") => Ok(word.fetch_add(operand, Ordering::SeqCst)),
        Change::Swap => Ok(word.swap(operand.to_le(), Ordering::SeqCst)),
        Change::Expect(expected) => {
            word.compare_exchange(expected.to_le(), operand.to_le(), Ordering::SeqCst, Ordering::SeqCst)
        }
        _ => word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, new),
    };
    u64::from_le(old.unwrap_or_else(|seen| seen))
}

fn change_half(word: &AtomicU32, change: Change, operand: u64) -> u64 {
    let new = |old: u32| Some((change.apply(u32::from_le(old).into(), operand) as u32).to_le());
    let low = operand as u32;
    let old = match change {
        Change::Add if cfg!(target_endian = "little") => Ok(word.fetch_add(low, Ordering::SeqCst)),
        Change::Swap => Ok(word.swap(low.to_le(), Ordering::SeqCst)),
        Change::Expect(expected) => {
            word.compare_exchange((expected as u32).to_le(), low.to_le(), Ordering::SeqCst, Ordering::SeqCst)
        }
        _ => word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, new),
    };
    u32::from_le(old.unwrap_or_else(|seen| seen)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_little_endian_wherever_it_lies() {
        let memory = Memory::new(20);
        assert_eq!(memory.len(), 24);
        for at in 0..16 {
            memory.clear(0, 24).expect("inside");
            memory.store::<8>(at, 0x0807_0605_0403_0201).expect("inside");
            assert_eq!(memory.to_vec(at, 8), [1, 2, 3, 4, 5, 6, 7, 8], "{at}");
            assert_eq!(memory.load::<8>(at), Some(0x0807_0605_0403_0201));
            assert_eq!(memory.load::<4>(at + 1), Some(0x0504_0302));
            assert_eq!(memory.load::<2>(at + 3), Some(0x0504));
            assert_eq!(memory.load::<1>(at + 7), Some(8));
            assert_eq!(memory.to_vec(0, at), vec![0; at]);
        }
    }

    #[test]
    fn nothing_outside_is_read_or_written() {
        let memory = Memory::new(16);
        for at in [9, 12, 15, 16, usize::MAX - 3, usize::MAX] {
            assert_eq!(memory.load::<8>(at), None, "{at}");
            assert_eq!(memory.store::<8>(at, u64::MAX), None, "{at}");
            assert_eq!(memory.copy_in(at, &[0xff; 8]), None, "{at}");
            assert_eq!(memory.clear(at, 8), None, "{at}");
            assert_eq!(memory.change::<8>(at, Change::Add, 1), None, "{at}");
        }
        assert_eq!(memory.to_vec(0, 16), [0; 16]);
        assert_eq!(memory.copy_in(0, &[1; 16]), Some(()));
        assert_eq!(memory.copy_in(16, &[]), Some(()));
        assert_eq!(memory.load::<2>(14), Some(0x0101));
    }

    #[test]
    fn a_change_gives_the_old_value_and_leaves_the_neighbours() {
        for (change, operand, new) in [
            (Change::Add, 0xff, 0x0f_u64 + 0xff),
            (Change::Or, 0xf0, 0xff),
            (Change::And, 0x3, 0x3),
            (Change::Xor, 0x1, 0xe),
            (Change::Swap, 0x7, 0x7),
            (Change::Expect(0x0f), 0x9, 0x9),
            (Change::Expect(0x10), 0x9, 0x0f),
        ] {
            let memory = Memory::new(24);
            memory.store::<4>(4, 0x0f).expect("inside");
            memory.store::<8>(16, 0x0f).expect("inside");
            assert_eq!(memory.change::<4>(4, change, operand), Some(0x0f));
            assert_eq!(memory.change::<8>(16, change, operand), Some(0x0f));
            assert_eq!((memory.load::<4>(4), memory.load::<8>(16)), (Some(new), Some(new)), "{change:?}");
            assert_eq!((memory.load::<4>(0), memory.load::<8>(8)), (Some(0), Some(0)), "{change:?}");
        }
    }

    #[test]
    fn four_threads_add_without_losing_any() {
        let memory = Memory::new(8);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| _ = memory.change::<4>(4, Change::Add, 1)));
            }
        });
        assert_eq!(memory.load::<4>(4), Some(40_000));
    }
}
