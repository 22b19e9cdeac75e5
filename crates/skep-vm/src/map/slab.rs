//! A slab: values at offsets that never move, spaced so that a mask keeps a pointer inside its own value.

/// Values of one size, each at a multiple of a power of two.
#[derive(Debug)]
pub(crate) struct Slab {
    bytes: Vec<u8>,
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
        Slab { bytes: vec![0; slots * stride], value_size, stride, readable }
    }

    pub(crate) fn offset(&self, slot: usize) -> usize {
        slot * self.stride
    }

    /// Where the value an offset points into begins.
    pub(crate) fn begin(&self, offset: usize) -> usize {
        offset & !(self.stride - 1)
    }

    pub(crate) fn slot(&self, slot: usize) -> Option<&[u8]> {
        let at = self.offset(slot);
        self.bytes.get(at..at + self.value_size)
    }

    pub(crate) fn slot_mut(&mut self, slot: usize) -> Option<&mut [u8]> {
        let at = self.offset(slot);
        self.bytes.get_mut(at..at + self.value_size)
    }

    /// Bytes inside one value, to read.
    #[inline(always)]
    pub(crate) fn window(&self, offset: usize, size: usize) -> Option<&[u8]> {
        let inside = offset & (self.stride - 1);
        if inside + size > self.value_size || !self.readable {
            return None;
        }
        self.bytes.get(offset..offset + size)
    }

    /// Bytes inside one value, to write.
    #[inline(always)]
    pub(crate) fn window_mut(&mut self, offset: usize, size: usize) -> Option<&mut [u8]> {
        let inside = offset & (self.stride - 1);
        if inside + size > self.value_size {
            return None;
        }
        self.bytes.get_mut(offset..offset + size)
    }
}
