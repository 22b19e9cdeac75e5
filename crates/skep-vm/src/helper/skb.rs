//! Helpers on skbs: bytes, lengths, tags, headroom. All of a packet is in one piece.

use super::{Answer, Args, EFAULT, EINVAL, ENOMEM, ENOTSUPP, context, error};
use crate::interpreter::Vm;
use crate::packet::{ETH, IPV4, IPV6, VLAN_AD, VLAN_Q};

/// Longest skb programs may make (`BPF_SKB_MAX_LEN` with pages of 4096 bytes).
const LONGEST: usize = 4 * 4096 - 320;
const F_RECOMPUTE_CSUM: u64 = 1;
const F_INVALIDATE_HASH: u64 = 2;

pub(super) fn load_bytes(vm: &mut Vm<'_>, [skb, offset, to, size, _]: Args) -> Answer {
    context(26, skb)?;
    let base = vm.packet.data;
    copy_out(vm, base, offset as u32, to, size, i32::MAX as u32)
}

pub(super) fn load_bytes_relative(vm: &mut Vm<'_>, [skb, offset, to, size, start]: Args) -> Answer {
    context(68, skb)?;
    let base = match start {
        0 => vm.packet.mac,
        1 => vm.packet.network,
        _ => usize::MAX,
    };
    copy_out(vm, base, offset as u32, to, size, 0xffff)
}

/// Copies packet bytes out; zeros and `EFAULT` where there are not enough.
fn copy_out(vm: &mut Vm<'_>, base: usize, offset: u32, to: u64, size: u64, furthest: u32) -> Answer {
    let size = size as u32 as usize;
    let at = base.checked_add(offset as usize).filter(|_| offset <= furthest);
    let bytes = at.and_then(|at| vm.packet.absolute(at, size)).map(<[u8]>::to_vec);
    match bytes {
        Some(bytes) => {
            vm.give(to, &bytes)?;
            Ok(0)
        }
        None => {
            vm.give_padded(to, &[], size)?;
            Ok(error(EFAULT))
        }
    }
}

pub(super) fn store_bytes(vm: &mut Vm<'_>, [skb, offset, from, size, flags]: Args) -> Answer {
    context(9, skb)?;
    let (offset, size) = (offset as u32, size as u32 as usize);
    let bytes = vm.take(from, size)?;
    if flags & !(F_RECOMPUTE_CSUM | F_INVALIDATE_HASH) != 0 {
        return Ok(error(EINVAL));
    }
    if offset > i32::MAX as u32 {
        return Ok(error(EFAULT));
    }
    match vm.packet.bytes_mut(offset as usize, size) {
        Some(room) => room.copy_from_slice(bytes.bytes()),
        None => return Ok(error(EFAULT)),
    }
    if flags & F_INVALIDATE_HASH != 0 {
        vm.packet.state.hash = 0;
    }
    Ok(0)
}

pub(super) fn vlan_push(vm: &mut Vm<'_>, [skb, protocol, tci, ..]: Args) -> Answer {
    context(18, skb)?;
    // In network order, as the program has it in the packet.
    let protocol = match u16::from_be(protocol as u16) {
        VLAN_AD => VLAN_AD,
        _ => VLAN_Q,
    };
    let packet = &mut *vm.packet;
    if let Some((outer, tag)) = packet.state.vlan.take() {
        packet.insert_tag(outer, tag);
        packet.state.protocol = outer;
    }
    packet.state.vlan = Some((protocol, tci as u16));
    Ok(0)
}

fn is_tag(protocol: u16) -> bool {
    matches!(protocol, VLAN_Q | VLAN_AD)
}

pub(super) fn vlan_pop(vm: &mut Vm<'_>, [skb, ..]: Args) -> Answer {
    context(19, skb)?;
    if vm.packet.state.vlan.take().is_none() {
        if !is_tag(vm.packet.state.protocol) {
            return Ok(0);
        }
        if take_tag(vm).is_none() {
            return Ok(error(ENOMEM));
        }
    }
    // The next tag of the frame becomes the one held back.
    let protocol = vm.packet.state.protocol;
    if is_tag(protocol) {
        match take_tag(vm) {
            Some(tci) => vm.packet.state.vlan = Some((protocol, tci)),
            None => return Ok(error(ENOMEM)),
        }
    }
    Ok(0)
}

