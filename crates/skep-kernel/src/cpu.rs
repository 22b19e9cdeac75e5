//! Staying on one CPU, so that test runs fill the same place of per-CPU maps every time.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Keeps this thread on CPU 0 until it is dropped. Where the thread may not run there it stays where it is.
#[derive(Debug)]
pub struct FirstCpu {
    before: Option<CpuSet>,
}

impl FirstCpu {
    /// Moves this thread to CPU 0.
    pub fn hold() -> FirstCpu {
        let before = sched_getaffinity(None).ok();
        let mut first = CpuSet::new();
        first.set(0);
        let moved = sched_setaffinity(None, &first).is_ok();
        FirstCpu { before: before.filter(|_| moved) }
    }
}

impl Drop for FirstCpu {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // The set was this thread's own a moment ago; should it be refused, the thread stays on CPU 0, which does no harm.
            let _ = sched_setaffinity(None, before);
        }
    }
}
