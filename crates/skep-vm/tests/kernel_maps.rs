//! One list of operations for each type of map, run on a map of the vm and on one of the kernel: the same answers and
//! error numbers. Needs root; `cargo test -p skep-vm --features kernel-tests`.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

#[path = "support/kernel.rs"]
mod kernel;
#[path = "support/mod.rs"]
mod support;

use kernel::{KernelMap, possible_cpus, stay_on_one_cpu};
use skep_isa::spec::{MapType, map_flag};
use skep_object::{MapSpec, Object};
use skep_vm::{Batch, Config, Entries, Machine, Map, MapError, Still};

/// One operation.
#[derive(Clone, Debug)]
enum Op {
    Lookup(Vec<u8>),
    Update(Vec<u8>, Vec<u8>, u64),
    Delete(Vec<u8>),
    Take(Vec<u8>),
    /// Whether a bloom filter may have a value.
    Has(Vec<u8>),
    /// The key after another.
    Next(Option<Vec<u8>>),
    /// All keys in the order they are handed out, and their values.
    Walk,
    /// All keys, sorted, for maps whose order is their own.
    WalkSorted,
    UpdateBatch(Vec<(Vec<u8>, Vec<u8>)>, u64),
    DeleteBatch(Vec<Vec<u8>>),
    /// All entries in batches of so many, sorted; and what each batch ended with.
    LookupBatch(usize),
    /// The same, and they are removed.
    TakeBatch(usize),
}

use Op::*;

type Answer = String;

fn show<T: std::fmt::Debug>(answer: T) -> Answer {
    format!("{answer:?}")
}

/// What both engines offer.
trait Side {
    fn lookup(&self, key: &[u8]) -> Option<Vec<u8>>;
    fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), i32>;
    fn delete(&self, key: &[u8]) -> Result<(), i32>;
    fn take(&self, key: &[u8]) -> Result<Vec<u8>, i32>;
    fn has(&self, value: &[u8]) -> Result<(), i32>;
    fn next(&self, key: Option<&[u8]>) -> Result<Vec<u8>, i32>;
    fn update_batch(&self, entries: &[(Vec<u8>, Vec<u8>)], flags: u64) -> (usize, Result<(), i32>);
    fn delete_batch(&self, keys: &[Vec<u8>]) -> (usize, Result<(), i32>);
    /// Batches until one ends with an error, with that error.
    fn batches(&self, count: usize, take: bool) -> (Entries, Vec<usize>, i32);
}

fn errno<T>(result: Result<T, MapError>) -> Result<T, i32> {
    result.map_err(MapError::errno)
}

impl Side for Map {
    fn lookup(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.lookup(key)
    }
    fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), i32> {
        errno(self.update(key, value, flags))
    }
    fn delete(&self, key: &[u8]) -> Result<(), i32> {
        errno(self.delete(key))
    }
    fn take(&self, key: &[u8]) -> Result<Vec<u8>, i32> {
        errno(self.take(key))
    }
    fn has(&self, value: &[u8]) -> Result<(), i32> {
        if self.may_have(value) { Ok(()) } else { Err(libc::ENOENT) }
    }
    fn next(&self, key: Option<&[u8]>) -> Result<Vec<u8>, i32> {
        errno(self.next_key(key))
    }
    fn update_batch(&self, entries: &[(Vec<u8>, Vec<u8>)], flags: u64) -> (usize, Result<(), i32>) {
        let entries: Vec<(&[u8], &[u8])> = entries.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        let (done, result) = self.update_batch(&entries, flags);
        (done, errno(result))
    }
    fn delete_batch(&self, keys: &[Vec<u8>]) -> (usize, Result<(), i32>) {
        let (done, result) = self.delete_batch(&keys.iter().map(Vec::as_slice).collect::<Vec<_>>());
        (done, errno(result))
    }
    fn batches(&self, count: usize, take: bool) -> (Entries, Vec<usize>, i32) {
        let (mut all, mut sizes, mut from) = (Vec::new(), Vec::new(), Batch::default());
        loop {
            let (entries, result) = self.lookup_batch(&mut from, count, take);
            sizes.push(entries.len());
            all.extend(entries);
            if let Err(why) = result {
                all.sort();
                return (all, sizes, why.errno());
            }
        }
    }
}

