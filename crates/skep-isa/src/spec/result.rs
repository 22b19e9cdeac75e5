//! Results: what the number a program returns means, by program type.

use super::prog_type::ProgType as P;

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
pub const XDP: &[Row] = &[
    row(0, "XDP_ABORTED", Fate::Ends),
    row(1, "XDP_DROP", Fate::Ends),
    row(2, "XDP_PASS", Fate::Goes),
    row(3, "XDP_TX", Fate::Goes),
    row(4, "XDP_REDIRECT", Fate::Goes),
];

/// Results of tc programs (`TC_ACT_*`).
pub const TC: &[Row] = &[
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
