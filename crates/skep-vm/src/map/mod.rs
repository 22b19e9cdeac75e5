//! Maps: the data programs and their user share. Values live in slabs at offsets that never move.

mod hash;
mod ring;
mod slab;
mod trie;

pub(crate) use ring::Ring;

use hash::Hash;
use skep_isa::spec::{MapType, map_flag};
use skep_object::{MapRole, MapSpec};
use slab::Slab;
use trie::Trie;

use crate::error::Error;
use crate::memory::read_le;

/// `BPF_NOEXIST`: only a new key.
pub(crate) const NOEXIST: u64 = map_flag::NOEXIST;
/// `BPF_EXIST`: only a key that is there.
pub(crate) const EXIST: u64 = map_flag::EXIST;

/// Most bytes of a key, as in the kernel: it must fit on the stack.
const MOST_KEY: usize = 512;

/// Bytes an entry takes beside its own when all are handed out: an array of zeros costs nothing until it is shown.
const HANDED_OUT: u64 = 256;

const F_NO_PREALLOC: u32 = map_flag::NO_PREALLOC;
const F_RDONLY_PROG: u32 = map_flag::RDONLY_PROG;
const F_WRONLY_PROG: u32 = map_flag::WRONLY_PROG;

/// Why an operation on a map failed; the kernel's error number is [`MapError::errno`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// The key is absent (`ENOENT`).
    #[error("no such key")]
    Absent,
    /// The key is there already (`EEXIST`).
    #[error("the key is there already")]
    Exists,
    /// The map is full, or the index past its end (`E2BIG`).
    #[error("the map is full, or the index is past its end")]
    Full,
    /// The prefix tree is full (`ENOSPC`).
    #[error("the prefix tree is full")]
    NoSpace,
    /// A size, flag or prefix length is wrong, or the map has no such operation (`EINVAL`).
    #[error("a size, flag or prefix length is wrong, or the map has no such operation")]
    Invalid,
    /// The map is frozen (`EPERM`).
    #[error("the map may only be read")]
    ReadOnly,
}

impl MapError {
    /// The kernel's error number, positive.
    pub fn errno(self) -> i32 {
        match self {
            MapError::ReadOnly => 1,
            MapError::Absent => 2,
            MapError::Full => 7,
            MapError::Exists => 17,
            MapError::Invalid => 22,
            MapError::NoSpace => 28,
        }
    }
}

#[derive(Debug)]
enum Kind {
    Array,
    Hash(Hash),
    Trie(Trie),
    Ring(Ring),
}

