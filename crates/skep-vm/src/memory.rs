//! Sandbox memory: what a program's pointers are, and the check each access passes.
//!
//! A pointer is a region tag in its high half and an offset in its low half. Tags are even: an offset that borrows or
//! carries by one reaches an odd tag, which is no region. Host memory has no tag, so no program can name it. Stack
//! bytes keep what an earlier run of the same machine left there; they are not zeroed at entry.

use crate::context::{self, Kind};
use crate::fault::{FaultKind, Region};
use crate::interpreter::Vm;

const STACK: u32 = 2;
const CONTEXT: u32 = 4;
const PACKET: u32 = 6;
const KEY: u32 = 8;
/// Map handles: compared and passed on, never dereferenced.
const HANDLE: u32 = 10;
/// Functions of the program, for callbacks: never dereferenced.
const FUNCTION: u32 = 12;
/// The values of map `i` have the tag `MAP + 2 * i`.
const MAP: u32 = 0x100;
/// Most maps of a machine, so that their tags stay below the sign bit.
pub(crate) const MAX_MAPS: usize = 1 << 20;

/// Bytes of a stack frame.
pub(crate) const FRAME: usize = 512;
/// Most frames, the entry's included.
pub(crate) const MAX_FRAMES: usize = 8;
/// Bytes of the whole stack. It grows down: frame 0 is at the top.
pub(crate) const STACK_SIZE: usize = FRAME * MAX_FRAMES;

const fn pointer(tag: u32, offset: usize) -> u64 {
    (tag as u64) << 32 | offset as u32 as u64
}

pub(crate) const fn stack_pointer(offset: usize) -> u64 {
    pointer(STACK, offset)
}

pub(crate) const fn context_pointer() -> u64 {
    pointer(CONTEXT, 0)
}

pub(crate) const fn packet_pointer(offset: usize) -> u64 {
    pointer(PACKET, offset)
}

pub(crate) const fn key_pointer(offset: usize) -> u64 {
    pointer(KEY, offset)
}

pub(crate) const fn map_handle(index: usize) -> u64 {
    pointer(HANDLE, index)
}

pub(crate) const fn function_pointer(slot: usize) -> u64 {
    pointer(FUNCTION, slot)
}

pub(crate) const fn map_value_pointer(index: usize, offset: usize) -> u64 {
    pointer(MAP + 2 * index as u32, offset)
}

/// The other form of an arena's address: the low half is the same in both, and null stays null.
pub(crate) const fn arena_pointer(high: u64, address: u64) -> u64 {
    match address as u32 {
        0 => 0,
        low => high >> 32 << 32 | low as u64,
    }
}

const fn tag(address: u64) -> u32 {
    (address >> 32) as u32
}

const fn offset(address: u64) -> usize {
    address as u32 as usize
}

/// Index of the map a handle stands for.
pub(crate) fn handle_index(value: u64) -> Option<usize> {
    (tag(value) == HANDLE).then_some(offset(value))
}

/// Slot of the function a pointer stands for.
pub(crate) fn function_slot(value: u64) -> Option<usize> {
    (tag(value) == FUNCTION).then_some(offset(value))
}

/// True for a pointer to the context.
pub(crate) fn is_context(value: u64) -> bool {
    value == context_pointer()
}

/// True for any address in the context.
pub(crate) fn is_context_region(address: u64) -> bool {
    tag(address) == CONTEXT
}

/// Index of the map a value pointer belongs to, and the offset in its values.
pub(crate) fn map_value(value: u64) -> Option<(usize, usize)> {
    let index = map_index(tag(value));
    (index < MAX_MAPS).then_some((index, offset(value)))
}

/// The map a tag belongs to; no such index exists for any other tag, odd ones included.
const fn map_index(tag: u32) -> usize {
    tag.wrapping_sub(MAP).rotate_right(1) as usize
}

