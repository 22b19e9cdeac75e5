//! Helpers on Internet checksums (RFC 1071, RFC 1624), with the kernel's rules for flags and zeros.

use super::{Answer, Args, EFAULT, EINVAL, context, error};
use crate::interpreter::Vm;

/// Size of the changed field, 0 for a difference that is given (`BPF_F_HDR_FIELD_MASK`).
const FIELD: u64 = 0xf;
const F_PSEUDO: u64 = 1 << 4;
const F_MARK_MANGLED_0: u64 = 1 << 5;
const F_MARK_ENFORCE: u64 = 1 << 6;
const F_IPV6: u64 = 1 << 7;

/// Sum with the carry taken back in.
fn add(a: u32, b: u32) -> u32 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u32::from(carry)
}

/// Sum of two 16-bit halves, folded once: 16 bits.
fn fold(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    (sum + (sum >> 16)) as u16
}

/// Sum of bytes as 16-bit words in the machine's (little-endian) order.
fn sum(bytes: &[u8], seed: u32) -> u32 {
    bytes.chunks(2).fold(seed, |total, pair| add(total, crate::memory::read_le(pair) as u32))
}

/// What a field's change adds to the sum; `None` for a size that is none.
fn change(from: u64, to: u64, flags: u64) -> Option<u32> {
    match flags & FIELD {
        0 if from == 0 => Some(to as u32),
        2 => Some(add(u32::from(to as u16), u32::from(!(from as u16)))),
        4 => Some(add(to as u32, !(from as u32))),
        _ => None,
    }
}

fn replace(vm: &mut Vm<'_>, offset: u64, change: Option<u32>, mangled: bool, enforce: bool) -> u64 {
    if offset > 0xffff || offset & 1 != 0 {
        return error(EFAULT);
    }
    let Some(Ok(field)) = vm.packet.bytes_mut(offset as usize, 2).map(<&mut [u8; 2]>::try_from) else {
        return error(EFAULT);
    };
    let old = u16::from_le_bytes(*field);
    if mangled && !enforce && old == 0 {
        return 0;
    }
    let Some(change) = change else { return error(EINVAL) };
    let mut new = !fold(add(u32::from(!old), change));
    if mangled && new == 0 {
        new = 0xffff;
    }
    *field = new.to_le_bytes();
    0
}

pub(super) fn l3_replace(vm: &mut Vm<'_>, [skb, offset, from, to, flags]: Args) -> Answer {
    context(10, skb)?;
    if flags & !FIELD != 0 {
        return Ok(error(EINVAL));
    }
    Ok(replace(vm, offset & 0xffff_ffff, change(from, to, flags), false, false))
}

pub(super) fn l4_replace(vm: &mut Vm<'_>, [skb, offset, from, to, flags]: Args) -> Answer {
    context(11, skb)?;
    if flags & !(FIELD | F_PSEUDO | F_MARK_MANGLED_0 | F_MARK_ENFORCE | F_IPV6) != 0 {
        return Ok(error(EINVAL));
    }
    let mangled = flags & F_MARK_MANGLED_0 != 0;
    let enforce = flags & F_MARK_ENFORCE != 0;
    Ok(replace(vm, offset & 0xffff_ffff, change(from, to, flags), mangled, enforce))
}

pub(super) fn diff(vm: &mut Vm<'_>, [from, from_size, to, to_size, seed]: Args) -> Answer {
    let (from_size, to_size) = (from_size as u32 as usize, to_size as u32 as usize);
    if !from_size.is_multiple_of(4) || !to_size.is_multiple_of(4) {
        return Ok(error(EINVAL));
    }
    let seed = seed as u32;
    let mut total = seed;
    if to_size != 0 {
        total = sum(vm.take(to, to_size)?.bytes(), total);
    }
    if from_size != 0 {
        total = add(total, !sum(vm.take(from, from_size)?.bytes(), 0));
    }
    // Since Linux 6.13 the result is folded.
    Ok(fold(total).into())
}
