//! The cases of `tests/data/isa` on the kernel: what the table says, the kernel says too. Memory afterwards is compared
//! with the interpreter's. Needs root; `cargo test -p skep-vm --features kernel-tests`.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

#[path = "support/cases.rs"]
mod cases;
#[path = "support/kernel.rs"]
mod kernel;
#[path = "support/mod.rs"]
mod support;

use std::time::Duration;

use kernel::KernelMap;
use skep_isa::Insn;
use skep_isa::spec::MapType;
use skep_vm::Routine;
use support::*;

/// The address of a map's first value.
fn value(dst: u8, map: &KernelMap) -> [Insn; 2] {
    [i(0x18, dst, 2, 0, map.descriptor()), i(0, 0, 0, 0, 0)]
}

#[test]
fn every_case_ends_on_the_kernel_as_in_the_table() {
    let result = KernelMap::new(&spec(MapType::Array, 4, 8, 1));
    let mut wrong = Vec::new();
    for (n, case) in cases::all().iter().enumerate() {
        // Programs that were compiled are freed in the background; too many at once are more than a kernel takes.
        if n % 32 == 31 {
            std::thread::sleep(Duration::from_millis(20));
        }
        let memory = KernelMap::new(&spec(MapType::Array, 4, (case.memory.len() as u32).max(1), 1));
        memory.update(&[0; 4], if case.memory.is_empty() { &[0] } else { &case.memory }, 0).expect("the memory");
        let first = if case.memory.is_empty() { [mov(1, 0), mov(1, 0)] } else { value(1, &memory) };
        let wrapper = [
            &first[..],
            &[mov(2, case.memory.len() as i32), i(0x85, 0, 1, 0, 5)],
            &value(1, &result),
            &[stx(8, 1, 0, 0), mov(0, 0), exit()],
        ];
        let code = [&wrapper.concat()[..], &case.code].concat();
        if let Err(why) = kernel::test_run("xdp", &code, &[0; 64]) {
            wrong.push(format!("{}: {}: {why}", case.place, case.text));
            continue;
        }
        let r0 = result.lookup(&[0; 4]).expect("the result");
        let r0 = u64::from_le_bytes(r0.try_into().expect("eight bytes"));
        let mut routine = Routine::of_code(case.code.clone(), Vec::new()).expect("a good program");
        let mut ours = case.memory.clone();
        let _ = routine.run(&mut ours);
        let theirs = memory.lookup(&[0; 4]).expect("the memory");
        if r0 != case.result || (!ours.is_empty() && ours != theirs) {
            wrong.push(format!(
                "{}: {}: {r0:#x}, not {:#x}; memory {theirs:x?}, here {ours:x?}",
                case.place, case.text, case.result
            ));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}
