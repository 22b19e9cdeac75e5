//! Attaching on the host's kernel, in network namespaces of our own. Needs root.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod host;

use std::io::Write;
use std::time::Duration;

use host::*;
use skep_diag::Style;
use skep_isa::Insn;
use skep_isa::spec::{AttachType, MapType};
use skep_kernel::{Error, Link, Loaded, Options, RingBuffer, attach, load, sweep_tc, wait};
use skep_object::{Hook, Reloc, RelocTarget};

fn one(section: &str, code: Vec<Insn>) -> Loaded {
    load(&object(vec![program("prog", section, (code, vec![]))], vec![]), &Options::default()).expect("loads")
}

fn attached(loaded: &Loaded, hook: &str) -> Result<Link, Error> {
    attach(loaded.program(0).expect("loaded"), &Hook::parse(hook).expect("a hook"))
}

fn count(loaded: &Loaded, name: &str) -> u64 {
    let results = loaded.counts(0).expect("counts").results.expect("counted");
    results.into_iter().find(|(n, _)| *n == name).map(|(_, count)| count).expect(name)
}

/// Number of the first program.
fn id(loaded: &Loaded) -> u32 {
    loaded.program(0).expect("loaded").info().expect("info").id
}

#[test]
fn xdp_sees_real_pings_and_leaves_nothing() {
    in_namespace(|| {
        let neighbour = Neighbour::new();
        let pass = one("xdp", returns(2));
        let link = attached(&pass, "xdp:here").expect("attached");
        assert_eq!(link.used(), "xdp native");
        assert!(neighbour.ping(5), "what passes is answered");
        assert!(count(&pass, "XDP_PASS") >= 5);
        assert!(pass.counts(0).expect("counts").runs >= Some(5));
        assert!(run("bpftool net show").contains("here"));

        let second = one("xdp", returns(1));
        assert!(matches!(attached(&second, "xdp:here"), Err(Error::HookBusy { .. })));
        drop(link);
        assert!(!run("bpftool net show").contains("here"));

        let link = attached(&second, "xdp:here").expect("free again");
        assert!(!neighbour.ping(3), "what is dropped is not answered");
        assert!(count(&second, "XDP_DROP") >= 3);
        drop(link);
        let ids = [id(&pass), id(&second)];
        drop((pass, second));
        ids.into_iter().for_each(until_gone);
    });
}

#[test]
fn xdp_on_a_driver_without_it_is_generic_and_says_so() {
    in_namespace(|| {
        let pass = one("xdp", returns(2));
        let link = attached(&pass, "xdp:lo").expect("attached");
        assert!(link.used().starts_with("xdp generic: the driver has no native XDP"), "{}", link.used());
    });
}

fn has_tcx() -> bool {
    skep_kernel::feature::kernel_version() >= Some(AttachType::TcxIngress.row().since)
}

#[test]
fn tcx_sees_both_directions() {
    in_namespace(|| {
        let neighbour = Neighbour::new();
        for direction in ["ingress", "egress"] {
            let pass = one("tc", returns(0));
            let link = attached(&pass, &format!("tcx:here:{direction}")).expect("attached");
            let used = if has_tcx() { "tcx" } else { "tc: this kernel has no tcx" };
            assert_eq!(link.used(), used);
            assert!(neighbour.ping(4));
            assert!(count(&pass, "TC_ACT_OK") >= 4, "{direction}");
        }
        assert!(!run("bpftool net show").contains("here"));
    });
}

#[test]
fn a_tc_filter_goes_with_its_link_and_the_last_one_takes_the_qdisc_along() {
    in_namespace(|| {
        let neighbour = Neighbour::new();
        let drops = one("tc", returns(2));
        let egress = attached(&drops, "tc:here:egress").expect("attached");
        let ingress = attached(&drops, "tc:here:ingress").expect("a second one");
        assert_eq!(ingress.used(), "tc");
        assert!(!neighbour.ping(3));
        assert!(count(&drops, "TC_ACT_SHOT") >= 3);
        drop(egress);
        assert!(run("tc qdisc show dev here").contains("clsact"), "the qdisc is still in use");
        assert!(run("tc filter show dev here ingress").contains("skep:"));
        drop(ingress);
        assert!(!run("tc qdisc show dev here").contains("clsact"));
        assert!(neighbour.ping(3));
    });
}