/// Takes the tag behind the addresses out of the frame; its control information.
fn take_tag(vm: &mut Vm<'_>) -> Option<u16> {
    let packet = &mut *vm.packet;
    let tci = <[u8; 2]>::try_from(packet.bytes(ETH, 2)?).ok()?;
    packet.bytes(ETH, 4)?;
    packet.state.protocol = packet.protocol_at(ETH + 2);
    packet.remove(12, 4);
    packet.network = packet.network.max(packet.data + ETH);
    Some(u16::from_be_bytes(tci))
}

pub(super) fn change_type(vm: &mut Vm<'_>, [skb, kind, ..]: Args) -> Answer {
    context(32, skb)?;
    // Only host, broadcast, multicast and other host.
    if kind as u32 > 3 || vm.packet.state.pkt_type > 3 {
        return Ok(error(EINVAL));
    }
    vm.packet.state.pkt_type = kind as u8;
    Ok(0)
}

/// A hash of addresses and ports. The kernel's is another one, with a secret key.
pub(super) fn hash_recalc(vm: &mut Vm<'_>, [skb, ..]: Args) -> Answer {
    context(34, skb)?;
    if vm.packet.state.hash == 0 {
        let ip = vm.packet.network;
        let (addresses, ports) = match vm.packet.state.protocol {
            IPV4 => ((ip + 12, 8), (ip + 20, 4)),
            IPV6 => ((ip + 8, 32), (ip + 40, 4)),
            _ => ((vm.packet.mac, 12), (vm.packet.mac + 12, 2)),
        };
        let parts = [addresses, ports].map(|(at, size)| vm.packet.absolute(at, size).unwrap_or_default());
        let hash = parts.concat().iter().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(*b)).wrapping_mul(0x0100_0193));
        vm.packet.state.hash = hash.max(1);
    }
    Ok(vm.packet.state.hash.into())
}

pub(super) fn set_hash_invalid(vm: &mut Vm<'_>, [skb, ..]: Args) -> Answer {
    context(41, skb)?;
    vm.packet.state.hash = 0;
    Ok(0)
}

pub(super) fn set_hash(vm: &mut Vm<'_>, [skb, hash, ..]: Args) -> Answer {
    context(48, skb)?;
    vm.packet.state.hash = hash as u32;
    Ok(0)
}

pub(super) fn pull_data(vm: &mut Vm<'_>, [skb, size, ..]: Args) -> Answer {
    context(39, skb)?;
    Ok(if size as u32 as usize > vm.packet.len() { error(ENOMEM) } else { 0 })
}

pub(super) fn change_tail(vm: &mut Vm<'_>, [skb, size, flags, ..]: Args) -> Answer {
    context(38, skb)?;
    let size = size as u32 as usize;
    let least = vm.packet.network - vm.packet.data;
    if flags != 0 || size > LONGEST || size < least {
        return Ok(error(EINVAL));
    }
    vm.packet.set_len(size);
    Ok(0)
}

pub(super) fn change_head(vm: &mut Vm<'_>, [skb, room, flags, ..]: Args) -> Answer {
    context(43, skb)?;
    let room = room as u32 as usize;
    if flags != 0 || vm.packet.len() + room > LONGEST {
        return Ok(error(EINVAL));
    }
    vm.packet.push(room);
    vm.packet.mac = vm.packet.data;
    Ok(0)
}

/// Flags of `skb_adjust_room` that only say what the new room is for.
const F_ADJUST: u64 = 0x1ff | 0xff << 56;

pub(super) fn adjust_room(vm: &mut Vm<'_>, [skb, change, mode, flags, _]: Args) -> Answer {
    context(50, skb)?;
    let change = change as i32;
    let size = change.unsigned_abs() as usize;
    if flags & !F_ADJUST != 0 {
        return Ok(error(EINVAL));
    }
    if size > 0xfff {
        return Ok(error(EFAULT));
    }
    let base = match vm.packet.state.protocol {
        IPV4 => 20,
        IPV6 => 40,
        _ => return Ok(error(ENOTSUPP)),
    };
    let link = vm.packet.network - vm.packet.data;
    let after = match mode as u32 {
        0 => link + base,
        1 => link,
        _ => return Ok(error(ENOTSUPP)),
    };
    let len = vm.packet.len();
    let payload = len - link;
    if change < 0 {
        if size >= payload || payload - size < base {
            return Ok(error(ENOTSUPP));
        }
        vm.packet.remove(after, size);
        vm.packet.network = vm.packet.data + link;
    } else if change > 0 {
        if len + size > LONGEST {
            return Ok(error(ENOTSUPP));
        }
        vm.packet.insert(after, size);
        vm.packet.network = vm.packet.data + link;
    }
    Ok(0)
}
