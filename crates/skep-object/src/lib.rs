//! The object model that everything exchanges: [`Object`] with its [`ProgramSpec`]s and [`MapSpec`]s, and [`Hook`]s.
//!
//! Enter at [`Object::parse`], which reads what clang makes, at [`write()`], which makes an object of assembly, and at [`link()`], which makes one object of several. A spec describes; it needs no kernel and holds no
//! descriptor. This crate opens no file and knows no engine.
#![forbid(unsafe_code)]

mod adjust;
mod core;
mod elf;
mod external;
mod hook;
mod link;
mod listing;
mod map;
mod object;
mod program;

pub use core::{Poisoned, Relocated};
pub use elf::{text, types, write};
pub use external::{Extern, ExternKind, essential};
pub use hook::{Direction, Hook};
pub use link::link;
pub use listing::{Listing, ListingError};
pub use map::{Content, MapRole, MapSpec, StructOps};
pub use object::Object;
pub use program::{FuncInfo, LineInfo, ProgramSpec, Reloc, RelocTarget};
