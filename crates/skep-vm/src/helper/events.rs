//! The helper that writes to perf event arrays. Each record that found no room is counted.

use super::{Answer, Args, E2BIG, EFAULT, EINVAL, bad, error};
use crate::context::Kind;
use crate::interpreter::Vm;

/// The low half of the flags: the index, or this number for the CPU that runs.
const INDEX: u64 = 0xffff_ffff;
/// Bytes of the packet to go with the record (`BPF_F_CTXLEN_MASK`).
const PACKET: u64 = 0xfffff << 32;
const ENOENT: i64 = 2;
const ENOSPC: i64 = 28;
const EOPNOTSUPP: i64 = 95;

pub(super) fn output(vm: &mut Vm<'_>, [_, map, flags, data, size]: Args) -> Answer {
    let index = vm.map_of(25, 2, map)?;
    let Some(map) = vm.world.maps.get(index).cloned() else { return Ok(error(EINVAL)) };
    let Some(events) = map.events() else { return Err(bad(25, 2, index as u64, "not a perf event array").into()) };
    // Read first, so that wrong memory is a fault whatever the flags are.
    let data = vm.take(data, size as usize)?;
    let has_packet = matches!(vm.kind, Kind::Xdp | Kind::Tc | Kind::Socket);
    if flags & !(INDEX | if has_packet { PACKET } else { 0 }) != 0 {
        return Ok(error(EINVAL));
    }
    let packet = ((flags & PACKET) >> 32) as usize;
    let Some(packet) = vm.packet.frame().get(..packet) else { return Ok(error(EFAULT)) };
    let cpu = vm.world.cpu as u64;
    let wanted = if flags & INDEX == INDEX { cpu } else { flags & INDEX };
    if wanted >= u64::from(map.max_entries()) {
        return Ok(error(E2BIG));
    }
    if map.program_held(&(wanted as u32).to_le_bytes()).is_none() {
        return Ok(error(ENOENT));
    }
    if wanted != cpu {
        return Ok(error(EOPNOTSUPP));
    }
    let record = [data.bytes(), packet].concat();
    vm.works(record.len());
    if events.push(record) {
        return Ok(0);
    }
    vm.world.lose_record();
    Ok(error(ENOSPC))
}
