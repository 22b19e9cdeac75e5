//! A reader that goes away is no failure: `skep … | head` ends as `head` does.

use std::process::{Command, Stdio};

/// Runs skep with an output that nobody reads: its status and what it says on stderr.
fn unread(words: &str) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
    command.args(words.split(' ')).current_dir(root).stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
    let out = command.output().expect("skep");
    (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
}

#[test]
fn no_verb_complains_about_a_reader_that_is_gone() {
    for words in [
        "run examples/protocols/protocols.bpf.o --on pcap:examples/capture.pcap",
        "run examples/protocols/protocols.bpf.o --on pcap:examples/capture.pcap --json",
        "run tests/programs/ring_output.bpf.o --on pcap:examples/capture.pcap",
        "run tests/programs/ring_output.bpf.o --on pcap:examples/capture.pcap --json",
        "dis examples/protocols/protocols.bpf.o",
        "completion bash",
        "--help",
        "--version",
    ] {
        assert_eq!(unread(words), (Some(0), String::new()), "{words}");
    }
}

#[test]
fn a_failure_stays_one_when_nobody_reads() {
    let (status, said) = unread("dis missing.bpf.o");
    assert_eq!(status, Some(2));
    assert!(said.starts_with("error[O0001]"), "{said}");
}
