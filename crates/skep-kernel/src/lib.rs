//! eBPF on the Linux kernel: maps, programs, test runs, links, ring buffers, and what this kernel can do.
//!
//! Enter at [`load()`], which takes an object to the kernel, and at [`attach()`], which makes a program run at a hook.
//! Every raw call stands in `sys`; memory shared with the kernel is reached through `mmap`; nothing else is unsafe.
//! This crate reads no object files, prints nothing, and knows neither the command line nor the vm.
#![cfg(target_os = "linux")]

mod attach;
mod btf;
mod count;
mod error;
pub mod feature;
mod interrupts;
mod load;
mod lower;
mod map;
mod mmap;
mod name;
mod program;
mod reject;
mod ring;
mod sys;

pub use attach::{Link, attach, sweep_tc};
pub use btf::btf_bytes;
pub use error::Error;
pub use interrupts::Interrupts;
pub use load::{Counts, Loaded, Options, load};
pub use map::{Entry, Map, MapInfo, possible_cpus};
pub use program::{Program, ProgramInfo, TestOutput, TestRun};
pub use ring::{RingBuffer, wait};