#[test]
fn a_qdisc_that_was_there_before_stays() {
    in_namespace(|| {
        run("ip link add dull type veth peer name peer");
        run("tc qdisc add dev dull clsact");
        let pass = one("tc", returns(0));
        drop(attached(&pass, "tc:dull:ingress").expect("attached"));
        assert!(run("tc qdisc show dev dull").contains("clsact"));
        run("tc qdisc del dev dull clsact");
        drop(attached(&pass, "tc:dull:ingress").expect("attached"));
        assert!(!run("tc qdisc show dev dull").contains("clsact"), "one we made goes");
    });
}

#[test]
fn a_socket_filter_runs_for_each_packet_although_nobody_reads() {
    in_namespace(|| {
        let neighbour = Neighbour::new();
        let keep = one("socket", returns(-1));
        let link = attached(&keep, "socket:here").expect("attached");
        assert_eq!(link.used(), "packet socket");
        assert!(neighbour.ping(200));
        assert!(count(&keep, "keep") >= 400, "requests and answers");
    });
}

/// Set in the process that the next test starts and kills.
const CHILD: &str = "SKEP_TEST_CHILD";

/// What that process does: it attaches everything and waits.
fn attach_and_wait() {
    let (xdp, tc) = (one("xdp", returns(2)), one("tc", returns(0)));
    let _links = [
        attached(&xdp, "xdp:here").expect("xdp"),
        attached(&tc, "tcx:here:ingress").expect("tcx"),
        attached(&tc, "tc:here:ingress").expect("tc"),
    ];
    writeln!(std::io::stdout(), "ids {} {}", id(&xdp), id(&tc)).expect("told");
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_killed_process_leaves_at_most_a_tc_filter_and_that_is_swept() {
    if std::env::var_os(CHILD).is_some() {
        return attach_and_wait();
    }
    in_namespace(|| {
        let _neighbour = Neighbour::new();
        let mut child = std::process::Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "a_killed_process_leaves_at_most_a_tc_filter_and_that_is_swept", "--nocapture"])
            .env(CHILD, "1")
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("started");
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("piped")));
        let ids = lines.find_map(|l| l.expect("text").split_once("ids ").map(|(_, ids)| ids.to_owned())).expect("ids");
        let ids: Vec<u32> = ids.split(' ').map(|id| id.parse().expect("a number")).collect();
        assert_eq!(sweep_tc().expect("swept"), 0, "a living process keeps its filter");
        child.kill().expect("killed");
        child.wait().expect("reaped");

        until_gone(ids[0]);
        until("links are gone", || {
            let net = run("bpftool net show");
            !net.contains("xdp:\nhere") && !net.contains("tcx/ingress")
        });
        assert!(run("tc filter show dev here ingress").contains("skep:"), "netlink filters outlive their maker");
        // Without tcx, both of its places are filters.
        assert_eq!(sweep_tc().expect("swept"), if has_tcx() { 1 } else { 2 });
        assert!(!run("tc qdisc show dev here").contains("clsact"));
        until_gone(ids[1]);
    });
}

#[test]
fn a_tracepoint_counts_its_losses_exactly() {
    let ring = map("ring", MapType::Ringbuf, 0, 0, 4096);
    let object = object(vec![program("prog", "tracepoint/syscalls/sys_enter_getppid", output(0))], vec![ring]);
    let loaded = load(&object, &Options::default()).expect("loads");
    let mut buffer = RingBuffer::new(loaded.map(0).expect("ring")).expect("mapped");
    let link = attached(&loaded, "tracepoint:syscalls:sys_enter_getppid").expect("attached");
    assert_eq!(link.used(), "tracepoint, by link");
    assert!(!wait(&[&buffer], Some(Duration::from_millis(1))).expect("polled") || buffer.pending() > 0);
    for _ in 0..400 {
        let _ = rustix::process::getppid();
    }
    assert!(wait(&[&buffer], Some(Duration::from_secs(5))).expect("polled"));
    drop(link);
    let counts = loaded.counts(0).expect("counts");
    let taken = buffer.drain(|_| {}) as u64;
    assert_eq!(loaded.uncounted(0), None);
    assert!(counts.runs >= Some(400));
    assert_eq!(taken, 255);
    assert_eq!(counts.records_lost, counts.runs.map(|runs| runs - taken));
    assert_eq!(counts.results, None, "tracepoints have no results");
}

