//! Helpers: the kernel's functions a program may call, by number. Their names stand in `skep_isa::spec::helper`.

mod checksum;
mod events;
mod format;
mod maps;
mod redirect;
mod ring;
mod skb;
mod system;
mod xdp;

use crate::context::{Access, Kind};
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

/// One helper of the vm.
struct Row {
    id: i32,
    /// Programs the kernel gives it to.
    access: Access,
    call: fn(&mut Vm<'_>, Args) -> Answer,
}

const fn row(id: i32, access: Access, call: fn(&mut Vm<'_>, Args) -> Answer) -> Row {
    Row { id, access, call }
}

const ALL: Access = Access::ALL;
const SKB: Access = Access::ANY_SKB;
const TC: Access = Access::TC;
const XDP: Access = Access::XDP;
const TC_XDP: Access = Access::TC.and(Access::XDP);

/// All helpers of the vm, in the order of their numbers.
#[rustfmt::skip]
static TABLE: &[Row] = &[
    row(1, ALL, maps::lookup),
    row(2, ALL, maps::update),
    row(3, ALL, maps::delete),
    row(5, ALL, system::now),
    row(6, ALL, system::trace_printk),
    row(7, ALL, system::random),
    row(8, ALL, system::cpu),
    row(9, TC, skb::store_bytes),
    row(10, TC, checksum::l3_replace),
    row(11, TC, checksum::l4_replace),
    row(13, TC, redirect::clone),
    row(14, ALL, system::pid_tgid),
    row(15, ALL, system::uid_gid),
    row(16, ALL, system::comm),
    row(18, TC, skb::vlan_push),
    row(19, TC, skb::vlan_pop),
    row(23, TC_XDP, redirect::redirect),
    row(25, ALL, events::output),
    row(26, SKB, skb::load_bytes),
    row(28, TC_XDP, checksum::diff),
    row(32, TC, skb::change_type),
    row(34, TC, skb::hash_recalc),
    row(38, TC, skb::change_tail),
    row(39, TC, skb::pull_data),
    row(40, TC, checksum::update),
    row(41, TC, skb::set_hash_invalid),
    row(42, ALL, system::zero),
    row(43, TC, skb::change_head),
    row(44, XDP, xdp::adjust_head),
    row(48, TC, skb::set_hash),
    row(50, TC, skb::adjust_room),
    row(51, XDP, redirect::redirect_map),
    row(54, XDP, xdp::adjust_meta),
    row(65, XDP, xdp::adjust_tail),
    row(68, SKB, skb::load_bytes_relative),
    row(87, ALL, maps::push),
    row(88, ALL, maps::pop),
    row(89, ALL, maps::peek),
    row(125, ALL, system::boot),
    row(130, ALL, ring::output),
    row(131, ALL, ring::reserve),
    row(132, ALL, ring::submit),
    row(133, ALL, ring::discard),
    row(134, ALL, ring::query),
    row(160, ALL, system::now),
    row(164, ALL, maps::for_each),
    row(165, ALL, system::snprintf),
    row(181, ALL, maps::repeat),
    row(182, ALL, system::strncmp),
    row(188, XDP, xdp::buff_len),
    row(189, XDP, xdp::load_bytes),
    row(190, XDP, xdp::store_bytes),
    row(195, ALL, maps::lookup_percpu),
    row(208, ALL, system::tai),
];

/// Number of the row of a helper, else why a program of this kind cannot call it.
pub(crate) fn find(id: i32, kind: Kind) -> Result<usize, String> {
    match TABLE.binary_search_by_key(&id, |row| row.id) {
        Ok(at) if TABLE.get(at).is_some_and(|row| row.access.has(kind)) => Ok(at),
        Ok(_) => Err("is not for programs of this type".to_owned()),
        Err(_) => Err("is not a helper of the vm yet".to_owned()),
    }
}

/// Calls the helper of a row.
pub(crate) fn call(vm: &mut Vm<'_>, row: usize, args: Args) -> Answer {
    match TABLE.get(row) {
        Some(row) => (row.call)(vm, args),
        None => Err(FaultKind::WildJump.into()),
    }
}

/// A negative error number, as helpers return it.
pub(crate) const fn error(errno: i64) -> u64 {
    -errno as u64
}

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
    fn rows_stand_in_the_order_of_their_numbers() {
        assert!(TABLE.windows(2).all(|pair| pair[0].id < pair[1].id));
    }

    #[test]
    fn each_row_is_a_helper_of_the_kernel() {
        for row in TABLE {
            assert!(u32::try_from(row.id).ok().and_then(skep_isa::spec::helper::find).is_some(), "{}", row.id);
        }
    }
}
