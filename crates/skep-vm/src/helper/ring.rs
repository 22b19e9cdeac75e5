//! Helpers on ring buffers. Each record that found no room is counted.

use super::{Answer, Args, EAGAIN, EINVAL, bad, error};
use crate::fault::FaultKind;
use crate::interpreter::Vm;
use crate::map::Ring;
use crate::memory::{Open, map_value, map_value_pointer};

/// `BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP`.
const WAKEUP: u64 = 3;

/// Longest piece of memory the kernel's verifier lets a helper take (`BPF_MAX_VAR_SIZ`).
const MOST: u64 = 1 << 29;

/// Most records of a ring buffer that a run may have open: each access to one looks through all. The kernel's verifier
/// follows each of them, so real programs have a few.
const MOST_OPEN: usize = 64;

fn ring_of<'v>(vm: &'v Vm<'_>, id: i32, value: u64) -> Result<(usize, &'v Ring), FaultKind> {
    let index = vm.map_of(id, 1, value)?;
    let ring = vm.world.maps.get(index).and_then(|map| map.ring());
    ring.map(|ring| (index, ring)).ok_or_else(|| bad(id, 1, value, "not a ring buffer"))
}

pub(super) fn reserve(vm: &mut Vm<'_>, [map, size, flags, ..]: Args) -> Answer {
    let (index, ring) = ring_of(vm, 131, map)?;
    if vm.world.open.iter().filter(|open| open.map == index).count() >= MOST_OPEN {
        return Err(bad(131, 1, map, "a ring buffer with 64 open records already").into());
    }
    let reserved = if flags == 0 { ring.reserve(size) } else { None };
    Ok(match reserved {
        Some(offset) => {
            vm.world.open.push(Open { map: index, offset, size: size as usize });
            map_value_pointer(index, offset)
        }
        None => {
            vm.world.lose_record();
            0
        }
    })
}

pub(super) fn output(vm: &mut Vm<'_>, [map, data, size, flags, _]: Args) -> Answer {
    ring_of(vm, 130, map)?;
    // Read first: the record may be copied from anywhere, this ring included.
    if size > MOST {
        return Err(bad(130, 3, size, "more than 512 MiB").into());
    }
    let data = vm.take(data, size as usize)?;
    let (_, ring) = ring_of(vm, 130, map)?;
    if flags & !WAKEUP != 0 {
        vm.world.lose_record();
        return Ok(error(EINVAL));
    }
    let Some(offset) = ring.reserve(size) else {
        vm.world.lose_record();
        return Ok(error(EAGAIN));
    };
    ring.bytes().copy_in(offset, data.bytes());
    ring.finish(offset, size as usize, false);
    Ok(0)
}

pub(super) fn submit(vm: &mut Vm<'_>, args: Args) -> Answer {
    finish(vm, 132, args, false)
}

pub(super) fn discard(vm: &mut Vm<'_>, args: Args) -> Answer {
    finish(vm, 133, args, true)
}

fn finish(vm: &mut Vm<'_>, id: i32, [record, ..]: Args, drop: bool) -> Answer {
    let place = map_value(record);
    let open = vm.world.open.iter().position(|open| place == Some((open.map, open.offset)));
    let Some(open) = open.map(|at| vm.world.open.swap_remove(at)) else {
        return Err(bad(id, 1, record, "not a record that is reserved").into());
    };
    vm.world.finish(open, drop);
    Ok(0)
}

pub(super) fn query(vm: &mut Vm<'_>, [map, what, ..]: Args) -> Answer {
    let (_, ring) = ring_of(vm, 134, map)?;
    Ok(match what {
        0 => ring.available(),
        1 => ring.size(),
        2 => ring.consumer(),
        3 => ring.producer(),
        _ => 0,
    })
}
