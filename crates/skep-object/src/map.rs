//! What an object says of a map.

use skep_btf::TypeId;
use skep_isa::spec::MapType;

/// A map as an object defines it. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapSpec {
    /// Name as libbpf gives it: the variable's, or `OBJECT.bss` and the like for data sections.
    pub name: String,
    /// Kind of map.
    pub map_type: MapType,
    /// Bytes of a key, 0 for maps without keys.
    pub key_size: u32,
    /// Bytes of a value (of one CPU's value in per-CPU maps), 0 for ring buffers.
    pub value_size: u32,
    /// Number of entries; bytes of a ring buffer.
    pub max_entries: u32,
    /// `BPF_F_*` flags of `BPF_MAP_CREATE`.
    pub flags: u32,
    /// `map_extra` of `BPF_MAP_CREATE`.
    pub extra: u64,
    /// Type of a key, where the definition gives one.
    pub key_type: Option<TypeId>,
    /// Type of a value, where the definition gives one.
    pub value_type: Option<TypeId>,
    /// Type of the records in it, from a `record:TYPE` declaration tag.
    pub record_type: Option<TypeId>,
    /// NUMA node its memory is to come from; flag `BPF_F_NUMA_NODE` goes with it.
    pub numa_node: Option<u32>,
    /// The shape of the maps in it, for maps of maps.
    pub inner: Option<Box<MapSpec>>,
    /// What it holds from the beginning: maps in a map of maps, programs in a program array; by key.
    pub contents: Vec<(u32, Content)>,
    /// Kept under its name in bpffs and shared with whoever else names it there (`LIBBPF_PIN_BY_NAME`).
    pub pinned: bool,
    /// Where it comes from.
    pub role: MapRole,
}

impl MapSpec {
    /// A map as an author would define it, with all that is seldom needed left out.
    pub fn new(
        name: impl Into<String>,
        map_type: MapType,
        key_size: u32,
        value_size: u32,
        max_entries: u32,
    ) -> MapSpec {
        MapSpec {
            name: name.into(),
            map_type,
            key_size,
            value_size,
            max_entries,
            flags: 0,
            extra: 0,
            key_type: None,
            value_type: None,
            record_type: None,
            numa_node: None,
            inner: None,
            contents: Vec::new(),
            pinned: false,
            role: MapRole::User,
        }
    }
}

/// What a map of maps or of programs holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A map, by its index in `Object::maps`.
    Map(usize),
    /// A program, by its name.
    Program(String),
}

/// Where a map comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapRole {
    /// Defined by the program's author in `.maps`.
    User,
    /// The bytes of a data section: an array of one value that begins as given.
    Data {
        /// The whole section (zeros for `.bss`).
        initial: Vec<u8>,
        /// True for `.rodata`: frozen before the program is loaded, not writable by it.
        read_only: bool,
    },
    /// Memory that programs and user space share at the same addresses, with the bytes of `.addr_space.1` at its beginning.
    Arena {
        /// The section's bytes, none where the object has no such section.
        initial: Vec<u8>,
    },
    /// A table of functions that the kernel calls: an instance of one of its structures.
    StructOps(StructOps),
}

/// An instance of a structure of the kernel whose functions are programs. The map's flag `BPF_F_LINK` (`.struct_ops.link`) says
/// that it is attached through a link, not by writing the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructOps {
    /// The structure, as the object declares it.
    pub type_id: TypeId,
    /// The instance's bytes, with zeros where functions stand.
    pub initial: Vec<u8>,
    /// Programs by the byte at which their member lies.
    pub programs: Vec<(u32, String)>,
    /// The program may do without it (`?.struct_ops`): it is made only when it is asked for.
    pub optional: bool,
}

/// `BPF_F_RDONLY_PROG`: programs may only read.
pub(crate) const F_RDONLY_PROG: u32 = skep_isa::spec::map_flag::RDONLY_PROG;
/// `BPF_F_MMAPABLE`: user space may map it.
pub(crate) const F_MMAPABLE: u32 = skep_isa::spec::map_flag::MMAPABLE;
