//! Any ELF bytes: a listing or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep_object::Listing;

fuzz_target!(|bytes: &[u8]| {
    match Listing::parse(bytes) {
        Ok(listing) => {
            let mut text = String::new();
            listing.write_to("fuzz.o", &mut text).expect("a String takes all");
        }
        Err(error) => assert!(!error.diagnostic("fuzz.o").to_string().is_empty()),
    }
});
