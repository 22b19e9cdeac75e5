//! BTF: what the compiler and the kernel say about types, and bytes turned into [`Value`]s by type.
//!
//! Enter at [`Btf::parse`] and [`Btf::value`]; [`Builder`] makes types,
//! [`Scan`] looks into large BTF without parsing it; [`core`] relocates instructions to the kernel's layout;
//! [`Btf::sanitize`] rewrites types for kernels older than their compiler. This crate knows nothing of ELF or of any
//! program: it is handed bytes, which may be hostile, and never panics on them.
#![forbid(unsafe_code)]

mod btf;
mod build;
pub mod core;
mod ext;
mod kind;
mod merge;
mod part;
mod read;
mod sanitize;
mod scan;
mod text;
mod value;

pub use btf::{Btf, Error};
pub use build::{Builder, TooLarge};
pub use ext::{CoreRecord, Ext, FuncRecord, LineRecord};
pub use kind::{EnumValue, Kind, Member, SectionVar, Type, TypeId};
pub use merge::{Appended, Ids, Merge};
pub use part::Part;
pub use sanitize::{Change, Sanitized};
pub use scan::{KindId, Prototype, Record, Scan};
pub use value::Value;
