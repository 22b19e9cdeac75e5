//! What calls allow: rows of attach types, links, commands and program types against the running kernel.
//!
//! The questions are asked by `attach_rules.py`, which makes and removes its targets in namespaces of its own. Loads that
//! ask for capabilities are refused in any case; of accepted programs there are fewer than 200, freed slowly.
#![cfg(feature = "kernel-tests")]

use std::io::Write;
use std::process::{Command as Process, Stdio};

use skep_isa::spec::attach_type::{self, AtLoad, Target};
use skep_isa::spec::command::{self, Command, Needs as CallNeeds};
use skep_isa::spec::prog_type::{self, Names, Needs, Sleep};
use skep_isa::spec::{AttachType, LinkType, ProgType, Version, result, section};
use skep_kernel::feature::kernel_version;

const ASKER: &str = include_str!("attach_rules.py");

const NET_ADMIN: u32 = 12;
const SYS_ADMIN: u32 = 21;
const PERFMON: u32 = 38;
const BPF: u32 = 39;

fn here() -> Version {
    kernel_version().expect("a kernel that says its version")
}

/// The answers to questions, in their order.
fn ask(questions: &[String]) -> Vec<String> {
    let mut python = Process::new("python3")
        .args(["-c", ASKER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    python.stdin.take().expect("piped").write_all(questions.join("\n").as_bytes()).expect("written");
    let out = python.wait_with_output().expect("answers");
    assert!(out.status.success(), "the asker ends with {}", out.status);
    let answers: Vec<String> = String::from_utf8(out.stdout).expect("text").lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), questions.len(), "{answers:?}");
    answers
}

/// The asker's word for a target it can make, `None` where it cannot.
fn kind(row: &attach_type::Row) -> Option<&'static str> {
    Some(match row.target {
        Target::Cgroup if row.id != AttachType::LsmCgroup => "cgroup",
        Target::Netns => "netns",
        Target::Sockmap => "sockmap",
        Target::Device if !row.name.starts_with("netkit") => "device",
        Target::PerfEvent => "perf_event",
        Target::Functions if row.prog_types.contains(&ProgType::Kprobe) => "functions",
        Target::Places => "places",
        Target::Netfilter => "netfilter",
        _ => return None,
    })
}

/// A program type that can be loaded for a place without a BTF id.
fn prog_type_of(row: &attach_type::Row) -> ProgType {
    // Of a perf event's three the one that a clock takes.
    if row.id == AttachType::PerfEvent { ProgType::PerfEvent } else { row.prog_types[0] }
}

/// What a program for a place returns: a result that is allowed, named or not.
fn value(prog_type: ProgType, id: AttachType) -> i32 {
    result::allowed(prog_type, Some(id)).map_or(0, |range| 1.clamp(range.low, range.high))
}

