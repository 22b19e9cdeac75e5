//! Helpers that send packets elsewhere. The vm has no devices: it notes where a packet would go.

use super::{Answer, Args, EINVAL, bad, context, error};
use crate::context::Kind;
use crate::interpreter::Vm;
use crate::packet::Redirect;
use skep_isa::spec::MapType;

/// `BPF_F_INGRESS`.
const F_INGRESS: u64 = 1;
/// Redirects and copies noted in one run; more are answered as a kernel without memory would.
const MOST: usize = 256;
const ENOMEM: i64 = 12;

/// Notes where the packet, or a copy of it, goes; false when there are too many.
fn note(vm: &mut Vm<'_>, redirect: Redirect) -> bool {
    let room = vm.packet.redirects.len() < MOST;
    if room {
        vm.packet.redirects.push(redirect);
    }
    room
}

pub(super) fn redirect(vm: &mut Vm<'_>, [target, flags, ..]: Args) -> Answer {
    let (allowed, refused, accepted) = if vm.kind == Kind::Xdp { (0, 0, 4) } else { (F_INGRESS, 2, 7) };
    if flags & !allowed != 0 {
        return Ok(refused);
    }
    let noted = note(vm, Redirect { target: target as u32, map: None, flags, copy: None });
    Ok(if noted { accepted } else { refused })
}

/// Where a redirect goes is filled in by the neighbour table (`BPF_F_NEIGH`); this flag is the kernel's own.
const F_NEIGH: u64 = 1 << 16;
/// It goes to the device at the other end (`BPF_F_PEER`).
const F_PEER: u64 = 1 << 17;
/// The next hop was given (`BPF_F_NEXTHOP`).
const F_NEXTHOP: u64 = 1 << 18;
/// Bytes of `struct bpf_redir_neigh`.
const NEIGH_SIZE: i32 = 20;

fn redirect_as(vm: &mut Vm<'_>, target: u64, flags: u64) -> Answer {
    let noted = note(vm, Redirect { target: target as u32, map: None, flags, copy: None });
    Ok(if noted { 7 } else { 2 })
}

pub(super) fn redirect_peer(vm: &mut Vm<'_>, [target, flags, ..]: Args) -> Answer {
    if flags != 0 { Ok(2) } else { redirect_as(vm, target, F_PEER) }
}

pub(super) fn redirect_neigh(vm: &mut Vm<'_>, [target, hop, hop_size, flags, _]: Args) -> Answer {
    let hop_size = hop_size as i32;
    if flags != 0 || (hop_size != 0 && hop_size < NEIGH_SIZE) {
        return Ok(2);
    }
    if hop_size == 0 {
        return redirect_as(vm, target, F_NEIGH);
    }
    vm.take(hop, hop_size as usize)?;
    redirect_as(vm, target, F_NEIGH | F_NEXTHOP)
}

pub(super) fn clone(vm: &mut Vm<'_>, [skb, target, flags, ..]: Args) -> Answer {
    context(13, skb)?;
    if flags & !F_INGRESS != 0 {
        return Ok(error(EINVAL));
    }
    if vm.packet.redirects.len() >= MOST {
        return Ok(error(ENOMEM));
    }
    let copy = Some(vm.packet.frame().to_vec());
    note(vm, Redirect { target: target as u32, map: None, flags, copy });
    Ok(0)
}

/// Flags of `redirect_map`: the low two bits are what is returned when the key is absent.
const ACTION: u64 = 3;
const F_BROADCAST: u64 = 1 << 3;
const F_EXCLUDE_INGRESS: u64 = 1 << 4;

pub(super) fn redirect_map(vm: &mut Vm<'_>, [map, key, flags, ..]: Args) -> Answer {
    use MapType::{Cpumap, Devmap, DevmapHash, Xskmap};
    let index = vm.map_of(51, 1, map)?;
    let allowed = match vm.world.maps.get(index).map(|map| map.map_type()) {
        Some(Devmap | DevmapHash) => ACTION | F_BROADCAST | F_EXCLUDE_INGRESS,
        Some(Cpumap | Xskmap) => ACTION,
        _ => return Err(bad(51, 1, map, "not a map of devices, CPUs or sockets").into()),
    };
    if flags & !allowed != 0 {
        return Ok(0);
    }
    let value = vm.world.maps.get(index).and_then(|map| map.lookup(&(key as u32).to_le_bytes()));
    let there = value.is_some_and(|value| value.iter().take(4).any(|byte| *byte != 0));
    if !there && flags & F_BROADCAST == 0 {
        return Ok(flags & ACTION);
    }
    let noted = note(vm, Redirect { target: key as u32, map: Some(index), flags, copy: None });
    Ok(if noted { 4 } else { flags & ACTION })
}
