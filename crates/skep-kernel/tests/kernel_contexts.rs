//! What a program may load from and store to its context is what the verifier says, access for access; layouts are
//! those of the kernel's own types. Needs root and the kernel's BTF.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod rejected;

use std::os::fd::AsRawFd;

use rejected::{Answer, Attr, Shape, ask, bpf_fd, load, load_signed, state, store};
use skep_btf::{Btf, Kind as BtfKind, TypeId};
use skep_isa::Insn;
use skep_isa::insn::{CALL, LD_IMM64, PSEUDO_MAP_FD};
use skep_isa::spec::context::pointee::{self, Via};
use skep_isa::spec::context::{self, Context, Field, Kind, Op};
use skep_isa::spec::{AttachType, MapType, ProgType, Version, section};
use skep_kernel::feature::kernel_version;

/// All attach types that sections pair with a program type, and none.
fn attach_types(prog_type: ProgType) -> Vec<Option<AttachType>> {
    let paired = section::TABLE.iter().filter(|s| s.prog_type == prog_type);
    let mut all: Vec<_> = paired.map(|s| s.attach_type).chain([None]).collect();
    all.sort();
    all.dedup();
    all
}

/// One access through `r2`, which holds `pointer`; `None` where no instruction does it.
fn access(pointer: u8, offset: u32, size: u32, op: Op) -> Option<[Insn; 2]> {
    let offset = i16::try_from(offset).ok()?;
    let zero = Insn::new(0xb7, 3, 0, 0, 0);
    match op {
        Op::Load => Some([zero, load(size, 3, pointer, offset)]),
        Op::LoadSigned if size == 8 => None,
        Op::LoadSigned => Some([zero, load_signed(size, 3, pointer, offset)]),
        Op::Store => Some([zero, store(size, pointer, offset, 3)]),
    }
}

/// What instructions of this kernel do.
fn ops() -> &'static [Op] {
    if here() >= Version(6, 6) { &[Op::Load, Op::LoadSigned, Op::Store] } else { &[Op::Load, Op::Store] }
}

fn here() -> Version {
    kernel_version().expect("a version")
}

/// True when this kernel has a field at an offset, and stores to it when that is asked.
fn is_here(fields: &[Field], offset: u32, op: Op) -> bool {
    let holds = |f: &&Field| (u32::from(f.offset)..u32::from(f.offset + f.size)).contains(&offset);
    let is_here = |f: &Field| f.since <= here() && (op != Op::Store || f.write_since.is_none_or(|v| v <= here()));
    fields.iter().filter(holds).any(is_here)
}

/// Where answers differ from rows.
#[derive(Default)]
struct Differences {
    asked: usize,
    found: Vec<String>,
}

impl Differences {
    /// Compares one answer; anything but a word about the access itself is no answer.
    fn compare(&mut self, what: impl FnOnce() -> String, ours: bool, answer: Answer) {
        self.asked += 1;
        let theirs = match &answer {
            Answer::Allowed => Some(true),
            Answer::Refused(log) if is_about_the_access(log) => Some(false),
            _ => None,
        };
        if theirs != Some(ours) {
            self.found.push(format!("{}: ours {ours}, the kernel's {answer:?}", what()));
        }
    }

    /// Fails with all differences; gives how many accesses were asked about.
    fn finish(self, least: usize) -> usize {
        assert!(self.asked >= least, "only {} asked", self.asked);
        let (asked, differ) = (self.asked, self.found.len());
        assert!(self.found.is_empty(), "{differ} of {asked} differ:\n{}", self.found[..differ.min(200)].join("\n"));
        asked
    }
}

fn is_about_the_access(log: &str) -> bool {
    ["invalid bpf_context access", "invalid sock", "invalid tcp_sock", "invalid xdp_sock", "cannot write into"]
        .iter()
        .chain(&["invalid access to flow keys"])
        .any(|words| log.contains(words))
}

/// Offsets to ask about: all, and of memory without fields both ends.
fn offsets(size: u32) -> Vec<u32> {
    let end = size + 8;
    if end < 1024 { (0..end).collect() } else { (0..80).chain(end - 80..end).collect() }
}