impl Side for KernelMap {
    fn lookup(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.lookup(key)
    }
    fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), i32> {
        self.update(key, value, flags)
    }
    fn delete(&self, key: &[u8]) -> Result<(), i32> {
        self.delete(key)
    }
    fn take(&self, key: &[u8]) -> Result<Vec<u8>, i32> {
        self.take(key)
    }
    fn has(&self, value: &[u8]) -> Result<(), i32> {
        self.has(value)
    }
    fn next(&self, key: Option<&[u8]>) -> Result<Vec<u8>, i32> {
        self.next_key(key)
    }
    fn update_batch(&self, entries: &[(Vec<u8>, Vec<u8>)], flags: u64) -> (usize, Result<(), i32>) {
        let keys: Vec<u8> = entries.iter().flat_map(|(key, _)| key.clone()).collect();
        let values: Vec<u8> = entries.iter().flat_map(|(_, value)| value.clone()).collect();
        let (done, result) = self.update_batch(&keys, &values, entries.len(), flags);
        // A command that is refused as a whole leaves the count as it was.
        (if refused(result) { 0 } else { done }, result)
    }
    fn delete_batch(&self, keys: &[Vec<u8>]) -> (usize, Result<(), i32>) {
        let (done, result) = self.delete_batch(&keys.concat(), keys.len());
        (if refused(result) { 0 } else { done }, result)
    }
    fn batches(&self, count: usize, take: bool) -> (Entries, Vec<usize>, i32) {
        let (mut all, mut sizes, mut from) = (Vec::new(), Vec::new(), None);
        loop {
            let (entries, result) = self.lookup_batch(&mut from, count, take);
            sizes.push(entries.len());
            all.extend(entries);
            if let Err(why) = result {
                all.sort();
                return (all, sizes, why);
            }
        }
    }
}

fn refused(result: Result<(), i32>) -> bool {
    matches!(result, Err(libc::EINVAL | 524 | libc::EPERM))
}

fn answer(side: &dyn Side, op: &Op, in_order: bool) -> Answer {
    match op {
        Lookup(key) => show(side.lookup(key)),
        Update(key, value, flags) => show(side.update(key, value, *flags)),
        Delete(key) => show(side.delete(key)),
        Take(key) => show(side.take(key)),
        Has(value) => show(side.has(value)),
        Next(key) => show(side.next(key.as_deref())),
        Walk | WalkSorted => {
            let mut all = Vec::new();
            let mut last: Option<Vec<u8>> = None;
            let end = loop {
                match side.next(last.as_deref()) {
                    Ok(key) => {
                        all.push((key.clone(), side.lookup(&key)));
                        last = Some(key);
                    }
                    Err(why) => break why,
                }
            };
            if matches!(op, WalkSorted) {
                all.sort();
            }
            show((all, end))
        }
        UpdateBatch(entries, flags) => show(side.update_batch(entries, *flags)),
        DeleteBatch(keys) => show(side.delete_batch(keys)),
        LookupBatch(count) | TakeBatch(count) => {
            let (all, sizes, end) = side.batches(*count, matches!(op, TakeBatch(_)));
            if in_order { show((all, sizes, end)) } else { show((all, end)) }
        }
    }
}

/// A map of the vm.
fn in_vm(spec: &MapSpec) -> std::sync::Arc<Map> {
    let object = Object {
        name: "o".into(),
        license: "GPL".into(),
        programs: vec![],
        maps: vec![spec.clone()],
        externs: vec![],
        btf: None,
        big_endian: false,
    };
    let config = Config { cpus: possible_cpus(), ..Config::default() };
    let machine = Machine::new(&object, None, config, Box::new(Still)).expect("a good map");
    machine.map(0).expect("the map").clone()
}

#[track_caller]
fn agree(spec: &MapSpec, ops: &[Op]) {
    assert!(ops.len() >= 20, "{} operations for {:?}", ops.len(), spec.map_type);
    let (vm, kernel) = (in_vm(spec), KernelMap::new(spec));
    let in_order = !spec.map_type.row().is_hash;
    for (n, op) in ops.iter().enumerate() {
        let (mine, theirs) = (answer(&*vm, op, in_order), answer(&kernel, op, in_order));
        assert_eq!(mine, theirs, "vm and kernel, step {n} on {:?}: {op:?}", spec.map_type);
    }
}

fn spec(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32, flags: u32) -> MapSpec {
    MapSpec { flags, ..MapSpec::new("m", map_type, key_size, value_size, max_entries) }
}

fn k(n: u32) -> Vec<u8> {
    n.to_le_bytes().to_vec()
}

