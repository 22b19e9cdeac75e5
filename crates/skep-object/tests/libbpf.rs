//! Linked and relocated programs against libbpf's, slot for slot: `bpftool gen skeleton -L` lets libbpf link an object
//! and prints what it would load. Needs the package bpftool, no privilege.
#![cfg(feature = "corpus-tests")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use skep_isa::Insn;
use skep_object::{Object, RelocTarget};
use support::{CALL, Elf, GLOBAL_FUNC, call, exit, mov};

/// A load of a map's descriptor, and of an address in its value, by the map's index.
const PSEUDO_MAP_IDX: u8 = 5;
const PSEUDO_MAP_IDX_VALUE: u8 = 6;

/// What the loader in a light skeleton carries: the programs' instructions lie in it, at multiples of eight.
fn carried(object: &Path) -> Vec<u8> {
    let output = Command::new("bpftool").args(["gen", "skeleton", "-L"]).arg(object).output().expect("bpftool runs");
    let text = String::from_utf8(output.stdout).expect("C");
    assert!(output.status.success(), "{}: {}", object.display(), String::from_utf8_lossy(&output.stderr));
    let (_, data) = text.split_once("opts.data = (void *)\"").expect("the data");
    let (data, _) = data.split_once("\";").expect("its end");
    // `\0`, or `\x` and two digits; a backslash alone ends a line.
    let escapes = data.split('\\').map(str::trim).filter(|escape| !escape.is_empty());
    escapes.map(|e| u8::from_str_radix(e.trim_start_matches('x'), 16).expect("an escape of C")).collect()
}

/// The program with its references written as libbpf writes them for a loader.
fn lowered(object: &Object, program: usize) -> Vec<Insn> {
    let program = &object.programs[program];
    let mut code = program.code.clone();
    for reloc in &program.relocs {
        let slot = reloc.slot as usize;
        let (src, map, offset) = match reloc.target {
            RelocTarget::Map(map) => (PSEUDO_MAP_IDX, map, 0),
            RelocTarget::MapValue { map, offset } => (PSEUDO_MAP_IDX_VALUE, map, offset),
            ref other => panic!("slot {slot} refers to {other:?}"),
        };
        (code[slot].src, code[slot].imm) = (src, map as i32);
        code[slot + 1].imm = offset as i32;
    }
    code
}

fn objects() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let list =
        |folder: PathBuf| std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let examples = list(root.join("examples")).filter(|path| path.is_dir()).flat_map(list);
    let mut objects: Vec<_> = examples.chain(list(root.join("tests/programs"))).collect();
    objects.retain(|path| path.extension().is_some_and(|e| e == "o"));
    objects.sort();
    objects
}

#[test]
fn programs_are_linked_and_relocated_as_libbpf_does() {
    let (mut programs, mut several) = (0, 0);
    for path in objects() {
        let bytes = std::fs::read(&path).expect("an object");
        let object = Object::parse(&path.display().to_string(), &bytes).expect("a good object");
        let carried = Insn::slots(&carried(&path));
        for (index, program) in object.programs.iter().enumerate() {
            let code = lowered(&object, index);
            let found = carried.windows(code.len()).any(|window| window == code);
            assert!(found, "{}: libbpf makes something else of `{}`", path.display(), program.name);
            programs += 1;
            several += usize::from(program.funcs.len() > 1);
        }
    }
    assert!(programs >= 30 && several >= 2, "{programs} programs, {several} with subprograms");
}

#[test]
fn subprograms_stand_in_the_order_libbpf_gives_them() {
    // `main` calls `a` and `b`, `a` calls `c` and `d`, `d` calls `b`.
    let mut elf = Elf::default();
    let text = [mov(0), exit(), call(-1), call(-1), exit(), mov(2), exit(), mov(3), exit(), call(-1), exit()];
    let text = elf.code(".text", &text);
    elf.symbol("unused", GLOBAL_FUNC, text, 0, 16);
    let a = elf.symbol("a", GLOBAL_FUNC, text, 16, 24);
    let b = elf.symbol("b", GLOBAL_FUNC, text, 40, 16);
    let c = elf.symbol("c", GLOBAL_FUNC, text, 56, 16);
    let d = elf.symbol("d", GLOBAL_FUNC, text, 72, 16);
    let xdp = elf.code("xdp", &[call(-1), call(-1), exit()]);
    elf.symbol("main", GLOBAL_FUNC, xdp, 0, 24);
    elf.data("license", b"GPL\0");
    elf.relocate_named(".relxdp", xdp, &[(0, a, CALL), (8, b, CALL)]);
    elf.relocate_named(".rel.text", text, &[(16, c, CALL), (24, d, CALL), (72, b, CALL)]);
    let bytes = elf.bytes();
    let path = std::env::temp_dir().join(format!("skep-order-{}.bpf.o", std::process::id()));
    std::fs::write(&path, &bytes).expect("written");
    let carried = Insn::slots(&carried(&path));
    std::fs::remove_file(&path).expect("removed");
    let object = Object::parse("order.bpf.o", &bytes).expect("a good object");
    let code = lowered(&object, 0);
    assert_eq!(code.len(), 12);
    assert!(carried.windows(12).any(|window| window == code), "{code:?}");
    let names: Vec<_> = object.programs[0].funcs.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["main", "a", "c", "d", "b"]);
}
