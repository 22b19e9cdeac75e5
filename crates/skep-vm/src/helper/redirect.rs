//! Helpers that send packets elsewhere. The vm has no devices: it notes where a packet would go.

use super::{Answer, Args, EINVAL, bad, context, error};
use crate::context::Kind;
use crate::interpreter::Vm;
use crate::packet::Redirect;
use skep_isa::spec::MapType;

/// `BPF_F_INGRESS`.
const F_INGRESS: u64 = 1;

pub(super) fn redirect(vm: &mut Vm<'_>, [target, flags, ..]: Args) -> Answer {
    let (allowed, refused, accepted) = if vm.kind == Kind::Xdp { (0, 0, 4) } else { (F_INGRESS, 2, 7) };
    if flags & !allowed != 0 {
        return Ok(refused);
    }
    vm.packet.redirects.push(Redirect { target: target as u32, map: None, flags, copy: None });
    Ok(accepted)
}

pub(super) fn clone(vm: &mut Vm<'_>, [skb, target, flags, ..]: Args) -> Answer {
    context(13, skb)?;
    if flags & !F_INGRESS != 0 {
        return Ok(error(EINVAL));
    }
    let copy = Some(vm.packet.frame().to_vec());
    vm.packet.redirects.push(Redirect { target: target as u32, map: None, flags, copy });
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
    vm.packet.redirects.push(Redirect { target: key as u32, map: Some(index), flags, copy: None });
    Ok(4)
}