/// One map of a machine.
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
    /// Makes a map. `left` is what of the machine's memory for maps may still be taken; its use is returned too.
    pub(crate) fn new(spec: &MapSpec, cpus: usize, left: u64, seed: u64) -> Result<(Map, u64), Error> {
        let bad = |why: &str| Error::BadMap { map: spec.name.clone(), why: why.to_owned() };
        let too_large = |bytes: u64, limit: u64| Error::MapTooLarge { map: spec.name.clone(), bytes, limit };
        let (key_size, value_size) = (spec.key_size as usize, spec.value_size as usize);
        let is_known = matches!(
            spec.map_type,
            MapType::Array
                | MapType::PercpuArray
                | MapType::Hash
                | MapType::PercpuHash
                | MapType::LruHash
                | MapType::LruPercpuHash
                | MapType::LpmTrie
                | MapType::Ringbuf
                | MapType::Devmap
                | MapType::DevmapHash
                | MapType::Cpumap
                | MapType::Xskmap
        );
        if !is_known {
            return Err(Error::MapType { map: spec.name.clone(), map_type: spec.map_type });
        }
        let entries = match (spec.map_type, spec.max_entries) {
            // Rounded up to what a ring buffer may be, as loaders do.
            (MapType::Ringbuf, size @ 1..) => size.max(4096).checked_next_power_of_two().unwrap_or(1 << 31) as usize,
            (_, entries) => entries as usize,
        };
        let copies = if spec.map_type.is_per_cpu() { cpus.max(1) } else { 1 };
        let is_ring = spec.map_type == MapType::Ringbuf;
        if entries == 0 {
            return Err(bad("`max_entries` is 0"));
        }
        match spec.map_type {
            MapType::Ringbuf if key_size != 0 || value_size != 0 => {
                return Err(bad("a ring buffer has neither keys nor values"));
            }
            MapType::Ringbuf => {}
            _ if value_size == 0 => return Err(bad("`value_size` is 0")),
            MapType::Array | MapType::PercpuArray | MapType::Devmap | MapType::Cpumap | MapType::Xskmap
                if key_size != 4 =>
            {
                return Err(bad("an array's keys have 4 bytes"));
            }
            MapType::LpmTrie if !(5..=260).contains(&key_size) => {
                return Err(bad("a prefix tree's keys have 5 to 260 bytes: the prefix length and 1 to 256 of data"));
            }
            MapType::LpmTrie if spec.flags & F_NO_PREALLOC == 0 => {
                return Err(bad("a prefix tree needs the flag BPF_F_NO_PREALLOC"));
            }
            _ if key_size > MOST_KEY => return Err(bad("keys have at most 512 bytes")),
            _ if key_size == 0 => return Err(bad("`key_size` is 0")),
            _ => {}
        }
        // What it takes when full: values in their strides, keys, 32 bytes of links for each key; and to be shown.
        let stride = Slab::stride_of(value_size) as u64;
        let slab = if is_ring { 2 * entries as u64 } else { entries as u64 * copies as u64 * stride };
        let region: u64 = 1 << 32;
        if slab > region {
            return Err(too_large(slab, region));
        }
        let is_keyed = !is_ring && !is_array(spec.map_type);
        let each = if is_keyed { 2 * key_size as u64 + 32 } else { 0 } + if is_ring { 0 } else { HANDED_OUT };
        let bytes = slab + entries as u64 * each;
        if bytes > left {
            return Err(too_large(bytes, left));
        }
        let kind = match spec.map_type {
            kind if is_array(kind) => Kind::Array,
            MapType::Hash | MapType::PercpuHash | MapType::DevmapHash => {
                Kind::Hash(Hash::new(key_size, entries, false, seed))
            }
            MapType::LruHash | MapType::LruPercpuHash => Kind::Hash(Hash::new(key_size, entries, true, seed)),
            MapType::LpmTrie => Kind::Trie(Trie::new(key_size, entries, seed)),
            MapType::Ringbuf => Kind::Ring(Ring::new(entries)),
            map_type => return Err(Error::MapType { map: spec.name.clone(), map_type }),
        };
        let slots = if is_ring { 0 } else { entries * copies };
        let readable = spec.flags & F_WRONLY_PROG == 0;
        let mut map = Map {
            name: spec.name.clone(),
            map_type: spec.map_type,
            key_size,
            value_size,
            max_entries: entries,
            copies,
            values: Slab::new(slots, value_size, readable),
            kind,
            frozen: false,
            program_writes: spec.flags & F_RDONLY_PROG == 0,
        };
        if let MapRole::Data { initial, read_only } = &spec.role {
            let value = map.values.slot_mut(0).ok_or_else(|| bad("a data section has no value"))?;
            let room = value.get_mut(..initial.len()).ok_or_else(|| bad("its first bytes are more than its value"))?;
            room.copy_from_slice(initial);
            map.frozen = *read_only;
            map.program_writes &= !read_only;
        }
        Ok((map, bytes))
    }

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
    pub fn update(&mut self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        let each = self.value_size.next_multiple_of(8);
        let wanted = if self.map_type.is_per_cpu() { each * self.copies } else { self.value_size };
        if self.frozen {
            return Err(MapError::ReadOnly);
        }
        if value.len() != wanted || matches!(self.kind, Kind::Ring(_)) {
            return Err(MapError::Invalid);
        }
        let slot = self.reserve(key, flags)?;
        for (copy, bytes) in value.chunks(each.max(1)).enumerate() {
            self.write(slot + copy, bytes.get(..self.value_size).unwrap_or(bytes));
        }
        Ok(())
    }

    /// Removes a key.
    ///
    /// # Errors
    /// `Absent`; `Invalid` for arrays and ring buffers, `ReadOnly` for frozen maps.
    pub fn delete(&mut self, key: &[u8]) -> Result<(), MapError> {
        if self.frozen {
            return Err(MapError::ReadOnly);
        }
        self.remove(key)
    }

    /// All keys and values: arrays by index, prefix trees by prefix, hash maps in no order. Rings have none.
    pub fn entries(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        match &self.kind {
            Kind::Array => (0..self.max_entries)
                .map(|index| ((index as u32).to_le_bytes().to_vec(), self.value(index * self.copies)))
                .collect(),
            Kind::Hash(hash) => {
                hash.slots().map(|slot| (hash.key(slot).to_vec(), self.value(slot * self.copies))).collect()
            }
            Kind::Trie(trie) => {
                let mut all: Vec<_> = trie.slots().map(|slot| (trie.key(slot).to_vec(), self.value(slot))).collect();
                all.sort();
                all
            }
            Kind::Ring(_) => Vec::new(),
        }
    }

    /// The user's view of the values that begin at a slot.
    fn value(&self, slot: usize) -> Vec<u8> {
        if !self.map_type.is_per_cpu() {
            return self.values.slot(slot).unwrap_or_default().to_vec();
        }
        let each = self.value_size.next_multiple_of(8);
        let mut all = Vec::with_capacity(each * self.copies);
        for copy in slot..slot + self.copies {
            all.extend_from_slice(self.values.slot(copy).unwrap_or_default());
            all.resize((copy + 1 - slot) * each, 0);
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

    /// First slot of a key's values, which is made if need be: an update but for writing the value.
    fn reserve(&mut self, key: &[u8], flags: u64) -> Result<usize, MapError> {
        if flags > EXIST || key.len() != self.key_size {
            return Err(MapError::Invalid);
        }
        match &mut self.kind {
            Kind::Array => {
                let index = self.index(key).ok_or(MapError::Full)?;
                if flags == NOEXIST { Err(MapError::Exists) } else { Ok(index * self.copies) }
            }
            Kind::Hash(hash) => {
                let (slot, fresh) = hash.insert(key, flags)?;
                let first = slot * self.copies;
                if fresh && self.copies > 1 {
                    // A program sets one CPU's value; the others of a new key begin as zeros.
                    for copy in first..first + self.copies {
                        self.values.slot_mut(copy).unwrap_or_default().fill(0);
                    }
                }
                Ok(first)
            }
            Kind::Trie(trie) => trie.insert(key, flags),
            Kind::Ring(_) => Err(MapError::Invalid),
        }
    }

    fn write(&mut self, slot: usize, value: &[u8]) {
        if let Some(room) = self.values.slot_mut(slot)
            && room.len() == value.len()
        {
            room.copy_from_slice(value);
        }
    }

    fn remove(&mut self, key: &[u8]) -> Result<(), MapError> {
        if key.len() != self.key_size {
            return Err(MapError::Invalid);
        }
        match &mut self.kind {
            Kind::Array | Kind::Ring(_) => Err(MapError::Invalid),
            Kind::Hash(hash) => hash.remove(key),
            Kind::Trie(trie) => trie.remove(key),
        }
    }
}

/// One step of a walk over a map.
pub(crate) struct Entry {
    pub(crate) key: Vec<u8>,
    /// Offset of CPU 0's value.
    pub(crate) offset: usize,
    /// Where the walk goes on.
    pub(crate) next: usize,
}

/// What programs do with maps. CPU 0 is theirs.
impl Map {
    /// Bytes that a lookup goes through beside the key: a prefix tree asks once for each length in use.
    #[inline(always)]
    pub(crate) fn work(&self) -> usize {
        if let Kind::Trie(trie) = &self.kind { trie.work() } else { 0 }
    }

    /// The slot of a key's value for a CPU.
    #[inline(always)]
    pub(crate) fn program_find(&self, key: &[u8], cpu: usize) -> Option<usize> {
        if cpu >= self.copies {
            return None;
        }
        self.find(key).map(|slot| slot + cpu)
    }

    /// Offset of a slot's value in the map's region; this counts as a use, for maps that evict.
    #[inline]
    pub(crate) fn program_use(&mut self, slot: usize) -> usize {
        if let Kind::Hash(hash) = &mut self.kind
            && hash.evicts()
        {
            hash.touch(slot / self.copies);
        }
        self.values.offset(slot)
    }

    /// Sets the value of CPU 0.
    pub(crate) fn program_update(&mut self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        let slot = self.reserve(key, flags)?;
        self.write(slot, value);
        Ok(())
    }

    /// Removes a key.
    pub(crate) fn program_delete(&mut self, key: &[u8]) -> Result<(), MapError> {
        self.remove(key)
    }

    /// False for a map its programs may only read.
    pub(crate) fn program_writes(&self) -> bool {
        self.program_writes
    }

    /// The first entry at or after a place, for walking over all; prefix trees and rings are not walked.
    pub(crate) fn program_next(&self, from: usize) -> Option<Entry> {
        let (index, key) = match &self.kind {
            Kind::Array => (from < self.max_entries).then(|| (from, (from as u32).to_le_bytes().to_vec()))?,
            Kind::Hash(hash) => hash.next(from).map(|slot| (slot, hash.key(slot).to_vec()))?,
            Kind::Trie(_) | Kind::Ring(_) => return None,
        };
        Some(Entry { key, offset: self.values.offset(index * self.copies), next: index + 1 })
    }

    /// Slots that a walk over all entries passes at most.
    pub(crate) fn slots_used(&self) -> usize {
        match &self.kind {
            Kind::Hash(hash) => hash.fresh(),
            _ => 0,
        }
    }

    /// True when values have addresses a program may name in a wide load.
    pub(crate) fn has_direct_values(&self) -> bool {
        self.map_type == MapType::Array
    }

    /// The ring buffer in it.
    pub(crate) fn ring(&self) -> Option<&Ring> {
        match &self.kind {
            Kind::Ring(ring) => Some(ring),
            _ => None,
        }
    }

    /// The ring buffer in it.
    pub(crate) fn ring_mut(&mut self) -> Option<&mut Ring> {
        match &mut self.kind {
            Kind::Ring(ring) => Some(ring),
            _ => None,
        }
    }

    /// Bytes at an offset of the map's region, inside one value or one reserved record.
    #[inline(always)]
    pub(crate) fn window(&self, offset: usize, size: usize) -> Option<&[u8]> {
        match self.values.window(offset, size) {
            None => self.ring()?.window(offset, size),
            some => some,
        }
    }

    /// The same, to write.
    #[inline(always)]
    pub(crate) fn window_mut(&mut self, offset: usize, size: usize) -> Option<&mut [u8]> {
        if !self.program_writes {
            return None;
        }
        match &mut self.kind {
            Kind::Ring(ring) => ring.window_mut(offset, size),
            _ => self.values.window_mut(offset, size),
        }
    }

    /// Where the value or record an offset points into begins.
    pub(crate) fn value_begin(&self, offset: usize) -> usize {
        match &self.kind {
            Kind::Ring(ring) => ring.begin(offset),
            _ => self.values.begin(offset),
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
