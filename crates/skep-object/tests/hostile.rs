//! Small files that would have large objects, or long ones: refused, or read in a moment.

mod support;

use std::time::{Duration, Instant};

use skep_object::{Listing, Object, RelocTarget};
use support::types::{Types, kind};
use support::*;

/// Reads an object, which must take no longer than a thousandth of what the naive way takes, even unoptimised.
fn in_time(bytes: &[u8]) -> Result<Object, String> {
    let start = Instant::now();
    let result = Object::parse("hostile.o", bytes).map_err(|d| format!("{}: {}", d.code.as_str(), d.notes.join(" ")));
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "{} bytes took {took:?}", bytes.len());
    result
}

fn refused(bytes: &[u8], expected: &str) {
    let why = in_time(bytes).map(|_| ()).expect_err(expected);
    assert!(why.contains(expected), "{why}");
}

#[test]
fn zeros_that_take_no_room_in_the_file_are_counted_together() {
    let mut elf = Elf::default();
    for _ in 0..100 {
        elf.zeros(".bss", 1 << 27);
    }
    refused(&elf.bytes(), "O0007: it takes 134217728 bytes, and data sections have at most 268435456 together");
    let mut elf = Elf::default();
    elf.zeros(".bss", u64::MAX);
    refused(&elf.bytes(), "O0007");
}

#[test]
fn sections_of_the_same_bytes_are_refused() {
    let mut elf = Elf::default();
    let code = elf.code("xdp", &[mov(0); 10_000]);
    (0..1000).for_each(|_| _ = elf.again(code));
    let bytes = elf.bytes();
    refused(&bytes, "O0002: its sections overlap");
    assert!(Listing::parse(&bytes).is_err(), "a listing would be a thousand times the file");

    let mut elf = Elf::default();
    let code = elf.code("xdp", &[mov(0); 8]);
    let rels = elf.relocate(code, &[(0, 0, 1); 10_000]);
    (0..1000).for_each(|_| _ = elf.again(rels));
    refused(&elf.bytes(), "O0002: its sections overlap");
}

#[test]
fn functions_that_overlap_do_not_make_a_program_larger_than_the_limit() {
    let mut elf = Elf::default();
    let count = 20_000_u32;
    // Each slot calls the next, each is a function that goes to the end.
    let section = elf.code("xdp", &vec![call(0); count as usize]);
    let name = elf.name("f");
    for at in 0..u64::from(count) {
        elf.symbol_at(name, GLOBAL_FUNC, section, at * 8, (u64::from(count) - at) * 8);
    }
    refused(&elf.bytes(), "O0009: its programs have more than 4000000 instructions together");
}

#[test]
fn programs_that_share_subprograms_of_long_names_are_counted() {
    let mut elf = Elf::default();
    let (shared, programs) = (1000, 1000);
    // Each subprogram calls the next; each program calls the first.
    let text: Vec<_> = (0..shared).flat_map(|_| [call(1), exit()]).chain([mov(0), exit()]).collect();
    let text = elf.code(".text", &text);
    let name = elf.name([b'n'; 4000]);
    (0..=shared).for_each(|at| _ = elf.symbol_at(name, LOCAL_FUNC, text, at * 16, 16));
    let whole = elf.symbol("", LOCAL_SECTION, text, 0, 0);
    let xdp = elf.code("xdp", &(0..programs).flat_map(|_| [call(-1), exit()]).collect::<Vec<_>>());
    (0..programs).for_each(|at| _ = elf.symbol_at(name, GLOBAL_FUNC, xdp, at * 16, 16));
    elf.relocate(xdp, &(0..programs).map(|at| (at * 16, whole, CALL)).collect::<Vec<_>>());
    refused(&elf.bytes(), "O0009: its programs have more than 4000000 instructions together");
}

#[test]
fn names_that_a_terminal_would_obey_are_refused() {
    let mut elf = Elf::default();
    let section = elf.code("xdp", &[mov(0), exit()]);
    elf.symbol("\x1b[2J", GLOBAL_FUNC, section, 0, 16);
    refused(&elf.bytes(), "O0002: a symbol has no readable name");
}

#[test]
fn one_long_name_of_many_symbols_is_read_once_or_not_at_all() {
    let mut elf = Elf::default();
    let section = elf.code("xdp", &[mov(0), exit()]);
    let name = elf.name(vec![b'x'; 2 << 20]);
    (0..100_000).for_each(|_| _ = elf.symbol_at(name, GLOBAL_FUNC, section, 0, 16));
    let bytes = elf.bytes();
    refused(&bytes, "O0002: a symbol has no readable name");
    assert!(Listing::parse(&bytes).is_err());
}

