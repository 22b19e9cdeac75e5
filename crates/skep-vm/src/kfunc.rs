//! Kernel functions (kfuncs): functions of the kernel that programs call by name.
//!
//! Enter at [`find`] when a program is decoded and at [`call`] when it runs. [`THROW`] is no row: it ends the program, so
//! the interpreter does it.

use std::sync::Arc;

use crate::fault::FaultKind;
use crate::helper::dynptr::kfuncs as dynptr;
use crate::helper::{Answer, Args, number};
use crate::interpreter::Vm;
use crate::map::Map;
use crate::memory::handle_index;

/// Throws an exception.
pub(crate) const THROW: &str = "bpf_throw";

/// One kernel function of the vm.
struct Row {
    name: &'static str,
    call: fn(&mut Vm<'_>, Args) -> Answer,
}

const fn row(name: &'static str, call: fn(&mut Vm<'_>, Args) -> Answer) -> Row {
    Row { name, call }
}

/// All kernel functions of the vm, in the order of their names.
static TABLE: &[Row] = &[
    row("bpf_arena_alloc_pages", arena_make),
    row("bpf_arena_free_pages", arena_take_away),
    row("bpf_dynptr_adjust", dynptr::adjust),
    row("bpf_dynptr_clone", dynptr::clone),
    row("bpf_dynptr_is_null", dynptr::is_null),
    row("bpf_dynptr_is_rdonly", dynptr::is_rdonly),
    row("bpf_dynptr_size", dynptr::size),
    row("bpf_dynptr_slice", dynptr::slice),
    row("bpf_dynptr_slice_rdwr", dynptr::slice_rdwr),
    row("bpf_iter_num_destroy", number::destroy),
    row("bpf_iter_num_new", number::new),
    row("bpf_iter_num_next", number::next),
    row("bpf_preempt_disable", nothing),
    row("bpf_preempt_enable", nothing),
    row("bpf_rcu_read_lock", nothing),
    row("bpf_rcu_read_unlock", nothing),
];

/// A run is never preempted, and what it sees is freed only after it.
fn nothing(_: &mut Vm<'_>, _: Args) -> Answer {
    Ok(0)
}

/// Makes pages of an arena; 0 where that cannot be.
fn arena_make(vm: &mut Vm<'_>, [map, address, count, _node, flags]: Args) -> Answer {
    let map = arena(vm, "bpf_arena_alloc_pages", map)?;
    vm.works(map.max_entries() as usize);
    let made = map.arena().filter(|_| flags == 0).map(|arena| arena.make(address, count as u32 as usize));
    Ok(made.unwrap_or(0))
}

/// Takes pages of an arena away.
fn arena_take_away(vm: &mut Vm<'_>, [map, address, count, ..]: Args) -> Answer {
    let map = arena(vm, "bpf_arena_free_pages", map)?;
    vm.works(map.max_entries().min(count as u32) as usize * 4096);
    map.arena().into_iter().for_each(|arena| arena.take_away(address, count as u32 as usize));
    Ok(0)
}

/// The arena that an argument names.
fn arena(vm: &Vm<'_>, helper: &'static str, value: u64) -> Result<Arc<Map>, FaultKind> {
    let map = handle_index(value).and_then(|index| vm.world.maps.get(index)).filter(|map| map.arena().is_some());
    map.cloned().ok_or(FaultKind::BadArgument { helper, argument: 1, value, why: "not an arena" })
}

/// Number of the row of a kernel function.
pub(crate) fn find(name: &str) -> Option<usize> {
    TABLE.binary_search_by_key(&name, |row| row.name).ok()
}

/// Calls the kernel function of a row.
pub(crate) fn call(vm: &mut Vm<'_>, row: usize, args: Args) -> Answer {
    match TABLE.get(row) {
        Some(row) => (row.call)(vm, args),
        None => Err(FaultKind::WildJump.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_their_names() {
        assert!(TABLE.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
