//! The assembler: text to instructions, in LLVM's spelling and in the kernel's.
//!
//! Enter at [`assemble`] for a file and at [`instructions`] for a few lines. How instructions are written is read off
//! the table of operations (`pattern.rs`); [`DIRECTIVES`] are the rest of the language. The assembler goes on after an
//! error, so that one run tells of all of them. What it makes, an [`Assembly`], knows no ELF: `skep-object` writes that.
//!
//! ```text
//!             .license "GPL"
//!             .map counts array key=4 value=8 entries=1
//!             .section xdp
//! count:      *(u32 *)(r10 - 4) = 0           ; a comment
//!             r2 = r10
//!             r2 += -4
//!             r1 = counts ll
//!             call bpf_map_lookup_elem
//!             if r0 == 0 goto done
//!             r1 = 1
//!             lock *(u64 *)(r0 + 0) += r1
//! done:       r0 = 2
//!             exit
//! ```
//!
//! A name with a colon is a label. A label begins a function when it is the first of its section, is called, has its
//! address taken, or is named by `.global` or `.type NAME, @function`; the function goes on to the next one. The first
//! function of any section but `.text` is a program. Labels that begin with `.L` are never functions.

mod directive;
mod draft;
mod line;
mod pattern;
mod report;
mod resolve;
mod token;

pub use directive::DIRECTIVES;

use skep_diag::Diagnostic;

use crate::Insn;
use crate::spec::MapType;

/// What a file of assembly defines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assembly {
    /// Name of the file, for line information.
    pub origin: String,
    /// Text of `.license`.
    pub license: Option<String>,
    /// Sections with something in them, in the order in which they are first named.
    pub sections: Vec<Section>,
    /// Functions and data with names, in the order of sections and offsets; other labels are gone.
    pub symbols: Vec<Symbol>,
    /// Maps, in the order in which they are defined.
    pub maps: Vec<Map>,
}

/// A section and what stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name: for programs what [`crate::spec::section`] knows.
    pub name: String,
    /// What stands in it.
    pub content: Content,
}

/// What stands in a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Instructions.
    Code(Code),
    /// Bytes.
    Data(Vec<u8>),
    /// That many zero bytes that take no place in a file (`.bss`).
    Zeros(u64),
}

/// Instructions, and what is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// The slots; a wide load takes two.
    pub insns: Vec<Insn>,
    /// What only linking can fill in, in ascending order of slot.
    pub relocs: Vec<Reloc>,
    /// The line of each instruction, in ascending order of slot.
    pub lines: Vec<Line>,
}

/// A slot that refers to something in another section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reloc {
    /// The wide load's first slot, or the call.
    pub slot: u32,
    /// What it refers to; what is added stands in the instruction.
    pub target: Target,
}

/// What a slot refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A map, by its index in [`Assembly::maps`].
    Map(usize),
    /// A function or data, by its index in [`Assembly::symbols`].
    Symbol(usize),
}

/// A line of the source that begins at a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// First slot that belongs to it.
    pub slot: u32,
    /// Its number, from 1.
    pub line: u32,
    /// Column of the instruction, from 1.
    pub column: u32,
    /// Its text.
    pub text: String,
}

/// A function, or data with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Index of its section in [`Assembly::sections`].
    pub section: usize,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// How many bytes belong to it.
    pub size: u64,
    /// True for a function, false for data.
    pub is_function: bool,
    /// True when other files see it; a function is then a program or a subprogram that is checked on its own.
    pub is_global: bool,
}

/// A map that `.map` defines. Sizes are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Its name.
    pub name: String,
    /// Kind of map.
    pub map_type: MapType,
    /// Bytes of a key, 0 for maps without keys.
    pub key_size: u32,
    /// Bytes of a value, 0 for ring buffers.
    pub value_size: u32,
    /// Number of entries; bytes of a ring buffer.
    pub max_entries: u32,
    /// `BPF_F_*` flags.
    pub flags: u32,
}

/// Reads a file of assembly; `origin` is its name for messages and line information.
///
/// # Errors
/// All that is wrong, in the order of lines: codes `A0001` to `A0007`, each with the line and the operand marked.
///
/// ```
/// use skep_isa::asm;
/// let assembly = asm::assemble("pass.s", ".section xdp\npass: r0 = 2\n exit\n").unwrap();
/// assert_eq!((assembly.symbols[0].name.as_str(), assembly.symbols[0].size), ("pass", 16));
/// let errors = asm::assemble("pass.s", ".section xdp\npass: r0 = w2\n").unwrap_err();
/// assert_eq!(errors[0].code.as_str(), "A0001");
/// ```
pub fn assemble(origin: &str, text: &str) -> Result<Assembly, Vec<Diagnostic>> {
    let mut draft = draft::Draft::new(origin, text);
    draft.read();
    resolve::finish(draft, true)
}

/// Reads instructions and labels alone: no line need have a name, and nothing is a program.
///
/// # Errors
/// As [`assemble`].
///
/// ```
/// use skep_isa::{Insn, asm};
/// let insns = asm::instructions("again: r1 -= 1\n if r1 != 0 goto again\n").unwrap();
/// assert_eq!(insns[1], Insn::new(0x55, 1, 0, -2, 0));
/// ```
pub fn instructions(text: &str) -> Result<Vec<Insn>, Vec<Diagnostic>> {
    let mut draft = draft::Draft::new("assembly", text);
    draft.read();
    let assembly = resolve::finish(draft, false)?;
    let mut insns = Vec::new();
    for section in assembly.sections {
        if let Content::Code(code) = section.content {
            insns.extend(code.insns);
        }
    }
    Ok(insns)
}

#[cfg(test)]
mod tests;
