//! Longest-prefix match: one hash table of masked prefixes, asked once for each prefix length in use.

use std::cmp::Ordering;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::hash::{Hash, Reuse};
use super::{EXIST, MapError, NOEXIST};

/// Keys are `{ u32 prefixlen; u8 data[] }`, the length in the machine's order, the data from its first bit on.
#[derive(Debug)]
pub(crate) struct Trie {
    key_size: usize,
    prefixes: RwLock<Prefixes>,
}

#[derive(Debug)]
struct Prefixes {
    /// Keys with the bits behind the prefix cleared.
    masked: Hash,
    /// Keys as given, by slot: the kernel keeps the bits behind the prefix and shows them.
    given: Vec<u8>,
    /// Number of prefixes of each length.
    lengths: Vec<u32>,
    /// Lengths of which there is a prefix, the longest first.
    used: Vec<usize>,
}

impl Trie {
    pub(crate) fn new(key_size: usize, entries: usize, seed: u64) -> Trie {
        let prefixes = Prefixes {
            masked: Hash::new(key_size, entries, Reuse::InPlace, seed),
            given: vec![0; entries * key_size],
            lengths: vec![0; (key_size - 4) * 8 + 1],
            used: Vec::new(),
        };
        Trie { key_size, prefixes: RwLock::new(prefixes) }
    }

    fn read(&self) -> RwLockReadGuard<'_, Prefixes> {
        self.prefixes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Prefixes> {
        self.prefixes.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// All slots and their keys as they were given.
    pub(crate) fn each(&self, mut see: impl FnMut(usize, &[u8])) {
        let prefixes = self.read();
        prefixes.masked.each(|slot| {
            see(slot, prefixes.given.get(slot * self.key_size..(slot + 1) * self.key_size).unwrap_or_default());
        });
    }

    /// The key after another in the kernel's order: from the left, what is inside a prefix before the prefix itself. The
    /// first after none or one that is not there.
    pub(crate) fn key_after(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        let mut keys = Vec::new();
        self.each(|_, key| keys.push(key.to_vec()));
        keys.sort_by(|a, b| before(a, b));
        let known = key.and_then(|key| keys.iter().position(|there| before(there, key).is_eq()));
        keys.into_iter().nth(known.map_or(0, |at| at + 1))
    }

    /// Bytes that a lookup goes through at most.
    pub(crate) fn work(&self) -> usize {
        self.read().used.len() * self.key_size
    }

    /// The slot of the longest prefix that the key begins with, no longer than the key's own.
    pub(crate) fn longest(&self, key: &[u8]) -> Option<usize> {
        let prefixes = self.read();
        let most = prefixes.length(key)?;
        let mut lengths = prefixes.used.iter().filter(|length| **length <= most).peekable();
        lengths.peek()?;
        let mut masked = Key::new(key);
        lengths.find_map(|length| {
            masked.cut(*length);
            prefixes.masked.find(masked.bytes())
        })
    }

    pub(crate) fn insert(&self, key: &[u8], flags: u64, fill: impl FnOnce(usize, bool)) -> Result<usize, MapError> {
        let mut prefixes = self.write();
        let prefixes = &mut *prefixes;
        let length = prefixes.length(key).ok_or(MapError::Invalid)?;
        let mut masked = Key::new(key);
        masked.cut(length);
        let known = prefixes.masked.find(masked.bytes());
        match (known, flags) {
            (Some(_), NOEXIST) => return Err(MapError::Exists),
            (None, EXIST) => return Err(MapError::Absent),
            _ => {}
        }
        let slot = prefixes.masked.put(masked.bytes(), 0, fill).map_err(|_| MapError::NoSpace)?;
        if known.is_none()
            && let Some(count) = prefixes.lengths.get_mut(length)
        {
            *count += 1;
            if *count == 1 {
                prefixes.used.insert(prefixes.used.partition_point(|used| *used > length), length);
            }
        }
        if let Some(room) = prefixes.given.get_mut(slot * self.key_size..(slot + 1) * self.key_size) {
            room.copy_from_slice(key);
        }
        Ok(slot)
    }

    pub(crate) fn remove(&self, key: &[u8]) -> Result<(), MapError> {
        let mut prefixes = self.write();
        let prefixes = &mut *prefixes;
        let length = prefixes.length(key).ok_or(MapError::Invalid)?;
        let mut masked = Key::new(key);
        masked.cut(length);
        prefixes.masked.remove(masked.bytes(), |_| {})?;
        if let Some(count) = prefixes.lengths.get_mut(length) {
            *count -= 1;
            if *count == 0 {
                prefixes.used.retain(|used| *used != length);
            }
        }
        Ok(())
    }
}

impl Prefixes {
    /// The prefix length of a key, `None` when it is longer than the data.
    fn length(&self, key: &[u8]) -> Option<usize> {
        let length = crate::memory::read_le(key.get(..4)?) as usize;
        (length < self.lengths.len()).then_some(length)
    }
}

/// Which of two prefixes the kernel hands out first.
fn before(a: &[u8], b: &[u8]) -> Ordering {
    let length = |key: &[u8]| crate::memory::read_le(key.get(..4).unwrap_or_default()) as usize;
    let bit = |key: &[u8], at: usize| key.get(4 + at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    let (mine, other) = (length(a), length(b));
    let apart = (0..mine.min(other)).map(|at| bit(a, at).cmp(&bit(b, at))).find(|order| order.is_ne());
    apart.unwrap_or(other.cmp(&mine))
}

/// A key whose prefix is cut shorter and shorter.
struct Key {
    bytes: [u8; 260],
    len: usize,
}

impl Key {
    fn new(key: &[u8]) -> Key {
        let mut bytes = [0; 260];
        let len = key.len().min(bytes.len());
        if let (Some(room), Some(key)) = (bytes.get_mut(..len), key.get(..len)) {
            room.copy_from_slice(key);
        }
        Key { bytes, len }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Keeps `length` bits of the data and says so in front.
    fn cut(&mut self, length: usize) {
        let (front, data) = self.bytes.split_at_mut(4);
        front.copy_from_slice(&(length as u32).to_le_bytes());
        let (whole, bits) = (length / 8, length % 8);
        let mut rest = whole;
        if bits != 0
            && let Some(byte) = data.get_mut(whole)
        {
            *byte &= !(0xff_u8 >> bits);
            rest += 1;
        }
        if let Some(cleared) = data.get_mut(rest..) {
            cleared.fill(0);
        }
    }
}
