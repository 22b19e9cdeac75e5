//! Small programs that the verifier looks at and refuses: what it says of them tells what it allows at a place.
//!
//! Enter at [`Prober::refuse`]. Such a program ends in something that is never allowed, so it is never compiled or kept:
//! thousands of questions cost the kernel nothing. What the words mean is read by the modules that ask.

use std::ffi::CStr;

use rustix::io::Errno;
use skep_btf::{Kind, KindId, Scan, TypeId};
use skep_isa::Insn;
use skep_isa::insn::{CALL, EXIT};
use skep_isa::spec::place::{self, Target};
use skep_isa::spec::{AttachType, Place, section};

use crate::lower::encode;
use crate::sys::{self, attr};

/// Asks the verifier; knows which of the kernel's types the places name.
#[derive(Debug, Default)]
pub struct Prober {
    /// For each place its target, `None` where the kernel has none.
    targets: Vec<Option<Named>>,
}

/// What loading names beside the types.
#[derive(Clone, Copy, Debug, Default)]
struct Named {
    btf_id: u32,
    /// Number of a structure's member, which takes the place of an attach type.
    member: Option<u32>,
}

/// How a program was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The system call's error; `None` for a program that was accepted against its purpose.
    pub errno: Option<Errno>,
    /// The verifier's words, empty when it was not reached.
    pub log: String,
}

impl Prober {
    /// A prober for the running kernel. Where it has no types, places that name one cannot be asked.
    pub fn new() -> Prober {
        let bytes = std::fs::read("/sys/kernel/btf/vmlinux").unwrap_or_default();
        Scan::new(&bytes).map_or_else(|_| Prober::untyped(), |types| Prober::with_types(&types))
    }

    /// A prober that knows no types of the kernel: made at once, for places that name none.
    pub fn untyped() -> Prober {
        let is_bare = |row: &place::Row| row.target == Target::None;
        Prober { targets: place::TABLE.iter().map(|row| is_bare(row).then(Named::default)).collect() }
    }

    /// A prober with the types of the running kernel, where they were read before.
    pub fn with_types(types: &Scan<'_>) -> Prober {
        let names: Vec<Option<(KindId, String)>> = place::TABLE.iter().map(|row| type_name(row.target)).collect();
        let mut wanted: Vec<(KindId, &str)> = Vec::new();
        for (kind, name) in names.iter().flatten() {
            if !wanted.contains(&(*kind, name.as_str())) {
                wanted.push((*kind, name));
            }
        }
        let found = types.find_all(&wanted);
        let id = |kind: KindId, name: &str| {
            let at = wanted.iter().position(|asked| *asked == (kind, name))?;
            found.get(at).copied().flatten()
        };
        let targets = place::TABLE.iter().zip(&names).map(|(row, name)| match name {
            Some((kind, name)) => named(row.target, id(*kind, name)?, types),
            None => Some(Named::default()),
        });
        Prober { targets: targets.collect() }
    }

    /// Has the verifier look at `code` at a place, followed by the use of `r9`, which must not be written: so it is
    /// refused in any case.
    pub fn refuse(&self, place: Place, code: &[Insn], license: &CStr) -> Refusal {
        self.refuse_as(place, place.row().sleepable, code, license)
    }

    /// The same for a program that may or may not sleep, whatever the place says.
    pub fn refuse_as(&self, place: Place, sleepable: bool, code: &[Insn], license: &CStr) -> Refusal {
        /// `r0 = r9`: a register that was never written.
        const UNREAD: Insn = Insn::new(0xbf, 0, 9, 0, 0);
        let row = place.row();
        let Some(Some(named)) = self.targets.get(place as usize).copied() else {
            return Refusal { errno: Some(Errno::NOENT), log: String::new() };
        };
        let mut code = code.to_vec();
        code.extend([UNREAD, Insn::new(EXIT, 0, 0, 0, 0)]);
        let code = encode(&code);
        let attr = attr::ProgLoad {
            prog_type: row.prog_type.id(),
            expected_attach_type: named.member.unwrap_or_else(|| row.attach_type.map_or(0, AttachType::id)),
            prog_flags: if sleepable { section::SLEEPABLE } else { 0 },
            prog_name: crate::name::kernel_name("skep_probe"),
            attach_btf_id: named.btf_id,
            ..Default::default()
        };
        let parts = sys::ProgramParts { code: &code, license, funcs: &[], lines: &[], modules: &[] };
        let mut log = vec![0; 8192];
        let errno = sys::prog_load(&attr, &parts, &mut log).err();
        let end = log.iter().position(|b| *b == 0).unwrap_or(log.len());
        log.truncate(end);
        Refusal { errno, log: String::from_utf8_lossy(&log).into_owned() }
    }

    /// Has the verifier look at the call of a helper with nothing but the context in `r1`.
    pub(super) fn call(&self, place: Place, helper: u32, license: &CStr) -> Refusal {
        self.refuse(place, &[Insn::new(CALL, 0, 0, 0, helper.cast_signed())], license)
    }
}

/// Kind and name of the type that a place names.
fn type_name(target: Target) -> Option<(KindId, String)> {
    Some(match target {
        Target::None => return None,
        Target::Tracepoint(name) => (KindId::Typedef, format!("btf_trace_{name}")),
        Target::Iterator(name) => (KindId::Func, format!("bpf_iter_{name}")),
        Target::Function(name) => (KindId::Func, name.to_owned()),
        Target::LsmHook(name) => (KindId::Func, format!("bpf_lsm_{name}")),
        Target::Member(structure, _) => (KindId::Struct, structure.to_owned()),
    })
}

/// What loading names for a target whose type was found; `None` for a member that the structure does not have.
fn named(target: Target, id: TypeId, types: &Scan<'_>) -> Option<Named> {
    let Target::Member(_, name) = target else { return Some(Named { btf_id: id.0, member: None }) };
    let Kind::Struct { members, .. } = types.get(id)?.kind else { return None };
    let at = members.iter().position(|m| types.string(m.name_off) == Some(name))?;
    Some(Named { btf_id: id.0, member: Some(u32::try_from(at).ok()?) })
}
