//! The name a tc filter of ours carries, so that filters of dead processes can be told from those of living ones.

/// Who made a filter: `skep:PIDNS:PID:START:QDISC:COUNT:PROGRAM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cookie {
    /// Inode of the maker's namespace of process numbers: only there does `pid` mean anything.
    pub(super) namespace: u64,
    /// The maker.
    pub(super) pid: u32,
    /// When the maker started, in clock ticks since boot: numbers of processes are used again.
    pub(super) start: u64,
    /// True when the device's clsact qdisc was made by the maker, or for another filter of ours beside which this came.
    pub(super) made_qdisc: bool,
    /// Tells filters of one process apart.
    pub(super) count: u64,
    /// The program's name.
    pub(super) program: String,
}

impl Cookie {
    /// A cookie of this process, `None` without `/proc`.
    pub(super) fn of_this_process(program: &str, made_qdisc: bool) -> Option<Cookie> {
        use std::sync::atomic::{AtomicU64, Ordering};
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let pid = std::process::id();
        let program: String = program.chars().filter(char::is_ascii_graphic).take(64).collect();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Some(Cookie { namespace: namespace()?, pid, start: start_of(pid)?, made_qdisc, count, program })
    }

    /// Reads a filter's name; `None` when it is not one of ours.
    pub(super) fn parse(name: &str) -> Option<Cookie> {
        let mut parts = name.strip_prefix("skep:")?.splitn(6, ':');
        let cookie = Cookie {
            namespace: parts.next()?.parse().ok()?,
            pid: parts.next()?.parse().ok()?,
            start: parts.next()?.parse().ok()?,
            made_qdisc: parts.next()? == "1",
            count: parts.next()?.parse().ok()?,
            program: parts.next()?.to_owned(),
        };
        Some(cookie)
    }

    /// True when its maker is known to be gone; makers in other namespaces are taken to be alive.
    pub(super) fn is_orphan(&self) -> bool {
        namespace() == Some(self.namespace) && start_of(self.pid) != Some(self.start)
    }
}

impl std::fmt::Display for Cookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Cookie { namespace, pid, start, made_qdisc, count, program } = self;
        write!(f, "skep:{namespace}:{pid}:{start}:{}:{count}:{program}", u8::from(*made_qdisc))
    }
}

/// Inode of this process's namespace of process numbers.
fn namespace() -> Option<u64> {
    rustix::fs::stat("/proc/self/ns/pid").ok().map(|stat| stat.st_ino)
}

/// When a process started (field 22 of `/proc/PID/stat`), `None` when there is none.
fn start_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in parentheses that may hold anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_reads_back_and_its_living_maker_is_known() {
        let cookie = Cookie::of_this_process("a:b", true).expect("/proc");
        let same = Cookie::parse(&cookie.to_string()).expect("ours");
        assert_eq!(same, cookie);
        assert!(!same.is_orphan());
        assert!(Cookie { start: same.start + 1, ..same }.is_orphan());
    }

    #[test]
    fn makers_in_other_namespaces_are_taken_to_be_alive() {
        let cookie = Cookie::parse("skep:1:4000000000:1:0:0:x").expect("ours");
        assert!(!cookie.is_orphan());
        assert_eq!(Cookie::parse("other.o:[classifier]"), None);
    }
}
