//! A hash table over preallocated slots, with an optional order of use. Links are slot numbers plus one, so that fresh
//! memory of zeros is an empty table and costs nothing until it is used.

use super::{EXIST, MapError, NOEXIST};

/// Keys in slots; the values stand elsewhere under the same slot numbers.
#[derive(Debug)]
pub(crate) struct Hash {
    key_size: usize,
    entries: usize,
    seed: u64,
    /// Twice as many as slots and more, so that most chains have one link.
    heads: Vec<u32>,
    next: Vec<u32>,
    keys: Vec<u8>,
    live: Vec<bool>,
    /// Slots below it were used once.
    fresh: usize,
    free: u32,
    order: Option<Order>,
}

/// Slots from the most to the least recently used: neighbours, and both ends.
#[derive(Debug)]
struct Order {
    newer: Vec<u32>,
    older: Vec<u32>,
    newest: u32,
    oldest: u32,
}

/// Equality; short keys are compared without a call.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    if let (Some(a), Some(b)) = (a.as_array::<4>(), b.as_array::<4>()) {
        return a == b;
    }
    if let (Some(a), Some(b)) = (a.as_array::<8>(), b.as_array::<8>()) {
        return a == b;
    }
    a == b
}

const K: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hash {
    pub(crate) fn new(key_size: usize, entries: usize, evicts: bool, seed: u64) -> Hash {
        let order = evicts.then(|| Order { newer: vec![0; entries], older: vec![0; entries], newest: 0, oldest: 0 });
        Hash {
            key_size,
            entries,
            seed,
            heads: vec![0; 2 * entries.next_power_of_two()],
            next: vec![0; entries],
            keys: vec![0; entries * key_size],
            live: vec![false; entries],
            fresh: 0,
            free: 0,
            order,
        }
    }

    pub(crate) fn key(&self, slot: usize) -> &[u8] {
        self.keys.get(slot * self.key_size..(slot + 1) * self.key_size).unwrap_or_default()
    }

    /// Slots in use.
    pub(crate) fn slots(&self) -> impl Iterator<Item = usize> + '_ {
        self.live.iter().take(self.fresh).enumerate().filter(|(_, live)| **live).map(|(slot, _)| slot)
    }

    /// Slots below it were used once.
    pub(crate) fn fresh(&self) -> usize {
        self.fresh
    }

    /// The first slot in use at or after another.
    pub(crate) fn next(&self, from: usize) -> Option<usize> {
        let live = self.live.get(from..self.fresh)?;
        live.iter().position(|live| *live).map(|at| from + at)
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
        hash as usize & (self.heads.len() - 1)
    }

    #[inline(always)]
    pub(crate) fn find(&self, key: &[u8]) -> Option<usize> {
        self.find_in(self.bucket(key), key)
    }

    #[inline(always)]
    fn find_in(&self, bucket: usize, key: &[u8]) -> Option<usize> {
        let mut link = *self.heads.get(bucket)?;
        while link != 0 {
            let slot = link as usize - 1;
            if same(self.key(slot), key) {
                return Some(slot);
            }
            link = *self.next.get(slot)?;
        }
        None
    }

    /// The key's slot, and whether it is new.
    pub(crate) fn insert(&mut self, key: &[u8], flags: u64) -> Result<(usize, bool), MapError> {
        let bucket = self.bucket(key);
        if let Some(slot) = self.find_in(bucket, key) {
            if flags == NOEXIST {
                return Err(MapError::Exists);
            }
            self.touch(slot);
            return Ok((slot, false));
        }
        if flags == EXIST {
            return Err(MapError::Absent);
        }
        let slot = self.take_slot().ok_or(MapError::Full)?;
        if let Some(room) = self.keys.get_mut(slot * self.key_size..(slot + 1) * self.key_size) {
            room.copy_from_slice(key);
        }
        let link = slot as u32 + 1;
        if let (Some(head), Some(next), Some(live)) =
            (self.heads.get_mut(bucket), self.next.get_mut(slot), self.live.get_mut(slot))
        {
            *next = std::mem::replace(head, link);
            *live = true;
        }
        if let Some(order) = &mut self.order {
            order.push(slot);
        }
        Ok((slot, true))
    }

    /// A slot of no key: a freed one, a fresh one, or the least recently used.
    fn take_slot(&mut self) -> Option<usize> {
        if self.free != 0 {
            let slot = self.free as usize - 1;
            self.free = *self.next.get(slot)?;
            return Some(slot);
        }
        if self.fresh < self.entries {
            self.fresh += 1;
            return Some(self.fresh - 1);
        }
        let oldest = self.order.as_ref().map(|order| order.oldest).filter(|link| *link != 0)?;
        let slot = oldest as usize - 1;
        self.unlink(slot);
        self.free = *self.next.get(slot)?;
        Some(slot)
    }

    /// Whether it keeps the order of use.
    #[inline]
    pub(crate) fn evicts(&self) -> bool {
        self.order.is_some()
    }

    /// Marks a slot as the most recently used.
    #[inline]
    pub(crate) fn touch(&mut self, slot: usize) {
        if let Some(order) = &mut self.order
            && order.newest != slot as u32 + 1
        {
            order.take(slot);
            order.push(slot);
        }
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Result<(), MapError> {
        let slot = self.find(key).ok_or(MapError::Absent)?;
        self.unlink(slot);
        Ok(())
    }

    /// Takes a slot out of its bucket and the order, and puts it first on the free list.
    fn unlink(&mut self, slot: usize) {
        let bucket = self.bucket(self.key(slot));
        let link = slot as u32 + 1;
        let after = self.next.get(slot).copied().unwrap_or(0);
        let mut at = self.heads.get(bucket).copied().unwrap_or(0);
        if at == link {
            if let Some(head) = self.heads.get_mut(bucket) {
                *head = after;
            }
        } else {
            while at != 0 {
                let Some(next) = self.next.get_mut(at as usize - 1) else { break };
                if *next == link {
                    *next = after;
                    break;
                }
                at = *next;
            }
        }
        if let Some(order) = &mut self.order {
            order.take(slot);
        }
        if let (Some(next), Some(live)) = (self.next.get_mut(slot), self.live.get_mut(slot)) {
            *next = self.free;
            *live = false;
        }
        self.free = link;
    }
}

impl Order {
    fn push(&mut self, slot: usize) {
        let link = slot as u32 + 1;
        if let (Some(older), Some(newer)) = (self.older.get_mut(slot), self.newer.get_mut(slot)) {
            *older = self.newest;
            *newer = 0;
        }
        match self.newest {
            0 => self.oldest = link,
            newest => {
                if let Some(newer) = self.newer.get_mut(newest as usize - 1) {
                    *newer = link;
                }
            }
        }
        self.newest = link;
    }

    fn take(&mut self, slot: usize) {
        let newer = self.newer.get(slot).copied().unwrap_or(0);
        let older = self.older.get(slot).copied().unwrap_or(0);
        match newer {
            0 => self.newest = older,
            n => {
                if let Some(link) = self.older.get_mut(n as usize - 1) {
                    *link = older;
                }
            }
        }
        match older {
            0 => self.oldest = newer,
            o => {
                if let Some(link) = self.newer.get_mut(o as usize - 1) {
                    *link = newer;
                }
            }
        }
    }
}
