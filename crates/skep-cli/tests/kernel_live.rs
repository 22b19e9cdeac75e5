//! `skep run` on the host's kernel: real traffic, real system calls, and nothing left behind. Needs root.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod live;
mod namespace;

use std::process::{Command, Stdio};
use std::time::Duration;

use live::*;
use rustix::process::Signal;
use serde_json::Value;

const PROTOCOLS: &str = "run examples/protocols/protocols.bpf.o --json";
const SHAPER: &str = "run tests/data/object/several.bpf.o --prog shaper --json";
const TAP: &str = "run tests/data/object/several.bpf.o --prog tap --json";

/// Pings and downloads over both versions of IP, from the neighbour's side.
fn traffic(neighbour: &Neighbour) {
    assert!(neighbour.ping("10.9.0.1", 5) && neighbour.ping("fd09::1", 5), "pings are answered");
    for address in ["10.9.0.1", "[fd09::1]"] {
        let page = neighbour.run(&format!("curl -sS --max-time 10 http://{address}:8000/page"));
        assert_eq!(page.len(), PAGE);
    }
}

/// Runs of the first program, which have a verdict each.
fn runs(summary: &Value) -> u64 {
    let program = &summary["programs"][0];
    let verdicts = program["verdicts"].as_object().expect("verdicts");
    let total: u64 = verdicts.values().map(|n| n.as_u64().expect("a number")).sum();
    assert_eq!(program["runs"].as_u64(), Some(total), "{summary}");
    assert!(program["ns_per_run"].as_f64().is_some_and(|ns| ns > 0.0), "{summary}");
    total
}

/// The value at a key of a map of the summary, as a number.
fn entry(summary: &Value, map: &str, key: &Value) -> u64 {
    let entries = summary["maps"][map].as_array().expect("a map");
    let found = entries.iter().find(|e| e["key"] == *key).unwrap_or_else(|| panic!("{key}: {summary}"));
    let packets = if found["value"].is_object() { &found["value"]["packets"] } else { &found["value"] };
    packets.as_u64().expect("a number")
}

/// Attaches by `words`, lets `counter` count over real traffic, and ends with a signal: what skep counted, and what the
/// counter did. Nothing is sent before and after.
fn counted(words: &str, signal: Signal, attached: impl Fn(&Skep), counter: impl Fn(&Neighbour) -> u64) -> (Value, u64) {
    let (neighbour, _server) = (Neighbour::new(), Server::new());
    let before = counter(&neighbour);
    let skep = Skep::start(words);
    attached(&skep);
    let held = skep.holds();
    neighbour.up();
    traffic(&neighbour);
    neighbour.down();
    // What is under way in the last moment is let through.
    std::thread::sleep(Duration::from_millis(100));
    let count = counter(&neighbour) - before;
    let summary = skep.end(signal);
    held.until_gone();
    assert!(!run("tc qdisc show dev here").contains("clsact"), "its qdisc is gone");
    (summary, count)
}

fn linked(skep: &Skep) {
    skep.until_linked(1);
}

#[test]
fn xdp_sees_exactly_the_packets_that_the_peer_sent() {
    apart(|| {
        let words = format!("{PROTOCOLS} --on xdp:here");
        let (summary, sent) = counted(&words, Signal::INT, linked, Neighbour::sent);
        assert_eq!(runs(&summary), sent, "{summary}");
        assert_eq!(summary["programs"][0]["way"], "xdp native");
        let entries = summary["maps"]["protocols"].as_array().expect("a map");
        let packets: u64 = entries.iter().map(|e| e["value"]["packets"].as_u64().expect("a number")).sum();
        assert_eq!(packets, sent, "each packet has a protocol");
        assert_eq!(entry(&summary, "protocols", &"ICMP".into()), 5);
        assert!(entry(&summary, "protocols", &"ICMPV6".into()) >= 5);
        assert!(entry(&summary, "protocols", &"TCP".into()) > 20);
    });
}

