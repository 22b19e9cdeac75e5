//! Maps: the data programs and their user share, from as many threads as they like. Values live in slabs at offsets
//! that never move; nobody has a reference to them, bytes are copied in and out.

mod error;
mod hash;
mod make;
mod order;
mod program;
mod ring;
mod slab;
mod trie;

pub use error::MapError;
pub(crate) use ring::Ring;

use hash::Hash;
use skep_isa::spec::{MapType, map_flag};
use slab::Slab;
use trie::Trie;

use crate::memory::read_le;

/// `BPF_NOEXIST`: only a new key.
pub(crate) const NOEXIST: u64 = map_flag::NOEXIST;
/// `BPF_EXIST`: only a key that is there.
pub(crate) const EXIST: u64 = map_flag::EXIST;

#[derive(Debug)]
enum Kind {
    Array,
    Hash(Hash),
    Trie(Trie),
    Ring(Ring),
}

/// One map of a machine; threads share it.
///
/// A per-CPU value is handed over as the kernel hands it to user space: one value for each CPU, each padded to a
/// multiple of 8 bytes.
#[derive(Debug)]
pub struct Map {
    name: String,
    map_type: MapType,
    key_size: usize,
    value_size: usize,
    max_entries: usize,
    /// Values of one key: the number of CPUs in per-CPU maps, else 1.
    copies: usize,
    values: Slab,
    kind: Kind,
    frozen: bool,
    program_writes: bool,
}

impl Map {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub fn map_type(&self) -> MapType {
        self.map_type
    }

    /// Bytes of a key.
    pub fn key_size(&self) -> u32 {
        self.key_size as u32
    }

    /// Bytes of a value, of one CPU's value in per-CPU maps.
    pub fn value_size(&self) -> u32 {
        self.value_size as u32
    }

    /// Most entries; bytes of a ring buffer.
    pub fn max_entries(&self) -> u32 {
        self.max_entries as u32
    }

    /// The value of a key, `None` when the key is absent or has the wrong size. Does not count as a use.
    pub fn lookup(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.find(key).map(|slot| self.value(slot))
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
        if value.len() != wanted || matches!(self.kind, Kind::Ring(_)) {
            return Err(MapError::Invalid);
        }
        self.put(key, flags, |first, _| {
            for (slot, bytes) in (first..).zip(value.chunks(each.max(1))) {
                self.values.set(slot, bytes.get(..self.value_size).unwrap_or(bytes));
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

    /// The key after another, as `BPF_MAP_GET_NEXT_KEY` goes through a map: the first after none, and after one that is not
    /// there.
    ///
    /// # Errors
    /// `Absent` after the last; `Invalid` for a wrong size, and `NotSupported` for ring buffers.
    pub fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        if key.is_some_and(|key| key.len() != self.key_size) {
            return Err(MapError::Invalid);
        }
        let next = match &self.kind {
            Kind::Array => {
                let next = key.and_then(|key| self.index(key)).map_or(0, |index| index + 1);
                (next < self.max_entries).then(|| (next as u32).to_le_bytes().to_vec())
            }
            Kind::Hash(hash) => hash.key_after(key),
            Kind::Trie(trie) => trie.key_after(key),
            Kind::Ring(_) => return Err(MapError::NotSupported),
        };
        next.ok_or(MapError::Absent)
    }

    /// All keys and values: arrays by index, prefix trees by prefix, hash maps in no order. Rings have none.
    pub fn entries(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut all = Vec::new();
        match &self.kind {
            Kind::Array => all.extend(
                (0..self.max_entries)
                    .map(|index| ((index as u32).to_le_bytes().to_vec(), self.value(index * self.copies))),
            ),
            Kind::Hash(hash) => hash.each(|slot| all.push((hash.key(slot), self.value(slot * self.copies)))),
            Kind::Trie(trie) => {
                trie.each(|slot, key| all.push((key.to_vec(), self.value(slot))));
                all.sort();
            }
            Kind::Ring(_) => {}
        }
        all
    }

    /// Hands over and consumes the records of a ring buffer; nothing for any other map. Who hands over waits for who does
    /// so already.
    pub fn drain(&self, record: impl FnMut(&[u8])) {
        if let Kind::Ring(ring) = &self.kind {
            ring.drain(record);
        }
    }

    /// The user's view of the values that begin at a slot.
    fn value(&self, slot: usize) -> Vec<u8> {
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

    /// First slot of a key's values.
    #[inline(always)]
    fn find(&self, key: &[u8]) -> Option<usize> {
        if key.len() != self.key_size {
            return None;
        }
        match &self.kind {
            Kind::Array => self.index(key).map(|index| index * self.copies),
            Kind::Hash(hash) => hash.find(key).map(|slot| slot * self.copies),
            Kind::Trie(trie) => trie.longest(key),
            Kind::Ring(_) => None,
        }
    }

    fn index(&self, key: &[u8]) -> Option<usize> {
        let index = read_le(key) as usize;
        (index < self.max_entries).then_some(index)
    }

    /// Sets the values of a key, which `fill` writes: it gets the first of their slots, and whether the key is new there.
    fn put(&self, key: &[u8], flags: u64, fill: impl FnOnce(usize, bool)) -> Result<(), MapError> {
        if flags > EXIST || key.len() != self.key_size {
            return Err(MapError::Invalid);
        }
        match &self.kind {
            Kind::Array => {
                let index = self.index(key).ok_or(MapError::Full)?;
                if flags == NOEXIST {
                    return Err(MapError::Exists);
                }
                fill(index * self.copies, false);
                Ok(())
            }
            Kind::Hash(hash) => hash.put(key, flags, |slot, is_new| fill(slot * self.copies, is_new)).map(drop),
            Kind::Trie(trie) => trie.insert(key, flags, fill).map(drop),
            Kind::Ring(_) => Err(MapError::Invalid),
        }
    }

    fn remove(&self, key: &[u8]) -> Result<(), MapError> {
        if key.len() != self.key_size {
            return Err(MapError::Invalid);
        }
        match &self.kind {
            Kind::Array | Kind::Ring(_) => Err(MapError::Invalid),
            Kind::Hash(hash) => hash.remove(key, |_| {}),
            Kind::Trie(trie) => trie.remove(key),
        }
    }
}

/// Maps whose keys are indices. Maps of devices, CPUs and sockets hold their user's numbers, 0 for nothing.
fn is_array(map_type: MapType) -> bool {
    use MapType::*;
    matches!(map_type, Array | PercpuArray | Devmap | Cpumap | Xskmap)
}

#[cfg(test)]
mod tests;
