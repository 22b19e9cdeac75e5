//! What is read from and written to the encoded form: sections of variables, kinds, `.BTF.ext`, damaged bytes.

mod support;

use skep_btf::{Btf, Error, Ext, Kind, SectionVar, TypeId};
use support::{SIGNED, Types, kind};

#[test]
fn every_kind_is_read_as_it_was_written() {
    let mut t = Types::default();
    let int = t.int("int", 4, SIGNED);
    let param = t.string("x");
    t.to(kind::PTR, "", int);
    t.to(kind::RESTRICT, "", TypeId(2));
    t.add("u", kind::FWD, 0, true, 0, &[]);
    t.add("", kind::FUNC_PROTO, 2, false, int.0, &[param, int.0, 0, 0]);
    t.add("f", kind::FUNC, 1, false, 5, &[]);
    t.var("v", int, 1);
    t.to(kind::TYPE_TAG, "user", int);
    t.tag("record:s", TypeId(7), -1);
    let btf = t.btf();
    let kinds: Vec<&Kind> = btf.types().skip(1).map(|(_, t)| &t.kind).collect();
    assert_eq!(kinds[0], &Kind::Int { size: 4, bits: 32, signed: true, char: false, bool: false });
    assert_eq!(kinds[1..4], [&Kind::Ptr(int), &Kind::Restrict(TypeId(2)), &Kind::Fwd { union: true }]);
    assert_eq!(kinds[4], &Kind::FuncProto { ret: int, params: vec![(param, int), (0, TypeId(0))] });
    assert_eq!(kinds[5], &Kind::Func { proto: TypeId(5), linkage: 1 });
    assert_eq!(kinds[6..8], [&Kind::Var { type_id: int, linkage: 1 }, &Kind::TypeTag(int)]);
    assert_eq!(kinds[8], &Kind::DeclTag { type_id: TypeId(7), component: -1 });
    assert_eq!((btf.name(TypeId(7)), btf.size_of(TypeId(7))), ("v", Some(4)));
    assert_eq!(btf.decl_tags(TypeId(7), -1).collect::<Vec<_>>(), ["record:s"]);
}

#[test]
fn the_layout_of_a_section_is_written_into_the_bytes() {
    let mut t = Types::default();
    let int = t.int("int", 4, 0);
    let (late, early, hidden) = (t.var("late", int, 1), t.var("early", int, 1), t.var("hidden", int, 0));
    let section = t.section(".data", 0, &[(late, 0, 4), (early, 0, 4), (hidden, 4, 4)]);
    let after = t.structure("after", 4, &[("member", int, 0)]);
    let mut btf = t.btf();
    btf.set_section_layout(section, 12, |name| match name {
        "late" => Some(8),
        "early" => Some(0),
        name => panic!("{name} is static: its place is known"),
    });
    let var = |type_id, offset| SectionVar { type_id, offset, size: 4 };
    let vars = vec![var(early, 0), var(hidden, 4), var(late, 8)];
    let again = Btf::parse(btf.bytes()).expect("still well made");
    assert_eq!(again.get(section).map(|t| &t.kind), Some(&Kind::Datasec { size: 12, vars }));
    assert_eq!(again.get(after), btf.get(after));
    let bytes: Vec<u8> = (1_u8..=12).flat_map(|n| [if n % 4 == 1 { n } else { 0 }]).collect();
    assert_eq!(again.value(section, &bytes).to_string(), "{early: 1, hidden: 5, late: 9}");
    // What is no section stays as it is.
    btf.set_section_layout(int, 99, |_| None);
    btf.set_section_layout(TypeId(77), 99, |_| None);
    assert_eq!(btf.bytes(), again.bytes());
}

/// `.BTF.ext` of the parts given as words, with a record size in front of each.
fn ext(parts: &[&[u32]], header: u32) -> Vec<u8> {
    let mut bytes = vec![0x9f, 0xeb, 1, 0];
    let mut words = vec![header];
    let mut at = 0;
    for part in parts {
        words.extend([at, part.len() as u32 * 4]);
        at += part.len() as u32 * 4;
    }
    words.extend(parts.iter().copied().flatten());
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    bytes
}

#[test]
fn records_of_several_sections_keep_their_section() {
    let funcs = [8, 100, 2, 0, 1, 16, 2, 200, 1, 0, 3];
    let lines = [16, 100, 1, 8, 5, 6, 7 << 10 | 9, 200, 1, 0, 5, 6, 1 << 10];
    let cores = [16, 200, 1, 24, 4, 60, 0];
    let read = Ext::parse(&ext(&[&funcs, &lines, &cores], 32)).expect("well made");
    let funcs: Vec<_> = read.funcs.iter().map(|f| (f.section, f.offset, f.type_id.0)).collect();
    assert_eq!(funcs, [(100, 0, 1), (100, 16, 2), (200, 0, 3)]);
    let lines: Vec<_> = read.lines.iter().map(|l| (l.section, l.offset, l.line, l.column)).collect();
    assert_eq!(lines, [(100, 8, 7, 9), (200, 0, 1, 0)]);
    assert_eq!(read.cores.iter().map(|c| (c.section, c.offset, c.access_off)).collect::<Vec<_>>(), [(200, 24, 60)]);
}

#[test]
fn records_may_be_longer_than_known_and_the_core_part_may_be_missing() {
    let funcs = [12, 100, 1, 0, 1, 0xdead];
    let read = Ext::parse(&ext(&[&funcs, &[]], 24)).expect("an older header, longer records");
    assert_eq!((read.funcs.len(), read.lines.len(), read.cores.len()), (1, 0, 0));
}

#[test]
fn damaged_ext_is_an_error() {
    let cut = [8, 100, 2, 0, 1];
    assert!(Ext::parse(&ext(&[&cut, &[]], 24)).is_err(), "fewer records than said");
    let short = [4, 100, 1, 0];
    assert!(Ext::parse(&ext(&[&short, &[]], 24)).is_err(), "records too short");
    let none = [0, 100, u32::MAX];
    assert!(Ext::parse(&ext(&[&none, &[]], 24)).is_err(), "records without a size");
    assert_eq!(Ext::parse(&[0x9f, 0xeb, 2]).map(|_| ()), Err(Error::Version(2)));
}

#[test]
fn damaged_types_are_errors_that_say_where() {
    let mut t = Types::default();
    t.int("int", 4, 0);
    t.add("bad", 31, 0, false, 0, &[]);
    assert_eq!(Btf::parse(&t.bytes()).map(|_| ()), Err(Error::Type { id: 2, offset: 16 }));
    let mut t = Types::default();
    t.add("many", kind::STRUCT, 65_535, false, 0, &[0, 0, 0]);
    let bytes = t.bytes();
    assert_eq!(Btf::parse(&bytes).map(|_| ()), Err(Error::Type { id: 1, offset: 0 }));
    for len in 0..bytes.len() {
        assert!(Btf::parse(&bytes[..len]).is_err());
    }
    assert_eq!(Btf::parse(&[0xeb, 0x9f, 1, 0]).map(|_| ()), Err(Error::Header), "the other byte order");
}
