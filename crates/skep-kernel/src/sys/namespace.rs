//! Namespaces of one thread.

use rustix::io::Errno;
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Gives the calling thread a network namespace of its own, for the rest of its life.
pub(crate) fn own_network() -> Result<(), Errno> {
    // SAFETY: only the network namespace is unshared; descriptors, memory and file systems stay common.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }
}
