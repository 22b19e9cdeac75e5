//! Commands of `bpf(2)`.

use super::{Version, v};

/// Commands of `bpf(2)`, with the kernel's numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(u32)]
#[allow(missing_docs, reason = "each variant is the kernel's constant; the row names it")]
pub enum Command {
    MapCreate,
    MapLookupElem,
    MapUpdateElem,
    MapDeleteElem,
    MapGetNextKey,
    ProgLoad,
    ObjPin,
    ObjGet,
    ProgAttach,
    ProgDetach,
    ProgTestRun,
    ProgGetNextId,
    MapGetNextId,
    ProgGetFdById,
    MapGetFdById,
    ObjGetInfoByFd,
    ProgQuery,
    RawTracepointOpen,
    BtfLoad,
    BtfGetFdById,
    TaskFdQuery,
    MapLookupAndDeleteElem,
    MapFreeze,
    BtfGetNextId,
    MapLookupBatch,
    MapLookupAndDeleteBatch,
    MapUpdateBatch,
    MapDeleteBatch,
    LinkCreate,
    LinkUpdate,
    LinkGetFdById,
    LinkGetNextId,
    EnableStats,
    IterCreate,
    LinkDetach,
    ProgBindMap,
    TokenCreate,
    ProgStreamReadByFd,
    ProgAssocStructOps,
}

/// What a call asks of whoever makes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// Nothing beside the descriptors it is given.
    Nothing,
    /// This capability, in the first user namespace.
    Capability(&'static str),
    /// What it is given decides; in words.
    Given(&'static str),
}

impl Needs {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Needs::Nothing => "nothing but the descriptors it is given",
            Needs::Capability(words) | Needs::Given(words) => words,
        }
    }
}

/// One row of [`TABLE`].
#[derive(Debug)]
pub struct Row {
    /// The constant.
    pub id: Command,
    /// The kernel's constant.
    pub constant: &'static str,
    /// First kernel that has it.
    pub since: Version,
    /// What it asks of whoever calls. Before 5.19 every call asked for `CAP_BPF` too where `unprivileged_bpf_disabled`
    /// is not 0; since then loads and new maps alone do.
    pub needs: Needs,
    /// What it does, in one sentence.
    pub what: &'static str,
}

const fn row(id: Command, constant: &'static str, since: Version, needs: Needs, what: &'static str) -> Row {
    Row { id, constant, since, needs, what }
}

