//! What a map of a type must be like: sizes, numbers of entries, flags; and what is done with it.
//!
//! Enter at [`Shape`] and [`super::MapType::check`]. Bounds are those of Linux 6.18 on x86_64; where one is a kernel's
//! own matter (its page size, its number of CPUs), the rule says so.

use crate::spec::Version;
use crate::spec::map_flag as f;

/// Size of a page that rules are about.
pub const PAGE: u32 = 4096;
/// Greatest value of which each CPU has a copy (`PCPU_MIN_UNIT_SIZE`).
pub(super) const MAX_PER_CPU: u32 = 32 * 1024;
/// Greatest piece of memory the kernel takes at once (`KMALLOC_MAX_SIZE`).
pub(super) const MAX_PIECE: u32 = 4 << 20;
/// What the kernel keeps beside key and value in an entry of a hash.
const HASH_OVERHEAD: u32 = 48;
/// Greatest value that hangs on an object of the kernel.
pub(super) const MAX_STORAGE: u32 = 65_407;
/// Greatest value of a prefix tree.
pub(super) const MAX_TRIE_VALUE: u32 = 4_194_024;
/// The kernel since which values of tries may be as large, and how many bytes less it was before.
pub const TRIE_VALUE_GREW: (Version, u32) = (Version(6, 13), 16);
/// Greatest signed number of 32 bits.
pub(super) const MAX_INT: u32 = i32::MAX as u32;

/// Sizes that are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// One of these.
    Of(&'static [u32]),
    /// From the first to the second.
    Range(u32, u32),
    /// A multiple of the first, up to the second.
    Multiple(u32, u32),
    /// That of the kernel's struct whose type is named.
    Struct,
}

impl Size {
    /// True where it is taken; what only the kernel knows is.
    pub fn takes(self, size: u32) -> bool {
        match self {
            Size::Of(sizes) => sizes.contains(&size),
            Size::Range(min, max) => (min..=max).contains(&size),
            Size::Multiple(of, max) => size != 0 && size <= max && size.is_multiple_of(of),
            Size::Struct => true,
        }
    }

    /// The smallest that is taken, `None` where only the kernel knows it.
    pub fn least(self) -> Option<u32> {
        match self {
            Size::Of(sizes) => sizes.iter().min().copied(),
            Size::Range(min, _) => Some(min),
            Size::Multiple(of, _) => Some(of),
            Size::Struct => None,
        }
    }

    /// In words.
    pub fn words(self) -> String {
        match self {
            Size::Of(&[0]) => "0: there is none".to_owned(),
            Size::Of(sizes) => {
                let sizes: Vec<String> = sizes.iter().map(u32::to_string).collect();
                format!("{} bytes", sizes.join(" or "))
            }
            Size::Range(min, u32::MAX) => format!("at least {min} bytes"),
            Size::Range(min, max) => format!("{min} to {max} bytes"),
            Size::Multiple(of, max) => format!("a multiple of {of}, at most {max} bytes"),
            Size::Struct => "the size of the kernel's struct".to_owned(),
        }
    }
}

/// Numbers of entries that are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entries {
    /// None may be given.
    Zero,
    /// Exactly one.
    One,
    /// At least one and at most so many.
    Some(u32),
    /// At least one and at most as many as CPUs the kernel was built for.
    Cpus,
    /// A size in bytes: a power of two and a multiple of the page.
    Ring,
}

impl Entries {
    /// True where the number is taken, as far as it does not depend on how the kernel was built.
    pub fn takes(self, entries: u32) -> bool {
        match self {
            Entries::Zero => entries == 0,
            Entries::One => entries == 1,
            Entries::Some(max) => (1..=max).contains(&entries),
            Entries::Cpus => entries != 0,
            Entries::Ring => entries.is_power_of_two() && entries.is_multiple_of(PAGE),
        }
    }

    /// The smallest number that is taken.
    pub const fn least(self) -> u32 {
        match self {
            Entries::Zero => 0,
            Entries::One | Entries::Some(_) | Entries::Cpus => 1,
            Entries::Ring => PAGE,
        }
    }

