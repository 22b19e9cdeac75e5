//! Limits of programs: the numbers of the rows against the running kernel's verifier.
//!
//! At the limit a program is refused for the register that nobody wrote, one step beyond it for the limit. All programs
//! here are refused: none is compiled.
#![cfg(feature = "kernel-tests")]

use skep_isa::Insn;
use skep_isa::insn::{CALL, EXIT};
use skep_isa::spec::{Place, limit};
use skep_kernel::feature::{Prober, Refusal, kernel_version};

const PSEUDO_CALL: u8 = 1;

fn row(name: &str) -> &'static limit::Row {
    limit::TABLE.iter().find(|row| row.name == name).expect(name)
}

fn mov(value: i32) -> Insn {
    Insn::new(0xb7, 0, 0, 0, value)
}

fn exit() -> Insn {
    Insn::new(EXIT, 0, 0, 0, 0)
}

/// Asks with as many as the row says and with one more. A kernel from before the row has another number.
fn holds(name: &str, program: impl Fn(usize) -> Vec<Insn>, beyond: impl Fn(&Refusal) -> bool) {
    let row = row(name);
    if kernel_version().is_none_or(|here| here < row.since) {
        return;
    }
    let most = usize::try_from(row.value).expect("a small number");
    let ask = |count| Prober::untyped().refuse(Place::Xdp, &program(count), c"GPL");
    let end = |refusal: &Refusal| {
        let lines: Vec<&str> = refusal.log.lines().rev().take(4).collect();
        format!("{:?} {}", refusal.errno, lines.join(" | "))
    };
    let (at, over) = (ask(most), ask(most + 1));
    assert!(at.log.contains("R9 !read_ok"), "{most} are too many: {}", end(&at));
    assert!(beyond(&over), "{} are not refused for it: {}", most + 1, end(&over));
}

#[test]
fn a_program_has_at_most_so_many_instructions() {
    // The prober adds two.
    let program = |count: usize| vec![mov(0); count - 2];
    holds("instructions", program, |r| r.errno.is_some_and(|e| e.raw_os_error() == 7) && r.log.is_empty());
}

#[test]
fn calls_nest_at_most_so_deep() {
    // Each function calls the next; the last one is what the prober adds.
    let program = |count: usize| [Insn::new(CALL, 0, PSEUDO_CALL, 0, 1), exit()].repeat(count - 1);
    holds("frames", program, |r| r.log.contains("frames is too deep"));
}

#[test]
fn a_program_has_at_most_so_many_functions() {
    let program = |count: usize| {
        let others = count - 1;
        // Main calls all others in turn: each is two slots long, the last one is what the prober adds.
        let distance = |at: usize| i32::try_from(others - at + 2 * at).expect("a small number");
        let calls = (0..others).map(|at| Insn::new(CALL, 0, PSEUDO_CALL, 0, distance(at)));
        let bodies = [mov(0), exit()].repeat(others - 1);
        calls.chain([exit()]).chain(bodies).collect()
    };
    holds("subprograms", program, |r| r.log.contains("too many subprograms"));
}

#[test]
fn so_many_paths_may_wait_at_one_time() {
    // Nothing is known of r0, so that each jump leaves one way for later.
    let program = |count: usize| {
        let jump = |at: usize| Insn::new(0x15, 0, 0, i16::try_from(count - 1 - at).expect("near"), 7 + at as i32);
        let random = Insn::new(CALL, 0, 0, 0, 7);
        [random].into_iter().chain((0..count).map(jump)).collect()
    };
    holds("jumps", program, |r| r.log.contains("jumps is too complex"));
}
