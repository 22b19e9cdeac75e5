//! Live maps: created from a [`MapSpec`] or opened by id, read and written as raw bytes.

use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use skep_isa::spec::MapType;
use skep_object::{MapRole, MapSpec};

use crate::error::Error;
use crate::feature::Features;
use crate::mmap::Mapping;
use crate::name::{self, kernel_name};
use crate::older;
use crate::struct_ops::Instance;
use skep_isa::spec::Command;

use crate::sys::{self, MapFd, attr};
use crate::token;

/// A map in the kernel; it lives while this value, a program or another process holds it.
#[derive(Debug)]
pub struct Map {
    fd: MapFd,
    name: String,
    map_type: Option<MapType>,
    /// The memory of an arena, at the place that programs know.
    arena: Option<Mapping>,
}

/// What a map is made with, beside its own numbers.
#[derive(Clone, Copy, Default)]
pub(crate) struct Parts<'p, 'f> {
    /// The object's types in the kernel.
    pub(crate) types: Option<BorrowedFd<'f>>,
    /// A map as those in it are to be.
    pub(crate) inner: Option<&'p Map>,
    /// The structure of the kernel it is an instance of.
    pub(crate) instance: Option<&'p Instance>,
    /// What is known of the kernel.
    pub(crate) features: Option<&'p Features>,
}

/// A key and its value, as raw bytes.
pub type Entry = (Vec<u8>, Vec<u8>);

/// What the kernel says of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapInfo {
    /// Its number.
    pub id: u32,
    /// Its name, at most 15 bytes.
    pub name: String,
    /// Its type as a number; [`MapInfo::map_type`] is the same by name.
    pub type_number: u32,
    /// Its type, `None` when it is newer than skep.
    pub map_type: Option<MapType>,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value (of one CPU's in per-CPU maps).
    pub value_size: u32,
    /// Number of entries; bytes of a ring buffer.
    pub max_entries: u32,
    /// `BPF_F_*` flags it was made with.
    pub flags: u32,
    /// Id of the types it was made with, 0 for none; see [`crate::btf_bytes`].
    pub btf_id: u32,
    /// Type of a key in them, 0 for none.
    pub btf_key_type: u32,
    /// Type of a value in them, 0 for none.
    pub btf_value_type: u32,
}

impl Map {
    /// Creates a map that needs no other, and writes the bytes it begins with. `types` is the object's loaded BTF; where the
    /// kernel refuses its types for this map, the map is created without.
    ///
    /// # Errors
    /// [`Error::MapTooLarge`], [`Error::NoPrivilege`] or [`Error::MapCreate`].
    pub fn create(spec: &MapSpec, types: Option<BorrowedFd<'_>>) -> Result<Map, Error> {
        Map::with_parts(spec, &Parts { types, ..Parts::default() })
    }

    /// Creates a map that may need another, or a structure of the kernel.
    pub(crate) fn with_parts(spec: &MapSpec, parts: &Parts<'_, '_>) -> Result<Map, Error> {
        let Parts { types, inner, instance, features } = *parts;
        let nothing_known = Features::new();
        let features = features.unwrap_or(&nothing_known);
        let attr = attr::MapCreate {
            map_type: spec.map_type.id(),
            key_size: spec.key_size,
            value_size: spec.value_size,
            max_entries: max_entries(spec)?,
            map_flags: spec.flags,
            map_name: kernel_name(&spec.name),
            map_extra: spec.extra,
            numa_node: spec.numa_node.unwrap_or(0),
            inner_map_fd: inner.map_or(0, |map| sys::number(map.as_fd())),
            ..Default::default()
        };
        let attr = instance.map_or(attr, |instance| instance.attr(attr, types));
        let typed =
            types.filter(|_| spec.key_type.is_some() || spec.value_type.is_some()).map(|types| attr::MapCreate {
                btf_fd: sys::number(types),
                btf_key_type_id: spec.key_type.map_or(0, |t| t.0),
                btf_value_type_id: spec.value_type.map_or(0, |t| t.0),
                ..attr
            });
        let is_data = matches!(spec.role, MapRole::Data { .. });
        let make = |attr: &attr::MapCreate| {
            sys::map_create(&token::map(older::map(*attr, is_data, features), features.token()))
        };
        let made = || match typed.map(|attr| make(&attr)) {
            Some(Ok(fd)) => Ok(fd),
            _ => make(&attr),
        };
        let fd = match made() {
            Err(errno) if older::map_may_load(errno, &attr, is_data, features) => made(),
            made => made,
        };
        let fd = fd.map_err(|errno| create_error(spec, &attr, errno, features))?;
        let map = Map::from_fd(fd)?;
        let map = Map { name: spec.name.clone(), ..map };
        map.begin(spec)
    }

