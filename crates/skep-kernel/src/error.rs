//! What can go wrong between skep and the kernel: one enum, and each case as a diagnostic.

use rustix::io::Errno;
use skep_diag::{Code, Diagnostic, code};
use skep_isa::spec::{HookKind, MapType, ProgType};

use skep_isa::spec::Command;

use crate::feature::{Feature, Features};

/// A failure of the kernel, or of what was asked of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A call failed in a way that has no case of its own.
    #[error("{call} failed for {object}: {}", words(*errno))]
    Call {
        /// The kernel's name of the call (`BPF_MAP_UPDATE_ELEM`).
        call: &'static str,
        /// What it was about (``map `count` ``).
        object: String,
        /// What the kernel said.
        errno: Errno,
        /// The likely cause, where one is known.
        cause: Option<&'static str>,
    },
    /// A file of the kernel could not be read.
    #[error("{path} cannot be read: {}", words(*errno))]
    File {
        /// Which file.
        path: String,
        /// Why.
        errno: Errno,
    },
    /// The kernel refused for lack of privilege, or by a policy of the host.
    #[error("{call} is not permitted for {object}")]
    NoPrivilege {
        /// The kernel's name of the call.
        call: &'static str,
        /// What it was about.
        object: String,
        /// Capabilities that allow it (`CAP_BPF and CAP_NET_ADMIN`).
        needs: &'static str,
        /// True when this process has every capability already: then a policy of the host refuses.
        privileged: bool,
    },
    /// The process may lock no more memory, against which this kernel holds all that is made of maps and programs.
    #[error("{call} is not permitted for {object}: this process may lock no more memory")]
    LockedMemory {
        /// The kernel's name of the call.
        call: &'static str,
        /// What it was about.
        object: String,
    },
    /// A bpf file system gives no token.
    #[error("{path} gives no token ({call}): {}", words(*errno))]
    Token {
        /// Where it is.
        path: String,
        /// What failed.
        call: &'static str,
        /// What the kernel said.
        errno: Errno,
    },
    /// A map is larger than the kernel makes.
    #[error("map `{map}` is too large for the kernel: {}", words(*errno))]
    MapTooLarge {
        /// Its name.
        map: String,
        /// Bytes of all keys and values, without what the kernel adds.
        bytes: u64,
        /// What the kernel said.
        errno: Errno,
    },
    /// The kernel did not create a map.
    #[error("the kernel did not create map `{map}` of type {map_type}: {}", words(*errno))]
    MapCreate {
        /// Its name.
        map: String,
        /// Its type.
        map_type: MapType,
        /// What the kernel said.
        errno: Errno,
        /// The likely cause, where one is known.
        cause: Option<&'static str>,
    },
    /// The kernel's verifier rejected a program.
    #[error("{}", .diagnostic.title)]
    Rejected {
        /// Where, why and what to try.
        diagnostic: Box<Diagnostic>,
        /// All that the verifier wrote.
        log: String,
    },
    /// The object cannot be loaded by any kernel of this machine: its byte order, or a damaged relocation.
    #[error("{}", .0.title)]
    Object(Box<Diagnostic>),
    /// The kernel shows no types.
    #[error("{path} cannot be read: {}", words(*errno))]
    NoTypes {
        /// Where they should be.
        path: String,
        /// Why they cannot be read.
        errno: Errno,
    },
    /// The kernel's types are damaged.
    #[error("the types of {what} are damaged: {why}")]
    BadTypes {
        /// Whose they are.
        what: String,
        /// What is wrong with them.
        why: String,
    },
    /// The kernel does not have what an object names.
    #[error("this kernel has no {what} `{name}`")]
    NoSymbol {
        /// What it would be (`function that programs may call`).
        what: &'static str,
        /// Its name.
        name: String,
        /// A name it has that is near.
        near: Option<String>,
        /// What more there is to say.
        why: Option<String>,
    },
    /// A program does not say what of the kernel, or of another program, it is for.
    #[error("program `{program}` does not say {what}")]
    NoTarget {
        /// The program.
        program: String,
        /// Its section.
        section: String,
        /// What is missing (`the program whose function it replaces`).
        what: String,
    },
    /// A map is kept under its name already, in another shape.
    #[error("map `{map}` is kept as {path} with another {what}")]
    PinnedMap {
        /// Its name.
        map: String,
        /// Where it is kept.
        path: String,
        /// What differs (`value size`).
        what: &'static str,
        /// What it is there, as a number.
        there: u64,
        /// What the object wants.
        here: u64,
    },
    /// An object needs something skep does not load yet.
    #[error("{object} needs {what}, which skep does not load yet")]
    Unsupported {
        /// What needs it.
        object: String,
        /// What it needs.
        what: String,
    },
    /// A program stands in a section whose name does not tell its type.
    #[error("program `{program}` stands in section `{section}`, which tells no program type")]
    UnknownSection {
        /// The program.
        program: String,
        /// Its section.
        section: String,
    },
    /// An object refers to something it does not have.
    #[error("{object} refers to {what}")]
    BadObject {
        /// What refers.
        object: String,
        /// To what.
        what: String,
    },
    /// A hook does not take programs of this type.
    #[error("a program of type {prog_type} does not run at {hook}")]
    HookMismatch {
        /// The program's type.
        prog_type: ProgType,
        /// The hook as written.
        hook: String,
        /// The hook's kind.
        kind: HookKind,
    },
    /// The hook is not one of the kernel's.
    #[error("{hook} is no place in the kernel")]
    NotInKernel {
        /// The hook as written.
        hook: String,
    },
    /// There is no such network device.
    #[error("there is no network device `{name}`")]
    NoDevice {
        /// The name asked for.
        name: String,
        /// A device whose name is like it.
        near: Option<String>,
        /// All devices there are.
        known: Vec<String>,
    },
    /// There is no such tracepoint.
    #[error("this kernel has no tracepoint `{name}`")]
    NoTracepoint {
        /// The tracepoint asked for.
        name: String,
        /// One whose name is like it.
        near: Option<String>,
    },
    /// Something else is attached there.
    #[error("{hook} is taken by another program")]
    HookBusy {
        /// The hook as written.
        hook: String,
    },
    /// The kernel did not attach a program.
    #[error("the kernel did not attach `{program}` to {hook} ({call}): {}", words(*errno))]
    Attach {
        /// The program.
        program: String,
        /// The hook as written.
        hook: String,
        /// The kernel's name of the call.
        call: &'static str,
        /// What the kernel said.
        errno: Errno,
    },
}

