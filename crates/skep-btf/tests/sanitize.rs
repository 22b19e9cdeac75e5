//! Types rewritten for older kernels: what comes in, what goes out, and that all that refers to them still holds.

use skep_btf::{Btf, Builder, Change, EnumValue, Kind, Member, SectionVar, TypeId};
use skep_isa::spec::BtfFeature;

const INT: Kind = Kind::Int { size: 4, bits: 32, signed: true, char: false, bool: false };
/// What stands for what lies where no kernel looks: an integer of one byte.
const BYTE: Kind = Kind::Int { size: 1, bits: 8, signed: false, char: false, bool: false };

/// Numbers of the types of [`sample`].
const INTEGER: TypeId = TypeId(1);
const PROTO: TypeId = TypeId(2);
const FUNC: TypeId = TypeId(3);
const VAR: TypeId = TypeId(4);
const SECTION: TypeId = TypeId(5);
const FLOAT: TypeId = TypeId(6);
const TAG_OF_FUNC: TypeId = TypeId(7);
const TYPE_TAG: TypeId = TypeId(8);
const WIDE: TypeId = TypeId(10);
const SIGNED: TypeId = TypeId(11);
const HOLDER: TypeId = TypeId(12);
const TAG_OF_HOLDER: TypeId = TypeId(13);
const EMPTY: TypeId = TypeId(14);

/// One type of each kind that kernels learnt later, and a structure that holds some of them.
fn sample() -> Btf {
    let mut b = Builder::new();
    b.add("int", INT);
    let arg = b.string("arg");
    b.add("", Kind::FuncProto { ret: INTEGER, params: vec![(arg, INTEGER)] });
    b.add("work", Kind::Func { proto: PROTO, linkage: 1 });
    b.add("counter", Kind::Var { type_id: INTEGER, linkage: 1 });
    b.add("?.data-x", Kind::Datasec { size: 8, vars: vec![SectionVar { type_id: VAR, offset: 4, size: 4 }] });
    b.add("double", Kind::Float { size: 8 });
    b.add("arg:ctx", Kind::DeclTag { type_id: FUNC, component: 0 });
    b.add("kptr", Kind::TypeTag(INTEGER));
    b.add("", Kind::Ptr(TYPE_TAG));
    let (far, minus) = (b.string("FAR"), b.string("MINUS"));
    b.add("wide", Kind::Enum { size: 8, signed: false, values: vec![EnumValue { name_off: far, value: 1 << 40 }] });
    b.add("small", Kind::Enum { size: 4, signed: true, values: vec![EnumValue { name_off: minus, value: -1 }] });
    let mut member =
        |name, type_id, bytes: u32| Member { name_off: b.string(name), type_id, bit_offset: bytes * 8, bit_size: 0 };
    let members =
        vec![member("d", FLOAT, 0), member("w", WIDE, 8), member("s", SIGNED, 16), member("p", TypeId(9), 24)];
    b.add("holder", Kind::Struct { size: 32, members });
    b.add("record:holder", Kind::DeclTag { type_id: HOLDER, component: -1 });
    b.add(".rodata", Kind::Datasec { size: 24, vars: vec![] });
    Btf::parse(&b.encode().expect("small")).expect("built")
}

fn without(btf: &Btf, lacks: &[BtfFeature]) -> Btf {
    Btf::parse(&btf.sanitize(|feature| !lacks.contains(&feature)).bytes).expect("sanitized types parse")
}

fn kind(btf: &Btf, id: TypeId) -> &Kind {
    &btf.get(id).expect("no type is lost").kind
}

#[test]
fn nothing_changes_where_the_kernel_takes_all() {
    let btf = sample();
    let sanitized = btf.sanitize(|_| true);
    assert_eq!(sanitized.bytes, btf.bytes());
    assert!(sanitized.changes.is_empty());
}

