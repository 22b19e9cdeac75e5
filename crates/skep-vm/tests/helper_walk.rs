//! A walk over the rows of helpers: each that the vm does has a case here, and gives what the case says.

mod support;
#[path = "support/walk.rs"]
mod walk;

use skep_isa::Insn;
use skep_isa::spec::MapType;
use skep_object::MapSpec;
use skep_vm::{Config, Effect, Machine, OnCall, Outcome, Packet, Routine};
use support::*;
use walk::*;

/// The string at fp-16 of up to 16 bytes.
fn text(bytes: &str) -> Vec<Insn> {
    let mut padded = [0; 16];
    padded[..bytes.len()].copy_from_slice(bytes.as_bytes());
    let (low, high) = padded.split_at(8);
    let word = |half: &[u8]| u64::from_le_bytes(half.try_into().expect("eight bytes"));
    [&wide(1, word(low))[..], &[stx(8, 10, 1, -16)], &wide(1, word(high)), &[stx(8, 10, 1, -8)]].concat()
}

/// r0 is what stands at fp-32 then.
fn at_32() -> Vec<Insn> {
    vec![ldx(8, 0, 10, -32)]
}

fn hash() -> MapSpec {
    spec(MapType::Hash, 4, 8, 4)
}

/// A map with 9 for the key 3, at fp-4 and fp-16.
fn put() -> Vec<Insn> {
    let mut code = vec![st(4, 10, -4, 3), st(8, 10, -16, 9)];
    code.extend(map(1, 0));
    code.extend([movr(2, 10), add(2, -4), movr(3, 10), add(3, -16), mov(4, 0), call(2)]);
    code
}

/// r7 = the value of the key.
fn found() -> Vec<Insn> {
    let mut code = put();
    code.extend(map(1, 0));
    code.extend([movr(2, 10), add(2, -4), call(1), movr(7, 0), i(0x55, 0, 0, 1, 0), exit()]);
    code
}

/// r7 = a record of 8 bytes.
fn record() -> Vec<Insn> {
    let mut code = map(1, 0).to_vec();
    code.extend([mov(2, 8), mov(3, 0), call(131), movr(7, 0), i(0x55, 0, 0, 1, 0), exit()]);
    code
}

fn stacks() -> MapSpec {
    spec(MapType::StackTrace, 4, 32, 1)
}

/// The same asked once more, with other flags.
fn stackid(flags: i32) -> Vec<Insn> {
    let mut code = vec![movr(1, 6)];
    code.extend(map(2, 0));
    code.extend([mov(3, flags), call(27)]);
    code
}

fn queue() -> MapSpec {
    spec(MapType::Queue, 0, 8, 4)
}

fn ring() -> MapSpec {
    spec(MapType::Ringbuf, 0, 0, 4096)
}

/// A dynptr at fp-48 of the 16 bytes at fp-16.
fn dynptr() -> Vec<Insn> {
    let mut code = text("abcdefgh12345678");
    code.extend([movr(1, 10), add(1, -16), mov(2, 16), mov(3, 0), movr(4, 10), add(4, -48), call(197)]);
    code
}

/// A dynptr at fp-48 of a record.
fn ring_dynptr() -> Vec<Insn> {
    let mut code = map(1, 0).to_vec();
    code.extend([mov(2, 8), mov(3, 0), movr(4, 10), add(4, -48), call(198)]);
    code
}

