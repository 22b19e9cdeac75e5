//! One program alone before the verifier: its verdict, and how much work it was. Nothing is attached, and nothing is left.

use std::sync::Arc;

use rustix::io::Errno;
use skep_diag::{Diagnostic, code};
use skep_isa::spec::MapType;
use skep_object::{MapSpec, Object};

use super::{Options, with_loader};
use crate::error::Error;
use crate::externs::NO_FUNCTION;
use crate::feature::Features;
use crate::reject;

/// Entries of a map whose number the object leaves to whoever loads it.
const ENTRIES: u32 = 64;
/// Bytes of a stack in a map that does not say: 127 addresses.
const STACK: u32 = 127 * 8;

/// What the verifier says of a program when the kernel lacks what that names: nothing is said of the program then.
const LACKS: &[&str] = &["failed to find the address for kernel symbol"];

/// What the kernel's verifier says of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may run.
    Accept,
    /// It may not.
    Reject,
    /// It was not asked, or could not say: a policy of the host, or something the program needs is missing.
    Undecided,
}

impl Verdict {
    /// `accept`, `reject`, `undecided`.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Accept => "accept",
            Verdict::Reject => "reject",
            Verdict::Undecided => "undecided",
        }
    }
}

/// What came of putting a program before the verifier.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The verdict.
    pub verdict: Verdict,
    /// What `BPF_PROG_LOAD` answered, `None` when it succeeded or was not called.
    pub errno: Option<i32>,
    /// The verifier's last word on a rejected program, the reason for an undecided one.
    pub message: Option<String>,
    /// What to show the user of a program that is not accepted.
    pub diagnostic: Option<Box<Diagnostic>>,
    /// Instructions the verifier walked.
    pub processed: Option<u64>,
    /// States it kept.
    pub states: Option<u64>,
    /// How long it took by its own clock, in microseconds.
    pub time_us: Option<u64>,
    /// What it wrote: of a refused program the whole walk, of an accepted one the statistics.
    pub log: String,
}

impl Checked {
    /// Something other than the verifier's verdict.
    fn undecided(error: &Error) -> Checked {
        let title = error.to_string();
        Checked { message: Some(title), ..Checked::without_verdict(error.diagnostic()) }
    }

    /// A program that was not put before the verifier, for this reason.
    pub fn without_verdict(diagnostic: Diagnostic) -> Checked {
        let message = match diagnostic.notes.first() {
            Some(note) => format!("{}: {note}", diagnostic.title),
            None => diagnostic.title.clone(),
        };
        Checked {
            verdict: Verdict::Undecided,
            errno: None,
            message: Some(message),
            diagnostic: Some(Box::new(diagnostic)),
            processed: None,
            states: None,
            time_us: None,
            log: String::new(),
        }
    }
}

/// Puts one program of an object before the verifier, with only the maps that it refers to. Maps whose size the object
/// leaves open get a small one. `None` where the object has no such program. What is found out about the kernel is kept in
/// `features`, for the next program.
pub fn load_one(object: &Object, index: usize, features: &Arc<Features>) -> Option<Checked> {
    let mut object = object.only(index)?;
    for spec in &mut object.maps {
        complete(spec);
        // What is kept for others is not theirs to be changed by a check.
        spec.pinned = false;
    }
    let spec = object.programs.first()?;
    let programs = Some(vec![0]);
    let options = Options { counting: false, programs, features: Arc::clone(features), ..Options::default() };
    let checked = with_loader(&object, &options, |loader| {
        loader.attempt(spec, |attempt| {
            let mut lowered = attempt.lowered()?;
            let (loaded, log) = attempt.judged(&mut lowered);
            let errno = loaded.as_ref().err().copied();
            Ok(judge(errno, log, |errno, log| attempt.refusal(errno, log)))
        })
    });
    Some(checked.map_or_else(|error| Checked::undecided(&error), |(_, _, checked)| checked))
}