    /// In words.
    pub fn words(self) -> String {
        match self {
            Entries::Zero => "0: the number is not fixed".to_owned(),
            Entries::One => "1".to_owned(),
            Entries::Some(u32::MAX) => "at least 1".to_owned(),
            Entries::Some(max) => format!("1 to {max}"),
            Entries::Cpus => "at least 1, at most the number of CPUs the kernel was built for".to_owned(),
            Entries::Ring => "the size in bytes: a power of two and a multiple of the page size".to_owned(),
        }
    }
}

/// What `map_extra` is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extra {
    /// Nothing: it must be 0.
    Unused,
    /// The number of hash functions, 0 for 5.
    Hashes,
    /// The address at which user space maps it, 0 for any: a multiple of the page.
    Address,
}

impl Extra {
    /// True where the number is taken.
    pub fn takes(self, extra: u64) -> bool {
        match self {
            Extra::Unused => extra == 0,
            Extra::Hashes => extra <= 15,
            Extra::Address => extra.is_multiple_of(PAGE.into()),
        }
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Extra::Unused => "must be 0",
            Extra::Hashes => "number of hash functions, 1 to 15; 0 means 5",
            Extra::Address => "address at which user space maps it, a multiple of the page size; 0 means any",
        }
    }
}

/// Types that a map must or may come with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Types {
    /// None: the kernel refuses them.
    Never,
    /// The value may have a type, and the key where there is one.
    May,
    /// Key and value must have types, the key a 32-bit number.
    Must,
    /// The value must name a struct of the kernel.
    Kernel,
}

impl Types {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Types::Never => "none",
            Types::May => "optional, for the value and for the key where there is one",
            Types::Must => "needed for key and value; the key's is a 32-bit number",
            Types::Kernel => "needed: the value's is a struct of the kernel (bpf_struct_ops_NAME)",
        }
    }
}

/// What making one takes where `unprivileged_bpf_disabled` is 0; where it is not, all need `CAP_BPF`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Privilege {
    /// Nothing.
    None,
    /// `CAP_BPF`.
    Bpf,
    /// `CAP_NET_ADMIN`.
    NetAdmin,
}

impl Privilege {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Privilege::None => "nothing where unprivileged_bpf_disabled is 0, else CAP_BPF",
            Privilege::Bpf => "CAP_BPF",
            Privilege::NetAdmin => "CAP_NET_ADMIN, and CAP_BPF where unprivileged_bpf_disabled is not 0",
        }
    }
}

/// One operation of user space on a map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Op {
    /// `BPF_MAP_LOOKUP_ELEM`.
    Lookup,
    /// `BPF_MAP_UPDATE_ELEM`.
    Update,
    /// `BPF_MAP_DELETE_ELEM`.
    Delete,
    /// `BPF_MAP_GET_NEXT_KEY`.
    NextKey,
    /// `BPF_MAP_LOOKUP_AND_DELETE_ELEM`.
    Take,
    /// `BPF_MAP_LOOKUP_BATCH`.
    LookupBatch,
    /// `BPF_MAP_UPDATE_BATCH`.
    UpdateBatch,
    /// `BPF_MAP_DELETE_BATCH`.
    DeleteBatch,
    /// `BPF_MAP_LOOKUP_AND_DELETE_BATCH`.
    TakeBatch,
    /// `BPF_MAP_FREEZE`.
    Freeze,
    /// `mmap(2)`.
    Mmap,
}

/// All operations.
pub const OPS: [Op; 11] = [
    Op::Lookup,
    Op::Update,
    Op::Delete,
    Op::NextKey,
    Op::Take,
    Op::LookupBatch,
    Op::UpdateBatch,
    Op::DeleteBatch,
    Op::TakeBatch,
    Op::Freeze,
    Op::Mmap,
];

impl Op {
    /// The command's or call's name.
    pub const fn name(self) -> &'static str {
        match self {
            Op::Lookup => "BPF_MAP_LOOKUP_ELEM",
            Op::Update => "BPF_MAP_UPDATE_ELEM",
            Op::Delete => "BPF_MAP_DELETE_ELEM",
            Op::NextKey => "BPF_MAP_GET_NEXT_KEY",
            Op::Take => "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
            Op::LookupBatch => "BPF_MAP_LOOKUP_BATCH",
            Op::UpdateBatch => "BPF_MAP_UPDATE_BATCH",
            Op::DeleteBatch => "BPF_MAP_DELETE_BATCH",
            Op::TakeBatch => "BPF_MAP_LOOKUP_AND_DELETE_BATCH",
            Op::Freeze => "BPF_MAP_FREEZE",
            Op::Mmap => "mmap(2)",
        }
    }
}

