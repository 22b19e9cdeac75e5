//! Types of several files put together: what is the same becomes one, what is not stays two.

mod support;

use skep_btf::{Btf, Error, Kind, Merge, TypeId};
use support::{SIGNED, Types, kind};

/// The result, parsed, and for each file the numbers its types have there.
fn merged(files: &[Types]) -> (Btf, Vec<Vec<TypeId>>) {
    let mut merge = Merge::new();
    let files: Vec<Btf> = files.iter().map(Types::btf).collect();
    let places: Vec<_> = files.iter().map(|file| merge.append(file).expect("sound")).collect();
    let (builder, ids) = merge.finish();
    let numbers =
        files.iter().zip(places).map(|(file, place)| file.types().map(|(id, _)| ids.get(place.id(id))).collect());
    let numbers = numbers.collect();
    (Btf::parse(&builder.encode().expect("small")).expect("well made"), numbers)
}

/// `struct list { struct list *next; struct item *item; }`, `struct item { struct list *of; int value; }`.
fn ring(value: &str, order: bool) -> Types {
    let mut t = Types::default();
    let (list, item, to_list, to_item, int) = if order {
        let int = t.int("int", 4, SIGNED);
        // Numbers are known before the types: 2 list, 3 item, 4 and 5 pointers.
        t.structure("list", 16, &[("next", TypeId(4), 0), ("item", TypeId(5), 8)]);
        t.structure("item", 16, &[("of", TypeId(4), 0), (value, int, 8)]);
        (TypeId(2), TypeId(3), t.to(kind::PTR, "", TypeId(2)), t.to(kind::PTR, "", TypeId(3)), int)
    } else {
        let to_item = t.to(kind::PTR, "", TypeId(4));
        let to_list = t.to(kind::PTR, "", TypeId(5));
        let int = t.int("int", 4, SIGNED);
        let item = t.structure("item", 16, &[("of", to_list, 0), (value, int, 8)]);
        let list = t.structure("list", 16, &[("next", to_list, 0), ("item", to_item, 8)]);
        (list, item, to_list, to_item, int)
    };
    assert_eq!([list, item, to_list, to_item, int].iter().map(|id| id.0).sum::<u32>(), 15);
    t
}

#[test]
fn structures_that_point_at_one_another_become_one_whatever_their_order() {
    let (btf, numbers) = merged(&[ring("value", true), ring("value", false)]);
    assert_eq!(btf.types().count(), 6, "void, int, two structures, two pointers");
    let mut seen: Vec<_> = numbers[1].clone();
    seen.sort_unstable();
    assert_eq!(seen, numbers[0]);
}

#[test]
fn a_difference_deep_inside_keeps_all_apart_that_lead_to_it() {
    let (btf, numbers) = merged(&[ring("value", true), ring("other", true)]);
    assert_eq!(btf.types().count(), 10, "only int is one");
    let same = numbers[0].iter().zip(&numbers[1]).filter(|(a, b)| a == b).count();
    assert_eq!(same, 2, "void and int");
}

#[test]
fn what_is_named_only_becomes_the_structure_of_that_name_unless_there_are_several() {
    let forward = |name: &str, union: bool| {
        let mut t = Types::default();
        let fwd = t.add(name, kind::FWD, 0, union, 0, &[]);
        t.to(kind::PTR, "", fwd);
        t
    };
    let whole = |size: u32| {
        let mut t = Types::default();
        let int = t.int("int", 4, SIGNED);
        let item = t.structure("item", size, &[("value", int, 0)]);
        t.to(kind::PTR, "", item);
        t
    };
    let (btf, numbers) = merged(&[forward("item", false), whole(4), whole(4)]);
    assert_eq!(btf.types().count(), 4);
    assert_eq!(numbers[0][1], numbers[1][2]);
    assert!(matches!(btf.get(numbers[0][1]).map(|t| &t.kind), Some(Kind::Struct { size: 4, .. })));
    let (btf, _) = merged(&[forward("item", false), whole(4), whole(8)]);
    assert_eq!(btf.types().count(), 8, "which of the two is meant is not known");
    let (btf, _) = merged(&[forward("item", true), whole(4)]);
    assert_eq!(btf.types().count(), 6, "a union is no structure");
}

