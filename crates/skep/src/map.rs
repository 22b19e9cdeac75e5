//! Maps: the data programs and their user share, by bytes, by the object's types, or by Rust's.

use skep_btf::{Btf, Value};
use skep_diag::{Diagnostic, code};
use skep_isa::spec::MapType;
use skep_object::{MapRole, MapSpec};

use crate::error::Error;
use crate::place::Place;

/// A map of a loaded object, on either engine.
#[derive(Clone, Copy)]
pub struct Map<'l> {
    pub(crate) spec: &'l MapSpec,
    pub(crate) index: usize,
    pub(crate) btf: Option<&'l Btf>,
    pub(crate) place: &'l Place,
}

/// A key and its value as bytes.
pub type EntryBytes = (Vec<u8>, Vec<u8>);

/// A key and its value by type.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key; [`Value::Null`] in maps without keys.
    pub key: Value,
    /// The value; in per-CPU maps a list with one value for each CPU.
    pub value: Value,
}

impl<'l> Map<'l> {
    /// Its name, as libbpf gives it.
    pub fn name(&self) -> &'l str {
        &self.spec.name
    }

    /// What the object says of it.
    pub fn spec(&self) -> &'l MapSpec {
        self.spec
    }

    /// True for the constants of a program, which nothing writes after it is loaded.
    pub fn is_constant(&self) -> bool {
        matches!(self.spec.role, MapRole::Data { read_only: true, .. })
    }

    /// The value of a key as bytes. In a per-CPU map, one value for each CPU, each padded to 8 bytes.
    ///
    /// # Errors
    /// When the engine refuses; an absent key is `None`.
    pub fn lookup_bytes(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.place {
            Place::Vm(vm) => Ok(vm.machine.borrow().map(self.index).and_then(|m| m.lookup(key))),
            #[cfg(target_os = "linux")]
            Place::Kernel(kernel) => Ok(kernel.map(self.index)?.lookup(key)?),
        }
    }

    /// Sets the value of a key; `flags` as in `BPF_MAP_UPDATE_ELEM` (0 any, 1 only new, 2 only present).
    ///
    /// # Errors
    /// A full map, a wrong size or flag, or what the engine refuses.
    pub fn update_bytes(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Error> {
        match self.place {
            Place::Vm(vm) => {
                let machine = vm.machine.borrow();
                let Some(map) = machine.map(self.index) else { return Ok(()) };
                map.update(key, value, flags).map_err(|e| {
                    Diagnostic::error(code::MAP_TYPE, format!("map `{}` does not take the entry", self.spec.name))
                        .note(e.to_string())
                        .into()
                })
            }
            #[cfg(target_os = "linux")]
            Place::Kernel(kernel) => Ok(kernel.map(self.index)?.update(key, value, flags)?),
        }
    }

    /// Removes a key; `false` when it was absent.
    ///
    /// # Errors
    /// When the map has no such operation or the engine refuses.
    pub fn remove_bytes(&self, key: &[u8]) -> Result<bool, Error> {
        match self.place {
            Place::Vm(vm) => {
                let machine = vm.machine.borrow();
                Ok(machine.map(self.index).is_some_and(|m| m.delete(key).is_ok()))
            }
            #[cfg(target_os = "linux")]
            Place::Kernel(kernel) => Ok(kernel.map(self.index)?.delete(key)?),
        }
    }

    /// All entries as bytes, in the engine's order; none for maps that cannot be read (ring buffers and the like).
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn entries_bytes(&self) -> Result<Vec<EntryBytes>, Error> {
        if !readable(self.spec.map_type) {
            return Ok(Vec::new());
        }
        match self.place {
            Place::Vm(vm) => Ok(vm.machine.borrow().map(self.index).map(|m| m.entries()).unwrap_or_default()),
            #[cfg(target_os = "linux")]
            Place::Kernel(kernel) => Ok(kernel.map(self.index)?.entries()?),
        }
    }

    /// All entries by type, in the order of their keys.
    ///
    /// # Errors
    /// As [`Map::entries_bytes`].
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        let shape = Shape {
            map_type: self.spec.map_type,
            key_size: self.spec.key_size as usize,
            value_size: self.spec.value_size as usize,
            key_type: self.spec.key_type,
            value_type: self.spec.value_type,
        };
        let mut entries = shape.entries(self.btf, self.entries_bytes()?);
        #[cfg(target_os = "linux")]
        if let Place::Kernel(kernel) = self.place {
            let mut name = |address| kernel.symbol(address);
            entries.iter_mut().for_each(|e| e.value.name_addresses(&mut name));
        }
        Ok(entries)
    }

    /// Sets an entry from text, by the map's types: `10.0.0.0/8`, `TCP`, `{1, 2}`. Without a value, zeros.
    ///
    /// # Errors
    /// Text that does not fit the type, a map without types, or as [`Map::update_bytes`].
    pub fn update_text(&self, key: &str, value: Option<&str>) -> Result<(), Error> {
        let bad = |what: &str, text: &str, why: String| {
            Error::from(
                Diagnostic::error(code::MAP_TYPE, format!("`{text}` is no {what} of map `{}`", self.spec.name))
                    .note(why),
            )
        };
        let untyped = || "the object gives it no type".to_owned();
        let parse = |what, id: Option<skep_btf::TypeId>, text: &str| {
            let (btf, id) = self.btf.zip(id).ok_or_else(|| bad(what, text, untyped()))?;
            btf.parse_value(id, text).map_err(|why| bad(what, text, why))
        };
        let key = parse("key", self.spec.key_type, key)?;
        let value = match value {
            Some(text) => parse("value", self.spec.value_type, text)?,
            None => vec![0; self.spec.value_size as usize],
        };
        let value = if self.spec.map_type.is_per_cpu() {
            let mut one = value;
            one.resize(one.len().next_multiple_of(8), 0);
            one.repeat(self.place_cpus())
        } else {
            value
        };
        self.update_bytes(&key, &value, 0)
    }

    fn place_cpus(&self) -> usize {
        crate::place::cpus()
    }
}

