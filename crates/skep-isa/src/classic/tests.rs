//! The table against itself; parser, check and translation against hostile input.

use proptest::prelude::*;

use super::*;
use crate::opcode;

/// Constants at which something changes.
const CORNERS: &[u32] = &[
    0,
    1,
    15,
    16,
    31,
    32,
    60,
    64,
    0x7fff_ffff,
    0x8000_0000,
    0xffe0_0000,
    0xfff0_0000,
    0xffff_efff,
    0xffff_f000,
    0xffff_f001,
    0xffff_f03c,
    u32::MAX,
];

fn parsed(text: &str) -> Vec<ClassicInsn> {
    match parse(text) {
        Ok(program) => program,
        Err(error) => panic!("{error}: {text}"),
    }
}

fn refusal(text: &str, target: Target) -> String {
    match check(&parsed(text), target) {
        Ok(()) => "taken".to_owned(),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn no_two_rows_have_one_code_or_one_text() {
    for (at, op) in TABLE.iter().enumerate() {
        for other in TABLE.iter().skip(at + 1) {
            assert_ne!(op.code, other.code);
            assert!(op.name != other.name || op.field != other.field, "{op:?} {other:?}");
        }
        assert!(op.what.ends_with('.') && op.what.matches(". ").count() == 0, "{}", op.what);
        assert!(op.is_for(Target::Socket) && op.is_for(Target::XtBpf));
    }
}

#[test]
fn each_row_survives_bytes_and_all_three_texts() {
    for op in TABLE {
        for &k in CORNERS {
            for (jt, jf) in [(0, 0), (0, 3), (255, 1), (255, 255)] {
                let insn = op.encode(jt, jf, k);
                assert_eq!(decode(insn), Some(op));
                let program = [insn, insn];
                let bytes: Vec<u8> = program.iter().flat_map(|insn| insn.to_bytes()).collect();
                assert_eq!(parse_bytes(&bytes).as_deref(), Ok(&program[..]));
                for text in [text::listing(&program), text::c(&program), text::decimal(&program)] {
                    assert_eq!(parsed(&text), program, "{text}");
                }
            }
        }
    }
}

#[test]
fn each_ancillary_row_has_its_name_in_the_text_and_is_found_by_it() {
    for row in crate::spec::ancillary::TABLE {
        let line = format!("ldb [{}]", row.name);
        let program = parsed(&line);
        assert_eq!(program, [ClassicInsn::new(0x30, 0, 0, 0xffff_f000 + row.offset)]);
        assert_eq!(text::line(program[0], 0), format!("(000) ldb      [{}]", row.name));
    }
}

#[test]
fn a_listing_may_go_without_numbers_and_indentation() {
    let written = "ldh [12]\njeq #0x800 jt 2 jf 3\n\nret #96\n  (003)   ret #0";
    assert_eq!(parsed(written), parsed("4\n40 0 0 12\n21 0 1 2048\n6 0 0 96\n6 0 0 0"));
}

#[test]
fn what_is_wrong_in_a_text_is_said_with_its_place() {
    for (text, said) in [
        ("", "line 1, column 1: there is no instruction"),
        (" \n ", "line 1, column 1: there is no instruction"),
        ("2\n6 0 0 0", "line 1, column 2: the text has 1 instructions and says that it has 2"),
        ("1\n6 0 0", "line 2, column 6: `` is not a number of 32 bits"),
        ("1\n6 0 256 0", "line 2, column 5: `256` is not a distance of 0 to 255"),
        ("1\n65536 0 0 0", "line 2, column 1: `65536` is not a code of 0 to 65535"),
        ("1\n6 0 0 4294967296", "line 2, column 7: `4294967296` is not a number of 32 bits"),
        ("1\n6 0 0 -1", "line 2, column 7: `-1` is not a number of 32 bits"),
        ("1\n6 0 0 1 7", "line 2, column 8: `7` stands where the end of the line is wanted"),
        ("{ 0x6, 0, 0 }", "line 1, column 13: `}` stands where `,` is wanted"),
        ("{ 0x6, 0, 0, 1 }\n{ 0x6, 0, 0, 1 }", "line 2, column 1: `{` stands where `,` is wanted"),
        ("{ 0x6, 0, 0, ", "line 1, column 14: `` is not a number of 32 bits"),
        ("jsett #1", "line 1, column 1: `jsett` is no operation; is it `jset`?"),
        ("unimp 0x81", "line 1, column 1: `unimp` is no operation"),
        ("ldh 12", "line 1, column 5: `ldh` has no form with the operand `12`"),
        ("ldh [mork]", "line 1, column 5: `ldh` has no form with the operand `[mork]`"),
        ("ld #0x100000000", "line 1, column 4: `ld` has no form with the operand `#0x100000000`"),
        ("(001) tax", "line 1, column 1: the instruction has number 1, its place is 0"),
        ("(zero) tax", "line 1, column 1: `zero` is not an instruction's number"),
        ("jeq #1 jt 0 jf 1", "line 1, column 11: a jump from instruction 0 cannot go to instruction 0"),
        ("jeq #1 jt 1 jf 257", "line 1, column 16: a jump from instruction 0 cannot go to instruction 257"),
        ("jeq #1 jt 1", "line 1, column 12: `` stands where `jt` and `jf` is wanted"),
        ("jeq #1", "line 1, column 7: `` stands where `jt` and `jf` is wanted"),
        ("jeq x jt 1 jf 1 jf", "line 1, column 17: `jf` stands where the end of the line is wanted"),
    ] {
        let error = parse(text).map_err(|error| error.to_string());
        assert_eq!(error, Err(said.to_owned()), "{text}");
    }
    let error = parse_bytes(&[0; 12]).map_err(|error| error.to_string());
    assert_eq!(error, Err("line 1, column 9: 12 bytes are no whole number of instructions of 8 bytes".to_owned()));
}

#[test]
fn each_rule_of_the_kernel_is_kept_and_said() {
    use Target::{Seccomp, Socket, XtBpf};
    for (text, target, said) in [
        ("0", Socket, "the program has 0 instructions; a socket filter takes 1 to 4096"),
        ("1\n255 0 0 0", Socket, "instruction 0: 0xff is not the code of any operation"),
        ("1\n14 0 0 0", Socket, "instruction 0: 0xe is not the code of any operation"),
        ("div #0\nret #0", Socket, "instruction 0: `div` by 0"),
        ("mod #0\nret #0", Socket, "instruction 0: `mod` by 0"),
        ("lsh #32\nret #0", Socket, "instruction 0: `lsh` by 32 bits, of which A has 32"),
        ("lsh #31\nret #0", Socket, "taken"),
        ("ld M[16]\nret #0", Socket, "instruction 0: M[16] does not exist, the cells are M[0] to M[15]"),
        (
            "st M[4294967295]\nret #0",
            Socket,
            "instruction 0: M[4294967295] does not exist, the cells are M[0] to M[15]",
        ),
        ("ld M[0]\nret #0", Socket, "instruction 0: M[0] may be read here before it is written"),
        ("st M[0]\nldx M[0]\nret #0", Socket, "taken"),
        (
            "jeq x jt 1 jf 2\nst M[1]\nld M[1]\nret #0",
            Socket,
            "instruction 2: M[1] may be read here before it is written",
        ),
        ("jeq x jt 1 jf 3\nst M[1]\nja 4\nst M[1]\nld M[1]\nret #0", Socket, "taken"),
        ("ja 2\nret #0", Socket, "instruction 0: `ja` goes to instruction 2, the last one is 1"),
        (
            "2\n5 0 0 4294967295\n6 0 0 0",
            Socket,
            "instruction 0: `ja` goes to instruction 4294967296, the last one is 1",
        ),
        ("jeq #1 jt 1 jf 2\nret #0", Socket, "instruction 0: `jeq` goes to instruction 2, the last one is 1"),
        ("ld [-4095]\nret #0", Socket, "instruction 0: no ancillary data is at 0xfffff001"),
        ("ld [-4097]\nret #0", Socket, "taken"),
        ("ld [random]\nret #0", Socket, "taken"),
        ("tax", Socket, "instruction 0: the last instruction is `tax`, it must be `ret`"),
        ("ldh [0]\nret #0", Seccomp, "instruction 0: seccomp does not take `ldh` with code 0x28"),
        ("ld [x + 0]\nret #0", Seccomp, "instruction 0: seccomp does not take `ld` with code 0x40"),
        ("mod x\nret #0", Seccomp, "instruction 0: seccomp does not take `mod` with code 0x9c"),
        ("ld [60]\nret", Seccomp, "taken"),
        ("ld [64]\nret", Seccomp, "instruction 0: seccomp loads words at multiples of 4 below 64, not at 64"),
        ("ld [2]\nret", Seccomp, "instruction 0: seccomp loads words at multiples of 4 below 64, not at 2"),
        ("ld [cpu]\nret", Seccomp, "instruction 0: seccomp loads words at multiples of 4 below 64, not at 4294963236"),
        ("ldh [12]\nret", XtBpf, "taken"),
    ] {
        assert_eq!(refusal(text, target), said, "{text}");
    }
    let long = |len| vec![ClassicInsn::new(6, 0, 0, 0); len];
    assert!(check(&long(64), Target::XtBpf).is_ok() && check(&long(65), Target::XtBpf).is_err());
    assert!(check(&long(4096), Target::Seccomp).is_ok() && check(&long(4097), Target::Seccomp).is_err());
}

#[test]
fn ancillary_data_of_the_kernel_alone_is_refused_by_name() {
    let refused: Vec<&str> = crate::spec::ancillary::TABLE
        .iter()
        .filter(|row| {
            let translated = translate(&parsed(&format!("ld [{}]\nret", row.name)), Target::Socket);
            if let Err(error) = &translated {
                assert!(error.to_string().contains(row.constant), "{error}");
            }
            translated.is_err()
        })
        .map(|row| row.name)
        .collect();
    assert_eq!(refused, ["nla", "nlan", "hatype", "poff"]);
}

/// The longest translations, jumped over: no distance is too long for 4096 instructions.
#[test]
fn the_longest_program_is_translated() {
    let widest = TABLE
        .iter()
        .filter(|op| !matches!(op.kind, Kind::LoadCell(_)))
        .map(|op| {
            let mut program = vec![op.encode(0, 1, u32::MAX.wrapping_sub(0xff7)); 1];
            if matches!(op.field, Field::Cell | Field::Decimal) {
                program[0].k = 1;
            }
            if op.kind == Kind::Goto {
                program[0].k = 0;
            }
            program.extend([ClassicInsn::new(6, 0, 0, 0); 2]);
            let len = translate(&program, Target::Socket).map(|code| code.len());
            (len.unwrap_or_else(|error| panic!("{op:?}: {error}")), program[0])
        })
        .max_by_key(|(len, _)| *len)
        .map(|(_, insn)| insn);
    let mut program = vec![widest.expect("the table has rows"); 4095];
    program[0] = ClassicInsn::new(5, 0, 0, 4093);
    program.push(ClassicInsn::new(6, 0, 0, 0));
    assert!(translate(&program, Target::Socket).is_ok());
    // Reached on one way, so that it stays in the code.
    program[0] = ClassicInsn::new(0x15, 0, 1, 1);
    program[1] = ClassicInsn::new(5, 0, 0, 4093);
    let code = translate(&program, Target::Socket);
    assert!(code.is_ok_and(|code| code.len() > 20_000));
}

#[test]
fn nothing_that_cannot_be_reached_is_translated() {
    let code = translate(&parsed("ja 2\nldh [x + 3]\nret #1"), Target::Socket).expect("the kernel takes it");
    assert!(code.iter().all(|insn| opcode::decode(*insn).is_ok_and(|op| op.name != "ldindh")));
}

/// Instructions that are often right, so that programs of some length are taken.
pub(super) fn likely(len: usize) -> impl Strategy<Value = ClassicInsn> {
    let k = prop_oneof![3 => 0..16_u32, 2 => 0..70_u32, 1 => prop::sample::select(CORNERS), 1 => any::<u32>()];
    let jump = 0..(len as u8 / 2).max(1);
    (prop::sample::select(TABLE.iter().map(|op| op.code).collect::<Vec<_>>()), jump.clone(), jump, k)
        .prop_map(|(code, jt, jf, k)| ClassicInsn { code, jt, jf, k: if code == 5 { jt.into() } else { k } })
}

/// Checked and translated without a panic; what comes out are instructions that jump to instructions.
fn translated_is_sound(program: &[ClassicInsn]) {
    for &target in Target::ALL {
        let checked = check(program, target);
        match translate(program, target) {
            Ok(code) => {
                assert_eq!(checked, Ok(()));
                for (slot, insn) in code.iter().enumerate() {
                    let op = opcode::decode(*insn).unwrap_or_else(|refusal| panic!("{refusal}: {program:?}"));
                    assert!(op.jump(*insn).is_none_or(|far| far >= 0 && slot + 1 + (far as usize) < code.len()));
                }
                assert!(code.last().is_some_and(|insn| insn.is_exit()));
            }
            Err(Untranslatable::Refused(refusal)) => assert_eq!(checked, Err(refusal)),
            Err(error) => assert!(checked.is_ok() && !error.to_string().is_empty()),
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in ".{0,80}") {
        if let Err(error) = parse(&text) {
            assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn text_made_of_the_right_words_is_parsed_or_refused(
        words in prop::collection::vec(prop::sample::select(vec![
            "{", "}", ",", "\n", "0x6", "6", "-1", "4294967296", "(000)", "(1)", "(", ")", "ldh", "[12]", "[x + 3]", "M[3]",
            "jeq", "jt", "jf", "#0x1", "#-1", "x", "ja", "ldxb", "4*([14]&0xf)", "é", "#pktlen", "[", "[]", "4*([]&0xf)",
        ]), 0..24),
    ) {
        if let Err(error) = parse(&words.join(" ")) {
            assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn any_bytes_become_text_that_can_be_read_again(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(program) = parse_bytes(&bytes) {
            let again = |text: String| parse(&text);
            assert!(program.is_empty() || again(text::c(&program)) == Ok(program.clone()));
            assert_eq!(again(text::decimal(&program)), Ok(program.clone()));
            assert_eq!(text::listing(&program).lines().count(), program.len());
            translated_is_sound(&program);
        }
    }

    #[test]
    fn any_likely_program_is_translated_or_refused(
        mut program in prop::collection::vec(likely(12), 1..40),
    ) {
        translated_is_sound(&program);
        program.push(ClassicInsn::new(0x16, 0, 0, 0));
        translated_is_sound(&program);
    }
}
