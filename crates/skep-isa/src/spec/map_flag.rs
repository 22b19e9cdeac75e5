//! Flags of `BPF_MAP_CREATE` (`BPF_F_*`), and those of updates and lookups.

use super::{Version, v};

/// Entries are made when they are written, not with the map.
pub const NO_PREALLOC: u32 = 1 << 0;
/// Each CPU has a list of its own of what was used least recently.
pub const NO_COMMON_LRU: u32 = 1 << 1;
/// The map is made in the memory of the node `numa_node`.
pub const NUMA_NODE: u32 = 1 << 2;
/// System calls may only read, by the descriptor made.
pub const RDONLY: u32 = 1 << 3;
/// System calls may only write, by the descriptor made.
pub const WRONLY: u32 = 1 << 4;
/// Frames of user stacks are told as build id and offset.
pub const STACK_BUILD_ID: u32 = 1 << 5;
/// The hash begins with 0 and not with a random number.
pub const ZERO_SEED: u32 = 1 << 6;
/// Programs may only read.
pub const RDONLY_PROG: u32 = 1 << 7;
/// Programs may only write.
pub const WRONLY_PROG: u32 = 1 << 8;
/// A socket that is accepted gets a copy of the listening one's value.
pub const CLONE: u32 = 1 << 9;
/// User space may map the values.
pub const MMAPABLE: u32 = 1 << 10;
/// Entries stay when the descriptor that wrote them is closed.
pub const PRESERVE_ELEMS: u32 = 1 << 11;
/// Inner maps may have other numbers of entries.
pub const INNER_MAP: u32 = 1 << 12;
/// The table of functions is registered by a link.
pub const LINK: u32 = 1 << 13;
/// The table's types are those of a module.
pub const VTYPE_BTF_OBJ_FD: u32 = 1 << 15;
/// `map_token_fd` holds a token that gives the right to make it.
pub const TOKEN_FD: u32 = 1 << 16;
/// An access of user space to a page that is not there is an error, not a new page.
pub const SEGV_ON_FAULT: u32 = 1 << 17;
/// Programs' addresses of the arena are not translated to user space's.
pub const NO_USER_CONV: u32 = 1 << 18;
/// A full ring buffer overwrites its oldest records.
pub const RB_OVERWRITE: u32 = 1 << 19;

/// One flag of `BPF_MAP_CREATE`.
#[derive(Debug)]
pub struct Row {
    /// Its bit.
    pub value: u32,
    /// The kernel's constant without `BPF_F_`.
    pub name: &'static str,
    /// First kernel that has it.
    pub since: Version,
    /// What it does, in one sentence.
    pub what: &'static str,
}

const fn row(value: u32, name: &'static str, since: Version, what: &'static str) -> Row {
    Row { value, name, since, what }
}