#[test]
fn each_type_has_its_stand_in() {
    use BtfFeature as F;
    let btf = sample();
    let lacking = |feature| without(&btf, &[feature]);

    let old = lacking(F::Float);
    assert_eq!((kind(&old, FLOAT), old.name(FLOAT)), (&Kind::Struct { size: 8, members: vec![] }, ""));

    let old = lacking(F::Func);
    assert_eq!(kind(&old, PROTO), &Kind::Enum { size: 4, signed: false, values: vec![] });
    assert_eq!((kind(&old, FUNC), old.name(FUNC)), (&Kind::Typedef(PROTO), "work"));
    assert_eq!(kind(&old, TAG_OF_FUNC), &BYTE, "a tag on a function goes with the function");
    assert_eq!(old.decl_tags(HOLDER, -1).collect::<Vec<_>>(), ["record:holder"]);

    let old = lacking(F::GlobalFunc);
    assert_eq!(kind(&old, FUNC), &Kind::Func { proto: PROTO, linkage: 0 });

    let old = lacking(F::Datasec);
    assert_eq!(kind(&old, VAR), &BYTE);
    let Kind::Struct { size: 8, members } = kind(&old, SECTION) else { panic!("{:?}", kind(&old, SECTION)) };
    assert_eq!(members.iter().map(|m| (m.type_id, m.bit_offset)).collect::<Vec<_>>(), [(VAR, 32)]);
    assert_eq!((old.name(SECTION), old.string(members[0].name_off)), ("__data_x", Some("counter")));

    let old = lacking(F::EmptySection);
    assert_eq!((kind(&old, EMPTY), old.name(EMPTY)), (&Kind::Struct { size: 24, members: vec![] }, "_rodata"));
    assert_eq!(kind(&old, SECTION), kind(&btf, SECTION));

    let old = lacking(F::SectionName);
    assert_eq!((old.name(SECTION), kind(&old, SECTION)), ("_.data_x", kind(&btf, SECTION)));

    let old = lacking(F::DeclTag);
    assert_eq!((kind(&old, TAG_OF_FUNC), kind(&old, TAG_OF_HOLDER)), (&BYTE, &BYTE));

    let old = lacking(F::TypeTag);
    assert_eq!((kind(&old, TYPE_TAG), old.name(TYPE_TAG)), (&Kind::Const(INTEGER), ""));

    let old = lacking(F::Enum64);
    assert_eq!(kind(&old, WIDE), &Kind::Int { size: 8, bits: 64, signed: false, char: false, bool: false });
    let Kind::Enum { size: 4, signed: false, values } = kind(&old, SIGNED) else { panic!("{:?}", kind(&old, SIGNED)) };
    assert_eq!(values.len(), 1);
}

#[test]
fn numbers_sizes_and_strings_stay_whatever_is_missing() {
    let btf = sample();
    let features: Vec<BtfFeature> = BtfFeature::all().collect();
    for set in 0..1_u32 << features.len() {
        let lacks: Vec<_> = features.iter().enumerate().filter(|(at, _)| set >> at & 1 != 0).map(|(_, f)| *f).collect();
        let old = without(&btf, &lacks);
        assert_eq!(old.types().count(), btf.types().count());
        for (id, _) in btf.types().filter(|(id, _)| ![VAR, SECTION].contains(id)) {
            // A function and a prototype have no size, what stands for them may.
            if let Some(size) = btf.size_of(id) {
                assert_eq!(old.size_of(id), Some(size), "{lacks:?}: {}", btf.name(id));
            }
        }
        assert_eq!(old.size_of(SECTION), Some(8), "{lacks:?}");
        let offset = btf.get(HOLDER).expect("there").name_off;
        assert_eq!(old.string(offset), Some("holder"));
        // Once is enough.
        let again = old.sanitize(|feature| !lacks.contains(&feature));
        assert!(again.changes.is_empty(), "{lacks:?}: {:?}", again.changes);
    }
}

