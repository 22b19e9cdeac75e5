//! eBPF on the Linux kernel: maps, programs, test runs, links, ring buffers, and what this kernel can do.
//!
//! Enter at [`load()`], which takes an object to the kernel, and at [`attach()`], which makes a program run at a hook.
//! Every raw call stands in `sys`; memory shared with the kernel is reached through `mmap`; nothing else is unsafe.
//! This crate reads no object files, prints nothing, and knows neither the command line nor the vm.
//!
//! ```no_run
//! use skep_kernel::{Options, RingBuffer, attach, load};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let object = skep_object::Object::parse("count", &std::fs::read("count.bpf.o")?)?;
//! let loaded = load(&object, &Options::default())?;
//! let program = loaded.program(0).ok_or("no program")?;
//! let link = attach(program, &"xdp:eth0".parse()?)?;
//! println!("attached by {}", link.used());
//! let mut records = RingBuffer::new(loaded.map(0).ok_or("no map")?)?;
//! skep_kernel::wait(&[&records], None)?;
//! records.drain(|record| println!("{record:?}"));
//! println!("{:?}", loaded.counts(0)?);
//! # Ok(())
//! # }
//! ```
#![cfg(target_os = "linux")]

mod attach;
mod btf;
mod count;
mod cpu;
mod error;
mod externs;
pub mod feature;
mod interrupts;
mod kallsyms;
mod kconfig;
mod load;
mod lower;
mod map;
mod mmap;
mod name;
mod older;
mod pin;
mod program;
mod reject;
mod ring;
mod struct_ops;
mod symbols;
mod sys;
mod token;
pub mod trial;

pub use attach::{Link, attach, sweep_tc};
pub use btf::{KernelTypes, btf_bytes};
pub use cpu::FirstCpu;
pub use error::Error;
pub use interrupts::Interrupts;
pub use load::{Checked, Counts, Loaded, ObjectTypes, Options, Verdict, load, load_one};
pub use map::{Entry, Map, MapInfo, possible_cpus};
pub use program::{Program, ProgramInfo, TestOutput, TestRun};
pub use ring::{RingBuffer, wait};
pub use symbols::Symbols;

#[cfg(test)]
mod tests {
    #[test]
    fn all_that_lives_in_the_kernel_may_go_to_another_thread() {
        fn is_send<T: Send + Sync>() {}
        is_send::<crate::Loaded>();
        is_send::<crate::Link>();
        is_send::<crate::RingBuffer>();
        is_send::<crate::Error>();
    }
}