/// A value of so many bytes.
fn v(n: u8, len: usize) -> Vec<u8> {
    (0..len).map(|at| n.wrapping_add(at as u8)).collect()
}

fn entries(keys: std::ops::Range<u32>, len: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    keys.map(|n| (k(n), v(n as u8, len))).collect()
}

/// Operations that arrays take, on one of 5 entries.
fn array_ops(len: usize) -> Vec<Op> {
    vec![
        Lookup(k(0)),
        Lookup(k(5)),
        Update(k(0), v(1, len), 0),
        Update(k(4), v(2, len), map_flag::EXIST),
        Update(k(1), v(3, len), map_flag::NOEXIST),
        Update(k(5), v(3, len), 0),
        Update(k(5), v(3, len), map_flag::NOEXIST),
        Update(k(1), v(3, len), 3),
        Update(k(1), v(3, len), map_flag::LOCK),
        Update(k(u32::MAX), v(3, len), 0),
        Update(k(5), v(3, len), 8 << 8),
        Delete(k(0)),
        Delete(k(5)),
        Take(k(0)),
        Next(None),
        Next(Some(k(0))),
        Next(Some(k(4))),
        Next(Some(k(77))),
        Walk,
        UpdateBatch(entries(1..4, len), 0),
        UpdateBatch(entries(3..7, len), 0),
        UpdateBatch(entries(1..2, len), 1),
        DeleteBatch(vec![k(1)]),
        LookupBatch(2),
        LookupBatch(5),
        LookupBatch(9),
        TakeBatch(5),
        Walk,
    ]
}

/// Operations that hashes take, on one of 4 entries that does not evict.
fn hash_ops(len: usize) -> Vec<Op> {
    vec![
        Next(None),
        Lookup(k(1)),
        Delete(k(1)),
        Take(k(1)),
        Update(k(1), v(1, len), map_flag::EXIST),
        Update(k(1), v(1, len), map_flag::NOEXIST),
        Update(k(1), v(2, len), map_flag::NOEXIST),
        Update(k(1), v(3, len), map_flag::EXIST),
        Update(k(1), v(4, len), 0),
        Lookup(k(1)),
        Update(k(1), v(4, len), 3),
        Update(k(1), v(4, len), map_flag::LOCK),
        Update(k(0), v(0, len), 0),
        Update(k(u32::MAX), v(9, len), 0),
        Update(k(2), v(2, len), 0),
        Update(k(3), v(3, len), 0),
        Update(k(3), v(3, len), map_flag::EXIST),
        Update(k(2), v(7, len), 0),
        WalkSorted,
        Delete(k(2)),
        Update(k(3), v(3, len), 0),
        Take(k(3)),
        Take(k(3)),
        WalkSorted,
        UpdateBatch(entries(10..12, len), 0),
        UpdateBatch(entries(10..12, len), 1),
        WalkSorted,
        LookupBatch(0x40),
        DeleteBatch(vec![k(10), k(99), k(11)]),
        WalkSorted,
        UpdateBatch(entries(0..4, len), 0),
        TakeBatch(0x40),
        WalkSorted,
        TakeBatch(0x40),
        LookupBatch(0x40),
    ]
}

#[test]
fn arrays_answer_as_the_kernel_s() {
    for len in [1, 4, 8, 13, 64, 300] {
        agree(&spec(MapType::Array, 4, len, 5, 0), &array_ops(len as usize));
    }
}

#[test]
fn per_cpu_arrays_answer_as_the_kernel_s() {
    for len in [1, 4, 8, 13, 64] {
        let user = (len as usize).next_multiple_of(8) * possible_cpus();
        agree(&spec(MapType::PercpuArray, 4, len, 5, 0), &array_ops(user));
    }
}

#[test]
fn hashes_answer_as_the_kernel_s_preallocated_or_not() {
    for flags in [0, map_flag::NO_PREALLOC] {
        for len in [1, 4, 8, 13, 64, 300] {
            agree(&spec(MapType::Hash, 4, len, 4, flags), &hash_ops(len as usize));
        }
    }
}

#[test]
fn per_cpu_hashes_answer_as_the_kernel_s_preallocated_or_not() {
    for flags in [0, map_flag::NO_PREALLOC] {
        for len in [1, 8, 13] {
            let user = (len as usize).next_multiple_of(8) * possible_cpus();
            agree(&spec(MapType::PercpuHash, 4, len, 4, flags), &hash_ops(user));
        }
    }
}

