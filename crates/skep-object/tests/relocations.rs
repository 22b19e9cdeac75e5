//! Objects made by hand, one fact each: what programs are made of and what their code refers to.

mod support;

use skep_btf::TypeId;
use skep_isa::Insn;
use skep_isa::spec::ProgType;
use skep_object::{FuncInfo, MapRole, Object, Reloc, RelocTarget};
use support::types::Types;
use support::*;

/// One program of the given code with relocations; `rels` names the symbols made before.
fn program(elf: &mut Elf, code: &[Insn], rels: &[(u64, u32, u32)]) -> u32 {
    let section = elf.code("xdp", code);
    elf.symbol("main", GLOBAL_FUNC, section, 0, code.len() as u64 * 8);
    elf.relocate(section, rels);
    section
}

fn funcs(object: &Object, program: usize) -> Vec<(u32, &str)> {
    object.programs[program].funcs.iter().map(|f| (f.slot, f.name.as_str())).collect()
}

#[test]
fn an_object_without_types_and_maps_is_read() {
    let mut elf = Elf::default();
    program(&mut elf, &[mov(2), exit()], &[]);
    elf.data("license", b"GPL\0");
    let object = elf.parse().expect("no types are needed");
    assert_eq!((object.name.as_str(), object.license.as_str()), ("test", "GPL"));
    assert!(object.btf.is_none() && object.maps.is_empty());
    let program = object.program("main").expect("the program");
    assert_eq!((program.prog_type(), program.code.as_slice()), (Some(ProgType::Xdp), &[mov(2), exit()][..]));
    assert_eq!(program.funcs, [FuncInfo { slot: 0, name: "main".into(), type_id: None }]);
}

#[test]
fn data_is_referred_to_by_its_symbol_or_its_section() {
    let mut elf = Elf::default();
    let data = elf.data(".data", &[1, 0, 0, 0, 2, 0, 0, 0]);
    let bss = elf.zeros(".bss", 24);
    let named = elf.symbol("second", GLOBAL_OBJECT, data, 4, 4);
    let whole = elf.symbol("", LOCAL_SECTION, bss, 0, 0);
    let code = [wide(0), wide(16), wide(2), [mov(0), exit()]].concat();
    program(&mut elf, &code, &[(0, named, ADDRESS), (16, whole, ADDRESS), (32, named, ADDRESS)]);
    let object = elf.parse().expect("a good object");
    let names: Vec<_> = object.maps.iter().map(|m| (m.name.as_str(), m.value_size)).collect();
    assert_eq!(names, [("test.data", 8), ("test.bss", 24)]);
    assert_eq!(object.maps[1].role, MapRole::Data { initial: vec![0; 24], read_only: false });
    let at = |slot, map, offset| Reloc { slot, target: RelocTarget::MapValue { map, offset } };
    assert_eq!(object.programs[0].relocs, [at(0, 0, 4), at(2, 1, 16), at(4, 0, 6)]);
}

