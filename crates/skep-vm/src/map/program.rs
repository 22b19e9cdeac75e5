//! What programs do with maps: each CPU with its own value, values by their place in the map's region.

use skep_isa::spec::MapType;

use super::hash::Walk;
use super::{Arena, Events, Kind, Map, MapError, Ring, holds};
use crate::mem::Change;

/// One step of a walk over a map.
pub(crate) struct Entry {
    pub(crate) key: Vec<u8>,
    /// Offset of the walking CPU's value.
    pub(crate) offset: usize,
    /// Where the walk goes on.
    pub(crate) next: Place,
}

/// Where a walk over a map stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Index(usize),
    Bucket(Walk),
}

impl Map {
    /// Bytes that a lookup goes through beside the key: a prefix tree asks once for each length in use.
    #[inline(always)]
    pub(crate) fn work(&self) -> usize {
        if let Kind::Trie(trie) = &self.kind { trie.work() } else { 0 }
    }

    /// Offset of a key's value for a CPU in the map's region; this counts as a use, for maps that evict.
    #[inline(always)]
    pub(crate) fn program_find(&self, key: &[u8], cpu: usize) -> Option<usize> {
        let copy = if self.copies == 1 { 0 } else { cpu };
        if copy >= self.copies {
            return None;
        }
        if !self.is_seen {
            return None;
        }
        let slot = self.find(key)?;
        if let Kind::Hash(hash) = &self.kind {
            hash.touch(slot / self.copies);
        }
        Some(self.values.offset(slot + copy))
    }

    /// True for a map of maps.
    pub(crate) fn has_maps(&self) -> bool {
        matches!(self.map_type, MapType::ArrayOfMaps | MapType::HashOfMaps)
    }

    /// True for a map whose values have no keys.
    pub(crate) fn is_keyless(&self) -> bool {
        matches!(self.kind, Kind::Queue(_) | Kind::Bloom(_))
    }

    /// Puts in what it holds from the beginning.
    pub(crate) fn hold(&self, key: u32, number: usize) -> Result<(), MapError> {
        let mut bytes = key.to_le_bytes().to_vec();
        bytes.resize(self.key_size, 0);
        self.put(&bytes, 0, |slot, _| self.values.set(slot, &(number as u32).to_le_bytes()))
    }

    /// The number at an index or under a key: of the program, map, socket or event that is held there, counted from 1.
    pub(crate) fn program_held(&self, key: &[u8]) -> Option<usize> {
        if !holds(self.map_type) {
            return None;
        }
        let number = self.number(self.find(key)?);
        (number != 0).then_some(number as usize)
    }

    /// The perf events in it.
    pub(crate) fn events(&self) -> Option<&Events> {
        if let Kind::Events(events) = &self.kind { Some(events) } else { None }
    }

    /// Sets the value of a CPU.
    pub(crate) fn program_update(&self, key: &[u8], value: &[u8], flags: u64, cpu: usize) -> Result<(), MapError> {
        let cpu = cpu.min(self.copies - 1);
        self.put(key, flags, |first, is_new| {
            if is_new && self.copies > 1 {
                // The other CPUs' values of a new key begin as zeros.
                (first..first + self.copies).for_each(|slot| self.values.clear(slot));
            }
            self.values.set(first + cpu, value);
        })
    }

    /// Removes a key.
    pub(crate) fn program_delete(&self, key: &[u8]) -> Result<(), MapError> {
        self.remove(key)
    }

    /// False for a map its programs may only read.
    pub(crate) fn program_writes(&self) -> bool {
        self.program_writes
    }

    /// Where a walk over all begins.
    pub(crate) fn program_first(&self) -> Place {
        if let Kind::Hash(_) = &self.kind { Place::Bucket(Walk::default()) } else { Place::Index(0) }
    }

