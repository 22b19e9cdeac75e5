//! An order of use over slots: which came last, and which may go first. It knows nothing of keys.

/// Slots from the newest to the oldest: neighbours, and both ends. Links are slot numbers plus one.
#[derive(Debug)]
pub(crate) struct Order {
    newer: Vec<u32>,
    older: Vec<u32>,
    newest: u32,
    oldest: u32,
}

impl Order {
    pub(crate) fn new(slots: usize) -> Order {
        Order { newer: vec![0; slots], older: vec![0; slots], newest: 0, oldest: 0 }
    }

    /// The oldest slot that was not used since it was last asked about; those that were become the newest.
    pub(crate) fn oldest(&mut self, mut was_used: impl FnMut(usize) -> bool) -> Option<usize> {
        // Programs may use them as fast as they are looked at: then whichever is oldest after one round goes.
        for _ in 0..self.newer.len() {
            let slot = (self.oldest as usize).checked_sub(1)?;
            if !was_used(slot) {
                return Some(slot);
            }
            self.take(slot);
            self.push(slot);
        }
        (self.oldest as usize).checked_sub(1)
    }

    /// Puts a slot in as the newest.
    pub(crate) fn push(&mut self, slot: usize) {
        let link = slot as u32 + 1;
        if let (Some(older), Some(newer)) = (self.older.get_mut(slot), self.newer.get_mut(slot)) {
            *older = self.newest;
            *newer = 0;
        }
        match self.newest {
            0 => self.oldest = link,
            newest => {
                if let Some(newer) = self.newer.get_mut(newest as usize - 1) {
                    *newer = link;
                }
            }
        }
        self.newest = link;
    }

    /// Takes a slot out.
    pub(crate) fn take(&mut self, slot: usize) {
        let newer = self.newer.get(slot).copied().unwrap_or(0);
        let older = self.older.get(slot).copied().unwrap_or(0);
        match newer {
            0 => self.newest = older,
            n => {
                if let Some(link) = self.older.get_mut(n as usize - 1) {
                    *link = older;
                }
            }
        }
        match older {
            0 => self.oldest = newer,
            o => {
                if let Some(link) = self.newer.get_mut(o as usize - 1) {
                    *link = newer;
                }
            }
        }
    }
}
