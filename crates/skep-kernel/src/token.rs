//! A token: what a bpf file system lends to processes of a user namespace that have no privilege outside it.
//!
//! Enter at [`open`]; the token then goes along with all that is loaded, which [`map`] and [`program`] see to.

use std::ffi::OsString;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use skep_isa::spec::{Command, map_flag};

use crate::error::Error;
use crate::pin;
use crate::sys::{self, attr};

/// Names the bpf file system, as for libbpf; when it is empty, no token is used.
const VARIABLE: &str = "LIBBPF_BPF_TOKEN_PATH";

/// The token of the bpf file system at this path. Without one that of the path in the environment, or else that of the usual
/// path, if it lends any.
///
/// # Errors
/// [`Error::Token`] when a path was named and has none for this process.
pub(crate) fn open(path: Option<&Path>) -> Result<Option<OwnedFd>, Error> {
    open_as_told(path, std::env::var_os(VARIABLE))
}

fn open_as_told(path: Option<&Path>, variable: Option<OsString>) -> Result<Option<OwnedFd>, Error> {
    let Some(path) = path.map(Path::to_owned).or_else(|| variable.map(PathBuf::from)) else {
        // A process outside of any such namespace is told so, and needs none.
        return Ok(create(Path::new(pin::FOLDER)).ok());
    };
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let failed = |(call, errno)| Error::Token { path: path.display().to_string(), call, errno };
    create(&path).map(Some).map_err(failed)
}

fn create(path: &Path) -> Result<OwnedFd, (&'static str, Errno)> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| ("open", errno))?;
    sys::token_create(&folder).map_err(|errno| (Command::TokenCreate.constant(), errno))
}

/// What a map is made with, by right of a token.
pub(crate) fn map(attr: attr::MapCreate, token: Option<BorrowedFd<'_>>) -> attr::MapCreate {
    let Some(token) = token else { return attr };
    attr::MapCreate { token_fd: sys::number(token), map_flags: attr.map_flags | map_flag::TOKEN_FD, ..attr }
}

/// What a program is loaded with, by right of a token.
pub(crate) fn program(attr: attr::ProgLoad, token: Option<BorrowedFd<'_>>) -> attr::ProgLoad {
    let Some(token) = token else { return attr };
    attr::ProgLoad { token_fd: sys::number(token), prog_flags: attr.prog_flags | map_flag::TOKEN_FD, ..attr }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_path_must_have_a_token_and_the_usual_one_need_not() {
        let at = |path: &str, variable: Option<&str>| {
            let path = if path.is_empty() { None } else { Some(Path::new(path)) };
            open_as_told(path, variable.map(OsString::from))
        };
        let missing = "/nowhere/at/all";
        assert!(matches!(at(missing, None), Err(Error::Token { call: "open", .. })));
        assert!(matches!(at("", Some(missing)), Err(Error::Token { call: "open", .. })));
        assert!(matches!(at("", Some("")), Ok(None)));
        assert!(matches!(at("", None), Ok(None)), "this process is in no user namespace of its own");
    }
}