/// Sizes, entries and flags of a map that is to be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Shape {
    /// `key_size`.
    pub key_size: u32,
    /// `value_size`.
    pub value_size: u32,
    /// `max_entries`.
    pub max_entries: u32,
    /// `map_flags`.
    pub flags: u32,
    /// `map_extra`.
    pub extra: u64,
}

/// Why a map is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The key's size.
    Key,
    /// The value's size.
    Value,
    /// Key and value are together too large.
    KeyAndValue,
    /// The number of entries.
    Entries,
    /// A flag the type does not take.
    Flag(u32),
    /// A flag the type needs is missing.
    Missing(u32),
    /// Two flags that exclude each other.
    Conflict(u32),
    /// `map_extra`.
    Extra,
}

/// Bytes of a frame told by build id.
const BUILD_ID_FRAME: u32 = 32;
/// Frames of a stack that the kernel records by default (`kernel.perf_event_max_stack`).
const MAX_FRAMES: u32 = 127;
/// Sizes of stacks of addresses, and of stacks told by build id.
pub(super) const STACK: Size = Size::Multiple(8, 8 * MAX_FRAMES);
const BUILD_ID_STACK: Size = Size::Multiple(BUILD_ID_FRAME, BUILD_ID_FRAME * MAX_FRAMES);

impl super::MapType {
    /// Whether the kernel takes these sizes, entries and flags; whether it has the memory is another question.
    ///
    /// ```
    /// use skep_isa::spec::map_type::{MapType, Refusal, Shape};
    /// let shape = Shape { key_size: 8, value_size: 8, max_entries: 16, ..Default::default() };
    /// assert_eq!(MapType::Hash.check(shape), Ok(()));
    /// assert_eq!(MapType::Array.check(shape), Err(Refusal::Key));
    /// ```
    pub fn check(self, shape: Shape) -> Result<(), Refusal> {
        let row = self.row();
        let flags = shape.flags & !f::TOKEN_FD;
        let stray = flags & !row.flags;
        let missing = row.needs & !flags;
        let both = |a: u32, b: u32| flags & a != 0 && flags & b != 0;
        let value = if flags & f::STACK_BUILD_ID != 0 { BUILD_ID_STACK } else { row.value };
        let sum = u64::from(shape.key_size) + u64::from(shape.value_size);
        match () {
            _ if stray != 0 => Err(Refusal::Flag(stray)),
            _ if missing != 0 => Err(Refusal::Missing(missing)),
            _ if both(f::RDONLY, f::WRONLY) => Err(Refusal::Conflict(f::RDONLY | f::WRONLY)),
            _ if both(f::RDONLY_PROG, f::WRONLY_PROG) => Err(Refusal::Conflict(f::RDONLY_PROG | f::WRONLY_PROG)),
            _ if both(f::NO_COMMON_LRU, f::NUMA_NODE) => Err(Refusal::Conflict(f::NO_COMMON_LRU | f::NUMA_NODE)),
            _ if !row.key.takes(shape.key_size) => Err(Refusal::Key),
            _ if !value.takes(shape.value_size) => Err(Refusal::Value),
            _ if row.is_hash && sum >= (MAX_PIECE - HASH_OVERHEAD).into() => Err(Refusal::KeyAndValue),
            _ if !row.entries.takes(shape.max_entries) => Err(Refusal::Entries),
            _ if !row.extra.takes(shape.extra) => Err(Refusal::Extra),
            _ => Ok(()),
        }
    }

    /// The smallest map of the type, with the flags it needs; `None` where the size is the kernel's own matter.
    pub fn smallest(self) -> Option<Shape> {
        let row = self.row();
        Some(Shape {
            key_size: row.key.least()?,
            value_size: row.value.least()?,
            max_entries: row.entries.least(),
            flags: row.needs,
            extra: 0,
        })
    }
}
