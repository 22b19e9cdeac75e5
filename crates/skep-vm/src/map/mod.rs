//! Maps: the data programs and their user share, from as many threads as they like. Values live in slabs at offsets
//! that never move; nobody has a reference to them, bytes are copied in and out.

mod arena;
mod batch;
mod bloom;
mod error;
mod events;
mod hash;
mod held;
mod make;
mod order;
mod program;
mod queue;
mod ring;
mod slab;
mod trie;
mod user;

pub use batch::{Batch, Entries};
pub use error::MapError;
pub(crate) use ring::Ring;

use arena::Arena;
use bloom::Bloom;
use events::Events;
use hash::Hash;
use held::Rule;
use queue::Queue;
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
    Queue(Queue),
    Bloom(Bloom),
    Events(Events),
    Arena(Arena),
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
    /// What the kernel allows where values stand for something else.
    held: Option<&'static Rule>,
    /// False where programs cannot look at values, for they stand for something else.
    is_seen: bool,
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

    /// First slot of a key's values.
    #[inline(always)]
    fn find(&self, key: &[u8]) -> Option<usize> {
        if key.len() != self.key_size {
            return None;
        }
        match &self.kind {
            Kind::Array | Kind::Events(_) => self.index(key).map(|index| index * self.copies),
            Kind::Hash(hash) => hash.find(key).map(|slot| slot * self.copies),
            Kind::Trie(trie) => trie.longest(key),
            Kind::Ring(_) | Kind::Queue(_) | Kind::Bloom(_) | Kind::Arena(_) => None,
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
            Kind::Array | Kind::Events(_) => {
                let index = self.index(key).ok_or(MapError::Full)?;
                if flags == NOEXIST && self.held.is_none() {
                    return Err(MapError::Exists);
                }
                fill(index * self.copies, false);
                Ok(())
            }
            Kind::Hash(hash) => hash.put(key, flags, |slot, is_new| fill(slot * self.copies, is_new)).map(drop),
            Kind::Trie(trie) => trie.insert(key, flags, fill).map(drop),
            Kind::Ring(_) | Kind::Queue(_) | Kind::Bloom(_) | Kind::Arena(_) => Err(MapError::Invalid),
        }
    }

    fn remove(&self, key: &[u8]) -> Result<(), MapError> {
        if key.len() != self.key_size {
            return Err(MapError::Invalid);
        }
        match (&self.kind, self.held) {
            (Kind::Array | Kind::Events(_), Some(rule)) => {
                let index = self.index(key);
                rule.delete(index.is_some(), index.is_some_and(|index| self.number(index) != 0))?;
                self.values.clear(index.unwrap_or(0));
                Ok(())
            }
            // As in the kernel, an identifier of a call stack that cannot be is told apart.
            (Kind::Hash(_), _) if self.map_type == MapType::StackTrace && self.index(key).is_none() => {
                Err(MapError::Full)
            }
            (Kind::Hash(_), _) if self.is_of_cgroups() => Err(MapError::Invalid),
            (Kind::Hash(hash), _) => hash.remove(key, |_| {}),
            (Kind::Trie(trie), _) => trie.remove(key),
            (Kind::Bloom(_) | Kind::Arena(_), _) => Err(MapError::NotPossible),
            (Kind::Ring(_), _) => Err(MapError::NotSupported),
            _ => Err(MapError::Invalid),
        }
    }

    /// True for values of cgroups that programs are attached to.
    fn is_of_cgroups(&self) -> bool {
        matches!(self.map_type, MapType::CgroupStorage | MapType::PercpuCgroupStorage)
    }

    /// The number that a slot's value holds: what it stands for, 0 for nothing.
    fn number(&self, slot: usize) -> u64 {
        self.values.number(slot)
    }
}

/// Maps whose keys are indices.
fn is_array(map_type: MapType) -> bool {
    matches!(map_type, MapType::Array | MapType::PercpuArray | MapType::StructOps) || held::rule(map_type).is_some()
}

/// Maps whose values stand for something else.
fn holds(map_type: MapType) -> bool {
    use MapType::{DevmapHash, HashOfMaps, Sockhash};
    held::rule(map_type).is_some() || matches!(map_type, DevmapHash | HashOfMaps | Sockhash)
}

#[cfg(test)]
mod tests;
