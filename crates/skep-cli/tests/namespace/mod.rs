//! A network namespace of a test's own.
#![allow(unsafe_code, reason = "a thread leaves its network namespace")]

/// Runs `work` on a thread in a network namespace of its own, which ends with its last process and socket.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // SAFETY: only this thread, which is about to end, changes its network namespace; no descriptors are unshared.
            unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNET) }.expect("root");
            work()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