#[test]
fn functions_and_variables_stay_as_many_as_they_are_and_tags_go_with_what_they_tag() {
    let file = |tag: &str| {
        let mut t = Types::default();
        let int = t.int("int", 4, SIGNED);
        t.var("state", int, 0);
        let pair = t.structure("pair", 4, &[("value", int, 0)]);
        if !tag.is_empty() {
            t.tag(tag, pair, 0);
        }
        t
    };
    let (btf, numbers) = merged(&[file("format:hex"), file("format:hex"), file("")]);
    assert_ne!(numbers[0][2], numbers[1][2], "two static variables");
    assert_eq!(numbers[0][3], numbers[1][3]);
    assert_ne!(numbers[0][3], numbers[2][3], "one is tagged, the other is not");
    assert_eq!(btf.decl_tags(numbers[0][3], 0).collect::<Vec<_>>(), ["format:hex"]);
    assert_eq!(btf.decl_tags(numbers[2][3], 0).count(), 0);
}

#[test]
fn a_type_gives_way_to_another_and_dropped_ones_take_their_tags_along() {
    let mut t = Types::default();
    let int = t.int("int", 4, SIGNED);
    let (one, other) = (t.var("one", int, 2), t.var("other", int, 1));
    t.tag("note", one, -1);
    let section = t.section("data", 4, &[(one, 0, 4)]);
    let mut merge = Merge::new();
    let at = merge.append(&t.btf()).expect("sound");
    merge.replace(at.id(one), at.id(other));
    merge.replace(at.id(other), at.id(one));
    let (builder, ids) = merge.clone().finish();
    let btf = Btf::parse(&builder.encode().expect("small")).expect("well made");
    assert_eq!(ids.get(at.id(one)), ids.get(at.id(other)), "and not in a circle");
    assert_eq!(btf.decl_tags(ids.get(at.id(other)), -1).collect::<Vec<_>>(), ["note"]);
    let Some(Kind::Datasec { vars, .. }) = btf.get(ids.get(at.id(section))).map(|t| &t.kind) else {
        panic!("a section")
    };
    assert_eq!(btf.name(vars[0].type_id), "other");
    merge.replace(at.id(other), TypeId(0));
    let (builder, ids) = merge.finish();
    let btf = Btf::parse(&builder.encode().expect("small")).expect("well made");
    assert_eq!((ids.get(at.id(one)), ids.get(at.id(other))), (TypeId(0), TypeId(0)));
    assert_eq!(btf.types().count(), 3, "void, int and the section");
}

#[test]
fn a_long_chain_of_types_is_told_apart_in_little_time() {
    let chain = |end: &str| {
        let mut t = Types::default();
        let mut last = t.int(end, 4, 0);
        for _ in 0..20_000 {
            last = t.to(kind::PTR, "", last);
        }
        t
    };
    let begin = std::time::Instant::now();
    let (btf, _) = merged(&[chain("one"), chain("two"), chain("one")]);
    assert_eq!(btf.types().count(), 2 * 20_001 + 1);
    assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
}

#[test]
fn indices_of_arrays_are_integers() {
    let mut t = Types::default();
    let int = t.int("int", 4, SIGNED);
    let pair = t.structure("pair", 4, &[("value", int, 0)]);
    t.array(pair, 3);
    let mut merge = Merge::new();
    merge.append(&t.btf()).expect("sound");
    let (mut builder, _) = merge.finish();
    builder.index_arrays();
    let bytes = builder.encode().expect("small");
    let words: Vec<u32> = bytes.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect();
    assert!(words.windows(3).any(|w| w == [2, 1, 3]), "element 2, index 1, three of them");
}

#[test]
fn a_type_that_leads_nowhere_is_an_error() {
    let mut t = Types::default();
    t.to(kind::PTR, "", TypeId(9));
    assert_eq!(Merge::new().append(&t.btf()).map(|_| ()), Err(Error::Reference { id: 1 }));
}
