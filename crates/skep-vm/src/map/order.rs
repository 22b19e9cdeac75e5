//! Which slot goes when a table is full: the kernel's approximation of least recent use, list by list, as one CPU sees it.
//!
//! A slot that was taken waits; when slots run out, those that wait join the unused, or the used where a program used them
//! meanwhile. Of the unused the oldest goes; the used come back among the unused when those become fewer. It knows nothing
//! of keys. The kernel's lists are in `kernel/bpf/bpf_lru_list.c`.

use crate::mem::Memory;

/// Lists that a slot can be in.
const FREE: usize = 0;
/// Free, and next to be taken.
const READY: usize = 1;
const WAITING: usize = 2;
const UNUSED: usize = 3;
const USED: usize = 4;
/// Most slots that one look goes through.
const SCANS: usize = 128;

/// Links are slot numbers plus one, 0 for none.
#[derive(Debug)]
pub(crate) struct Order {
    slots: usize,
    /// Slots below it were taken once; those above are free and in no list.
    fresh: usize,
    /// So many are made ready at a time.
    target: usize,
    /// Towards the oldest.
    older: Vec<u32>,
    newer: Vec<u32>,
    list: Vec<u8>,
    newest: [u32; 5],
    oldest: [u32; 5],
    count: [usize; 5],
    /// The next unused slot that is looked at for having been used, 0 for the newest end.
    hand: u32,
}

impl Order {
    pub(crate) fn new(slots: usize, cpus: usize) -> Order {
        Order {
            slots,
            fresh: 0,
            target: (slots / cpus.max(1) / 2).clamp(1, SCANS),
            older: vec![0; slots],
            newer: vec![0; slots],
            list: vec![0; slots],
            newest: [0; 5],
            oldest: [0; 5],
            count: [0; 5],
            hand: 0,
        }
    }

    /// A slot to use, which waits from now on; `evicted` gets those that lose their keys.
    pub(crate) fn take(&mut self, used: &Memory, evicted: &mut Vec<usize>) -> Option<usize> {
        if self.count[READY] == 0 {
            self.make_ready(used, evicted);
        }
        let slot = slot_of(self.newest[READY])?;
        self.shift(slot, WAITING, used);
        Some(slot)
    }

    /// Makes a slot free that lost its key, or never got one.
    pub(crate) fn free(&mut self, slot: usize, used: &Memory) {
        let to = if self.list.get(slot).is_some_and(|list| usize::from(*list) == WAITING) { READY } else { FREE };
        self.shift(slot, to, used);
    }

    fn make_ready(&mut self, used: &Memory, evicted: &mut Vec<usize>) {
        while let Some(slot) = slot_of(self.oldest[WAITING]) {
            self.shift(slot, if is_used(used, slot) { USED } else { UNUSED }, used);
        }
        if self.count[UNUSED] < self.count[USED] {
            self.look_at_used(used);
        }
        self.look_at_unused(used);
        let mut ready = 0;
        while ready < self.target {
            if let Some(slot) = slot_of(self.newest[FREE]) {
                self.shift(slot, READY, used);
            } else if self.fresh < self.slots {
                self.fresh += 1;
                self.push(self.fresh - 1, READY);
            } else {
                break;
            }
            ready += 1;
        }
        if ready < self.target {
            self.evict(self.target - ready, used, evicted);
        }
    }

    /// Those that were not used again go back among the unused.
    fn look_at_used(&mut self, used: &Memory) {
        let last = self.newest[USED];
        let mut link = self.oldest[USED];
        for _ in 0..SCANS {
            let Some(slot) = slot_of(link) else { return };
            let next = self.newer_of(slot);
            self.shift(slot, if is_used(used, slot) { USED } else { UNUSED }, used);
            if link == last {
                return;
            }
            link = next;
        }
    }

    /// Those that were used go among the used, from where the last look ended.
    fn look_at_unused(&mut self, used: &Memory) {
        for _ in 0..SCANS.min(self.count[UNUSED]) {
            let link = if self.hand == 0 { self.oldest[UNUSED] } else { self.hand };
            let Some(slot) = slot_of(link) else { return };
            self.hand = self.newer_of(slot);
            if is_used(used, slot) {
                self.shift(slot, USED, used);
            }
        }
    }

    /// Takes keys away from so many slots, or from one that was used where all were.
    fn evict(&mut self, wanted: usize, used: &Memory, evicted: &mut Vec<usize>) {
        let before = evicted.len();
        let mut link = self.oldest[UNUSED];
        for _ in 0..SCANS {
            let Some(slot) = slot_of(link) else { break };
            link = self.newer_of(slot);
            if is_used(used, slot) {
                self.shift(slot, USED, used);
                continue;
            }
            self.shift(slot, READY, used);
            evicted.push(slot);
            if evicted.len() - before == wanted {
                return;
            }
        }
        if evicted.len() == before {
            let list = if self.count[UNUSED] > 0 { UNUSED } else { USED };
            if let Some(slot) = slot_of(self.oldest[list]) {
                self.shift(slot, READY, used);
                evicted.push(slot);
            }
        }
    }

    fn newer_of(&self, slot: usize) -> u32 {
        self.newer.get(slot).copied().unwrap_or(0)
    }

    /// Moves a slot to the newest end of a list; it counts as not used since.
    fn shift(&mut self, slot: usize, to: usize, used: &Memory) {
        self.unlink(slot);
        self.push(slot, to);
        used.store::<1>(slot, 0);
    }

    fn push(&mut self, slot: usize, to: usize) {
        let link = slot as u32 + 1;
        let (Some(newest), Some(oldest), Some(count)) =
            (self.newest.get_mut(to), self.oldest.get_mut(to), self.count.get_mut(to))
        else {
            return;
        };
        let before = std::mem::replace(newest, link);
        if before == 0 {
            *oldest = link;
        }
        *count += 1;
        if let (Some(older), Some(newer), Some(list)) =
            (self.older.get_mut(slot), self.newer.get_mut(slot), self.list.get_mut(slot))
        {
            (*older, *newer, *list) = (before, 0, to as u8);
        }
        if let Some(newer) = slot_of(before).and_then(|before| self.newer.get_mut(before)) {
            *newer = link;
        }
    }

    fn unlink(&mut self, slot: usize) {
        let (Some(older), Some(newer), Some(list)) = (self.older.get(slot), self.newer.get(slot), self.list.get(slot))
        else {
            return;
        };
        let (older, newer, list) = (*older, *newer, usize::from(*list));
        if self.hand == slot as u32 + 1 {
            self.hand = newer;
        }
        let newest = self.newest.get_mut(list);
        match slot_of(newer) {
            Some(neighbour) => self.older.get_mut(neighbour).into_iter().for_each(|link| *link = older),
            None => newest.into_iter().for_each(|link| *link = older),
        }
        let oldest = self.oldest.get_mut(list);
        match slot_of(older) {
            Some(neighbour) => self.newer.get_mut(neighbour).into_iter().for_each(|link| *link = newer),
            None => oldest.into_iter().for_each(|link| *link = newer),
        }
        self.count.get_mut(list).into_iter().for_each(|count| *count -= 1);
    }
}

fn slot_of(link: u32) -> Option<usize> {
    (link as usize).checked_sub(1)
}

fn is_used(used: &Memory, slot: usize) -> bool {
    used.load::<1>(slot) == Some(1)
}
