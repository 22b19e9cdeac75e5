//! Results: what the number a program returns means, by program type.

use super::attach_type::AttachType as A;
use super::prog_type::ProgType as P;
use super::{Version, v};

/// What becomes of the packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It goes on, here or by another device.
    Goes,
    /// It ends here.
    Ends,
}

/// One named result.
#[derive(Debug)]
pub struct Row {
    /// The number, as the program returns it.
    pub value: i32,
    /// The kernel's constant.
    pub name: &'static str,
    /// What becomes of the packet.
    pub fate: Fate,
}

const fn row(value: i32, name: &'static str, fate: Fate) -> Row {
    Row { value, name, fate }
}

/// Results of XDP programs; any other number is `XDP_ABORTED` to the kernel.
pub static XDP: &[Row] = &[
    row(0, "XDP_ABORTED", Fate::Ends),
    row(1, "XDP_DROP", Fate::Ends),
    row(2, "XDP_PASS", Fate::Goes),
    row(3, "XDP_TX", Fate::Goes),
    row(4, "XDP_REDIRECT", Fate::Goes),
];

/// Results of tc programs (`TC_ACT_*`).
pub static TC: &[Row] = &[
    row(-1, "TC_ACT_UNSPEC", Fate::Goes),
    row(0, "TC_ACT_OK", Fate::Goes),
    row(1, "TC_ACT_RECLASSIFY", Fate::Goes),
    row(2, "TC_ACT_SHOT", Fate::Ends),
    row(3, "TC_ACT_PIPE", Fate::Goes),
    row(4, "TC_ACT_STOLEN", Fate::Ends),
    row(5, "TC_ACT_QUEUED", Fate::Ends),
    row(6, "TC_ACT_REPEAT", Fate::Goes),
    row(7, "TC_ACT_REDIRECT", Fate::Goes),
    row(8, "TC_ACT_TRAP", Fate::Ends),
];

/// What a program may return where the verifier keeps it to a range.
#[derive(Debug)]
pub struct Range {
    /// The program type.
    pub prog_type: P,
    /// At these attach types; empty stands for all that no other row of the type names.
    pub attach_types: &'static [A],
    /// Lowest result.
    pub low: i32,
    /// Highest result.
    pub high: i32,
    /// First kernel that keeps to it.
    pub since: Version,
    /// What the numbers mean.
    pub what: &'static str,
}

const fn range(
    prog_type: P,
    attach_types: &'static [A],
    (low, high): (i32, i32),
    since: Version,
    what: &'static str,
) -> Range {
    Range { prog_type, attach_types, low, high, since, what }
}

