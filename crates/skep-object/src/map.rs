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
    /// Where it comes from.
    pub role: MapRole,
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
}

/// `BPF_F_RDONLY_PROG`: programs may only read.
pub(crate) const F_RDONLY_PROG: u32 = skep_isa::spec::map_flag::RDONLY_PROG;
/// `BPF_F_MMAPABLE`: user space may map it.
pub(crate) const F_MMAPABLE: u32 = skep_isa::spec::map_flag::MMAPABLE;