#[rustfmt::skip]
fn base() -> Vec<Case> {
    let x = |id, setup: &[Insn], args: &[A], after: &[Insn], is| on("xdp", id, setup, args, after, is);
    vec![
        with(hash(), x(1, &put(), &[M, Fp(-4)], &[ldx(8, 0, 0, 0)], Gives(9))),
        with(hash(), x(2, &put(), &[M, Fp(-4), Fp(-16), N(1)], &[], Gives(-17))),
        with(hash(), x(3, &put(), &[M, Fp(-4)], &[], Gives(0))),
        x(5, &[], &[], &[], Gives(8_000_000)),
        x(6, &text("a %d"), &[Fp(-16), N(5), N(7), N(0), N(0)], &[], Gives(3)),
        x(7, &[], &[], &[], Gives(4)),
        x(8, &[], &[], &[], Gives(0)),
        with(spec(MapType::ProgArray, 4, 4, 4), x(12, &[], &[Ctx, M, N(1)], &[mov(0, 7)], Gives(7))),
        x(14, &[], &[], &[], Gives(8)),
        x(15, &[], &[], &[], Gives(4)),
        x(16, &[], &[Fp(-32), N(8)], &[ldx(4, 0, 10, -32)], Gives(i32::from_le_bytes(*b"skep").into())),
        x(17, &[], &[Ctx], &[], Gives(0)),
        with(spec(MapType::PerfEventArray, 4, 4, 4), x(25, &[st(8, 10, -8, 1)], &[Ctx, M, N(9), Fp(-8), N(8)], &[], Gives(-7))),
        x(35, &[], &[], &[], Gives(0x1234)),
        with(spec(MapType::CgroupArray, 4, 4, 4), x(37, &[], &[M, N(1)], &[], Gives(-11))),
        with(spec(MapType::CgroupArray, 4, 4, 4), x(37, &[], &[M, N(4)], &[], Gives(-7))),
        x(42, &[], &[], &[], Gives(0)),
        x(80, &[], &[], &[], Gives(60)),
        with(queue(), x(87, &[st(8, 10, -8, 5)], &[M, Fp(-8), N(0)], &[], Gives(0))),
        with(queue(), x(88, &[], &[M, Fp(-8)], &[], Gives(-2))),
        with(queue(), x(89, &[], &[M, Fp(-8)], &[], Gives(-2))),
        with(hash(), x(93, &found(), &[R7], &[ldx(4, 8, 7, 0), movr(1, 7), call(94), movr(0, 8)], Refuses)),
        with(spec(MapType::Array, 4, 8, 4), x(94, &found(), &[R7], &[], Refuses)),
        x(105, &text(" -0x1f"), &[Fp(-16), N(16), N(0), Fp(-32)], &[], Gives(6)),
        x(105, &text(" -0x1f"), &[Fp(-16), N(16), N(0), Fp(-32)], &at_32(), Gives(-31)),
        x(106, &text("0755x"), &[Fp(-16), N(16), N(0), Fp(-32)], &at_32(), Gives(0o755)),
        x(106, &text("-1"), &[Fp(-16), N(16), N(0), Fp(-32)], &[], Gives(-22)),
        x(109, &[], &[N(65)], &[], Gives(-22)),
        x(109, &[], &[N(9)], &[], Gives(0)),
        x(112, &[st(8, 10, -32, -1)], &[Fp(-32), N(4), W(USER)], &at_32(), Gives(i32::from_le_bytes(*b"some").into())),
        x(112, &[st(8, 10, -32, -1)], &[Fp(-32), N(8), W(KERNEL)], &[], Gives(-14)),
        x(112, &[st(8, 10, -32, -1)], &[Fp(-32), N(8), W(USER + 9)], &at_32(), Gives(0)),
        x(113, &[], &[Fp(-32), N(4), W(KERNEL)], &[], Gives(0)),
        x(113, &[st(8, 10, -40, 55)], &[Fp(-32), N(8), Fp(-40)], &at_32(), Gives(55)),
        x(113, &[st(8, 10, -32, -1)], &[Fp(-32), N(8), W(KERNEL + 100)], &[], Gives(-14)),
        x(114, &[], &[Fp(-32), N(16), W(USER)], &[], Gives(10)),
        x(114, &[], &[Fp(-32), N(4), W(USER)], &at_32(), Gives(i32::from_le_bytes(*b"som\0").into())),
        x(115, &text("short"), &[Fp(-32), N(16), Fp(-16)], &[], Gives(6)),
        x(115, &[], &[Fp(-32), N(16), W(KERNEL + 100)], &[], Gives(-14)),
        x(117, &[], &[N(9)], &[], Gives(0)),
        x(118, &[], &[], &[i(0x77, 0, 0, 0, 1)], Gives((((1_i64 << 32) - 300 * 250 + 2) >> 1) as i32 as i64)),
        x(120, &[], &[N(1), N(2), Fp(-32), N(8)], &[], Gives(-22)),
        x(123, &[], &[N(1)], &[], Gives(50)),
        x(123, &[], &[N(3)], &[], Gives(0)),
        x(125, &[], &[], &[], Gives(2000)),
        with(ring(), x(130, &[st(8, 10, -8, 1)], &[M, Fp(-8), N(8), N(0)], &[], Gives(0))),
        with(ring(), x(131, &[], &[M, N(5000), N(0)], &[], Gives(0))),
        with(ring(), x(132, &record(), &[R7, N(0)], &[mov(0, 1)], Gives(1))),
        with(ring(), x(133, &record(), &[R7, N(0)], &[mov(0, 1)], Gives(1))),
        with(ring(), x(134, &[], &[M, N(1)], &[], Gives(4096))),
        x(160, &[], &[], &[], Gives(8_000_000)),
        with(hash(), x(164, &put(), &[M, F, N(0), N(0)], &[], Gives(1))),
        x(165, &text("%u"), &[Fp(-32), N(8), Fp(-16), N(0), N(0)], &[], Gives(-22)),
        x(177, &[&text("%d%d")[..], &[st(8, 10, -32, 5), st(8, 10, -24, 66)]].concat(), &[Fp(-16), N(5), Fp(-32), N(16)], &[], Gives(3)),
        x(181, &[], &[N(5), F, N(0), N(0)], &[], Gives(5)),
        x(182, &text("abc"), &[Fp(-16), N(3), Fp(-16)], &[], Gives(0)),
        with(spec(MapType::PercpuArray, 4, 8, 4), x(195, &put(), &[M, Fp(-4), N(0)], &[ldx(8, 0, 0, 0)], Gives(9))),
        x(197, &[], &[Fp(-16), N(16), N(1), Fp(-48)], &[], Gives(-22)),
        with(ring(), x(198, &[], &[M, N(5000), N(0), Fp(-48)], &[], Gives(-22))),
        with(ring(), x(199, &ring_dynptr(), &[Fp(-48), N(0)], &[ldx(8, 0, 10, -48)], Gives(0))),
        with(ring(), x(200, &ring_dynptr(), &[Fp(-48), N(0)], &[], Gives(0))),
        x(201, &dynptr(), &[Fp(-32), N(4), Fp(-48), N(8), N(0)], &[ldx(4, 0, 10, -32)], Gives(i32::from_le_bytes(*b"1234").into())),
        x(201, &dynptr(), &[Fp(-32), N(4), Fp(-48), N(13), N(0)], &[], Gives(-7)),
        x(202, &dynptr(), &[Fp(-48), N(4), Fp(-16), N(4), N(0)], &[ldx(4, 0, 10, -12)], Gives(i32::from_le_bytes(*b"abcd").into())),
        x(203, &dynptr(), &[Fp(-48), N(8), N(8)], &[ldx(1, 0, 0, 0)], Gives(b'1'.into())),
        x(203, &dynptr(), &[Fp(-48), N(8), N(9)], &[], Gives(0)),
        x(208, &[], &[], &[], Gives(8_000_000)),
    ]
}

