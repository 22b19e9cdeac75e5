//! Helpers on maps, and those that call back into the program.

use std::sync::Arc;

use skep_isa::spec::MapType;

use super::{Answer, Args, E2BIG, EINVAL, bad, error};
use crate::fault::{FaultKind, Region};
use crate::interpreter::Vm;
use crate::map::{Map, MapError};
use crate::memory::{Taken, function_slot, handle_index, key_pointer, map_handle, map_value_pointer};

impl Vm<'_> {
    /// The index of the map an argument names.
    #[inline]
    pub(crate) fn map_of(&self, id: i32, argument: u8, value: u64) -> Result<usize, FaultKind> {
        handle_index(value)
            .filter(|index| *index < self.world.maps.len())
            .ok_or_else(|| bad(id, argument, value, "not a map"))
    }

    fn key(&self, index: usize, address: u64) -> Result<Taken, FaultKind> {
        let size = self.world.maps.get(index).map_or(0, |map| map.key_size() as usize);
        self.take(address, size)
    }

    /// Refuses changes to a map its programs may only read.
    fn changes(&self, index: usize) -> Result<(), FaultKind> {
        match self.world.maps.get(index) {
            Some(map) if map.program_writes() && !is_users(map.map_type()) => Ok(()),
            _ => Err(FaultKind::ReadOnly { region: Region::Map(index) }),
        }
    }

    fn function_of(&self, id: i32, value: u64) -> Result<usize, FaultKind> {
        function_slot(value).ok_or_else(|| bad(id, 2, value, "not a function of the program"))
    }
}

/// Maps of things that user space alone puts in.
fn is_users(map_type: MapType) -> bool {
    use MapType::{
        ArrayOfMaps, CgroupArray, Cpumap, Devmap, DevmapHash, HashOfMaps, PerfEventArray, ProgArray, Xskmap,
    };
    let all = [ArrayOfMaps, CgroupArray, Cpumap, Devmap, DevmapHash, HashOfMaps, PerfEventArray, ProgArray, Xskmap];
    all.contains(&map_type)
}

pub(super) fn lookup(vm: &mut Vm<'_>, [map, key, ..]: Args) -> Answer {
    let cpu = vm.world.cpu;
    find(vm, 1, map, key, cpu)
}

pub(super) fn lookup_percpu(vm: &mut Vm<'_>, [map, key, cpu, ..]: Args) -> Answer {
    let index = vm.map_of(195, 1, map)?;
    if !vm.world.maps.get(index).is_some_and(|map| map.map_type().is_per_cpu()) {
        return Err(bad(195, 1, map, "not a per-CPU map").into());
    }
    let cpu = cpu as u32 as usize;
    if cpu >= vm.world.config.cpus.max(1) {
        return Ok(0);
    }
    find(vm, 195, map, key, cpu)
}

#[inline(always)]
fn find(vm: &mut Vm<'_>, id: i32, map: u64, key: u64, cpu: usize) -> Answer {
    let index = vm.map_of(id, 1, map)?;
    let Some(found) = vm.world.maps.get(index) else { return Ok(0) };
    vm.works(found.work());
    let size = found.key_size() as usize;
    vm.works(size);
    let offset = match vm.own(key, size) {
        Some(key) => found.program_find(key, cpu),
        None => found.program_find(vm.take(key, size)?.bytes(), cpu),
    };
    match offset {
        Some(offset) => Ok(map_value_pointer(index, offset)),
        None => inner(vm, index, key),
    }
}

/// What a lookup gives that led to no value: the map that a map of maps holds, or nothing.
#[cold]
#[inline(never)]
fn inner(vm: &Vm<'_>, index: usize, key: u64) -> Answer {
    let Some(map) = vm.world.maps.get(index).filter(|map| map.has_maps()) else { return Ok(0) };
    let held = map.program_held(vm.take(key, map.key_size() as usize)?.bytes());
    Ok(held.map_or(0, |number| map_handle(number - 1)))
}

/// The map of values without keys that an argument names.
fn keyless(vm: &Vm<'_>, id: i32, value: u64) -> Result<Arc<Map>, FaultKind> {
    let index = vm.map_of(id, 1, value)?;
    let map = vm.world.maps.get(index).filter(|map| map.is_keyless());
    map.cloned().ok_or_else(|| bad(id, 1, value, "not a queue, stack or bloom filter"))
}

/// 0, or the error's number.
fn done(result: Result<(), MapError>) -> Answer {
    Ok(result.map_or_else(|why| error(why.errno().into()), |()| 0))
}