#[test]
fn every_access_to_a_context_is_allowed_and_refused_as_the_verifier_does() {
    let mut differences = Differences::default();
    let mut missing = Vec::new();
    for context in context::TABLE {
        for &prog_type in context.prog_types {
            for attach in attach_types(prog_type) {
                // What is attached to a typed function has a test of its own.
                if is_typed(context) {
                    continue;
                }
                let shape = Shape::new(prog_type, attach);
                if let Answer::Silent(errno) = ask(shape, &[]) {
                    // Remote controls are an option that Debian leaves off; without an attach type, some load nowhere.
                    let is_younger = attach.is_some_and(|a| a.row().since > here()) || prog_type.row().since > here();
                    if !is_younger && attach.is_some() && prog_type != ProgType::LircMode2 {
                        missing.push(format!("{prog_type} {attach:?}: errno {errno}"));
                    }
                    continue;
                }
                for offset in offsets(context.size) {
                    for size in [1, 2, 4, 8] {
                        for &op in ops() {
                            let Some(code) = access(1, offset, size, op) else { continue };
                            let ours = context.access(prog_type, attach, offset, size, op).is_ok()
                                && is_here(context.fields, offset, op);
                            let what = || format!("{} {prog_type} {attach:?} {offset}+{size} {op:?}", context.name);
                            differences.compare(what, ours, ask(shape, &code));
                        }
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "not asked about: {missing:#?}");
    println!("{} accesses asked about", differences.finish(30_000 * ops().len()));
}

fn is_typed(context: &Context) -> bool {
    context.fields.iter().any(|f| f.kind == Kind::Argument)
}

/// How the verifier's log spells what a load gave.
fn spelled(kind: Kind) -> &'static str {
    match kind {
        Kind::Scalar => "scalar",
        Kind::Packet => "pkt",
        Kind::PacketEnd => "pkt_end",
        Kind::PacketMeta => "pkt_meta",
        Kind::Socket => "sock",
        Kind::SocketOrNull => "sock_or_null",
        Kind::SockCommonOrNull => "sock_common_or_null",
        Kind::FlowKeys => "flow_keys",
        Kind::Buffer => "tp_buffer",
        Kind::Typed("nf_hook_state") => "trusted_ptr_nf_hook_state",
        Kind::Typed("sk_buff") => "trusted_ptr_sk_buff",
        Kind::Typed(_) | Kind::Argument => "",
    }
}

#[test]
fn a_load_gives_what_the_verifier_holds_it_to_be() {
    let (mut asked, mut wrong) = (0, Vec::new());
    for context in context::TABLE.iter().filter(|c| !is_typed(c)) {
        for (&prog_type, field) in context.prog_types.iter().flat_map(|p| context.fields.iter().map(move |f| (p, f))) {
            for attach in attach_types(prog_type) {
                let (offset, size) = (u32::from(field.offset), u32::from(field.unit));
                let Ok(kind) = context.access(prog_type, attach, offset, size, Op::Load) else { continue };
                if !is_here(context.fields, offset, Op::Load) {
                    continue;
                }
                let shape = Shape::new(prog_type, attach);
                if matches!(ask(shape, &[]), Answer::Silent(_)) {
                    continue;
                }
                let theirs = state(shape, &access(1, offset, size, Op::Load).expect("a load"), 3);
                if theirs.as_deref() != Some(spelled(kind)) {
                    wrong.push(format!("{}.{} {prog_type}: {kind:?}, {theirs:?}", context.name, field.name));
                }
                asked += 1;
            }
        }
    }
    println!("{asked} loads asked about");
    assert!(asked > 500, "{asked}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A question whose access may jump over itself: the first instructions give a pointer in `register`, or null.
struct Pointer {
    shape: Shape,
    code: Vec<Insn>,
    register: u8,
    null: bool,
}

impl Pointer {
    fn ask(&self, access: [Insn; 2]) -> Answer {
        let mut code = self.code.clone();
        if self.null {
            code.push(Insn::new(0x15, self.register, 0, access.len() as i16, 0));
        }
        code.extend(access);
        ask(self.shape, &code)
    }
}

#[test]
fn every_access_through_a_pointer_is_allowed_and_refused_as_the_verifier_does() {
    let mut attr = Attr::new();
    for (at, value) in [(0, MapType::Xskmap.id()), (4, 4), (8, 4), (12, 1)] {
        attr.u32(at, value);
    }
    let xskmap = bpf_fd(0, &mut attr).expect("a map of sockets");
    let call = |helper| Insn::new(CALL, 0, 0, 0, helper);
    let reuseport = Shape::new(ProgType::SkReuseport, Some(AttachType::SkReuseportSelect));
    let pointers = [
        (
            "bpf_sock",
            Via::Socket,
            Pointer { shape: reuseport, code: vec![load(8, 2, 1, 40)], register: 2, null: false },
        ),
        (
            "bpf_sock",
            Via::SockCommon,
            Pointer { shape: reuseport, code: vec![load(8, 2, 1, 48)], register: 2, null: true },
        ),
        (
            "bpf_tcp_sock",
            Via::Socket,
            Pointer {
                shape: Shape::new(ProgType::CgroupSockopt, Some(AttachType::CgroupGetsockopt)),
                code: vec![load(8, 1, 1, 0), call(96)],
                register: 0,
                null: true,
            },
        ),
        (
            "bpf_xdp_sock",
            Via::Socket,
            Pointer {
                shape: Shape::new(ProgType::Xdp, None),
                code: vec![
                    Insn::new(0x62, 10, 0, -4, 0),
                    Insn::new(0xbf, 2, 10, 0, 0),
                    Insn::new(0x07, 2, 0, 0, -4),
                    Insn::new(LD_IMM64, 1, PSEUDO_MAP_FD, 0, xskmap.as_raw_fd()),
                    Insn::default(),
                    call(1),
                ],
                register: 0,
                null: true,
            },
        ),
        (
            "bpf_flow_keys",
            Via::Memory,
            Pointer {
                shape: Shape::new(ProgType::FlowDissector, None),
                code: vec![load(8, 2, 1, 144)],
                register: 2,
                null: false,
            },
        ),
    ];
    let mut differences = Differences::default();
    for row in pointee::TABLE.iter().filter(|p| p.via != Via::Own) {
        let found = pointers.iter().find(|(name, via, _)| *name == row.name && *via == row.via);
        let (_, _, pointer) = found.unwrap_or_else(|| panic!("no way to a {} by {:?}", row.name, row.via));
        for offset in offsets(row.size) {
            for size in [1, 2, 4, 8] {
                for &op in ops() {
                    let Some(code) = access(pointer.register, offset, size, op) else { continue };
                    let what = || format!("{} {:?} {offset}+{size} {op:?}", row.name, row.via);
                    let ours = row.access(offset, size, op).is_ok() && is_here(row.fields, offset, op);
                    differences.compare(what, ours, pointer.ask(code));
                }
            }
        }
    }
    println!("{} accesses asked about", differences.finish(1_350 * ops().len()));
}

fn vmlinux() -> Btf {
    let bytes = std::fs::read("/sys/kernel/btf/vmlinux").expect("the kernel's types");
    Btf::parse(&bytes).expect("types")
}

/// True for each argument of a prototype that is a pointer.
fn pointers_among(btf: &Btf, proto: TypeId) -> Vec<bool> {
    let Some((_, BtfKind::FuncProto { params, .. })) = btf.resolve(proto) else { panic!("no prototype") };
    params.iter().map(|(_, id)| matches!(btf.resolve(*id), Some((_, BtfKind::Ptr(_))))).collect()
}

#[test]
fn every_access_to_typed_arguments_is_allowed_and_refused_as_the_verifier_does() {
    let btf = vmlinux();
    let function = |name: &str| {
        let id = btf.find(name, |k| matches!(k, BtfKind::Func { .. })).unwrap_or_else(|| panic!("no {name}"));
        let Some(BtfKind::Func { proto, .. }) = btf.get(id).map(|t| &t.kind) else { panic!("no function") };
        (id, pointers_among(&btf, *proto))
    };
    let (trace, traced) = {
        let id = btf.find("btf_trace_sched_switch", |k| matches!(k, BtfKind::Typedef(_))).expect("a tracepoint");
        let Some((_, BtfKind::Ptr(proto))) = btf.resolve(id) else { panic!("no pointer") };
        // The first argument is the tracepoint's own.
        (id, pointers_among(&btf, *proto).split_off(1))
    };
    let table = btf.find("tcp_congestion_ops", |k| matches!(k, BtfKind::Struct { .. })).expect("a table");
    let Some(BtfKind::Struct { members, .. }) = btf.get(table).map(|t| &t.kind) else { panic!("no struct") };
    let member = members.iter().position(|m| btf.string(m.name_off) == Some("cong_avoid")).expect("a member");
    let Some((_, BtfKind::Ptr(avoid))) = btf.resolve(members[member].type_id) else { panic!("no pointer") };
    let avoid = pointers_among(&btf, *avoid);
    let (walk, walked) = function("bpf_iter_task");
    // The hook's result stands behind its arguments.
    let with_result = |(id, mut arguments): (_, Vec<bool>)| {
        arguments.push(false);
        (id, arguments)
    };
    let (hook, hooked) = with_result(function("bpf_lsm_file_open"));
    let (entered, before) = function("filp_close");
    let (left, after) = with_result(function("filp_close"));
    let (changed, changing) = with_result(function("security_file_open"));

    use AttachType as A;
    let mut cases = vec![
        (ProgType::Tracing, Some(A::TraceRawTp), trace, 0, traced),
        (ProgType::Tracing, Some(A::TraceIter), walk, 0, walked),
        (ProgType::StructOps, None, table, member as u32, avoid),
        (ProgType::Lsm, Some(A::LsmMac), hook, 0, hooked),
        (ProgType::Tracing, Some(A::TraceFentry), entered, 0, before),
        (ProgType::Tracing, Some(A::TraceFexit), left, 0, after),
        (ProgType::Tracing, Some(A::ModifyReturn), changed, 0, changing),
    ];
    // Pointers were loaded in parts before 6.12.
    let any_size = here() < Version(6, 12);
    let mut differences = Differences::default();
    for (prog_type, attach, btf_id, member, pointers) in cases.drain(..) {
        let shape = Shape { btf_id: btf_id.0, member, ..Shape::new(prog_type, attach) };
        if let Answer::Silent(errno) = ask(shape, &[]) {
            let by_policy = [Some(A::LsmMac), Some(A::TraceFentry), Some(A::TraceFexit), Some(A::ModifyReturn)];
            assert!(
                by_policy.contains(&attach) && std::env::var_os("SKEP_GUEST").is_none(),
                "{attach:?}: errno {errno}"
            );
            continue;
        }
        let context = Context::of(prog_type).expect("a context");
        for offset in offsets(context.size) {
            for size in [1, 2, 4, 8] {
                for &op in ops() {
                    let Some(code) = access(1, offset, size, op) else { continue };
                    let allowed = context.access(prog_type, attach, offset, size, op).is_ok();
                    let argument = pointers.get(offset as usize / 8);
                    let ours = allowed && argument.is_some_and(|is_pointer| !is_pointer || size == 8 || any_size);
                    let what = || format!("{prog_type} {attach:?} {offset}+{size} {op:?}");
                    differences.compare(what, ours, ask(shape, &code));
                }
            }
        }
    }
    println!("{} accesses asked about", differences.finish(1_000 * ops().len()));
}

/// Members of a struct with those of anonymous structs and unions in it: name, offset and size in bytes.
fn members(btf: &Btf, id: TypeId, base: u32, all: &mut Vec<(String, u32, u32)>) {
    let Some((_, BtfKind::Struct { members: list, .. } | BtfKind::Union { members: list, .. })) = btf.resolve(id)
    else {
        panic!("no struct")
    };
    for member in list {
        let offset = base + member.bit_offset / 8;
        match btf.string(member.name_off) {
            Some(name) if !name.is_empty() => {
                let size = btf.size_of(member.type_id).expect("a size");
                all.push((name.to_owned(), offset, size as u32));
            }
            // Bit-fields without a name are gaps.
            _ if member.bit_size != 0 => {}
            _ if matches!(btf.resolve(member.type_id), Some((_, BtfKind::Int { .. }))) => {}
            _ => members(btf, member.type_id, offset, all),
        }
    }
}

#[test]
fn layouts_are_those_of_the_kernels_types() {
    // Other views of registers that have a row: x86_64's event delivery.
    const OTHER_VIEWS: [&str; 2] = ["fred_cs", "fred_ss"];
    let btf = vmlinux();
    let contexts = context::TABLE.iter().filter(|c| c.is_struct).map(|c| (c.name, c.size, c.since, c.fields));
    let pointees = pointee::TABLE.iter().map(|p| (p.name, p.size, p.since, p.fields));
    let mut compared = 0;
    for (name, size, since, fields) in contexts.chain(pointees) {
        if since > here() {
            continue;
        }
        // Structs grow at their ends.
        let end = |f: &Field| u32::from(f.offset + f.size).next_multiple_of(8);
        let is_whole = fields.iter().all(|f| f.since <= here());
        let size =
            if is_whole { size } else { fields.iter().filter(|f| f.since <= here()).map(end).max().unwrap_or(0) };
        let id = btf.find(name, |k| matches!(k, BtfKind::Struct { .. })).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(btf.size_of(id), Some(size.into()), "{name}");
        let mut theirs = Vec::new();
        members(&btf, id, 0, &mut theirs);
        theirs.retain(|(field, ..)| !OTHER_VIEWS.contains(&field.as_str()));
        // Gaps that may be loaded are named with several words.
        let named = fields.iter().filter(|f| !f.name.contains(' ') && f.since <= here());
        let mut ours: Vec<_> = named.map(|f| (f.name.to_owned(), f.offset.into(), f.size.into())).collect();
        if name == "pt_regs" && here() < Version(6, 9) {
            // The low halves of these registers were no fields of their own yet.
            ours.retain(|(field, _, size)| !matches!(field.as_str(), "cs" | "ss") || *size == 8);
            ours.iter_mut().filter(|(field, ..)| matches!(field.as_str(), "csx" | "ssx")).for_each(|f| f.0.truncate(2));
        }
        if name == "bpf_fib_lookup" && here() < Version(6, 5) {
            // Stable kernels before the first that had it got it later.
            theirs.retain(|(field, ..)| field != "tbid");
        }
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs, "{name}");
        compared += ours.len();
    }
    println!("{compared} fields compared");
    assert!(compared > 250, "{compared}");
}
