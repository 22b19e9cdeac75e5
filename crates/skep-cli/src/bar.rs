//! A progress bar on stderr, for work whose length is known.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const WIDTH: u64 = 40;
const REDRAW: Duration = Duration::from_millis(100);

/// A bar that is drawn over itself; nothing at all where stderr is no terminal.
pub(crate) struct Bar {
    started: Instant,
    drawn: Option<Instant>,
    shown: bool,
}

impl Bar {
    pub(crate) fn new(started: Instant) -> Bar {
        Bar { started, drawn: None, shown: std::io::stderr().is_terminal() }
    }

    /// Shows how far it is, at most ten times a second.
    pub(crate) fn draw(&mut self, done: u64, of: u64) {
        if !self.shown || self.drawn.is_some_and(|at| at.elapsed() < REDRAW) {
            return;
        }
        self.drawn = Some(Instant::now());
        // A terminal that cannot be written to is no reason to stop the work.
        let _ = write!(std::io::stderr(), "\r\x1b[K{}", line(done, of, self.started.elapsed()));
    }

    pub(crate) fn clear(self) {
        if self.drawn.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(done: u64, of: u64, took: Duration) -> String {
    let share = |of_what: u64| (u128::from(of_what) * u128::from(done) / u128::from(of.max(1))) as u64;
    let full = share(WIDTH).min(WIDTH) as usize;
    let left = (took.as_secs_f64() * of.saturating_sub(done) as f64 / done.max(1) as f64).ceil();
    let (bar, rest) = ("#".repeat(full), ".".repeat(WIDTH as usize - full));
    format!("[{bar}{rest}] {:>3}%  {done} of {of} frames, {left}s left", share(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_share_and_the_time_left() {
        let quarter = "[##########..............................]  25%  5 of 20 frames, 6s left";
        assert_eq!(line(5, 20, Duration::from_secs(2)), quarter);
        assert!(line(0, 0, Duration::ZERO).contains("0%"));
    }
}
