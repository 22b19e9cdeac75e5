//! Helpers that ask the host: clock, randomness, task, text.

use super::{Answer, Args, E2BIG, EAGAIN, EINVAL, bad, error, format};
use crate::fault::FaultKind;
use crate::interpreter::Vm;
use skep_isa::spec::MapType;

pub(super) fn now(vm: &mut Vm<'_>, _: Args) -> Answer {
    Ok(vm.world.host.now_ns())
}

pub(super) fn boot(vm: &mut Vm<'_>, _: Args) -> Answer {
    Ok(vm.world.host.boot_ns())
}

pub(super) fn tai(vm: &mut Vm<'_>, _: Args) -> Answer {
    Ok(vm.world.host.tai_ns())
}

pub(super) fn random(vm: &mut Vm<'_>, _: Args) -> Answer {
    Ok(vm.world.host.random_u32().into())
}

pub(super) fn cpu(vm: &mut Vm<'_>, _: Args) -> Answer {
    Ok(vm.world.cpu as u64)
}

/// 0, whoever asks: the NUMA node, what a packet has of a socket it does not have, a socket that is not found.
pub(super) fn zero(_: &mut Vm<'_>, _: Args) -> Answer {
    Ok(0)
}

pub(super) fn one(_: &mut Vm<'_>, _: Args) -> Answer {
    Ok(1)
}

/// The user that owns no socket (`overflowuid`).
pub(super) fn overflow_uid(_: &mut Vm<'_>, _: Args) -> Answer {
    Ok(65534)
}

/// A helper on a socket: no program has one.
pub(super) fn no_socket<const ID: i32>(_: &mut Vm<'_>, [socket, ..]: Args) -> Answer {
    Err(bad(ID, 1, socket, "not a socket").into())
}

/// The same, of its second argument.
pub(super) fn no_second_socket<const ID: i32>(_: &mut Vm<'_>, [_, socket, ..]: Args) -> Answer {
    Err(bad(ID, 2, socket, "not a socket").into())
}

pub(super) fn pid_tgid(vm: &mut Vm<'_>, _: Args) -> Answer {
    Ok(vm.world.host.task().pid_tgid)
}

pub(super) fn uid_gid(vm: &mut Vm<'_>, _: Args) -> Answer {
    Ok(vm.world.host.task().uid_gid)
}

pub(super) fn task(vm: &mut Vm<'_>, _: Args) -> Answer {
    Ok(vm.world.host.task().address)
}

pub(super) fn cgroup(vm: &mut Vm<'_>, _: Args) -> Answer {
    Ok(vm.world.host.cgroups().last().copied().unwrap_or(0))
}

pub(super) fn ancestor_cgroup(vm: &mut Vm<'_>, [level, ..]: Args) -> Answer {
    let level = usize::try_from(level as i32).ok();
    Ok(level.and_then(|level| vm.world.host.cgroups().get(level).copied()).unwrap_or(0))
}

pub(super) fn under_cgroup(vm: &mut Vm<'_>, [map, index, ..]: Args) -> Answer {
    let at = vm.map_of(37, 1, map)?;
    let cgroups = vm.world.maps.get(at).filter(|found| found.map_type() == MapType::CgroupArray).cloned();
    let Some(cgroups) = cgroups else { return Err(bad(37, 1, map, "not an array of cgroups").into()) };
    let index = index as u32;
    if index >= cgroups.max_entries() {
        return Ok(error(E2BIG));
    }
    match cgroups.program_held(&index.to_le_bytes()) {
        Some(number) => Ok(vm.world.host.cgroups().contains(&(number as u64)).into()),
        None => Ok(error(EAGAIN)),
    }
}

/// No namespace of the host's is the one that is named.
pub(super) fn ns_pid_tgid(vm: &mut Vm<'_>, [_, _, to, size, _]: Args) -> Answer {
    vm.give_padded(to, &[], size as u32 as usize)?;
    Ok(error(EINVAL))
}

