//! The real objects inside Debian's packages, and the tools that read them too.

#[path = "../../../../xtask/src/corpus/debian.rs"]
mod debian;

use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    output.stdout
}

/// A directory for this test's files.
pub(crate) fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&directory).expect("the build directory takes files");
    directory
}

/// Every object in the packages' files.
pub(crate) fn objects() -> Vec<Vec<u8>> {
    let objects = debian::objects().unwrap_or_else(|why| panic!("{why}"));
    objects.into_iter().map(|object| object.bytes).collect()
}