#[test]
fn tcx_sees_exactly_the_packets_that_the_peer_sent() {
    apart(|| {
        let words = format!("{SHAPER} --on tcx:here:ingress");
        let (summary, sent) = counted(&words, Signal::TERM, linked, Neighbour::sent);
        assert_eq!((runs(&summary), entry(&summary, "ran", &"SHAPER".into())), (sent, sent), "{summary}");
        assert_eq!(summary["programs"][0]["way"], "tcx");
    });
}

#[test]
fn tc_by_netlink_sees_exactly_the_packets_that_the_peer_sent() {
    apart(|| {
        let words = format!("{SHAPER} --on tc:here:ingress");
        let attached = |_: &Skep| until("the filter is there", || filters().contains("skep:"));
        let (summary, sent) = counted(&words, Signal::INT, attached, Neighbour::sent);
        assert_eq!((runs(&summary), entry(&summary, "ran", &"SHAPER".into())), (sent, sent), "{summary}");
        assert_eq!(summary["programs"][0]["way"], "tc");
    });
}

#[test]
fn a_socket_filter_sees_exactly_the_packets_of_both_ways() {
    apart(|| {
        let words = format!("{TAP} --on socket:here");
        let (summary, passed) =
            counted(&words, Signal::TERM, |_| until("the socket is there", has_socket), |_| passed_here());
        assert_eq!((runs(&summary), entry(&summary, "ran", &"TAP".into())), (passed, passed), "{summary}");
    });
}

fn filters() -> String {
    run("tc filter show dev here ingress")
}

/// True when this namespace has a packet socket bound to a device.
fn has_socket() -> bool {
    let sockets = std::fs::read_to_string("/proc/thread-self/net/packet").expect("proc");
    // The fifth column is the device's number.
    sockets.lines().skip(1).any(|line| line.split_whitespace().nth(4).is_some_and(|device| device != "0"))
}

#[test]
fn a_kill_leaves_nothing_that_a_descriptor_holds() {
    apart(|| {
        run("ip link add here type veth peer name there");
        let opens = "run examples/opens/opens.bpf.o --json";
        let cpus = std::thread::available_parallelism().expect("cpus").get();
        let cases = [
            (format!("{PROTOCOLS} --on xdp:here"), 1),
            (format!("{SHAPER} --on tcx:here:egress"), 1),
            (opens.to_owned(), 1),
            ("run examples/syscalls/syscalls.bpf.o --json".to_owned(), 1),
            ("run examples/cpu/cpu.bpf.o --json".to_owned(), cpus),
        ];
        for (words, links) in cases {
            let skep = Skep::start(&words);
            let held = skep.until_linked(links);
            skep.kill();
            held.until_gone();
        }
        let skep = Skep::start(&format!("{TAP} --on socket:here"));
        until("the socket is there", has_socket);
        let held = skep.holds();
        skep.kill();
        held.until_gone();
        assert!(!has_socket());
    });
}

#[test]
fn what_a_killed_run_left_in_tc_the_next_run_removes() {
    apart(|| {
        run("ip link add here type veth peer name there");
        let words = format!("{SHAPER} --on tc:here:ingress");
        let skep = Skep::start(&words);
        until("the filter is there", || filters().contains("skep:"));
        let held = skep.holds();
        skep.kill();
        assert_eq!(filters().matches("skep:").count(), 1, "a filter outlives its maker");

        let next = Skep::start(&words);
        until("only the new one is there", || {
            let programs = next.holds().programs;
            !programs.is_empty() && !skep_kernel::Program::ids().expect("ids").contains(&held.programs[0])
        });
        until("the new one is there", || filters().matches("skep:").count() == 1);
        next.end(Signal::INT);
        held.until_gone();
        assert!(!run("tc qdisc show dev here").contains("clsact"));
    });
}

