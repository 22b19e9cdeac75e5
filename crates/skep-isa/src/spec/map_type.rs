//! Map types.

use super::{Version, v};

/// Map types.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(u32)]
#[allow(missing_docs, reason = "each variant is the kernel's constant; the row names it")]
pub enum MapType {
    Unspec,
    Hash,
    Array,
    ProgArray,
    PerfEventArray,
    PercpuHash,
    PercpuArray,
    StackTrace,
    CgroupArray,
    LruHash,
    LruPercpuHash,
    LpmTrie,
    ArrayOfMaps,
    HashOfMaps,
    Devmap,
    Sockmap,
    Cpumap,
    Xskmap,
    Sockhash,
    CgroupStorage,
    ReuseportSockarray,
    PercpuCgroupStorage,
    Queue,
    Stack,
    SkStorage,
    DevmapHash,
    StructOps,
    Ringbuf,
    InodeStorage,
    TaskStorage,
    BloomFilter,
    UserRingbuf,
    CgrpStorage,
    Arena,
    InsnArray,
}

/// One row of [`TABLE`].
#[derive(Debug)]
pub struct Row {
    /// The constant.
    pub id: MapType,
    /// The kernel's constant in lower case without `BPF_MAP_TYPE_`.
    pub name: &'static str,
    /// First kernel that has it.
    pub since: Version,
}

const fn row(id: MapType, name: &'static str, since: Version) -> Row {
    Row { id, name, since }
}

/// All rows, in the order of the kernel's numbers.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row(MapType::Unspec, "unspec", v(3, 18)),
    row(MapType::Hash, "hash", v(3, 19)),
    row(MapType::Array, "array", v(3, 19)),
    row(MapType::ProgArray, "prog_array", v(4, 2)),
    row(MapType::PerfEventArray, "perf_event_array", v(4, 3)),
    row(MapType::PercpuHash, "percpu_hash", v(4, 6)),
    row(MapType::PercpuArray, "percpu_array", v(4, 6)),
    row(MapType::StackTrace, "stack_trace", v(4, 6)),
    row(MapType::CgroupArray, "cgroup_array", v(4, 8)),
    row(MapType::LruHash, "lru_hash", v(4, 10)),
    row(MapType::LruPercpuHash, "lru_percpu_hash", v(4, 10)),
    row(MapType::LpmTrie, "lpm_trie", v(4, 11)),
    row(MapType::ArrayOfMaps, "array_of_maps", v(4, 12)),
    row(MapType::HashOfMaps, "hash_of_maps", v(4, 12)),
    row(MapType::Devmap, "devmap", v(4, 14)),
    row(MapType::Sockmap, "sockmap", v(4, 14)),
    row(MapType::Cpumap, "cpumap", v(4, 15)),
    row(MapType::Xskmap, "xskmap", v(4, 18)),
    row(MapType::Sockhash, "sockhash", v(4, 18)),
    row(MapType::CgroupStorage, "cgroup_storage", v(4, 19)),
    row(MapType::ReuseportSockarray, "reuseport_sockarray", v(4, 19)),
    row(MapType::PercpuCgroupStorage, "percpu_cgroup_storage", v(4, 20)),
    row(MapType::Queue, "queue", v(4, 20)),
    row(MapType::Stack, "stack", v(4, 20)),
    row(MapType::SkStorage, "sk_storage", v(5, 2)),
    row(MapType::DevmapHash, "devmap_hash", v(5, 4)),
    row(MapType::StructOps, "struct_ops", v(5, 6)),
    row(MapType::Ringbuf, "ringbuf", v(5, 8)),
    row(MapType::InodeStorage, "inode_storage", v(5, 10)),
    row(MapType::TaskStorage, "task_storage", v(5, 11)),
    row(MapType::BloomFilter, "bloom_filter", v(5, 16)),
    row(MapType::UserRingbuf, "user_ringbuf", v(6, 1)),
    row(MapType::CgrpStorage, "cgrp_storage", v(6, 2)),
    row(MapType::Arena, "arena", v(6, 9)),
    row(MapType::InsnArray, "insn_array", v(6, 19)),
];

impl MapType {
    /// The kernel's number.
    pub const fn id(self) -> u32 {
        self as u32
    }

    /// The constant with this number, if this table knows it.
    pub fn from_id(id: u32) -> Option<MapType> {
        TABLE.get(id as usize).map(|row| row.id)
    }

    /// Its row.
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The kernel's constant in lower case without `BPF_MAP_TYPE_`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// True where a value has one copy for each CPU.
    pub const fn is_per_cpu(self) -> bool {
        matches!(
            self,
            MapType::PercpuArray | MapType::PercpuHash | MapType::LruPercpuHash | MapType::PercpuCgroupStorage
        )
    }
}

impl std::fmt::Display for MapType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_their_numbers() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.id.id() as usize, at, "{}", row.name);
        }
    }
}
