//! What the builder encodes is what was put in: every type of the examples' objects, built again.

use skep_btf::{Btf, Builder, CoreRecord, Ext, FuncRecord, Kind, LineRecord, TooLarge, Type, TypeId};

/// The types with the same strings at other offsets.
fn renamed(from: &Btf, to: &mut Builder, kind: &Kind) -> Kind {
    let mut name = |off: u32| to.string(from.string(off).expect("a string"));
    let mut kind = kind.clone();
    match &mut kind {
        Kind::Struct { members, .. } | Kind::Union { members, .. } => {
            members.iter_mut().for_each(|m| m.name_off = name(m.name_off));
        }
        Kind::Enum { values, .. } => values.iter_mut().for_each(|v| v.name_off = name(v.name_off)),
        Kind::FuncProto { params, .. } => params.iter_mut().for_each(|p| p.0 = name(p.0)),
        _ => {}
    }
    kind
}

/// The `.BTF` section of an object: its header names itself, and it lies in one piece.
fn btf_of(object: &[u8]) -> Option<Btf> {
    let starts = object.windows(4).enumerate().filter(|(_, w)| *w == [0x9f, 0xeb, 1, 0]);
    starts.map(|(at, _)| &object[at..]).find_map(|bytes| {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        (word(4) == 24).then(|| Btf::parse(&bytes[..(24 + word(16) + word(20)) as usize]).ok())?
    })
}

#[test]
fn types_of_real_objects_are_built_again() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut count = 0;
    for name in ["blocklist", "cpu", "opens", "protocols", "sockets", "syscalls", "vlan"] {
        let object = std::fs::read(format!("{examples}/{name}/{name}.bpf.o")).expect("an example");
        let btf = btf_of(&object).expect("types");
        let mut builder = Builder::new();
        for (id, t) in btf.types().skip(1) {
            let kind = renamed(&btf, &mut builder, &t.kind);
            assert_eq!(builder.add(btf.name(id), kind), id);
            count += 1;
        }
        let built = Btf::parse(&builder.encode().expect("small")).expect("in order");
        assert_eq!(built.types().count(), btf.types().count());
        let mut again = Builder::new();
        for ((id, old), (_, new)) in btf.types().zip(built.types()) {
            assert_eq!(btf.name(id), built.name(id));
            assert_eq!(renamed(&btf, &mut again, &old.kind), renamed(&built, &mut again, &new.kind), "{name} {id:?}");
        }
    }
    assert!(count > 200, "{count}");
}

#[test]
fn kinds_that_examples_lack_are_built() {
    let kinds = [
        Kind::Fwd { union: true },
        Kind::Float { size: 8 },
        Kind::Enum { size: 8, signed: true, values: vec![skep_btf::EnumValue { name_off: 0, value: i64::MIN + 5 }] },
        Kind::Enum { size: 4, signed: true, values: vec![skep_btf::EnumValue { name_off: 0, value: -5 }] },
        Kind::DeclTag { type_id: TypeId(1), component: -1 },
        Kind::TypeTag(TypeId(2)),
        Kind::Restrict(TypeId(2)),
        Kind::Volatile(TypeId(2)),
        Kind::Struct {
            size: 4,
            members: vec![skep_btf::Member { name_off: 0, type_id: TypeId(2), bit_offset: 3, bit_size: 5 }],
        },
    ];
    let mut builder = Builder::new();
    for kind in &kinds {
        builder.add("", kind.clone());
    }
    let btf = Btf::parse(&builder.encode().expect("small")).expect("in order");
    let read: Vec<Type> = btf.types().skip(1).map(|(_, t)| t.clone()).collect();
    assert_eq!(read.iter().map(|t| t.kind.clone()).collect::<Vec<_>>(), kinds);
}

#[test]
fn a_list_longer_than_btf_counts_is_refused() {
    let mut builder = Builder::new();
    builder.add("", Kind::FuncProto { ret: TypeId(0), params: vec![(0, TypeId(0)); 65_536] });
    assert_eq!(builder.encode(), Err(TooLarge::Members(65_536)));
}

#[test]
fn functions_lines_and_layouts_are_encoded_by_section() {
    let ext = Ext {
        funcs: vec![FuncRecord { section: 1, offset: 0, type_id: TypeId(3) }],
        lines: vec![
            LineRecord { section: 1, offset: 0, file_off: 5, text_off: 6, line: 70, column: 8 },
            LineRecord { section: 9, offset: 8, file_off: 5, text_off: 6, line: 71, column: 1023 },
        ],
        cores: vec![CoreRecord { section: 9, offset: 16, type_id: TypeId(2), access_off: 4, kind: 0 }],
    };
    let read = Ext::parse(&ext.encode().expect("small")).expect("in order");
    assert_eq!((read.funcs, read.lines, read.cores), (ext.funcs, ext.lines, ext.cores));
}