#[test]
fn evicting_hashes_answer_as_the_kernel_s_until_they_are_full() {
    for map_type in [MapType::LruHash, MapType::LruPercpuHash] {
        let user = if map_type.is_per_cpu() { 8 * possible_cpus() } else { 8 };
        // Roomy, so that nothing is evicted; the refusal of a full hash does not come either.
        let ops = hash_ops(user);
        agree(&spec(map_type, 4, 8, 1024, 0), &ops);
    }
}

#[test]
fn prefix_trees_answer_as_the_kernel_s() {
    let p = |len: u32, ip: [u8; 4]| [len.to_le_bytes(), ip].concat();
    let ops = [
        Next(None),
        Lookup(p(32, [10, 0, 0, 1])),
        Delete(p(8, [10, 0, 0, 0])),
        Update(p(8, [10, 0, 0, 0]), v(1, 4), map_flag::EXIST),
        Update(p(8, [10, 9, 9, 9]), v(1, 4), map_flag::NOEXIST),
        Update(p(8, [10, 0, 0, 0]), v(2, 4), map_flag::NOEXIST),
        Lookup(p(32, [10, 0, 0, 1])),
        Lookup(p(7, [10, 0, 0, 1])),
        Update(p(24, [10, 1, 2, 0]), v(3, 4), 0),
        Update(p(32, [10, 1, 2, 3]), v(4, 4), 0),
        Update(p(16, [192, 168, 0, 0]), v(5, 4), 0),
        Walk,
        Lookup(p(32, [10, 1, 2, 3])),
        Lookup(p(32, [10, 1, 2, 4])),
        Lookup(p(31, [10, 1, 2, 3])),
        Lookup(p(33, [10, 1, 2, 3])),
        Update(p(33, [10, 1, 2, 3]), v(4, 4), 0),
        Delete(p(33, [10, 1, 2, 3])),
        Update(p(0, [0, 0, 0, 0]), v(6, 4), 0),
        Update(p(1, [0, 0, 0, 0]), v(6, 4), 0),
        Update(p(0, [0, 0, 0, 0]), v(7, 4), 0),
        Update(p(0, [0, 0, 0, 0]), v(7, 4), 3),
        Update(p(0, [0, 0, 0, 0]), v(7, 4), map_flag::LOCK),
        Lookup(p(32, [1, 1, 1, 1])),
        Walk,
        Next(Some(p(24, [10, 1, 2, 0]))),
        Next(Some(p(24, [99, 1, 2, 0]))),
        Next(Some(p(99, [10, 1, 2, 0]))),
        Take(p(24, [10, 1, 2, 0])),
        LookupBatch(2),
        LookupBatch(5),
        TakeBatch(5),
        Delete(p(24, [10, 1, 2, 200])),
        Delete(p(24, [10, 1, 2, 0])),
        Lookup(p(32, [10, 1, 2, 4])),
        UpdateBatch(vec![(p(1, [128, 0, 0, 0]), v(8, 4)), (p(2, [192, 0, 0, 0]), v(9, 4))], 0),
        Walk,
        DeleteBatch(vec![p(1, [128, 0, 0, 0]), p(3, [1, 1, 1, 1]), p(0, [0; 4])]),
        Walk,
    ];
    agree(&spec(MapType::LpmTrie, 8, 4, 5, map_flag::NO_PREALLOC), &ops);
}

#[test]
fn queues_and_stacks_answer_as_the_kernel_s() {
    for map_type in [MapType::Queue, MapType::Stack] {
        for len in [1, 4, 13] {
            let put = |n: u8, flags| Update(vec![], v(n, len as usize), flags);
            let ops = [
                Lookup(vec![]),
                Take(vec![]),
                Delete(vec![]),
                Next(None),
                put(1, 0),
                put(2, 0),
                Lookup(vec![]),
                put(3, map_flag::NOEXIST),
                put(3, 3),
                put(3, map_flag::LOCK),
                put(3, map_flag::EXIST),
                put(4, 0),
                put(4, map_flag::EXIST),
                Lookup(vec![]),
                Take(vec![]),
                put(5, 0),
                put(6, map_flag::EXIST),
                put(7, map_flag::EXIST),
                Take(vec![]),
                Take(vec![]),
                Lookup(vec![]),
                Take(vec![]),
                Take(vec![]),
                Lookup(vec![]),
                UpdateBatch(vec![(vec![], v(1, len as usize))], 0),
                put(9, 0),
                Take(vec![]),
            ];
            agree(&spec(map_type, 0, len, 3, 0), &ops);
        }
    }
}