#[rustfmt::skip]
fn probes() -> Vec<Case> {
    let p = |id, setup: &[Insn], args: &[A], after: &[Insn], is| on("", id, setup, args, after, is);
    vec![
        p(4, &[], &[Fp(-32), N(8), W(KERNEL)], &at_32(), Gives(i64::from_le_bytes(*b"some tex"))),
        p(4, &[], &[Fp(-32), N(8), W(USER)], &[], Gives(0)),
        with(stacks(), p(27, &[], &[Ctx, M, N(0)], &stackid(0), Gives(0))),
        with(stacks(), p(27, &[], &[Ctx, M, N(0)], &stackid(1), Gives(-17))),
        with(stacks(), p(27, &[], &[Ctx, M, N(3)], &[], Gives(-14))),
        with(stacks(), p(27, &[], &[Ctx, M, N(256)], &[], Gives(-14))),
        with(stacks(), p(27, &[], &[Ctx, M, N(1 << 11)], &[], Gives(-22))),
        p(36, &[], &[W(USER), Fp(-16), N(8)], &[], Gives(0)),
        p(36, &[], &[N(0), Fp(-16), N(8)], &[], Gives(-14)),
        p(45, &[], &[Fp(-32), N(16), W(USER)], &[], Gives(10)),
        p(58, &[], &[Ctx, N(5)], &[], Gives(0)),
        p(58, &[], &[N(5), N(5)], &[], Refuses),
        p(67, &[], &[Ctx, Fp(-32), N(16), N(1)], &at_32(), Gives(0x22)),
        p(67, &[], &[Ctx, Fp(-32), N(32), N(0)], &[], Gives(24)),
        p(67, &[], &[Ctx, Fp(-32), N(16), N(256)], &[], Gives(-14)),
        p(67, &[], &[Ctx, Fp(-32), N(12), N(0)], &[], Gives(-22)),
        p(148, &[], &[Fp(-32), N(8), W(USER)], &[], Gives(0)),
        p(173, &[], &[Ctx], &[], Gives(77)),
        p(174, &[], &[Ctx], &[], Gives(88)),
    ]
}

