//! Any bytes as a classic program, and as its text: parsed or refused, checked, translated to what decodes, and run.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep_isa::classic::{self, Target, Untranslatable, text};
use skep_isa::opcode;
use skep_vm::classic::{Filter, SeccompData, SeccompFilter};
use skep_vm::{Host, Packet};

struct Still;

impl Host for Still {
    fn now_ns(&mut self) -> u64 {
        0
    }
    fn boot_ns(&mut self) -> u64 {
        0
    }
    fn random_u32(&mut self) -> u32 {
        4
    }
    fn print(&mut self, _: &str) {}
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Err(error)) = std::str::from_utf8(bytes).map(classic::parse) {
        assert!(!error.to_string().is_empty());
    }
    let whole = bytes.len() / 8 * 8;
    let program = classic::parse_bytes(&bytes[..whole]).expect("whole instructions");
    if !program.is_empty() {
        assert_eq!(classic::parse(&text::c(&program)).as_ref(), Ok(&program));
    }
    assert_eq!(classic::parse(&text::decimal(&program)).as_ref(), Ok(&program));
    // A listing shows what operations use; read again, it is the same listing.
    let listing = text::listing(&program);
    if let Ok(again) = classic::parse(&listing) {
        assert_eq!(text::listing(&again), listing);
    }
    for &target in Target::ALL {
        let checked = classic::check(&program, target);
        match classic::translate(&program, target) {
            Ok(code) => {
                assert!(checked.is_ok());
                assert!(code.iter().all(|insn| opcode::decode(*insn).is_ok()));
            }
            Err(Untranslatable::Refused(refusal)) => assert_eq!(checked, Err(refusal)),
            Err(error) => assert!(checked.is_ok() && !error.to_string().is_empty()),
        }
    }
    if let Ok(mut filter) = Filter::new(&program, Box::new(Still)) {
        let mut packet = Packet::new();
        packet.set_frame(bytes);
        filter.run(&mut packet).expect("a translated filter breaks no rule");
    }
    if let Ok(mut filter) = SeccompFilter::new(&program) {
        filter.run(&SeccompData::default()).expect("a translated filter breaks no rule");
    }
});