#[test]
fn what_is_on_the_list_is_dropped_while_it_runs_and_no_longer() {
    apart(|| {
        let neighbour = Neighbour::new();
        neighbour.up();
        assert!(neighbour.ping("10.9.0.1", 3));
        let folder = temporary("list");
        let list = folder.join("blocked.txt");
        std::fs::write(&list, "10.9.0.2/32\n").expect("a list");
        let fill = format!("--fill blocked4={}", list.display());
        let skep = Skep::start(&format!("run examples/blocklist/blocklist.bpf.o --on xdp:here --json {fill}"));
        linked(&skep);
        assert!(!neighbour.ping("10.9.0.1", 3), "what is dropped is not answered");
        assert!(neighbour.ping("fd09::1", 3), "what is not on the list passes");
        let summary = skep.end(Signal::INT);
        assert!(neighbour.ping("10.9.0.1", 3), "it is over");
        let dropped = summary["programs"][0]["verdicts"]["XDP_DROP"].as_u64();
        assert_eq!(summary["maps"]["blocked4"][0]["value"].as_u64(), dropped);
        assert!(dropped >= Some(3), "{summary}");
    });
}

#[test]
fn a_ring_buffer_that_is_too_small_loses_exactly_what_the_program_saw_refused() {
    apart(|| {
        let neighbour = Neighbour::new();
        let skep = Skep::start("run tests/data/object/burst.bpf.o --on xdp:here --json --record shots=shot");
        linked(&skep);
        neighbour.up();
        assert!(neighbour.ping("10.9.0.1", 50));
        neighbour.down();
        std::thread::sleep(Duration::from_millis(200));
        skep.signal(Signal::INT);
        let lines = skep.finish();
        let summary: Value = serde_json::from_str(lines.last().expect("a summary")).expect("JSON");
        let told = &summary["maps"]["burst.bss"][0]["value"]["told"];
        let records = &summary["records"];
        assert_eq!((&records["delivered"], &records["lost"]), (&told["sent"], &told["refused"]), "{summary}");
        assert_eq!(records["delivered"].as_u64(), Some(lines.len() as u64 - 1), "each delivered record is a line");
        let refused = told["refused"].as_u64().expect("a number");
        assert!(refused >= 25, "{summary}");
        assert_eq!(told["sent"].as_u64().expect("a number") + refused, runs(&summary) * 40);
    });
}

#[test]
fn a_device_that_goes_is_told_with_what_was_counted_until_then() {
    apart(|| {
        let neighbour = Neighbour::new();
        let skep = Skep::start(&format!("{PROTOCOLS} --on xdp:here"));
        linked(&skep);
        neighbour.up();
        assert!(neighbour.ping("10.9.0.1", 3));
        run("ip link del here");
        let (status, lines) = skep.ended();
        assert_eq!(status, Some(3), "{lines:#?}");
        let summary: Value = serde_json::from_str(lines.last().expect("a summary")).expect("JSON");
        assert!(runs(&summary) >= 3, "{summary}");
    });
}

#[test]
fn under_a_flood_of_events_each_record_is_delivered_or_counted_as_lost() {
    let mut busy = Command::new("dd");
    let busy = busy.args(["if=/dev/zero", "of=/dev/null", "bs=1", "count=3000000"]).stderr(Stdio::null());
    let mut busy = busy.spawn().expect("dd");
    let lines = Skep::start("run tests/data/object/flood.bpf.o --json --for 1s").finish();
    let _ = busy.kill();
    busy.wait().expect("its status");
    let summary: Value = serde_json::from_str(lines.last().expect("a summary")).expect("JSON");
    let made = summary["maps"]["flood.bss"][0]["value"]["made"].as_u64().expect("a number");
    let records = |what: &str| summary["records"][what].as_u64().expect("a number");
    assert!(made > 100_000, "{summary}");
    assert_eq!(records("delivered") + records("lost"), made, "{summary}");
    assert_eq!(records("delivered"), lines.len() as u64 - 1);
    assert_eq!(summary["programs"][0]["runs"].as_u64(), Some(made));
}