#[rustfmt::skip]
fn packets() -> Vec<Case> {
    let x = |id, setup: &[Insn], args: &[A], after: &[Insn], is| on("xdp", id, setup, args, after, is);
    let t = |id, setup: &[Insn], args: &[A], after: &[Insn], is| on("tc", id, setup, args, after, is);
    let word = [st(8, 10, -16, 1)];
    vec![
        t(9, &word, &[Ctx, N(60), Fp(-16), N(4), N(0)], &[], Gives(0)),
        t(9, &word, &[Ctx, N(61), Fp(-16), N(4), N(0)], &[], Gives(-14)),
        t(10, &[], &[Ctx, N(24), N(0), N(5), N(0)], &[], Gives(0)),
        t(11, &[], &[Ctx, N(40), N(0), N(5), N(9)], &[], Gives(-22)),
        t(13, &[], &[Ctx, N(3), N(2)], &[], Gives(-22)),
        t(18, &[], &[Ctx, N(0x81), N(5)], &[ldx(4, 0, 6, 20)], Gives(1)),
        t(19, &[], &[Ctx], &[], Gives(0)),
        t(20, &[st(8, 10, -48, 1)], &[Ctx, Fp(-48), N(44), N(0)], &[], Gives(-22)),
        t(21, &[], &[Ctx, Fp(-48), N(20), N(0)], &[], Gives(-22)),
        t(21, &[st(8, 10, -48, 0), st(8, 10, -40, 0), st(8, 10, -32, 0)], &[Ctx, Fp(-48), N(22), N(0)], &[], Gives(0)),
        t(23, &[], &[N(3), N(0)], &[], Gives(7)),
        t(24, &[], &[Ctx], &[], Gives(0)),
        t(26, &[], &[Ctx, N(14), Fp(-32), N(1)], &[ldx(1, 0, 10, -32)], Gives(0x45)),
        t(28, &word, &[N(0), N(0), Fp(-16), N(4), N(0)], &[], Gives(1)),
        t(29, &[], &[Ctx, Fp(-48), N(8)], &[], Gives(-2)),
        t(31, &[], &[Ctx, N(0xdd86), N(0)], &[ldx(4, 0, 6, 0)], Gives(84)),
        t(31, &[], &[Ctx, N(0x08), N(0)], &[], Gives(-524)),
        t(32, &[], &[Ctx, N(1)], &[ldx(4, 0, 6, 4)], Gives(1)),
        t(34, &[], &[Ctx], &[i(0x55, 0, 0, 1, 0), exit(), mov(0, 1)], Gives(1)),
        t(38, &[], &[Ctx, N(70), N(0)], &[ldx(4, 0, 6, 0)], Gives(70)),
        t(39, &[], &[Ctx, N(65)], &[], Gives(-12)),
        t(41, &[], &[Ctx], &[ldx(4, 0, 6, 68)], Gives(0)),
        t(43, &[], &[Ctx, N(8), N(0)], &[ldx(4, 0, 6, 0)], Gives(72)),
        x(44, &[], &[Ctx, N(-300)], &[], Gives(-22)),
        t(46, &[], &[Ctx], &[], Gives(0)),
        t(47, &[], &[Ctx], &[], Gives(65534)),
        t(48, &[], &[Ctx, N(5)], &[ldx(4, 0, 6, 68)], Gives(5)),
        t(50, &[], &[Ctx, N(8), N(1), N(0)], &[ldx(4, 0, 6, 0)], Gives(72)),
        with(spec(MapType::Devmap, 4, 4, 4), x(51, &[], &[M, N(1), N(2)], &[], Gives(2))),
        x(54, &[], &[Ctx, N(-3)], &[], Gives(-13)),
        x(65, &[], &[Ctx, N(-4)], &[], Gives(0)),
        t(66, &[], &[Ctx, N(0), Fp(-48), N(28), N(0)], &[], Gives(-22)),
        t(68, &[], &[Ctx, N(0), Fp(-32), N(1), N(1)], &[ldx(1, 0, 10, -32)], Gives(0x45)),
        t(79, &[], &[Ctx], &[], Gives(0)),
        t(83, &[], &[Ctx, N(1)], &[], Gives(0)),
        t(84, &[], &[Ctx, Fp(-48), N(12), N(-1), N(0)], &[], Gives(0)),
        t(85, &[], &[Ctx, Fp(-48), N(12), N(-1), N(0)], &[], Gives(0)),
        t(97, &[], &[Ctx], &[], Gives(0)),
        t(99, &[], &[Ctx, Fp(-48), N(12), N(-1), N(0)], &[], Gives(0)),
        t(122, &[], &[Ctx], &[], Gives(1)),
        t(124, &[], &[Ctx, N(0), N(0)], &[], Refuses),
        t(135, &[], &[Ctx, N(0)], &[], Gives(-13)),
        t(135, &[], &[Ctx, N(1)], &[movr(1, 6), mov(2, 1), call(135), movr(1, 6), mov(2, 0), call(135)], Gives(1)),
        t(151, &[], &[Ctx], &[], Gives(0)),
        t(152, &[], &[N(3), N(0), N(0), N(0)], &[], Gives(7)),
        t(152, &[], &[N(3), Fp(-32), N(19), N(0)], &[], Gives(2)),
        t(155, &[], &[N(3), N(0)], &[], Gives(7)),
        t(155, &[], &[N(3), N(1)], &[], Gives(2)),
        x(188, &[], &[Ctx], &[], Gives(64)),
        x(189, &[], &[Ctx, N(14), Fp(-32), N(1)], &[ldx(1, 0, 10, -32)], Gives(0x45)),
        x(190, &word, &[Ctx, N(61), Fp(-16), N(4)], &[], Gives(-22)),
        t(192, &[], &[Ctx, N(5), N(1)], &[ldx(8, 0, 6, 152)], Gives(5)),
        t(192, &[], &[Ctx, N(0), N(2)], &[], Gives(-22)),
    ]
}

