//! Helpers: the kernel's functions a program may call, by number. Their names stand in `skep_isa::spec::helper`.

mod checksum;
pub(crate) mod dynptr;
mod encap;
mod events;
mod format;
mod lock;
mod maps;
pub(crate) mod number;
mod probe;
mod redirect;
mod ring;
mod skb;
mod system;
mod table;
mod text;
mod xdp;

use skep_isa::spec::helper::{ArgKind, Helper};
use skep_isa::spec::place::Place;

use self::table::TABLE;
use crate::context::Kind;
use crate::fault::{Fault, FaultKind};
use crate::interpreter::Vm;

/// The five arguments, r1 to r5.
pub(crate) type Args = [u64; 5];

/// Why a helper stopped the program.
pub(crate) enum Stop {
    /// A rule broken by the call itself.
    Here(FaultKind),
    /// A rule broken inside a callback.
    Inside(Fault),
}

impl From<FaultKind> for Stop {
    fn from(kind: FaultKind) -> Stop {
        Stop::Here(kind)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Inside(fault)
    }
}

/// What a helper gives back.
pub(crate) type Answer = Result<u64, Stop>;

/// A helper of the vm, as a function.
pub(crate) type Call = fn(&mut Vm<'_>, Args) -> Answer;

/// What the vm makes of one helper.
struct Row {
    id: i32,
    how: How,
    /// What is to be known, or why; may be empty where it is done.
    note: &'static str,
}

enum How {
    Done(Call),
    /// The interpreter does it, for the program is another one afterwards.
    Inside,
    Answers(i64),
    Refused,
    Away,
}

/// What the vm makes of a helper; all of them are [`helpers`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelperState {
    /// Its number.
    pub id: u32,
    /// What happens when a program calls it.
    pub on_call: OnCall,
    /// What is to be known, or why it is so; may be empty.
    pub note: &'static str,
    /// The programs of the vm that are offered it.
    pub programs: Vec<&'static str>,
}

/// What happens when a program of the vm calls a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCall {
    /// What the kernel does.
    Done,
    /// It always gives this error, and does nothing.
    Answers {
        /// The error's number, above 0.
        errno: i64,
    },
    /// A program that calls it is not loaded.
    Refused,
    /// No program that the vm runs is offered it.
    Away,
}

/// What the vm makes of every helper, in the order of their numbers.
pub fn helpers() -> impl Iterator<Item = HelperState> {
    TABLE.iter().map(|row| {
        let on_call = match row.how {
            How::Done(_) | How::Inside => OnCall::Done,
            How::Answers(errno) => OnCall::Answers { errno },
            How::Refused => OnCall::Refused,
            How::Away => OnCall::Away,
        };
        let offered = KINDS.iter().filter(|(kind, _)| spec(row.id).is_some_and(|helper| is_offered(helper, *kind)));
        HelperState {
            id: row.id.unsigned_abs(),
            on_call,
            note: row.note,
            programs: offered.map(|(_, name)| *name).collect(),
        }
    })
}

/// Kinds of programs, as [`HelperState::programs`] names them.
const KINDS: [(Kind, &str); 5] = [
    (Kind::Xdp, "XDP"),
    (Kind::Tc, "tc"),
    (Kind::Socket, "socket filter"),
    (Kind::Cgroup, "cgroup packet filter"),
    (Kind::Memory, "routine"),
];

fn spec(id: i32) -> Option<&'static Helper> {
    skep_isa::spec::helper::find(u32::try_from(id).ok()?)
}

/// True when Linux 6.18 offers a helper to programs of a kind. Routines have what probes have, and of what socket filters
/// have that which needs no packet or socket.
fn is_offered(helper: &Helper, kind: Kind) -> bool {
    use ArgKind::{Context, ContextOrNull, Sock, SockCommon};
    let at = |places: &[Place]| places.iter().any(|place| helper.offered_in(*place));
    let needs_packet = || helper.args.iter().any(|arg| matches!(arg.kind, Context | ContextOrNull | Sock | SockCommon));
    match kind {
        Kind::Xdp => at(&[Place::Xdp]),
        Kind::Tc => at(&[Place::SchedCls]),
        Kind::Socket => at(&[Place::SocketFilter]),
        Kind::Cgroup => at(&[Place::CgroupSkbIngress, Place::CgroupSkbEgress]),
        Kind::Memory => at(&[Place::Kprobe, Place::KprobeSleepable]) || at(&[Place::SocketFilter]) && !needs_packet(),
        Kind::Seccomp => false,
    }
}

