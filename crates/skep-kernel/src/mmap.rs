//! Memory shared with the kernel: mapped pages, read and written by whole words only.
//!
//! No reference into the shared memory is ever made, for the kernel and other processes write it at any time.
#![allow(unsafe_code, reason = "mapped memory is reached by address")]

use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// A shared mapping of a descriptor.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
    writable: bool,
}

// SAFETY: the mapping is reached by atomic operations only, which any thread may do.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` bytes from `offset`, both whole pages.
    pub(crate) fn new(fd: BorrowedFd<'_>, offset: u64, len: usize, writable: bool) -> Result<Mapping, Errno> {
        let prot = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        // SAFETY: the kernel chooses a free address; nothing of ours is replaced.
        let start = unsafe { mmap(std::ptr::null_mut(), len, prot, MapFlags::SHARED, fd, offset)? };
        let start = NonNull::new(start.cast()).ok_or(Errno::FAULT)?;
        Ok(Mapping { start, len, writable })
    }

    /// Maps `len` bytes, whole pages, for reading and writing: at an address where nothing is yet, or anywhere for 0. Those of an
    /// arena lie within 4 GiB that begin at a multiple of 4 GiB; the kernel sees to that.
    pub(crate) fn at(fd: BorrowedFd<'_>, address: usize, len: usize) -> Result<Mapping, Errno> {
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let flags = if address == 0 { MapFlags::SHARED } else { MapFlags::SHARED | MapFlags::FIXED_NOREPLACE };
        let address = std::ptr::without_provenance_mut(address);
        // SAFETY: the kernel refuses to replace a mapping at a fixed address, and chooses a free one otherwise.
        let start = unsafe { mmap(address, len, prot, flags, fd, 0)? };
        let start = NonNull::new(start.cast()).ok_or(Errno::FAULT)?;
        Ok(Mapping { start, len, writable: true })
    }

    /// Copies bytes to its beginning; `None` when they do not fit.
    pub(crate) fn write(&self, bytes: &[u8]) -> Option<()> {
        let (words, rest) = bytes.as_chunks::<8>();
        for (at, word) in words.iter().enumerate() {
            self.store_u64(at * 8, u64::from_ne_bytes(*word), Ordering::Relaxed)?;
        }
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        match rest.is_empty() {
            true => Some(()),
            false => self.store_u64(words.len() * 8, u64::from_ne_bytes(last), Ordering::Relaxed),
        }
    }

    /// The 64-bit word at a byte offset; `None` outside the mapping or off its alignment.
    pub(crate) fn load_u64(&self, at: usize, order: Ordering) -> Option<u64> {
        let address = self.address(at, 8)?;
        // SAFETY: `address` checked that the word lies in the live mapping and is aligned.
        Some(unsafe { AtomicU64::from_ptr(address.cast().as_ptr()) }.load(order))
    }

    /// The 32-bit word at a byte offset; `None` outside the mapping or off its alignment.
    pub(crate) fn load_u32(&self, at: usize, order: Ordering) -> Option<u32> {
        let address = self.address(at, 4)?;
        // SAFETY: `address` checked that the word lies in the live mapping and is aligned.
        Some(unsafe { AtomicU32::from_ptr(address.cast().as_ptr()) }.load(order))
    }

    /// Sets the 64-bit word at a byte offset; `None` outside the mapping, off its alignment, or when it is read-only.
    pub(crate) fn store_u64(&self, at: usize, value: u64, order: Ordering) -> Option<()> {
        let address = self.address(at, 8).filter(|_| self.writable)?;
        // SAFETY: `address` checked that the word lies in the live mapping and is aligned; the pages are writable.
        unsafe { AtomicU64::from_ptr(address.cast().as_ptr()) }.store(value, order);
        Some(())
    }

    fn address(&self, at: usize, size: usize) -> Option<NonNull<u8>> {
        let inside = at.is_multiple_of(size) && at.checked_add(size)? <= self.len;
        // SAFETY: `at` lies inside the mapping.
        inside.then(|| unsafe { self.start.add(at) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the pages were mapped by `new` and nothing refers to them any more.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
    }
}
