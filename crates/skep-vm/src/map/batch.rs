//! Operations on many entries at once, with the kernel's answers: what was done before an error stays done.

use skep_isa::spec::map_type::Op;

use super::{Kind, Map, MapError};

/// Keys and values.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// Where a sequence of batches stands; begin with the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The last key that was handed out, of maps that are walked by key.
    key: Option<Vec<u8>>,
    /// The next bucket of a hash.
    bucket: usize,
}

impl Map {
    fn can(&self, op: Op) -> Result<(), MapError> {
        if self.map_type.row().ops.contains(&op) { Ok(()) } else { Err(MapError::NotSupported) }
    }

    /// Sets the values of many keys (`BPF_MAP_UPDATE_BATCH`): how many were set, and why no more were.
    pub fn update_batch(&self, entries: &[(&[u8], &[u8])], flags: u64) -> (usize, Result<(), MapError>) {
        if let Err(why) = self.can(Op::UpdateBatch) {
            return (0, Err(why));
        }
        if flags != 0 {
            return (0, Err(MapError::Invalid));
        }
        all(entries, |(key, value)| self.update(key, value, 0))
    }

    /// Removes many keys (`BPF_MAP_DELETE_BATCH`): how many were removed, and why no more were.
    pub fn delete_batch(&self, keys: &[&[u8]]) -> (usize, Result<(), MapError>) {
        if let Err(why) = self.can(Op::DeleteBatch) {
            return (0, Err(why));
        }
        all(keys, |key| self.delete(key))
    }

    /// The next entries, at most `count` (`BPF_MAP_LOOKUP_BATCH`; with `take`, `BPF_MAP_LOOKUP_AND_DELETE_BATCH`).
    /// Hashes hand out whole buckets.
    ///
    /// # Errors
    /// Beside the entries: `Absent` with the last of them, `NoSpace` where the next bucket holds more than `count`.
    pub fn lookup_batch(&self, from: &mut Batch, count: usize, take: bool) -> (Entries, Result<(), MapError>) {
        let (op, frozen) = if take { (Op::TakeBatch, self.frozen) } else { (Op::LookupBatch, false) };
        let mut found = Vec::new();
        let result = match self.can(op) {
            Ok(()) if frozen => Err(MapError::ReadOnly),
            Ok(()) if count == 0 => Ok(()),
            Ok(()) if matches!(self.kind, Kind::Hash(_)) => self.buckets(from, count, take, &mut found),
            Ok(()) => self.by_key(from, count, &mut found),
            Err(why) => Err(why),
        };
        (found, result)
    }

    fn buckets(&self, from: &mut Batch, count: usize, take: bool, found: &mut Entries) -> Result<(), MapError> {
        let Kind::Hash(hash) = &self.kind else { return Ok(()) };
        while let Some(slots) = hash.bucket_slots(from.bucket) {
            if slots.len() > count - found.len() {
                return if found.is_empty() { Err(MapError::NoSpace) } else { Ok(()) };
            }
            for key in slots.into_iter().map(|slot| hash.key(slot)) {
                let mut value = None;
                if take {
                    let seen = |slot: usize| value = Some(self.value(slot * self.copies));
                    // Another thread may have removed it since: then there is none.
                    hash.remove(&key, seen).unwrap_or(());
                } else {
                    value = hash.read(&key, |slot| self.value(slot * self.copies));
                }
                found.extend(value.map(|value| (key, value)));
            }
            from.bucket += 1;
        }
        Err(MapError::Absent)
    }

    fn by_key(&self, from: &mut Batch, count: usize, found: &mut Entries) -> Result<(), MapError> {
        while found.len() < count {
            let key = self.next_key(from.key.as_deref())?;
            if let Some(value) = self.lookup(&key) {
                found.push((key.clone(), value));
            }
            from.key = Some(key);
        }
        Ok(())
    }
}

/// Does something with all up to the first error.
fn all<T>(items: &[T], mut each: impl FnMut(&T) -> Result<(), MapError>) -> (usize, Result<(), MapError>) {
    for (done, item) in items.iter().enumerate() {
        if let Err(why) = each(item) {
            return (done, Err(why));
        }
    }
    (items.len(), Ok(()))
}
