//! The eBPF instruction set, and THE tables of facts about eBPF.
//!
//! Enter at [`Insn`] for one 8-byte instruction slot, at [`opcode`] for what its code means, at [`disasm`] for its
//! text, at [`asm`] for the way back, at [`classic`] for classic BPF, at [`spec`] for program types, map types, helpers,
//! section names and all else, and at [`explain`] for every row told as a page.
//!
//! This crate knows nothing of ELF, BTF or any kernel it runs on: it only states what eBPF is.
#![forbid(unsafe_code)]

pub mod asm;
pub mod classic;
pub mod disasm;
pub mod explain;
pub mod insn;
pub mod opcode;
pub mod spec;

pub use insn::Insn;