/// Up to eight little-endian bytes as a number.
pub(crate) fn read_le(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

impl Vm<'_> {
    /// `size` readable bytes at an address; `None` is a fault, see [`Vm::fault`].
    #[inline(always)]
    fn at(&self, address: u64, size: usize) -> Option<&[u8]> {
        let offset = offset(address);
        match tag(address) {
            STACK if offset < self.stack_low => None,
            STACK => self.world.stack.get(offset..offset + size),
            PACKET if self.packet.holds(offset, size) => self.packet.buffer.get(offset..offset + size),
            PACKET => None,
            KEY => self.world.keys.get(offset..offset + size),
            tag => self.world.maps.get(map_index(tag))?.window(offset, size),
        }
    }

    /// `size` writable bytes at an address.
    #[inline(always)]
    fn at_mut(&mut self, address: u64, size: usize) -> Option<&mut [u8]> {
        let offset = offset(address);
        match tag(address) {
            STACK if offset < self.stack_low => None,
            STACK => self.world.stack.get_mut(offset..offset + size),
            PACKET if self.packet.writable && self.packet.holds(offset, size) => {
                self.packet.buffer.get_mut(offset..offset + size)
            }
            PACKET | KEY => None,
            tag => self.world.maps.get_mut(map_index(tag))?.window_mut(offset, size),
        }
    }

    /// Loads `N` bytes as a number.
    #[inline(always)]
    pub(crate) fn load<const N: usize>(&self, address: u64) -> Result<u64, FaultKind> {
        match self.at(address, N) {
            Some(bytes) => Ok(number::<N>(bytes)),
            None if tag(address) == CONTEXT => self.load_context(address, N),
            None => Err(self.fault(address, N, false)),
        }
    }

    #[inline(never)]
    fn load_context(&self, address: u64, size: usize) -> Result<u64, FaultKind> {
        context::load(self.kind, self.packet, offset(address), size).ok_or_else(|| self.fault(address, size, false))
    }

    /// Stores the low `N` bytes of a number.
    #[inline(always)]
    pub(crate) fn store<const N: usize>(&mut self, address: u64, value: u64) -> Result<(), FaultKind> {
        match self.at_mut(address, N) {
            Some(bytes) => {
                if let Some((head, _)) = bytes.split_first_chunk_mut::<N>()
                    && let Some((low, _)) = value.to_le_bytes().split_first_chunk::<N>()
                {
                    *head = *low;
                }
                Ok(())
            }
            None if tag(address) == CONTEXT => self.store_context(address, N, value),
            None => Err(self.fault(address, N, true)),
        }
    }

    #[inline(never)]
    fn store_context(&mut self, address: u64, size: usize, value: u64) -> Result<(), FaultKind> {
        context::store(self.kind, self.packet, offset(address), size, value).map_err(|refusal| match refusal {
            context::Refusal::ReadOnly => FaultKind::ReadOnly { region: Region::Context },
            _ => self.fault(address, size, true),
        })
    }

    /// Readable bytes, for helpers.
    #[inline]
    pub(crate) fn bytes(&self, address: u64, size: usize) -> Result<&[u8], FaultKind> {
        self.works(size);
        self.at(address, size).ok_or_else(|| self.fault(address, size, false))
    }

    /// Writable bytes, for helpers.
    pub(crate) fn bytes_mut(&mut self, address: u64, size: usize) -> Result<&mut [u8], FaultKind> {
        self.works(size);
        // The check is made twice because the borrow would outlive the error's.
        if self.at_mut(address, size).is_none() {
            return Err(self.fault(address, size, true));
        }
        self.at_mut(address, size).ok_or(FaultKind::BadPointer { value: address })
    }

    /// Checks that an atomic access lies as its size wants.
    #[inline]
    pub(crate) fn aligned(&self, address: u64, size: usize) -> Result<(), FaultKind> {
        // The packet's first byte counts as aligned, wherever it stands in its buffer.
        let begin = if tag(address) == PACKET { self.packet.data } else { 0 };
        if offset(address).wrapping_sub(begin).is_multiple_of(size) {
            Ok(())
        } else {
            Err(self.misaligned(address, size))
        }
    }

    #[cold]
    fn misaligned(&self, address: u64, size: usize) -> FaultKind {
        match self.fault(address, size, false) {
            FaultKind::OutOfBounds { region, offset, size } if self.at(address, size).is_some() => {
                FaultKind::Misaligned { region, offset, size }
            }
            other => other,
        }
    }

    /// Says why an access was refused.
    #[cold]
    #[inline(never)]
    fn fault(&self, address: u64, size: usize, write: bool) -> FaultKind {
        let at = offset(address) as i64;
        let (region, begin) = match tag(address) {
            STACK => (Region::Stack, self.stack_low as i64),
            CONTEXT => (Region::Context, 0),
            PACKET if self.kind == Kind::Memory => (Region::Memory, self.packet.data as i64),
            PACKET => (Region::Packet, self.packet.data as i64),
            KEY => (Region::Key, 0),
            tag => match self.world.maps.get(map_index(tag)) {
                Some(map) => (Region::Map(map_index(tag)), map.value_begin(offset(address)) as i64),
                None => return FaultKind::BadPointer { value: address },
            },
        };
        if write && self.at(address, size).is_some() {
            return FaultKind::ReadOnly { region };
        }
        FaultKind::OutOfBounds { region, offset: at - begin, size }
    }
}

/// The first `N` bytes as a number.
#[inline(always)]
fn number<const N: usize>(bytes: &[u8]) -> u64 {
    let mut wide = [0; 8];
    if let Some((head, _)) = bytes.split_first_chunk::<N>()
        && let Some((low, _)) = wide.split_first_chunk_mut::<N>()
    {
        *low = *head;
    }
    u64::from_le_bytes(wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_even_tags_from_the_first_name_maps() {
        assert_eq!(map_index(MAP), 0);
        assert_eq!(map_index(MAP + 2), 1);
        assert!(map_index(MAP + 1) >= MAX_MAPS);
        for tag in [0, 1, STACK, CONTEXT, PACKET, KEY, HANDLE, FUNCTION, MAP - 2, u32::MAX] {
            assert!(map_index(tag) >= MAX_MAPS, "{tag}");
        }
    }
}
