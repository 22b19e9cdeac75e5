//! Maps by Rust's types: `loaded.map::<HashMap<u32, u64>>("count")`.

use std::marker::PhantomData;

use skep_diag::{Diagnostic, code};
use skep_isa::spec::MapType;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::error::Error;
use crate::map::Map;

/// Plain data: every bit pattern is a value, and there is no padding. Derive zerocopy's three traits for a `repr(C)` struct.
pub trait Plain: FromBytes + IntoBytes + Immutable {}
impl<T: FromBytes + IntoBytes + Immutable> Plain for T {}

/// A typed view of a map.
pub trait View<'l>: Sized {
    /// Makes the view.
    ///
    /// # Errors
    /// `M0003` when the map is of another kind, or its key or value of another size.
    fn of(map: Map<'l>) -> Result<Self, Error>;
}

/// A hash map (also LRU) or prefix tree with one value for each key.
pub struct HashMap<'l, K, V> {
    map: Map<'l>,
    types: PhantomData<(K, V)>,
}

/// A hash map with a value for each CPU.
pub struct PerCpuHashMap<'l, K, V> {
    map: Map<'l>,
    types: PhantomData<(K, V)>,
}

/// An array, data sections among them.
pub struct Array<'l, V> {
    map: Map<'l>,
    types: PhantomData<V>,
}

/// An array with a value for each CPU.
pub struct PerCpuArray<'l, V> {
    map: Map<'l>,
    types: PhantomData<V>,
}

impl<'l, K: Plain, V: Plain> View<'l> for HashMap<'l, K, V> {
    fn of(map: Map<'l>) -> Result<Self, Error> {
        check(&map, &[MapType::Hash, MapType::LruHash, MapType::LpmTrie], size_of::<K>(), size_of::<V>())?;
        Ok(HashMap { map, types: PhantomData })
    }
}

impl<'l, K: Plain, V: Plain> View<'l> for PerCpuHashMap<'l, K, V> {
    fn of(map: Map<'l>) -> Result<Self, Error> {
        check(&map, &[MapType::PercpuHash, MapType::LruPercpuHash], size_of::<K>(), size_of::<V>())?;
        Ok(PerCpuHashMap { map, types: PhantomData })
    }
}

impl<'l, V: Plain> View<'l> for Array<'l, V> {
    fn of(map: Map<'l>) -> Result<Self, Error> {
        check(&map, &[MapType::Array], 4, size_of::<V>())?;
        Ok(Array { map, types: PhantomData })
    }
}

impl<'l, V: Plain> View<'l> for PerCpuArray<'l, V> {
    fn of(map: Map<'l>) -> Result<Self, Error> {
        check(&map, &[MapType::PercpuArray], 4, size_of::<V>())?;
        Ok(PerCpuArray { map, types: PhantomData })
    }
}

impl<K: Plain, V: Plain> HashMap<'_, K, V> {
    /// The value of a key.
    ///
    /// # Errors
    /// When the engine refuses; an absent key is `None`.
    pub fn get(&self, key: &K) -> Result<Option<V>, Error> {
        Ok(self.map.lookup_bytes(key.as_bytes())?.and_then(|bytes| V::read_from_bytes(&bytes).ok()))
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// A full map, or what the engine refuses.
    pub fn insert(&self, key: &K, value: &V) -> Result<(), Error> {
        self.map.update_bytes(key.as_bytes(), value.as_bytes(), 0)
    }

    /// Removes a key; `false` when it was absent.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn remove(&self, key: &K) -> Result<bool, Error> {
        self.map.remove_bytes(key.as_bytes())
    }

    /// All keys and values, in the engine's order.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn entries(&self) -> Result<Vec<(K, V)>, Error> {
        let read = |(k, v): (Vec<u8>, Vec<u8>)| Some((K::read_from_bytes(&k).ok()?, V::read_from_bytes(&v).ok()?));
        Ok(self.map.entries_bytes()?.into_iter().filter_map(read).collect())
    }
}

impl<K: Plain, V: Plain> PerCpuHashMap<'_, K, V> {
    /// The values of a key, one for each CPU; empty when the key is absent.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn get(&self, key: &K) -> Result<Vec<V>, Error> {
        Ok(self.map.lookup_bytes(key.as_bytes())?.map(|b| per_cpu(&b)).unwrap_or_default())
    }

    /// All keys with their values, in the engine's order.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn entries(&self) -> Result<Vec<(K, Vec<V>)>, Error> {
        let read = |(k, v): (Vec<u8>, Vec<u8>)| Some((K::read_from_bytes(&k).ok()?, per_cpu(&v)));
        Ok(self.map.entries_bytes()?.into_iter().filter_map(read).collect())
    }
}

impl<V: Plain> Array<'_, V> {
    /// The value at an index; `None` past the end.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn get(&self, index: u32) -> Result<Option<V>, Error> {
        Ok(self.map.lookup_bytes(&index.to_le_bytes())?.and_then(|bytes| V::read_from_bytes(&bytes).ok()))
    }

    /// Sets the value at an index.
    ///
    /// # Errors
    /// An index past the end, a frozen map, or what the engine refuses.
    pub fn set(&self, index: u32, value: &V) -> Result<(), Error> {
        self.map.update_bytes(&index.to_le_bytes(), value.as_bytes(), 0)
    }
}

impl<V: Plain> PerCpuArray<'_, V> {
    /// The values at an index, one for each CPU; empty past the end.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn get(&self, index: u32) -> Result<Vec<V>, Error> {
        Ok(self.map.lookup_bytes(&index.to_le_bytes())?.map(|b| per_cpu(&b)).unwrap_or_default())
    }
}

/// Splits the concatenation of one 8-byte-padded value for each CPU.
fn per_cpu<V: Plain>(bytes: &[u8]) -> Vec<V> {
    let stride = size_of::<V>().next_multiple_of(8).max(8);
    bytes.chunks_exact(stride).filter_map(|cpu| V::read_from_prefix(cpu).ok().map(|(v, _)| v)).collect()
}

fn check(map: &Map<'_>, kinds: &[MapType], key: usize, value: usize) -> Result<(), Error> {
    let spec = map.spec;
    let wrong = |why: String| {
        Err(Diagnostic::error(code::MAP_TYPE, format!("map `{}` is not read so", spec.name)).note(why).into())
    };
    if !kinds.contains(&spec.map_type) {
        let names: Vec<_> = kinds.iter().map(|k| k.name()).collect();
        return wrong(format!("it is of type {}, the view is for {}", spec.map_type, names.join(", ")));
    }
    if (spec.key_size as usize, spec.value_size as usize) != (key, value) {
        return wrong(format!(
            "its keys have {} bytes and its values {}, the view's {key} and {value}",
            spec.key_size, spec.value_size
        ));
    }
    Ok(())
}
