//! A slab: values at offsets that never move, spaced so that a mask keeps a pointer inside its own value.

use crate::mem::{Change, Memory};

/// Values of one size, each at a multiple of a power of two.
#[derive(Debug)]
pub(crate) struct Slab {
    memory: Memory,
    value_size: usize,
    stride: usize,
    readable: bool,
}

impl Slab {
    /// Distance from one value to the next.
    pub(crate) fn stride_of(value_size: usize) -> usize {
        value_size.max(8).checked_next_power_of_two().unwrap_or(1 << 63)
    }

    /// `slots` values of zeros; pages are taken from the system when they are first written. Values that are not
    /// `readable` can be written but not read by programs.
    pub(crate) fn new(slots: usize, value_size: usize, readable: bool) -> Slab {
        let stride = Slab::stride_of(value_size);
        Slab { memory: Memory::new(slots * stride), value_size, stride, readable }
    }

    pub(crate) fn offset(&self, slot: usize) -> usize {
        slot * self.stride
    }

    /// Where the value an offset points into begins.
    pub(crate) fn begin(&self, offset: usize) -> usize {
        offset & !(self.stride - 1)
    }

    /// A slot's value; nothing for a slot that is none.
    pub(crate) fn value(&self, slot: usize) -> Vec<u8> {
        self.memory.to_vec(self.offset(slot), self.value_size)
    }

    /// The first four bytes of a slot's value, as a number.
    pub(crate) fn number(&self, slot: usize) -> u64 {
        self.memory.load::<4>(self.offset(slot)).unwrap_or(0)
    }

    /// Bytes of a value with what pads it: the kernel keeps them for values that each CPU has, and shows them again.
    fn padded(&self) -> usize {
        self.value_size.next_multiple_of(8)
    }

    /// Copies a slot's value to a buffer of its size, or its padded size.
    pub(crate) fn value_to(&self, slot: usize, to: &mut [u8]) {
        if to.len() <= self.padded() {
            self.memory.copy_out(self.offset(slot), to);
        }
    }

    /// Sets a slot's value, its first bytes, or it and what pads it.
    pub(crate) fn set(&self, slot: usize, value: &[u8]) {
        if value.len() <= self.padded() {
            self.memory.copy_in(self.offset(slot), value);
        }
    }

    /// Makes a slot's value and what pads it zeros.
    pub(crate) fn clear(&self, slot: usize) {
        self.memory.clear(self.offset(slot), self.padded());
    }

    /// True when so many bytes at an offset are inside what may be one value.
    #[inline(always)]
    fn fits(&self, offset: usize, size: usize) -> bool {
        (offset & (self.stride - 1)) + size <= self.value_size
    }

    /// True when so many bytes at an offset are inside one value.
    pub(crate) fn holds(&self, offset: usize, size: usize) -> bool {
        self.fits(offset, size) && offset < self.memory.len()
    }

    /// True when programs may read so many bytes at an offset.
    pub(crate) fn is_readable(&self, offset: usize, size: usize) -> bool {
        self.readable && self.holds(offset, size)
    }

    /// Loads inside one value.
    #[inline(always)]
    pub(crate) fn load<const N: usize>(&self, offset: usize) -> Option<u64> {
        if !self.fits(offset, N) || !self.readable {
            return None;
        }
        self.memory.load::<N>(offset)
    }

    /// Stores inside one value.
    #[inline(always)]
    pub(crate) fn store<const N: usize>(&self, offset: usize, value: u64) -> Option<()> {
        if !self.fits(offset, N) {
            return None;
        }
        self.memory.store::<N>(offset, value)
    }

    /// Changes 4 or 8 bytes inside one value at once; the old ones.
    #[inline]
    pub(crate) fn change<const N: usize>(&self, offset: usize, change: Change, operand: u64) -> Option<u64> {
        if !self.fits(offset, N) || !self.readable {
            return None;
        }
        self.memory.change::<N>(offset, change, operand)
    }

    /// Copies bytes out of one value.
    pub(crate) fn copy_out(&self, offset: usize, to: &mut [u8]) -> Option<()> {
        if !self.fits(offset, to.len()) || !self.readable {
            return None;
        }
        self.memory.copy_out(offset, to)
    }

    /// Copies bytes into one value.
    pub(crate) fn copy_in(&self, offset: usize, from: &[u8]) -> Option<()> {
        if !self.fits(offset, from.len()) {
            return None;
        }
        self.memory.copy_in(offset, from)
    }
}
