//! What an object says of a program: its code with every subprogram it calls, and what that code refers to.

use skep_btf::TypeId;
use skep_btf::core::Relocation;
use skep_isa::Insn;
use skep_isa::spec::{AttachType, ProgType, Section};

use crate::hook::Hook;

/// A program as an object defines it: one entry function and the subprograms it reaches, laid out in one piece.
#[derive(Clone, Debug)]
pub struct ProgramSpec {
    /// Name of the entry function.
    pub name: String,
    /// Name of the ELF section it stands in.
    pub section: String,
    /// What the section's name says, `None` when no pattern fits.
    pub kind: Option<&'static Section>,
    /// Where the section's name says it runs, when it says it all (`tracepoint/sched/sched_switch`).
    pub hook: Option<Hook>,
    /// Entry function first, then each subprogram once. Local calls and function addresses are slot distances.
    pub code: Vec<Insn>,
    /// What `ld_imm64` slots refer to, in ascending order of slot.
    pub relocs: Vec<Reloc>,
    /// Functions in the code, in ascending order of slot; the first is the entry at slot 0.
    pub funcs: Vec<FuncInfo>,
    /// Source lines, in ascending order of slot.
    pub lines: Vec<LineInfo>,
}

impl ProgramSpec {
    /// Type of the program, `None` for an unknown section.
    pub fn prog_type(&self) -> Option<ProgType> {
        self.kind.map(|row| row.prog_type)
    }

    /// Not loaded unless it is asked for by name (`SEC("?xdp")`).
    pub fn is_optional(&self) -> bool {
        self.section.starts_with('?')
    }

    /// Attach type the section's name gives.
    pub fn attach_type(&self) -> Option<AttachType> {
        self.kind.and_then(|row| row.attach_type)
    }

    /// The source line an instruction belongs to: the last one that begins at or before it.
    pub fn line_at(&self, slot: usize) -> Option<&LineInfo> {
        let after = self.lines.partition_point(|l| l.slot as usize <= slot);
        self.lines.get(after.checked_sub(1)?)
    }

    /// The function an instruction belongs to.
    pub fn func_at(&self, slot: usize) -> Option<&FuncInfo> {
        let after = self.funcs.partition_point(|f| f.slot as usize <= slot);
        self.funcs.get(after.checked_sub(1)?)
    }
}

/// A slot whose value is known only once maps exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloc {
    /// Index of the `ld_imm64`'s first slot, or of the call.
    pub slot: u32,
    /// What it refers to.
    pub target: RelocTarget,
}

/// What a relocated slot refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelocTarget {
    /// A map, by its index in `Object::maps`.
    Map(usize),
    /// A byte in the value of a data map.
    MapValue {
        /// Index in `Object::maps`.
        map: usize,
        /// Offset in the value.
        offset: u32,
    },
    /// A symbol that the object does not define (a kernel variable, function or option), by name.
    Extern(String),
    /// The layout of a kernel type (CO-RE): resolved by [`ProgramSpec::relocate`].
    Core(Relocation),
}

/// A function in a program's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuncInfo {
    /// First slot.
    pub slot: u32,
    /// Its name.
    pub name: String,
    /// Its `FUNC` type, where BTF gives one.
    pub type_id: Option<TypeId>,
}

/// A source line that begins at a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineInfo {
    /// First slot that belongs to it.
    pub slot: u32,
    /// Offset of the file's name in the object's BTF strings.
    pub file_off: u32,
    /// Offset of the line's text in the object's BTF strings.
    pub text_off: u32,
    /// Line number, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}
