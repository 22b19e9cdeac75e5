//! The assembler against the printers of both spellings, and against hostile text.

use proptest::prelude::*;

use super::*;
use crate::disasm;
use crate::opcode::{self, Callee, Field, Kind, Source, TABLE, Width};

/// Instructions of every row, with all registers and with corner values in the other fields.
fn sweep() -> Vec<(Insn, i32)> {
    let offsets = [0, 1, -1, 8, i16::MIN, i16::MAX];
    let immediates = [0, 1, -1, 0x1234, i32::MIN, i32::MAX];
    let mut insns = Vec::new();
    for op in TABLE {
        for registers in 0..121 {
            for (at, off) in offsets.iter().enumerate() {
                let imm = immediates[(at + registers as usize) % immediates.len()];
                for imm in [imm, immediates[at]] {
                    let keep = |field: Field, value: i32| if field == Field::Value { value } else { 0 };
                    let register = |field: Field, value: u8| match field {
                        Field::Read | Field::Write | Field::Update => value,
                        _ => 0,
                    };
                    let (dst, src) = (register(op.dst, registers % 11), register(op.src, registers / 11));
                    let Ok(insn) = op.encode(dst, src, keep(op.off, (*off).into()) as i16, keep(op.imm, imm)) else {
                        continue;
                    };
                    let high = match op.kind {
                        Kind::LoadImm(Source::MapFd | Source::MapIdx) => 0,
                        Kind::LoadImm(_) => imm.wrapping_mul(7),
                        _ => 0,
                    };
                    insns.push((insn, high));
                }
            }
        }
    }
    insns
}

/// The instruction as far as LLVM's text tells it.
fn as_llvm_tells(insn: Insn, high: i32) -> (Insn, i32) {
    match opcode::decode(insn).map(|op| op.kind) {
        // What is called, a packet's displacement and the upper half of what is no constant are left out.
        Ok(Kind::Call(_)) => (Insn { src: 0, off: 0, ..insn }, 0),
        Ok(Kind::LoadPacketInd(_)) => (Insn { imm: 0, ..insn }, 0),
        Ok(Kind::LoadImm(source)) if source != Source::Const => (insn, 0),
        Ok(Kind::Exit) => (Insn { off: 0, ..insn }, 0),
        _ => (insn, high),
    }
}

/// As far as the kernel's text tells it.
fn as_kernel_tells(insn: Insn, high: i32) -> Option<(Insn, i32)> {
    match opcode::decode(insn).map(|op| op.kind) {
        Ok(Kind::LoadImm(Source::BtfId | Source::MapIdx | Source::MapIdxValue)) => None,
        Ok(Kind::LoadImm(Source::Func)) => Some((insn, 0)),
        Ok(Kind::Call(Callee::Kfunc)) => Some((Insn { off: 0, ..insn }, 0)),
        Ok(Kind::Exit) => Some((Insn { off: 0, ..insn }, 0)),
        _ => Some((insn, high)),
    }
}

fn check(told: impl Fn(Insn, i32) -> Option<(Insn, i32)>, text: impl Fn(Insn, Insn) -> String) {
    let mut source = String::new();
    let mut expected = Vec::new();
    for (insn, high) in sweep() {
        let Some((wanted, high_told)) = told(insn, high) else { continue };
        source.push_str(&text(insn, opcode::Op::tail(high)));
        source.push('\n');
        expected.push(wanted);
        if wanted.is_wide() {
            expected.push(opcode::Op::tail(high_told));
        }
    }
    let insns = instructions(&source).unwrap_or_else(|errors| panic!("{}", errors[0]));
    assert!(expected.len() > 50_000);
    let differing = insns.iter().zip(&expected).position(|(a, b)| a != b);
    assert_eq!(insns.len(), expected.len());
    assert_eq!(differing.map(|at| (insns[at], expected[at])), None);
}

#[test]
fn what_llvm_prints_is_assembled_to_the_same_instruction() {
    // The printer knows the rows newer than LLVM 19 too.
    let text = |insn: Insn, tail: Insn| {
        let mut out = String::new();
        let op = opcode::decode(insn).expect("made by encode");
        disasm::write(&mut out, op, insn, tail.imm).expect("a String takes all");
        out
    };
    check(|insn, high| Some(as_llvm_tells(insn, high)), text);
}

#[test]
fn what_the_kernel_prints_is_assembled_to_the_same_instruction() {
    check(as_kernel_tells, |insn, tail| disasm::kernel::text(insn, Some(tail)));
}

fn one(text: &str) -> Insn {
    instructions(text).unwrap_or_else(|errors| panic!("{}", errors[0]))[0]
}

