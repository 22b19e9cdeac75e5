//! What codes mean: [`decode`] finds the row of [`TABLE`] an instruction belongs to and checks its reserved fields,
//! [`Op::encode`] makes an instruction of a row.
//!
//! A row is one operation: a code, where needed the value of a second field that selects it (`sdiv` is `div` with
//! offset 1), what each field carries, and what the operation does ([`Kind`]). Decoder, printer, verifier and engines
//! read these rows; nothing else in the project knows a code. Facts are those of RFC 9669 and of the kernel's checks
//! at `BPF_PROG_LOAD` (6.18).

mod encode;
mod kind;
mod table;
mod words;

use crate::insn::Insn;
use crate::spec::Version;

pub use kind::{Alu, Atomic, Callee, Cond, Kind, Operand, Order, Size, Source, Width};
pub use table::TABLE;

/// One operation.
#[derive(Debug, PartialEq, Eq)]
pub struct Op {
    /// Operation code; several rows may share it.
    pub code: u8,
    /// Mnemonic; the forms with a register and with an immediate share it.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// What the destination field carries.
    pub dst: Field,
    /// What the source field carries.
    pub src: Field,
    /// What the offset field carries.
    pub off: Field,
    /// What the immediate field carries.
    pub imm: Field,
    /// The first `-mcpu` level at which compilers emit it.
    pub isa: Isa,
    /// First kernel whose verifier takes it; `None` if none does.
    pub since: Option<Version>,
}

/// What one field of an instruction carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Nothing; it must be zero.
    Reserved,
    /// Nothing; the kernel does not look at it.
    Ignored,
    /// This value, which tells the row from others of the same code.
    Is(i32),
    /// A register that is read.
    Read,
    /// A register that is written.
    Write,
    /// A register that is read, then written.
    Update,
    /// A number: displacement, distance, id or constant.
    Value,
}

impl Field {
    const fn is_register(self) -> bool {
        matches!(self, Field::Read | Field::Write | Field::Update)
    }

    const fn is_written(self) -> bool {
        matches!(self, Field::Write | Field::Update)
    }
}

/// Levels of the instruction set, as `clang -mcpu` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// The first set.
    V1,
    /// Adds "less than" jumps.
    V2,
    /// Adds 32-bit arithmetic and jumps, and all atomics.
    V3,
    /// Adds signed division, sign extension, byte swap, long jumps, acquire and release.
    V4,
}

impl std::fmt::Display for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Isa::V1 => "v1",
            Isa::V2 => "v2",
            Isa::V3 => "v3",
            Isa::V4 => "v4",
        })
    }
}

/// The highest register number a program may name.
pub const LAST_REGISTER: u8 = 10;

/// The frame pointer: it can be read only.
pub const FRAME_POINTER: u8 = 10;

/// First row and number of rows of each code. Rows of one code stand together in [`TABLE`].
const INDEX: [(u8, u8); 256] = {
    assert!(TABLE.len() < 256);
    let mut index = [(0u8, 0u8); 256];
    let mut at = 0;
    while at < TABLE.len() {
        let (first, count) = index[TABLE[at].code as usize];
        index[TABLE[at].code as usize] = if count == 0 {
            (at as u8, 1)
        } else {
            assert!(first as usize + count as usize == at, "rows of one code must stand together");
            (first, count + 1)
        };
        at += 1;
    }
    index
};

/// The rows of a code, none if no operation has it.
pub fn rows(code: u8) -> &'static [Op] {
    let (first, count) = INDEX[code as usize];
    TABLE.get(first as usize..first as usize + count as usize).unwrap_or(&[])
}

/// The rows with this mnemonic, in the order of the table.
pub fn named(name: &str) -> impl Iterator<Item = &'static Op> {
    TABLE.iter().filter(move |op| op.name.eq_ignore_ascii_case(name))
}

/// The operation an instruction is, with its reserved fields and register numbers checked.
///
/// The first slot of a wide load is decoded alone; [`check_tail`] looks at the second.
///
/// ```
/// use skep_isa::{Insn, opcode};
/// let op = opcode::decode(Insn::new(0x37, 1, 0, 1, 3)).unwrap();
/// assert_eq!(op.name, "sdiv");
/// let refusal = opcode::decode(Insn::new(0x87, 1, 0, 0, 3)).unwrap_err();
/// assert_eq!(refusal.to_string(), "`neg` (code 0x87) reserves its immediate: it must be 0, not 3");
/// ```
pub fn decode(insn: Insn) -> Result<&'static Op, Refusal> {
    let rows = rows(insn.code);
    match rows.iter().find(|op| op.is_selected_by(insn)) {
        Some(op) => op.check(insn).map(|()| op),
        None => Err(no_row(insn, rows)),
    }
}

/// Checks the second slot of a wide load.
pub fn check_tail(op: &'static Op, tail: Insn) -> Result<(), Refusal> {
    let pointer = matches!(op.kind, Kind::LoadImm(Source::MapFd | Source::MapIdx));
    if tail.code != 0 || tail.dst != 0 || tail.src != 0 || tail.off != 0 || (pointer && tail.imm != 0) {
        return Err(Refusal::Tail { name: op.name, bytes: tail.to_bytes() });
    }
    Ok(())
}

