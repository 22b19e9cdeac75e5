//! Helpers on what is around a packet: tunnels, IP versions, congestion, time stamps, confirmed sums.

use super::{Answer, Args, EACCES, EINVAL, ENOENT, ENOMEM, ENOTSUPP, EOPNOTSUPP, EPROTO, context, error};
use crate::interpreter::Vm;
use crate::packet::{IPV4, IPV6, TunnelKey};

/// Bytes of `struct bpf_tunnel_key`, and of its older forms.
const KEY_SIZE: usize = 44;
const OLDER_KEYS: [usize; 4] = [8, 22, 24, 28];
/// The key's addresses are of IPv6.
const F_IPV6: u64 = 1;
/// Flags of a key that is set: without sum, not to be cut, with numbers, without key.
const F_KEY: u64 = F_IPV6 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4;

/// What the program itself has set; a packet of the vm came through no tunnel.
pub(super) fn get_tunnel_key(vm: &mut Vm<'_>, [skb, to, size, flags, _]: Args) -> Answer {
    context(20, skb)?;
    let size = size as u32 as usize;
    vm.give_padded(to, &[], size)?;
    // Of a key for the way out the kernel tells nothing but this either: addresses are those of the way in.
    match vm.packet.tunnel_key {
        None => Ok(error(EINVAL)),
        Some(_) if flags & !(F_IPV6 | 1 << 4) != 0 => Ok(error(EINVAL)),
        Some(key) if key.flags & F_IPV6 != flags & F_IPV6 => Ok(error(EPROTO)),
        Some(_) if size != KEY_SIZE => Ok(error(EINVAL)),
        Some(key) => {
            // Each end sees itself as the local one.
            let bytes = swapped(&key.bytes, if key.flags & F_IPV6 == 0 { 4 } else { 16 }).unwrap_or(key.bytes);
            vm.give(to, &bytes)?;
            Ok(0)
        }
    }
}

/// A key with its two addresses of some bytes in each other's place, and zeros behind them.
fn swapped(key: &[u8; KEY_SIZE], address: usize) -> Option<[u8; KEY_SIZE]> {
    let mut other = *key;
    for (to, from) in [(4, 28), (28, 4)] {
        other.get_mut(to..to + 16)?.fill(0);
        other.get_mut(to..to + address)?.copy_from_slice(key.get(from..from + address)?);
    }
    Some(other)
}

pub(super) fn set_tunnel_key(vm: &mut Vm<'_>, [skb, from, size, flags, _]: Args) -> Answer {
    context(21, skb)?;
    let size = size as u32 as usize;
    let given = vm.take(from, size)?;
    if flags & !F_KEY != 0 || (size != KEY_SIZE && !OLDER_KEYS.contains(&size)) {
        return Ok(error(EINVAL));
    }
    let mut bytes = [0; KEY_SIZE];
    bytes.iter_mut().zip(given.bytes()).for_each(|(to, from)| *to = *from);
    let word = |at: usize, size: usize| bytes.get(at..at + size).is_some_and(|part| part.iter().any(|b| *b != 0));
    // The label is IPv6's, and the spare bytes are to be 0.
    if (flags & F_IPV6 == 0 && word(24, 4)) || word(22, 2) {
        return Ok(error(EINVAL));
    }
    vm.packet.tunnel_key = Some(TunnelKey { bytes, flags });
    Ok(0)
}

pub(super) fn get_tunnel_opt(vm: &mut Vm<'_>, [skb, to, size, ..]: Args) -> Answer {
    context(29, skb)?;
    vm.give_padded(to, &[], size as u32 as usize)?;
    Ok(error(ENOENT))
}

/// Nor through IPsec.
pub(super) fn get_xfrm_state(vm: &mut Vm<'_>, [skb, _, to, size, _]: Args) -> Answer {
    context(66, skb)?;
    vm.give_padded(to, &[], size as u32 as usize)?;
    Ok(error(EINVAL))
}

/// Bytes that the header of IPv6 has more than that of IPv4.
const MORE: usize = 20;

pub(super) fn change_proto(vm: &mut Vm<'_>, [skb, protocol, flags, ..]: Args) -> Answer {
    context(31, skb)?;
    if flags != 0 {
        return Ok(error(EINVAL));
    }
    let packet = &mut *vm.packet;
    let link = packet.network - packet.data;
    let to = u16::from_be(protocol as u16);
    match (packet.state.protocol, to) {
        (IPV4, IPV6) => packet.insert(link, MORE),
        (IPV6, IPV4) if packet.len() < link + MORE => return Ok(error(ENOMEM)),
        (IPV6, IPV4) => packet.remove(link, MORE),
        _ => return Ok(error(ENOTSUPP)),
    }
    packet.network = packet.data + link;
    packet.state.protocol = to;
    packet.state.hash = 0;
    Ok(0)
}

/// Codepoints of the two bits of congestion: both set is "congestion experienced", none "not capable".
const CE: u8 = 3;

pub(super) fn ecn_set_ce(vm: &mut Vm<'_>, [skb, ..]: Args) -> Answer {
    context(97, skb)?;
    let network = vm.packet.network;
    let least = match vm.packet.state.protocol {
        IPV4 => 20,
        IPV6 => 40,
        _ => return Ok(0),
    };
    if vm.packet.tail < network + least {
        return Ok(0);
    }
    let Some(header) = vm.packet.buffer.get_mut(network..network + least) else { return Ok(0) };
    if let [_, second, ..] = header
        && least == 40
    {
        // The class is in the low half of the first byte and the high half of the second.
        if *second >> 4 & CE == 0 {
            return Ok(0);
        }
        *second |= CE << 4;
        return Ok(1);
    }
    let [_, tos, _, _, _, _, _, _, _, _, high, low, ..] = header else { return Ok(0) };
    match *tos & CE {
        0 => return Ok(0),
        CE => return Ok(1),
        _ => {}
    }
    // The sum falls by what the byte grows: its complement is added, with the carry.
    let grows = u16::from((*tos | CE) - *tos);
    let (sum, carry) = u16::from_be_bytes([*high, *low]).overflowing_add(!grows);
    [*high, *low] = (sum + u16::from(carry)).to_be_bytes();
    *tos |= CE;
    Ok(1)
}

/// Most confirmed sums, less one.
const MOST_LEVEL: u8 = 3;

pub(super) fn csum_level(vm: &mut Vm<'_>, [skb, what, ..]: Args) -> Answer {
    context(135, skb)?;
    let level = &mut vm.packet.state.csum_level;
    match what {
        0 => return Ok(level.map_or(error(EACCES), u64::from)),
        1 => *level = Some(level.map_or(0, |level| (level + 1).min(MOST_LEVEL))),
        2 => *level = level.and_then(|level| level.checked_sub(1)),
        3 => *level = None,
        _ => return Ok(error(EINVAL)),
    }
    Ok(0)
}

pub(super) fn set_tstamp(vm: &mut Vm<'_>, [skb, tstamp, clock, ..]: Args) -> Answer {
    context(192, skb)?;
    let state = &mut vm.packet.state;
    if !matches!(state.protocol, IPV4 | IPV6) {
        return Ok(error(EOPNOTSUPP));
    }
    match clock as u32 {
        0 => {}
        1 | 2 if tstamp != 0 => {}
        _ => return Ok(error(EINVAL)),
    }
    (state.tstamp, state.tstamp_type) = (tstamp, clock as u8);
    Ok(0)
}
