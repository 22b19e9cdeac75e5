//! A perf event array: for each CPU a buffer of records, whose user reads those of all CPUs as they came.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of records that wait for their user; more are lost, as where a perf buffer is full.
const MOST: usize = 4 << 20;

/// Records that wait.
#[derive(Debug, Default)]
pub(crate) struct Events {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    records: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Events {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a record; false when there is no room.
    pub(crate) fn push(&self, record: Vec<u8>) -> bool {
        let mut waiting = self.waiting();
        let room = waiting.bytes + record.len() + 64 <= MOST;
        if room {
            waiting.bytes += record.len() + 64;
            waiting.records.push_back(record);
        }
        room
    }

    /// Hands over all records that wait.
    pub(crate) fn drain(&self, mut see: impl FnMut(&[u8])) {
        loop {
            let mut waiting = self.waiting();
            let Some(record) = waiting.records.pop_front() else { return };
            waiting.bytes -= record.len() + 64;
            drop(waiting);
            see(&record);
        }
    }
}