/// Sizes and types of a map: all it takes to read its entries.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Kind of map.
    pub map_type: MapType,
    /// Bytes of a key.
    pub key_size: usize,
    /// Bytes of a value (of one CPU's).
    pub value_size: usize,
    /// Type of a key.
    pub key_type: Option<skep_btf::TypeId>,
    /// Type of a value.
    pub value_type: Option<skep_btf::TypeId>,
}

impl Shape {
    /// Reads entries by type, and orders them by key. Keys without a type are numbers where they have a number's size,
    /// else bytes; so are values.
    pub fn entries(&self, btf: Option<&Btf>, bytes: Vec<EntryBytes>) -> Vec<Entry> {
        let mut entries: Vec<Entry> = bytes
            .into_iter()
            .map(|(key, value)| Entry {
                key: if self.key_size == 0 { Value::Null } else { typed(btf, self.key_type, &key) },
                value: if self.map_type.is_per_cpu() {
                    let stride = self.value_size.next_multiple_of(8).max(8);
                    let one = |cpu: &[u8]| typed(btf, self.value_type, cpu.get(..self.value_size).unwrap_or(cpu));
                    Value::List(value.chunks_exact(stride).map(one).collect())
                } else {
                    typed(btf, self.value_type, &value)
                },
            })
            .collect();
        entries.sort_by(|a, b| a.key.partial_cmp(&b.key).unwrap_or(std::cmp::Ordering::Equal));
        entries
    }
}

fn typed(btf: Option<&Btf>, id: Option<skep_btf::TypeId>, bytes: &[u8]) -> Value {
    match (btf.zip(id), bytes) {
        (Some((btf, id)), _) => btf.value(id, bytes),
        (None, [a]) => Value::Uint((*a).into()),
        (None, &[a, b]) => Value::Uint(u16::from_le_bytes([a, b]).into()),
        (None, &[a, b, c, d]) => Value::Uint(u32::from_le_bytes([a, b, c, d]).into()),
        (None, &[a, b, c, d, e, f, g, h]) => Value::Uint(u64::from_le_bytes([a, b, c, d, e, f, g, h])),
        (None, _) => Value::Bytes(bytes.to_vec()),
    }
}

/// Maps whose entries can be walked.
pub fn readable(map_type: MapType) -> bool {
    use MapType as T;
    matches!(
        map_type,
        T::Hash
            | T::Array
            | T::PercpuHash
            | T::PercpuArray
            | T::LruHash
            | T::LruPercpuHash
            | T::LpmTrie
            | T::StackTrace
            | T::Devmap
            | T::DevmapHash
            | T::Cpumap
    )
}