/// All rows, in the order of the kernel's numbers.
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    row(Command::MapCreate, "BPF_MAP_CREATE", v(3, 18), Needs::Given("by map type: nothing for arrays, hashes and ring buffers where unprivileged_bpf_disabled is 0, CAP_NET_ADMIN for maps of sockets and devices, else CAP_BPF"), "Makes a map and answers its descriptor."),
    row(Command::MapLookupElem, "BPF_MAP_LOOKUP_ELEM", v(3, 18), Needs::Nothing, "Copies the value of a key out of a map."),
    row(Command::MapUpdateElem, "BPF_MAP_UPDATE_ELEM", v(3, 18), Needs::Nothing, "Writes the value of a key into a map."),
    row(Command::MapDeleteElem, "BPF_MAP_DELETE_ELEM", v(3, 18), Needs::Nothing, "Removes a key from a map."),
    row(Command::MapGetNextKey, "BPF_MAP_GET_NEXT_KEY", v(3, 18), Needs::Nothing, "Answers the key after a given one, or the first."),
    row(Command::ProgLoad, "BPF_PROG_LOAD", v(3, 18), Needs::Given("by program type: CAP_BPF, and for most CAP_NET_ADMIN or CAP_PERFMON"), "Verifies a program and answers its descriptor."),
    row(Command::ObjPin, "BPF_OBJ_PIN", v(4, 4), Needs::Given("the descriptor, and the right to write in the folder"), "Gives a map, program or link a name in the BPF filesystem."),
    row(Command::ObjGet, "BPF_OBJ_GET", v(4, 4), Needs::Given("the right to read the file, and to write it where the descriptor is for writing too"), "Opens what has a name in the BPF filesystem."),
    row(Command::ProgAttach, "BPF_PROG_ATTACH", v(4, 10), Needs::Given("the descriptors of program and target; for cgroup_skb also CAP_NET_ADMIN (before 5.8 for all)"), "Puts a program to a cgroup, device, namespace, sockmap or infrared receiver; it stays until it is detached."),
    row(Command::ProgDetach, "BPF_PROG_DETACH", v(4, 10), Needs::Given("the descriptors of target and, where many programs can stand there, program; tcx and netkit without it: CAP_NET_ADMIN (before 5.8 for all)"), "Takes away what prog_attach put there."),
    row(Command::ProgTestRun, "BPF_PROG_TEST_RUN", v(4, 12), Needs::Nothing, "Runs a program once or often over given input (BPF_PROG_RUN is the same)."),
    row(Command::ProgGetNextId, "BPF_PROG_GET_NEXT_ID", v(4, 13), Needs::Capability("CAP_SYS_ADMIN"), "Answers the next higher id of a loaded program."),
    row(Command::MapGetNextId, "BPF_MAP_GET_NEXT_ID", v(4, 13), Needs::Capability("CAP_SYS_ADMIN"), "Answers the next higher id of a map."),
    row(Command::ProgGetFdById, "BPF_PROG_GET_FD_BY_ID", v(4, 13), Needs::Capability("CAP_SYS_ADMIN"), "Opens the program of an id."),
    row(Command::MapGetFdById, "BPF_MAP_GET_FD_BY_ID", v(4, 13), Needs::Capability("CAP_SYS_ADMIN"), "Opens the map of an id."),
    row(Command::ObjGetInfoByFd, "BPF_OBJ_GET_INFO_BY_FD", v(4, 13), Needs::Nothing, "Tells what the kernel knows of a program, map, link, token or BTF."),
    row(Command::ProgQuery, "BPF_PROG_QUERY", v(4, 15), Needs::Capability("CAP_NET_ADMIN"), "Lists the programs at a place."),
    row(Command::RawTracepointOpen, "BPF_RAW_TRACEPOINT_OPEN", v(4, 17), Needs::Nothing, "Puts a program to a tracepoint, or where its load said; it stays until the descriptor is closed."),
    row(Command::BtfLoad, "BPF_BTF_LOAD", v(4, 18), Needs::Capability("CAP_BPF"), "Checks type information and answers its descriptor."),
    row(Command::BtfGetFdById, "BPF_BTF_GET_FD_BY_ID", v(4, 18), Needs::Capability("CAP_SYS_ADMIN"), "Opens the type information of an id."),
    row(Command::TaskFdQuery, "BPF_TASK_FD_QUERY", v(4, 18), Needs::Capability("CAP_SYS_ADMIN"), "Tells what event a process's descriptor stands for, and which program is there."),
    row(Command::MapLookupAndDeleteElem, "BPF_MAP_LOOKUP_AND_DELETE_ELEM", v(4, 20), Needs::Nothing, "Copies a value out of a queue, a stack or (since 5.14) a hash and removes it, as one step."),
    row(Command::MapFreeze, "BPF_MAP_FREEZE", v(5, 2), Needs::Nothing, "Forbids user space all further writes to a map, for good."),
    row(Command::BtfGetNextId, "BPF_BTF_GET_NEXT_ID", v(5, 4), Needs::Capability("CAP_SYS_ADMIN"), "Answers the next higher id of type information."),
    row(Command::MapLookupBatch, "BPF_MAP_LOOKUP_BATCH", v(5, 6), Needs::Nothing, "Copies many keys and values out of a map."),
    row(Command::MapLookupAndDeleteBatch, "BPF_MAP_LOOKUP_AND_DELETE_BATCH", v(5, 6), Needs::Nothing, "Copies many keys and values out of a map and removes them."),
    row(Command::MapUpdateBatch, "BPF_MAP_UPDATE_BATCH", v(5, 6), Needs::Nothing, "Writes many keys and values into a map."),
    row(Command::MapDeleteBatch, "BPF_MAP_DELETE_BATCH", v(5, 6), Needs::Nothing, "Removes many keys from a map."),
    row(Command::LinkCreate, "BPF_LINK_CREATE", v(5, 7), Needs::Given("the descriptors of program and target; for cgroup_skb also CAP_NET_ADMIN"), "Puts a program to a place and answers a link; the program stays as long as the link is held."),
    row(Command::LinkUpdate, "BPF_LINK_UPDATE", v(5, 7), Needs::Nothing, "Puts another program, or another table of functions, in the place of a link's."),
    row(Command::LinkGetFdById, "BPF_LINK_GET_FD_BY_ID", v(5, 8), Needs::Capability("CAP_SYS_ADMIN"), "Opens the link of an id."),
    row(Command::LinkGetNextId, "BPF_LINK_GET_NEXT_ID", v(5, 8), Needs::Capability("CAP_SYS_ADMIN"), "Answers the next higher id of a link."),
    row(Command::EnableStats, "BPF_ENABLE_STATS", v(5, 8), Needs::Capability("CAP_SYS_ADMIN"), "Counts runs and run time of all programs until the descriptor is closed."),
    row(Command::IterCreate, "BPF_ITER_CREATE", v(5, 8), Needs::Nothing, "Makes a readable file of an iterator link."),
    row(Command::LinkDetach, "BPF_LINK_DETACH", v(5, 9), Needs::Nothing, "Takes a link's program from its place though the link is still held."),
    row(Command::ProgBindMap, "BPF_PROG_BIND_MAP", v(5, 10), Needs::Nothing, "Ties a map's life to a program's."),
    row(Command::TokenCreate, "BPF_TOKEN_CREATE", v(6, 9), Needs::Given("CAP_BPF in the user namespace of a BPF filesystem that delegates"), "Makes a token by which an unprivileged process may use what a BPF filesystem delegates."),
    row(Command::ProgStreamReadByFd, "BPF_PROG_STREAM_READ_BY_FD", v(6, 17), Needs::Nothing, "Reads what a program has written to its output or error stream."),
    row(Command::ProgAssocStructOps, "BPF_PROG_ASSOC_STRUCT_OPS", v(7, 0), Needs::Nothing, "Ties a program to a struct_ops map that its kfuncs then act for."),
];

impl Command {
    /// The kernel's number.
    pub const fn id(self) -> u32 {
        self as u32
    }

    /// Its row.
    pub const fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The kernel's constant, `BPF_MAP_CREATE`.
    pub const fn constant(self) -> &'static str {
        self.row().constant
    }

    /// The kernel's constant in lower case without `BPF_`.
    pub fn name(self) -> String {
        self.constant().trim_start_matches("BPF_").to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_their_numbers() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.id.id() as usize, at, "{}", row.constant);
        }
    }
}
