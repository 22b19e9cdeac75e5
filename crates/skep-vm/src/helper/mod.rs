//! Helpers: the kernel's functions a program may call, by number. One table; names stand in `skep_isa::spec::helper`.

mod checksum;
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
    name: &'static str,
    /// Programs the kernel gives it to.
    access: Access,
    call: fn(&mut Vm<'_>, Args) -> Answer,
}

const fn row(id: i32, name: &'static str, access: Access, call: fn(&mut Vm<'_>, Args) -> Answer) -> Row {
    Row { id, name, access, call }
}

const ALL: Access = Access::ALL;
const SKB: Access = Access::ANY_SKB;
const TC: Access = Access::TC;
const XDP: Access = Access::XDP;
const TC_XDP: Access = Access::TC.and(Access::XDP);

/// All helpers of the vm, in the order of their numbers.
#[rustfmt::skip]
static TABLE: &[Row] = &[
    row(1, "map_lookup_elem", ALL, maps::lookup),
    row(2, "map_update_elem", ALL, maps::update),
    row(3, "map_delete_elem", ALL, maps::delete),
    row(5, "ktime_get_ns", ALL, system::now),
    row(6, "trace_printk", ALL, system::trace_printk),
    row(7, "get_prandom_u32", ALL, system::random),
    row(8, "get_smp_processor_id", ALL, system::zero),
    row(9, "skb_store_bytes", TC, skb::store_bytes),
    row(10, "l3_csum_replace", TC, checksum::l3_replace),
    row(11, "l4_csum_replace", TC, checksum::l4_replace),
    row(13, "clone_redirect", TC, redirect::clone),
    row(14, "get_current_pid_tgid", ALL, system::pid_tgid),
    row(15, "get_current_uid_gid", ALL, system::uid_gid),
    row(16, "get_current_comm", ALL, system::comm),
    row(18, "skb_vlan_push", TC, skb::vlan_push),
    row(19, "skb_vlan_pop", TC, skb::vlan_pop),
    row(23, "redirect", TC_XDP, redirect::redirect),
    row(26, "skb_load_bytes", SKB, skb::load_bytes),
    row(28, "csum_diff", TC_XDP, checksum::diff),
    row(32, "skb_change_type", TC, skb::change_type),
    row(34, "get_hash_recalc", TC, skb::hash_recalc),
    row(38, "skb_change_tail", TC, skb::change_tail),
    row(39, "skb_pull_data", TC, skb::pull_data),
    row(40, "csum_update", TC, checksum::update),
    row(41, "set_hash_invalid", TC, skb::set_hash_invalid),
    row(42, "get_numa_node_id", ALL, system::zero),
    row(43, "skb_change_head", TC, skb::change_head),
    row(44, "xdp_adjust_head", XDP, xdp::adjust_head),
    row(48, "set_hash", TC, skb::set_hash),
    row(50, "skb_adjust_room", TC, skb::adjust_room),
    row(51, "redirect_map", XDP, redirect::redirect_map),
    row(54, "xdp_adjust_meta", XDP, xdp::adjust_meta),
    row(65, "xdp_adjust_tail", XDP, xdp::adjust_tail),
    row(68, "skb_load_bytes_relative", SKB, skb::load_bytes_relative),
    row(125, "ktime_get_boot_ns", ALL, system::boot),
    row(130, "ringbuf_output", ALL, ring::output),
    row(131, "ringbuf_reserve", ALL, ring::reserve),
    row(132, "ringbuf_submit", ALL, ring::submit),
    row(133, "ringbuf_discard", ALL, ring::discard),
    row(134, "ringbuf_query", ALL, ring::query),
    row(160, "ktime_get_coarse_ns", ALL, system::now),
    row(164, "for_each_map_elem", ALL, maps::for_each),
    row(165, "snprintf", ALL, system::snprintf),
    row(181, "loop", ALL, maps::repeat),
    row(182, "strncmp", ALL, system::strncmp),
    row(188, "xdp_get_buff_len", XDP, xdp::buff_len),
    row(189, "xdp_load_bytes", XDP, xdp::load_bytes),
    row(190, "xdp_store_bytes", XDP, xdp::store_bytes),
    row(195, "map_lookup_percpu_elem", ALL, maps::lookup_percpu),
    row(208, "ktime_get_tai_ns", ALL, system::tai),
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
fn bad(id: i32, argument: u8, value: u64, why: &'static str) -> FaultKind {
    let helper = TABLE.iter().find(|row| row.id == id).map_or("helper", |row| row.name);
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
    fn names_are_those_of_the_table_of_helpers() {
        for row in TABLE {
            if let Some(known) = skep_isa::spec::helper::find(row.id as u32) {
                assert_eq!(known.name, row.name);
            }
        }
    }
}