fn cases() -> Vec<Case> {
    let mut all = base();
    all.extend(probes());
    all.extend(packets());
    // Those that want a socket, which nothing gives.
    let of_sockets = [86, 95, 96, 98, 100, 110, 136, 137, 138, 139, 140, 178, 196];
    // A tail call of what is no array of programs.
    all.push(on("xdp", 12, &[], &[Ctx, N(5), N(0)], &[], Refuses));
    all.extend(of_sockets.map(|id| on("tc", id, &[], &[N(5)], &[], Refuses)));
    all.extend(
        [107, 108]
            .map(|id| with(spec(MapType::Hash, 4, 8, 1), on("tc", id, &[], &[M, N(5), N(0), N(0)], &[], Refuses))),
    );
    all.extend([128, 129].map(|id| on("cgroup_skb/egress", id, &[], &[N(5), N(1)], &[], Refuses)));
    all
}

#[test]
fn each_case_gives_what_it_says() {
    for (n, case) in cases().iter().enumerate() {
        assert_eq!(go(case, &World::default()), case.is, "helper {}, case {n}", case.id);
    }
}

#[test]
fn each_helper_that_the_vm_does_has_a_case() {
    let cases = cases();
    let missing: Vec<u32> = skep_vm::helpers()
        .filter(|row| row.on_call == OnCall::Done && !cases.iter().any(|case| case.id == row.id as i32))
        .map(|row| row.id)
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn each_helper_that_answers_an_error_does_so_where_it_is_offered() {
    for row in skep_vm::helpers() {
        let OnCall::Answers { errno } = row.on_call else { continue };
        let section = match row.programs.first() {
            Some(&"XDP") => "xdp",
            Some(&"tc") => "tc",
            other => panic!("{}: {other:?}", row.id),
        };
        let case = on(section, row.id as i32, &[], &[Ctx, N(0), N(0), N(0), N(0)], &[], Gives(-errno));
        assert_eq!(go(&case, &World::default()), case.is, "{}", row.id);
    }
}

#[test]
fn a_refused_helper_says_why() {
    for row in skep_vm::helpers().filter(|row| row.on_call == OnCall::Refused) {
        let object = object("kprobe/x", &program(&[], &[], row.id as i32, &[]), &[]);
        let section = if row.programs.contains(&"XDP") { "xdp" } else { "tc" };
        let as_packet = support::object(section, &program(&[], &[], row.id as i32, &[]), &[]);
        let error = match row.programs.contains(&"routine") {
            true => Routine::of_object(&object, 0, Vec::new(), Config::default(), Box::new(World::default())).err(),
            false => Machine::new(&as_packet, None, Config::default(), Box::new(World::default())).err(),
        };
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(row.note) || error.contains("not for programs"), "{}: {error}", row.id);
    }
}

