//! Engines: where programs live.

use skep_diag::{Diagnostic, code};

use crate::error::Error;
use crate::loaded::Loaded;
use crate::object::Object;

/// Where programs live: the Linux kernel, or user space.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Engine {
    /// skep's own engine: runs anywhere, needs no privilege, takes frames from captures.
    Vm,
    /// The running kernel: live hooks, and captures by test run. Needs privilege.
    Kernel,
}

/// How an object is loaded.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Indices of the programs to load; `None` means all.
    pub programs: Option<Vec<usize>>,
    /// Types of records: pairs of a ring buffer's name and a type's.
    pub record_types: Vec<(String, String)>,
    /// Kernel: load programs untouched. What they do not count themselves is then `None`.
    pub verbatim: bool,
    /// Vm: keep the limits of the kernel's test run, so that both engines give the same numbers for the same frames.
    pub like_kernel: bool,
    /// A file with types of a kernel (BTF, bare or in an ELF file) that programs are adapted to; without it those of the
    /// running kernel.
    pub types: Option<String>,
}

impl Engine {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Vm => "vm",
            Engine::Kernel => "kernel",
        }
    }

    /// Makes the object's maps and loads its programs; nothing runs yet.
    ///
    /// # Errors
    /// What the engine refuses, with the reason: see [`Error::diagnostic`].
    pub fn load(self, object: &Object) -> Result<Loaded, Error> {
        self.load_with(object, &Options::default())
    }

    /// Loads with options.
    ///
    /// # Errors
    /// As [`Engine::load`], and for record types that are not in the object.
    pub fn load_with(self, object: &Object, options: &Options) -> Result<Loaded, Error> {
        Loaded::new(self, object, options)
    }
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Engine {
    type Err = Error;

    fn from_str(text: &str) -> Result<Engine, Error> {
        match text {
            "vm" => Ok(Engine::Vm),
            "kernel" => Ok(Engine::Kernel),
            _ => Err(Diagnostic::error(code::USAGE, format!("no engine is called `{text}`"))
                .note("engines: vm, kernel")
                .into()),
        }
    }
}
