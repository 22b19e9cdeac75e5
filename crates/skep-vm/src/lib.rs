//! eBPF in user space: a sandboxed, pre-decoded interpreter with maps, helpers and packet contexts.
//!
//! Enter at [`Machine::new`], which makes an object's maps and decodes its programs, and at [`Machine::run`], which
//! takes one [`Packet`] through one program. A program's pointer is never a host address: it is a region tag and an
//! offset, and each access is checked against the region. Breaking a rule is a typed [`Fault`]. Classic programs enter
//! at [`classic::Filter`] and [`classic::SeccompFilter`], programs that run on plain memory at [`Routine`].
//!
//! This crate opens no file, socket or clock: time, randomness and text go through [`Host`].
#![deny(unsafe_code)]

pub mod classic;
mod context;
mod decode;
mod error;
mod fault;
mod helper;
mod host;
mod interpreter;
mod kfunc;
mod machine;
mod map;
mod mem;
mod memory;
mod op;
mod packet;
mod routine;

pub use error::{Error, Place, SourceLine};
pub use fault::{Fault, FaultKind, Region};
pub use helper::{HelperState, OnCall, helpers};
pub use host::{Config, Effect, Host, Probe, Space, Still, Symbol, Task};
pub use machine::{Machine, Outcome, Refused};
pub use map::{Batch, Entries, Map, MapError};
pub use packet::{Packet, PacketInfo, Redirect, TunnelKey};
pub use routine::{Call, Caller, Routine};
