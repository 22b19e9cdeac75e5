//! What the user of a machine does with its maps: what `bpf(2)` offers, with the kernel's answers.

use skep_isa::spec::MapType;
use skep_isa::spec::map_type::Op;

use super::{EXIST, Kind, Map, MapError, NOEXIST, holds};

impl Map {
    /// The value of a key, `None` when the key is absent or has the wrong size. Does not count as a use.
    pub fn lookup(&self, key: &[u8]) -> Option<Vec<u8>> {
        match (&self.kind, self.held) {
            (Kind::Queue(queue), _) if key.is_empty() => queue.next(false).ok(),
            (_, Some(rule)) if !rule.shown => None,
            (Kind::Hash(_), _) => loop {
                let slot = self.find(key)?;
                let value = self.value(slot);
                // Another thread may have given the slot to another key meanwhile.
                if self.find(key) == Some(slot) {
                    return Some(value);
                }
            },
            _ => {
                let slot = self.find(key)?;
                (self.held.is_none() || self.number(slot) != 0).then(|| self.value(slot))
            }
        }
    }

    /// Sets the value of a key. Flags: 0, `BPF_NOEXIST` 1, `BPF_EXIST` 2.
    ///
    /// # Errors
    /// As the kernel's: see [`MapError`].
    pub fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        let each = self.value_size.next_multiple_of(8);
        let wanted = if self.map_type.is_per_cpu() { each * self.copies } else { self.value_size };
        if self.frozen {
            return Err(MapError::ReadOnly);
        }
        if value.len() != wanted {
            return Err(MapError::Invalid);
        }
        match (&self.kind, self.held) {
            (Kind::Queue(_) | Kind::Bloom(_), _) if key.is_empty() => return self.push(value, flags),
            (Kind::Ring(_), _) => return Err(MapError::NotSupported),
            (Kind::Arena(_), _) => return Err(MapError::NotPossible),
            (_, Some(rule)) if key.len() == self.key_size => {
                let index = self.index(key);
                let is_held = index.is_some_and(|index| self.number(index) != 0);
                rule.update(flags, index.is_some(), is_held, number(value))?;
            }
            (Kind::Hash(_), _) if self.map_type == MapType::StackTrace => return Err(MapError::Invalid),
            (Kind::Hash(_), _) if self.is_of_cgroups() && flags == NOEXIST => return Err(MapError::Invalid),
            (Kind::Hash(_), _) if holds(self.map_type) && number(value) == 0 => return Err(self.nothing()),
            _ => {}
        }
        // To a map of devices by any number, a key that must be there is as good as any other.
        let flags = if self.map_type == MapType::DevmapHash && flags == EXIST { 0 } else { flags };
        self.put(key, flags, |first, _| {
            for (slot, bytes) in (first..).zip(value.chunks(each.max(1))) {
                self.values.set(slot, bytes);
            }
        })
    }

    /// Removes a key.
    ///
    /// # Errors
    /// `Absent`; `Invalid` for arrays and ring buffers, `ReadOnly` for frozen maps.
    pub fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        if self.frozen {
            return Err(MapError::ReadOnly);
        }
        self.remove(key)
    }

    /// Removes a key; the value it had. A queue's or stack's next value, for its empty key.
    ///
    /// # Errors
    /// `Absent`; `NotSupported` where maps of the type have no such operation; `ReadOnly` for frozen maps.
    pub fn take(&self, key: &[u8]) -> Result<Vec<u8>, MapError> {
        if self.frozen {
            return Err(MapError::ReadOnly);
        }
        if key.len() != self.key_size {
            return Err(MapError::Invalid);
        }
        match &self.kind {
            _ if !self.map_type.row().ops.contains(&Op::Take) => Err(MapError::NotSupported),
            Kind::Queue(queue) => queue.next(true),
            Kind::Hash(hash) => {
                let mut value = Vec::new();
                hash.remove(key, |slot| value = self.value(slot * self.copies))?;
                Ok(value)
            }
            _ => Err(MapError::NotSupported),
        }
    }

    /// Puts a value into a queue, stack or bloom filter. Flags: 0, and for queues and stacks `BPF_EXIST` 2, which makes
    /// room in a full one.
    ///
    /// # Errors
    /// `Full`; `Invalid` for a wrong size or flag, `NotPossible` for maps with keys.
    pub fn push(&self, value: &[u8], flags: u64) -> Result<(), MapError> {
        match &self.kind {
            Kind::Queue(queue) => queue.push(value, flags),
            Kind::Bloom(_) if flags != 0 || value.len() != self.value_size => Err(MapError::Invalid),
            Kind::Bloom(bloom) => {
                bloom.push(value);
                Ok(())
            }
            _ => Err(MapError::NotPossible),
        }
    }

    /// A queue's or stack's next value, which leaves it.
    ///
    /// # Errors
    /// `Absent` for an empty one, `NotPossible` for other maps.
    pub fn pop(&self) -> Result<Vec<u8>, MapError> {
        if let Kind::Queue(queue) = &self.kind { queue.next(true) } else { Err(MapError::NotPossible) }
    }

    /// A queue's or stack's next value, which stays.
    ///
    /// # Errors
    /// `Absent` for an empty one, `NotPossible` for other maps.
    pub fn peek(&self) -> Result<Vec<u8>, MapError> {
        if let Kind::Queue(queue) = &self.kind { queue.next(false) } else { Err(MapError::NotPossible) }
    }

    /// Whether a value may be in a bloom filter; false for other maps.
    pub fn may_have(&self, value: &[u8]) -> bool {
        matches!(&self.kind, Kind::Bloom(bloom) if value.len() == self.value_size && bloom.has(value))
    }

    /// Where user space has an arena; 0 for other maps.
    pub fn address(&self) -> u64 {
        if let Kind::Arena(arena) = &self.kind { arena.base() } else { 0 }
    }

    /// Reads an arena at an address of user space; `None` outside, and for other maps. Pages that nobody made are zeros.
    pub fn read_at(&self, address: u64, len: usize) -> Option<Vec<u8>> {
        if let Kind::Arena(arena) = &self.kind { arena.read(address, len) } else { None }
    }

    /// Writes to an arena at an address of user space, which makes the pages; `None` outside, and for other maps.
    pub fn write_at(&self, address: u64, bytes: &[u8]) -> Option<()> {
        if let Kind::Arena(arena) = &self.kind { arena.write(address, bytes) } else { None }
    }

    /// Why a hash does not take 0 for what it holds.
    fn nothing(&self) -> MapError {
        if self.map_type == MapType::DevmapHash { MapError::Invalid } else { MapError::BadNumber }
    }

    /// The key after another, as `BPF_MAP_GET_NEXT_KEY` goes through a map: the first after none, and after one that is not
    /// there.
    ///
    /// # Errors
    /// `Absent` after the last; `Invalid` for a wrong size; another for maps without keys.
    pub fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        if key.is_some_and(|key| key.len() != self.key_size) {
            return Err(MapError::Invalid);
        }
        if !self.map_type.row().ops.contains(&Op::NextKey) && matches!(self.kind, Kind::Hash(_)) {
            return Err(MapError::NotSupported);
        }
        let next = match &self.kind {
            Kind::Array | Kind::Events(_) => {
                let next = key.and_then(|key| self.index(key)).map_or(0, |index| index + 1);
                (next < self.max_entries).then(|| (next as u32).to_le_bytes().to_vec())
            }
            Kind::Hash(hash) => hash.key_after(key),
            Kind::Trie(trie) => trie.key_after(key),
            Kind::Queue(_) => return Err(MapError::Invalid),
            Kind::Ring(_) => return Err(MapError::NotSupported),
            Kind::Bloom(_) | Kind::Arena(_) => return Err(MapError::NotPossible),
        };
        next.ok_or(MapError::Absent)
    }

    /// All keys and values: arrays by index, prefix trees by prefix, hash maps in no order. Rings have none.
    pub fn entries(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut all = Vec::new();
        match &self.kind {
            _ if self.held.is_some_and(|rule| !rule.shown) => {}
            Kind::Array | Kind::Events(_) => all.extend(
                (0..self.max_entries)
                    .filter(|index| self.held.is_none() || self.number(*index) != 0)
                    .map(|index| ((index as u32).to_le_bytes().to_vec(), self.value(index * self.copies))),
            ),
            Kind::Hash(hash) => hash.each(|slot| all.push((hash.key(slot), self.value(slot * self.copies)))),
            Kind::Trie(trie) => {
                trie.each(|slot, key| all.push((key.to_vec(), self.value(slot))));
                all.sort();
            }
            Kind::Ring(_) | Kind::Queue(_) | Kind::Bloom(_) | Kind::Arena(_) => {}
        }
        all
    }

    /// Hands over and consumes the records of a ring buffer or perf event array; nothing for any other map. Who drains a
    /// ring buffer waits for who does so already.
    pub fn drain(&self, record: impl FnMut(&[u8])) {
        match &self.kind {
            Kind::Ring(ring) => ring.drain(record),
            Kind::Events(events) => events.drain(record),
            _ => {}
        }
    }

    /// The user's view of the values that begin at a slot.
    pub(super) fn value(&self, slot: usize) -> Vec<u8> {
        if !self.map_type.is_per_cpu() {
            return self.values.value(slot);
        }
        let each = self.value_size.next_multiple_of(8);
        let mut all = vec![0; each * self.copies];
        for (slot, to) in (slot..).zip(all.chunks_mut(each)) {
            self.values.value_to(slot, to);
        }
        all
    }
}

/// What a value of 4 or 8 bytes stands for.
fn number(value: &[u8]) -> u64 {
    crate::memory::read_le(value.get(..4).unwrap_or_default())
}
