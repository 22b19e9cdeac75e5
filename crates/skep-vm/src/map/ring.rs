//! A ring buffer with the kernel's layout and accounting: the same program loses the same records in it.
//!
//! Layout and rules are those of `kernel/bpf/ringbuf.c`: a record is an 8-byte header (length, busy and discard bits)
//! and its data, 8-byte aligned; a record fits while all that is not consumed stays below the ring's size.

/// Header bit of a record that is reserved but not finished.
const BUSY: u32 = 1 << 31;
/// Header bit of a record the consumer skips.
const DISCARD: u32 = 1 << 30;
const HEADER: usize = 8;
/// Most records that may be open at once. The kernel's verifier follows each of them, so real programs have a few.
const MAX_OPEN: usize = 64;

/// Positions count bytes since the beginning and never wrap.
#[derive(Debug)]
pub(crate) struct Ring {
    size: usize,
    /// Twice the ring: a record that begins near the end goes on behind it, where the kernel maps the beginning again.
    bytes: Vec<u8>,
    consumer: u64,
    producer: u64,
    /// Data of records in the making: offset and size.
    open: Vec<(usize, usize)>,
}

impl Ring {
    pub(crate) fn new(size: usize) -> Ring {
        Ring { size, bytes: vec![0; 2 * size], consumer: 0, producer: 0, open: Vec::new() }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size as u64
    }

    pub(crate) fn consumer(&self) -> u64 {
        self.consumer
    }

    pub(crate) fn producer(&self) -> u64 {
        self.producer
    }

    /// Bytes produced and not consumed.
    pub(crate) fn available(&self) -> u64 {
        self.producer - self.consumer
    }

    fn place(&self, position: u64) -> usize {
        (position & (self.size as u64 - 1)) as usize
    }

    /// True when no further record may be open; each access to one looks through all.
    pub(crate) fn is_crowded(&self) -> bool {
        self.open.len() >= MAX_OPEN
    }

    /// Reserves a record; the offset of its data, `None` when there is no room.
    pub(crate) fn reserve(&mut self, size: u64) -> Option<usize> {
        if size > u64::from(u32::MAX / 4) {
            return None;
        }
        let whole = (size + HEADER as u64).next_multiple_of(8);
        if self.producer + whole - self.consumer > self.size as u64 - 1 {
            return None;
        }
        let at = self.place(self.producer);
        self.set_header(at, size as u32 | BUSY);
        self.producer += whole;
        self.open.push((at + HEADER, size as usize));
        Some(at + HEADER)
    }

    /// Finishes the record whose data begin at an offset; false when none does.
    pub(crate) fn finish(&mut self, data: usize, discard: bool) -> bool {
        let Some(at) = self.open.iter().position(|(offset, _)| *offset == data) else { return false };
        let (offset, size) = self.open.swap_remove(at);
        self.set_header(offset - HEADER, size as u32 | if discard { DISCARD } else { 0 });
        true
    }

    /// Discards the records that were left open; how many.
    pub(crate) fn close(&mut self) -> usize {
        let count = self.open.len();
        while let Some((offset, _)) = self.open.last().copied() {
            self.finish(offset, true);
        }
        count
    }

    /// The data of a reserved record.
    pub(crate) fn record_mut(&mut self, data: usize) -> Option<&mut [u8]> {
        let (offset, size) = *self.open.iter().find(|(offset, _)| *offset == data)?;
        self.bytes.get_mut(offset..offset + size)
    }

    pub(crate) fn window(&self, offset: usize, size: usize) -> Option<&[u8]> {
        self.is_open(offset, size).then(|| self.bytes.get(offset..offset + size))?
    }

    pub(crate) fn window_mut(&mut self, offset: usize, size: usize) -> Option<&mut [u8]> {
        if !self.is_open(offset, size) {
            return None;
        }
        self.bytes.get_mut(offset..offset + size)
    }

    /// Where the open record at or before an offset begins, for messages.
    pub(crate) fn begin(&self, offset: usize) -> usize {
        self.open.iter().map(|(begin, _)| *begin).filter(|begin| *begin <= offset).max().unwrap_or(0)
    }

    fn is_open(&self, offset: usize, size: usize) -> bool {
        self.open.iter().any(|(begin, len)| offset >= *begin && offset + size <= begin + len)
    }

    /// Hands over and consumes all finished records before the first unfinished one.
    pub(crate) fn drain(&mut self, mut record: impl FnMut(&[u8])) {
        while self.consumer < self.producer {
            let at = self.place(self.consumer);
            let header = self.header(at);
            if header & BUSY != 0 {
                return;
            }
            let size = (header & !DISCARD) as usize;
            if header & DISCARD == 0
                && let Some(data) = self.bytes.get(at + HEADER..at + HEADER + size)
            {
                record(data);
            }
            self.consumer += (size + HEADER).next_multiple_of(8) as u64;
        }
    }

    fn header(&self, at: usize) -> u32 {
        self.bytes.get(at..at + 4).map_or(BUSY, |bytes| crate::memory::read_le(bytes) as u32)
    }

    fn set_header(&mut self, at: usize, header: u32) {
        if let Some(bytes) = self.bytes.get_mut(at..at + 4) {
            bytes.copy_from_slice(&header.to_le_bytes());
        }
    }
}
