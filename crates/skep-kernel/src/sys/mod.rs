//! Every raw call of the kernel, each as a typed safe function above one unsafe call.
//!
//! Nothing here decides anything: no retries, no messages, no policy. Errors are the kernel's numbers; the modules
//! above say what they mean. All descriptors are closed on exec.
#![allow(unsafe_code, reason = "the raw calls of the kernel stand here and nowhere else")]

pub(crate) mod attr;
mod bpf;
mod namespace;
mod perf;
mod signal;
mod socket;

pub(crate) use bpf::*;
pub(crate) use namespace::*;
pub(crate) use perf::*;
pub(crate) use signal::*;
pub(crate) use socket::*;
