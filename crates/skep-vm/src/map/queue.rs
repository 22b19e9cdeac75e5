//! Queues and stacks: values without keys, that leave in the order they came or in the reverse of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{EXIST, MapError, NOEXIST};
use crate::mem::Memory;

/// Values in a circle of one place more than it holds, so that full and empty look different.
#[derive(Debug)]
pub(crate) struct Queue {
    value_size: usize,
    places: usize,
    /// The last that came leaves first.
    is_stack: bool,
    memory: Memory,
    ends: Mutex<Ends>,
}

#[derive(Debug, Default)]
struct Ends {
    /// The place of the next value.
    head: usize,
    /// The place of the oldest value.
    tail: usize,
}

impl Queue {
    pub(crate) fn new(value_size: usize, entries: usize, is_stack: bool) -> Queue {
        let places = entries + 1;
        let memory = Memory::new(places * value_size.next_multiple_of(8));
        Queue { value_size, places, is_stack, memory, ends: Mutex::default() }
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, place: usize) -> usize {
        place * self.value_size.next_multiple_of(8)
    }

    fn after(&self, place: usize) -> usize {
        if place + 1 == self.places { 0 } else { place + 1 }
    }

    fn before(&self, place: usize) -> usize {
        place.checked_sub(1).unwrap_or(self.places - 1)
    }

    /// Puts a value in; with `BPF_EXIST` a full one drops its oldest.
    pub(crate) fn push(&self, value: &[u8], flags: u64) -> Result<(), MapError> {
        if flags == NOEXIST || flags > EXIST || value.len() != self.value_size {
            return Err(MapError::Invalid);
        }
        let mut ends = self.ends();
        let next = self.after(ends.head);
        if next == ends.tail {
            if flags != EXIST {
                return Err(MapError::Full);
            }
            ends.tail = self.after(ends.tail);
        }
        self.memory.copy_in(self.at(ends.head), value);
        ends.head = next;
        Ok(())
    }

    /// The value that leaves next, which `take`s it out.
    pub(crate) fn next(&self, take: bool) -> Result<Vec<u8>, MapError> {
        let mut ends = self.ends();
        if ends.head == ends.tail {
            return Err(MapError::Absent);
        }
        let place = if self.is_stack { self.before(ends.head) } else { ends.tail };
        let value = self.memory.to_vec(self.at(place), self.value_size);
        match (take, self.is_stack) {
            (true, true) => ends.head = place,
            (true, false) => ends.tail = self.after(place),
            (false, _) => {}
        }
        Ok(value)
    }
}
