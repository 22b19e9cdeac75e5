//! A hash table over preallocated slots that is read without locks, with an optional order of use.
//!
//! Enter at [`Hash::find`], [`Hash::put`] and [`Hash::remove`]. Writers take turns; readers walk a bucket's chain while
//! it changes under them. A slot is used again at once, for any key, so who stands on one may be led astray: what is found
//! is compared whole, and what is not found is looked for again while nobody writes. It knows nothing of values: they stand
//! elsewhere under the same slot numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::order::Order;
use super::{EXIST, MapError, NOEXIST};
use crate::mem::Memory;

/// A link is a slot's number plus one, or this bit and the number of the bucket that ends there. In fresh memory of
/// zeros, 0 is an empty bucket, so that a table costs nothing until it is used.
const END: usize = 1 << 31;
/// Bytes in front of a slot's key: the next link, and a count of how often the key was begun or ended to be written.
const FRONT: usize = 8;
/// The same where keys have no more than 4 bytes: they are written at once, and need no count.
const SHORT_FRONT: usize = 4;

/// Keys in slots.
#[derive(Debug)]
pub(crate) struct Hash {
    key_size: usize,
    /// Most keys.
    entries: usize,
    seed: u64,
    /// One less than the number of buckets: twice as many as slots and more, so that most chains have one link.
    mask: usize,
    heads: Memory,
    slots: Memory,
    /// Bytes of a slot in front of its key.
    front: usize,
    /// Bytes from one slot to the next.
    stride: usize,
    /// An update of a key that is there changes its slot's values, instead of putting another slot in its place.
    in_place: bool,
    /// Per slot, 1 when a program used it since it was last looked at. Only in tables that evict.
    used: Option<Memory>,
    /// How often a change began or ended: odd while one goes on.
    changes: AtomicU64,
    writer: Mutex<Writer>,
}

/// What only writers know.
#[derive(Debug)]
struct Writer {
    slots: usize,
    /// Slots below it were used once.
    fresh: usize,
    free: Vec<u32>,
    live: usize,
    order: Option<Order>,
}

/// How a table treats its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// An update puts another slot in the old one's place; so many slots are beside those of `entries`.
    Replace(usize),
    /// An update of a key that is there changes its slot.
    InPlace,
    /// The same as `Replace`, and a full table drops keys that were not used lately: the more the fewer CPUs there are.
    Evict(usize),
    /// The same as `InPlace`, and a full table drops keys that were not used lately.
    EvictInPlace(usize),
}

/// Where a walk over all keys stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    bucket: usize,
    /// The link to follow, 0 for the bucket's own.
    link: usize,
}

/// How often a key is looked for while others write, before they have to wait.
const TRIES: usize = 16;

