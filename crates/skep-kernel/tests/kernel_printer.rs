//! What the kernel's verifier prints of an instruction is what `disasm::kernel` prints, and is assembled to it again.
//! Needs root.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod host;

use host::*;
use skep_isa::opcode::{self, Callee, Field, Kind, Source};
use skep_isa::{Insn, asm, disasm};
use skep_kernel::{Error, Options, load};

/// The verifier's line about the first instruction; `None` when it refuses the program before it looks at that.
fn printed(insn: Insn, tail: Option<Insn>) -> Option<String> {
    let mut code = vec![insn];
    code.extend(tail);
    // Registers that were never written: whatever the instruction does, the program is rejected, and there is a log.
    code.extend([Insn::new(0x79, 1, 9, 0, 0), mov(0, 0), exit()]);
    let object = object(vec![program("printed", "socket", (code, vec![]))], vec![]);
    let options = Options { counting: false, ..Options::default() };
    match load(&object, &options) {
        Err(Error::Rejected { log, .. }) => {
            let line = log.lines().find_map(|line| line.strip_prefix("0: ").filter(|text| text.starts_with('(')))?;
            // State of registers stands behind the text.
            Some(line.split(';').next().unwrap_or(line).trim_end().to_owned())
        }
        Err(_) => None,
        Ok(_) => panic!("{insn:?} is loaded with a register that was never written"),
    }
}

#[test]
fn the_verifier_prints_every_row_as_we_do() {
    let corners = [(0, 0), (8, 5), (-8, -5), (0x7ff0, i32::MAX), (-0x7ff0, i32::MIN)];
    let (mut same, mut silent) = (0, Vec::new());
    let here = skep_kernel::feature::kernel_version().expect("a version");
    // What no kernel takes has no version.
    let is_newer = |op: &&opcode::Op| op.since.is_some_and(|since| since > here);
    println!(
        "newer than this kernel: {:?}",
        opcode::TABLE.iter().filter(is_newer).map(|op| op.name).collect::<Vec<_>>()
    );
    for op in opcode::TABLE.iter().filter(|op| !is_newer(op)) {
        // Sources that need a descriptor, and functions that are not there, are refused before they are printed.
        if matches!(op.kind, Kind::LoadImm(source) if source != Source::Const)
            || matches!(op.kind, Kind::Call(Callee::Local | Callee::Kfunc))
        {
            continue;
        }
        let mut seen = false;
        for (off, imm) in corners {
            let jumps = op.jump(Insn::default()).is_some();
            let value = |field, value: i32| if field == Field::Value { value } else { 0 };
            // A jump must lead somewhere, and leave no instruction out.
            let always = matches!(op.kind, Kind::Goto(_));
            let off = if jumps { i32::from(!always) } else { off };
            let imm = if always { 0 } else { imm };
            let register = |field, number| match field {
                Field::Read | Field::Write | Field::Update => number,
                _ => 0,
            };
            let encoded =
                op.encode(register(op.dst, 3), register(op.src, 4), value(op.off, off) as i16, value(op.imm, imm));
            let insn = encoded.expect("a row");
            let tail = insn.is_wide().then(|| opcode::Op::tail(imm / 3));
            let Some(theirs) = printed(insn, tail) else { continue };
            let ours = disasm::kernel::text(insn, tail);
            assert_eq!(ours, theirs);
            let again = asm::instructions(&theirs).unwrap_or_else(|errors| panic!("{}", errors[0]));
            assert_eq!(again[0], insn, "{theirs}");
            seen = true;
            same += 1;
        }
        if !seen {
            silent.push(op.name);
        }
    }
    // No kernel takes the one, and behind the other nothing may stand.
    assert_eq!(silent, ["callx", "exit"]);
    println!("{same} instructions printed alike");
    assert!(same > 500, "{same}");
}
