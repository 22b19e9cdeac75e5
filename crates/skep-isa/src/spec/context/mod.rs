//! Contexts: what a program is handed in `r1`, field by field, and who may load and store which bytes of it.
//!
//! Enter at [`TABLE`] and [`Context::of`] for the context of a program, at [`Context::access`] for the verdict on one
//! access, and at [`pointee::TABLE`] for structs that are reached by a pointer. Layouts are those of
//! `include/uapi/linux/bpf.h`, verdicts those of Linux 6.18. This module knows no verifier state: an access is an
//! offset from the context's start and a size.

mod access;
mod cgroup;
mod field;
mod packet;
pub mod pointee;
mod socket;
mod trace;

pub use access::{Op, Refusal};
pub use field::{Field, Kind, Who, Width};

use super::{AttachType as A, ProgType as P, Version};

/// One row of [`TABLE`].
#[derive(Debug)]
pub struct Context {
    /// The struct's name, or ours where the kernel has no struct.
    pub name: &'static str,
    /// True where the kernel has a struct of this name and layout.
    pub is_struct: bool,
    /// Types of the programs that get it.
    pub prog_types: &'static [P],
    /// Where the kernel takes programs to be attached that do not say.
    pub default_attach: Option<A>,
    /// Size in bytes.
    pub size: u32,
    /// First kernel that has it.
    pub since: Version,
    /// What it is, in one sentence.
    pub what: &'static str,
    /// Its fields in the order of their offsets; those of a union stand together.
    pub fields: &'static [Field],
}

/// All contexts.
pub static TABLE: &[Context] = &[
    packet::SK_BUFF,
    packet::XDP_MD,
    socket::SOCK,
    socket::SOCK_ADDR,
    socket::SOCK_OPS,
    socket::SK_MSG,
    socket::SK_REUSEPORT,
    socket::SK_LOOKUP,
    cgroup::SYSCTL,
    cgroup::SOCKOPT,
    cgroup::DEVICE,
    trace::PERF_EVENT,
    trace::PT_REGS,
    trace::RAW_TRACEPOINT,
    packet::NETFILTER,
    trace::TRACEPOINT,
    trace::SYSCALL,
    trace::LIRC_MODE2,
    trace::ARGUMENTS,
];

impl Context {
    /// The context of programs of a type; `None` for `ext` programs, which have that of the program they stand in for.
    ///
    /// ```
    /// use skep_isa::spec::{ProgType, context::Context};
    /// assert_eq!(Context::of(ProgType::Xdp).map(|c| c.name), Some("xdp_md"));
    /// ```
    pub const fn of(prog_type: P) -> Option<&'static Context> {
        let mut at = 0;
        while at < TABLE.len() {
            if field::contains(TABLE[at].prog_types, prog_type) {
                return Some(&TABLE[at]);
            }
            at += 1;
        }
        None
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|f| f.name == name)
    }
}

#[cfg(test)]
mod tests;
