//! Attaching, tried: whether a program of a type can be put to a place on this machine.
//!
//! Enter at [`answer`]. Each trial loads `return N` and puts it to a target made for the purpose (an empty cgroup, an idle
//! network namespace, a map, a socket, a function that nothing calls), then takes it away again. Nothing of the machine's
//! own traffic passes such a program. Taking away can take the kernel a tenth of a second: who cannot wait asks with
//! [`ask`] and lets another process drop what is [`Held`].

mod program;
mod target;

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, unlinkat};
use rustix::io::Errno;
use skep_isa::spec::{AttachType, HookKind, ProgType};

use crate::error::words;
use crate::feature::Answer;
use program::Trial;

/// What a trial can tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Question {
    /// Whether programs of this type can be put to places of this type.
    Attach(ProgType, AttachType),
    /// Whether programs of this type load, and can be put somewhere where no attach type says where.
    Load(ProgType),
    /// Whether the kernel offers hooks of this kind.
    Hook(HookKind),
}

impl std::fmt::Display for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Question::Attach(prog_type, attach_type) => write!(f, "attach:{}:{}", prog_type.id(), attach_type.id()),
            Question::Load(prog_type) => write!(f, "load:{}", prog_type.id()),
            Question::Hook(kind) => write!(f, "hook:{}", kind.name()),
        }
    }
}

impl std::str::FromStr for Question {
    type Err = ();

    /// Reads what [`Display`](std::fmt::Display) writes: for another process that is to ask.
    fn from_str(text: &str) -> Result<Question, ()> {
        let mut parts = text.split(':');
        let number = |text: Option<&str>| text.and_then(|t| t.parse().ok()).ok_or(());
        match (parts.next(), parts.next(), parts.next()) {
            (Some("attach"), prog_type, attach_type) => {
                let prog_type = ProgType::from_id(number(prog_type)?).ok_or(())?;
                Ok(Question::Attach(prog_type, AttachType::from_id(number(attach_type)?).ok_or(())?))
            }
            (Some("load"), prog_type, None) => Ok(Question::Load(ProgType::from_id(number(prog_type)?).ok_or(())?)),
            (Some("hook"), Some(kind), None) => Ok(Question::Hook(HookKind::from_name(kind).ok_or(())?)),
            _ => Err(()),
        }
    }
}

/// What holds a program at its place until the end of a trial; dropping it takes the program away.
#[derive(Debug, Default)]
pub struct Held {
    /// Closed in this order.
    descriptors: Vec<OwnedFd>,
    /// A cgroup to remove: its parent and its name.
    cgroup: Option<(OwnedFd, String)>,
}

impl Held {
    fn of<const N: usize>(descriptors: [OwnedFd; N]) -> Held {
        Held { descriptors: descriptors.into(), cgroup: None }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.descriptors.clear();
        if let Some((parent, name)) = &self.cgroup {
            // A cgroup that is gone already needs no removal.
            let _ = unlinkat(parent.as_fd(), name, AtFlags::REMOVEDIR);
        }
    }
}

/// Why something is not tried.
const NOT_TRIED: &str = "not tried: it needs a program made for its target";

/// The answer, when all of the trial is gone again.
pub fn answer(question: Question) -> Answer {
    ask(question).0
}

/// The answer, and what is still held of the trial.
pub fn ask(question: Question) -> (Answer, Held) {
    let trial = move || match question {
        Question::Attach(prog_type, attach_type) => target::attach(prog_type, attach_type),
        Question::Load(prog_type) => target::without_attach_type(prog_type),
        Question::Hook(kind) => hook(kind),
    };
    // A thread of its own ends with whatever the trial changed about it.
    match std::thread::spawn(trial).join() {
        Ok(Ok(held)) => (Answer::Yes, held),
        Ok(Err(answer)) => (answer, Held::default()),
        Err(_) => (Answer::Unknown("the trial itself failed".to_owned()), Held::default()),
    }
}

fn hook(kind: HookKind) -> Trial<Held> {
    match kind {
        HookKind::Tracepoint => target::attach(ProgType::Tracepoint, AttachType::PerfEvent),
        HookKind::RawTracepoint => target::without_attach_type(ProgType::RawTracepoint),
        HookKind::TpBtf => target::attach(ProgType::Tracing, AttachType::TraceRawTp),
        HookKind::Kprobe => target::kprobe(false),
        HookKind::Kretprobe => target::kprobe(true),
        HookKind::Fentry => target::attach(ProgType::Tracing, AttachType::TraceFentry),
        HookKind::Fexit => target::attach(ProgType::Tracing, AttachType::TraceFexit),
        HookKind::Lsm => target::attach(ProgType::Lsm, AttachType::LsmMac),
        HookKind::Iter => target::attach(ProgType::Tracing, AttachType::TraceIter),
        HookKind::Uprobe | HookKind::Usdt => target::uprobe(false),
        HookKind::Uretprobe => target::uprobe(true),
        HookKind::Profile => target::attach(ProgType::PerfEvent, AttachType::PerfEvent),
        HookKind::Xdp => target::attach(ProgType::Xdp, AttachType::Xdp),
        HookKind::Tc => target::without_attach_type(ProgType::SchedCls),
        HookKind::Tcx => target::attach(ProgType::SchedCls, AttachType::TcxIngress),
        HookKind::Netkit => target::attach(ProgType::SchedCls, AttachType::NetkitPrimary),
        HookKind::Socket => target::without_attach_type(ProgType::SocketFilter),
        HookKind::Cgroup => target::attach(ProgType::CgroupSkb, AttachType::CgroupInetIngress),
        HookKind::Pcap => target::test_run(ProgType::Xdp),
    }
}

/// What a refused call means.
fn refused(call: &'static str) -> impl Fn(Errno) -> Answer {
    move |errno| match crate::feature::refused(errno) {
        Answer::No(why) => Answer::No(format!("{why} ({call}: {})", words(errno))),
        Answer::Unknown(why) => Answer::Unknown(format!("{call}: {why}")),
        Answer::Yes => Answer::Yes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_written_and_read() {
        let questions = [
            Question::Attach(ProgType::Xdp, AttachType::XdpCpumap),
            Question::Load(ProgType::Syscall),
            Question::Hook(HookKind::TpBtf),
        ];
        for question in questions {
            assert_eq!(question.to_string().parse(), Ok(question));
        }
        for wrong in ["", "attach", "attach:6", "attach:6:999", "load:99", "load:6:1", "hook:nowhere", "drop:6"] {
            assert_eq!(wrong.parse::<Question>(), Err(()), "{wrong}");
        }
    }
}
