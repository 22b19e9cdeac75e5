//! Any types of a program against any types of a kernel: each relocation is an error or an answer that can be put into an
//! instruction. The first two bytes are the length of the former.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep_btf::core::{Relocation, Resolver, Target, patch};
use skep_btf::Scan;
use skep_isa::Insn;

/// Most types that are asked about.
const TYPES: usize = 64;

fuzz_target!(|bytes: &[u8]| {
    let [low, high, rest @ ..] = bytes else { return };
    let Some((local, kernel)) = rest.split_at_checked(usize::from(u16::from_le_bytes([*low, *high]))) else { return };
    // Without a second half a program's types are also the kernel's.
    let kernel = if kernel.is_empty() { local } else { kernel };
    let (Ok(local), Ok(kernel)) = (Scan::new(local), Scan::new(kernel)) else { return };
    let target = Target::new(&kernel);
    let resolver = Resolver::new(&local, &target);
    let is_access = |off: &u32| local.string(*off).is_some_and(|text| text.starts_with(|c: char| c.is_ascii_digit()));
    let strings: Vec<u32> = (0..4096).filter(is_access).take(16).collect();
    for type_id in local.ids().take(TYPES) {
        for (kind, access_off) in (0..14).flat_map(|kind| strings.iter().map(move |off| (kind, *off))) {
            let Ok(found) = resolver.resolve(Relocation { kind, type_id, access_off }) else { continue };
            if let Some(missing) = &found.missing {
                let _ = (missing.to_string().len(), resolver.near(missing).len());
            }
            for code in [0xb7, 0x79, 0x62, 0x18] {
                let mut code = [Insn::new(code, 0, 0, 0, found.local as i32), Insn::default()];
                let _ = patch(&mut code, 0, &found);
            }
        }
    }
});
