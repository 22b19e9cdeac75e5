//! What a program may load from and store to its context is what the verifier says, access for access; layouts are
//! those of the kernel's own types. Needs root and the kernel's BTF.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod rejected;

use rejected::{Answer, Shape, ask, load, load_signed, store};
use skep_btf::{Btf, Kind as BtfKind, TypeId};
use skep_isa::Insn;
use skep_isa::spec::context::pointee::{self, Via};
use skep_isa::spec::context::{self, Context, Field, Op};
use skep_isa::spec::{AttachType, ProgType, section};

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

const OPS: [Op; 3] = [Op::Load, Op::LoadSigned, Op::Store];

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

    fn finish(self, least: usize) {
        println!("{} accesses asked about, {} differ", self.asked, self.found.len());
        for line in self.found.iter().take(200) {
            println!("{line}");
        }
        assert!(self.asked >= least, "only {} asked", self.asked);
        assert!(self.found.is_empty(), "{} of {} accesses differ", self.found.len(), self.asked);
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
                if !Context::of(prog_type, attach).is_some_and(|c| c.name == context.name) || is_typed(context) {
                    continue;
                }
                let shape = Shape::new(prog_type, attach);
                if let Answer::Silent(errno) = ask(shape, &[]) {
                    missing.push(format!("{prog_type} {attach:?}: errno {errno}"));
                    continue;
                }
                for offset in offsets(context.size) {
                    for size in [1, 2, 4, 8] {
                        for op in OPS {
                            let Some(code) = access(1, offset, size, op) else { continue };
                            let ours = context.access(prog_type, attach, offset, size, op);
                            let what = || format!("{} {prog_type} {attach:?} {offset}+{size} {op:?}", context.name);
                            differences.compare(what, ours.is_ok(), ask(shape, &code));
                        }
                    }
                }
            }
        }
    }
    println!("not on this kernel: {missing:#?}");
    differences.finish(100_000);
}

fn is_typed(context: &Context) -> bool {
    context.fields.iter().any(|f| f.kind == context::Kind::Argument)
}