/// Nanoseconds of a tick where the kernel is built with 250 of them a second.
const TICK: u64 = 4_000_000;
/// The count the kernel begins with: five minutes before its low half wraps.
const FIRST_TICK: u64 = (1 << 32) - 300 * 250;

pub(super) fn jiffies(vm: &mut Vm<'_>, _: Args) -> Answer {
    Ok(FIRST_TICK + vm.world.host.now_ns() / TICK)
}

pub(super) fn comm(vm: &mut Vm<'_>, [buffer, size, ..]: Args) -> Answer {
    let comm = vm.world.host.task().comm;
    let size = size as u32 as usize;
    // The last byte stays 0.
    let name = comm.get(..size.saturating_sub(1).min(15)).unwrap_or_default();
    vm.give_padded(buffer, name, size)?;
    Ok(0)
}

pub(super) fn trace_printk(vm: &mut Vm<'_>, [text, size, a, b, c]: Args) -> Answer {
    let template = vm.take(text, size as u32 as usize)?;
    match format::format(vm, template.bytes(), &[a, b, c]) {
        Ok(text) => {
            vm.world.host.print(&String::from_utf8_lossy(&text));
            Ok(text.len() as u64)
        }
        Err(format::Bad) => Ok(error(EINVAL)),
    }
}

/// The arguments of a template; there is nothing to read where there are none, and the pointer may be null.
fn arguments(vm: &Vm<'_>, data: u64, size: usize) -> Result<Vec<u64>, FaultKind> {
    match size {
        0 => Ok(Vec::new()),
        _ => Ok(vm.take(data, size)?.bytes().chunks(8).map(crate::memory::read_le).collect()),
    }
}

pub(super) fn trace_vprintk(vm: &mut Vm<'_>, [text, size, data, data_size, _]: Args) -> Answer {
    let data_size = data_size as u32 as usize;
    if !data_size.is_multiple_of(8) || data_size > 12 * 8 || (data_size != 0 && data == 0) {
        return Ok(error(EINVAL));
    }
    let args = arguments(vm, data, data_size)?;
    let template = vm.take(text, size as u32 as usize)?;
    match format::format(vm, template.bytes(), &args) {
        Ok(text) => {
            vm.world.host.print(&String::from_utf8_lossy(&text));
            Ok(text.len() as u64)
        }
        Err(format::Bad) => Ok(error(EINVAL)),
    }
}

pub(super) fn snprintf(vm: &mut Vm<'_>, [out, out_size, text, data, data_size]: Args) -> Answer {
    let data_size = data_size as u32 as usize;
    if !data_size.is_multiple_of(8) || data_size > 12 * 8 {
        return Ok(error(EINVAL));
    }
    let args = arguments(vm, data, data_size)?;
    let template = vm.take_string(text).ok_or_else(|| bad(165, 3, text, "not a string that ends"))?;
    match format::format(vm, &template, &args) {
        Ok(text) => {
            let size = out_size as u32 as usize;
            vm.check_room(out, size)?;
            let mut shown: Vec<u8> = text.iter().copied().take(size.saturating_sub(1)).collect();
            shown.push(0);
            vm.give(out, shown.get(..size.min(shown.len())).unwrap_or_default())?;
            Ok(text.len() as u64 + 1)
        }
        Err(format::Bad) => Ok(error(EINVAL)),
    }
}

pub(super) fn strncmp(vm: &mut Vm<'_>, [first, size, second, ..]: Args) -> Answer {
    let size = size as u32 as usize;
    let first = vm.take(first, size)?;
    let second = vm.take_string(second).ok_or_else(|| bad(182, 3, second, "not a string that ends"))?;
    for (a, b) in first.bytes().iter().zip(second.iter().chain(std::iter::repeat(&0))) {
        if a != b {
            return Ok((i64::from(*a) - i64::from(*b)).signum() as u64);
        }
        if *a == 0 {
            break;
        }
    }
    Ok(0)
}
