//! Any object, linked alone and after itself: a diagnostic, or an object that is linked again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep_object::{Object, link};

fuzz_target!(|bytes: &[u8]| {
    let parts = [("fuzz.o", bytes), ("again.o", bytes)];
    for count in [1, 2] {
        match link(&parts[..count]) {
            Ok(linked) => {
                let read = Object::parse("linked.o", &linked);
                // Alone it says what it said, and can be linked again.
                if count == 1 {
                    if let (Ok(before), Ok(after)) = (Object::parse("fuzz.o", bytes), &read) {
                        assert_eq!(before.programs.len(), after.programs.len());
                    }
                    assert!(link(&[("linked.o", &linked)]).is_ok());
                }
            }
            Err(diagnostic) => assert!(!diagnostic.to_string().is_empty()),
        }
    }
});
