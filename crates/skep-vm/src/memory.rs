//! Sandbox memory: what a program's pointers are, and the check each access passes.
//!
//! A pointer is a region tag in its high half and an offset in its low half. Tags are even: an offset that borrows or
//! carries by one reaches an odd tag, which is no region. Host memory has no tag, so no program can name it. Stack
//! bytes keep what an earlier run of the same machine left there; they are not zeroed at entry.

use crate::context::{self, Kind};
use crate::fault::{FaultKind, Region};
use crate::interpreter::Vm;
use crate::map::Map;
use crate::mem::{Change, Memory};

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

/// Bytes taken from the sandbox; small ones without an allocation.
pub(crate) enum Taken {
    Small([u8; 64], usize),
    Large(Vec<u8>),
}

impl Taken {
    fn of(bytes: &[u8]) -> Taken {
        let mut small = [0; 64];
        match small.get_mut(..bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                Taken::Small(small, bytes.len())
            }
            None => Taken::Large(bytes.to_vec()),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Taken::Small(bytes, len) => bytes.get(..*len).unwrap_or_default(),
            Taken::Large(bytes) => bytes,
        }
    }
}

/// A record of a ring buffer that the running program has reserved and not finished.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub(crate) map: usize,
    /// Offset of its data in the map's region.
    pub(crate) offset: usize,
    pub(crate) size: usize,
}