#[test]
fn bloom_filters_answer_as_the_kernel_s() {
    for extra in [0, 1, 3, 15] {
        let spec = MapSpec { extra, ..spec(MapType::BloomFilter, 0, 8, 10_000, 0) };
        let put = |n: u8, flags| Update(vec![], v(n, 8), flags);
        let mut ops = vec![Has(v(1, 8)), put(1, 0), put(2, map_flag::EXIST), put(2, map_flag::NOEXIST), put(2, 3)];
        ops.extend([Has(v(1, 8)), Has(v(2, 8)), put(1, 0), Has(v(1, 8)), Delete(vec![]), Take(vec![]), Next(None)]);
        ops.extend((10..30).flat_map(|n| [put(n, 0), Has(v(n, 8))]));
        ops.push(UpdateBatch(vec![(vec![], v(1, 8))], 0));
        agree(&spec, &ops);
    }
}

#[test]
fn maps_of_devices_answer_as_the_kernel_s() {
    let to = |n: u32| k(n);
    let ops = |is_hash: bool| {
        vec![
            Next(None),
            Lookup(k(0)),
            Delete(k(0)),
            Delete(k(4)),
            Update(k(0), to(1), 0),
            Lookup(k(0)),
            Update(k(0), to(1), map_flag::NOEXIST),
            Update(k(1), to(1), map_flag::EXIST),
            Update(k(2), to(1), map_flag::NOEXIST),
            Update(k(3), to(1), 3),
            Update(k(3), to(1), 0),
            Update(k(if is_hash { 77 } else { 4 }), to(1), 0),
            Update(k(0), to(0), 0),
            Update(k(1), to(0), map_flag::NOEXIST),
            WalkSorted,
            Take(k(1)),
            Delete(k(1)),
            Delete(k(1)),
            Lookup(k(1)),
            UpdateBatch(vec![(k(1), to(1))], 0),
            LookupBatch(8),
            Next(Some(k(99))),
            WalkSorted,
        ]
    };
    agree(&spec(MapType::Devmap, 4, 4, 4, 0), &ops(false));
    agree(&spec(MapType::DevmapHash, 4, 4, 4, 0), &ops(true));
}

#[test]
fn maps_of_cpus_answer_as_the_kernel_s() {
    let ops = [
        Next(None),
        Lookup(k(0)),
        Delete(k(0)),
        Delete(k(4)),
        Update(k(0), k(64), 0),
        Lookup(k(0)),
        Update(k(0), k(64), map_flag::NOEXIST),
        Update(k(0), k(128), map_flag::EXIST),
        Lookup(k(0)),
        Update(k(0), k(64), 3),
        Update(k(4), k(64), 0),
        Update(k(0), k(0), map_flag::NOEXIST),
        Update(k(0), k(16_385), 0),
        Lookup(k(0)),
        Update(k(0), k(0), 0),
        Lookup(k(0)),
        Take(k(0)),
        Next(Some(k(3))),
        Next(Some(k(1))),
        Walk,
        UpdateBatch(vec![(k(0), k(64))], 0),
        LookupBatch(8),
    ];
    agree(&spec(MapType::Cpumap, 4, 4, 4, 0), &ops);
}

#[test]
fn maps_that_hold_something_refuse_what_the_kernel_s_refuse() {
    use MapType::*;
    for map_type in [ProgArray, PerfEventArray, CgroupArray, Sockmap, Sockhash, Xskmap, ReuseportSockarray] {
        // A number that is held here is a descriptor there, so nothing is put in; and the vm has a buffer for each CPU.
        let few = possible_cpus() as u32;
        let beyond = few + 4;
        let mut ops = vec![Next(None), Next(Some(k(few))), Next(Some(k(beyond))), Next(Some(k(beyond - 1)))];
        ops.extend([Lookup(k(few)), Lookup(k(beyond)), Walk, Take(k(few)), Take(k(beyond))]);
        ops.extend([Delete(k(few)), Delete(k(few + 1)), Delete(k(beyond)), Delete(k(u32::MAX))]);
        ops.extend([UpdateBatch(vec![], 1), DeleteBatch(vec![k(few)]), TakeBatch(4)]);
        // Whether flags or the descriptor are looked at first is the kernel's own order.
        if matches!(map_type, ProgArray | PerfEventArray | CgroupArray) {
            ops.extend([1, 2, 3, 4, 8].map(|flags| Update(k(few), k(1), flags)));
            ops.extend([0, 1, 2, 3].map(|flags| Update(k(beyond), k(1), flags)));
        }
        ops.extend([Walk, Next(None), Delete(k(few)), Lookup(k(few + 1)), Take(k(few + 2))]);
        agree(&spec(map_type, 4, 4, beyond, 0), &ops);
    }
}

