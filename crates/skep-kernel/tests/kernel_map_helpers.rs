//! Which maps programs use and helpers take is what the verifier says. Needs root and the kernel's BTF.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod maker;
mod rejected;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use maker::*;
use rejected::{Answer, Shape as Load, ask, load};
use skep_isa::Insn;
use skep_isa::insn::CALL;
use skep_isa::spec::{AttachType, MapType, ProgType, helper, map_type};

#[test]
fn programs_and_those_that_sleep_use_the_maps_the_rows_say() {
    let maker = Maker::new();
    let mut wrong = Vec::new();
    for row in rows() {
        let fd = used(&maker, row);
        let awake = ask(Load::new(ProgType::CgroupSkb, Some(AttachType::CgroupInetIngress)), &load_map(2, &fd));
        let asleep = ask(Load::new(ProgType::Syscall, None), &load_map(2, &fd));
        if (awake == Answer::Allowed) != row.in_programs || (asleep == Answer::Allowed) != row.sleepable {
            wrong.push(format!("{}: {awake:?}, {asleep:?}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// An argument of a helper.
#[derive(Clone, Copy, PartialEq)]
enum Arg {
    /// The context.
    Ctx,
    /// The map.
    Map,
    /// Memory on the stack that was written.
    Memory,
    /// A place on the stack for a dynptr.
    Dynptr,
    /// A number.
    Number(i32),
    /// The socket of the context, at this offset.
    Socket(i16),
    /// The current task.
    Task,
}

/// Helpers that take a map: a program type that has it, and arguments it takes with a map that fits.
const CALLS: &[(&str, ProgType, Option<AttachType>, &[Arg])] = {
    use Arg::*;
    use ProgType as P;
    let tc = P::SchedCls;
    &[
        ("map_lookup_elem", tc, None, &[Map, Memory]),
        ("map_update_elem", tc, None, &[Map, Memory, Memory, Number(0)]),
        ("map_update_elem", P::SkReuseport, None, &[Map, Memory, Socket(40), Number(0)]),
        ("map_delete_elem", tc, None, &[Map, Memory]),
        ("tail_call", tc, None, &[Ctx, Map, Number(0)]),
        ("perf_event_read", P::Kprobe, None, &[Map, Number(0)]),
        ("perf_event_output", tc, None, &[Ctx, Map, Number(0), Memory, Number(8)]),
        ("get_stackid", P::Kprobe, None, &[Ctx, Map, Number(0)]),
        ("skb_under_cgroup", tc, None, &[Ctx, Map, Number(0)]),
        ("current_task_under_cgroup", P::Kprobe, None, &[Map, Number(0)]),
        ("redirect_map", P::Xdp, None, &[Map, Number(0), Number(0)]),
        ("sk_redirect_map", P::SkSkb, None, &[Ctx, Map, Number(0), Number(0)]),
        ("sock_map_update", P::SockOps, None, &[Ctx, Map, Memory, Number(0)]),
        ("perf_event_read_value", P::Kprobe, None, &[Map, Number(0), Memory, Number(24)]),
        ("msg_redirect_map", P::SkMsg, None, &[Ctx, Map, Number(0), Number(0)]),
        ("sock_hash_update", P::SockOps, None, &[Ctx, Map, Memory, Number(0)]),
        ("msg_redirect_hash", P::SkMsg, None, &[Ctx, Map, Memory, Number(0)]),
        ("sk_redirect_hash", P::SkSkb, None, &[Ctx, Map, Memory, Number(0)]),
        ("get_local_storage", P::CgroupSkb, Some(AttachType::CgroupInetIngress), &[Map, Number(0)]),
        ("sk_select_reuseport", P::SkReuseport, None, &[Ctx, Map, Memory, Number(0)]),
        ("map_push_elem", tc, None, &[Map, Memory, Number(0)]),
        ("map_pop_elem", tc, None, &[Map, Memory]),
        ("map_peek_elem", tc, None, &[Map, Memory]),
        (
            "sk_storage_get",
            P::CgroupSockopt,
            Some(AttachType::CgroupGetsockopt),
            &[Map, Socket(0), Number(0), Number(0)],
        ),
        ("sk_storage_delete", P::CgroupSockopt, Some(AttachType::CgroupGetsockopt), &[Map, Socket(0)]),
        ("ringbuf_output", tc, None, &[Map, Memory, Number(8), Number(0)]),
        ("ringbuf_reserve", tc, None, &[Map, Number(8), Number(0)]),
        ("ringbuf_query", tc, None, &[Map, Number(0)]),
        ("ringbuf_reserve_dynptr", tc, None, &[Map, Number(8), Number(0), Dynptr]),
        ("task_storage_get", P::Kprobe, None, &[Map, Task, Number(0), Number(0)]),
        ("task_storage_delete", P::Kprobe, None, &[Map, Task]),
        ("map_lookup_percpu_elem", tc, None, &[Map, Memory, Number(0)]),
    ]
};

/// Helpers in rows that are not asked about, and why.
const NOT_ASKED: &[(&str, &str)] = &[
    ("for_each_map_elem", "a callback must come with types of functions"),
    ("user_ringbuf_drain", "a callback must come with types of functions"),
    ("timer_init", "a value with a timer among its types is needed"),
    ("skb_output", "a tracepoint with a packet is needed"),
    ("xdp_output", "a tracepoint with a frame is needed"),
    ("inode_storage_get", "an argument of a security hook is needed"),
    ("inode_storage_delete", "an argument of a security hook is needed"),
    ("cgrp_storage_get", "a pointer to a cgroup is needed"),
    ("cgrp_storage_delete", "a pointer to a cgroup is needed"),
];

/// The call: the context saved in `r6`, memory written, arguments put in their registers.
fn question(name: &str, args: &[Arg], fd: &OwnedFd) -> Vec<Insn> {
    let id = helper::named(name).unwrap_or_else(|| panic!("{name} is no helper")).id;
    let mov = |dst, src| Insn::new(0xbf, dst, src, 0, 0);
    let mut code = vec![mov(6, 1), Insn::new(0xb7, 0, 0, 0, 0)];
    code.extend((1..=40).map(|slot| Insn::new(0x7b, 10, 0, -8 * slot, 0)));
    if args.contains(&Arg::Task) {
        code.push(Insn::new(CALL, 0, 0, 0, 158));
        code.push(mov(7, 0));
    }
    for (register, arg) in (1..).zip(args) {
        match arg {
            Arg::Ctx => code.push(mov(register, 6)),
            Arg::Map => code.extend(load_map(register, fd)),
            Arg::Memory => code.extend([mov(register, 10), Insn::new(0x07, register, 0, 0, -320)]),
            Arg::Dynptr => code.extend([mov(register, 10), Insn::new(0x07, register, 0, 0, -336)]),
            Arg::Number(number) => code.push(Insn::new(0xb7, register, 0, 0, *number)),
            Arg::Socket(offset) => code.push(load(8, register, 6, *offset)),
            Arg::Task => code.push(mov(register, 7)),
        }
    }
    code.push(Insn::new(CALL, 0, 0, 0, id as i32));
    code
}

#[test]
fn helpers_take_the_map_types_the_rows_say() {
    let maker = Maker::new();
    let maps: Vec<_> = rows().filter(|row| row.in_programs).map(|row| (row, used(&maker, row))).collect();
    let (mut asked, mut wrong) = (0, Vec::new());
    // A helper whose arguments depend on the map stands in several calls.
    let mut answers: BTreeMap<(&str, MapType), Vec<Answer>> = BTreeMap::new();
    for (name, prog_type, attach, args) in CALLS {
        let mut taken = 0;
        for (row, fd) in &maps {
            let answer = ask(Load::new(*prog_type, *attach), &question(name, args, fd));
            assert!(!matches!(answer, Answer::Silent(_)), "{name}: {answer:?}");
            taken += u32::from(answer == Answer::Allowed);
            answers.entry((name, row.id)).or_default().push(answer);
            asked += 1;
        }
        assert_ne!(taken, 0, "{name} of {prog_type} takes no map at all");
    }
    for ((name, map_type), answers) in answers {
        if answers.contains(&Answer::Allowed) != map_type.row().helpers.contains(&name) {
            wrong.push(format!("{name} with {map_type}: {answers:?}"));
        }
    }
    println!("{asked} calls asked about");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_helper_of_the_rows_is_asked_about_or_has_a_reason() {
    for name in map_type::TABLE.iter().flat_map(|row| row.helpers) {
        let asked = CALLS.iter().any(|(asked, ..)| asked == name);
        let excused = NOT_ASKED.iter().any(|(not, why)| not == name && !why.is_empty());
        assert!(asked != excused, "{name}");
    }
}
