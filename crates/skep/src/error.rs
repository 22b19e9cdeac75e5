//! Errors of the library: each can be drawn as a diagnostic.

use skep_diag::{Code, Diagnostic, code};

/// Why something did not happen. [`Error::diagnostic`] says what, where, why and what to try.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A finding about an object, a hook or an argument.
    #[error("{}", .0.title)]
    Finding(Box<Diagnostic>),
    /// The vm refused.
    #[error(transparent)]
    Vm(#[from] Box<skep_vm::Error>),
    /// The kernel refused.
    #[cfg(target_os = "linux")]
    #[error(transparent)]
    Kernel(#[from] Box<skep_kernel::Error>),
    /// A capture file is damaged.
    #[error("{path}: {error}")]
    Capture {
        /// The file.
        path: String,
        /// What is wrong with it.
        error: skep_net::pcap::Error,
    },
    /// A file could not be opened, read or written.
    #[error("{action} {path}: {error}")]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: String,
        /// What the system answered.
        error: std::io::Error,
    },
}

impl Error {
    /// The registered code.
    pub fn code(&self) -> Code {
        self.diagnostic().code
    }

    /// The whole message.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            Error::Finding(d) => (**d).clone(),
            Error::Vm(e) => e.diagnostic(),
            #[cfg(target_os = "linux")]
            Error::Kernel(e) => e.diagnostic(),
            Error::Capture { path, error } => error.diagnostic(path),
            Error::File { action, path, error } => {
                let code = if *action == "write" { code::WRITE_FILE } else { code::NO_FILE };
                let d = Diagnostic::error(code, format!("cannot {action} {path}")).note(skep_diag::words(error));
                match error.kind() {
                    std::io::ErrorKind::NotFound => d.help("check the path; it counts from the folder you are in"),
                    std::io::ErrorKind::PermissionDenied => d.help("check the file's permissions, or run as its owner"),
                    std::io::ErrorKind::IsADirectory => d.help("give a file, not a folder"),
                    std::io::ErrorKind::NotADirectory => d.help("give a folder; a file of this name is in the way"),
                    _ => d,
                }
            }
        }
    }
}

impl From<Diagnostic> for Error {
    fn from(d: Diagnostic) -> Error {
        Error::Finding(Box::new(d))
    }
}

impl From<skep_vm::Error> for Error {
    fn from(e: skep_vm::Error) -> Error {
        Error::Vm(Box::new(e))
    }
}

#[cfg(target_os = "linux")]
impl From<skep_kernel::Error> for Error {
    fn from(e: skep_kernel::Error) -> Error {
        Error::Kernel(Box::new(e))
    }
}