impl Vm<'_> {
    /// `size` readable bytes at an address of memory that is this CPU's alone; `None` for any other, and what is no
    /// memory.
    #[inline(always)]
    pub(crate) fn own(&self, address: u64, size: usize) -> Option<&[u8]> {
        let offset = offset(address);
        match tag(address) {
            STACK if offset < self.stack_low => None,
            STACK => self.world.stack.get(offset..offset + size),
            PACKET if self.packet.holds(offset, size) => self.packet.buffer.get(offset..offset + size),
            KEY => self.world.keys.get(offset..offset + size),
            _ => None,
        }
    }

    /// The same, to write.
    #[inline(always)]
    fn own_mut(&mut self, address: u64, size: usize) -> Option<&mut [u8]> {
        let offset = offset(address);
        match tag(address) {
            STACK if offset < self.stack_low => None,
            STACK => self.world.stack.get_mut(offset..offset + size),
            PACKET if self.packet.writable && self.packet.holds(offset, size) => {
                self.packet.buffer.get_mut(offset..offset + size)
            }
            _ => None,
        }
    }

    /// The map whose region an address is in.
    #[inline(always)]
    fn map_at(&self, address: u64) -> Option<&Map> {
        self.world.maps.get(map_index(tag(address))).map(|map| &**map)
    }

    /// The open record that holds so many bytes at an address: its ring's memory.
    #[cold]
    fn record(&self, address: u64, size: usize) -> Option<&Memory> {
        let (map, at) = (map_index(tag(address)), offset(address));
        let holds = |open: &Open| open.map == map && at >= open.offset && at + size <= open.offset + open.size;
        self.world.open.iter().find(|open| holds(open))?;
        Some(self.world.maps.get(map)?.ring()?.bytes())
    }

    /// Loads `N` bytes as a number.
    #[inline(always)]
    pub(crate) fn load<const N: usize>(&self, address: u64) -> Result<u64, FaultKind> {
        let at = offset(address);
        let found = match tag(address) {
            STACK | PACKET | KEY => self.own(address, N).map(number::<N>),
            CONTEXT => return self.load_context(address, N),
            _ => self.map_at(address).and_then(|map| map.load::<N>(at)),
        };
        match found {
            Some(value) => Ok(value),
            None => self.load_record::<N>(address),
        }
    }

    #[inline(never)]
    fn load_record<const N: usize>(&self, address: u64) -> Result<u64, FaultKind> {
        let low = offset(address);
        let arena = self.map_at(address).and_then(|map| map.load_arena::<N>(low));
        let found = arena.or_else(|| self.record(address, N).and_then(|memory| memory.load::<N>(low)));
        found.ok_or_else(|| self.fault(address, N, false))
    }

    #[inline(never)]
    fn load_context(&self, address: u64, size: usize) -> Result<u64, FaultKind> {
        context::load(self.kind, self.packet, offset(address), size).ok_or_else(|| self.fault(address, size, false))
    }

    /// Stores the low `N` bytes of a number.
    #[inline(always)]
    pub(crate) fn store<const N: usize>(&mut self, address: u64, value: u64) -> Result<(), FaultKind> {
        let stored = match tag(address) {
            STACK | PACKET => self.own_mut(address, N).map(|bytes| {
                if let Some((head, _)) = bytes.split_first_chunk_mut::<N>()
                    && let Some((low, _)) = value.to_le_bytes().split_first_chunk::<N>()
                {
                    *head = *low;
                }
            }),
            CONTEXT => return self.store_context(address, N, value),
            _ => self.map_at(address).and_then(|map| map.store::<N>(offset(address), value)),
        };
        match stored {
            Some(()) => Ok(()),
            None => self.store_record::<N>(address, value),
        }
    }

    #[inline(never)]
    fn store_record<const N: usize>(&self, address: u64, value: u64) -> Result<(), FaultKind> {
        let low = offset(address);
        let arena = self.map_at(address).and_then(|map| map.store_arena::<N>(low, value));
        let stored = arena.or_else(|| self.record(address, N).and_then(|memory| memory.store::<N>(low, value)));
        stored.ok_or_else(|| self.fault(address, N, true))
    }

    #[inline(never)]
    fn store_context(&mut self, address: u64, size: usize, value: u64) -> Result<(), FaultKind> {
        context::store(self.kind, self.packet, offset(address), size, value).map_err(|refusal| match refusal {
            context::Refusal::ReadOnly => FaultKind::ReadOnly { region: Region::Context },
            _ => self.fault(address, size, true),
        })
    }

    /// Changes 4 or 8 bytes in one step, as all CPUs see it; the old ones.
    pub(crate) fn change<const N: usize>(
        &mut self,
        address: u64,
        change: Change,
        operand: u64,
    ) -> Result<u64, FaultKind> {
        let at = offset(address);
        match tag(address) {
            STACK | PACKET | KEY | CONTEXT => {
                let old = self.load::<N>(address)?;
                self.store::<N>(address, change.apply(old, operand))?;
                Ok(old)
            }
            _ => {
                let old = self.map_at(address).and_then(|map| map.change::<N>(at, change, operand));
                let in_record = || self.record(address, N)?.change::<N>(at, change, operand);
                old.or_else(in_record).ok_or_else(|| self.fault(address, N, true))
            }
        }
    }

    /// Copies bytes out of the sandbox, for helpers.
    #[inline]
    pub(crate) fn take(&self, address: u64, size: usize) -> Result<Taken, FaultKind> {
        self.works(size);
        match self.own(address, size) {
            Some(bytes) => Ok(Taken::of(bytes)),
            None => self.take_shared(address, size),
        }
    }

    #[inline(never)]
    fn take_shared(&self, address: u64, size: usize) -> Result<Taken, FaultKind> {
        let mut small = [0; 64];
        if let Some(room) = small.get_mut(..size) {
            self.copy_out(address, room).ok_or_else(|| self.fault(address, size, false))?;
            return Ok(Taken::Small(small, size));
        }
        // Nobody's size is taken for an allocation before it is known that there is so much.
        let most = self.map_at(address).map_or(0, Map::longest);
        if size > most {
            return Err(self.fault(address, size, false));
        }
        let mut large = vec![0; size];
        self.copy_out(address, &mut large).ok_or_else(|| self.fault(address, size, false))?;
        Ok(Taken::Large(large))
    }

    fn copy_out(&self, address: u64, to: &mut [u8]) -> Option<()> {
        let at = offset(address);
        match self.map_at(address)?.copy_out(at, to) {
            Some(()) => Some(()),
            None => self.record(address, to.len())?.copy_out(at, to),
        }
    }

    /// Copies bytes into the sandbox, for helpers.
    pub(crate) fn give(&mut self, address: u64, bytes: &[u8]) -> Result<(), FaultKind> {
        self.works(bytes.len());
        if let Some(room) = self.own_mut(address, bytes.len()) {
            room.copy_from_slice(bytes);
            return Ok(());
        }
        let at = offset(address);
        let in_map = self.map_at(address).and_then(|map| map.copy_in(at, bytes));
        let in_record = || self.record(address, bytes.len())?.copy_in(at, bytes);
        in_map.or_else(in_record).ok_or_else(|| self.fault(address, bytes.len(), true))
    }

    /// Checks that so many bytes at an address can be written.
    pub(crate) fn check_room(&mut self, address: u64, size: usize) -> Result<(), FaultKind> {
        let is_own = self.own_mut(address, size).is_some();
        let is_shared = || self.map_at(address).is_some_and(|map| map.has_room(offset(address), size));
        if is_own || is_shared() || self.record(address, size).is_some() {
            return Ok(());
        }
        Err(self.fault(address, size, true))
    }

    /// Copies bytes into the sandbox and zeros behind them, `size` in all; what does not fit into `size` is left out.
    pub(crate) fn give_padded(&mut self, address: u64, bytes: &[u8], size: usize) -> Result<(), FaultKind> {
        self.check_room(address, size)?;
        let mut padded = vec![0; size];
        padded.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        self.give(address, &padded)
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
            FaultKind::OutOfBounds { region, offset, size } if self.is_readable(address, size) => {
                FaultKind::Misaligned { region, offset, size }
            }
            other => other,
        }
    }

    /// Says why an access was refused.
    #[cold]
    #[inline(never)]
    pub(crate) fn fault(&self, address: u64, size: usize, write: bool) -> FaultKind {
        let at = offset(address) as i64;
        let (region, begin) = match tag(address) {
            STACK => (Region::Stack, self.stack_low as i64),
            CONTEXT => (Region::Context, 0),
            PACKET if self.kind == Kind::Memory => (Region::Memory, self.packet.data as i64),
            PACKET => (Region::Packet, self.packet.data as i64),
            KEY => (Region::Key, 0),
            tag => match self.map_at(address) {
                Some(map) => (Region::Map(map_index(tag)), self.begin_in(map, map_index(tag), offset(address))),
                None => return FaultKind::BadPointer { value: address },
            },
        };
        if write && self.is_readable(address, size) {
            return FaultKind::ReadOnly { region };
        }
        FaultKind::OutOfBounds { region, offset: at - begin, size }
    }

    fn is_readable(&self, address: u64, size: usize) -> bool {
        match self.map_at(address) {
            Some(map) => map.has_bytes(offset(address), size) || self.record(address, size).is_some(),
            None => self.own(address, size).is_some(),
        }
    }

    /// Where the value, or the open record at or before an offset of a map, begins.
    fn begin_in(&self, map: &Map, index: usize, offset: usize) -> i64 {
        if map.ring().is_none() {
            return map.value_begin(offset) as i64;
        }
        let begins = self.world.open.iter().filter(|open| open.map == index).map(|open| open.offset);
        begins.filter(|begin| *begin <= offset).max().unwrap_or(0) as i64
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
