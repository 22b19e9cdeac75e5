//! Map types: what a map of each must be like, and what may be done with it.
//!
//! Enter at [`TABLE`] for the rows, at [`MapType::check`] for whether a map can be made so. What the rules can say is in
//! `rule.rs`.

mod rule;
#[cfg(test)]
mod tests;

pub use rule::{Entries, Extra, OPS, Op, PAGE, Privilege, Refusal, Shape, Size, Types};

use super::map_flag::{self as f, ANY, EXIST, LOCK, NOEXIST};
use super::{Version, v};
pub use rule::TRIE_VALUE_GREW;
use rule::{MAX_INT, MAX_PER_CPU, MAX_PIECE, MAX_STORAGE, MAX_TRIE_VALUE, STACK};

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
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The constant.
    pub id: MapType,
    /// The kernel's constant in lower case without `BPF_MAP_TYPE_`.
    pub name: &'static str,
    /// First kernel that has it.
    pub since: Version,
    /// What it is, in one sentence.
    pub what: &'static str,
    /// Sizes of keys.
    pub key: Size,
    /// Sizes of values.
    pub value: Size,
    /// Numbers of entries.
    pub entries: Entries,
    /// True where key and value lie together in an entry, and so share a bound.
    pub is_hash: bool,
    /// Flags of [`super::map_flag`] that it takes.
    pub flags: u32,
    /// Those of them that it needs.
    pub needs: u32,
    /// What `map_extra` is for.
    pub extra: Extra,
    /// Types it comes with.
    pub types: Types,
    /// True where a value has one copy for each CPU.
    pub per_cpu: bool,
    /// What user space does with it.
    pub ops: &'static [Op],
    /// Those of [`Row::ops`] that came later than the type.
    pub ops_since: &'static [(Op, Version)],
    /// Flags of updates that can succeed.
    pub update: &'static [u64],
    /// Helpers that take it, by name.
    pub helpers: &'static [&'static str],
    /// True where programs may use it at all.
    pub in_programs: bool,
    /// True where programs that sleep may use it.
    pub sleepable: bool,
    /// True where it may be the inner map of another.
    pub inner: bool,
    /// What making one takes.
    pub privilege: Privilege,
}

const READ_WRITE: u32 = f::RDONLY | f::WRONLY;
/// Flags for who reads and writes.
const ACCESS: u32 = READ_WRITE | f::RDONLY_PROG | f::WRONLY_PROG;
const FOUR: Size = Size::Of(&[4]);
const FOUR_OR_EIGHT: Size = Size::Of(&[4, 8]);
const NOTHING: Size = Size::Of(&[0]);
const ANY_SIZE: Size = Size::Range(1, u32::MAX);
const STORAGE_KEY: Size = Size::Of(&[8, 16]);

const ENTRY: &[Op] = &[Op::Lookup, Op::Update, Op::Delete, Op::NextKey, Op::Freeze];
const HASH_OPS: &[Op] = &[
    Op::Lookup,
    Op::Update,
    Op::Delete,
    Op::NextKey,
    Op::Take,
    Op::LookupBatch,
    Op::UpdateBatch,
    Op::DeleteBatch,
    Op::TakeBatch,
    Op::Freeze,
];
const QUEUE_OPS: &[Op] = &[Op::Lookup, Op::Update, Op::Take, Op::Freeze];
const STORAGE_OPS: &[Op] = &[Op::Lookup, Op::Update, Op::Delete, Op::Freeze];
const NO_LOOKUP: &[Op] = &[Op::Update, Op::Delete, Op::NextKey, Op::Freeze];
const RING_OPS: &[Op] = &[Op::Freeze, Op::Mmap];

const PLAIN: &[&str] = &["map_lookup_elem", "map_update_elem", "map_delete_elem"];
const WALKED: &[&str] = &["map_lookup_elem", "map_update_elem", "map_delete_elem", "for_each_map_elem", "timer_init"];
const PER_CPU: &[&str] =
    &["map_lookup_elem", "map_update_elem", "map_delete_elem", "for_each_map_elem", "map_lookup_percpu_elem"];
