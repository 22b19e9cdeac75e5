//! Operations of user space on a map, for the vm and for the kernel.

use skep_object::{MapSpec, Object};
use skep_vm::{Batch, Config, Entries, Machine, Map, MapError, Still};

use crate::kernel::{KernelMap, possible_cpus};

/// One operation.
#[derive(Clone, Debug)]
pub(crate) enum Op {
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
    use Op::*;
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

/// Runs operations on a map of the vm and on one of the kernel, which must answer alike.
#[track_caller]
pub(crate) fn agree(spec: &MapSpec, ops: &[Op]) {
    assert!(ops.len() >= 20, "{} operations for {:?}", ops.len(), spec.map_type);
    let (vm, kernel) = (in_vm(spec), KernelMap::new(spec));
    let in_order = !spec.map_type.row().is_hash;
    for (n, op) in ops.iter().enumerate() {
        let (mine, theirs) = (answer(&*vm, op, in_order), answer(&kernel, op, in_order));
        assert_eq!(mine, theirs, "vm and kernel, step {n} on {:?}: {op:?}", spec.map_type);
    }
}
