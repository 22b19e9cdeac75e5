//! Kernel functions (kfuncs): functions of the kernel that programs call by name.
//!
//! Enter at [`find`] when a program is decoded and at [`call`] when it runs. [`THROW`] is no row: it ends the program, so
//! the interpreter does it.

use crate::fault::FaultKind;
use crate::helper::{Answer, Args};
use crate::interpreter::Vm;

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
    row("bpf_preempt_disable", nothing),
    row("bpf_preempt_enable", nothing),
    row("bpf_rcu_read_lock", nothing),
    row("bpf_rcu_read_unlock", nothing),
];

/// A run is never preempted, and what it sees is freed only after it.
fn nothing(_: &mut Vm<'_>, _: Args) -> Answer {
    Ok(0)
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