const QUEUE: &[&str] = &["map_push_elem", "map_pop_elem", "map_peek_elem"];
const EVENTS: &[&str] = &["perf_event_read", "perf_event_output", "perf_event_read_value", "skb_output", "xdp_output"];
const RING: &[&str] = &["ringbuf_output", "ringbuf_reserve", "ringbuf_query", "ringbuf_reserve_dynptr"];
const REDIRECT: &[&str] = &["redirect_map", "map_lookup_elem"];

/// What most types have: everything else is said by [`Row`]'s methods.
const fn row(id: MapType, name: &'static str, since: Version, what: &'static str) -> Row {
    Row {
        id,
        name,
        since,
        what,
        key: FOUR,
        value: ANY_SIZE,
        entries: Entries::Some(u32::MAX),
        is_hash: false,
        flags: 0,
        needs: 0,
        extra: Extra::Unused,
        types: Types::Never,
        per_cpu: false,
        ops: ENTRY,
        ops_since: &[],
        update: &[ANY],
        helpers: &[],
        in_programs: true,
        sleepable: false,
        inner: true,
        privilege: Privilege::Bpf,
    }
}

impl Row {
    const fn sizes(mut self, key: Size, value: Size, entries: Entries) -> Row {
        self.key = key;
        self.value = value;
        self.entries = entries;
        self
    }

    const fn hash(mut self) -> Row {
        self.is_hash = true;
        self
    }

    const fn flags(mut self, flags: u32) -> Row {
        self.flags = flags;
        self
    }

    const fn needs(mut self, flags: u32) -> Row {
        self.needs = flags;
        self
    }

    const fn extra(mut self, extra: Extra) -> Row {
        self.extra = extra;
        self
    }

    const fn types(mut self, types: Types) -> Row {
        self.types = types;
        self
    }

    const fn per_cpu(mut self) -> Row {
        self.per_cpu = true;
        self
    }

    const fn ops(mut self, ops: &'static [Op], update: &'static [u64]) -> Row {
        self.ops = ops;
        self.update = update;
        self
    }

    const fn ops_since(mut self, ops_since: &'static [(Op, Version)]) -> Row {
        self.ops_since = ops_since;
        self
    }

    const fn helpers(mut self, helpers: &'static [&'static str]) -> Row {
        self.helpers = helpers;
        self
    }

    const fn sleepable(mut self) -> Row {
        self.sleepable = true;
        self
    }

    const fn not_inner(mut self) -> Row {
        self.inner = false;
        self
    }

    const fn not_in_programs(mut self) -> Row {
        self.in_programs = false;
        self
    }

    const fn privilege(mut self, privilege: Privilege) -> Row {
        self.privilege = privilege;
        self
    }
}

impl Row {
    /// True when a kernel lets user space do this with it.
    pub fn has_op(&self, op: Op, kernel: Version) -> bool {
        let since = self.ops_since.iter().find(|(later, _)| *later == op).map_or(self.since, |(_, since)| *since);
        self.ops.contains(&op) && since <= kernel
    }
}

