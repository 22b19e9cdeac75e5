//! Any two slots: encoding gives the bytes back; a row or a reason; a text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep_isa::{Insn, disasm, opcode};

fuzz_target!(|bytes: [u8; 16]| {
    let slots = Insn::slots(&bytes);
    let [insn, next] = slots[..] else { panic!("two slots of sixteen bytes") };
    assert_eq!([insn.to_bytes(), next.to_bytes()].concat(), bytes);
    match opcode::decode(insn) {
        Ok(op) => {
            assert_eq!(op.code, insn.code);
            let _ = opcode::check_tail(op, next);
            let mut text = String::new();
            disasm::write(&mut text, op, insn, next.imm).expect("a String takes all");
            assert!(!text.is_empty());
            // What LLVM knows as well has one text.
            if disasm::recognise(insn) == Some(op) {
                assert_eq!(disasm::text(insn, Some(next)), text);
            }
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
    assert!(!disasm::text(insn, None).is_empty());
});
