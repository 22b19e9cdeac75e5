//! Where a kernel does not offer a helper although its row says so: conditions of kernels and machines, not of helpers.
//!
//! The comparison with running kernels leaves these pairs out; docs/reference/helpers.md lists them.

use crate::spec::place::{PlaceSet, common};
use crate::spec::{Place, Version, v};

/// What an exception is on.
#[derive(Clone, Copy, Debug)]
pub enum Scope {
    /// All helpers at these places.
    Places(PlaceSet),
    /// These helpers, at all their places or at none.
    Helpers(&'static [&'static str]),
}

/// One exception.
#[derive(Debug)]
pub struct Exception {
    /// What it is on.
    pub scope: Scope,
    /// The last kernel it was seen on, `None` for any.
    pub until: Option<Version>,
    /// The condition, in a few words.
    pub when: &'static str,
    /// What the kernel does then, in one sentence.
    pub why: &'static str,
}

/// Places that a host's policy may refuse, whatever the program.
pub const REFUSED_BY_POLICY: PlaceSet = common::TRAMPOLINE.and(common::LSM);

/// Places that stand and fall with a kernel option which none of the compared kernels has.
pub const OPTION_OFF: PlaceSet = PlaceSet::of(&[Place::LircMode2, Place::SchedExt, Place::HidBpf]);

/// Places that take no function without error injection, up to [`ERROR_INJECTION_UNTIL`].
pub const NO_FUNCTION: PlaceSet =
    PlaceSet::of(&[Place::FentrySleepable, Place::FexitSleepable, Place::FmodRetSleepable]);

/// The last kernel with [`NO_FUNCTION`].
pub const ERROR_INJECTION_UNTIL: Version = v(6, 1);

/// Helpers that a kernel may lack everywhere, for the reason their row names under `needs`.
pub const MAY_LACK: &[&str] = &["override_return", "probe_write_user"];

/// All exceptions.
#[rustfmt::skip]
pub static TABLE: &[Exception] = &[
    Exception {
        scope: Scope::Places(REFUSED_BY_POLICY), until: None, when: "a policy of the host",
        why: "Some hosts answer EPERM to every program there, before the verifier looks at it.",
    },
    Exception {
        scope: Scope::Places(OPTION_OFF), until: None, when: "the option the place needs is off",
        why: "CONFIG_BPF_LIRC_MODE2, CONFIG_SCHED_CLASS_EXT or CONFIG_HID_BPF; the rows are then proved by no kernel.",
    },
    Exception {
        scope: Scope::Places(NO_FUNCTION), until: Some(ERROR_INJECTION_UNTIL), when: "CONFIG_FUNCTION_ERROR_INJECTION is off",
        why: "Programs that sleep find no function there that they may be attached to.",
    },
    Exception {
        scope: Scope::Helpers(MAY_LACK), until: None, when: "CONFIG_BPF_KPROBE_OVERRIDE is off, or lockdown is on",
        why: "The kernel then has no such helper at any place.",
    },
];