/// All rows, in the order of the kernel's numbers.
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    row(MapType::Unspec, "unspec", v(3, 18), "No type; the kernel refuses it.")
        .sizes(NOTHING, NOTHING, Entries::Zero)
        .ops(&[], &[]).not_in_programs().not_inner(),
    row(MapType::Hash, "hash", v(3, 19), "A hash table: keys of any bytes, values in no order.")
        .sizes(ANY_SIZE, ANY_SIZE, Entries::Some(u32::MAX))
        .hash().flags(f::NO_PREALLOC | f::NUMA_NODE | f::ZERO_SEED | ACCESS)
        .types(Types::May).ops(HASH_OPS, &[ANY, NOEXIST, EXIST, LOCK]).helpers(WALKED).sleepable().privilege(Privilege::None),
    row(MapType::Array, "array", v(3, 19), "An array of values, all there from the start and filled with zeros.")
        .sizes(FOUR, Size::Range(1, MAX_INT), Entries::Some(u32::MAX))
        .flags(f::NUMA_NODE | f::MMAPABLE | f::INNER_MAP | ACCESS).types(Types::May)
        .ops(&[Op::Lookup, Op::Update, Op::NextKey, Op::LookupBatch, Op::UpdateBatch, Op::Freeze, Op::Mmap],
            &[ANY, EXIST, LOCK])
        .helpers(WALKED).sleepable().privilege(Privilege::None),
    row(MapType::ProgArray, "prog_array", v(4, 2), "Programs by number, for tail calls.")
        .sizes(FOUR, FOUR, Entries::Some(u32::MAX))
        .flags(f::NUMA_NODE | READ_WRITE).types(Types::May).helpers(&["tail_call"]).not_inner().privilege(Privilege::None),
    row(MapType::PerfEventArray, "perf_event_array", v(4, 3), "Perf events by number, mostly one for each CPU, to read them or to write records to them.")
        .sizes(FOUR, FOUR, Entries::Some(u32::MAX))
        .flags(f::NUMA_NODE | f::PRESERVE_ELEMS | READ_WRITE).ops(NO_LOOKUP, &[ANY]).helpers(EVENTS).privilege(Privilege::None),
    row(MapType::PercpuHash, "percpu_hash", v(4, 6), "A hash table whose values have a copy for each CPU.")
        .sizes(ANY_SIZE, Size::Range(1, MAX_PER_CPU), Entries::Some(u32::MAX))
        .hash().flags(f::NO_PREALLOC | f::ZERO_SEED | ACCESS).types(Types::May).per_cpu()
        .ops(HASH_OPS, &[ANY, NOEXIST, EXIST]).helpers(PER_CPU).sleepable().privilege(Privilege::None),
    row(MapType::PercpuArray, "percpu_array", v(4, 6), "An array whose values have a copy for each CPU.")
        .sizes(FOUR, Size::Range(1, MAX_PER_CPU), Entries::Some(u32::MAX))
        .flags(ACCESS).types(Types::May).per_cpu()
        .ops(&[Op::Lookup, Op::Update, Op::NextKey, Op::LookupBatch, Op::UpdateBatch, Op::Freeze], &[ANY, EXIST])
        .helpers(PER_CPU).sleepable().privilege(Privilege::None),
    row(MapType::StackTrace, "stack_trace", v(4, 6), "Call stacks of kernel or user space by a number that is made of the frames.")
        .sizes(FOUR, STACK, Entries::Some(1 << 31))
        .flags(f::NUMA_NODE | f::STACK_BUILD_ID | READ_WRITE)
        .ops(&[Op::Lookup, Op::Delete, Op::NextKey, Op::Take, Op::Freeze], &[]).ops_since(&[(Op::Take, v(6, 18))])
        .helpers(&["get_stackid"]),
    row(MapType::CgroupArray, "cgroup_array", v(4, 8), "Cgroups by number, to test whether a packet or process belongs to one.")
        .sizes(FOUR, FOUR, Entries::Some(u32::MAX))
        .flags(f::NUMA_NODE | READ_WRITE).ops(NO_LOOKUP, &[ANY])
        .helpers(&["skb_under_cgroup", "current_task_under_cgroup"]).privilege(Privilege::None),
    row(MapType::LruHash, "lru_hash", v(4, 10), "A hash table that drops what was used least recently when it is full.")
        .sizes(ANY_SIZE, ANY_SIZE, Entries::Some(u32::MAX))
        .hash().flags(f::NO_COMMON_LRU | f::NUMA_NODE | f::ZERO_SEED | ACCESS).types(Types::May)
        .ops(HASH_OPS, &[ANY, NOEXIST, EXIST]).helpers(WALKED).sleepable(),
    row(MapType::LruPercpuHash, "lru_percpu_hash", v(4, 10), "A hash table with a copy of each value for each CPU, which drops what was used least recently.")
        .sizes(ANY_SIZE, Size::Range(1, MAX_PER_CPU), Entries::Some(u32::MAX))
        .hash().flags(f::NO_COMMON_LRU | f::ZERO_SEED | ACCESS).types(Types::May).per_cpu()
        .ops(HASH_OPS, &[ANY, NOEXIST, EXIST]).helpers(PER_CPU).sleepable(),
    row(MapType::LpmTrie, "lpm_trie", v(4, 11), "Prefixes, such as networks; a lookup finds the longest that fits the key, which is a length in bits (4 bytes) and up to 256 bytes of data.")
        .sizes(Size::Range(5, 260), Size::Range(1, MAX_TRIE_VALUE), Entries::Some(u32::MAX))
        .flags(f::NO_PREALLOC | f::NUMA_NODE | ACCESS).needs(f::NO_PREALLOC).types(Types::May)
        .ops(&[Op::Lookup, Op::Update, Op::Delete, Op::NextKey, Op::LookupBatch, Op::UpdateBatch, Op::DeleteBatch, Op::Freeze],
            &[ANY, NOEXIST, EXIST])
        .helpers(PLAIN),
    row(MapType::ArrayOfMaps, "array_of_maps", v(4, 12), "An array of maps, all of the shape of the one named when it was made.")
        .sizes(FOUR, FOUR, Entries::Some(u32::MAX))
        .flags(f::NUMA_NODE | READ_WRITE)
        .ops(&[Op::Lookup, Op::Update, Op::Delete, Op::NextKey, Op::LookupBatch, Op::UpdateBatch, Op::Freeze], &[ANY])
        .helpers(&["map_lookup_elem"]).sleepable().not_inner().privilege(Privilege::None),
    row(MapType::HashOfMaps, "hash_of_maps", v(4, 12), "A hash table of maps, all of the shape of the one named when it was made.")
        .sizes(ANY_SIZE, FOUR, Entries::Some(u32::MAX))
        .hash().flags(f::NO_PREALLOC | f::NUMA_NODE | f::ZERO_SEED | ACCESS)
        .ops(&[Op::Lookup, Op::Update, Op::Delete, Op::NextKey, Op::LookupBatch, Op::UpdateBatch, Op::DeleteBatch,
            Op::TakeBatch, Op::Freeze], &[ANY, NOEXIST, EXIST])
        .helpers(&["map_lookup_elem"]).sleepable().not_inner().privilege(Privilege::None),
    row(MapType::Devmap, "devmap", v(4, 14), "Network devices by number, for redirection; a value of 8 bytes names a program to run there too.")
        .sizes(FOUR, FOUR_OR_EIGHT, Entries::Some(u32::MAX))
        .flags(f::NUMA_NODE | READ_WRITE).ops(ENTRY, &[ANY, EXIST]).helpers(REDIRECT).privilege(Privilege::NetAdmin),
    row(MapType::Sockmap, "sockmap", v(4, 14), "Sockets by number, for redirection among them.")
        .sizes(FOUR, FOUR_OR_EIGHT, Entries::Some(u32::MAX))
        .flags(f::NUMA_NODE | READ_WRITE).ops(ENTRY, &[ANY, NOEXIST, EXIST])
        .helpers(&["sk_redirect_map", "sock_map_update", "msg_redirect_map", "sk_select_reuseport", "map_lookup_elem",
            "map_update_elem", "map_delete_elem"]).privilege(Privilege::NetAdmin),
    row(MapType::Cpumap, "cpumap", v(4, 15), "CPUs by number, to which frames are handed for further work; a value of 8 bytes names a program to run there too.")
        .sizes(FOUR, FOUR_OR_EIGHT, Entries::Cpus)
        .flags(f::NUMA_NODE).ops(ENTRY, &[ANY, EXIST]).helpers(&["redirect_map"]),
    row(MapType::Xskmap, "xskmap", v(4, 18), "AF_XDP sockets by number, to which frames are redirected.")
        .sizes(FOUR, FOUR, Entries::Some(u32::MAX))
        .flags(f::NUMA_NODE | READ_WRITE).ops(NO_LOOKUP, &[ANY, NOEXIST, EXIST]).helpers(REDIRECT).privilege(Privilege::NetAdmin),
    row(MapType::Sockhash, "sockhash", v(4, 18), "Sockets by key, for redirection among them.")
        .sizes(Size::Range(1, 512), FOUR_OR_EIGHT, Entries::Some(u32::MAX))
        .flags(f::NUMA_NODE | READ_WRITE).ops(ENTRY, &[ANY, NOEXIST, EXIST])
        .helpers(&["sk_redirect_hash", "sock_hash_update", "msg_redirect_hash", "sk_select_reuseport", "map_lookup_elem",
            "map_update_elem", "map_delete_elem"]).privilege(Privilege::NetAdmin),
    row(MapType::CgroupStorage, "cgroup_storage", v(4, 19), "A value for each cgroup and attach type a program is attached to; cgrp_storage has taken its place.")
        .sizes(STORAGE_KEY, Size::Range(1, MAX_STORAGE), Entries::Zero)
        .flags(f::NUMA_NODE | ACCESS).types(Types::May)
        .ops(&[Op::Lookup, Op::Update, Op::NextKey, Op::Freeze], &[ANY, EXIST, LOCK])
        .helpers(&["get_local_storage"]).not_inner().privilege(Privilege::None),
    row(MapType::ReuseportSockarray, "reuseport_sockarray", v(4, 19), "Sockets of a reuseport group by number, to choose among them.")
        .sizes(FOUR, FOUR_OR_EIGHT, Entries::Some(u32::MAX))
        .flags(f::NUMA_NODE | ACCESS).ops(ENTRY, &[ANY, NOEXIST, EXIST]).types(Types::May).helpers(&["sk_select_reuseport"]),
    row(MapType::PercpuCgroupStorage, "percpu_cgroup_storage", v(4, 20), "A value for each cgroup a program is attached to, with a copy for each CPU.")
        .sizes(STORAGE_KEY, Size::Range(1, MAX_PER_CPU), Entries::Zero)
        .flags(f::NUMA_NODE | ACCESS).types(Types::May).per_cpu()
        .ops(&[Op::Lookup, Op::Update, Op::NextKey, Op::Freeze], &[ANY, EXIST])
        .helpers(&["get_local_storage"]).not_inner().privilege(Privilege::None),
    row(MapType::Queue, "queue", v(4, 20), "Values that leave in the order they came.")
        .sizes(NOTHING, Size::Range(1, MAX_PIECE), Entries::Some(u32::MAX))
        .flags(f::NUMA_NODE | ACCESS).ops(QUEUE_OPS, &[ANY, EXIST]).helpers(QUEUE).sleepable(),
    row(MapType::Stack, "stack", v(4, 20), "Values that leave in the reverse of the order they came.")
        .sizes(NOTHING, Size::Range(1, MAX_PIECE), Entries::Some(u32::MAX))
        .flags(f::NUMA_NODE | ACCESS).ops(QUEUE_OPS, &[ANY, EXIST]).helpers(QUEUE).sleepable(),
    row(MapType::SkStorage, "sk_storage", v(5, 2), "A value that hangs on a socket and goes with it.")
        .sizes(FOUR, Size::Range(1, MAX_STORAGE), Entries::Zero)
        .flags(f::NO_PREALLOC | f::CLONE).needs(f::NO_PREALLOC).types(Types::Must)
        .ops(STORAGE_OPS, &[ANY, NOEXIST, EXIST, LOCK]).helpers(&["sk_storage_get", "sk_storage_delete"]).sleepable(),
    row(MapType::DevmapHash, "devmap_hash", v(5, 4), "Network devices by a number of any size, for redirection.")
        .sizes(FOUR, FOUR_OR_EIGHT, Entries::Some(1 << 31))
        .flags(f::NUMA_NODE | READ_WRITE).ops(ENTRY, &[ANY, NOEXIST, EXIST]).helpers(REDIRECT).privilege(Privilege::NetAdmin),
    row(MapType::StructOps, "struct_ops", v(5, 6), "A table of functions of the kernel, filled with programs; writing it puts the table in place.")
        .sizes(FOUR, Size::Struct, Entries::One)
        .flags(f::LINK | f::VTYPE_BTF_OBJ_FD).types(Types::Kernel)
        .ops(&[Op::Lookup, Op::Update, Op::Delete, Op::NextKey], &[ANY]).not_in_programs().not_inner(),
    row(MapType::Ringbuf, "ringbuf", v(5, 8), "Records for user space in one buffer for all CPUs, in the order they were reserved.")
        .sizes(NOTHING, NOTHING, Entries::Ring)
        .flags(f::NUMA_NODE).ops(RING_OPS, &[]).helpers(RING).sleepable().privilege(Privilege::None),
    row(MapType::InodeStorage, "inode_storage", v(5, 10), "A value that hangs on an inode and goes with it.")
        .sizes(FOUR, Size::Range(1, MAX_STORAGE), Entries::Zero)
        .flags(f::NO_PREALLOC | f::CLONE).needs(f::NO_PREALLOC).types(Types::Must)
        .ops(STORAGE_OPS, &[ANY, NOEXIST, EXIST, LOCK]).helpers(&["inode_storage_get", "inode_storage_delete"]).sleepable(),
    row(MapType::TaskStorage, "task_storage", v(5, 11), "A value that hangs on a thread and goes with it.")
        .sizes(FOUR, Size::Range(1, MAX_STORAGE), Entries::Zero)
        .flags(f::NO_PREALLOC | f::CLONE).needs(f::NO_PREALLOC).types(Types::Must)
        .ops(STORAGE_OPS, &[ANY, NOEXIST, EXIST, LOCK]).helpers(&["task_storage_get", "task_storage_delete"]).sleepable(),
    row(MapType::BloomFilter, "bloom_filter", v(5, 16), "A set that says of a value whether it may be in it or surely is not.")
        .sizes(NOTHING, Size::Range(1, MAX_PIECE), Entries::Some(u32::MAX))
        .flags(f::NUMA_NODE | f::ZERO_SEED | ACCESS).extra(Extra::Hashes).types(Types::May)
        .ops(&[Op::Lookup, Op::Update, Op::Freeze], &[ANY]).helpers(&["map_push_elem", "map_peek_elem"]),
    row(MapType::UserRingbuf, "user_ringbuf", v(6, 1), "Records that user space writes and a program drains.")
        .sizes(NOTHING, NOTHING, Entries::Ring)
        .flags(f::NUMA_NODE).ops(RING_OPS, &[]).helpers(&["user_ringbuf_drain"]).sleepable().privilege(Privilege::None),
    row(MapType::CgrpStorage, "cgrp_storage", v(6, 2), "A value that hangs on a cgroup and goes with it.")
        .sizes(FOUR, Size::Range(1, MAX_STORAGE), Entries::Zero)
        .flags(f::NO_PREALLOC | f::CLONE).needs(f::NO_PREALLOC).types(Types::Must)
        .ops(STORAGE_OPS, &[ANY, NOEXIST, EXIST, LOCK]).helpers(&["cgrp_storage_get", "cgrp_storage_delete"]).sleepable(),
    row(MapType::Arena, "arena", v(6, 9), "Up to 4 GiB of memory that programs and user space share, page by page.")
        .sizes(NOTHING, NOTHING, Entries::Some(1 << 20))
        .flags(f::MMAPABLE | f::SEGV_ON_FAULT | f::NO_USER_CONV).needs(f::MMAPABLE).extra(Extra::Address)
        .ops(&[Op::Freeze, Op::Mmap], &[]).sleepable(),
    row(MapType::InsnArray, "insn_array", v(6, 19), "Places in a program by number, for indirect jumps; the loader fills it and freezes it.")
        .sizes(FOUR, Size::Of(&[16]), Entries::Some(u32::MAX))
        .ops(&[Op::Lookup, Op::Update, Op::NextKey, Op::Freeze], &[ANY, EXIST]),
];

super::numbered!(MapType, "BPF_MAP_TYPE_");

impl MapType {
    /// True where a value has one copy for each CPU.
    pub fn is_per_cpu(self) -> bool {
        self.row().per_cpu
    }
}