/// What a program's code names, and may do without; anything else it stands or falls with.
const NAMED: &[&str] = &["option", "symbol", "variable with a type", "function that programs may call"];

impl Error {
    /// True when the object asked for by its id is no longer there.
    pub fn is_gone(&self) -> bool {
        matches!(self, Error::Call { errno: Errno::NOENT, .. })
    }

    /// A failed call: of privilege where the errno says so.
    pub(crate) fn call(call: &'static str, object: impl Into<String>, errno: Errno) -> Error {
        Error::call_that_needs("CAP_BPF and CAP_NET_ADMIN or CAP_PERFMON", call, object, errno)
    }

    /// A failed call that opens or lists what others made.
    pub(crate) fn by_id(command: Command, object: impl Into<String>, errno: Errno) -> Error {
        Error::call_that_needs("CAP_SYS_ADMIN", command.constant(), object, errno)
    }

    /// A failed call that is allowed by these capabilities.
    pub(crate) fn call_that_needs(
        needs: &'static str,
        call: &'static str,
        object: impl Into<String>,
        errno: Errno,
    ) -> Error {
        match errno {
            Errno::PERM | Errno::ACCESS => Error::no_privilege(call, object, needs),
            _ => Error::Call { call, object: object.into(), errno, cause: None },
        }
    }

    /// A refusal; it finds out whether this process lacks capabilities or a policy of the host refuses.
    pub(crate) fn no_privilege(call: &'static str, object: impl Into<String>, needs: &'static str) -> Error {
        Error::NoPrivilege { call, object: object.into(), needs, privileged: is_privileged() }
    }

    /// The same; it also finds out whether the kernel holds the memory against this process.
    pub(crate) fn not_permitted(
        call: &'static str,
        object: String,
        needs: &'static str,
        errno: Errno,
        features: &Features,
    ) -> Error {
        let is_locked_out = errno == Errno::PERM && is_privileged() && !features.has(Feature::Charging);
        if is_locked_out { Error::LockedMemory { call, object } } else { Error::no_privilege(call, object, needs) }
    }

    /// The code of its diagnostic.
    pub fn code(&self) -> Code {
        match self {
            Error::Call { .. } | Error::File { .. } => code::KERNEL_CALL,
            Error::NoPrivilege { .. } | Error::LockedMemory { .. } | Error::Token { .. } => code::NO_PRIVILEGE,
            Error::NoTarget { .. } => code::NO_HOOK,
            Error::PinnedMap { .. } => code::MAP_CREATE,
            Error::MapTooLarge { .. } => code::MAP_TOO_LARGE,
            Error::MapCreate { .. } => code::MAP_CREATE,
            Error::Rejected { diagnostic, .. } => diagnostic.code,
            Error::Object(diagnostic) => diagnostic.code,
            Error::NoTypes { .. } | Error::BadTypes { .. } => code::NO_TYPES,
            Error::NoSymbol { .. } => code::NO_SYMBOL,
            Error::Unsupported { .. } => code::UNSUPPORTED_OBJECT,
            Error::UnknownSection { .. } => code::UNKNOWN_SECTION,
            Error::BadObject { .. } => code::BAD_RELOCATION,
            Error::HookMismatch { .. } => code::HOOK_MISMATCH,
            Error::NotInKernel { .. } => code::HOOK_ENGINE,
            Error::NoDevice { .. } => code::NO_DEVICE,
            Error::NoTracepoint { .. } => code::NO_TRACEPOINT,
            Error::HookBusy { .. } => code::HOOK_BUSY,
            Error::Attach { .. } => code::ATTACH,
        }
    }

