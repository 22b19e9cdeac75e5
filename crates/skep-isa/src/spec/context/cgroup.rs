//! Contexts of the other programs of a cgroup: device access, sysctl, socket options.

use super::field::*;
use super::{A, Context, P};
use crate::spec::v;

const GET: Who = Who::Attach(&[A::CgroupGetsockopt]);
const SET: Who = Who::Attach(&[A::CgroupSetsockopt]);

#[rustfmt::skip]
pub(super) const SYSCTL: Context = Context {
    name: "bpf_sysctl",
    is_struct: true,
    prog_types: &[P::CgroupSysctl],
    default_attach: None,
    size: 8,
    since: v(5, 2),
    what: "A process's read or write of a file under /proc/sys.",
    fields: &[
        row(0, "write", U32, v(5, 2)).part(),
        row(4, "file_pos", U32, v(5, 2)).part().write(Who::All),
    ],
};

#[rustfmt::skip]
pub(super) const SOCKOPT: Context = Context {
    name: "bpf_sockopt",
    is_struct: true,
    prog_types: &[P::CgroupSockopt],
    default_attach: None,
    size: 40,
    since: v(5, 3),
    what: "A process's getsockopt or setsockopt call.",
    fields: &[
        row(0, "sk", SOCK_PTR, v(5, 3)).kind(Kind::Socket),
        row(8, "optval", VOID_PTR, v(5, 3)).kind(Kind::Packet),
        row(16, "optval_end", VOID_PTR, v(5, 3)).kind(Kind::PacketEnd),
        row(24, "level", S32, v(5, 3)).write(SET),
        row(28, "optname", S32, v(5, 3)).write(SET),
        row(32, "optlen", S32, v(5, 3)).write(Who::All),
        row(36, "retval", S32, v(5, 3)).read(GET).write(GET),
    ],
};

#[rustfmt::skip]
pub(super) const DEVICE: Context = Context {
    name: "bpf_cgroup_dev_ctx",
    is_struct: true,
    prog_types: &[P::CgroupDevice],
    default_attach: None,
    size: 12,
    since: v(4, 15),
    what: "A process's wish to open or make a device file.",
    fields: &[
        row(0, "access_type", U32, v(4, 15)).part(),
        row(4, "major", U32, v(4, 15)),
        row(8, "minor", U32, v(4, 15)),
    ],
};