#[test]
fn a_task_is_under_the_cgroups_of_its_path() {
    let code = program(&[], &[M, N(0)], 37, &[]);
    let object = object("xdp", &code, &[spec(MapType::CgroupArray, 4, 4, 1)]);
    let config = Config::default();
    let mut machine = Machine::new(&object, None, config, Box::new(World::default())).expect("a good object");
    for (cgroup, is_under) in [(50_u32, 1), (60, 1), (61, 0)] {
        machine.map(0).expect("the map").update(&[0; 4], &cgroup.to_le_bytes(), 0).expect("its size is right");
        let outcome = machine.run(0, &mut Packet::new());
        assert!(matches!(outcome, Outcome::Ran { result, .. } if result == is_under), "{cgroup}: {outcome:?}");
    }
}

#[test]
fn a_counter_under_a_lock_loses_nothing() {
    // The value is a lock of four bytes and a counter that is loaded, changed and stored.
    let mut setup = vec![st(4, 10, -4, 0)];
    setup.extend(map(1, 0));
    setup.extend([movr(2, 10), add(2, -4), call(1), movr(7, 0), i(0x55, 0, 0, 1, 0), exit()]);
    let after = [ldx(4, 1, 7, 4), add(1, 1), stx(4, 7, 1, 4), movr(1, 7), call(94), mov(0, 1)];
    let code = program(&setup, &[R7], 93, &after);
    let object = object("xdp", &code, &[spec(MapType::Array, 4, 8, 1)]);
    let config = Config { cpus: 4, ..Config::default() };
    let first = Machine::new(&object, None, config, Box::new(World::default())).expect("a good object");
    std::thread::scope(|scope| {
        for cpu in 0..4 {
            let mut machine = first.on_cpu(cpu, Box::new(World::default()));
            scope.spawn(move || {
                for _ in 0..5000 {
                    let outcome = machine.run(0, &mut Packet::new());
                    assert!(matches!(outcome, Outcome::Ran { result: 1, .. }), "{outcome:?}");
                }
            });
        }
    });
    let value = first.map(0).and_then(|map| map.lookup(&[0; 4])).expect("the value");
    assert_eq!(value, [0_u32.to_le_bytes(), 20_000_u32.to_le_bytes()].concat());
}

