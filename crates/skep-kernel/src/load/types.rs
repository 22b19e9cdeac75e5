//! An object's types in the kernel: as they are, or rewritten where the kernel refuses them.
//!
//! Enter at [`Types::load`]. Types are for comfort: where none can be loaded, programs are, without records of functions and
//! lines.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use skep_btf::{Btf, Sanitized};
use skep_isa::spec::BtfFeature;

use crate::error::words;
use crate::feature::{Feature, Features};
use crate::sys;

/// What became of an object's types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectTypes {
    /// The object has none.
    None,
    /// The kernel has them.
    Whole,
    /// The kernel has them with these changes, which it needed.
    Changed(Vec<String>),
    /// The kernel refuses them, for this reason.
    Refused(String),
}

/// An object's types in the kernel.
pub(super) struct Types {
    fd: Option<OwnedFd>,
    state: ObjectTypes,
}

/// Bytes of the log of a refusal.
const LOG_SIZE: usize = 256 << 10;

impl Types {
    /// Loads the types of an object.
    pub(super) fn load(btf: Option<&Btf>, features: &Features) -> Types {
        let Some(btf) = btf else { return Types { fd: None, state: ObjectTypes::None } };
        let load = |bytes: &[u8], log: &mut [u8]| sys::btf_load(bytes, features.token(), log);
        // What was found lacking for another object need not be tried again.
        let known = |feature| !features.lacks(Feature::Btf(feature));
        let first = if BtfFeature::all().all(known) { Sanitized::unchanged(btf) } else { btf.sanitize(known) };
        let (loaded, sanitized) = match load(&first.bytes, &mut []) {
            Ok(fd) => (Ok(fd), first),
            Err(_) => {
                let sanitized = btf.sanitize(|feature| features.has(Feature::Btf(feature)));
                (load(&sanitized.bytes, &mut []), sanitized)
            }
        };
        match loaded {
            Ok(fd) => {
                let changes = sanitized.changes.iter().map(|(change, count)| format!("{change} ({count})"));
                let changes: Vec<String> = changes.collect();
                let state = if changes.is_empty() { ObjectTypes::Whole } else { ObjectTypes::Changed(changes) };
                Types { fd: Some(fd), state }
            }
            Err(_) => Types { fd: None, state: ObjectTypes::Refused(why(|log| load(&sanitized.bytes, log).err())) },
        }
    }

    /// The descriptor, where the kernel has them.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }

    pub(super) fn state(self) -> ObjectTypes {
        self.state
    }
}

/// What the kernel says of types that it refuses.
fn why(load: impl FnOnce(&mut [u8]) -> Option<Errno>) -> String {
    let mut log = vec![0; LOG_SIZE];
    let errno = load(&mut log);
    let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
    let log = String::from_utf8_lossy(log.get(..end).unwrap_or_default()).into_owned();
    let last = log.lines().rev().find(|line| !line.trim().is_empty()).map(|line| line.trim().to_owned());
    last.or_else(|| errno.map(words)).unwrap_or_else(|| "no reason".to_owned())
}