#[test]
fn both_spellings_of_one_instruction_are_the_same() {
    let alike: &[&[&str]] = &[
        &["r1 = *(u32 *)(r2 + 4)", "w1 = *(u32 *)(r2 + 0x4)", "(61) r1 = *(u32 *)(r2 +4)", "r1=*(u32*)(r2+4)"],
        &["*(u8 *)(r10 - 1) = 255", "*(u8 *)(r10 + -1) = 0xff", "(72) *(u8 *)(r10 -1) = 255"],
        &["goto +3", "goto pc+3", "12: (05) goto pc+3", "goto +0x3 <main+0x20>"],
        &["if r1 == 0 goto +1", "if (r1 == 0) goto pc+1", "(15) if r1 == 0x0 goto pc+1"],
        &["if w1 == -1 goto +1", "if w1 == 0xffffffff goto +1", "(16) if w1 == 0xffffffff goto pc+1"],
        &["call 1", "call bpf_map_lookup_elem", "(85) call bpf_map_lookup_elem#1", "call map_lookup_elem"],
        &["lock *(u32 *)(r1 + 0) += r2", "lock *(u32 *)(r1 + 0) += w2", "lock *(u32 *)(r1) += r2"],
        &["r2 = atomic_fetch_add((u64 *)(r1 + 8), r2)", "(db) r2 = atomic64_fetch_add((u64 *)(r1 +8), r2)"],
        &["r0 = cmpxchg_64(r1 + 8, r0, r2)", "(db) r0 = atomic64_cmpxchg((u64 *)(r1 +8), r0, r2)"],
        &["r1 = 5 ll", "(18) r1 = 0x5"],
        &["ld_pseudo r1, 1, 7", "r1 = map[id:7]", "(18) r1 = map[id:7]"],
    ];
    for spellings in alike {
        for spelling in *spellings {
            assert_eq!(one(spelling), one(spellings[0]), "{spelling}");
        }
    }
    assert_eq!(one("r1 = 0x5"), Insn::new(0xb7, 1, 0, 0, 5));
    assert_eq!(one("call pc-2#bpf_prog_1234_f"), Insn::new(0x85, 0, 1, 0, -2));
    assert_eq!(instructions("r1 = -1 ll").expect("in order"), [Insn::new(0x18, 1, 0, 0, -1), opcode::Op::tail(-1)]);
}

#[test]
fn labels_functions_maps_and_data_become_distances_symbols_and_relocations() {
    let text = "
        .license \"GPL\"
        .map counts hash key=4 value=8 entries=16
        .section xdp
main:   r1 = counts ll
        r2 = limit + 4 ll
.Lagain:
        call twice
        call other
        if r0 != 0 goto .Lagain
        exit
twice:  r0 *= 2
        exit
        .text
other:  exit
        .section .rodata
limit:  .long 1, 2
        .asciz \"x\"
    ";
    let assembly = assemble("a.s", text).unwrap_or_else(|e| panic!("{}", e[0]));
    let names: Vec<_> = assembly.symbols.iter().map(|s| (s.name.as_str(), s.size, s.is_global)).collect();
    assert_eq!(names, [("main", 64, true), ("twice", 16, false), ("other", 8, false), ("limit", 10, false)]);
    let Content::Code(code) = &assembly.sections[0].content else { panic!("code") };
    let targets: Vec<_> = code.relocs.iter().map(|r| (r.slot, r.target)).collect();
    assert_eq!(targets, [(0, Target::Map(0)), (2, Target::Symbol(3)), (5, Target::Symbol(2))]);
    assert_eq!(code.insns[2].imm, 4);
    assert_eq!(code.insns[4], Insn::new(0x85, 0, 1, 0, 3));
    assert_eq!(code.insns[6].off, -3);
    assert_eq!((code.lines[2].line, code.lines[2].column, code.lines[2].slot), (8, 9, 4));
    assert_eq!(assembly.sections[2].content, Content::Data(b"\x01\0\0\0\x02\0\0\0x\0".to_vec()));
    assert_eq!(assembly.license.as_deref(), Some("GPL"));
}

#[test]
fn a_reserved_field_has_no_spelling() {
    for op in TABLE {
        // The one field that the kernel does not look at cannot be written either.
        assert!(!matches!(op.imm, Field::Ignored) && !matches!(op.dst, Field::Ignored));
    }
    assert!(matches!(opcode::decode(one("exit")), Ok(op) if op.kind == Kind::Exit));
    assert!(matches!(opcode::decode(one("w1 = -w1")), Ok(op) if op.kind == Kind::Neg(Width::W32)));
}

#[test]
fn every_error_is_told_up_to_a_hundred() {
    let errors = instructions(&"r1 = = 2\n".repeat(30)).expect_err("nonsense");
    assert_eq!(errors.len(), 30);
    assert_eq!(instructions(&"nonsense\n".repeat(5000)).expect_err("nonsense").len(), 101);
}

proptest! {
    #[test]
    fn any_text_is_assembled_or_refused_with_a_reason(text in "[ -~\n]{0,200}") {
        if let Err(errors) = assemble("x", &text) {
            prop_assert!(errors.iter().all(|e| !e.to_string().is_empty()));
        }
    }

    #[test]
    fn any_line_of_likely_words_is_assembled_or_refused(words in prop::collection::vec(prop::sample::select(vec![
        "r1", "w2", "r10", "r11", "=", "+=", "s>>=", "*", "(", ")", "u32", "u64", "goto", "if", "ll", "call", "a", "a:",
        "5", "-", "+", "0x100000000", "exit", "lock", "atomic_fetch_add", ",", ".section", "xdp", ".map", "hash", "\"",
        "key=4", ".global", ".byte", ".data", ".zero", "\n", ";", "#", "é", "[", "]", "skb", "pc", "(18)", ".text",
    ]), 0..40)) {
        let text = words.join(" ");
        if let Err(errors) = assemble("x", &text) {
            prop_assert!(errors.iter().all(|e| !e.to_string().is_empty()));
        }
    }

    #[test]
    fn decoded_instructions_survive_text(bytes: [u8; 8], high: i32) {
        let insn = Insn::from_bytes(bytes);
        if let Ok(op) = opcode::decode(insn) {
            let (wanted, high) = as_llvm_tells(insn, high);
            let mut text = String::new();
            disasm::write(&mut text, op, insn, high).expect("a String takes all");
            if !matches!(op.kind, Kind::LoadImm(_)) {
                prop_assert_eq!(one(&text), wanted);
            }
        }
    }
}
