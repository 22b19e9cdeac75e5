//! `xtask test`: the lanes, one after the other; a lane that could not run is a failure.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use crate::root;

/// Debian packages that the full run needs beside Rust.
const PACKAGES: &[&str] = &[
    "clang-19",
    "clang-14",
    "clang-16",
    "gcc-bpf",
    "llvm-19",
    "libbpf-dev",
    "linux-libc-dev",
    "linux-source-6.12",
    "libelf-dev",
    "zlib1g-dev",
    "iproute2",
    "iputils-ping",
    "curl",
    "bpftool",
    "libbpf-tools",
    "xdp-tools",
    "libxdp1",
    "python3",
    "tshark",
    "tcpdump",
    "qemu-system-x86",
    "busybox-static",
    "xz-utils",
    "systemd",
];

/// What the full run's tests are built with.
pub(crate) const FEATURES: &str = "skep-object/corpus-tests,skep-vm/corpus-tests,skep-vm/kernel-tests,\
    skep-kernel/kernel-tests,skep/kernel-tests,skep-cli/kernel-tests";

/// One step of a run: its name, and the command.
struct Lane {
    name: &'static str,
    command: Vec<&'static str>,
}

fn lane(name: &'static str, command: &[&'static str]) -> Lane {
    Lane { name, command: command.to_vec() }
}

/// The lane of another kernel; a busy machine may take long over it.
fn guest(name: &'static str, series: &'static str) -> Lane {
    lane(name, &["cargo", "run", "-q", "--locked", "-p", "xtask", "--", "guest", "--limit", "1200", series, "--tests"])
}

/// A task of ours that has so many seconds: coreutils' `timeout` ends all that it started.
fn timed(name: &'static str, seconds: &'static str, task: &[&'static str]) -> Lane {
    let start = ["timeout", "--kill-after=5", seconds, "cargo", "run", "-q", "--locked", "-p", "xtask", "--"];
    Lane { name, command: [&start, task].concat() }
}

/// What `timeout` ends with when the time was up.
const LATE: i32 = 124;

/// What a lane counted.
struct Counted {
    name: &'static str,
    passed: usize,
    failed: usize,
    seconds: f64,
}

pub(crate) fn run(quick: bool) -> Result<()> {
    let mut lanes = vec![
        lane("format", &["cargo", "fmt", "--all", "--check"]),
        lane("clippy", &["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
        lane("check", &["cargo", "run", "-q", "--locked", "-p", "xtask", "--", "check"]),
    ];
    if quick {
        lanes.push(lane("tests", &["cargo", "test", "--workspace", "--locked", "--no-fail-fast"]));
    } else {
        install()?;
        lanes.extend([
            lane("objects", &["cargo", "run", "-q", "--locked", "-p", "xtask", "--", "objects"]),
            lane("benchmark", &["cargo", "check", "--manifest-path", "bench/Cargo.toml", "--locked"]),
            lane(
                "oracle",
                &["cargo", "test", "--locked", "--manifest-path", "oracle/Cargo.toml", "--target-dir", "target/oracle"],
            ),
            lane("release build", &["cargo", "build", "--release", "--locked"]),
            lane("tests", &["cargo", "test", "--workspace", "--locked", "--no-fail-fast", "--features", FEATURES]),
            timed("corpora", "600", &["compare", "all"]),
            guest("guest 5.10", "5.10"),
            guest("guest 6.1", "6.1"),
            guest("guest 6.12", "6.12"),
            timed("corpora 5.10", "900", &["compare", "all", "--on", "5.10"]),
            timed("corpora 6.1", "900", &["compare", "all", "--on", "6.1"]),
            timed("corpora 6.12", "900", &["compare", "all", "--on", "6.12"]),
        ]);
    }
    let counted: Vec<Counted> = lanes.iter().map(execute).collect::<Result<_>>()?;
    println!("\n{:<16}{:>8}{:>8}{:>10}", "lane", "passed", "failed", "seconds");
    for c in &counted {
        println!("{:<16}{:>8}{:>8}{:>10.1}", c.name, c.passed, c.failed, c.seconds);
    }
    let passed: usize = counted.iter().map(|c| c.passed).sum();
    let failed: usize = counted.iter().map(|c| c.failed).sum();
    println!("{passed} passed, {failed} failed");
    ensure!(failed == 0, "{failed} failed");
    Ok(())
}

/// Runs a lane, shows what it prints, and adds up what `cargo test` counts; another command counts as one test.
fn execute(lane: &Lane) -> Result<Counted> {
    println!("\n== {}: {}", lane.name, lane.command.join(" "));
    let started = Instant::now();
    let Some((program, args)) = lane.command.split_first() else { bail!("an empty lane") };
    let mut child = Command::new(program).args(args).current_dir(root()).stdout(Stdio::piped()).spawn()?;
    let mut results = (0, 0, 0);
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).lines() {
            let line = line?;
            if line == crate::guest::ANEW {
                results = (0, 0, 0);
            }
            if let Some((passed, failed)) = result_line(&line) {
                results = (results.0 + passed, results.1 + failed, results.2 + 1);
            }
            // Passing tests are counted, not told.
            let passing = line.starts_with("test ") && line.ends_with("... ok");
            if !passing && !line.trim().is_empty() {
                println!("{line}");
            }
        }
    }
    let status = child.wait()?;
    if *program == "timeout" && status.code() == Some(LATE) {
        println!("{}: given up, its time was up; what it kept in target/ makes the next run shorter", lane.name);
    }
    let ok = status.success();
    let (passed, failed) = match results {
        (_, _, 0) => (usize::from(ok), usize::from(!ok)),
        // A test program that does not build or dies prints no result.
        (passed, failed, _) => (passed, if ok { failed } else { failed.max(1) }),
    };
    Ok(Counted { name: lane.name, passed, failed, seconds: started.elapsed().as_secs_f64() })
}

/// `test result: ok. 3 passed; 0 failed; …`
fn result_line(line: &str) -> Option<(usize, usize)> {
    let rest = line.strip_prefix("test result: ")?;
    let (_, rest) = rest.split_once(". ")?;
    let number = |word: &str| {
        let part = rest.split(';').find(|p| p.trim().ends_with(word))?;
        part.trim().split(' ').next()?.parse().ok()
    };
    Some((number("passed")?, number("failed")?))
}

/// Installs what is missing; needs root, as the lanes do.
fn install() -> Result<()> {
    let missing: Vec<&str> = PACKAGES.iter().copied().filter(|p| !installed(p)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("== install: {}", missing.join(" "));
    let apt = |args: &[&str]| -> Result<()> {
        let status = Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive").status()?;
        ensure!(status.success(), "apt-get {} failed; the full run needs root and Debian's packages", args.join(" "));
        Ok(())
    };
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], missing.as_slice()].concat())
}

fn installed(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["-W", "-f=${Status}", package])
        .output()
        .is_ok_and(|o| o.stdout == b"install ok installed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_whose_time_is_up_fails() {
        let counted = execute(&lane("late", &["timeout", "0.1", "sleep", "60"])).expect("timeout, of coreutils");
        assert_eq!((counted.passed, counted.failed), (0, 1));
        assert!(counted.seconds < 30.0, "{} s", counted.seconds);
    }

    #[test]
    fn what_cargo_counts_is_added_up() {
        assert_eq!(result_line("test result: FAILED. 3 passed; 2 failed; 0 ignored"), Some((3, 2)));
        assert_eq!(result_line("running 3 tests"), None);
    }
}
