//! The iterator over numbers (`bpf_iter_num_*`): two words of the program, the last number given and the end.

use super::{Answer, Args, E2BIG, EINVAL, error};
use crate::fault::FaultKind;
use crate::interpreter::Vm;

/// Most numbers of one iterator (`BPF_MAX_LOOPS`).
const MOST: i64 = 8 << 20;

fn set(vm: &mut Vm<'_>, at: u64, last: i32, end: i32) -> Result<(), FaultKind> {
    vm.give(at, &[last.to_le_bytes(), end.to_le_bytes()].concat())
}

pub(crate) fn new(vm: &mut Vm<'_>, [at, start, end, ..]: Args) -> Answer {
    let (start, end) = (start as i32, end as i32);
    let errno = match i64::from(end) - i64::from(start) {
        ..0 => EINVAL,
        count if count > MOST => E2BIG,
        _ => {
            set(vm, at, start.wrapping_sub(1), end)?;
            return Ok(0);
        }
    };
    set(vm, at, 0, 0)?;
    Ok(error(errno))
}

pub(crate) fn next(vm: &mut Vm<'_>, [at, ..]: Args) -> Answer {
    let words = vm.load::<8>(at)?;
    let (last, end) = (words as i32, (words >> 32) as i32);
    if last.wrapping_add(1) >= end {
        set(vm, at, 0, 0)?;
        return Ok(0);
    }
    set(vm, at, last.wrapping_add(1), end)?;
    Ok(at)
}

pub(crate) fn destroy(vm: &mut Vm<'_>, [at, ..]: Args) -> Answer {
    set(vm, at, 0, 0)?;
    Ok(0)
}