pub(super) fn push(vm: &mut Vm<'_>, [map, value, flags, ..]: Args) -> Answer {
    let index = vm.map_of(87, 1, map)?;
    let map = keyless(vm, 87, map)?;
    vm.changes(index)?;
    let value = vm.take(value, map.value_size() as usize)?;
    done(map.push(value.bytes(), flags))
}

pub(super) fn pop(vm: &mut Vm<'_>, [map, value, ..]: Args) -> Answer {
    let map = keyless(vm, 88, map)?;
    vm.check_room(value, map.value_size() as usize)?;
    leave(vm, &map, value, map.pop())
}

pub(super) fn peek(vm: &mut Vm<'_>, [map, value, ..]: Args) -> Answer {
    let map = keyless(vm, 89, map)?;
    if map.map_type() == MapType::BloomFilter {
        let there = map.may_have(vm.take(value, map.value_size() as usize)?.bytes());
        return done(if there { Ok(()) } else { Err(MapError::Absent) });
    }
    vm.check_room(value, map.value_size() as usize)?;
    leave(vm, &map, value, map.peek())
}

/// Hands a value over; zeros where there is none.
fn leave(vm: &mut Vm<'_>, map: &Map, to: u64, value: Result<Vec<u8>, MapError>) -> Answer {
    match value {
        Ok(value) => {
            vm.give(to, &value)?;
            Ok(0)
        }
        Err(why) => {
            if why == MapError::Absent {
                vm.give_padded(to, &[], map.value_size() as usize)?;
            }
            done(Err(why))
        }
    }
}

pub(super) fn update(vm: &mut Vm<'_>, [map, key, value, flags, _]: Args) -> Answer {
    let index = vm.map_of(2, 1, map)?;
    vm.changes(index)?;
    let key = vm.key(index, key)?;
    let size = vm.world.maps.get(index).map_or(0, |map| map.value_size() as usize);
    let value = vm.take(value, size)?;
    let cpu = vm.world.cpu;
    let done = vm.world.maps.get(index).map(|map| map.program_update(key.bytes(), value.bytes(), flags, cpu));
    Ok(match done {
        Some(Err(why)) => error(why.errno().into()),
        _ => 0,
    })
}

pub(super) fn delete(vm: &mut Vm<'_>, [map, key, ..]: Args) -> Answer {
    let index = vm.map_of(3, 1, map)?;
    vm.changes(index)?;
    let key = vm.key(index, key)?;
    let done = vm.world.maps.get(index).map(|map| map.program_delete(key.bytes()));
    Ok(match done {
        Some(Err(why)) => error(why.errno().into()),
        _ => 0,
    })
}

/// Most rounds of `bpf_loop` (`BPF_MAX_LOOPS`).
const MAX_LOOPS: u32 = 8 << 20;

pub(super) fn repeat(vm: &mut Vm<'_>, [rounds, function, context, flags, _]: Args) -> Answer {
    let slot = vm.function_of(181, function)?;
    if flags != 0 {
        return Ok(error(EINVAL));
    }
    let rounds = rounds as u32;
    if rounds > MAX_LOOPS {
        return Ok(error(E2BIG));
    }
    for round in 0..rounds {
        if vm.function(slot, [round.into(), context, 0, 0, 0])? != 0 {
            return Ok(u64::from(round) + 1);
        }
    }
    Ok(rounds.into())
}

pub(super) fn for_each(vm: &mut Vm<'_>, [map, function, context, flags, _]: Args) -> Answer {
    let index = vm.map_of(164, 1, map)?;
    let slot = vm.function_of(164, function)?;
    if flags != 0 {
        return Ok(error(EINVAL));
    }
    let mut rounds = 0;
    let Some(mut from) = vm.world.maps.get(index).map(|map| map.program_first()) else { return Ok(0) };
    loop {
        let cpu = vm.world.cpu;
        let (entry, passed) = vm.world.maps.get(index).map_or((None, 0), |map| map.program_next(from, cpu));
        // Places where nothing stands are gone through too.
        vm.works(passed);
        let Some(entry) = entry else { return Ok(rounds) };
        rounds += 1;
        from = entry.next;
        let begin = vm.world.keys.len();
        vm.world.keys.extend_from_slice(&entry.key);
        let value = map_value_pointer(index, entry.offset);
        let answer = vm.function(slot, [map, key_pointer(begin), value, context, 0]);
        vm.world.keys.truncate(begin);
        if answer? != 0 {
            return Ok(rounds);
        }
    }
}