#[test]
fn maps_are_referred_to_by_symbol() {
    let mut types = Types::default();
    let int = types.int("int", 4, 0);
    let kind = pointer_to_array(&mut types, int, 2);
    let entries = pointer_to_array(&mut types, int, 9);
    let to_int = types.to(2, "", int);
    let members = [("type", kind, 0), ("max_entries", entries, 8), ("key", to_int, 16), ("value", to_int, 24)];
    let definition = types.structure("", 32, &members);
    let (first, second) = (types.var("first", definition, 1), types.var("second", definition, 1));
    types.section(".maps", 0, &[(first, 0, 32), (second, 0, 32)]);
    let mut elf = Elf::default();
    elf.section(".BTF", PROGBITS, 0, &types.bytes());
    let maps = elf.data(".maps", &[0; 64]);
    elf.symbol("first", GLOBAL_OBJECT, maps, 0, 32);
    let symbol = elf.symbol("second", GLOBAL_OBJECT, maps, 32, 32);
    program(&mut elf, &[wide(0).as_slice(), &[exit()]].concat(), &[(0, symbol, ADDRESS)]);
    let object = elf.parse().expect("a good object");
    assert_eq!(object.maps.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(object.programs[0].relocs, [Reloc { slot: 0, target: RelocTarget::Map(1) }]);
}

fn pointer_to_array(types: &mut Types, element: TypeId, len: u32) -> TypeId {
    let array = types.array(element, len);
    types.to(2, "", array)
}

#[test]
fn a_subprogram_is_shared_and_laid_out_behind_each_program() {
    let mut elf = Elf::default();
    // Functions in .text: `unused`, then `static_one`, which is called by its section and a distance.
    let text = elf.code(".text", &[mov(9), exit(), mov(1), exit()]);
    let whole = elf.symbol("", LOCAL_SECTION, text, 0, 0);
    elf.symbol("unused", GLOBAL_FUNC, text, 0, 16);
    let one = elf.symbol("static_one", LOCAL_FUNC, text, 16, 16);
    let xdp = elf.code("xdp", &[call(1), exit(), mov(5), mov(6), call(-1), exit()]);
    elf.symbol("first", GLOBAL_FUNC, xdp, 0, 16);
    elf.symbol("second", GLOBAL_FUNC, xdp, 16, 32);
    // By section the immediate is the slot less one; by name it is -1.
    elf.relocate(xdp, &[(0, whole, CALL), (32, one, CALL)]);
    let object = elf.parse().expect("a good object");
    assert_eq!(object.programs.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(funcs(&object, 0), [(0, "first"), (2, "static_one")]);
    assert_eq!(object.programs[0].code, [call(1), exit(), mov(1), exit()]);
    assert_eq!(funcs(&object, 1), [(0, "second"), (4, "static_one")]);
    assert_eq!(object.programs[1].code, [mov(5), mov(6), call(1), exit(), mov(1), exit()]);
}

#[test]
fn calls_across_sections_within_one_and_of_oneself_all_meet() {
    let mut elf = Elf::default();
    let text = elf.code(".text", &[call(1), exit(), call(-3), exit()]);
    let outer = elf.symbol("outer", GLOBAL_FUNC, text, 0, 16);
    elf.symbol("inner", GLOBAL_FUNC, text, 16, 16);
    program(&mut elf, &[call(-1), exit()], &[(0, outer, CALL)]);
    let object = elf.parse().expect("recursion is the verifier's business");
    assert_eq!(funcs(&object, 0), [(0, "main"), (2, "outer"), (4, "inner")]);
    assert_eq!(object.programs[0].code, [call(1), exit(), call(1), exit(), call(-3), exit()]);
}

#[test]
fn the_address_of_a_function_is_a_distance() {
    let mut elf = Elf::default();
    let text = elf.code(".text", &[mov(7), exit(), mov(1), exit()]);
    elf.symbol("other", LOCAL_FUNC, text, 0, 16);
    elf.symbol("each", LOCAL_FUNC, text, 16, 16);
    let whole = elf.symbol("", LOCAL_SECTION, text, 0, 0);
    program(&mut elf, &[wide(16).as_slice(), &[exit()]].concat(), &[(0, whole, ADDRESS)]);
    let object = elf.parse().expect("a good object");
    assert_eq!(funcs(&object, 0), [(0, "main"), (3, "each")]);
    assert_eq!(object.programs[0].code[0], Insn::new(0x18, 1, 4, 0, 2), "PSEUDO_FUNC, from slot 0 to 3");
}

#[test]
fn a_symbol_of_nowhere_is_left_to_the_engine() {
    let mut elf = Elf::default();
    let symbol = elf.symbol("CONFIG_HZ", GLOBAL_UNDEFINED, 0, 0, 0);
    program(&mut elf, &[wide(0).as_slice(), &[exit()]].concat(), &[(0, symbol, ADDRESS)]);
    let object = elf.parse().expect("a good object");
    assert_eq!(object.programs[0].relocs, [Reloc { slot: 0, target: RelocTarget::Extern("CONFIG_HZ".into()) }]);
}

/// What is said of a program with one relocation.
fn refused(make: impl FnOnce(&mut Elf) -> (Vec<Insn>, (u64, u32, u32))) -> (String, String) {
    let mut elf = Elf::default();
    let (code, rel) = make(&mut elf);
    program(&mut elf, &code, &[rel]);
    let error = elf.parse().expect_err("it leads nowhere");
    assert!(!error.helps.is_empty() || !error.notes.is_empty(), "{error}");
    (error.code.as_str().to_owned(), error.notes.join(" "))
}

#[test]
fn relocations_that_lead_nowhere_are_refused_with_the_reason() {
    let load = || [wide(0).as_slice(), &[exit()]].concat();
    let cases = [
        (refused(|_| (load(), (0, 77, ADDRESS))), "there is no symbol 77"),
        (refused(|_| (load(), (4, 0, ADDRESS))), "there is no instruction"),
        (refused(|_| (load(), (800, 0, ADDRESS))), "there is no instruction"),
        (
            refused(|e| {
                let d = e.data("x", &[0; 8]);
                (load(), (0, e.symbol("v", GLOBAL_OBJECT, d, 0, 8), ADDRESS))
            }),
            "`v` is neither a map nor data",
        ),
        (
            refused(|e| {
                let d = e.data(".data", &[0; 8]);
                (load(), (16, e.symbol("v", GLOBAL_OBJECT, d, 0, 8), ADDRESS))
            }),
            "kind 1 does not fit the instruction",
        ),
        (
            refused(|e| {
                let d = e.data(".data", &[0; 8]);
                (load(), (0, e.symbol("v", GLOBAL_OBJECT, d, 0, 8), 3))
            }),
            "kind 3 does not fit the instruction",
        ),
        (
            refused(|e| {
                let t = e.code(".text", &[mov(0), exit()]);
                (vec![call(-9), exit()], (0, e.symbol("", LOCAL_SECTION, t, 0, 0), CALL))
            }),
            "the call goes before its section",
        ),
        (
            refused(|e| {
                let t = e.code(".text", &[mov(0), exit()]);
                (vec![call(0), exit()], (0, e.symbol("", LOCAL_SECTION, t, 0, 0), CALL))
            }),
            "instruction 0 of section xdp calls instruction 1 of section .text, where no function begins",
        ),
    ];
    for ((code, why), expected) in cases {
        assert_eq!(code, "O0006", "{why}");
        assert!(why.contains(expected), "{why:?} does not say {expected:?}");
    }
}

#[test]
fn functions_outside_their_section_are_refused() {
    for (value, size) in [(4, 8), (0, 24), (16, 8), (0, 0), (0, 12), (u64::MAX - 7, 16), (8, u64::MAX - 7)] {
        let mut elf = Elf::default();
        let section = elf.code("xdp", &[mov(0), exit()]);
        elf.symbol("main", GLOBAL_FUNC, section, value, size);
        let error = elf.parse().expect_err("it does not lie inside");
        assert_eq!(error.code.as_str(), "O0010", "{value} {size}: {error}");
    }
}

#[test]
fn sections_keep_their_names_and_order_as_maps() {
    let mut elf = Elf::default();
    program(&mut elf, &[mov(0), exit()], &[]);
    for name in [".rodata", ".rodata.str1.1", ".data.counters", ".bss", ".bss.locks", ".bsserie", ".eh_frame"] {
        elf.data(name, &[1; 4]);
    }
    elf.data(".data", &[]);
    let object = elf.parse().expect("a good object");
    let maps: Vec<_> = object.maps.iter().map(|m| (m.name.as_str(), m.flags, m.max_entries)).collect();
    let (read_only, writable) = (1 << 7 | 1 << 10, 1 << 10);
    let expected = [
        ("test.rodata", read_only, 1),
        (".rodata.str1.1", read_only, 1),
        (".data.counters", writable, 1),
        ("test.bss", writable, 1),
        (".bss.locks", writable, 1),
    ];
    assert_eq!(maps, expected);
}
