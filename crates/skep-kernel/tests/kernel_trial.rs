//! Trials of attaching answer for every pair of program type and attach type, and leave nothing behind.
#![cfg(feature = "kernel-tests")]

use std::time::Instant;

use skep_isa::spec::{AttachType, ProgType, attach_type, hook, prog_type};
use skep_kernel::Program;
use skep_kernel::feature::Answer;
use skep_kernel::trial::{self, Question};

/// Places that every kernel which has them offers to root, whatever it is built with.
const EVERYWHERE: &[(ProgType, AttachType)] = &[
    (ProgType::CgroupSkb, AttachType::CgroupInetIngress),
    (ProgType::CgroupSkb, AttachType::CgroupInetEgress),
    (ProgType::CgroupSock, AttachType::CgroupInetSockCreate),
    (ProgType::CgroupSockAddr, AttachType::CgroupInet4Connect),
    (ProgType::CgroupSockAddr, AttachType::CgroupInet6Bind),
    (ProgType::CgroupSockopt, AttachType::CgroupGetsockopt),
    (ProgType::SockOps, AttachType::CgroupSockOps),
    (ProgType::CgroupDevice, AttachType::CgroupDevice),
    (ProgType::Xdp, AttachType::Xdp),
    (ProgType::Xdp, AttachType::XdpDevmap),
    (ProgType::Xdp, AttachType::XdpCpumap),
    (ProgType::SchedCls, AttachType::TcxIngress),
    (ProgType::SchedCls, AttachType::TcxEgress),
    (ProgType::SkLookup, AttachType::SkLookup),
    (ProgType::FlowDissector, AttachType::FlowDissector),
    (ProgType::SkMsg, AttachType::SkMsgVerdict),
    (ProgType::SkSkb, AttachType::SkSkbVerdict),
    (ProgType::SkReuseport, AttachType::SkReuseportSelect),
    (ProgType::Tracepoint, AttachType::PerfEvent),
    (ProgType::PerfEvent, AttachType::PerfEvent),
    (ProgType::Tracing, AttachType::TraceRawTp),
    (ProgType::Tracing, AttachType::TraceIter),
    (ProgType::Kprobe, AttachType::TraceUprobeMulti),
];

/// Places that a host's policy may refuse, and a guest does not.
const GUESTS: &[(ProgType, AttachType)] = &[
    (ProgType::Tracing, AttachType::TraceFentry),
    (ProgType::Tracing, AttachType::TraceFexit),
    (ProgType::Tracing, AttachType::ModifyReturn),
    (ProgType::Lsm, AttachType::LsmMac),
    (ProgType::Lsm, AttachType::LsmCgroup),
    (ProgType::Kprobe, AttachType::PerfEvent),
];

#[test]
fn every_place_gets_an_answer_and_nothing_is_left_behind() {
    let before = Program::ids().expect("root");
    let here = skep_kernel::feature::kernel_version().expect("a version");
    let mut slow = Vec::new();
    for row in attach_type::TABLE {
        for prog_type in row.prog_types {
            let started = Instant::now();
            let answer = trial::answer(Question::Attach(*prog_type, row.id));
            let took = started.elapsed();
            println!("{prog_type:>16} {:<30} {:>7.1} ms {answer:?}", row.name, took.as_secs_f64() * 1e3);
            let is_here = row.since <= here && prog_type.row().since <= here;
            let is_guest = std::env::var_os("SKEP_GUEST").is_some();
            let place = (*prog_type, row.id);
            if is_here && (EVERYWHERE.contains(&place) || (is_guest && GUESTS.contains(&place))) {
                assert_eq!(answer, Answer::Yes, "{prog_type} at {}", row.name);
            }
            slow.push((took, row.name));
        }
    }
    for row in prog_type::TABLE {
        let started = Instant::now();
        let answer = trial::answer(Question::Load(row.id));
        println!("{:>16} {:<30} {:>7.1} ms {answer:?}", row.name, "", started.elapsed().as_secs_f64() * 1e3);
    }
    for row in hook::TABLE {
        println!("{:>16} {:?}", row.kind.name(), trial::answer(Question::Hook(row.kind)));
    }
    slow.sort();
    println!("slowest: {:?}", slow.last());
    left_behind(&before);
}

#[test]
fn what_this_kernel_does_not_know_is_no_and_not_yes() {
    // No kernel has these attach types before 7.0.
    if skep_kernel::feature::kernel_version() < Some(skep_isa::spec::Version(7, 0)) {
        let answer = trial::answer(Question::Attach(ProgType::Tracing, AttachType::TraceFsession));
        assert!(matches!(answer, Answer::No(_)), "{answer:?}");
    }
    assert!(matches!(trial::answer(Question::Load(ProgType::Unspec)), Answer::No(_)));
}

/// All programs of trials go, and no cgroup stays.
fn left_behind(before: &[u32]) {
    let end = Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let new: Vec<u32> = Program::ids().expect("root").into_iter().filter(|id| !before.contains(id)).collect();
        // Other tests load programs at the same time: only ours count.
        let ours: Vec<u32> =
            new.into_iter().filter(|id| Program::from_id(*id).is_ok_and(|p| p.name() == "skep_trial")).collect();
        if ours.is_empty() {
            break;
        }
        assert!(Instant::now() < end, "programs are left: {ours:?}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("proc");
    for line in mounts.lines().filter(|l| l.split(' ').nth(2) == Some("cgroup2")) {
        let path = line.split(' ').nth(1).expect("a mount point");
        let names = std::fs::read_dir(path).expect(path).flatten().map(|e| e.file_name());
        assert!(
            names.into_iter().all(|n| !n.to_string_lossy().starts_with("skep-trial")),
            "a cgroup is left in {path}"
        );
    }
}
