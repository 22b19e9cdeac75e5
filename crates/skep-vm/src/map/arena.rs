//! An arena: memory that programs and user space share page by page, at addresses both know.
//!
//! A page is there once a program asked for it or user space wrote to it. As in the kernel, a load from a page that is
//! not there gives 0 and a store there does nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::mem::{Change, Memory};

const PAGE: usize = 4096;
/// Where user space has an arena that does not say, but for the low half.
const HIGH: u64 = 0x7f00 << 32;
/// The low half of that: not 0, for address 0 of an arena is no place.
const LOW: u64 = 0x1_0000;

/// Pages and which of them are there.
#[derive(Debug)]
pub(crate) struct Arena {
    /// User space's address of the first byte.
    base: u64,
    pages: usize,
    memory: Memory,
    /// A byte for each page: 1 where it is there.
    there: Memory,
    /// Held by who makes pages or takes them away.
    making: Mutex<()>,
}

impl Arena {
    pub(crate) fn new(pages: usize, address: u64) -> Arena {
        let low = LOW.min((1 << 32) - (pages * PAGE) as u64);
        let base = if address == 0 { HIGH | low } else { address };
        let (memory, there) = (Memory::new(pages * PAGE), Memory::new(pages));
        Arena { base, pages, memory, there, making: Mutex::new(()) }
    }

    fn making(&self) -> MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// User space's address of the first byte.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// Where the low half of an address lies, when it is inside.
    fn place(&self, low: usize, size: usize) -> Option<usize> {
        let at = (low as u32).wrapping_sub(self.base as u32) as usize;
        (at + size <= self.pages * PAGE).then_some(at)
    }

    /// The same, when its pages are there.
    fn made(&self, low: usize, size: usize) -> Option<usize> {
        let at = self.place(low, size)?;
        let is_there = |page: usize| self.there.load::<1>(page) == Some(1);
        (is_there(at / PAGE) && is_there((at + size - 1) / PAGE)).then_some(at)
    }

    pub(crate) fn load<const N: usize>(&self, low: usize) -> u64 {
        self.made(low, N).and_then(|at| self.memory.load::<N>(at)).unwrap_or(0)
    }

    pub(crate) fn store<const N: usize>(&self, low: usize, value: u64) {
        if let Some(at) = self.made(low, N) {
            self.memory.store::<N>(at, value);
        }
    }

    pub(crate) fn change<const N: usize>(&self, low: usize, change: Change, operand: u64) -> u64 {
        self.made(low, N).and_then(|at| self.memory.change::<N>(at, change, operand)).unwrap_or(0)
    }

    /// Makes pages, at a user's address or anywhere for 0; their user's address, 0 where that cannot be.
    pub(crate) fn make(&self, address: u64, count: usize) -> u64 {
        let _alone = self.making();
        let is_free = |page: &usize| self.there.load::<1>(*page) == Some(0);
        let first = match address {
            _ if count == 0 || count > self.pages => None,
            0 => self.first_free(count),
            _ if !(address - self.base.min(address)).is_multiple_of(PAGE as u64) || address < self.base => None,
            _ => {
                let page = (address - self.base) as usize / PAGE;
                (page + count <= self.pages && (page..page + count).all(|page| is_free(&page))).then_some(page)
            }
        };
        let Some(first) = first else { return 0 };
        (first..first + count).for_each(|page| _ = self.there.store::<1>(page, 1));
        self.base + (first * PAGE) as u64
    }

    fn first_free(&self, count: usize) -> Option<usize> {
        let mut run = 0;
        for page in 0..self.pages {
            run = if self.there.load::<1>(page) == Some(0) { run + 1 } else { 0 };
            if run == count {
                return Some(page + 1 - count);
            }
        }
        None
    }

    /// Takes pages away; what stood there is forgotten.
    pub(crate) fn take_away(&self, address: u64, count: usize) {
        let _alone = self.making();
        let Some(first) = self.place(address as usize & !(PAGE - 1), 1).map(|at| at / PAGE) else { return };
        for page in first..first.saturating_add(count).min(self.pages) {
            if self.there.load::<1>(page) == Some(1) {
                self.there.store::<1>(page, 0);
                self.memory.clear(page * PAGE, PAGE);
            }
        }
    }

    /// What user space reads at an address of its own.
    pub(crate) fn read(&self, address: u64, len: usize) -> Option<Vec<u8>> {
        let at = usize::try_from(address.checked_sub(self.base)?).ok()?;
        (at.checked_add(len)? <= self.memory.len()).then(|| self.memory.to_vec(at, len))
    }

    /// Writes as user space does, which makes the pages.
    pub(crate) fn write(&self, address: u64, bytes: &[u8]) -> Option<()> {
        let at = usize::try_from(address.checked_sub(self.base)?).ok()?;
        let end = at.checked_add(bytes.len()).filter(|end| *end <= self.memory.len())?;
        let _alone = self.making();
        (at / PAGE..end.div_ceil(PAGE)).for_each(|page| _ = self.there.store::<1>(page, 1));
        self.memory.copy_in(at, bytes)
    }
}