#[test]
fn opens_shows_a_file_while_it_runs() {
    let skep = Skep::start("run examples/opens/opens.bpf.o --json");
    skep.until_linked(1);
    let folder = temporary("opened");
    let path = folder.join("a file that a child opens");
    std::fs::write(&path, "").expect("a file");
    let child = Command::new("cat").arg(&path).status().expect("cat");
    assert!(child.success());
    let shown = path.display().to_string();
    let records = || skep.lines().iter().map(|l| serde_json::from_str(l).expect("JSON")).collect::<Vec<Value>>();
    let by_cat = |r: &Value| r["value"]["path"] == shown.as_str() && r["value"]["command"] == "cat";
    until("the record is there while skep runs", || records().iter().any(by_cat));
    let record = records().into_iter().find(by_cat).expect("it was there");
    assert_eq!((&record["record"], &record["value"]["uid"]), (&"opens".into(), &0.into()));
    let summary = skep.end(Signal::TERM);
    assert!(summary["records"]["delivered"].as_u64() > Some(0), "{summary}");
}

#[test]
fn syscalls_counts_the_calls_of_a_child() {
    // Hardly anybody makes this call; but the count is the whole machine's, so who does gets out of the way thrice.
    let counts: Vec<u64> = (0..3).map(|_| calls_counted(5000)).take_while(|n| *n != 5000).collect();
    assert!(counts.len() < 3, "{counts:?} counted of 5000");
}

/// Runs a child that makes a rare system call so often: how often it was counted meanwhile.
fn calls_counted(calls: usize) -> u64 {
    let skep = Skep::start("run examples/syscalls/syscalls.bpf.o --json");
    skep.until_linked(1);
    let number = if cfg!(target_arch = "x86_64") { 146 } else { 125 };
    let script = format!("import os\nfor _ in range({calls}): os.sched_get_priority_max(1)");
    assert!(Command::new("python3").args(["-c", &script]).status().expect("python3").success());
    let summary = skep.end(Signal::INT);
    let entries = summary["maps"]["syscalls"].as_array().expect("a map");
    let cpus = &entries.iter().find(|e| e["key"] == number).expect("counted")["value"];
    cpus.as_array().expect("CPUs").iter().map(|n| n.as_u64().expect("a number")).sum()
}

#[test]
fn cpu_samples_the_command_that_is_busy() {
    let folder = temporary("busy");
    let busy = folder.join("skep-busy");
    std::os::unix::fs::symlink("/bin/sh", &busy).expect("a link");
    let mut child =
        Command::new(&busy).args(["-c", "while :; do :; done"]).stdout(Stdio::null()).spawn().expect("a shell");
    let summary = Skep::start("run examples/cpu/cpu.bpf.o --json --for 2s").finish();
    child.kill().expect("it is there");
    child.wait().expect("its status");
    let summary: Value = serde_json::from_str(summary.last().expect("a summary")).expect("JSON");
    let samples = summary["maps"]["samples"].as_array().expect("a map");
    let of = |e: &&Value| e["key"]["command"] == "skep-busy";
    let taken: u64 = samples.iter().filter(of).map(|e| e["value"].as_u64().expect("a number")).sum();
    // A share of one CPU, 99 times a second.
    assert!((20..=250).contains(&taken), "{taken} samples: {summary}");
    assert!(summary["programs"][0]["runs"].as_u64() >= Some(taken));
}

#[test]
fn a_terminal_sees_the_tables_drawn_anew_each_second() {
    apart(|| {
        run("ip link add here type veth peer name there");
        let command =
            format!("{} run examples/protocols/protocols.bpf.o --on xdp:here --for 2500ms", env!("CARGO_BIN_EXE_skep"));
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let mut script = Command::new("script");
        script.args(["-qec", &command, "/dev/null"]).current_dir(root).stdin(Stdio::null());
        let out = script.output().expect("script");
        assert!(out.status.success());
        let text = String::from_utf8(out.stdout).expect("UTF-8");
        let drawings = text.matches("count_protocols").count();
        // After one second, after two, and at the end; a busy machine may skip one. Each goes up over the last.
        assert!((2..=3).contains(&drawings), "{text:?}");
        assert_eq!(text.matches("\x1b[J").count(), drawings - 1, "{text:?}");
    });
}