/// Ranges; what has no row may return any number (LSM hooks: what the hook allows). Facts are those of the verifier's
/// check at `exit` (6.12, 6.18).
#[rustfmt::skip]
pub static RANGES: &[Range] = &[
    range(P::CgroupSkb, &[A::CgroupInetEgress], (0, 3), v(5, 3), "0 drops, 1 sends, 2 drops and tells of congestion, 3 sends and tells of congestion"),
    range(P::CgroupSkb, &[], (0, 1), v(4, 15), "0 drops, 1 lets pass"),
    range(P::CgroupSock, &[], (0, 1), v(4, 15), "0 refuses (EPERM), 1 allows"),
    range(P::CgroupSockAddr, &[A::CgroupUdp4Recvmsg, A::CgroupUdp6Recvmsg, A::CgroupUnixRecvmsg, A::CgroupInet4Getpeername,
        A::CgroupInet6Getpeername, A::CgroupUnixGetpeername, A::CgroupInet4Getsockname, A::CgroupInet6Getsockname,
        A::CgroupUnixGetsockname], (1, 1), v(5, 2), "1 lets pass; there is nothing to refuse"),
    range(P::CgroupSockAddr, &[A::CgroupInet4Bind, A::CgroupInet6Bind], (0, 3), v(5, 12), "0 refuses (EPERM), 1 allows, 3 allows a port below 1024 without CAP_NET_BIND_SERVICE; 2 is as 0"),
    range(P::CgroupSockAddr, &[], (0, 1), v(4, 17), "0 refuses (EPERM), 1 allows"),
    range(P::SockOps, &[], (0, 1), v(4, 15), "1 gives the kernel ctx->reply for an answer, 0 gives it -1 in its place"),
    range(P::CgroupDevice, &[], (0, 1), v(4, 15), "0 refuses (EPERM), 1 allows"),
    range(P::CgroupSysctl, &[], (0, 1), v(5, 2), "0 refuses (EPERM), 1 allows"),
    range(P::CgroupSockopt, &[], (0, 1), v(5, 3), "0 refuses (EPERM), 1 goes on"),
    range(P::Tracing, &[A::TraceFentry, A::TraceFexit, A::TraceFsession], (0, 0), v(5, 7), "0; it decides nothing"),
    range(P::Tracing, &[A::TraceIter], (0, 1), v(5, 8), "0 goes on, 1 shows the element again"),
    range(P::Kprobe, &[A::TraceKprobeSession, A::TraceUprobeSession], (0, 1), v(6, 10), "at entry: 0 runs the program at the return too, 1 does not"),
    range(P::SkLookup, &[], (0, 1), v(5, 9), "SK_DROP 0 drops, SK_PASS 1 goes on with the chosen socket or the usual lookup"),
    range(P::Lsm, &[A::LsmCgroup], (0, 1), v(6, 0), "0 refuses (EPERM), 1 allows; 1 alone where the hook gives nothing back"),
    range(P::Netfilter, &[], (0, 1), v(6, 4), "NF_DROP 0 drops, NF_ACCEPT 1 lets pass"),
];

/// The range a program of this type and attach type must keep to, `None` where any number goes.
pub fn allowed(prog_type: P, attach_type: Option<A>) -> Option<&'static Range> {
    let of_type = || RANGES.iter().filter(|row| row.prog_type == prog_type);
    let named = of_type().find(|row| attach_type.is_some_and(|a| row.attach_types.contains(&a)));
    named.or_else(|| of_type().find(|row| row.attach_types.is_empty()))
}

/// How the results of a program type are counted and read.
#[derive(Clone, Copy, Debug)]
pub enum Results {
    /// Named numbers; others are counted together as `other`.
    Named(&'static [Row]),
    /// A number of bytes to keep: `0` is [`DROP`], all else [`KEEP`] (socket filters).
    Length,
    /// Nothing that would be worth counting.
    Unused,
}

/// Name of a socket filter's result 0.
pub const DROP: &str = "drop";
/// Name of a socket filter's result other than 0: bytes to keep.
pub const KEEP: &str = "keep";
/// Name of a result that has no row.
pub const OTHER: &str = "other";

/// How the results of this program type are read.
pub fn of(prog_type: P) -> Results {
    match prog_type {
        P::Xdp => Results::Named(XDP),
        P::SchedCls | P::SchedAct => Results::Named(TC),
        P::SocketFilter => Results::Length,
        _ => Results::Unused,
    }
}

impl Results {
    /// The name a returned value is counted under, `None` where results are not counted.
    ///
    /// ```
    /// use skep_isa::spec::{ProgType, result};
    /// assert_eq!(result::of(ProgType::Xdp).name(2), Some("XDP_PASS"));
    /// assert_eq!(result::of(ProgType::SchedCls).name(-1), Some("TC_ACT_UNSPEC"));
    /// assert_eq!(result::of(ProgType::SocketFilter).name(96), Some("keep"));
    /// ```
    pub fn name(self, value: i32) -> Option<&'static str> {
        match self {
            Results::Named(rows) => Some(rows.iter().find(|r| r.value == value).map_or(OTHER, |r| r.name)),
            Results::Length => Some(if value == 0 { DROP } else { KEEP }),
            Results::Unused => None,
        }
    }

    /// True when a packet with this result goes on (passes, is sent back, is redirected).
    pub fn goes(self, value: i32) -> bool {
        match self {
            Results::Named(rows) => rows.iter().any(|r| r.value == value && r.fate == Fate::Goes),
            Results::Length => value != 0,
            Results::Unused => true,
        }
    }
}