    /// Writes the bytes a map begins with.
    fn begin(mut self, spec: &MapSpec) -> Result<Map, Error> {
        match &spec.role {
            MapRole::Data { initial, read_only } => {
                self.update(&[0; 4], initial, 0)?;
                if *read_only {
                    self.freeze()?;
                }
            }
            _ if spec.map_type == MapType::Arena => {
                let initial = if let MapRole::Arena { initial } = &spec.role { initial } else { &[][..] };
                let failed = |errno| Error::call("mmap", format!("map `{}`", spec.name), errno);
                let arena = self.map_arena(spec).map_err(failed)?;
                arena.write(initial).ok_or_else(|| failed(Errno::NOSPC))?;
                self.arena = Some(arena);
            }
            _ => {}
        }
        Ok(self)
    }

    /// Maps an arena: programs are verified only once user space has given it a place, which is that of `map_extra` or any.
    fn map_arena(&self, spec: &MapSpec) -> Result<Mapping, Errno> {
        let pages = usize::try_from(spec.max_entries).map_err(|_| Errno::NOMEM)?;
        let len = pages.checked_mul(rustix::param::page_size()).ok_or(Errno::NOMEM)?;
        let place = usize::try_from(spec.extra).map_err(|_| Errno::NOMEM)?;
        Mapping::at(self.as_fd(), place, len)
    }

    /// Puts a descriptor under a key: a map into a map of maps, a program into an array of programs.
    pub(crate) fn put(&self, key: u32, fd: BorrowedFd<'_>) -> Result<(), Error> {
        let mut bytes = vec![0; self.key_size()];
        bytes.iter_mut().zip(key.to_ne_bytes()).for_each(|(to, from)| *to = from);
        self.update(&bytes, &sys::number(fd).to_ne_bytes(), 0)
    }

    /// Opens the map that is kept under a path of a bpf file system; `None` when there is none.
    pub(crate) fn from_path(path: &std::ffi::CStr) -> Result<Option<Map>, Error> {
        match sys::open_pinned(path) {
            Ok(fd) => Map::from_fd(fd).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => {
                let object = format!("`{}`", path.to_string_lossy());
                Err(Error::call(Command::ObjGet.constant(), object, errno))
            }
        }
    }

    /// Opens the map with this number.
    ///
    /// # Errors
    /// [`Error::NoPrivilege`], or [`Error::Call`] when there is none.
    pub fn from_id(id: u32) -> Result<Map, Error> {
        let fd = sys::fd_by_id(Command::MapGetFdById, id)
            .map_err(|e| Error::by_id(Command::MapGetFdById, format!("map {id}"), e))?;
        Map::from_fd(fd)
    }

    /// Numbers of all maps there are, ascending.
    ///
    /// # Errors
    /// [`Error::NoPrivilege`].
    pub fn ids() -> Result<Vec<u32>, Error> {
        ids(Command::MapGetNextId)
    }

    fn from_fd(fd: OwnedFd) -> Result<Map, Error> {
        let failed = |e| Error::call(Command::ObjGetInfoByFd.constant(), "a map", e);
        let info = sys::map_info(fd.as_fd()).map_err(failed)?;
        let fd = MapFd::new(fd, possible_cpus()?).map_err(failed)?;
        Ok(Map { fd, name: name::from_kernel(&info.name), map_type: MapType::from_id(info.map_type), arena: None })
    }

    /// The same map under the name an object gives it.
    pub(crate) fn renamed(self, name: &str) -> Map {
        Map { name: name.to_owned(), ..self }
    }

    /// Its name: the object's, or the kernel's where it was opened by id.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type, `None` when it is newer than skep.
    pub fn map_type(&self) -> Option<MapType> {
        self.map_type
    }

