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
    /// Ids of the task's cgroup and those above it, from the root on. Default: the root alone, number 1.
    fn cgroups(&mut self) -> Vec<u64> {
        vec![1]
    }
    /// Reads memory that is not the program's, to the last byte; false where it cannot be read. Default: none can.
    fn read(&mut self, _space: Space, _address: u64, _to: &mut [u8]) -> bool {
        false
    }
    /// Writes into the task's memory; false where that cannot be. Default: nowhere.
    fn write_user(&mut self, _address: u64, _bytes: &[u8]) -> bool {
        false
    }
    /// Addresses of the call stack, the innermost first. Default: there is none.
    fn stack(&mut self, _space: Space) -> Vec<u64> {
        Vec::new()
    }
    /// The symbol of the kernel's that an address is in. Default: none is known.
    fn symbol(&mut self, _address: u64) -> Option<Symbol> {
        None
    }
    /// What the program runs on, where that is a function or an event. Default: nothing is known of it.
    fn probe(&mut self) -> Probe {
        Probe::default()
    }
    /// What a program did to the task or the function it runs on. Default: it is forgotten.
    fn effect(&mut self, _effect: Effect) {}
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

/// Whose an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// The kernel's.
    Kernel,
    /// The running task's.
    User,
}

/// A symbol and where in it an address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Bytes from its start.
    pub offset: u64,
    /// Bytes of it.
    pub size: u64,
}

/// Facts of the function or event that a program runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// Address of the function (`get_func_ip`).
    pub ip: u64,
    /// Number given when it was attached (`get_attach_cookie`).
    pub cookie: u64,
}

/// What a program did to the task or the function it runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It sent a signal.
    Signal {
        /// The signal.
        number: u32,
        /// To the thread alone, not to the whole process.
        to_thread: bool,
    },
    /// It made the function return at once.
    OverrideReturn {
        /// What it is to return.
        value: u64,
    },
}

/// Facts of the current task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Address of its `task_struct`, as a number.
    pub address: u64,
    /// Thread group in the high half, thread in the low half.
    pub pid_tgid: u64,
    /// Group in the high half, user in the low half.
    pub uid_gid: u64,
    /// Name, padded with zeros.
    pub comm: [u8; 16],
}

impl Default for Task {
    fn default() -> Task {
        Task { address: 0, pid_tgid: 0, uid_gid: 0, comm: *b"skep\0\0\0\0\0\0\0\0\0\0\0\0" }
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
