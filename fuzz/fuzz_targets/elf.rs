//! Any object: a diagnostic, or programs whose every slot can be asked for, and which the vm refuses or runs to an end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep_object::{Listing, Object};
use skep_vm::{Config, Host, Machine, Packet};

struct Still;

impl Host for Still {
    fn now_ns(&mut self) -> u64 {
        1000
    }
    fn boot_ns(&mut self) -> u64 {
        2000
    }
    fn random_u32(&mut self) -> u32 {
        4
    }
    fn print(&mut self, _: &str) {}
}

/// Programs of one object that are loaded; a small object can name thousands.
const PROGRAMS: usize = 16;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(listing) = Listing::parse(bytes) {
        let mut text = String::new();
        listing.write_to("fuzz.o", &mut text).expect("a String takes all");
    }
    let object = match Object::parse("fuzz.o", bytes) {
        Ok(object) => object,
        Err(diagnostic) => return assert!(!diagnostic.to_string().is_empty()),
    };
    for program in &object.programs {
        assert_eq!(program.funcs.first().map(|f| f.slot), Some(0));
        for slot in 0..program.code.len() {
            assert!(program.func_at(slot).is_some_and(|f| f.slot as usize <= slot));
            assert!(program.line_at(slot).is_none_or(|l| l.slot as usize <= slot));
        }
        assert!(program.relocs.iter().all(|r| (r.slot as usize) < program.code.len()));
        assert!(program.relocs.is_sorted_by_key(|r| r.slot) && program.lines.is_sorted_by_key(|l| l.slot));
    }
    for like_kernel in [false, true] {
        let config = Config { cpus: 2, fuel: 10_000, map_memory: 1 << 24, like_kernel };
        for index in 0..object.programs.len().min(PROGRAMS) {
            match Machine::new(&object, Some(&[index]), config.clone(), Box::new(Still)) {
                Ok(mut machine) => {
                    let mut packet = Packet::new();
                    packet.set_frame(&[0x45; 64]);
                    machine.run(index, &mut packet);
                    for map in 0..object.maps.len() {
                        machine.drain(map, |_| {});
                    }
                }
                Err(error) => assert!(!error.diagnostic().to_string().is_empty()),
            }
        }
    }
});