#[test]
fn tags_that_are_attributes_go_where_the_kernel_takes_none() {
    let mut bytes = sample().bytes().to_vec();
    let info = |id: TypeId| {
        let words = [4, 5, 3, 4, 6, 3, 4, 3, 3, 6, 5, 15, 4];
        24 + words.iter().take(id.0 as usize - 1).sum::<usize>() * 4 + 4
    };
    for id in [TYPE_TAG, TAG_OF_HOLDER] {
        bytes[info(id) + 3] |= 0x80;
    }
    let btf = Btf::parse(&bytes).expect("a flag is no damage");
    let old = without(&btf, &[BtfFeature::TagFlag]);
    assert_eq!((kind(&old, TYPE_TAG), kind(&old, TAG_OF_HOLDER)), (&Kind::Const(INTEGER), &BYTE));
    assert_eq!(kind(&old, TAG_OF_FUNC), kind(&btf, TAG_OF_FUNC), "a tag without the flag stays");
}

#[test]
fn a_section_that_tells_of_the_kinds_goes_where_the_kernel_takes_none() {
    let whole = sample();
    let (head, body) = whole.bytes().split_at(24);
    let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("four"));
    let (type_len, str_len) = (word(12), word(20));
    let layout = [0, 0, 0, 0, 4, 0, 0, 0];
    let header = [32, 0, type_len, type_len + 8, str_len, type_len, 8];
    let mut bytes = head[..4].to_vec();
    bytes.extend(header.iter().flat_map(|word| word.to_le_bytes()));
    let (types, strings) = body.split_at(type_len as usize);
    bytes.extend([types, &layout, strings].concat());
    let btf = Btf::parse(&bytes).expect("the kinds are known without");
    assert_eq!(btf.sanitize(|_| true).bytes, bytes);
    let old = btf.sanitize(|feature| feature != BtfFeature::Layout);
    assert_eq!(old.bytes, whole.bytes());
    assert_eq!(old.changes.into_iter().collect::<Vec<_>>(), [(Change::Lacks(BtfFeature::Layout), 1)]);
}

#[test]
fn nameless_parameters_of_functions_get_a_name_and_those_of_pointers_do_not() {
    let mut b = Builder::new();
    b.add("int", INT);
    let named = b.string("a");
    let params = vec![(named, INTEGER), (0, INTEGER), (0, TypeId(0))];
    b.add("", Kind::FuncProto { ret: INTEGER, params: params.clone() });
    b.add("work", Kind::Func { proto: TypeId(2), linkage: 1 });
    b.add("", Kind::FuncProto { ret: INTEGER, params: params.clone() });
    b.add("", Kind::Ptr(TypeId(4)));
    let btf = Btf::parse(&b.encode().expect("small")).expect("built");
    let sanitized = btf.sanitize(|_| true);
    assert_eq!(sanitized.changes.into_iter().collect::<Vec<_>>(), [(Change::NamelessParameter, 1)]);
    let new = Btf::parse(&sanitized.bytes).expect("parses");
    let Kind::FuncProto { params: now, .. } = kind(&new, TypeId(2)) else { panic!("{:?}", kind(&new, TypeId(2))) };
    let names: Vec<_> = now.iter().map(|(name, _)| new.string(*name).unwrap_or("?")).collect();
    assert_eq!(names, ["a", "unnamed", ""], "the last is `...`");
    assert_eq!(kind(&new, TypeId(4)), &Kind::FuncProto { ret: INTEGER, params });
}

#[test]
fn names_that_are_no_identifiers_become_some() {
    let mut b = Builder::new();
    b.add("Option<u32>", Kind::Struct { size: 0, members: vec![] });
    b.add("3d", Kind::Typedef(TypeId(1)));
    let btf = Btf::parse(&b.encode().expect("small")).expect("built");
    let sanitized = btf.sanitize(|_| true);
    assert_eq!(sanitized.changes.into_iter().collect::<Vec<_>>(), [(Change::Name, 2)]);
    let new = Btf::parse(&sanitized.bytes).expect("parses");
    assert_eq!((new.name(TypeId(1)), new.name(TypeId(2))), ("Option_u32_", "_d"));
}

