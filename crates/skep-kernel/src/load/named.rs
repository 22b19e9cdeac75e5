//! What of the kernel a program names when it is loaded: a function, a tracepoint, a hook, a place in a structure.

use std::os::fd::BorrowedFd;

use skep_btf::KindId;
use skep_isa::spec::attach_type::Target;
use skep_isa::spec::{ProgType, section};
use skep_object::ProgramSpec;

use super::kernel::Kernel;
use crate::error::Error;
use crate::struct_ops::Instance;

/// What `BPF_PROG_LOAD` is told of the place a program is for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Named<'a> {
    /// `expected_attach_type`: a row of the attach types; of a function in a structure, which member it is.
    pub(super) place: u32,
    /// `attach_btf_id`: the kernel's type it names, 0 for none.
    pub(super) type_id: u32,
    /// `attach_btf_obj_fd`: the module whose type it is.
    pub(super) of: Option<BorrowedFd<'a>>,
}

/// What a program of this type names.
///
/// # Errors
/// [`Error::NoSymbol`] and [`Error::NoTracepoint`] for what the kernel does not have, [`Error::NoTarget`] for a program that
/// does not say.
pub(super) fn named<'a>(
    spec: &ProgramSpec,
    prog_type: ProgType,
    kernel: &Kernel<'a, '_>,
    instances: &[Instance],
) -> Result<Named<'a>, Error> {
    let place = spec.attach_type().map_or(0, |t| t.id());
    let detail = section::find(&spec.section).map_or("", |(_, detail)| detail);
    let no_target = |what: &str| Error::NoTarget {
        program: spec.name.clone(),
        section: spec.section.clone(),
        what: what.to_owned(),
    };
    let target = match (prog_type, spec.attach_type()) {
        (ProgType::Tracing | ProgType::Lsm, Some(attach_type)) => attach_type.row().target,
        (ProgType::Ext, _) => return Err(no_target("the program whose function it replaces")),
        (ProgType::StructOps, _) => {
            let member = Instance::member_of(instances, &spec.name)?;
            let member = member.ok_or_else(|| no_target("the structure of functions that it is part of"))?;
            let of = kernel.module(member.of)?;
            return Ok(Named { place: member.index, type_id: member.of.id.0, of });
        }
        _ => return Ok(Named { place, ..Named::default() }),
    };
    let (kind, prefix, what) = match target {
        Target::Tracepoint => (KindId::Typedef, "btf_trace_", "tracepoint"),
        Target::Iterator => (KindId::Func, "bpf_iter_", "iterator"),
        Target::LsmHook | Target::Cgroup => (KindId::Func, "bpf_lsm_", "security hook"),
        Target::Function => (KindId::Func, "", "function"),
        _ => return Err(no_target("its functions, which are named when it is attached")),
    };
    if detail.is_empty() {
        return Err(no_target(&format!("which {what} it is for")));
    }
    // `fentry/MODULE:FUNCTION` says where the function is.
    let (module, name) = detail.split_once(':').map_or((None, detail), |(module, name)| (Some(module), name));
    let found = kernel.find_in(module, kind, &format!("{prefix}{name}"));
    let found = found.ok_or_else(|| match target {
        Target::Tracepoint => Error::NoTracepoint { name: detail.to_owned(), near: None },
        _ => Error::NoSymbol { what, name: detail.to_owned(), near: None, why: None },
    })?;
    Ok(Named { place, type_id: found.id.0, of: kernel.module(found)? })
}