const K: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hash {
    pub(crate) fn new(key_size: usize, entries: usize, reuse: Reuse, seed: u64) -> Hash {
        let spare = if let Reuse::Replace(spare) = reuse { spare } else { 0 };
        let slots = entries + spare;
        let buckets = 2 * entries.next_power_of_two();
        let (front, stride) = match key_size {
            0..=4 => (SHORT_FRONT, 8),
            _ => (FRONT, FRONT + key_size.next_multiple_of(8)),
        };
        let order = match reuse {
            Reuse::Evict(cpus) | Reuse::EvictInPlace(cpus) => Some(Order::new(slots, cpus)),
            Reuse::Replace(_) | Reuse::InPlace => None,
        };
        Hash {
            key_size,
            entries,
            seed,
            mask: buckets - 1,
            heads: Memory::new(4 * buckets),
            slots: Memory::new(slots * stride),
            front,
            stride,
            in_place: matches!(reuse, Reuse::InPlace | Reuse::EvictInPlace(_)),
            used: order.is_some().then(|| Memory::new(slots)),
            changes: AtomicU64::new(0),
            writer: Mutex::new(Writer { slots, fresh: 0, free: Vec::new(), live: 0, order }),
        }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn key(&self, slot: usize) -> Vec<u8> {
        self.slots.to_vec(slot * self.stride + self.front, self.key_size)
    }

    /// Seeded multiply-and-fold over words of eight bytes.
    #[inline(always)]
    fn bucket(&self, key: &[u8]) -> usize {
        let mut hash = self.seed;
        let mut mix = |word: u64| {
            let wide = u128::from(hash ^ word) * u128::from(K);
            hash = (wide as u64) ^ (wide >> 64) as u64;
        };
        match (key.as_array::<4>(), key.as_array::<8>()) {
            (Some(half), _) => mix(u64::from(u32::from_le_bytes(*half))),
            (_, Some(word)) => mix(u64::from_le_bytes(*word)),
            _ => key.chunks(8).for_each(|word| mix(crate::memory::read_le(word))),
        }
        hash as usize & self.mask
    }

    #[inline(always)]
    fn head(&self, bucket: usize) -> usize {
        match self.heads.load::<4>(4 * bucket) {
            None | Some(0) => END | bucket,
            Some(link) => link as usize,
        }
    }

    #[inline(always)]
    fn next(&self, slot: usize) -> usize {
        self.slots.load::<4>(slot * self.stride).map_or(END, |link| link as usize)
    }

    /// True when a slot has this key, and had it all the while it was looked at.
    #[inline(always)]
    fn has(&self, slot: usize, key: &[u8]) -> bool {
        let at = slot * self.stride;
        if let Some(half) = key.as_array::<4>() {
            return self.slots.load::<4>(at + SHORT_FRONT) == Some(u32::from_le_bytes(*half).into());
        }
        if let Some(word) = key.as_array::<8>() {
            return self.slots.load::<8>(at + FRONT) == Some(u64::from_le_bytes(*word));
        }
        self.has_other(slot, key)
    }

    fn has_other(&self, slot: usize, key: &[u8]) -> bool {
        if self.front == SHORT_FRONT {
            return self.slots.load::<4>(slot * self.stride + SHORT_FRONT) == Some(crate::memory::read_le(key));
        }
        self.has_long(slot, key)
    }

    fn has_long(&self, slot: usize, key: &[u8]) -> bool {
        let front = slot * self.stride;
        let version = self.slots.load::<4>(front + 4);
        let same = key.chunks(8).enumerate().all(|(n, word)| {
            let there = self.slots.load::<8>(front + FRONT + 8 * n);
            there == Some(crate::memory::read_le(word))
        });
        let is_whole = version.is_some_and(|version| version.is_multiple_of(2));
        same && is_whole && self.slots.load::<4>(front + 4) == version
    }

    /// The slot of a key.
    #[inline(always)]
    pub(crate) fn find(&self, key: &[u8]) -> Option<usize> {
        let bucket = self.bucket(key);
        match self.walk(bucket, key) {
            None => self.find_again(bucket, key),
            some => some,
        }
    }

    /// The slot of a key, as a walk through its bucket finds it: for who writes, and who knows that nobody did.
    #[inline(always)]
    fn walk(&self, bucket: usize, key: &[u8]) -> Option<usize> {
        let mut link = self.head(bucket);
        while link & END == 0 {
            let slot = link.wrapping_sub(1);
            if self.has(slot, key) {
                return Some(slot);
            }
            link = self.next(slot);
        }
        None
    }

    /// Looks for a key that was not found. That it is not there is known once nothing changed during a walk.
    #[inline(never)]
    fn find_again(&self, bucket: usize, key: &[u8]) -> Option<usize> {
        for _ in 0..TRIES {
            let before = self.changes.load(Ordering::Acquire);
            let found = self.walk(bucket, key);
            if found.is_some() || before.is_multiple_of(2) && self.changes.load(Ordering::Acquire) == before {
                return found;
            }
            std::hint::spin_loop();
        }
        let _still = self.writer();
        self.walk(bucket, key)
    }

    /// Changes slots and chains; the writer's lock is held.
    fn change<T>(&self, change: impl FnOnce() -> T) -> T {
        let before = self.changes.load(Ordering::Relaxed);
        self.changes.store(before + 1, Ordering::Release);
        let done = change();
        self.changes.store(before + 2, Ordering::Release);
        done
    }

    /// Notes that a program used a slot.
    #[inline(always)]
    pub(crate) fn touch(&self, slot: usize) {
        if let Some(used) = &self.used
            && used.load::<1>(slot) == Some(0)
        {
            used.store::<1>(slot, 1);
        }
    }

    /// Sets the values of a key: `fill` writes those of the slot it is given, and is told whether the key is new there.
    /// Who looks the key up sees all of that or nothing of it, but for tables that change their slots in place.
    pub(crate) fn put(&self, key: &[u8], flags: u64, fill: impl FnOnce(usize, bool)) -> Result<usize, MapError> {
        let mut writer = self.writer();
        self.change(|| self.put_alone(&mut writer, key, flags, fill))
    }

    fn put_alone(
        &self,
        writer: &mut Writer,
        key: &[u8],
        flags: u64,
        fill: impl FnOnce(usize, bool),
    ) -> Result<usize, MapError> {
        let bucket = self.bucket(key);
        // As in the kernel, room is made before anyone knows whether it is needed.
        let early = match &writer.order {
            Some(_) if !self.in_place || flags != EXIST => Some(self.take_slot(writer).ok_or(MapError::NoMemory)?),
            _ => None,
        };
        let old = self.walk(bucket, key);
        let refused = match (old, flags) {
            (Some(_), NOEXIST) => Some(MapError::Exists),
            (None, EXIST) => Some(MapError::Absent),
            (None, _) if writer.order.is_none() && writer.live == self.entries => Some(MapError::Full),
            _ => None,
        };
        if let Some(why) = refused {
            early.into_iter().for_each(|slot| self.release(writer, slot));
            return Err(why);
        }
        if let Some(slot) = old.filter(|_| self.in_place) {
            early.into_iter().for_each(|slot| self.release(writer, slot));
            fill(slot, false);
            self.touch(slot);
            return Ok(slot);
        }
        let slot = match early {
            Some(slot) => slot,
            None => self.take_slot(writer).ok_or(MapError::Full)?,
        };
        fill(slot, true);
        self.link(writer, bucket, slot, key);
        if let Some(old) = old {
            self.touch(slot);
            self.unlink(writer, old);
        }
        Ok(slot)
    }

    /// Puts a slot first in a bucket, under a key.
    fn link(&self, writer: &mut Writer, bucket: usize, slot: usize, key: &[u8]) {
        let front = slot * self.stride;
        self.slots.store::<4>(front, self.head(bucket) as u64);
        if self.front == SHORT_FRONT {
            self.slots.store::<4>(front + SHORT_FRONT, crate::memory::read_le(key));
        } else {
            let version = self.slots.load::<4>(front + 4).unwrap_or(0);
            self.slots.store::<4>(front + 4, version + 1);
            for (n, word) in key.chunks(8).enumerate() {
                self.slots.store::<8>(front + FRONT + 8 * n, crate::memory::read_le(word));
            }
            self.slots.store::<4>(front + 4, version + 2);
        }
        self.heads.store::<4>(4 * bucket, slot as u64 + 1);
        writer.live += 1;
    }

    /// A slot of no key: a freed one, a fresh one, or one that was not used lately.
    fn take_slot(&self, writer: &mut Writer) -> Option<usize> {
        if let (Some(order), Some(used)) = (&mut writer.order, &self.used) {
            let mut evicted = Vec::new();
            let slot = order.take(used, &mut evicted);
            evicted.into_iter().for_each(|slot| self.unchain(writer, slot));
            return slot;
        }
        if let Some(slot) = writer.free.pop() {
            return Some(slot as usize);
        }
        if writer.fresh == writer.slots {
            return None;
        }
        writer.fresh += 1;
        Some(writer.fresh - 1)
    }

    /// Makes a slot free.
    fn release(&self, writer: &mut Writer, slot: usize) {
        match (&mut writer.order, &self.used) {
            (Some(order), Some(used)) => order.free(slot, used),
            _ => writer.free.push(slot as u32),
        }
    }

    /// Removes a key, after `before` has seen its slot.
    pub(crate) fn remove(&self, key: &[u8], before: impl FnOnce(usize)) -> Result<(), MapError> {
        let mut writer = self.writer();
        let slot = self.walk(self.bucket(key), key).ok_or(MapError::Absent)?;
        before(slot);
        self.change(|| self.unlink(&mut writer, slot));
        Ok(())
    }

    /// Takes a slot out of its bucket and makes it free.
    fn unlink(&self, writer: &mut Writer, slot: usize) {
        self.unchain(writer, slot);
        self.release(writer, slot);
    }

    /// Takes a slot out of its bucket. Its own link stays, for those who stand on it.
    fn unchain(&self, writer: &mut Writer, slot: usize) {
        let bucket = self.bucket(&self.key(slot));
        let after = self.next(slot);
        let link = slot + 1;
        let mut at = self.head(bucket);
        if at == link {
            self.heads.store::<4>(4 * bucket, after as u64);
        }
        while at & END == 0 && at != link {
            let next = self.next(at - 1);
            if next == link {
                self.slots.store::<4>((at - 1) * self.stride, after as u64);
            }
            at = next;
        }
        writer.live -= 1;
    }

    /// The first slot at or after a place and the place behind it, with the number of buckets that were passed.
    pub(crate) fn step(&self, from: Walk) -> (Option<(usize, Walk)>, usize) {
        let mut walk = from;
        loop {
            let link = if walk.link == 0 { self.head(walk.bucket) } else { walk.link };
            if link & END == 0 {
                let slot = link - 1;
                let behind = Walk { bucket: walk.bucket, link: self.next(slot) };
                return (Some((slot, behind)), walk.bucket - from.bucket);
            }
            if walk.bucket == self.mask {
                return (None, walk.bucket - from.bucket);
            }
            walk = Walk { bucket: walk.bucket + 1, link: 0 };
        }
    }

    /// All slots of a bucket, while nobody writes; `None` past the last bucket.
    pub(crate) fn bucket_slots(&self, bucket: usize) -> Option<Vec<usize>> {
        if bucket > self.mask {
            return None;
        }
        let _still = self.writer();
        let mut slots = Vec::new();
        let mut link = self.head(bucket);
        while link & END == 0 {
            slots.push(link - 1);
            link = self.next(link - 1);
        }
        Some(slots)
    }

    /// Hands over all slots of keys, while nobody writes.
    pub(crate) fn each(&self, mut see: impl FnMut(usize)) {
        let _still = self.writer();
        let mut walk = Walk::default();
        while let (Some((slot, behind)), _) = self.step(walk) {
            see(slot);
            walk = behind;
        }
    }

    /// The key after another in the order of buckets: the first after none or one that is not there.
    pub(crate) fn key_after(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        let _still = self.writer();
        let place = key.map(|key| (self.bucket(key), key));
        let place = place.and_then(|(bucket, key)| Some((bucket, self.walk(bucket, key)?)));
        let from = place.map_or(Walk::default(), |(bucket, slot)| Walk { bucket, link: self.next(slot) });
        let (next, _) = self.step(from);
        next.map(|(slot, _)| self.key(slot))
    }
}
