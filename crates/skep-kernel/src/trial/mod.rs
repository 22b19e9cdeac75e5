//! Attaching, tried: whether a program of a type can be put to a place on this machine.
//!
//! Enter at [`attach`] and [`program_type`]. Each trial loads `return N` and puts it to a target made for the purpose (an
//! empty cgroup, an idle network namespace, a map, a socket, a function that nothing calls), then takes it away again.
//! Nothing of the machine's own traffic passes such a program.

mod program;
mod target;

use rustix::io::Errno;
use skep_isa::spec::{AttachType, HookKind, ProgType};

use crate::feature::Answer;
use program::Trial;

/// Why something is not tried.
const NOT_TRIED: &str = "not tried: it needs a program made for its target";

/// Whether programs of this type can be put to places of this type.
pub fn attach(prog_type: ProgType, attach_type: AttachType) -> Answer {
    in_scratch(move || target::attach(prog_type, attach_type))
}

/// Whether programs of this type load, and can be put somewhere where no attach type says where.
pub fn program_type(prog_type: ProgType) -> Answer {
    in_scratch(move || target::without_attach_type(prog_type))
}

/// Whether the kernel offers hooks of this kind, `None` where the hook is none of the kernel's.
pub fn hook(kind: HookKind) -> Option<Answer> {
    let answer = match kind {
        HookKind::Pcap => return None,
        HookKind::Tracepoint => attach(ProgType::Tracepoint, AttachType::PerfEvent),
        HookKind::RawTracepoint => program_type(ProgType::RawTracepoint),
        HookKind::TpBtf => attach(ProgType::Tracing, AttachType::TraceRawTp),
        HookKind::Kprobe => in_scratch(|| target::kprobe(false)),
        HookKind::Kretprobe => in_scratch(|| target::kprobe(true)),
        HookKind::Fentry => attach(ProgType::Tracing, AttachType::TraceFentry),
        HookKind::Fexit => attach(ProgType::Tracing, AttachType::TraceFexit),
        HookKind::Lsm => attach(ProgType::Lsm, AttachType::LsmMac),
        HookKind::Iter => attach(ProgType::Tracing, AttachType::TraceIter),
        HookKind::Uprobe | HookKind::Usdt => in_scratch(|| target::uprobe(false)),
        HookKind::Uretprobe => in_scratch(|| target::uprobe(true)),
        HookKind::Profile => attach(ProgType::PerfEvent, AttachType::PerfEvent),
        HookKind::Xdp => attach(ProgType::Xdp, AttachType::Xdp),
        HookKind::Tc => program_type(ProgType::SchedCls),
        HookKind::Tcx => attach(ProgType::SchedCls, AttachType::TcxIngress),
        HookKind::Netkit => attach(ProgType::SchedCls, AttachType::NetkitPrimary),
        HookKind::Socket => program_type(ProgType::SocketFilter),
        HookKind::Cgroup => attach(ProgType::CgroupSkb, AttachType::CgroupInetIngress),
    };
    Some(answer)
}

/// Runs a trial on a thread of its own, which ends with whatever the trial changed about it.
fn in_scratch(trial: impl FnOnce() -> Trial + Send + 'static) -> Answer {
    match std::thread::spawn(trial).join() {
        Ok(Ok(())) => Answer::Yes,
        Ok(Err(answer)) => answer,
        Err(_) => Answer::Unknown("the trial itself failed".to_owned()),
    }
}

/// What a refused call means.
fn refused(call: &'static str) -> impl Fn(Errno) -> Answer {
    move |errno| match crate::feature::refused(errno) {
        Answer::No(why) => Answer::No(format!("{why} ({call}: {errno})")),
        Answer::Unknown(why) => Answer::Unknown(format!("{call}: {why}")),
        Answer::Yes => Answer::Yes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_hook_of_the_kernel_has_a_trial() {
        let without: Vec<_> =
            skep_isa::spec::hook::TABLE.iter().map(|r| r.kind).filter(|k| *k == HookKind::Pcap).collect();
        assert_eq!(without, [HookKind::Pcap]);
        assert!(hook(HookKind::Pcap).is_none());
    }
}
