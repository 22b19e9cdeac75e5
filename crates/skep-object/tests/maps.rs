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
    let cases: [(&[(&str, Field)], &str); 9] = [
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
    ];
    for (fields, expected) in cases {
        let error = define(fields).expect_err(expected);
        assert_eq!(
            (error.code.as_str(), error.title.as_str()),
            ("O0007", "map `counts` of dir/test.bpf.o cannot be made")
        );
        assert!(error.notes.iter().any(|n| n.contains(expected)), "{error}");
    }
}

#[test]
fn fields_that_are_not_supported_are_named() {
    for field in ["pinning", "values", "surprise"] {
        let error = define(&[("type", Number(1)), (field, Number(1))]).expect_err("not supported");
        assert_eq!(error.code.as_str(), "O0009");
        assert!(error.title.contains(field), "{error}");
    }
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