impl Op {
    /// The four fields: which, what the row says of it, what an instruction has in it.
    fn fields(&self, insn: Insn) -> [(Place, Field, i32); 4] {
        [
            (Place::Dst, self.dst, insn.dst.into()),
            (Place::Src, self.src, insn.src.into()),
            (Place::Off, self.off, insn.off.into()),
            (Place::Imm, self.imm, insn.imm),
        ]
    }

    fn is_selected_by(&self, insn: Insn) -> bool {
        let is = |field: Field, value: i32| !matches!(field, Field::Is(wanted) if wanted != value);
        is(self.src, insn.src.into()) && is(self.off, insn.off.into()) && is(self.imm, insn.imm)
    }

    fn check(&self, insn: Insn) -> Result<(), Refusal> {
        for (place, field, value) in self.fields(insn) {
            if field == Field::Reserved && value != 0 {
                return Err(Refusal::Reserved { code: self.code, name: self.name, place, value });
            }
            if field.is_register() && value > i32::from(LAST_REGISTER) {
                return Err(Refusal::Register { code: self.code, name: self.name, place, value });
            }
            if field.is_written() && value == i32::from(FRAME_POINTER) {
                return Err(Refusal::FramePointer { code: self.code, name: self.name, place });
            }
        }
        Ok(())
    }

    /// Slots it takes: 2 for a wide load, else 1.
    pub const fn slots(&self) -> usize {
        if matches!(self.kind, Kind::LoadImm(_)) { 2 } else { 1 }
    }

    /// Where it may jump: the distance in slots, counted from the slot after it. Calls are not jumps.
    pub const fn jump(&self, insn: Insn) -> Option<i32> {
        match self.kind {
            Kind::Goto(Width::W32) => Some(insn.imm),
            Kind::Goto(Width::W64) | Kind::If { .. } | Kind::MayGoto => Some(insn.off as i32),
            _ => None,
        }
    }
}

fn no_row(insn: Insn, rows: &'static [Op]) -> Refusal {
    let Some(first) = rows.first() else {
        return Refusal::Code { code: insn.code };
    };
    // The field to name: the first one in which no row of the code has the value found.
    for (at, (place, _, value)) in first.fields(insn).into_iter().enumerate() {
        let of = |op: &Op| op.fields(insn).get(at).map(|(_, field, _)| *field);
        let selects = rows.iter().any(|op| matches!(of(op), Some(Field::Is(_))));
        if selects && !rows.iter().any(|op| matches!(of(op), Some(Field::Is(wanted)) if wanted == value)) {
            return Refusal::Variant { code: insn.code, name: first.name, place, value };
        }
    }
    Refusal::Variant { code: insn.code, name: first.name, place: Place::Imm, value: insn.imm }
}

/// A field of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The destination register's four bits.
    Dst,
    /// The source register's four bits.
    Src,
    /// The 16-bit offset.
    Off,
    /// The 32-bit immediate.
    Imm,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Place::Dst => "destination",
            Place::Src => "source",
            Place::Off => "offset",
            Place::Imm => "immediate",
        })
    }
}

/// Why eight bytes are not an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No operation has the code.
    #[error("{code:#04x} is not the code of any operation")]
    Code {
        /// The code.
        code: u8,
    },
    /// The code exists, but not with this value in the field that selects the operation.
    #[error("`{name}` (code {code:#04x}) has no form with {value} in its {place}")]
    Variant {
        /// The code.
        code: u8,
        /// Mnemonic of the code's first row.
        name: &'static str,
        /// The field.
        place: Place,
        /// What stands in it.
        value: i32,
    },
    /// A field that must be zero is not.
    #[error("`{name}` (code {code:#04x}) reserves its {place}: it must be 0, not {value}")]
    Reserved {
        /// The code.
        code: u8,
        /// Mnemonic.
        name: &'static str,
        /// The field.
        place: Place,
        /// What stands in it.
        value: i32,
    },
    /// A register that does not exist.
    #[error("`{name}` (code {code:#04x}) has register {value} as its {place}; registers are 0 to 10")]
    Register {
        /// The code.
        code: u8,
        /// Mnemonic.
        name: &'static str,
        /// The field.
        place: Place,
        /// What stands in it.
        value: i32,
    },
    /// The frame pointer as a register that is written.
    #[error("`{name}` (code {code:#04x}) writes its {place}, which is r10: the frame pointer cannot be written")]
    FramePointer {
        /// The code.
        code: u8,
        /// Mnemonic.
        name: &'static str,
        /// The field.
        place: Place,
    },
    /// The second slot of a wide load carries more than the upper half of a constant.
    #[error("the second slot of `{name}` may carry only an immediate, and none for a descriptor; it is {bytes:02x?}")]
    Tail {
        /// Mnemonic of the first slot.
        name: &'static str,
        /// The second slot.
        bytes: [u8; 8],
    },
}

#[cfg(test)]
mod tests;
