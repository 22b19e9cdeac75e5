//! Ring buffers: records that programs write and one reader takes out, in order.
//!
//! Layout, as the kernel's `kernel/bpf/ringbuf.c` maps it: a page with the reader's position (ours to write), a page
//! with the writers' position, then the data twice in a row so that no record is ever broken at the end.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use skep_isa::spec::MapType;

use crate::error::Error;
use crate::map::Map;
use crate::mmap::Mapping;

/// Bit of a record's header: a program still writes it.
const BUSY: u32 = 1 << 31;
/// Bit of a record's header: the program gave it up.
const DISCARD: u32 = 1 << 30;
/// Bytes of a record's header.
const HEADER: u64 = 8;

/// The reading end of a ring-buffer map. There should be one reader at a time: two take records from each other.
#[derive(Debug)]
pub struct RingBuffer {
    fd: OwnedFd,
    /// The reader's position, writable.
    reader: Mapping,
    /// The writers' position, then the data twice.
    writers: Mapping,
    page: usize,
    /// Bytes of data, a power of two.
    size: u64,
    record: Vec<u8>,
}

impl RingBuffer {
    /// Maps a ring buffer's memory, and holds the map from then on.
    ///
    /// # Errors
    /// [`Error::Call`]: a map of another type, or no memory.
    pub fn new(map: &Map) -> Result<RingBuffer, Error> {
        let failed = |errno, cause| Error::Call { call: "mmap", object: format!("map `{}`", map.name()), errno, cause };
        let info = map.info()?;
        if info.map_type != Some(MapType::Ringbuf) {
            return Err(failed(Errno::INVAL, Some("it is no ring buffer")));
        }
        let size = info.max_entries as usize;
        let page = rustix::param::page_size();
        let reader = Mapping::new(map.as_fd(), 0, page, true).map_err(|e| failed(e, None))?;
        let len = size.checked_mul(2).and_then(|twice| twice.checked_add(page));
        let len = len.ok_or_else(|| failed(Errno::NOMEM, Some("it does not fit in this process")))?;
        let writers = Mapping::new(map.as_fd(), page as u64, len, false).map_err(|e| failed(e, None))?;
        let fd = map.as_fd().try_clone_to_owned().map_err(|_| failed(Errno::MFILE, None))?;
        Ok(RingBuffer { fd, reader, writers, page, size: size as u64, record: Vec::new() })
    }

    /// Hands over every record that is complete, in order, and frees its room; records given up are left out. Returns
    /// how many records were handed over. It does not wait, and ends also when programs write without pause: at the
    /// position they had reached when it began.
    pub fn drain(&mut self, mut take: impl FnMut(&[u8])) -> usize {
        let mut taken = 0;
        let Some(mut at) = self.reader.load_u64(0, Ordering::Acquire) else { return 0 };
        let Some(end) = self.writers.load_u64(0, Ordering::Acquire) else { return 0 };
        // More than one size ahead would mean that the positions are damaged; then nothing is read.
        while at != end && end.wrapping_sub(at) <= self.size {
            let offset = self.page + usize::try_from(at & self.size.wrapping_sub(1)).unwrap_or(usize::MAX - self.page);
            let Some(header) = self.writers.load_u32(offset, Ordering::Acquire) else { break };
            if header & BUSY != 0 {
                break;
            }
            let len = header & !DISCARD;
            let room = (HEADER + u64::from(len)).next_multiple_of(8);
            if room > end.wrapping_sub(at) {
                break;
            }
            if header & DISCARD == 0 {
                self.copy(offset + HEADER as usize, len as usize);
                take(&self.record);
                taken += 1;
            }
            at = at.wrapping_add(room);
            self.reader.store_u64(0, at, Ordering::Release);
        }
        taken
    }

    /// Bytes that are written or reserved but not yet taken out.
    pub fn pending(&self) -> u64 {
        let at = self.reader.load_u64(0, Ordering::Acquire).unwrap_or_default();
        self.writers.load_u64(0, Ordering::Acquire).unwrap_or_default().wrapping_sub(at)
    }

    /// Copies out a record; the room of a record is whole 8-byte words.
    fn copy(&mut self, offset: usize, len: usize) {
        self.record.clear();
        for word in (offset..offset + len).step_by(8) {
            let word = self.writers.load_u64(word, Ordering::Relaxed).unwrap_or_default();
            self.record.extend_from_slice(&word.to_ne_bytes());
        }
        self.record.truncate(len);
    }
}

/// For polling: readable when a program woke the reader.
impl AsFd for RingBuffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Waits until one of several ring buffers has records, or until the time is over (`None`: for ever). True when there
/// are records; false also when a signal ended the wait.
///
/// # Errors
/// [`Error::Call`] when the kernel cannot wait.
pub fn wait(rings: &[&RingBuffer], timeout: Option<Duration>) -> Result<bool, Error> {
    let mut fds: Vec<_> = rings.iter().map(|ring| PollFd::from_borrowed_fd(ring.as_fd(), PollFlags::IN)).collect();
    let timeout = timeout
        .map(|t| Timespec { tv_sec: t.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: t.subsec_nanos().into() });
    match rustix::event::poll(&mut fds, timeout.as_ref()) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(e) => Err(Error::call("poll", "ring buffers", e)),
    }
}
