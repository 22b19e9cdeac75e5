//! The world as the vm sees it: this system's clock and entropy, and an ear for what programs print.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Most lines kept until they are taken.
const MOST_LINES: usize = 1 << 16;

/// What programs printed with `bpf_trace_printk` and was not taken yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Printed {
    /// The text of each call, without the line break at its end.
    pub lines: Vec<String>,
    /// Calls whose text is lost: more than 65,536 came before they were taken.
    pub lost: u64,
}

/// The end of a [`Printed`] that programs write to, and the end it is taken from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Printer(Arc<Mutex<Printed>>);

impl Printer {
    fn print(&self, text: &str) {
        let mut printed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if printed.lines.len() < MOST_LINES {
            printed.lines.push(text.strip_suffix('\n').unwrap_or(text).to_owned());
        } else {
            printed.lost += 1;
        }
    }

    pub(crate) fn take(&self) -> Printed {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Clock and randomness of this system.
pub(crate) struct SystemHost {
    started: Instant,
    state: u64,
    printer: Printer,
}

impl SystemHost {
    pub(crate) fn new(printer: Printer) -> SystemHost {
        // The standard library seeds its hash maps from the system.
        SystemHost { started: Instant::now(), state: RandomState::new().build_hasher().finish() | 1, printer }
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

    fn print(&mut self, text: &str) {
        self.printer.print(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_vm::Host;

    #[test]
    fn printed_lines_are_taken_once_and_those_beyond_the_limit_are_counted() {
        let printer = Printer::default();
        let mut host = SystemHost::new(printer.clone());
        for line in 0..MOST_LINES + 3 {
            host.print(&format!("{line}\n"));
        }
        let printed = printer.take();
        assert_eq!((printed.lines.len(), printed.lost), (MOST_LINES, 3));
        assert_eq!(printed.lines.first().map(String::as_str), Some("0"));
        assert_eq!(printer.take(), Printed::default());
    }
}
