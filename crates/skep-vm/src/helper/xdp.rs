//! Helpers on XDP frames, with the room of the kernel's test run: 256 bytes in front, a page in all.

use super::{Answer, Args, EACCES, EINVAL, context, error};
use crate::interpreter::Vm;
use crate::packet::{ETH, XDP_RESERVED};

/// Most bytes of metadata, a multiple of 4.
const MOST_META: usize = 252;

/// A place moved by a signed distance.
fn moved(place: usize, distance: u64) -> Option<usize> {
    place.checked_add_signed(distance as i32 as isize)
}

pub(super) fn adjust_head(vm: &mut Vm<'_>, [xdp, distance, ..]: Args) -> Answer {
    context(44, xdp)?;
    let packet = &mut *vm.packet;
    let meta_len = packet.data - packet.meta;
    let allowed = |data: &usize| *data >= XDP_RESERVED + meta_len && *data + ETH <= packet.end;
    let Some(data) = moved(packet.data, distance).filter(allowed) else {
        return Ok(error(EINVAL));
    };
    packet.buffer.copy_within(packet.meta..packet.data, data - meta_len);
    (packet.meta, packet.data) = (data - meta_len, data);
    Ok(0)
}

pub(super) fn adjust_meta(vm: &mut Vm<'_>, [xdp, distance, ..]: Args) -> Answer {
    context(54, xdp)?;
    let packet = &mut *vm.packet;
    let data = packet.data;
    let allowed = |meta: &usize| *meta >= XDP_RESERVED && *meta <= data;
    match moved(packet.meta, distance).filter(allowed) {
        Some(meta) if (data - meta).is_multiple_of(4) && data - meta <= MOST_META => {
            packet.meta = meta;
            Ok(0)
        }
        Some(_) => Ok(error(EACCES)),
        None => Ok(error(EINVAL)),
    }
}

pub(super) fn adjust_tail(vm: &mut Vm<'_>, [xdp, distance, ..]: Args) -> Answer {
    context(65, xdp)?;
    let packet = &mut *vm.packet;
    let limit = packet.xdp_limit().max(packet.end);
    let allowed = |end: &usize| *end <= limit && *end >= packet.data + ETH;
    match moved(packet.end, distance).filter(allowed) {
        // The rest of a frame in several buffers is not modelled.
        Some(_) if packet.tail != packet.end => Ok(error(EINVAL)),
        Some(end) => {
            packet.set_len(end - packet.data);
            Ok(0)
        }
        None => Ok(error(EINVAL)),
    }
}

pub(super) fn buff_len(vm: &mut Vm<'_>, [xdp, ..]: Args) -> Answer {
    context(188, xdp)?;
    Ok(vm.packet.len() as u64)
}

pub(super) fn load_bytes(vm: &mut Vm<'_>, [xdp, offset, to, size, _]: Args) -> Answer {
    context(189, xdp)?;
    let (offset, size) = (offset as u32 as usize, size as u32 as usize);
    if offset > 0xffff || size > 0xffff || offset + size > vm.packet.len() {
        return Ok(error(EINVAL));
    }
    let whole = vm.packet.frame().get(offset..offset + size).unwrap_or_default().to_vec();
    vm.give(to, &whole)?;
    Ok(0)
}

pub(super) fn store_bytes(vm: &mut Vm<'_>, [xdp, offset, from, size, _]: Args) -> Answer {
    context(190, xdp)?;
    let (offset, size) = (offset as u32 as usize, size as u32 as usize);
    if offset > 0xffff || size > 0xffff || offset + size > vm.packet.len() {
        return Ok(error(EINVAL));
    }
    let bytes = vm.take(from, size)?;
    let at = vm.packet.data + offset;
    if let Some(room) = vm.packet.buffer.get_mut(at..at + size) {
        room.copy_from_slice(bytes.bytes());
    }
    Ok(0)
}
