//! Ctrl-C in the middle of a long capture: what has been read so far is the result.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The frames of the examples' capture so often that a run over them takes a while.
const TIMES: usize = 60;
const FRAMES: u64 = 2532;
/// Length of a capture's header.
const HEADER: usize = 24;

#[test]
fn ctrl_c_ends_a_long_capture_with_the_results_so_far() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let capture = std::fs::read(root.join("examples/capture.pcap")).expect("the capture");
    let (header, frames) = capture.split_at(HEADER);
    let long = std::env::temp_dir().join(format!("skep-long-{}.pcap", std::process::id()));
    std::fs::write(&long, [header, &frames.repeat(TIMES)].concat()).expect("a long capture");

    let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
    command.args(["run", "examples/protocols/protocols.bpf.o", "--json", "--on"]);
    command.arg(format!("pcap:{}", long.display())).current_dir(&root).stdout(Stdio::piped());
    let child = command.spawn().expect("skep");
    // Signals wait from the moment it has blocked them.
    let status = format!("/proc/{}/status", child.id());
    let blocked = || std::fs::read_to_string(&status).is_ok_and(|s| !s.contains("SigBlk:\t0000000000000000"));
    let end = Instant::now() + Duration::from_secs(10);
    while !blocked() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(50));
    kill_process(Pid::from_child(&child), Signal::INT).expect("it is there");
    let out = child.wait_with_output().expect("its output");
    std::fs::remove_file(&long).expect("removed");

    assert!(out.status.success(), "{}", out.status);
    let summary: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let program = &summary["programs"][0];
    let runs = program["runs"].as_u64().expect("a number");
    assert!(runs < FRAMES * TIMES as u64, "it ended before the signal came");
    assert_eq!(program["verdicts"]["XDP_PASS"].as_u64().unwrap_or(0), runs);
    let protocols = summary["maps"]["protocols"].as_array().expect("a map");
    let packets: u64 = protocols.iter().map(|e| e["value"]["packets"].as_u64().expect("a number")).sum();
    assert_eq!(packets, runs, "maps and runs are of the same moment");
}

#[test]
fn a_program_without_end_does_not_outlast_the_time_given() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
    command.args("run tests/data/object/endless.bpf.o --on pcap:examples/capture.pcap --for 100ms --json".split(' '));
    let started = Instant::now();
    let out = command.current_dir(&root).output().expect("skep");
    // A run takes as long as its fuel lasts; all 2,532 of them would take minutes.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(out.status.code(), Some(1), "a rule of the vm was broken");
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(told.contains("V0002") && told.contains("ended after"), "{told}");
    let summary: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(summary["programs"][0]["faults"], summary["programs"][0]["runs"]);
}

#[test]
fn what_is_read_is_never_written_over() {
    let folder = std::env::temp_dir().join(format!("skep-write-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/capture.pcap");
    let object = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/vlan/vlan.bpf.o");
    std::fs::copy(&capture, folder.join("in.pcap")).expect("copied");
    std::fs::copy(object, folder.join("vlan.bpf.o")).expect("copied");
    std::os::unix::fs::symlink("in.pcap", folder.join("link.pcap")).expect("a link");
    for (on, write, status) in [
        ("pcap:in.pcap", "./in.pcap", 2),
        ("pcap:in.pcap", "link.pcap", 2),
        ("pcap:in.pcap", "vlan.bpf.o", 2),
        ("pcap:missing.pcap", "in.pcap", 2),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
        command.args(["run", "vlan.bpf.o", "--on", on, "--write", write]).current_dir(&folder);
        let out = command.output().expect("skep");
        assert_eq!(out.status.code(), Some(status), "{on} {write}: {}", String::from_utf8_lossy(&out.stderr));
        let kept = std::fs::read(folder.join("in.pcap")).expect("still there");
        assert!(kept == std::fs::read(&capture).expect("the capture"), "{on} {write}: the capture was changed");
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}
