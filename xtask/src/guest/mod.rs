//! `xtask guest`: commands on Debian's kernels, in a machine that qemu emulates and that sees this machine's files.
//!
//! Enter at [`run`]. A guest writes to memory only: what it changes is gone when it ends.

mod initramfs;
mod kernel;
mod lane;
mod machine;

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use kernel::Kernel;
use machine::{Outcome, Sink};

/// Kernels that have a lane of their own.
pub(crate) const KERNELS: &[&str] = &["5.10", "6.1", "6.12"];

/// How long a guest may take, where nothing else is said.
const LIMIT: Duration = Duration::from_secs(600);

const HELP: &str = "cargo xtask guest [--limit SECONDS] KERNEL [COMMAND…]

Runs a command on another kernel, emulated by qemu: slow, but with nothing of this machine's kernel in between.
The guest sees this machine's files; what it writes goes to its memory. It starts in this folder, as root, with
PATH, HOME and what begins with CARGO_, RUST_ and SKEP_. Output and exit status are the command's.

  KERNEL      5.10, 6.1, 6.12, another series that apt has as linux-image-SERIES…-cloud-amd64-unsigned, or all
  COMMAND     with its arguments, behind -- or without; skep is the one of this tree; uname -a when there is none
  --tests     instead of a command: the kernel tests of that kernel's lane, or those of them that are named behind it
  --limit     seconds until a guest is given up, 600 unless told

A panic, a guest that does not boot and one that takes too long are failures, shown with the console's last lines.
Needs qemu-system-x86, busybox-static and xz-utils; the kernel is downloaded once, to target/guest.

example:
  cargo xtask guest 6.1 -- skep feature
  cargo xtask guest all sh -c 'uname -r; bpftool prog'
  cargo xtask guest 6.12 --tests kernel_helpers";

/// Runs what the words ask for. Gives the exit status of the command; of several guests, the first that is not 0.
pub(crate) fn run(words: &[&str]) -> Result<u8> {
    let mut words = words;
    let mut limit = LIMIT;
    loop {
        match words {
            [] | ["--help" | "-h", ..] => {
                println!("{HELP}");
                return Ok(0);
            }
            ["--limit", seconds, rest @ ..] => {
                let seconds = seconds.parse().with_context(|| format!("--limit {seconds}: not a number of seconds"))?;
                limit = Duration::from_secs(seconds);
                words = rest;
            }
            [option, ..] if option.starts_with('-') => {
                bail!("{option}: no such option; see `cargo xtask guest --help`")
            }
            _ => break,
        }
    }
    let Some((series, command)) = words.split_first() else { bail!("{HELP}") };
    let all = [*series];
    let kernels = if *series == "all" { KERNELS } else { &all };
    let mut status = 0;
    for series in kernels {
        ensure!(is_series(series), "{series}: not a kernel; one of {}, or all", KERNELS.join(", "));
        let kernel = Kernel::get(series)?;
        let script = match command {
            ["--tests", only @ ..] => lane::script(series, only)?,
            [] | ["--"] => machine::script(&["uname", "-a"])?,
            ["--", words @ ..] | words => machine::script(&own(words)?)?,
        };
        if kernels.len() > 1 {
            println!("== {}", kernel.name());
        }
        let tries = if command.first() == Some(&"--tests") { TRIES } else { 1 };
        let own = outcome(&kernel, &script, limit, tries, &|| Box::new(std::io::stdout()))?;
        status = if status == 0 { own } else { status };
    }
    Ok(status)
}

/// A command whose program is the `skep` of this tree where it says `skep`.
fn own(words: &[&str]) -> Result<Vec<String>> {
    let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    if let Some(program) = words.first_mut().filter(|word| *word == "skep") {
        *program = crate::shipped()?.display().to_string();
    }
    Ok(words)
}

/// Boots of a lane at most: an emulated kernel with two processors dies now and then in its own scheduler.
const TRIES: usize = 3;

/// What the lane says when it begins anew; the counts so far do not count.
pub(crate) const ANEW: &str = "guest: starting over";

/// Runs a command of ours in a guest, anew where the kernel under it dies; what it wrote.
pub(crate) fn captured(series: &str, words: &[&str]) -> Result<String> {
    ensure!(is_series(series), "{series}: not a kernel");
    let kernel = Kernel::get(series)?;
    let said = Arc::new(Mutex::new(Vec::new()));
    let sink = || -> Sink {
        said.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Box::new(Kept(Arc::clone(&said)))
    };
    let status = outcome(&kernel, &machine::script(words)?, LIMIT, TRIES, &sink)?;
    ensure!(status == 0, "{} ended with {status} in the guest {}", words.join(" "), kernel.name());
    let said = std::mem::take(&mut *said.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(String::from_utf8(said)?)
}

/// Keeps what is written.
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs a script, anew where the kernel under it dies, which is told.
fn outcome(kernel: &Kernel, script: &str, limit: Duration, tries: usize, sink: &dyn Fn() -> Sink) -> Result<u8> {
    for left in (0..tries).rev() {
        match machine::run(kernel, script, limit, sink())? {
            Outcome::Status(status) => return Ok(status),
            Outcome::Crashed(why) if left == 0 => bail!(why),
            Outcome::Crashed(why) => println!("{why}\n{ANEW}"),
        }
    }
    bail!("no try was made")
}

/// `6.1`
fn is_series(word: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    word.split_once('.').is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_two_numbers() {
        assert!(is_series("6.1") && is_series("5.10"));
        assert!(!is_series("6") && !is_series("6.") && !is_series("6.1.0") && !is_series("all") && !is_series("-1.2"));
    }
}
