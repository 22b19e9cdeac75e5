//! A ring buffer with the kernel's layout and accounting: the same program loses the same records in it.
//!
//! Layout and rules are those of `kernel/bpf/ringbuf.c`: a record is an 8-byte header (length, busy and discard bits)
//! and its data, 8-byte aligned; a record fits while all that is not consumed stays below the ring's size. Which records
//! a program has open, the run knows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::mem::Memory;

/// Header bit of a record that is reserved but not finished.
const BUSY: u32 = 1 << 31;
/// Header bit of a record the consumer skips.
const DISCARD: u32 = 1 << 30;
const HEADER: usize = 8;

/// Positions count bytes since the beginning and never wrap.
#[derive(Debug)]
pub(crate) struct Ring {
    size: usize,
    /// Twice the ring: a record that begins near the end goes on behind it, where the kernel maps the beginning again.
    bytes: Memory,
    consumer: AtomicU64,
    producer: AtomicU64,
    /// Held by who reserves.
    reserving: Mutex<()>,
    /// Held by who consumes.
    consuming: Mutex<()>,
}

impl Ring {
    pub(crate) fn new(size: usize) -> Ring {
        Ring {
            size,
            bytes: Memory::new(2 * size),
            consumer: AtomicU64::new(0),
            producer: AtomicU64::new(0),
            reserving: Mutex::new(()),
            consuming: Mutex::new(()),
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size as u64
    }

    pub(crate) fn consumer(&self) -> u64 {
        self.consumer.load(Ordering::Acquire)
    }

    pub(crate) fn producer(&self) -> u64 {
        self.producer.load(Ordering::Acquire)
    }

    /// Bytes produced and not consumed.
    pub(crate) fn available(&self) -> u64 {
        let consumer = self.consumer();
        self.producer().saturating_sub(consumer)
    }

    /// The record's data, which nobody but its holder changes.
    pub(crate) fn bytes(&self) -> &Memory {
        &self.bytes
    }

    fn place(&self, position: u64) -> usize {
        (position & (self.size as u64 - 1)) as usize
    }

    /// Reserves a record; the offset of its data, `None` when there is no room.
    pub(crate) fn reserve(&self, size: u64) -> Option<usize> {
        if size > u64::from(u32::MAX / 4) {
            return None;
        }
        let whole = (size + HEADER as u64).next_multiple_of(8);
        let _alone = self.reserving.lock().unwrap_or_else(PoisonError::into_inner);
        let producer = self.producer();
        if producer + whole - self.consumer() > self.size as u64 - 1 {
            return None;
        }
        let at = self.place(producer);
        self.set_header(at, size as u32 | BUSY);
        self.producer.store(producer + whole, Ordering::Release);
        Some(at + HEADER)
    }

    /// Finishes the record of so many bytes whose data begin at an offset.
    pub(crate) fn finish(&self, data: usize, size: usize, discard: bool) {
        self.set_header(data - HEADER, size as u32 | if discard { DISCARD } else { 0 });
    }

    /// Hands over and consumes all finished records before the first unfinished one.
    pub(crate) fn drain(&self, mut record: impl FnMut(&[u8])) {
        let _alone = self.consuming.lock().unwrap_or_else(PoisonError::into_inner);
        let mut data = Vec::new();
        let mut consumer = self.consumer();
        while consumer < self.producer() {
            let at = self.place(consumer);
            let header = self.header(at);
            if header & BUSY != 0 {
                return;
            }
            let size = (header & !DISCARD) as usize;
            if header & DISCARD == 0 {
                data.resize(size, 0);
                if self.bytes.copy_out(at + HEADER, &mut data).is_some() {
                    record(&data);
                }
            }
            consumer += (size + HEADER).next_multiple_of(8) as u64;
            self.consumer.store(consumer, Ordering::Release);
        }
    }

    fn header(&self, at: usize) -> u32 {
        self.bytes.load::<4>(at).map_or(BUSY, |header| header as u32)
    }

    fn set_header(&self, at: usize, header: u32) {
        self.bytes.store::<4>(at, header.into());
    }
}
