//! The table against itself and against hostile words.

use proptest::prelude::*;

use super::*;

/// An instruction that is the row and nothing else.
fn example(op: &Op) -> Insn {
    let number = |field: Field, plain: i32| match field {
        Field::Is(value) => value,
        Field::Reserved | Field::Ignored => 0,
        _ => plain,
    };
    Insn::new(op.code, number(op.dst, 1) as u8, number(op.src, 2) as u8, number(op.off, 3) as i16, number(op.imm, 4))
}

#[test]
fn each_row_is_found_by_its_own_example() {
    for op in TABLE {
        assert_eq!(decode(example(op)), Ok(op));
    }
}

#[test]
fn no_two_rows_select_the_same_instruction() {
    for op in TABLE {
        let same = rows(op.code).iter().filter(|other| other.is_selected_by(example(op))).count();
        assert_eq!(same, 1, "{op:?}");
    }
}

#[test]
fn every_reserved_field_is_refused_by_name() {
    for op in TABLE {
        for (at, (place, field, _)) in op.fields(example(op)).into_iter().enumerate() {
            let mut bad = example(op);
            match at {
                0 => bad.dst = 15,
                1 => bad.src = 15,
                2 => bad.off = 77,
                _ => bad.imm = 77,
            }
            let refused = decode(bad).err();
            match field {
                Field::Reserved => assert!(
                    matches!(refused, Some(Refusal::Reserved { place: p, .. }) if p == place),
                    "{op:?} {place} {refused:?}"
                ),
                Field::Is(_) => assert!(matches!(refused, Some(Refusal::Variant { place: p, .. }) if p == place)),
                Field::Read | Field::Write | Field::Update => {
                    assert!(matches!(refused, Some(Refusal::Register { place: p, .. }) if p == place));
                }
                Field::Value | Field::Ignored => assert_eq!(refused, None),
            }
        }
    }
}

#[test]
fn the_frame_pointer_can_be_read_and_not_written() {
    for op in TABLE {
        for (place, field) in [(Place::Dst, op.dst), (Place::Src, op.src)] {
            let mut insn = example(op);
            match place {
                Place::Dst => insn.dst = FRAME_POINTER,
                _ => insn.src = FRAME_POINTER,
            }
            let refused = matches!(decode(insn), Err(Refusal::FramePointer { place: p, .. }) if p == place);
            assert_eq!(refused, field.is_written(), "{op:?} {place}");
        }
    }
}

#[test]
fn signed_division_is_told_from_division_by_its_offset() {
    let name = |off| decode(Insn::new(0x3f, 1, 2, off, 0)).map(|op| op.name);
    assert_eq!(name(0), Ok("div"));
    assert_eq!(name(1), Ok("sdiv"));
    assert_eq!(name(2), Err(Refusal::Variant { code: 0x3f, name: "div", place: Place::Off, value: 2 }));
}

#[test]
fn the_second_slot_of_a_wide_load_carries_only_an_immediate() {
    let constant = decode(Insn::new(0x18, 1, 0, 0, 1)).expect("a wide load");
    let descriptor = decode(Insn::new(0x18, 1, 1, 0, 1)).expect("a wide load");
    let tail = Insn::new(0, 0, 0, 0, 1);
    assert_eq!(check_tail(constant, tail), Ok(()));
    assert!(check_tail(descriptor, tail).is_err());
    assert!(check_tail(constant, Insn::new(0xb7, 0, 0, 0, 0)).is_err());
}

#[test]
fn jumps_tell_their_distance() {
    let jump = |insn| decode(insn).ok().and_then(|op| op.jump(insn));
    assert_eq!(jump(Insn::new(0x05, 0, 0, -3, 0)), Some(-3));
    assert_eq!(jump(Insn::new(0x06, 0, 0, 0, 70_000)), Some(70_000));
    assert_eq!(jump(Insn::new(0x15, 1, 0, 9, 0)), Some(9));
    assert_eq!(jump(Insn::new(0x85, 0, 1, 0, 9)), None);
}

proptest! {
    #[test]
    fn any_word_is_decoded_or_refused_with_a_reason(bytes: [u8; 8], next: [u8; 8]) {
        let insn = Insn::from_bytes(bytes);
        prop_assert_eq!(insn.to_bytes(), bytes);
        match decode(insn) {
            Ok(op) => {
                prop_assert_eq!(op.code, insn.code);
                let _ = check_tail(op, Insn::from_bytes(next));
            }
            Err(refusal) => prop_assert!(!refusal.to_string().is_empty()),
        }
        let shown = crate::disasm::text(insn, Some(Insn::from_bytes(next)));
        prop_assert!(!shown.is_empty());
    }
}