#[test]
fn a_raw_tracepoint_runs() {
    let loaded = one("raw_tp", returns(0));
    let link = attached(&loaded, "rawtracepoint:sys_enter").expect("attached");
    assert_eq!(link.used(), "raw tracepoint");
    until("it ran", || loaded.counts(0).expect("counts").runs > Some(0));
}

#[test]
fn a_profile_samples_every_cpu() {
    // hits[cpu] += 1
    let mut code = vec![call(8), Insn::new(0x63, 10, 0, -4, 0), copy(2, 10), add(2, -4)];
    let slot = u32::try_from(code.len()).expect("short");
    code.extend(load_map(1));
    code.extend([call(1), Insn::new(0x15, 0, 0, 2, 0), mov(1, 1), Insn::new(0xdb, 0, 1, 0, 0)]);
    code.extend(returns(0));
    let cpus = u32::try_from(skep_kernel::possible_cpus().expect("cpus")).expect("few");
    let maps = vec![map("hits", MapType::Array, 4, 8, cpus)];
    let relocs = vec![Reloc { slot, target: RelocTarget::Map(0) }];
    let object = object(vec![program("prog", "perf_event", (code, relocs))], maps);
    let loaded = load(&object, &Options::default()).expect("loads");
    let link = attached(&loaded, "profile:hz:199").expect("attached");
    assert!(link.used().starts_with("cpu clock on "), "{}", link.used());
    let hits = |cpu: u32| loaded.map(0).expect("hits").lookup(&cpu.to_ne_bytes()).expect("read").expect("there");
    let online = std::thread::available_parallelism().expect("known").get();
    until("every CPU was hit", || {
        // Keep the CPUs from idling: the clock stands still then.
        let busy = |_| std::thread::spawn(|| (0..3_000_000_u64).fold(0, |a, b| std::hint::black_box(a ^ b)));
        (0..online * 2).map(busy).collect::<Vec<_>>().into_iter().for_each(|t| drop(t.join()));
        (0..cpus).filter(|cpu| hits(*cpu) != [0; 8]).count() >= online
    });
}

#[test]
fn wrong_names_are_answered_with_near_ones() {
    in_namespace(|| {
        run("ip link add veth_alpha type veth peer name other");
        let xdp = one("xdp", returns(2));
        let text = attached(&xdp, "xdp:veth_alpa").expect_err("no such device").diagnostic().render(Style::Plain);
        assert!(text.starts_with("error[H0006]: there is no network device `veth_alpa`"), "{text}");
        assert!(text.contains("did you mean `veth_alpha`?"), "{text}");
        let text = attached(&xdp, "xdp:zzz").expect_err("no such device").diagnostic().render(Style::Plain);
        assert!(text.contains("lo") && text.contains("veth_alpha"), "{text}");
    });
    let tracepoint = one("tracepoint", returns(0));
    for (wrong, right) in [("sched:sched_swich", "sched:sched_switch"), ("shced:sched_switch", "sched:sched_switch")] {
        let error = attached(&tracepoint, &format!("tracepoint:{wrong}")).expect_err("no such tracepoint");
        let text = error.diagnostic().render(Style::Plain);
        assert!(text.contains("error[H0007]") && text.contains(&format!("did you mean `{right}`?")), "{text}");
    }
    let raw = one("raw_tp", returns(0));
    let text = attached(&raw, "rawtracepoint:sched_swich").expect_err("none").diagnostic().render(Style::Plain);
    assert!(text.contains("did you mean `sched_switch`?"), "{text}");
}

#[test]
fn a_program_is_refused_where_its_type_does_not_run() {
    let xdp = one("xdp", returns(2));
    assert!(matches!(attached(&xdp, "tracepoint:sched:sched_switch"), Err(Error::HookMismatch { .. })));
    assert!(matches!(attached(&xdp, "pcap:file.pcap"), Err(Error::NotInKernel { .. })));
}