    /// The first entry at or after a place, for walking over all, and the number of places passed; prefix trees and
    /// rings are not walked.
    pub(crate) fn program_next(&self, from: Place, cpu: usize) -> (Option<Entry>, usize) {
        let cpu = cpu.min(self.copies - 1);
        match (&self.kind, from) {
            (Kind::Array, Place::Index(index)) if self.held.is_some() || index >= self.max_entries => (None, 0),
            (Kind::Array, Place::Index(index)) => {
                let key = (index as u32).to_le_bytes().to_vec();
                let offset = self.values.offset(index * self.copies + cpu);
                (Some(Entry { key, offset, next: Place::Index(index + 1) }), 1)
            }
            (Kind::Hash(hash), Place::Bucket(walk)) => {
                let (found, passed) = hash.step(walk);
                let entry = found.map(|(slot, behind)| Entry {
                    key: hash.key(slot),
                    offset: self.values.offset(slot * self.copies + cpu),
                    next: Place::Bucket(behind),
                });
                (entry, passed)
            }
            _ => (None, 0),
        }
    }

    /// True when values have addresses a program may name in a wide load.
    pub(crate) fn has_direct_values(&self) -> bool {
        self.map_type == MapType::Array
    }

    /// The ring buffer in it.
    pub(crate) fn ring(&self) -> Option<&Ring> {
        match &self.kind {
            Kind::Ring(ring) if self.map_type == MapType::Ringbuf => Some(ring),
            _ => None,
        }
    }

    /// Loads inside one value; nothing of an arena, see [`Map::load_arena`].
    #[inline(always)]
    pub(crate) fn load<const N: usize>(&self, offset: usize) -> Option<u64> {
        self.values.load::<N>(offset)
    }

    /// Loads from an arena. It stands apart because the interpreter has the other way of loading in every arm.
    #[inline(never)]
    pub(crate) fn load_arena<const N: usize>(&self, low: usize) -> Option<u64> {
        if let Kind::Arena(arena) = &self.kind { Some(arena.load::<N>(low)) } else { None }
    }

    /// Stores to an arena.
    #[inline(never)]
    pub(crate) fn store_arena<const N: usize>(&self, low: usize, value: u64) -> Option<()> {
        let Kind::Arena(arena) = &self.kind else { return None };
        arena.store::<N>(low, value);
        Some(())
    }

    /// The arena in it.
    pub(crate) fn arena(&self) -> Option<&Arena> {
        if let Kind::Arena(arena) = &self.kind { Some(arena) } else { None }
    }

    /// Stores inside one value; nothing to an arena, see [`Map::store_arena`].
    #[inline(always)]
    pub(crate) fn store<const N: usize>(&self, offset: usize, value: u64) -> Option<()> {
        if self.program_writes { self.values.store::<N>(offset, value) } else { None }
    }

    /// Changes 4 or 8 bytes inside one value at once; the old ones.
    #[inline]
    pub(crate) fn change<const N: usize>(&self, offset: usize, change: Change, operand: u64) -> Option<u64> {
        match &self.kind {
            _ if !self.program_writes => None,
            Kind::Arena(arena) => Some(arena.change::<N>(offset, change, operand)),
            _ => self.values.change::<N>(offset, change, operand),
        }
    }

    /// Copies bytes out of one value.
    pub(crate) fn copy_out(&self, offset: usize, to: &mut [u8]) -> Option<()> {
        self.values.copy_out(offset, to)
    }

    /// Copies bytes into one value.
    pub(crate) fn copy_in(&self, offset: usize, from: &[u8]) -> Option<()> {
        if self.program_writes { self.values.copy_in(offset, from) } else { None }
    }

    /// True when a program may write so many bytes at an offset, all in one value.
    pub(crate) fn has_room(&self, offset: usize, size: usize) -> bool {
        self.program_writes && self.values.holds(offset, size)
    }

    /// True when a program may read so many bytes at an offset, all in one value.
    pub(crate) fn has_bytes(&self, offset: usize, size: usize) -> bool {
        self.values.is_readable(offset, size)
    }

    /// No program can read more of it in one piece.
    pub(crate) fn longest(&self) -> usize {
        self.ring().map_or(self.value_size, |ring| ring.size() as usize)
    }

    /// Where the value an offset points into begins.
    pub(crate) fn value_begin(&self, offset: usize) -> usize {
        self.values.begin(offset)
    }
}
