//! Longest-prefix match: one hash table of masked prefixes, asked once for each prefix length in use.

use super::hash::Hash;
use super::{EXIST, MapError, NOEXIST};

/// Keys are `{ u32 prefixlen; u8 data[] }`, the length in the machine's order, the data from its first bit on.
#[derive(Debug)]
pub(crate) struct Trie {
    /// Keys with the bits behind the prefix cleared.
    masked: Hash,
    /// Keys as given, by slot: the kernel keeps the bits behind the prefix and shows them.
    given: Vec<u8>,
    key_size: usize,
    /// Number of prefixes of each length.
    lengths: Vec<u32>,
    /// Lengths of which there is a prefix, the longest first.
    used: Vec<usize>,
}

impl Trie {
    pub(crate) fn new(key_size: usize, entries: usize, seed: u64) -> Trie {
        Trie {
            masked: Hash::new(key_size, entries, false, seed),
            given: vec![0; entries * key_size],
            key_size,
            lengths: vec![0; (key_size - 4) * 8 + 1],
            used: Vec::new(),
        }
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = usize> + '_ {
        self.masked.slots()
    }

    /// A key as it was given.
    pub(crate) fn key(&self, slot: usize) -> &[u8] {
        self.given.get(slot * self.key_size..(slot + 1) * self.key_size).unwrap_or_default()
    }

    /// The prefix length of a key, `None` when it is longer than the data.
    fn length(&self, key: &[u8]) -> Option<usize> {
        let length = crate::memory::read_le(key.get(..4)?) as usize;
        (length < self.lengths.len()).then_some(length)
    }

    /// Bytes that a lookup goes through at most.
    pub(crate) fn work(&self) -> usize {
        self.used.len() * self.key_size
    }

    /// The slot of the longest prefix that the key begins with, no longer than the key's own.
    pub(crate) fn longest(&self, key: &[u8]) -> Option<usize> {
        let most = self.length(key)?;
        let mut lengths = self.used.iter().filter(|length| **length <= most).peekable();
        lengths.peek()?;
        let mut masked = Key::new(key);
        lengths.find_map(|length| {
            masked.cut(*length);
            self.masked.find(masked.bytes())
        })
    }

    pub(crate) fn insert(&mut self, key: &[u8], flags: u64) -> Result<usize, MapError> {
        let length = self.length(key).ok_or(MapError::Invalid)?;
        let mut masked = Key::new(key);
        masked.cut(length);
        let known = self.masked.find(masked.bytes());
        match (known, flags) {
            (Some(_), NOEXIST) => return Err(MapError::Exists),
            (None, EXIST) => return Err(MapError::Absent),
            _ => {}
        }
        let (slot, fresh) = self.masked.insert(masked.bytes(), 0).map_err(|_| MapError::NoSpace)?;
        if fresh && let Some(count) = self.lengths.get_mut(length) {
            *count += 1;
            if *count == 1 {
                self.used.insert(self.used.partition_point(|used| *used > length), length);
            }
        }
        if let Some(room) = self.given.get_mut(slot * self.key_size..(slot + 1) * self.key_size) {
            room.copy_from_slice(key);
        }
        Ok(slot)
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Result<(), MapError> {
        let length = self.length(key).ok_or(MapError::Invalid)?;
        let mut masked = Key::new(key);
        masked.cut(length);
        self.masked.remove(masked.bytes())?;
        if let Some(count) = self.lengths.get_mut(length) {
            *count -= 1;
            if *count == 0 {
                self.used.retain(|used| *used != length);
            }
        }
        Ok(())
    }
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