#[test]
fn empty_maps_of_stacks_answer_as_the_kernel_s() {
    let mut ops = vec![Next(None), Next(Some(k(3))), Next(Some(k(99))), Lookup(k(0)), Lookup(k(8)), Lookup(k(7))];
    ops.extend([0, 3, 4, 5, 7, 8, 99].map(|n| Delete(k(n))));
    ops.extend([0, 5, 7, 8, 99].map(|n| Take(k(n))));
    ops.extend([0, 1, 2, 3].map(|flags| Update(k(1), v(1, 16), flags)));
    ops.extend([UpdateBatch(vec![(k(1), v(1, 16))], 0), DeleteBatch(vec![k(1)]), LookupBatch(4), TakeBatch(4), Walk]);
    agree(&spec(MapType::StackTrace, 4, 16, 5, 0), &ops);
}

#[test]
fn ring_buffers_have_no_entries_as_the_kernel_s() {
    let mut ops = vec![Lookup(vec![]), Update(vec![], vec![], 0), Delete(vec![]), Take(vec![]), Next(None)];
    ops.extend(ops.clone());
    ops.extend(ops.clone());
    agree(&spec(MapType::Ringbuf, 0, 0, 4096, 0), &ops);
    agree(&spec(MapType::UserRingbuf, 0, 0, 4096, 0), &ops);
}

#[test]
fn evicting_hashes_drop_what_the_kernel_s_drop() {
    stay_on_one_cpu();
    for map_type in [MapType::LruHash, MapType::LruPercpuHash] {
        let len = if map_type.is_per_cpu() { 8 * possible_cpus() } else { 8 };
        for entries in [4, 16, 100] {
            let mut ops = Vec::new();
            let mut random = 0x1234_5678_u32;
            for _ in 0..600 {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let n = (random >> 8) % (entries * 3 / 2);
                ops.push(match random >> 29 {
                    0 => Delete(k(n)),
                    1 => Update(k(n), v(n as u8, len), map_flag::EXIST),
                    2 => Update(k(n), v(n as u8, len), map_flag::NOEXIST),
                    _ => Update(k(n), v(n as u8, len), 0),
                });
                ops.push(WalkSorted);
            }
            agree(&spec(map_type, 4, 8, entries, 0), &ops);
        }
    }
}

/// Pushes, peeks and pops; each answer is a digit, and each value that came out.
#[test]
fn queues_stacks_and_bloom_filters_answer_programs_as_the_kernel_s() {
    use support::{call, exit, map, mov, movr, st};
    let add_to = |code: &mut Vec<skep_isa::Insn>| {
        // r6 = r6 * 31 + r0; r6 = r6 * 31 + the value.
        code.extend([support::i(0x27, 6, 0, 0, 31), support::i(0x0f, 6, 0, 0, 0), support::ldx(8, 1, 10, -8)]);
        code.extend([support::i(0x27, 6, 0, 0, 31), support::i(0x0f, 6, 1, 0, 0)]);
    };
    for (map_type, pops) in [(MapType::Queue, true), (MapType::Stack, true), (MapType::BloomFilter, false)] {
        let mut code = vec![mov(6, 1)];
        for (id, value, flags) in
            [(87, 1, 0), (87, 2, 0), (89, 1, 0), (87, 3, 0), (87, 4, 0), (87, 5, 2), (87, 6, 1), (89, 2, 0)]
                .into_iter()
                .chain([(88, 0, 0), (88, 0, 0), (89, 0, 0), (88, 0, 0), (88, 0, 0)].into_iter().filter(|_| pops))
        {
            code.push(st(8, 10, -8, value));
            code.extend(map(1, 0));
            code.extend([movr(2, 10), support::add(2, -8), mov(3, flags), call(id)]);
            add_to(&mut code);
        }
        code.extend([movr(0, 6), exit()]);
        kernel::agree_on_runs("xdp", &code, &[spec(map_type, 0, 8, 3, 0)], &support::ipv4(64), 4);
    }
}
