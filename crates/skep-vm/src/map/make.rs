//! Making a map: which shapes are none, and what it takes of the machine's memory.

use skep_isa::spec::{MapType, map_flag};
use skep_object::{MapRole, MapSpec};

use super::arena::Arena;
use super::bloom::Bloom;
use super::events::Events;
use super::hash::{Hash, Reuse};
use super::queue::Queue;
use super::slab::Slab;
use super::trie::Trie;
use super::{Kind, Map, Ring, held, holds, is_array};
use crate::error::Error;

/// Most bytes of a key, as in the kernel: it must fit on the stack.
const MOST_KEY: usize = 512;

/// Bytes an entry takes beside its own when all are handed out: an array of zeros costs nothing until it is shown.
const HANDED_OUT: u64 = 256;

const F_RDONLY_PROG: u32 = map_flag::RDONLY_PROG;
const F_WRONLY_PROG: u32 = map_flag::WRONLY_PROG;

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
                | MapType::DevmapHash
                | MapType::HashOfMaps
                | MapType::Sockhash
                | MapType::Queue
                | MapType::Stack
                | MapType::BloomFilter
                | MapType::Arena
                | MapType::StackTrace
                | MapType::UserRingbuf
                | MapType::StructOps
                | MapType::CgroupStorage
                | MapType::PercpuCgroupStorage
        ) || is_storage(spec.map_type)
            || held::rule(spec.map_type).is_some();
        if !is_known {
            return Err(Error::MapType { map: spec.name.clone(), map_type: spec.map_type });
        }
        let entries = match (spec.map_type, spec.max_entries) {
            // Rounded up to what a ring buffer may be, as loaders do.
            (MapType::Ringbuf | MapType::UserRingbuf, size @ 1..) => {
                size.max(4096).checked_next_power_of_two().unwrap_or(1 << 31) as usize
            }
            // One for each CPU, as loaders do.
            (MapType::PerfEventArray, 0) => cpus.max(1),
            (MapType::StackTrace, entries @ 1..) => entries.checked_next_power_of_two().unwrap_or(1 << 31) as usize,
            (map_type, 0) if has_owners(map_type) => OWNERS,
            (_, entries) => entries as usize,
        };
        let copies = if spec.map_type.is_per_cpu() { cpus.max(1) } else { 1 };
        let is_ring = matches!(spec.map_type, MapType::Ringbuf | MapType::UserRingbuf);
        if entries == 0 {
            return Err(bad("`max_entries` is 0"));
        }
        match spec.map_type {
            MapType::Ringbuf | MapType::UserRingbuf if key_size != 0 || value_size != 0 => {
                return Err(bad("a ring buffer has neither keys nor values"));
            }
            MapType::Ringbuf | MapType::UserRingbuf => {}
            _ if value_size == 0 && spec.map_type != MapType::Arena => return Err(bad("`value_size` is 0")),
            MapType::Arena if key_size != 0 || value_size != 0 => {
                return Err(bad("an arena has neither keys nor values"));
            }
            MapType::Arena => {}
            MapType::Queue | MapType::Stack | MapType::BloomFilter if key_size != 0 => {
                return Err(bad("its values have no keys"));
            }
            MapType::Queue | MapType::Stack | MapType::BloomFilter => {}
            MapType::StackTrace if key_size != 4 || !value_size.is_multiple_of(8) => {
                return Err(bad("keys have 4 bytes, and values are addresses of 8"));
            }
            map_type if is_array(map_type) && key_size != 4 => {
                return Err(bad("an array's keys have 4 bytes"));
            }
            map_type if holds(map_type) && !matches!(value_size, 4 | 8) => {
                return Err(bad("its values are numbers of 4 or 8 bytes"));
            }
            MapType::LpmTrie if !(5..=260).contains(&key_size) => {
                return Err(bad("a prefix tree's keys have 5 to 260 bytes: the prefix length and 1 to 256 of data"));
            }
            MapType::LpmTrie if spec.flags & map_flag::NO_PREALLOC == 0 => {
                return Err(bad("a prefix tree needs the flag BPF_map_flag::NO_PREALLOC"));
            }
            _ if key_size > MOST_KEY => return Err(bad("keys have at most 512 bytes")),
            _ if key_size == 0 => return Err(bad("`key_size` is 0")),
            _ => {}
        }
        // What it takes when full: values in their strides, keys, 32 bytes of links for each key; and to be shown.
        let stride = Slab::stride_of(value_size) as u64;
        let is_bare = matches!(spec.map_type, MapType::Queue | MapType::Stack | MapType::BloomFilter | MapType::Arena);
        let slab = match spec.map_type {
            MapType::Ringbuf | MapType::UserRingbuf => 2 * entries as u64,
            MapType::Arena => entries as u64 * 4096,
            MapType::BloomFilter => Bloom::bits(entries as u64, spec.extra) / 8,
            MapType::Queue | MapType::Stack => (entries as u64 + 1) * (value_size as u64).next_multiple_of(8),
            _ => entries as u64 * copies as u64 * stride,
        };
        let region: u64 = 1 << 32;
        if slab > region {
            return Err(too_large(slab, region));
        }
        let is_keyed = !is_ring && !is_bare && !is_array(spec.map_type);
        let each =
            if is_keyed { 2 * key_size as u64 + 32 } else { 0 } + if is_ring || is_bare { 0 } else { HANDED_OUT };
        let bytes = slab + entries as u64 * each;
        if bytes > left {
            return Err(too_large(bytes, left));
        }
        // An update takes another slot before it gives the old one back; one for each CPU, as in the kernel.
        let spare = if replaces(spec.map_type) { cpus.max(1) } else { 0 };
        let hash = |reuse| Kind::Hash(Hash::new(key_size, entries, reuse, seed));
        let kind = match spec.map_type {
            MapType::PerfEventArray => Kind::Events(Events::default()),
            kind if is_array(kind) => Kind::Array,
            kind if replaces(kind) => hash(Reuse::Replace(spare)),
            MapType::PercpuHash | MapType::PercpuCgroupStorage => hash(Reuse::InPlace),
            MapType::LruHash => hash(Reuse::Evict(cpus)),
            MapType::LruPercpuHash => hash(Reuse::EvictInPlace(cpus)),
            MapType::Arena => Kind::Arena(Arena::new(entries, spec.extra)),
            MapType::Queue => Kind::Queue(Queue::new(value_size, entries, false)),
            MapType::Stack => Kind::Queue(Queue::new(value_size, entries, true)),
            MapType::BloomFilter => Kind::Bloom(Bloom::new(entries as u64, spec.extra, seed)),
            MapType::LpmTrie => Kind::Trie(Trie::new(key_size, entries, seed)),
            MapType::Ringbuf | MapType::UserRingbuf => Kind::Ring(Ring::new(entries)),
            map_type => return Err(Error::MapType { map: spec.name.clone(), map_type }),
        };
        let slots = if is_ring || is_bare { 0 } else { (entries + spare) * copies };
        let frozen = matches!(spec.role, MapRole::Data { read_only: true, .. });
        let readable = spec.flags & F_WRONLY_PROG == 0;
        let map = Map {
            name: spec.name.clone(),
            map_type: spec.map_type,
            key_size,
            value_size,
            max_entries: entries,
            copies,
            values: Slab::new(slots, value_size, readable),
            kind,
            held: held::rule(spec.map_type),
            is_seen: !holds(spec.map_type) || matches!(spec.map_type, MapType::Devmap | MapType::DevmapHash),
            frozen,
            program_writes: spec.flags & F_RDONLY_PROG == 0 && !frozen,
        };
        let begins = match &spec.role {
            MapRole::Data { initial, .. } => Some(initial),
            MapRole::StructOps(ops) => Some(&ops.initial),
            MapRole::User | MapRole::Arena { .. } => None,
        };
        if let Some(initial) = begins {
            if initial.len() > value_size {
                return Err(bad("its first bytes are more than its value"));
            }
            map.values.set(0, initial);
        }
        if let (MapRole::Arena { initial }, Kind::Arena(arena)) = (&spec.role, &map.kind) {
            arena.write(arena.base(), initial).ok_or_else(|| bad("its first bytes are more than its pages"))?;
        }
        if spec.map_type == MapType::PerfEventArray {
            // The vm has a buffer for each CPU.
            (0..cpus.min(entries)).for_each(|cpu| map.values.set(cpu, &1_u32.to_le_bytes()));
        }
        Ok((map, bytes))
    }
}

/// Most owners (tasks, sockets, inodes, cgroups) that have a value in one map: the kernel knows no such number.
const OWNERS: usize = 4096;

/// Maps of values that hang on something else.
fn is_storage(map_type: MapType) -> bool {
    use MapType::{CgrpStorage, InodeStorage, SkStorage, TaskStorage};
    matches!(map_type, CgrpStorage | InodeStorage | SkStorage | TaskStorage)
}

/// The same, those of cgroups that programs are attached to among them.
fn has_owners(map_type: MapType) -> bool {
    is_storage(map_type) || matches!(map_type, MapType::CgroupStorage | MapType::PercpuCgroupStorage)
}

/// Hashes in which an update puts another slot in the old one's place.
fn replaces(map_type: MapType) -> bool {
    use MapType::{CgroupStorage, DevmapHash, Hash, HashOfMaps, Sockhash, StackTrace};
    is_storage(map_type) || matches!(map_type, CgroupStorage | DevmapHash | Hash | HashOfMaps | Sockhash | StackTrace)
}