#[test]
fn a_lock_that_a_run_keeps_is_given_back_after_it() {
    let mut setup = vec![st(4, 10, -4, 0)];
    setup.extend(map(1, 0));
    setup.extend([movr(2, 10), add(2, -4), call(1), movr(7, 0), i(0x55, 0, 0, 1, 0), exit()]);
    let code = program(&setup, &[R7], 93, &[ldx(4, 0, 7, 0)]);
    let object = object("xdp", &code, &[spec(MapType::Array, 4, 8, 1)]);
    let host = Box::new(World::default());
    let mut machine = Machine::new(&object, None, Config::default(), host).expect("a good object");
    for _ in 0..2 {
        assert!(matches!(machine.run(0, &mut Packet::new()), Outcome::Ran { result: 1, .. }));
    }
    assert_eq!(machine.map(0).and_then(|map| map.lookup(&[0; 4])), Some(vec![0; 8]));
}

#[test]
fn what_a_program_does_to_the_task_reaches_the_host() {
    let host = World::default();
    for case in [
        on("xdp", 109, &[], &[N(9)], &[], Gives(0)),
        on("xdp", 117, &[], &[N(10)], &[], Gives(0)),
        on("", 58, &[], &[Ctx, N(-5)], &[], Gives(0)),
        on("", 36, &text("hi"), &[W(USER), Fp(-16), N(2)], &[], Gives(0)),
    ] {
        assert_eq!(go(&case, &host), case.is);
    }
    let effects = host.effects.lock().expect("no effect panicked").clone();
    let signal = |number, to_thread| Effect::Signal { number, to_thread };
    assert_eq!(effects, [signal(9, false), signal(10, true), Effect::OverrideReturn { value: -5_i64 as u64 }]);
    assert_eq!(*host.written.lock().expect("no writer panicked"), [(USER, b"hi".to_vec())]);
}

#[test]
fn what_p_prints_is_the_kernels() {
    let printed = |template: &str, arg: A, setup: &[Insn]| {
        let host = World::default();
        let code = [setup, &text(template)].concat();
        let size = template.len() as i32 + 1;
        go(&on("xdp", 6, &code, &[Fp(-16), N(size), arg], &[], Gives(0)), &host);
        host.printed.lock().expect("no printer panicked").clone()
    };
    let address = [st(4, 10, -32, 0x0100_000a), st(4, 10, -28, 0), st(8, 10, -24, 0x0200_0000)];
    assert_eq!(printed("%pI4|", Fp(-32), &address), "10.0.0.1|");
    assert_eq!(printed("%pi4|", Fp(-32), &address), "010.000.000.001|");
    assert_eq!(printed("%pI6", Fp(-32), &address), "0a00:0001:0000:0000:0000:0002:0000:0000");
    assert_eq!(printed("%pi6", Fp(-32), &address), "0a000001000000000000000200000000");
    assert_eq!(printed("%pI4", W(KERNEL + 99), &[]), "0.0.0.0");
    assert_eq!(printed("%pS", W(KERNEL), &[]), "start+0x4/0x10");
    assert_eq!(printed("%ps", W(KERNEL), &[]), "start");
    assert_eq!(printed("%pB", W(0xabc), &[]), "0xabc");
    assert_eq!(printed("<%pks>", W(KERNEL), &[]), "<some text>");
    assert_eq!(printed("<%pus>", W(USER), &[]), "<some text>");
    assert_eq!(printed("<%s>", W(USER), &[]), "<some text>");
    assert_eq!(printed("%pI5", W(USER), &[]), "");
    assert_eq!(printed("%sx", W(USER), &[]), "");
}
