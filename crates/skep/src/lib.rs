//! skep: the whole of eBPF in one library. One object, two engines, one API.
//!
//! ```
//! use skep::{Engine, Error, HashMap, Object};
//!
//! /// Counts the packets of a capture by protocol, on either engine.
//! fn tcp_packets(engine: Engine) -> Result<u64, Error> {
//!     let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
//!     let object = Object::open(format!("{folder}/protocols/protocols.bpf.o"))?;
//!     let mut loaded = engine.load(&object)?;
//!     loaded.program("count_protocols")?.attach(&format!("pcap:{folder}/capture.pcap"))?;
//!     loaded.run(|record| println!("{}", record.value))?;
//!     let protocols = loaded.map::<HashMap<u32, [u64; 2]>>("protocols")?;
//!     let [packets, _bytes] = protocols.get(&4)?.unwrap_or_default();
//!     Ok(packets)
//! }
//!
//! assert_eq!(tcp_packets(Engine::Vm)?, 1993);
//! // The same code on the kernel, which wants privilege.
//! match tcp_packets(Engine::Kernel) {
//!     Ok(packets) => assert_eq!(packets, 1993),
//!     Err(error) => assert_eq!(error.code().as_str(), "K0002", "{error}"),
//! }
//! # Ok::<(), Error>(())
//! ```
//!
//! Enter at [`Object::open`], [`Engine::load`], [`Loaded::program`], [`Loaded::map`] and [`Loaded::poll`]. [`plan()`] decides
//! which program goes to which hook. This crate opens files; it prints nothing.
#![forbid(unsafe_code)]

mod attached;
mod capture;
mod engine;
mod error;
mod host;
#[cfg(target_os = "linux")]
mod kernel;
mod loaded;
mod map;
mod object;
mod place;
mod plan;
mod record;
mod report;
mod typed;
mod types;

pub use engine::{Engine, Options};
pub use error::Error;
pub use host::Printed;
pub use loaded::{Loaded, Program, Progress};
pub use map::{Entry, EntryBytes, Map, Shape, readable};
pub use object::Object;
pub use plan::{Placement, plan};
pub use record::Record;
pub use report::{ProgramReport, Report};
pub use skep_btf::{Btf, Value};
pub use skep_object::{Direction, Hook};
pub use typed::{Array, HashMap, PerCpuArray, PerCpuHashMap, Plain, View};
pub use zerocopy;
