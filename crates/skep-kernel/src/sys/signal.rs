//! Signals as a descriptor.

use std::os::fd::{FromRawFd, OwnedFd};

use rustix::io::Errno;

/// Keeps SIGINT, SIGTERM and SIGHUP from ending the process; they are read from the descriptor instead.
pub(crate) fn block_interrupts() -> Result<OwnedFd, Errno> {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    let fd = {
        let set = set.as_mut_ptr();
        // SAFETY: `set` points to memory for one signal set, which `sigemptyset` initialises before the others use it.
        unsafe {
            libc::sigemptyset(set);
            libc::sigaddset(set, libc::SIGINT);
            libc::sigaddset(set, libc::SIGTERM);
            libc::sigaddset(set, libc::SIGHUP);
            libc::pthread_sigmask(libc::SIG_BLOCK, set, std::ptr::null_mut());
            libc::signalfd(-1, set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        }
    };
    if fd < 0 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL));
    }
    // SAFETY: `fd` was made just now and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
