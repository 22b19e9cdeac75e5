//! What the vm asks of the world around it, and how it is set up.

/// The world outside: the only way clock, randomness and output reach the vm. `Send`, so that a machine is.
pub trait Host: Send {
    /// Nanoseconds of the monotonic clock (`ktime_get_ns`).
    fn now_ns(&mut self) -> u64;
    /// Nanoseconds since boot, time asleep included (`ktime_get_boot_ns`).
    fn boot_ns(&mut self) -> u64;
    /// Nanoseconds of international atomic time (`ktime_get_tai_ns`). Default: the monotonic clock.
    fn tai_ns(&mut self) -> u64 {
        self.now_ns()
    }
    /// A random number; also the seed of hash maps.
    fn random_u32(&mut self) -> u32;
    /// Text of `trace_printk`, as the program formatted it (its own line break included, if it has one).
    fn print(&mut self, text: &str);
    /// The task a program believes to run in. Default: process 0 of user 0, named `skep`.
    fn task(&mut self) -> Task {
        Task::default()
    }
}

/// A host in which time stands still and nothing is random.
#[derive(Clone, Copy, Debug, Default)]
pub struct Still;

impl Host for Still {
    fn now_ns(&mut self) -> u64 {
        0
    }

    fn boot_ns(&mut self) -> u64 {
        0
    }

    fn random_u32(&mut self) -> u32 {
        0
    }

    fn print(&mut self, _text: &str) {}
}

/// Facts of the current task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Thread group in the high half, thread in the low half.
    pub pid_tgid: u64,
    /// Group in the high half, user in the low half.
    pub uid_gid: u64,
    /// Name, padded with zeros.
    pub comm: [u8; 16],
}

impl Default for Task {
    fn default() -> Task {
        Task { pid_tgid: 0, uid_gid: 0, comm: *b"skep\0\0\0\0\0\0\0\0\0\0\0\0" }
    }
}

/// How a [`crate::Machine`] is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Number of CPUs per-CPU maps have values for, at least 1. Programs run as CPU 0.
    pub cpus: usize,
    /// Instructions a run may take, where a helper that goes through more than 512 bytes counts one for each 64; more is [`crate::FaultKind::Fuel`].
    pub fuel: u64,
    /// Keeps the limits of the kernel's test run (`BPF_PROG_TEST_RUN`, Linux 6.18), so that results compare one to one.
    pub like_kernel: bool,
    /// Bytes all maps of one machine may take together, 256 more for each entry counted in.
    pub map_memory: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { cpus: 1, fuel: 1 << 24, like_kernel: false, map_memory: 4 << 30 }
    }
}
