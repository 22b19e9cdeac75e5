//! The lock in a map value, which threads that run programs at a time wait for.

use super::{Answer, Args, bad};
use crate::interpreter::Vm;
use crate::mem::Change;
use crate::memory::map_value;

/// Times a thread looks at a lock before it is taken for one that never comes free: a program wrote over it.
const MOST: u32 = 1 << 22;

pub(super) fn lock(vm: &mut Vm<'_>, [at, ..]: Args) -> Answer {
    let place = map_value(at).filter(|(map, offset)| vm.world.maps.get(*map).is_some_and(|m| m.has_room(*offset, 4)));
    let Some((map, offset)) = place else { return Err(bad(93, 1, at, "not in a map value").into()) };
    vm.aligned(at, 4)?;
    if vm.world.lock.is_some() {
        return Err(bad(93, 1, at, "a second lock, and the first is held").into());
    }
    for round in 0..MOST {
        let old = vm.world.maps.get(map).and_then(|map| map.change::<4>(offset, Change::Expect(0), 1));
        if old == Some(0) {
            vm.world.lock = Some((map, offset));
            return Ok(0);
        }
        if round % 64 == 63 {
            std::thread::yield_now();
        }
        std::hint::spin_loop();
    }
    Err(bad(93, 1, at, "a lock that nobody gives back").into())
}

pub(super) fn unlock(vm: &mut Vm<'_>, [at, ..]: Args) -> Answer {
    if vm.world.lock.is_none() || vm.world.lock != map_value(at) {
        return Err(bad(94, 1, at, "not the lock that is held").into());
    }
    vm.world.unlock();
    Ok(0)
}
