//! Map definitions in BTF: every field, and what contradicts itself.

mod support;

use skep_btf::TypeId;
use skep_diag::Diagnostic;
use skep_isa::spec::MapType;
use skep_object::MapSpec;
use support::types::{SIGNED, Types, kind};
use support::*;

/// A field of a definition.
#[derive(Clone, Copy)]
enum Field {
    /// `__uint(NAME, NUMBER)`.
    Number(u32),
    /// `__type(NAME, int)`.
    Int,
    /// `__type(NAME, struct { int a; char b[12]; })`.
    Pair,
    /// A plain `int`, which says nothing.
    Plain,
    /// `__type(NAME, void)`.
    Void,
    /// `__array(NAME, struct { __uint(type, NUMBER); })`.
    Maps(u32),
    /// The same with `__array(values, …)` in it.
    MapsOfMaps,
    /// `__array(NAME, int (void *))`.
    Programs,
    /// An enumeration of this only constant: `__ulong(NAME, NUMBER)`.
    Long(i64),
}
use Field::*;

fn define(fields: &[(&str, Field)]) -> Result<MapSpec, Diagnostic> {
    let mut types = Types::default();
    let int = types.int("int", 4, SIGNED);
    let char = types.int("char", 1, SIGNED);
    let text = types.array(char, 12);
    let pair = types.structure("pair", 16, &[("a", int, 0), ("b", text, 4)]);
    let members: Vec<_> = fields
        .iter()
        .enumerate()
        .map(|(at, (name, field))| {
            let to = match field {
                Number(n) => types.array(int, *n),
                Int => int,
                Pair => pair,
                Void => TypeId(0),
                Maps(_) | MapsOfMaps | Programs => {
                    let to = match field {
                        Programs => types.add("", kind::FUNC_PROTO, 0, false, int.0, &[]),
                        Maps(id) => {
                            let number = types.array(int, *id);
                            let number = types.to(kind::PTR, "", number);
                            types.structure("", 8, &[("type", number, 0)])
                        }
                        _ => types.structure("", 8, &[("values", int, 0)]),
                    };
                    let to = types.to(kind::PTR, "", to);
                    return (*name, types.array(to, 0), at as u32 * 8);
                }
                Long(n) => {
                    let words = [types.string("only"), *n as u32, (*n >> 32) as u32];
                    return (*name, types.add("", kind::ENUM64, 1, false, 8, &words), at as u32 * 8);
                }
                Plain => return (*name, int, at as u32 * 8),
            };
            (*name, types.to(kind::PTR, "", to), at as u32 * 8)
        })
        .collect();
    let definition = types.structure("", fields.len() as u32 * 8, &members);
    let var = types.var("counts", definition, 1);
    types.tag("record:struct pair", var, -1);
    types.section(".maps", 0, &[(var, 0, 8)]);
    let mut elf = Elf::default();
    elf.section(".BTF", PROGBITS, 0, &types.bytes());
    let maps = elf.data(".maps", &[0; 8]);
    elf.symbol("counts", GLOBAL_OBJECT, maps, 0, 8);
    elf.parse().map(|object| object.maps[0].clone())
}

#[test]
fn every_field_is_read() {
    let spec = define(&[
        ("type", Number(1)),
        ("key", Int),
        ("value", Pair),
        ("max_entries", Number(100)),
        ("map_flags", Number(1)),
        ("map_extra", Number(7)),
        ("numa_node", Number(0)),
    ])
    .expect("a good definition");
    assert_eq!((spec.name.as_str(), spec.map_type), ("counts", MapType::Hash));
    assert_eq!((spec.key_size, spec.value_size, spec.max_entries, spec.flags, spec.extra), (4, 16, 100, 1, 7));
    assert!(spec.key_type.is_some() && spec.value_type.is_some() && spec.record_type.is_some());
}

#[test]
fn sizes_may_be_given_alone_or_agree_with_the_types() {
    let spec =
        define(&[("type", Number(2)), ("key_size", Number(4)), ("value_size", Number(24)), ("max_entries", Number(1))]);
    let spec = spec.expect("sizes alone");
    assert_eq!((spec.key_size, spec.value_size, spec.key_type, spec.value_type), (4, 24, None, None));
    let both = define(&[
        ("type", Number(2)),
        ("key", Int),
        ("key_size", Number(4)),
        ("value_size", Number(16)),
        ("value", Pair),
    ]);
    assert_eq!(both.map(|s| s.value_size).ok(), Some(16));
}

