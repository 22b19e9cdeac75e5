//! BTF: what the compiler and the kernel say about types, and bytes turned into values by type.
#![forbid(unsafe_code)]
mod btf;
pub use btf::{Btf, TypeId};
