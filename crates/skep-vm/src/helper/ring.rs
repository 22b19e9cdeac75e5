//! Helpers on ring buffers. Each record that found no room is counted.

use super::{Answer, Args, EAGAIN, EINVAL, bad, error};
use crate::fault::FaultKind;
use crate::interpreter::Vm;
use crate::map::Ring;
use crate::memory::{map_value, map_value_pointer};

/// `BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP`.
const WAKEUP: u64 = 3;

/// Longest piece of memory the kernel's verifier lets a helper take (`BPF_MAX_VAR_SIZ`).
const MOST: u64 = 1 << 29;

fn ring_of<'v>(vm: &'v mut Vm<'_>, id: i32, value: u64) -> Result<(usize, &'v mut Ring), FaultKind> {
    let index = vm.map_of(id, 1, value)?;
    let ring = vm.world.maps.get_mut(index).and_then(|map| map.ring_mut());
    ring.map(|ring| (index, ring)).ok_or_else(|| bad(id, 1, value, "not a ring buffer"))
}

pub(super) fn reserve(vm: &mut Vm<'_>, [map, size, flags, ..]: Args) -> Answer {
    let (index, ring) = ring_of(vm, 131, map)?;
    if ring.is_crowded() {
        return Err(bad(131, 1, map, "a ring buffer with 64 open records already").into());
    }
    let reserved = if flags == 0 { ring.reserve(size) } else { None };
    Ok(match reserved {
        Some(offset) => map_value_pointer(index, offset),
        None => {
            vm.world.records_lost += 1;
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
        vm.world.records_lost += 1;
        return Ok(error(EINVAL));
    }
    let Some(offset) = ring.reserve(size) else {
        vm.world.records_lost += 1;
        return Ok(error(EAGAIN));
    };
    if let Some(room) = ring.record_mut(offset) {
        room.copy_from_slice(data.bytes());
    }
    ring.finish(offset, false);
    Ok(0)
}

pub(super) fn submit(vm: &mut Vm<'_>, args: Args) -> Answer {
    finish(vm, 132, args, false)
}

pub(super) fn discard(vm: &mut Vm<'_>, args: Args) -> Answer {
    finish(vm, 133, args, true)
}

fn finish(vm: &mut Vm<'_>, id: i32, [record, ..]: Args, drop: bool) -> Answer {
    let ring = map_value(record).and_then(|(index, offset)| Some((vm.world.maps.get_mut(index)?, offset)));
    match ring.and_then(|(map, offset)| Some(map.ring_mut()?.finish(offset, drop))) {
        Some(true) => Ok(0),
        _ => Err(bad(id, 1, record, "not a record that is reserved").into()),
    }
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
