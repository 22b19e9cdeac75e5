//! Faults: the rule a program broke while it ran.

use skep_diag::{Diagnostic, code};
use skep_object::{Object, ProgramSpec};

use crate::error::Place;

/// Where memory a program may reach belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// The stack, 512 bytes for each frame.
    Stack,
    /// The context.
    Context,
    /// The packet, metadata before it included, up to `data_end`.
    Packet,
    /// The memory that a routine was given.
    Memory,
    /// The values of a map, by its index in the object; for a ring buffer its reserved records.
    Map(usize),
    /// The key a callback was given.
    Key,
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Region::Stack => f.write_str("the stack"),
            Region::Context => f.write_str("the context"),
            Region::Packet => f.write_str("the packet"),
            Region::Memory => f.write_str("the memory"),
            Region::Map(index) => write!(f, "map {index}"),
            Region::Key => f.write_str("the callback's key"),
        }
    }
}

/// Which rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// An access does not lie inside what the program may reach.
    #[error("an access of size {size} at offset {offset} is outside {region}")]
    OutOfBounds {
        /// Memory the pointer belongs to.
        region: Region,
        /// Offset from where the program's part of it begins: the packet's first byte, the frame's bottom, the value.
        offset: i64,
        /// Bytes accessed.
        size: usize,
    },
    /// A store to memory that may only be read.
    #[error("a store to {region}, which may only be read")]
    ReadOnly {
        /// Memory the pointer belongs to.
        region: Region,
    },
    /// An access through something that is no pointer to memory.
    #[error("an access through {value:#x}, which is not a pointer to memory")]
    BadPointer {
        /// The value; 0 is a null pointer.
        value: u64,
    },
    /// The program ran longer than it may.
    #[error("the program ran for {limit} instructions without an end")]
    Fuel {
        /// The limit.
        limit: u64,
    },
    /// Calls nest deeper than eight.
    #[error("calls nest deeper than {limit}")]
    CallDepth {
        /// The limit.
        limit: usize,
    },
    /// A helper was given an argument the kernel's verifier does not accept.
    #[error("argument {argument} of {helper} is {value:#x}: {why}")]
    BadArgument {
        /// The helper's name.
        helper: &'static str,
        /// Position, from 1.
        argument: u8,
        /// What was given.
        value: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The program ended with records reserved in a ring buffer.
    #[error("{count} ring buffer records were reserved but neither submitted nor discarded")]
    OpenRecord {
        /// How many.
        count: usize,
    },
    /// An atomic access that does not lie as its size wants.
    #[error("an atomic access of size {size} at offset {offset} of {region}, which is no multiple of its size")]
    Misaligned {
        /// Memory the pointer belongs to.
        region: Region,
        /// Offset from where the program's part of it begins.
        offset: i64,
        /// Bytes accessed.
        size: usize,
    },
    /// A call or a jump through a register that holds no address of the program's code.
    #[error("a call or jump to {value:#x}, where no function of the program begins")]
    BadTarget {
        /// The value.
        value: u64,
    },
    /// Execution left the program's code.
    #[error("execution left the program's code")]
    WildJump,
}

impl FaultKind {
    fn help(self) -> &'static str {
        match self {
            FaultKind::OutOfBounds { region: Region::Packet, .. } => {
                "compare the pointer with `data_end` before the access, and load `data` again after the packet changed"
            }
            FaultKind::OutOfBounds { .. } => "check the offset against the size before the access",
            FaultKind::ReadOnly { .. } => "write to memory of the program's own",
            FaultKind::BadPointer { value: 0 } => "test what a lookup returns before it is used: null means absent",
            FaultKind::BadPointer { .. } => "use pointers only as the context and helpers give them",
            FaultKind::Fuel { .. } => "bound the loop, or raise the limit of instructions",
            FaultKind::CallDepth { .. } => "turn the recursion into a bounded loop",
            FaultKind::BadArgument { .. } => "see the helper's description: `skep explain helper NAME`",
            FaultKind::OpenRecord { .. } => "submit or discard each record on every path",
            FaultKind::Misaligned { .. } => "align the variable to its size",
            FaultKind::BadTarget { .. } => "call through pointers only as the program's functions give them",
            FaultKind::WildJump => "end every path with `exit`",
        }
    }
}

/// A rule a program broke, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The rule.
    pub kind: FaultKind,
    /// Slot of the instruction, as in [`ProgramSpec::code`].
    pub slot: usize,
    /// The program it is in, by its index in the object, where a tail call led to another than was run.
    pub program: Option<usize>,
}

impl Fault {
    /// A fault of the program that was run.
    pub(crate) const fn new(kind: FaultKind, slot: usize) -> Fault {
        Fault { kind, slot, program: None }
    }

    /// The message for the user, with the source line when the object has one.
    pub fn diagnostic(&self, program: &ProgramSpec, object: &Object) -> Diagnostic {
        let program = self.program.and_then(|index| object.programs.get(index)).unwrap_or(program);
        let place = Place::of(program, object, self.slot);
        let d = Diagnostic::error(code::FAULT, format!("`{}` broke a rule: {}", program.name, self.kind));
        place.mark(d, &self.kind.to_string()).help(self.kind.help())
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "instruction {}: {}", self.slot, self.kind)
    }
}

impl std::error::Error for Fault {}