/// From the kernel's answer to a verdict.
fn judge(errno: Option<Errno>, log: String, refusal: impl FnOnce(Errno, String) -> Error) -> Checked {
    let mut checked = Checked {
        verdict: Verdict::Accept,
        errno: errno.map(Errno::raw_os_error),
        message: None,
        diagnostic: None,
        processed: number(&log, "processed ", "processed"),
        states: number(&log, "processed ", "total_states"),
        time_us: number(&log, "verification time ", "time"),
        log: String::new(),
    };
    if let Some(errno) = errno {
        let error = refusal(errno, log.clone());
        let diagnostic = error.diagnostic();
        let word = reject::message(&log).unwrap_or_default();
        let rejected = matches!(error, Error::Rejected { .. })
            && diagnostic.code == code::REJECTED
            && !LACKS.iter().any(|lack| word.contains(lack))
            && !word.ends_with(&format!("unknown#{NO_FUNCTION}"));
        checked.verdict = if rejected { Verdict::Reject } else { Verdict::Undecided };
        checked.message = reject::message(&log).filter(|_| rejected).map(str::to_owned);
        checked.message = checked.message.or_else(|| Some(diagnostic.title.clone()));
        checked.diagnostic = Some(Box::new(diagnostic));
    }
    Checked { log, ..checked }
}

/// The number after `word` in the last line that begins so.
fn number(log: &str, line: &str, word: &str) -> Option<u64> {
    let text = log.lines().rev().find(|text| text.starts_with(line))?;
    let mut words = text.split_whitespace().skip_while(|w| *w != word).skip(1);
    words.next()?.parse().ok()
}

/// Gives a map the size that its object leaves to whoever loads it.
fn complete(spec: &mut MapSpec) {
    let row = spec.map_type.row();
    if spec.max_entries == 0 && spec.map_type != MapType::PerfEventArray && !row.entries.takes(0) {
        spec.max_entries = ENTRIES.max(row.entries.least());
    }
    if spec.map_type == MapType::StackTrace && spec.value_size == 0 {
        spec.value_size = STACK;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "0: (95) exit\nR0 !read_ok\nverification time 47 usec\nstack depth 0\n\
        processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 3 peak_states 0 mark_read 0\n";

    fn call(errno: Errno) -> Error {
        Error::Call { call: "BPF_PROG_LOAD", object: "program `p`".into(), errno, cause: None }
    }

    #[test]
    fn what_the_verifier_counted_is_read_from_its_log() {
        let checked = judge(None, LOG.to_owned(), |errno, _| call(errno));
        assert_eq!(checked.verdict, Verdict::Accept);
        assert_eq!((checked.processed, checked.states, checked.time_us), (Some(1), Some(3), Some(47)));
        assert_eq!(checked.errno, None);
    }

    #[test]
    fn a_rejection_carries_the_verifiers_word_and_errno() {
        let diagnostic = Diagnostic::error(code::REJECTED, "the kernel rejected `p`: R0 !read_ok");
        let rejected = |_, log| Error::Rejected { diagnostic: Box::new(diagnostic), log };
        let checked = judge(Some(Errno::ACCESS), LOG.to_owned(), rejected);
        assert_eq!((checked.verdict, checked.errno), (Verdict::Reject, Some(13)));
        assert_eq!(checked.message.as_deref(), Some("R0 !read_ok"));
    }

    #[test]
    fn what_this_kernel_lacks_and_what_a_policy_refuses_is_no_verdict() {
        let missing = Diagnostic::error(code::MISSING, "`p` needs `task.gone`, which this kernel does not have");
        let rejected = |_, log| Error::Rejected { diagnostic: Box::new(missing), log };
        let checked = judge(Some(Errno::INVAL), LOG.to_owned(), rejected);
        assert_eq!(checked.verdict, Verdict::Undecided);
        assert_eq!(checked.message.as_deref(), Some("`p` needs `task.gone`, which this kernel does not have"));
        let log = "ldimm64 failed to find the address for kernel symbol 'gone'.\nprocessed 0 insns\n".to_owned();
        let diagnostic = Diagnostic::error(code::REJECTED, "the kernel rejected `p`");
        let rejected = |_, log| Error::Rejected { diagnostic: Box::new(diagnostic), log };
        assert_eq!(judge(Some(Errno::NOENT), log, rejected).verdict, Verdict::Undecided);
        let refused = judge(Some(Errno::PERM), String::new(), |errno, _| call(errno));
        assert_eq!((refused.verdict, refused.errno), (Verdict::Undecided, Some(1)));
    }

    #[test]
    fn maps_without_a_size_get_one_that_their_type_takes() {
        let open = |map_type| MapSpec::new("m", map_type, 4, 0, 0);
        for map_type in [MapType::Hash, MapType::StackTrace, MapType::Ringbuf, MapType::Cpumap] {
            let mut spec = open(map_type);
            complete(&mut spec);
            assert!(map_type.row().entries.takes(spec.max_entries), "{map_type}: {}", spec.max_entries);
        }
        let mut spec = open(MapType::TaskStorage);
        complete(&mut spec);
        assert_eq!(spec.max_entries, 0, "storage has no number of entries");
    }
}