/// All flags of `BPF_MAP_CREATE`, in the order of their bits.
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    row(NO_PREALLOC, "NO_PREALLOC", v(4, 6), "Memory for an entry is taken when the entry is written, not when the map is made."),
    row(NO_COMMON_LRU, "NO_COMMON_LRU", v(4, 10), "Each CPU keeps its own list of what was used least recently: faster, and entries go earlier."),
    row(NUMA_NODE, "NUMA_NODE", v(4, 14), "The map's memory comes from the node that numa_node names."),
    row(RDONLY, "RDONLY", v(4, 15), "System calls through this descriptor may read but not write."),
    row(WRONLY, "WRONLY", v(4, 15), "System calls through this descriptor may write but not read."),
    row(STACK_BUILD_ID, "STACK_BUILD_ID", v(4, 17), "Frames of user stacks are told as build id and offset in place of addresses."),
    row(ZERO_SEED, "ZERO_SEED", v(5, 0), "The hash function starts from 0, so that runs can be compared; for tests only."),
    row(RDONLY_PROG, "RDONLY_PROG", v(5, 2), "Programs may read but not write; when the map is frozen too, the verifier takes its values as constants."),
    row(WRONLY_PROG, "WRONLY_PROG", v(5, 2), "Programs may write but not read."),
    row(CLONE, "CLONE", v(5, 4), "A socket that is accepted gets a copy of the value its listening socket has."),
    row(MMAPABLE, "MMAPABLE", v(5, 5), "User space may map the map's memory with mmap(2)."),
    row(PRESERVE_ELEMS, "PRESERVE_ELEMS", v(5, 10), "Entries stay when the descriptor through which they were written is closed."),
    row(INNER_MAP, "INNER_MAP", v(5, 10), "As an inner map it stands for arrays with any number of entries."),
    row(LINK, "LINK", v(6, 4), "The table of functions is put in place by BPF_LINK_CREATE, not by the update."),
    row(VTYPE_BTF_OBJ_FD, "VTYPE_BTF_OBJ_FD", v(6, 9), "The table's type is a module's; value_type_btf_obj_fd is the descriptor of the module's types."),
    row(TOKEN_FD, "TOKEN_FD", v(6, 9), "The descriptor map_token_fd is a token of a bpffs that stands for the capabilities; any type takes it."),
    row(SEGV_ON_FAULT, "SEGV_ON_FAULT", v(6, 9), "A touch of a page that no program has allocated is SIGSEGV, in place of a new page."),
    row(NO_USER_CONV, "NO_USER_CONV", v(6, 9), "Pointers that programs store are not turned into user space's addresses."),
    row(RB_OVERWRITE, "RB_OVERWRITE", v(6, 19), "A full ring buffer takes new records in place of the oldest."),
];

/// `BPF_ANY`: write the entry whether it is there or not.
pub const ANY: u64 = 0;
/// `BPF_NOEXIST`: only where it is not there yet.
pub const NOEXIST: u64 = 1;
/// `BPF_EXIST`: only where it is there.
pub const EXIST: u64 = 2;
/// `BPF_F_LOCK`: under the value's own spin lock.
pub const LOCK: u64 = 4;
/// `BPF_F_CPU`: the value of one CPU alone.
pub const CPU: u64 = 8;
/// `BPF_F_ALL_CPUS`: one value for all CPUs.
pub const ALL_CPUS: u64 = 16;

/// One flag of an update.
#[derive(Debug)]
pub struct Update {
    /// Its value in `flags`.
    pub value: u64,
    /// The kernel's constant.
    pub name: &'static str,
    /// First kernel that has it.
    pub since: Version,
    /// What it does, in one sentence.
    pub what: &'static str,
}

const fn update(value: u64, name: &'static str, since: Version, what: &'static str) -> Update {
    Update { value, name, since, what }
}

/// All flags of updates.
#[rustfmt::skip]
pub static UPDATE: &[Update] = &[
    update(ANY, "BPF_ANY", v(3, 19), "Writes the entry whether it is there or not."),
    update(NOEXIST, "BPF_NOEXIST", v(3, 19), "Makes a new entry and fails with EEXIST where there is one."),
    update(EXIST, "BPF_EXIST", v(3, 19), "Writes over an entry and fails with ENOENT where there is none; of a full queue or stack, over the oldest."),
    update(LOCK, "BPF_F_LOCK", v(5, 1), "Copies the value under the bpf_spin_lock in it."),
    update(CPU, "BPF_F_CPU", v(7, 0), "Copies the value of one CPU alone, whose number is in the upper 32 bits of the flags; per-CPU maps."),
    update(ALL_CPUS, "BPF_F_ALL_CPUS", v(7, 0), "Writes one and the same value for all CPUs; per-CPU maps."),
];

/// Names of the flags in `bits`, in the order of their bits.
pub fn names(bits: u32) -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter(move |row| bits & row.value != 0).map(|row| row.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_stand_in_order_and_are_single() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].value < pair[1].value, "{}", pair[1].name);
        }
        assert!(TABLE.iter().all(|row| row.value.is_power_of_two()));
    }
}
