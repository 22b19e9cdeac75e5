//! CO-RE on types that no compiler made: an answer or an error, soon, and never a panic.

use std::time::Instant;

use proptest::prelude::*;
use skep_btf::core::{Error, Relocation, Resolver, Target, patch};
use skep_btf::{Builder, EnumValue, Kind, Member, Scan, TypeId};
use skep_isa::Insn;

const NAMES: [&str; 5] = ["", "a", "b", "a___x", "long"];
const ACCESS: [&str; 8] = ["0", "0:0", "0:1:0", "0:0:0:0", "3", "1:1", "0:2", "x"];

/// Name, kind, members (name, type, offset, width), and size or length.
type Drawn = (usize, u8, Vec<(usize, u32, u32, u8)>, u32);

/// A type that refers to any of the first dozen numbers, its own included.
fn kind() -> impl Strategy<Value = Drawn> {
    let item = (0..NAMES.len(), 0..12u32, prop_oneof![0..256u32, any::<u32>()], prop_oneof![Just(0u8), 1..70u8]);
    (0..NAMES.len(), 0..14u8, prop::collection::vec(item, 0..5), prop_oneof![0..9u32, any::<u32>()])
}

fn encoded(types: &[Drawn]) -> (Vec<u8>, Vec<u32>) {
    let mut builder = Builder::new();
    let access = ACCESS.iter().map(|text| builder.string(text)).collect();
    for (name, kind, items, size) in types {
        let to = TypeId(items.first().map_or(0, |item| item.1));
        let members = || {
            let fields = items.iter().any(|item| item.3 > 0);
            items.iter().map(move |(name, id, offset, width)| {
                let bit_offset = if fields { offset & 0xff_ffff } else { *offset };
                (*name, TypeId(*id), bit_offset, *width)
            })
        };
        let named: Vec<Member> = members()
            .map(|(name, type_id, bit_offset, bit_size)| Member {
                name_off: builder.string(NAMES[name]),
                type_id,
                bit_offset,
                bit_size,
            })
            .collect();
        let values = named.iter().map(|m| EnumValue { name_off: m.name_off, value: m.bit_offset.into() }).collect();
        let kind = match kind {
            0 => Kind::Int { size: *size, bits: 8, signed: items.is_empty(), char: false, bool: false },
            1 => Kind::Ptr(to),
            2 => Kind::Array { element: to, len: *size },
            3..=5 => Kind::Struct { size: *size, members: named },
            6 => Kind::Union { size: *size, members: named },
            7 => Kind::Enum { size: *size % 9, signed: items.len() > 2, values },
            8 => Kind::Fwd { union: items.is_empty() },
            9 => Kind::Typedef(to),
            10 => Kind::Const(to),
            11 => Kind::FuncProto { ret: to, params: named.iter().map(|m| (m.name_off, m.type_id)).collect() },
            12 => Kind::Float { size: *size },
            _ => Kind::TypeTag(to),
        };
        builder.add(NAMES[*name], kind);
    }
    (builder.encode().expect("small"), access)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_types_give_an_answer_or_an_error(
        local in prop::collection::vec(kind(), 1..12),
        target in prop::collection::vec(kind(), 0..12),
    ) {
        let (local, access) = encoded(&local);
        let (target, _) = encoded(&target);
        let (local, target) = (Scan::new(&local).expect("types"), Scan::new(&target).expect("types"));
        let target = Target::new(&target);
        let resolver = Resolver::new(&local, &target);
        for kind in 0..14 {
            for type_id in (0..13).map(TypeId) {
                for access_off in access.iter().copied() {
                    let Ok(found) = resolver.resolve(Relocation { kind, type_id, access_off }) else { continue };
                    prop_assert_eq!(found.missing.is_some(), found.found.is_none() && found.kind.id() != 6);
                    let _ = found.missing.as_ref().map(|missing| (missing.to_string(), resolver.near(missing)));
                    for code in [0xb7, 0x79, 0x62, 0x18] {
                        let mut code = [Insn::new(code, 0, 0, 0, found.local as i32), Insn::default()];
                        let _ = patch(&mut code, 0, &found);
                    }
                }
            }
        }
    }
}

/// `levels` structures, each with two anonymous members of the next: 2^levels ways to look for a name.
fn doubling(levels: u32, name: &str) -> Builder {
    let mut builder = Builder::new();
    let mut inner = builder.add("int", Kind::Int { size: 4, bits: 32, signed: true, char: false, bool: false });
    let last = builder.string(name);
    for level in 0..levels {
        let name_off = if level == 0 { last } else { 0 };
        let member = |bit_offset| Member { name_off, type_id: inner, bit_offset, bit_size: 0 };
        let members = vec![member(0), member(32)];
        inner = builder.add(if level + 1 == levels { "s" } else { "" }, Kind::Struct { size: 8, members });
    }
    builder
}

#[test]
fn a_search_of_a_billion_billion_ways_is_given_up() {
    let mut local = Builder::new();
    let int = local.add("int", Kind::Int { size: 4, bits: 32, signed: true, char: false, bool: false });
    let name_off = local.string("wanted");
    let members = vec![Member { name_off, type_id: int, bit_offset: 0, bit_size: 0 }];
    let root = local.add("s", Kind::Struct { size: 4, members });
    let access_off = local.string("0:0");
    let (local, target) = (local.encode().expect("small"), doubling(60, "other").encode().expect("small"));
    let (local, target) = (Scan::new(&local).expect("types"), Scan::new(&target).expect("types"));
    let target = Target::new(&target);
    let started = Instant::now();
    let answer = Resolver::new(&local, &target).resolve(Relocation { kind: 0, type_id: root, access_off });
    assert_eq!(answer, Err(Error::Types("comparing them takes too long")));
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn structures_nested_without_end_are_refused() {
    let mut local = Builder::new();
    let int = local.add("int", Kind::Int { size: 4, bits: 32, signed: true, char: false, bool: false });
    let name_off = local.string("wanted");
    let field = |type_id, name_off| vec![Member { name_off, type_id, bit_offset: 0, bit_size: 0 }];
    let root = local.add("s", Kind::Struct { size: 4, members: field(int, name_off) });
    let access_off = local.string("0:0");
    let mut target = Builder::new();
    target.add("s", Kind::Struct { size: 4, members: field(TypeId(1), 0) });
    let (local, target) = (local.encode().expect("small"), target.encode().expect("small"));
    let (local, target) = (Scan::new(&local).expect("types"), Scan::new(&target).expect("types"));
    let target = Target::new(&target);
    let resolver = Resolver::new(&local, &target);
    let answer = resolver.resolve(Relocation { kind: 0, type_id: root, access_off });
    assert_eq!(answer, Err(Error::Types("structures are nested too deeply")));
}
