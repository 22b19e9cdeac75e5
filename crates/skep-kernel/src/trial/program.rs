//! The program of a trial: `return N`, loaded as a type asks for it.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use skep_btf::{KindId, Scan};
use skep_isa::Insn;
use skep_isa::insn::EXIT;
use skep_isa::spec::attach_type::Target;
use skep_isa::spec::prog_type::{Names, Sleep};
use skep_isa::spec::{AttachType, ProgType, result, section};

use crate::error::words;
use crate::feature::Answer;
use crate::lower::encode;
use crate::sys::{self, attr};

/// How a trial went: done, or the answer that ends it.
pub(super) type Trial<T = ()> = Result<T, Answer>;

/// What a program that names its target by BTF id is put to; the first that this kernel has.
fn candidates(attach_type: AttachType) -> (KindId, &'static str, &'static [&'static str]) {
    match attach_type.row().target {
        // Tracepoints that fire seldom.
        Target::Tracepoint => (KindId::Typedef, "btf_trace_", &["bpf_test_finish", "sched_process_exec"]),
        Target::Iterator => (KindId::Func, "bpf_iter_", &["bpf_map", "task"]),
        Target::LsmHook => (KindId::Func, "bpf_lsm_", &["settime", "path_chroot"]),
        _ if attach_type == AttachType::LsmCgroup => (KindId::Func, "bpf_lsm_", &["socket_post_create"]),
        // Changing what it returns is allowed at security hooks, and from 6.3 on at a function for tests of this.
        _ if attach_type == AttachType::ModifyReturn => {
            (KindId::Func, "", &["security_settime64", "bpf_modify_return_test"])
        }
        _ => (KindId::Func, "", &["bpf_fentry_test1"]),
    }
}

/// Loads `return N` for a place.
pub(super) fn load(prog_type: ProgType, attach_type: Option<AttachType>) -> Trial<OwnedFd> {
    let names_btf = prog_type.row().names == Names::Btf;
    let attach_btf_id = match attach_type {
        Some(attach_type) if names_btf => btf_id(attach_type)?,
        _ => 0,
    };
    let value = result::allowed(prog_type, attach_type).map_or(0, |range| range.high);
    let code = encode(&[Insn::new(0xb7, 0, 0, 0, value), Insn::new(EXIT, 0, 0, 0, 0)]);
    let named = attach_type.filter(|a| a.row().at_load.is_named() || prog_type.row().names != Names::Nothing);
    let attr = attr::ProgLoad {
        prog_type: prog_type.id(),
        expected_attach_type: named.map_or(0, AttachType::id),
        prog_flags: if prog_type.row().sleep == Sleep::Always { section::SLEEPABLE } else { 0 },
        prog_name: crate::name::kernel_name("skep_trial"),
        attach_btf_id,
        ..Default::default()
    };
    let parts = sys::ProgramParts { code: &code, license: c"GPL", funcs: &[], lines: &[], modules: &[] };
    let mut log = vec![0; 4096];
    sys::prog_load(&attr, &parts, &mut log).map_err(|errno| {
        let text = String::from_utf8_lossy(log.split(|b| *b == 0).next().unwrap_or_default()).into_owned();
        match (errno, text.lines().rfind(|l| !l.starts_with("processed ") && !l.is_empty())) {
            (Errno::PERM | Errno::ACCESS, None) => super::refused("BPF_PROG_LOAD")(errno),
            (_, Some(line)) => Answer::No(format!("the verifier refuses it: {line}")),
            _ => super::refused("BPF_PROG_LOAD")(errno),
        }
    })
}

fn btf_id(attach_type: AttachType) -> Trial<u32> {
    let (kind, prefix, names) = candidates(attach_type);
    let none = |why: String| Answer::Unknown(format!("the kernel's types: {why}"));
    let bytes = std::fs::read("/sys/kernel/btf/vmlinux").map_err(|e| match e.raw_os_error() {
        Some(2) => Answer::No("this kernel does not give its types (CONFIG_DEBUG_INFO_BTF)".to_owned()),
        _ => none(words(Errno::from_io_error(&e).unwrap_or(Errno::IO))),
    })?;
    let scan = Scan::new(&bytes).map_err(|e| none(e.to_string()))?;
    let found = names.iter().find_map(|name| scan.find(kind, &format!("{prefix}{name}")));
    let missing = || Answer::No(format!("this kernel has no {prefix}{}", names.first().copied().unwrap_or_default()));
    found.map(|id| id.0).ok_or_else(missing)
}