    /// What to show the user: what happened, why, and what to try.
    pub fn diagnostic(&self) -> Diagnostic {
        if let Error::Rejected { diagnostic, .. } | Error::Object(diagnostic) = self {
            return diagnostic.as_ref().clone();
        }
        let d = Diagnostic::error(self.code(), self.to_string());
        match self {
            Error::Call { cause: Some(cause), .. } | Error::MapCreate { cause: Some(cause), .. } => d.note(*cause),
            Error::NoPrivilege { needs, privileged: false, .. } => {
                d.note(format!("it needs {needs}")).help("run it as root")
            }
            Error::NoPrivilege { privileged: true, .. } => {
                d.note("this process has every capability it needs: a policy of this host or kernel refuses it").help(
                    "look for a rootless container (a user namespace), kernel lockdown, a security module, or seccomp",
                )
            }
            Error::LockedMemory { .. } => d
                .note("this kernel counts the memory of maps and programs as locked; later ones charge it to a control group")
                .help("raise the limit and try again: `ulimit -l unlimited`"),
            Error::Token { errno, .. } => d.note(match *errno {
                Errno::NOENT => "it is not there, or is mounted without `delegate_cmds` and its like, and so lends nothing",
                Errno::OPNOTSUPP => "only processes in a user namespace of their own are lent anything",
                Errno::PERM => "it belongs to another user namespace, or this process lacks CAP_BPF in its own",
                Errno::INVAL => "it is not the root of a bpf file system, or this kernel makes no tokens",
                _ => "a token is made from the root of a bpf file system",
            }),
            Error::MapTooLarge { bytes, .. } => {
                d.note(format!("its keys and values take {bytes} bytes")).help("lower `max_entries`")
            }
            Error::NoTarget { section, .. } => {
                let d = d.note(format!("its section is `{section}`"));
                d.help("name it in the section, as in `fentry/do_unlinkat`, or say which is meant: `--section PROG=fentry/NAME`")
            }
            Error::PinnedMap { path, there, here, .. } => d
                .note(format!("there it is {there}, in the object {here}"))
                .help(format!("remove {path} if nobody needs it any more, or load the object that made it")),
            Error::NoTypes { .. } => d
                .note("programs that use the kernel's types are adapted to their layout when they are loaded")
                .help("use a kernel built with CONFIG_DEBUG_INFO_BTF=y"),
            Error::NoSymbol { what, near, why, .. } => {
                let d = why.iter().fold(d, |d, why| d.note(why.clone()));
                let d = near.iter().fold(d, |d, near| d.help(format!("did you mean `{near}`?")));
                match NAMED.contains(what) {
                    true => d.help("declare it `__weak` and test it, if the program can do without"),
                    false => d,
                }
            }
            Error::UnknownSection { .. } => d.help("name the section after a program type, as in `xdp` or `tc`, or say which is meant: `--section PROG=xdp`"),
            Error::HookMismatch { kind, .. } => {
                let types: Vec<_> = kind.row().prog_types.iter().map(|t| t.name()).collect();
                d.note(format!("programs that run there are of type {}", types.join(", ")))
            }
            Error::NotInKernel { .. } => d.help("run it on the vm, or test-run it on frames of the file"),
            Error::NoDevice { near: Some(near), .. } | Error::NoTracepoint { near: Some(near), .. } => {
                d.help(format!("did you mean `{near}`?"))
            }
            Error::NoTracepoint { near: None, .. } => {
                d.help("`/sys/kernel/tracing/available_events` lists those there are")
            }
            Error::NoDevice { known, .. } => d.help(format!("devices: {}", known.join(", "))),
            Error::HookBusy { .. } => d.help("detach the other program first; `bpftool net` names it"),
            _ => d,
        }
    }
}

/// What an error number says, in words and without the number: `no such device`.
pub(crate) fn words(errno: Errno) -> String {
    skep_diag::words(&errno.into())
}

/// True when this process may do all that skep asks of the kernel.
pub(crate) fn is_privileged() -> bool {
    use rustix::thread::{CapabilitySet, capabilities};
    let all = CapabilitySet::SYS_ADMIN | CapabilitySet::NET_ADMIN | CapabilitySet::BPF | CapabilitySet::PERFMON;
    capabilities(None).is_ok_and(|sets| sets.effective.contains(all))
}
