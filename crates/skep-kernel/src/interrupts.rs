//! Ctrl-C and its kin, asked for instead of suffered: programs show results first and detach after.

use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::error::Error;
use crate::sys;

/// While it stands, SIGINT, SIGTERM and SIGHUP do not end the process.
#[derive(Debug)]
pub struct Interrupts {
    fd: OwnedFd,
}

impl Interrupts {
    /// Blocks the signals for this thread and those it starts: call it first.
    ///
    /// # Errors
    /// [`Error::Call`] when there are no descriptors left.
    pub fn block() -> Result<Interrupts, Error> {
        let fd = sys::block_interrupts().map_err(|e| Error::call("signalfd", "signals".to_owned(), e))?;
        Ok(Interrupts { fd })
    }

    /// True once one of the signals has come.
    pub fn pending(&self) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(self.fd.as_fd(), PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
    }
}