    /// What the kernel says of it.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub fn info(&self) -> Result<MapInfo, Error> {
        let raw = sys::map_info(self.as_fd()).map_err(|e| self.failed(Command::ObjGetInfoByFd, e))?;
        Ok(MapInfo {
            id: raw.id,
            name: name::from_kernel(&raw.name),
            type_number: raw.map_type,
            map_type: MapType::from_id(raw.map_type),
            key_size: raw.key_size,
            value_size: raw.value_size,
            max_entries: raw.max_entries,
            flags: raw.map_flags,
            btf_id: raw.btf_id,
            btf_key_type: raw.btf_key_type_id,
            btf_value_type: raw.btf_value_type_id,
        })
    }

    /// Bytes of a key as calls take it.
    pub fn key_size(&self) -> usize {
        self.fd.key_size()
    }

    /// Bytes of a value as calls take it: in a per-CPU map one 8-byte-padded copy for each possible CPU.
    pub fn value_size(&self) -> usize {
        self.fd.value_size()
    }

    /// The value of a key, `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Call`]: a key of the wrong size, or a map that cannot be looked up in.
    pub fn lookup(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut value = vec![0; self.fd.value_size()];
        match self.fd.lookup(key, &mut value) {
            Ok(()) => Ok(Some(value)),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(self.failed(Command::MapLookupElem, e)),
        }
    }

    /// Sets the value of a key; `flags` is 0 or one of `BPF_NOEXIST` (1), `BPF_EXIST` (2).
    ///
    /// # Errors
    /// [`Error::Call`]: a size that does not fit, a full map, a frozen map.
    pub fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Error> {
        self.fd.update(key, value, flags).map_err(|e| self.failed(Command::MapUpdateElem, e))
    }

    /// Deletes a key; false when there was none.
    ///
    /// # Errors
    /// [`Error::Call`]: a map whose entries cannot be deleted, as in arrays.
    pub fn delete(&self, key: &[u8]) -> Result<bool, Error> {
        match self.fd.delete(key) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(e) => Err(self.failed(Command::MapDeleteElem, e)),
        }
    }

    /// All entries, key and value. A map that programs write meanwhile may show a key twice or not at all; entries
    /// that vanish between two calls are left out.
    ///
    /// # Errors
    /// [`Error::Call`]: a map that cannot be walked, as ring buffers and queues.
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        let limit = u64::from(self.info()?.max_entries).max(1).saturating_mul(2);
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        let mut key: Option<Vec<u8>> = None;
        // A walk of a hash begins anew when its key was deleted meanwhile; the limit ends a walk without end, and a key that
        // comes again is not counted twice.
        for _ in 0..limit {
            let mut next = vec![0; self.fd.key_size()];
            match self.fd.next_key(key.as_deref(), &mut next) {
                Ok(()) => {}
                Err(Errno::NOENT) => break,
                Err(e) => return Err(self.failed(Command::MapGetNextKey, e)),
            }
            if seen.insert(next.clone())
                && let Some(value) = self.lookup(&next)?
            {
                entries.push((next.clone(), value));
            }
            key = Some(next);
        }
        Ok(entries)
    }

    /// Forbids user space to write the map from now on.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub fn freeze(&self) -> Result<(), Error> {
        self.fd.freeze().map_err(|e| self.failed(Command::MapFreeze, e))
    }

    fn failed(&self, command: Command, errno: Errno) -> Error {
        let cause = match errno {
            Errno::INVAL => Some("a key or value has another size than the map's, or the map's type does not do this"),
            Errno::TOOBIG => Some("the map is full, or the index lies outside it"),
            Errno::PERM => Some("the map is frozen, or was made read-only"),
            Errno::OPNOTSUPP | sys::ENOTSUPP => Some("maps of this type do not do this"),
            _ => None,
        };
        Error::Call { call: command.constant(), object: format!("map `{}`", self.name), errno, cause }
    }
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// How many CPUs this machine may ever have: copies of a per-CPU value.
///
/// # Errors
/// [`Error::File`] when the kernel does not tell.
pub fn possible_cpus() -> Result<usize, Error> {
    Ok(name::cpu_list("/sys/devices/system/cpu/possible")?.len().max(1))
}

/// All ids a `GET_NEXT_ID` command gives.
pub(crate) fn ids(command: Command) -> Result<Vec<u32>, Error> {
    let mut all = Vec::new();
    let mut last = 0;
    loop {
        match sys::next_id(command, last) {
            Ok(id) => {
                all.push(id);
                last = id;
            }
            Err(Errno::NOENT) => return Ok(all),
            Err(e) => return Err(Error::by_id(command, "the list of ids", e)),
        }
    }
}

/// `max_entries` as the kernel takes it: a ring buffer's is a power of two of whole pages; an array of perf buffers
/// without a size has one for each CPU.
fn max_entries(spec: &MapSpec) -> Result<u32, Error> {
    match spec.map_type {
        MapType::Ringbuf | MapType::UserRingbuf => {
            let page = u32::try_from(rustix::param::page_size()).unwrap_or(4096);
            Ok(spec.max_entries.max(page).checked_next_power_of_two().unwrap_or(spec.max_entries))
        }
        MapType::PerfEventArray if spec.max_entries == 0 => Ok(u32::try_from(possible_cpus()?).unwrap_or(u32::MAX)),
        _ => Ok(spec.max_entries),
    }
}

fn create_error(spec: &MapSpec, attr: &attr::MapCreate, errno: Errno, features: &Features) -> Error {
    let map = spec.name.clone();
    match errno {
        Errno::PERM | Errno::ACCESS => {
            Error::not_permitted(Command::MapCreate.constant(), format!("map `{map}`"), "CAP_BPF", errno, features)
        }
        Errno::TOOBIG | Errno::NOMEM => {
            let entry = match spec.map_type {
                MapType::Ringbuf | MapType::UserRingbuf => 1,
                _ => u64::from(spec.key_size) + u64::from(spec.value_size),
            };
            Error::MapTooLarge { map, bytes: entry.saturating_mul(attr.max_entries.into()), errno }
        }
        _ => {
            let cause = match errno {
                Errno::INVAL if attr.max_entries == 0 => Some("`max_entries` is 0"),
                Errno::INVAL if attr.value_size == 0 => Some("the size of a value is 0"),
                Errno::INVAL => Some("a size or flag does not fit this type of map, or this kernel does not have it"),
                _ => None,
            };
            Error::MapCreate { map, map_type: spec.map_type, errno, cause }
        }
    }
}
