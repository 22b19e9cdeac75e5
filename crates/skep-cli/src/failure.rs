//! Why a command ends without success.

use skep_diag::Diagnostic;

/// Ends a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something to tell the user; its code gives the exit status.
    Finding(Box<Diagnostic>),
    /// Standard output is gone.
    Output(std::io::Error),
    /// All has been told; only the exit status is left.
    Told(u8),
}

impl From<Diagnostic> for Failure {
    fn from(d: Diagnostic) -> Failure {
        Failure::Finding(Box::new(d))
    }
}

impl From<skep::Error> for Failure {
    fn from(e: skep::Error) -> Failure {
        e.diagnostic().into()
    }
}

#[cfg(target_os = "linux")]
impl From<skep_kernel::Error> for Failure {
    fn from(e: skep_kernel::Error) -> Failure {
        e.diagnostic().into()
    }
}

impl From<std::io::Error> for Failure {
    fn from(e: std::io::Error) -> Failure {
        Failure::Output(e)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(e: serde_json::Error) -> Failure {
        Failure::Output(e.into())
    }
}
