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

/// One row of [`TABLE`].
#[derive(Debug)]
pub struct Row {
    /// The constant.
    pub id: Command,
    /// The kernel's constant in lower case without `BPF_`.
    pub name: &'static str,
    /// First kernel that has it.
    pub since: Version,
    /// The capability it asks for by itself; `None` where what it is given decides.
    pub needs: Option<&'static str>,
    /// What it does, in one sentence.
    pub what: &'static str,
}

const fn row(id: Command, name: &'static str, since: Version, needs: Option<&'static str>, what: &'static str) -> Row {
    Row { id, name, since, needs, what }
}

/// All rows, in the order of the kernel's numbers.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row(Command::MapCreate, "map_create", v(3, 18), None, "Makes a map and answers its descriptor."),
    row(Command::MapLookupElem, "map_lookup_elem", v(3, 18), None, "Copies the value of a key out of a map."),
    row(Command::MapUpdateElem, "map_update_elem", v(3, 18), None, "Writes the value of a key into a map."),
    row(Command::MapDeleteElem, "map_delete_elem", v(3, 18), None, "Removes a key from a map."),
    row(Command::MapGetNextKey, "map_get_next_key", v(3, 18), None, "Answers the key after a given one, or the first."),
    row(Command::ProgLoad, "prog_load", v(3, 18), None, "Verifies a program and answers its descriptor."),
    row(Command::ObjPin, "obj_pin", v(4, 4), None, "Gives a map, program or link a name in the BPF filesystem."),
    row(Command::ObjGet, "obj_get", v(4, 4), None, "Opens what has a name in the BPF filesystem."),
    row(Command::ProgAttach, "prog_attach", v(4, 10), Some("by program type: CAP_NET_ADMIN for most"), "Puts a program to a cgroup, device, namespace, sockmap or infrared receiver; it stays until it is detached."),
    row(Command::ProgDetach, "prog_detach", v(4, 10), Some("as for prog_attach"), "Takes away what prog_attach put there."),
    row(Command::ProgTestRun, "prog_test_run", v(4, 12), None, "Runs a program once or often over given input (BPF_PROG_RUN is the same)."),
    row(Command::ProgGetNextId, "prog_get_next_id", v(4, 13), Some("CAP_SYS_ADMIN"), "Answers the next higher id of a loaded program."),
    row(Command::MapGetNextId, "map_get_next_id", v(4, 13), Some("CAP_SYS_ADMIN"), "Answers the next higher id of a map."),
    row(Command::ProgGetFdById, "prog_get_fd_by_id", v(4, 13), Some("CAP_SYS_ADMIN"), "Opens the program of an id."),
    row(Command::MapGetFdById, "map_get_fd_by_id", v(4, 13), Some("CAP_SYS_ADMIN"), "Opens the map of an id."),
    row(Command::ObjGetInfoByFd, "obj_get_info_by_fd", v(4, 13), None, "Tells what the kernel knows of a program, map, link, token or BTF."),
    row(Command::ProgQuery, "prog_query", v(4, 15), Some("CAP_NET_ADMIN"), "Lists the programs at a place."),
    row(Command::RawTracepointOpen, "raw_tracepoint_open", v(4, 17), None, "Puts a program to a tracepoint, or where its load said; it stays until the descriptor is closed."),
    row(Command::BtfLoad, "btf_load", v(4, 18), None, "Checks type information and answers its descriptor."),
    row(Command::BtfGetFdById, "btf_get_fd_by_id", v(4, 18), Some("CAP_SYS_ADMIN"), "Opens the type information of an id."),
    row(Command::TaskFdQuery, "task_fd_query", v(4, 18), Some("CAP_SYS_ADMIN"), "Tells what event a process's descriptor stands for, and which program is there."),
    row(Command::MapLookupAndDeleteElem, "map_lookup_and_delete_elem", v(4, 20), None, "Copies a value out of a map and removes it, as one step."),
    row(Command::MapFreeze, "map_freeze", v(5, 2), None, "Forbids user space all further writes to a map, for good."),
    row(Command::BtfGetNextId, "btf_get_next_id", v(5, 4), Some("CAP_SYS_ADMIN"), "Answers the next higher id of type information."),
    row(Command::MapLookupBatch, "map_lookup_batch", v(5, 6), None, "Copies many keys and values out of a map."),
    row(Command::MapLookupAndDeleteBatch, "map_lookup_and_delete_batch", v(5, 6), None, "Copies many keys and values out of a map and removes them."),
    row(Command::MapUpdateBatch, "map_update_batch", v(5, 6), None, "Writes many keys and values into a map."),
    row(Command::MapDeleteBatch, "map_delete_batch", v(5, 6), None, "Removes many keys from a map."),
    row(Command::LinkCreate, "link_create", v(5, 7), Some("by program type"), "Puts a program to a place and answers a link; the program stays as long as the link is held."),
    row(Command::LinkUpdate, "link_update", v(5, 7), None, "Puts another program in the place of a link's."),
    row(Command::LinkGetFdById, "link_get_fd_by_id", v(5, 8), Some("CAP_SYS_ADMIN"), "Opens the link of an id."),
    row(Command::LinkGetNextId, "link_get_next_id", v(5, 8), Some("CAP_SYS_ADMIN"), "Answers the next higher id of a link."),
    row(Command::EnableStats, "enable_stats", v(5, 8), Some("CAP_SYS_ADMIN"), "Counts runs and run time of all programs until the descriptor is closed."),
    row(Command::IterCreate, "iter_create", v(5, 8), None, "Makes a readable file of an iterator link."),
    row(Command::LinkDetach, "link_detach", v(5, 9), None, "Takes a link's program from its place though the link is still held."),
    row(Command::ProgBindMap, "prog_bind_map", v(5, 10), None, "Ties a map's life to a program's."),
    row(Command::TokenCreate, "token_create", v(6, 9), Some("CAP_BPF in the user namespace of a BPF filesystem that delegates"), "Makes a token by which an unprivileged process may use what a BPF filesystem delegates."),
    row(Command::ProgStreamReadByFd, "prog_stream_read_by_fd", v(6, 17), None, "Reads what a program has written to its output or error stream."),
    row(Command::ProgAssocStructOps, "prog_assoc_struct_ops", v(7, 0), None, "Ties a program to a struct_ops map that its kfuncs then act for."),
];

super::numbered!(Command, "BPF_");