#[test]
fn bpf_prog_attach_attaches_where_the_rows_say() {
    let rows: Vec<_> = attach_type::TABLE.iter().filter(|r| r.since <= here()).collect();
    let rows: Vec<_> = rows.into_iter().filter_map(|row| Some((row, kind(row)?))).collect();
    let question = |(row, kind): &(&attach_type::Row, &str)| {
        let (prog_type, id) = (prog_type_of(row), row.id.id());
        format!("attach {kind} {} {id} {id} {} 0", prog_type.id(), value(prog_type, row.id))
    };
    let answers = ask(&rows.iter().map(question).collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for ((row, _), answer) in rows.iter().zip(&answers) {
        if (answer == "ok") != row.target.takes_prog_attach(row.id) {
            wrong.push(format!("{}: {answer}", row.name));
        }
    }
    println!("{} attach types asked", rows.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows.len() > 40, "only {} could be asked", rows.len());
}

#[test]
fn loads_must_name_the_attach_type_where_the_rows_say() {
    let rows: Vec<_> = attach_type::TABLE.iter().filter(|r| r.since <= here()).collect();
    let rows: Vec<_> = rows.into_iter().filter_map(|row| Some((row, kind(row)?))).collect();
    let mut questions = Vec::new();
    for (row, kind) in &rows {
        let (prog_type, id) = (prog_type_of(row), row.id.id());
        for named in [id, 0] {
            questions.push(format!("link {kind} {} {id} {named} {} 0", prog_type.id(), value(prog_type, row.id)));
        }
    }
    let (answers, mut asked, mut wrong) = (ask(&questions), 0, Vec::new());
    for ((row, _), pair) in rows.iter().zip(answers.chunks(2)) {
        let [named, unnamed] = pair else { panic!("two answers for each") };
        // A kernel built without such links tells nothing; LircMode2 has none.
        if row.link.is_none() || !named.starts_with("ok") {
            println!("{}: not asked, {named}", row.name);
            continue;
        }
        asked += 1;
        if unnamed.starts_with("ok") != (row.at_load != AtLoad::Must) {
            wrong.push(format!("{}: {unnamed} without a name, the row says {:?}", row.name, row.at_load));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked > 38, "only {asked} could be asked");
}

#[test]
fn links_are_updated_and_detached_where_the_rows_say() {
    let mut questions = Vec::new();
    let mut types = Vec::new();
    for row in skep_isa::spec::link_type::TABLE.iter().filter(|r| r.since <= here()) {
        let held = attach_type::TABLE.iter().find(|a| a.link == Some(row.id) && kind(a).is_some());
        if row.id == LinkType::RawTracepoint {
            questions.push(format!("link raw_tracepoint {} 0 0 0 0", ProgType::RawTracepoint.id()));
        } else if let Some((held, kind)) = held.and_then(|a| Some((a, kind(a)?))) {
            let (prog_type, id) = (prog_type_of(held), held.id.id());
            questions.push(format!("link {kind} {} {id} {id} {} 0", prog_type.id(), value(prog_type, held.id)));
        } else {
            continue;
        }
        types.push(row);
    }
    let (answers, mut asked, mut wrong) = (ask(&questions), 0, Vec::new());
    for (row, answer) in types.iter().zip(&answers) {
        let ["ok", update, detach] = answer.split(' ').collect::<Vec<_>>()[..] else {
            println!("{}: not asked, {answer}", row.name);
            continue;
        };
        asked += 1;
        let expected = (row.update.is_some(), row.detach.is_some_and(|since| since <= here()));
        if (update == "ok", detach == "ok") != expected {
            wrong.push(format!("{}: update {update}, detach {detach}; the row says {expected:?}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked >= 8, "only {asked} link types could be asked");
}

#[test]
fn loads_want_the_capabilities_their_rows_say() {
    /// All that any row wants, and each part of it.
    const SETS: [&[u32]; 5] =
        [&[BPF, NET_ADMIN, PERFMON], &[BPF, NET_ADMIN], &[BPF, PERFMON], &[BPF], &[NET_ADMIN, PERFMON]];
    let closed = std::fs::read_to_string("/proc/sys/kernel/unprivileged_bpf_disabled").expect("a switch").trim() != "0";
    let rows: Vec<_> = prog_type::TABLE.iter().filter(|r| r.since <= here() && r.id != ProgType::Unspec).collect();
    let words = |set: &[u32]| set.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let mut questions = Vec::new();
    for row in &rows {
        let flags = if row.sleep == Sleep::Always { section::SLEEPABLE } else { 0 };
        questions.extend(SETS.iter().map(|set| format!("load - {} {flags} {}", row.id.id(), words(set))));
    }
    let (answers, mut asked, mut wrong) = (ask(&questions), 0, Vec::new());
    for (row, answers) in rows.iter().zip(answers.chunks(SETS.len())) {
        // Some kernels refuse a whole type with the same error.
        if answers.first().is_some_and(|all| all == "EPERM") {
            assert!(matches!(row.names, Names::Btf | Names::Program), "{}: refused with all", row.name);
            println!("{}: not asked, refused with all capabilities", row.name);
            continue;
        }
        asked += 1;
        for (set, answer) in SETS.iter().zip(answers) {
            let wanted: &[u32] = match row.needs {
                Needs::None if !closed => &[],
                Needs::None | Needs::Bpf => &[BPF],
                Needs::BpfSince(since) if here() >= since => &[BPF],
                Needs::NetAdmin | Needs::BpfSince(_) => &[BPF, NET_ADMIN],
                Needs::Perfmon => &[BPF, PERFMON],
                Needs::Both => &[BPF, NET_ADMIN, PERFMON],
            };
            if (answer != "EPERM") != wanted.iter().all(|c| set.contains(c)) {
                wrong.push(format!("{} with {set:?}: {answer}; the row says {:?}", row.name, row.needs));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked >= 28, "only {asked} program types could be asked");
}

#[test]
fn calls_want_the_capabilities_their_rows_say() {
    let number = |name: &str| match name {
        "CAP_SYS_ADMIN" => SYS_ADMIN,
        "CAP_NET_ADMIN" => NET_ADMIN,
        "CAP_BPF" => BPF,
        _ => panic!("{name} has no number here"),
    };
    let asked = |row: &&command::Row| row.since <= here() && !matches!(row.needs, CallNeeds::Given(_));
    let rows: Vec<_> = command::TABLE.iter().filter(asked).collect();
    let mut questions = Vec::new();
    for row in &rows {
        let wanted = match row.needs {
            CallNeeds::Capability(name) => number(name),
            _ => BPF,
        };
        // All numbers are 0 but that of the query's attach type, which is none.
        let attr = if row.id == Command::ProgQuery { "00000000ffff0000" } else { "-" };
        let other = if wanted == SYS_ADMIN { format!("{BPF} {NET_ADMIN}") } else { String::new() };
        questions.push(format!("command {attr} {} {wanted}", row.id.id()));
        questions.push(format!("command {attr} {} {other}", row.id.id()));
    }
    let (answers, mut wrong) = (ask(&questions), Vec::new());
    for (row, pair) in rows.iter().zip(answers.chunks(2)) {
        let [with, without] = pair else { panic!("two answers for each") };
        let expected = matches!(row.needs, CallNeeds::Capability(_));
        if with == "EPERM" || (without == "EPERM") != expected {
            wrong.push(format!("{}: {with} with, {without} without; the row says {:?}", row.constant, row.needs));
        }
    }
    println!("{} commands asked", rows.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn attaching_wants_no_capability_but_for_cgroup_skb() {
    let id = |prog: ProgType, attach: AttachType| format!("{} {} {}", prog.id(), attach.id(), value(prog, attach));
    let device = id(ProgType::CgroupDevice, AttachType::CgroupDevice);
    let skb = id(ProgType::CgroupSkb, AttachType::CgroupInetIngress);
    let sk_msg = id(ProgType::SkMsg, AttachType::SkMsgVerdict);
    let dissector = id(ProgType::FlowDissector, AttachType::FlowDissector);
    let tcx = id(ProgType::SchedCls, AttachType::TcxIngress);
    let xdp = id(ProgType::Xdp, AttachType::Xdp);
    let mut cases = Vec::new();
    for how in ["attach_with", "link_with"] {
        cases.push((format!("{how} cgroup {device}"), true));
        cases.push((format!("{how} cgroup {skb}"), false));
        cases.push((format!("{how} cgroup {skb} {NET_ADMIN}"), true));
        if here() >= LinkType::Tcx.row().since {
            cases.push((format!("{how} device {tcx}"), true));
        }
        if how == "attach_with" || here() >= LinkType::Sockmap.row().since {
            cases.push((format!("{how} sockmap {sk_msg}"), true));
        }
        cases.push((format!("{how} netns {dissector}"), true));
    }
    cases.push((format!("link_with device {xdp}"), true));
    let answers = ask(&cases.iter().map(|(question, _)| question.clone()).collect::<Vec<_>>());
    for ((question, granted), answer) in cases.iter().zip(&answers) {
        assert_eq!(answer == "ok", *granted, "{question}: {answer}");
    }
}