/// Types with this many maps `m0`, `m1`, … of one definition, whose members are all `numa_node` beside its type.
fn many_maps(maps: u32, members: usize) -> Types {
    let mut types = Types::default();
    let int = types.int("int", 4, 0);
    let array = types.array(int, 2);
    let number = types.to(kind::PTR, "", array);
    let mut fields = vec![("type", number, 0)];
    fields.extend((1..members).map(|at| ("numa_node", number, at as u32)));
    let definition = types.structure("", 8, &fields);
    let vars: Vec<_> = (0..maps).map(|at| (types.var(&format!("m{at}"), definition, 1), at * 8, 8)).collect();
    types.section(".maps", 0, &vars);
    types
}

#[test]
fn definitions_of_thousands_of_fields_and_thousands_of_maps_are_refused() {
    let mut elf = Elf::default();
    elf.section(".BTF", PROGBITS, 0, &many_maps(65_535, 1).bytes());
    elf.data(".maps", &[0; 8]);
    refused(&elf.bytes(), "O0009");
    let mut elf = Elf::default();
    elf.section(".BTF", PROGBITS, 0, &many_maps(65_535, 60_000).bytes());
    elf.data(".maps", &[0; 8]);
    refused(&elf.bytes(), "O0007: it gives `numa_node` twice");
}

#[test]
fn relocations_to_thousands_of_maps_are_looked_up_not_searched() {
    let mut elf = Elf::default();
    elf.section(".BTF", PROGBITS, 0, &many_maps(4000, 1).bytes());
    let maps = elf.data(".maps", &[0; 8]);
    let last = elf.symbol("m3999", GLOBAL_OBJECT, maps, 3999 * 8, 8);
    let loads = 200_000_u64;
    let code: Vec<_> = (0..loads).flat_map(|_| wide(0)).chain([exit()]).collect();
    let section = elf.code("xdp", &code);
    elf.symbol("main", GLOBAL_FUNC, section, 0, code.len() as u64 * 8);
    elf.relocate(section, &(0..loads).map(|at| (at * 16, last, ADDRESS)).collect::<Vec<_>>());
    let object = in_time(&elf.bytes()).expect("large, but in order");
    assert_eq!((object.maps.len(), object.programs[0].relocs.len()), (4000, loads as usize));
    assert!(object.programs[0].relocs.iter().all(|r| r.target == RelocTarget::Map(3999)));
}

#[test]
fn sections_of_thousands_of_variables_meet_thousands_of_symbols() {
    let mut types = Types::default();
    let int = types.int("int", 4, 0);
    let vars: Vec<_> = (0..20_000).map(|at| (types.var(&format!("v{at}"), int, 1), 0, 4)).collect();
    for _ in 0..5 {
        types.section(".data", 0, &vars);
    }
    let mut elf = Elf::default();
    elf.section(".BTF", PROGBITS, 0, &types.bytes());
    let data = elf.data(".data", &[0; 80_000]);
    (0..20_000).rev().for_each(|at| _ = elf.symbol(&format!("v{at}"), GLOBAL_OBJECT, data, at * 4, 4));
    let object = in_time(&elf.bytes()).expect("large, but in order");
    let btf = object.btf.expect("types");
    let section = btf.get(object.maps[0].value_type.expect("its section")).expect("it is there");
    let skep_btf::Kind::Datasec { vars, size: 80_000 } = &section.kind else { panic!("{section:?}") };
    assert!(vars.iter().enumerate().all(|(at, v)| v.offset as usize == at * 4));
}

#[test]
fn a_million_lines_of_one_instruction_are_one_line() {
    let mut types = Types::default();
    types.int("int", 4, 0);
    let section = types.string("xdp");
    let count = 500_000_u32;
    let mut words = vec![24, 0, 0, 0, 12 + count * 16, 16, section, count];
    (0..count).for_each(|line| words.extend([8, 0, 0, line << 10]));
    let ext: Vec<u8> = [vec![0x9f, 0xeb, 1, 0], words.iter().flat_map(|w| w.to_le_bytes()).collect()].concat();
    let mut elf = Elf::default();
    elf.section(".BTF", PROGBITS, 0, &types.bytes());
    elf.section(".BTF.ext", PROGBITS, 0, &ext);
    let code = elf.code("xdp", &[mov(0); 1000]);
    (0..1000).for_each(|at| _ = elf.symbol("f", GLOBAL_FUNC, code, at * 8, (1000 - at) * 8));
    let object = in_time(&elf.bytes()).expect("large, but in order");
    assert_eq!(object.programs.len(), 1000);
    assert!(object.programs.iter().all(|p| p.lines.len() <= 1));
    assert_eq!(object.programs[0].line_at(1).map(|l| l.line), Some(count - 1), "the last that is said of it");
}
