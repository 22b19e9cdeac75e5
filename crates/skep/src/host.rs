//! The world as the vm sees it: this system's clock and entropy.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Instant;

/// Clock and randomness of this system; text of `trace_printk` is dropped, as nobody reads the kernel's trace pipe.
pub(crate) struct SystemHost {
    started: Instant,
    state: u64,
}

impl SystemHost {
    pub(crate) fn new() -> SystemHost {
        // The standard library seeds its hash maps from the system.
        SystemHost { started: Instant::now(), state: RandomState::new().build_hasher().finish() | 1 }
    }
}

impl skep_vm::Host for SystemHost {
    fn now_ns(&mut self) -> u64 {
        // A monotonic clock begins somewhere; one second in keeps 0 free for "never".
        self.started.elapsed().as_nanos() as u64 + 1_000_000_000
    }

    fn boot_ns(&mut self) -> u64 {
        self.now_ns()
    }

    fn random_u32(&mut self) -> u32 {
        // xorshift64*: enough for a helper that promises no more than the kernel's prandom.
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    fn print(&mut self, _text: &str) {}
}
