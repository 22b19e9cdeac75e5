//! What counting promises, without a kernel.

use super::*;
use skep_isa::insn::EXIT;
use skep_object::{FuncInfo, LineInfo, Reloc, RelocTarget};

const MAIN: &str = "main";

fn program(section: &str, code: Vec<Insn>) -> ProgramSpec {
    ProgramSpec {
        name: MAIN.into(),
        section: section.into(),
        kind: skep_isa::spec::section::find(section).map(|(row, _)| row),
        hook: None,
        code,
        relocs: vec![],
        funcs: vec![FuncInfo { slot: 0, name: MAIN.into(), type_id: None }],
        lines: vec![],
    }
}

fn exit() -> Insn {
    Insn::new(EXIT, 0, 0, 0, 0)
}

fn mov(dst: u8, imm: i32) -> Insn {
    Insn::new(MOV_IMM, dst, 0, 0, imm)
}

fn xdp() -> Layout {
    Layout::new(ProgType::Xdp, 2)
}

fn counted(spec: &ProgramSpec, layout: &Layout) -> Counted {
    instrument(spec, layout).expect("can be counted").expect("has something to count")
}

#[test]
fn a_jump_to_an_exit_goes_through_the_counting() {
    let spec = program("xdp", vec![mov(0, 1), Insn::new(JEQ_IMM, 1, 0, 1, 0), mov(0, 2), exit()]);
    let c = counted(&spec, &xdp());
    let jump = c.spec.code[1];
    let target = (1 + 1 + i64::from(jump.off)) as usize;
    assert_eq!(c.spec.code[target], Insn::new(MOV, 6, 0, 0, 0));
    assert_eq!(target, 3);
    assert_eq!(c.map_slots, vec![3 + 4]);
}

#[test]
fn a_jump_to_behind_a_call_leaves_the_counting_out() {
    let reserve = Insn::new(CALL, 0, 0, 0, 131);
    let spec = program("tracepoint", vec![Insn::new(JEQ_IMM, 1, 0, 1, 0), reserve, mov(0, 0), exit()]);
    let c = counted(&spec, &Layout::new(ProgType::Tracepoint, 2));
    let target = (1 + i64::from(c.spec.code[0].off)) as usize;
    assert_eq!(c.spec.code[target], mov(0, 0));
    assert_eq!(c.spec.code[2].code, JNE_IMM);
    assert_eq!(c.spec.code[2].off, 4, "success jumps over the counting");
    assert_eq!(3 + 4, target);
}

#[test]
fn calls_function_addresses_and_backward_jumps_still_hit() {
    let code = vec![
        Insn::new(LD_IMM64, 2, PSEUDO_FUNC, 0, 5), // slots 0, 1: address of slot 6
        Insn::default(),
        Insn::new(CALL, 0, PSEUDO_CALL, 0, 3), // slot 2: calls slot 6
        Insn::new(JEQ_IMM, 0, 0, -2, 9),       // slot 3: back to slot 2
        Insn::new(JEQ_IMM, 0, 0, 0, 9),
        exit(),
        Insn::new(CALL, 0, 0, 0, 130), // slot 6: the subprogram
        exit(),
    ];
    let mut spec = program("xdp", code);
    spec.funcs.push(FuncInfo { slot: 6, name: "sub".into(), type_id: None });
    let c = counted(&spec, &xdp());
    let sub = c.spec.funcs[1].slot as usize;
    assert_eq!(c.spec.code[sub], Insn::new(CALL, 0, 0, 0, 130));
    assert_eq!(1 + i64::from(c.spec.code[0].imm), sub as i64);
    assert_eq!(3 + i64::from(c.spec.code[2].imm), sub as i64);
    assert_eq!(c.spec.code[3].off, -2);
    assert_eq!(c.map_slots.len(), 2, "the subprogram's exit is no result");
}

#[test]
fn relocations_and_lines_move_along() {
    let code = vec![exit(), Insn::new(LD_IMM64, 1, 0, 0, 0), Insn::default(), exit()];
    let mut spec = program("xdp", code);
    spec.relocs.push(Reloc { slot: 1, target: RelocTarget::Map(0) });
    spec.lines = [0, 1, 3].map(|slot| LineInfo { slot, file_off: 0, text_off: 0, line: slot, column: 1 }).to_vec();
    let c = counted(&spec, &xdp());
    assert!(c.spec.code[c.spec.relocs[0].slot as usize].is_wide());
    assert_eq!(c.spec.lines[0].slot, 0);
    assert_eq!(c.spec.lines[1].slot, c.spec.relocs[0].slot);
    assert_eq!(c.spec.code[c.spec.lines[2].slot as usize], Insn::new(MOV, 6, 0, 0, 0));
}

