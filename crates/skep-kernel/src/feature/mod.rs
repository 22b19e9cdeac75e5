//! What this kernel can do: program types that load, map types that can be made, helpers that are offered, and a few
//! plain facts.
//!
//! Every answer is tried, not inferred from the version, and has three values: a probe that failed for a reason that
//! says nothing of the kernel is no "no".

mod helper;
mod kfunc;
mod known;
mod misc;
mod prober;

pub use helper::{NOT_HERE, helper, helper_in, helpers};
pub use kfunc::kfunc;
pub use known::{Feature, Features};
pub use misc::misc;
pub use prober::{Prober, Refusal};

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use skep_isa::Insn;
use skep_isa::insn::EXIT;
use skep_isa::spec::map_type::{Entries, PAGE, Shape, Types};
use skep_isa::spec::{AttachType, MapType, ProgType, Version, map_type, prog_type, section};

use crate::error::{is_privileged, words};
use crate::lower::encode;
use crate::sys::{self, attr};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The kernel has it.
    Yes,
    /// The kernel does not have it, or refuses it here: why.
    No(String),
    /// It could not be found out: why.
    Unknown(String),
}

/// Which program types this kernel loads, in the order of their numbers.
pub fn program_types() -> Vec<(ProgType, Answer)> {
    let rows = prog_type::TABLE.iter().filter(|row| row.id != ProgType::Unspec);
    rows.map(|row| (row.id, program_type(row.id))).collect()
}

/// Whether this kernel loads programs of a type: tried with `return 0`.
pub fn program_type(prog_type: ProgType) -> Answer {
    let code = encode(&[Insn::new(0xb7, 0, 0, 0, 0), Insn::new(EXIT, 0, 0, 0, 0)]);
    let attr = attr::ProgLoad {
        prog_type: prog_type.id(),
        expected_attach_type: attach_type(prog_type).map_or(0, AttachType::id),
        prog_flags: if prog_type == ProgType::Syscall { section::SLEEPABLE } else { 0 },
        prog_name: crate::name::kernel_name("skep_probe"),
        ..Default::default()
    };
    let parts = sys::ProgramParts { code: &code, license: c"GPL", funcs: &[], lines: &[], modules: &[] };
    let mut log = vec![0; 4096];
    match sys::prog_load(&attr, &parts, &mut log) {
        Ok(_) => Answer::Yes,
        // The verifier spoke: it knows the type, and misses the target that a real program of the type names.
        Err(_) if log.first().is_some_and(|b| *b != 0) => Answer::Yes,
        Err(errno) => refused(errno),
    }
}

/// Which map types this kernel makes, in the order of their numbers.
pub fn map_types() -> Vec<(MapType, Answer)> {
    let rows = map_type::TABLE.iter().filter(|row| row.id != MapType::Unspec);
    rows.map(|row| (row.id, map_type(row.id))).collect()
}

/// Whether this kernel makes maps of a type: tried with the smallest map there can be.
pub fn map_type(map_type: MapType) -> Answer {
    match make(map_type) {
        Ok(_) => Answer::Yes,
        // Asked for a table of functions that it does not have: so it knows such tables.
        Err(sys::ENOTSUPP) if map_type == MapType::StructOps => Answer::Yes,
        Err(errno) => refused(errno),
    }
}

/// The smallest map of a type that this kernel makes, `None` where it makes none.
pub fn smallest_map(map_type: MapType) -> Option<OwnedFd> {
    make(map_type).ok()
}