#[test]
fn what_is_only_declared_becomes_a_definition() {
    let mut b = Builder::new();
    b.add("int", INT);
    b.add("", Kind::FuncProto { ret: INTEGER, params: vec![] });
    b.add("elsewhere", Kind::Func { proto: TypeId(2), linkage: 2 });
    b.add("there", Kind::Var { type_id: INTEGER, linkage: 2 });
    b.add("later", Kind::Enum { size: 0, signed: false, values: vec![] });
    b.add("here", Kind::Var { type_id: INTEGER, linkage: 1 });
    let lie = |type_id| SectionVar { type_id, offset: 0, size: 4 };
    b.add(".maps", Kind::Datasec { size: 4, vars: vec![lie(TypeId(4)), lie(TypeId(6))] });
    let btf = Btf::parse(&b.encode().expect("small")).expect("built");
    let sanitized = btf.sanitize(|_| true);
    assert_eq!(sanitized.changes.into_iter().collect::<Vec<_>>(), [(Change::Extern, 3), (Change::EnumSize, 1)]);
    let new = Btf::parse(&sanitized.bytes).expect("parses");
    assert_eq!(kind(&new, TypeId(3)), &Kind::Func { proto: TypeId(2), linkage: 1 });
    assert_eq!(kind(&new, TypeId(4)), &Kind::Var { type_id: INTEGER, linkage: 1 });
    assert_eq!(kind(&new, TypeId(5)), &Kind::Enum { size: 4, signed: false, values: vec![] });
    assert_eq!(kind(&new, TypeId(7)), &Kind::Datasec { size: 4, vars: vec![lie(TypeId(6))] }, "it has no place there");
}

#[test]
fn damaged_types_are_rewritten_without_losing_one() {
    let whole = sample();
    // A linear congruence; its upper bits are even enough.
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut parsed = 0;
    for _ in 0..20_000 {
        let mut bytes = whole.bytes().to_vec();
        for _ in 0..=random(4) {
            let at = 8 + random(bytes.len() - 8);
            bytes[at] = [0, 1, 2, 0x80, 0xff, random(256) as u8][random(6)];
        }
        let lacks = random(1 << BtfFeature::COUNT);
        let has = |feature: BtfFeature| lacks >> feature as usize & 1 == 0;
        let Ok(btf) = Btf::parse(&bytes) else { continue };
        parsed += 1;
        let old = Btf::parse(&btf.sanitize(has).bytes).expect("sanitized types parse");
        assert_eq!(old.types().count(), btf.types().count());
        let again = old.sanitize(has);
        assert!(again.changes.is_empty(), "{lacks:b}: {:?}\n{bytes:?}", again.changes);
    }
    assert!(parsed > 5_000, "{parsed}");
}

#[test]
fn a_name_behind_the_last_string_is_none_even_when_strings_are_written_there() {
    let mut b = Builder::new();
    b.add("int", INT);
    b.add("a-b", Kind::Var { type_id: INTEGER, linkage: 2 });
    b.add("lost", Kind::Var { type_id: INTEGER, linkage: 2 });
    let mut bytes = b.encode().expect("small");
    // The third record begins behind a header of 24 bytes and records of 16; the strings are 17 bytes long.
    assert_eq!(&bytes[bytes.len() - 5..], b"lost\0");
    bytes[24 + 16 + 16] = 20;
    let btf = Btf::parse(&bytes).expect("names are checked when they are used");
    let once = Btf::parse(&btf.sanitize(|_| true).bytes).expect("sanitized types parse");
    assert_eq!((once.name(TypeId(2)), once.name(TypeId(3))), ("a_b", ""));
    assert!(once.sanitize(|_| true).changes.is_empty());
}