/// Number of the row of a helper, else why a program of this kind cannot call it.
pub(crate) fn find(id: i32, kind: Kind) -> Result<usize, String> {
    let Some(helper) = spec(id) else { return Err("is not a helper of the kernel".to_owned()) };
    if !is_offered(helper, kind) {
        return Err("is not for programs of this type".to_owned());
    }
    let row = TABLE.binary_search_by_key(&id, |row| row.id).ok().and_then(|at| Some((at, TABLE.get(at)?)));
    match row {
        Some((at, Row { how: How::Done(_) | How::Answers(_), .. })) => Ok(at),
        Some((_, row)) => Err(format!("is not a helper of the vm: {}", row.note)),
        None => Err("is not a helper of the vm".to_owned()),
    }
}

/// Calls the helper of a row.
pub(crate) fn call(vm: &mut Vm<'_>, row: usize, args: Args) -> Answer {
    match TABLE.get(row).map(|row| &row.how) {
        Some(How::Done(call)) => call(vm, args),
        Some(How::Answers(errno)) => Ok(error(*errno)),
        _ => Err(FaultKind::WildJump.into()),
    }
}

/// A negative error number, as helpers return it.
pub(crate) const fn error(errno: i64) -> u64 {
    -errno as u64
}

pub(crate) const EPERM: i64 = 1;
pub(crate) const EEXIST: i64 = 17;
pub(crate) const EPROTO: i64 = 71;
pub(crate) const ERANGE: i64 = 34;
pub(crate) const ENOENT: i64 = 2;
pub(crate) const ENODEV: i64 = 19;
pub(crate) const EPROTONOSUPPORT: i64 = 93;
pub(crate) const EOPNOTSUPP: i64 = 95;
pub(crate) const ENOMEM: i64 = 12;
pub(crate) const EAGAIN: i64 = 11;
pub(crate) const EACCES: i64 = 13;
pub(crate) const EFAULT: i64 = 14;
pub(crate) const EINVAL: i64 = 22;
pub(crate) const E2BIG: i64 = 7;
/// The kernel's own number, not known to user space.
pub(crate) const ENOTSUPP: i64 = 524;

/// A call with an argument the kernel's verifier would not accept.
#[cold]
#[inline(never)]
fn bad(id: i32, argument: u8, value: u64, why: &'static str) -> FaultKind {
    let helper = u32::try_from(id).ok().and_then(skep_isa::spec::helper::find).map_or("helper", |row| row.name);
    FaultKind::BadArgument { helper, argument, value, why }
}

/// Checks that an argument is the context.
fn context(id: i32, value: u64) -> Result<(), FaultKind> {
    if crate::memory::is_context(value) { Ok(()) } else { Err(bad(id, 1, value, "not the context")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_helper_of_the_kernel_has_its_row() {
        let rows: Vec<_> = TABLE.iter().map(|row| row.id.unsigned_abs()).collect();
        let all: Vec<_> = skep_isa::spec::helper::TABLE.iter().map(|helper| helper.id).collect();
        assert_eq!(rows, all);
    }

    #[test]
    fn a_helper_is_away_when_no_program_of_the_vm_is_offered_it() {
        for helper in helpers() {
            assert_eq!(helper.on_call == OnCall::Away, helper.programs.is_empty(), "{}", helper.id);
        }
    }

    #[test]
    fn what_is_not_done_has_a_reason() {
        for row in TABLE {
            let needs_none = matches!(row.how, How::Done(_) | How::Inside | How::Away);
            assert!(needs_none || !row.note.is_empty(), "{}", row.id);
        }
    }

    #[test]
    fn a_routine_has_what_every_packet_program_has() {
        for helper in skep_isa::spec::helper::TABLE {
            let everywhere = [Kind::Xdp, Kind::Tc, Kind::Socket, Kind::Cgroup].iter().all(|k| is_offered(helper, *k));
            let of_sockets = helper.args.iter().any(|arg| matches!(arg.kind, ArgKind::Sock | ArgKind::SockCommon));
            assert!(!everywhere || of_sockets || is_offered(helper, Kind::Memory), "{}", helper.name);
        }
    }
}