fn make(map_type: MapType) -> Result<OwnedFd, Errno> {
    // A table of functions has the size of its struct; which one it is is not looked at before its type is.
    let table = Shape { key_size: 4, value_size: 4, max_entries: 1, ..Default::default() };
    let shape = map_type.smallest().unwrap_or(table);
    let page = u32::try_from(rustix::param::page_size()).unwrap_or(PAGE);
    let mut attr = attr::MapCreate {
        map_type: map_type.id(),
        key_size: shape.key_size,
        // One size for keys and values that are numbers: that of the type below, and of the inner map.
        value_size: if map_type.row().value.takes(4) { 4 } else { shape.value_size },
        max_entries: if map_type.row().entries == Entries::Ring { page } else { shape.max_entries },
        map_flags: shape.flags,
        ..Default::default()
    };
    match map_type {
        _ if map_type.row().types == Types::Must => with_int_type(|types| {
            attr.btf_fd = sys::number(types);
            attr.btf_key_type_id = 1;
            attr.btf_value_type_id = 1;
            sys::map_create(&attr)
        }),
        MapType::ArrayOfMaps | MapType::HashOfMaps => {
            let inner = attr::MapCreate { map_type: MapType::Array.id(), key_size: 4, ..attr };
            sys::map_create(&inner).and_then(|inner| {
                attr.inner_map_fd = sys::number(inner.as_fd());
                sys::map_create(&attr)
            })
        }
        MapType::StructOps => {
            // Type 1 of the kernel's own is an integer.
            attr.btf_vmlinux_value_type_id = 1;
            sys::map_create(&attr)
        }
        _ => sys::map_create(&attr),
    }
}

/// A plain fact of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about.
    pub name: &'static str,
    /// Its value, `None` where the kernel does not tell.
    pub value: Option<String>,
}

/// Plain facts: version, just-in-time compiler, types, who may use eBPF.
pub fn facts() -> Vec<Fact> {
    let read = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let types = std::fs::metadata("/sys/kernel/btf/vmlinux").ok().map(|m| format!("{} bytes", m.len()));
    let fact = |name, value| Fact { name, value };
    vec![
        fact("kernel version", Some(rustix::system::uname().release().to_string_lossy().into_owned())),
        fact("privileged", Some(is_privileged().to_string())),
        fact("bpf_jit_enable", read("/proc/sys/net/core/bpf_jit_enable")),
        fact("bpf_jit_harden", read("/proc/sys/net/core/bpf_jit_harden")),
        fact("unprivileged_bpf_disabled", read("/proc/sys/kernel/unprivileged_bpf_disabled")),
        fact("perf_event_paranoid", read("/proc/sys/kernel/perf_event_paranoid")),
        fact("lockdown", read("/sys/kernel/security/lockdown")),
        fact("vmlinux types", types),
    ]
}

/// Version of the running kernel, `None` when its name does not begin with one.
pub fn kernel_version() -> Option<Version> {
    let name = rustix::system::uname();
    let mut parts = name.release().to_str().ok()?.split(|c: char| !c.is_ascii_digit());
    Some(Version(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The attach type that loading a program of a type asks for.
fn attach_type(prog_type: ProgType) -> Option<AttachType> {
    let row = section::TABLE.iter().find(|row| row.prog_type == prog_type && row.attach_type.is_some());
    row.and_then(|row| row.attach_type)
}

/// Why it is not there.
const MISSING: &str = "this kernel does not have it";
/// Why it could not be found out.
const UNPRIVILEGED: &str = "this process lacks privilege";

/// What a refusal says of the kernel.
pub(crate) fn refused(errno: Errno) -> Answer {
    match errno {
        Errno::PERM | Errno::ACCESS if is_privileged() => Answer::No("a policy of this host refuses it".to_owned()),
        Errno::PERM | Errno::ACCESS => Answer::Unknown(UNPRIVILEGED.to_owned()),
        Errno::INVAL | Errno::OPNOTSUPP | sys::ENOTSUPP => Answer::No(MISSING.to_owned()),
        _ => Answer::Unknown(words(errno)),
    }
}

/// Calls with loaded types whose type 1 is a signed 32-bit `int`.
fn with_int_type<T>(f: impl FnOnce(BorrowedFd<'_>) -> Result<T, Errno>) -> Result<T, Errno> {
    /// A header, one INT record and its name, as `Documentation/bpf/btf.rst` lays them out.
    const HEADER: [u32; 6] = [0x0001_eb9f, 24, 0, 16, 16, 5];
    const INT: [u32; 4] = [1, 1 << 24, 4, (1 << 24) | 32];
    let words = HEADER.iter().chain(&INT).flat_map(|word| word.to_ne_bytes());
    let types: Vec<u8> = words.chain(*b"\0int\0").collect();
    let types = sys::btf_load(&types, None, &mut [])?;
    f(types.as_fd())
}