#[test]
fn a_jump_that_would_become_too_long_gives_up() {
    let mut code = vec![Insn::new(JEQ_IMM, 1, 0, i16::MAX, 0)];
    code.resize(usize::from(i16::MAX.unsigned_abs()) + 1, mov(0, 0));
    code.insert(5, exit());
    code.push(exit());
    assert_eq!(instrument(&program("xdp", code), &xdp()).map(|_| ()), Err(GiveUp::TooFar));
}

#[test]
fn computed_and_wild_jumps_give_up() {
    let computed = program("xdp", vec![Insn::new(0x0d, 1, 0, 0, 0), exit()]);
    assert_eq!(instrument(&computed, &xdp()).map(|_| ()), Err(GiveUp::Computed));
    let wild = program("xdp", vec![Insn::new(0x05, 0, 0, 100, 0), exit()]);
    assert_eq!(instrument(&wild, &xdp()).map(|_| ()), Err(GiveUp::Wild));
}

#[test]
fn an_immediate_that_looks_like_an_exit_is_left_alone() {
    let code = vec![Insn::new(LD_IMM64, 0, 0, 0, 1), exit(), mov(0, 0), exit()];
    let c = counted(&program("xdp", code), &xdp());
    assert_eq!(c.map_slots.len(), 1);
}

#[test]
fn a_program_with_nothing_to_count_is_left_untouched() {
    let spec = program("tracepoint", vec![mov(0, 0), exit()]);
    assert!(instrument(&spec, &Layout::new(ProgType::Tracepoint, 2)).expect("no jumps").is_none());
}

#[test]
fn tables_of_results_have_no_gaps() {
    assert!(matches!(named(result::XDP), Buckets::Named { first: 0, .. }));
    assert!(matches!(named(result::TC), Buckets::Named { first: -1, .. }));
}

#[test]
fn counts_are_summed_over_stripes() {
    let layout = Layout::new(ProgType::SocketFilter, 2);
    let mut value = vec![0; layout.value_size() as usize];
    value[0] = 7;
    value[64] = 1; // stripe 0, drop
    value[64 + 64 + 8] = 3; // stripe 1, keep
    value[64 + 8] = 2; // stripe 0, keep
    assert_eq!(Layout::lost(&value), 7);
    assert_eq!(layout.results(&value), Some(vec![(DROP, 1), (KEEP, 5)]));
}

#[test]
fn a_packet_load_that_may_end_the_program_gives_up() {
    let spec = program("socket", vec![Insn::new(0x30, 0, 0, 0, 14), exit()]);
    let layout = Layout::new(ProgType::SocketFilter, 2);
    assert_eq!(instrument(&spec, &layout).map(|_| ()), Err(GiveUp::PacketLoad));
}

proptest::proptest! {
    /// Every instruction of the program is still there, in order, and goes where it went.
    #[test]
    fn any_code_keeps_its_instructions_and_targets(code in proptest::collection::vec(any_insn(), 6..24)) {
        // A line at every slot tells where each slot has gone.
        let line = |slot| LineInfo { slot, file_off: 0, text_off: 0, line: slot, column: 1 };
        let lines = (0..24).take(code.len()).map(line).collect();
        let spec = ProgramSpec { lines, ..program("xdp", code) };
        if let Ok(Some(Counted { spec: moved, .. })) = instrument(&spec, &xdp()) {
            let start: Vec<usize> = moved.lines.iter().map(|l| l.slot as usize).collect();
            for (slot, insn) in instructions(&spec.code) {
                let Ok(Some((to, _))) = target(slot, insn) else { continue };
                // A jump or reference is never an exit, so its own place is where lines begin.
                let at = start[slot];
                let (now, _) = target(at, moved.code[at]).expect("still one").expect("still one");
                assert_eq!(now, start[to as usize] as i64);
            }
        }
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let spec = program("xdp", Insn::slots(&bytes));
        let _ = instrument(&spec, &xdp());
    }
}

/// An instruction, of those that counting looks at and others; its distances stay near.
fn any_insn() -> impl proptest::strategy::Strategy<Value = Insn> {
    use proptest::strategy::Strategy;
    let code = proptest::sample::select(vec![EXIT, CALL, LD_IMM64, 0x05, 0x06, JEQ_IMM, JLE32_IMM, MOV_IMM, 0xe5]);
    let imm = proptest::prop_oneof![-3..4_i32, proptest::sample::select(vec![130, 131, 198])];
    (code, 0..2_u8, 0..5_u8, -3..4_i16, imm).prop_map(|(code, dst, src, off, imm)| Insn::new(code, dst, src, off, imm))
}
