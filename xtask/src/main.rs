//! Development tasks: `cargo run -p xtask -- TASK`. Nothing here ships.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a development tool talks to its developer")]

mod bench;
mod check;
mod compare;
mod corpus;
mod generate;
mod guest;
mod objects;
mod oracle;
mod test;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "tasks:
  check           layers, file sizes, module docs, unsafe, licences of dependencies
  gen docs        docs/reference/ from the tables of facts
  objects [bless] compile the examples and test programs, compare with the committed objects (bless: replace them)
  oracle a|b|FILE … what libbpf and the kernel make of each program (a, b: into target/corpus/*.libbpf.json)
  compare a|b|all skep's verdicts beside the oracle's; what differs may only become less (--write: keep the list;
                  --on KERNEL: both asked in a guest, about all of b and 300 programs of a)
  test [quick]    the test lanes; quick is what needs no privilege
  corpus [a|b]    other people's objects in target/corpus: a the kernel's selftests, b those of Debian's packages
  guest KERNEL …  a command, or a lane's tests, on another kernel (--help: more)
  bench [--write] how fast skep is, with peers side by side (--write: into docs/performance.md); bench load: loading alone";

fn main() -> ExitCode {
    match run() {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a task; the exit status.
fn run() -> Result<u8> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["guest", words @ ..] => return guest::run(words),
        ["corpus", words @ ..] => corpus::run(words),
        ["check"] => check::run(),
        ["oracle", words @ ..] => oracle::run(words),
        ["compare", words @ ..] => compare::run(words),
        ["gen", "docs"] => generate::docs(),
        ["objects"] => objects::run(false),
        ["objects", "bless"] => objects::run(true),
        ["test"] => test::run(false),
        ["test", "quick"] => test::run(true),
        ["bench", "load"] => bench::loading(),
        ["bench"] => bench::run(false),
        ["bench", "--write"] => bench::run(true),
        _ => bail!("{USAGE}"),
    }
    .map(|()| 0)
}

/// The root of the repository.
fn root() -> std::path::PathBuf {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Builds skep as it ships; its program. What is asked thousands of times, or under emulation, is not to be slow.
fn shipped() -> Result<std::path::PathBuf> {
    let mut build = std::process::Command::new("cargo");
    let built = build.args(["build", "-q", "--release", "--locked"]).current_dir(root()).status()?;
    anyhow::ensure!(built.success(), "skep does not build");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    Ok(target.join("release/skep"))
}
