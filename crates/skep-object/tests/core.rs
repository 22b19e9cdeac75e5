//! Whole programs adapted to types in a file: what is changed, what is missing, what is refused, as the user reads it.

use std::path::Path;

use skep_btf::Scan;
use skep_btf::core::{Resolver, Target};
use skep_object::{Object, ProgramSpec, RelocTarget, Relocated};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/object").join(name)).expect("there")
}

/// A program of the fixture, after a change, adapted to the fixture's types.
fn relocate(name: &str, change: impl Fn(&mut ProgramSpec)) -> Result<Relocated, String> {
    let mut object = Object::parse("core_fields.bpf.o", &bytes("core_fields.bpf.o")).expect("an object");
    let types = bytes("core_types.bpf.o");
    let types = skep_object::types("core_types.bpf.o", &types).expect("types");
    let kernel = Scan::new(&types).expect("types");
    let target = Target::new(&kernel);
    let btf = object.btf.clone().expect("types");
    let local = Scan::new(btf.bytes()).expect("types");
    let program = object.programs.iter_mut().find(|p| p.name == name).expect("a program");
    change(program);
    let resolver = Resolver::new(&local, &target);
    program.relocate(&resolver, |offset| btf.string(offset)).map_err(|d| d.to_string())
}

/// The first slot that depends on the kernel's types.
fn first(program: &ProgramSpec) -> usize {
    let core = program.relocs.iter().find(|r| matches!(r.target, RelocTarget::Core(_)));
    core.expect("it depends on the kernel's types").slot as usize
}

#[test]
fn every_relocation_is_settled_and_those_of_maps_are_kept() {
    let done = relocate("adapted", |_| {}).expect("adapted");
    assert!(done.poisoned.is_empty() && !done.program.needs_kernel_types());
    assert!(
        !done.program.relocs.is_empty() && done.program.relocs.iter().all(|r| matches!(r.target, RelocTarget::Map(_)))
    );
    // The first is where `h_proto` stands: at 0 in the program's types, at 12 in these.
    let changed: Vec<_> = done.program.code.iter().filter(|insn| insn.imm == 12 || insn.off == 12).collect();
    assert!(!changed.is_empty());
}

#[test]
fn what_is_missing_is_kept_with_its_place() {
    let done = relocate("lacking", |_| {}).expect("adapted");
    let [poisoned] = done.poisoned.as_slice() else { panic!("{:?}", done.poisoned) };
    let because = "it is reached";
    let near = ["tos".to_owned()];
    let text = poisoned.diagnostic(&done.program, |_| None, &near, because).to_string();
    let expected = format!(
        "\
error[K0006]: `lacking` needs `iphdr___short.gone`, which this kernel does not have
 |
 = note: `iphdr` has no member `gone` here
 = note: instruction {} asks for field_byte_offset, and it is reached
 = help: `iphdr` has `tos`
 = help: use it only where `bpf_core_field_exists` says it is there",
        poisoned.slot
    );
    assert_eq!(text, expected);
}

#[test]
fn an_instruction_that_was_changed_since_it_was_compiled_is_refused_with_its_line() {
    let refused = relocate("lacking", |program| {
        let slot = first(program);
        program.code[slot].off += 4;
        program.code[slot].imm += 4;
        // What is missing is poisoned whatever stands there: ask for another field.
        let adapted = Object::parse("core_fields.bpf.o", &bytes("core_fields.bpf.o")).expect("an object");
        let adapted = adapted.program("adapted").expect("a program");
        let of_protocol = adapted.relocs.iter().find(|r| matches!(r.target, RelocTarget::Core(_))).expect("one");
        for reloc in program.relocs.iter_mut().filter(|r| matches!(r.target, RelocTarget::Core(_))) {
            reloc.target = of_protocol.target.clone();
        }
    });
    let text = refused.expect_err("not what was compiled");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "error[B0003]: instruction 6 of `lacking` cannot be adapted to this kernel's types");
    assert!(lines[1].contains("core_fields.bpf.c:59:2"), "{text}");
    let note = "   = note: instruction 6 carries 8, although `ethhdr.h_proto` was 0 when it was compiled";
    assert!(lines.contains(&note), "{text}");
    assert!(lines.last().is_some_and(|help| help.starts_with("   = help: compile the object again")), "{text}");
}

#[test]
fn types_are_taken_from_an_elf_file_or_as_they_are() {
    let object = bytes("core_types.bpf.o");
    let types = skep_object::types("core_types.bpf.o", &object).expect("types");
    assert!(types.starts_with(&[0x9f, 0xeb]) && types.len() < object.len());
    assert_eq!(skep_object::types("bare.btf", &types).expect("as they are"), types);
    let damaged = skep_object::types("cut.o", &object[..100]).expect_err("cut");
    assert_eq!(damaged.code.as_str(), "O0002");
}