#[test]
fn definitions_that_contradict_themselves_are_refused_with_the_reason() {
    let cases: [(&[(&str, Field)], &str); 18] = [
        (&[("key", Int)], "it has no type"),
        (
            &[("type", Number(1)), ("key", Int), ("key_size", Number(8))],
            "the key has 4 bytes by one field and 8 by another",
        ),
        (
            &[("type", Number(1)), ("value_size", Number(8)), ("value", Pair)],
            "the value has 8 bytes by one field and 16 by another",
        ),
        (&[("type", Plain)], "`type` is not `__uint(type, NUMBER)`"),
        (&[("type", Int)], "`type` is not `__uint(type, NUMBER)`"),
        (&[("type", Number(1)), ("key", Plain)], "`key` is not `__type(key, TYPE)`"),
        (&[("type", Number(1)), ("key", Void)], "the type of `key` has no size"),
        (&[("type", Number(9999))], "map type 9999 is not known"),
        (&[("type", Number(1)), ("type", Number(2))], "it gives `type` twice"),
        (&[("type", Number(1)), ("map_extra", Int)], "`map_extra` is neither"),
        (&[("type", Number(1)), ("pinning", Number(7))], "`pinning` is 7"),
        (&[("type", Number(1)), ("values", Maps(1))], "a map of type hash has no `values`"),
        (&[("type", Number(12)), ("values", Programs)], "its `values` are not maps"),
        (&[("type", Number(3)), ("values", Maps(1))], "its `values` are not functions"),
        (&[("type", Number(12)), ("values", Maps(1)), ("key", Int)], "`values` is not its last field"),
        (&[("type", Number(12)), ("values", MapsOfMaps)], "it stands in a map and has `values` itself"),
        (&[("type", Number(12)), ("value_size", Number(8)), ("values", Maps(1))], "the value has 8 bytes"),
        (&[("values", Maps(1)), ("type", Number(12))], "`values` is not its last field"),
    ];
    for (fields, expected) in cases {
        let error = define(fields).expect_err(expected);
        let titles = ["counts", "counts.inner"].map(|name| format!("map `{name}` of dir/test.bpf.o cannot be made"));
        assert!(error.code.as_str() == "O0007" && titles.contains(&error.title), "{error}");
        assert!(error.notes.iter().any(|n| n.contains(expected)), "{error}");
    }
}

#[test]
fn fields_that_are_not_supported_are_named() {
    let error = define(&[("type", Number(1)), ("surprise", Number(1))]).expect_err("not supported");
    assert_eq!(error.code.as_str(), "O0009");
    assert!(error.title.contains("surprise"), "{error}");
}

#[test]
fn what_a_map_holds_and_where_it_is_kept_is_read() {
    let fields = [("type", Number(13)), ("key", Int), ("pinning", Number(1)), ("values", Maps(2))];
    let spec = define(&fields).expect("a hash of arrays");
    let inner = spec.inner.expect("a shape");
    assert_eq!((inner.name.as_str(), inner.map_type, spec.value_size), ("counts.inner", MapType::Array, 4));
    assert!(spec.pinned);
    let spec = define(&[("type", Number(3)), ("values", Programs)]).expect("an array of programs");
    assert_eq!((spec.inner, spec.value_size), (None, 4));
    let spec = define(&[("type", Number(33)), ("map_extra", Long(1 << 44)), ("numa_node", Number(1))]);
    let spec = spec.expect("an arena");
    assert_eq!((spec.extra, spec.numa_node), (1 << 44, Some(1)));
}

#[test]
fn definitions_before_btf_are_five_numbers_each() {
    let definition = |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
    let parse = |numbers: &[u32], size: u64| {
        let mut elf = Elf::default();
        let maps = elf.data("maps", &definition(numbers));
        elf.symbol("first", GLOBAL_OBJECT, maps, 0, size);
        elf.symbol("second", GLOBAL_OBJECT, maps, size, size);
        elf.parse()
    };
    let object = parse(&[1, 4, 8, 100, 1, 2, 4, 16, 1, 0], 20).expect("two maps");
    let shapes: Vec<_> = object.maps.iter().map(|m| (m.name.as_str(), m.map_type, m.value_size, m.flags)).collect();
    assert_eq!(shapes, [("first", MapType::Hash, 8, 1), ("second", MapType::Array, 16, 0)]);
    let longer = parse(&[1, 4, 8, 100, 1, 0, 0, 2, 4, 16, 1, 0, 0, 0], 28).expect("zeros say nothing");
    assert_eq!(longer.maps.len(), 2);
    let error = parse(&[1, 4, 8, 100, 1, 9, 0, 2, 4, 16, 1, 0, 0, 0], 28).expect_err("a field of iproute2");
    assert_eq!(
        (error.code.as_str(), error.title.as_str()),
        ("O0009", "map `first` of dir/test.bpf.o is defined with more than its sizes")
    );
    assert_eq!(parse(&[1, 4, 8, 1, 2, 4, 8, 1], 16).expect_err("too short").code.as_str(), "O0007");
    assert_eq!(parse(&[999, 4, 8, 100, 1, 2, 4, 16, 1, 0], 20).expect_err("no type").code.as_str(), "O0007");
}

#[test]
fn maps_without_types_need_types() {
    let mut elf = Elf::default();
    elf.data(".maps", &[0; 32]);
    assert_eq!(elf.parse().expect_err("no types").code.as_str(), "O0004");
    let mut elf = Elf::default();
    elf.data(".maps", &[0; 32]);
    elf.section(".BTF", PROGBITS, 0, &Types::default().bytes());
    assert_eq!(elf.parse().expect_err("no section of maps").code.as_str(), "O0004");
}
