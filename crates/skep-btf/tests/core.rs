//! CO-RE, kind by kind: found, missing, of another type, ambiguous; and what is put into instructions.

use skep_btf::core::{Error, Module, Patched, Relocation, Resolution, Resolver, Target, patch};
use skep_btf::{Builder, EnumValue, Kind, Member, Scan, TypeId};
use skep_isa::Insn;
use skep_isa::spec::CoreKind;
use skep_isa::spec::core_kind::{POISON, TABLE};

/// Types by hand, with fewer words.
#[derive(Default)]
struct Types(Builder);

impl Types {
    fn int(&mut self, name: &str, size: u32, signed: bool) -> TypeId {
        self.0.add(name, Kind::Int { size, bits: (size * 8) as u8, signed, char: false, bool: false })
    }

    fn members(&mut self, members: &[(&str, TypeId, u32, u8)]) -> Vec<Member> {
        let member = |(name, type_id, bit_offset, bit_size): &(&str, TypeId, u32, u8)| {
            let (name_off, type_id) = (self.0.string(name), *type_id);
            Member { name_off, type_id, bit_offset: *bit_offset, bit_size: *bit_size }
        };
        members.iter().map(member).collect()
    }

    fn structure(&mut self, name: &str, size: u32, members: &[(&str, TypeId, u32, u8)]) -> TypeId {
        let members = self.members(members);
        self.0.add(name, Kind::Struct { size, members })
    }

    fn union(&mut self, name: &str, size: u32, members: &[(&str, TypeId, u32, u8)]) -> TypeId {
        let members = self.members(members);
        self.0.add(name, Kind::Union { size, members })
    }

    fn enumeration(&mut self, name: &str, size: u32, signed: bool, values: &[(&str, i64)]) -> TypeId {
        let values = values.iter().map(|(name, value)| EnumValue { name_off: self.0.string(name), value: *value });
        let values = values.collect();
        self.0.add(name, Kind::Enum { size, signed, values })
    }

    fn array(&mut self, element: TypeId, len: u32) -> TypeId {
        self.0.add("", Kind::Array { element, len })
    }

    fn to(&mut self, name: &str, kind: fn(TypeId) -> Kind, to: TypeId) -> TypeId {
        self.0.add(name, kind(to))
    }
}

/// A program's types and a kernel's.
#[derive(Default)]
struct Case {
    local: Types,
    target: Types,
}

impl Case {
    fn resolve(&mut self, kind: CoreKind, root: TypeId, access: &str) -> Result<Resolution, Error> {
        self.all(&[(kind, root, access)]).remove(0).map(|(resolution, _)| resolution)
    }

    /// Several relocations of one program, each with the names that are near what it misses.
    fn all(&mut self, asked: &[(CoreKind, TypeId, &str)]) -> Vec<Result<(Resolution, Vec<String>), Error>> {
        let relocations: Vec<_> = asked
            .iter()
            .map(|(kind, root, access)| Relocation {
                kind: kind.id(),
                type_id: *root,
                access_off: self.local.0.string(access),
            })
            .collect();
        let (local, target) = (self.local.0.encode().expect("small"), self.target.0.encode().expect("small"));
        let (local, target) = (Scan::new(&local).expect("types"), Scan::new(&target).expect("types"));
        let target = Target::new(&target);
        let resolver = Resolver::new(&local, &target);
        let resolve = |relocation| {
            let resolution = resolver.resolve(relocation)?;
            let near = resolution.missing.as_ref().map(|missing| resolver.near(missing)).unwrap_or_default();
            Ok((resolution, near))
        };
        relocations.into_iter().map(resolve).collect()
    }

    /// The value in the program and in the kernel.
    fn values(&mut self, kind: CoreKind, root: TypeId, access: &str) -> (u64, Option<u64>) {
        let resolution = self.resolve(kind, root, access).expect("resolved");
        (resolution.local, resolution.value)
    }

    /// Why there is no value, and near names.
    fn missing(&mut self, kind: CoreKind, root: TypeId, access: &str) -> (String, Vec<String>) {
        let (resolution, near) = self.all(&[(kind, root, access)]).remove(0).expect("resolved");
        assert_eq!(resolution.value, kind.row().absent, "{kind}");
        (resolution.missing.expect("missing").to_string(), near)
    }
}

/// `task_struct` as compiled and as it is: `pid` has moved, `comm` into an anonymous union, `state` has another name.
fn task() -> (Case, TypeId, TypeId) {
    let mut case = Case::default();
    let t = &mut case.local;
    let (int, char) = (t.int("int", 4, true), t.int("char", 1, true));
    let long = t.int("unsigned long", 8, false);
    let comm = t.array(char, 16);
    let inner = t.structure("thread", 24, &[("sp", long, 0, 0), ("cr2", long, 64, 0)]);
    let threads = t.array(inner, 4);
    let local = t.structure(
        "task_struct___mine",
        136,
        &[("pid", int, 0, 0), ("comm", comm, 64, 0), ("threads", threads, 192, 0), ("state", long, 960, 0)],
    );
    let t = &mut case.target;
    let (int, char) = (t.int("int", 4, true), t.int("char", 1, true));
    let long = t.int("unsigned long", 8, false);
    let comm = t.array(char, 16);
    let union = t.union("", 16, &[("comm", comm, 0, 0), ("raw", long, 0, 0)]);
    let inner = t.structure("thread", 32, &[("flags", long, 0, 0), ("cr2", long, 128, 0), ("sp", long, 192, 0)]);
    let threads = t.array(inner, 4);
    let target = t.structure(
        "task_struct",
        200,
        &[("__state", long, 0, 0), ("pid", int, 64, 0), ("", union, 128, 0), ("threads", threads, 256, 0)],
    );
    (case, local, target)
}

#[test]
fn offsets_follow_fields_into_anonymous_members_and_arrays() {
    let (mut case, root, _) = task();
    assert_eq!(case.values(CoreKind::FieldByteOffset, root, "0:0"), (0, Some(8)));
    assert_eq!(case.values(CoreKind::FieldByteOffset, root, "0:1"), (8, Some(16)));
    assert_eq!(case.values(CoreKind::FieldByteOffset, root, "0:1:5"), (13, Some(21)));
    assert_eq!(case.values(CoreKind::FieldByteOffset, root, "0:2:3:1"), (24 + 3 * 16 + 24 + 8, Some(32 + 3 * 32 + 16)));
    assert_eq!(case.values(CoreKind::FieldByteOffset, root, "2:0"), (272, Some(408)), "the third task of an array");
    let found = case.resolve(CoreKind::FieldByteOffset, root, "0:2:3:1").expect("found");
    assert_eq!(found.what, "task_struct___mine.threads[3].cr2");
    assert_eq!(found.found.expect("found").what, "task_struct.threads[3].cr2");
}

#[test]
fn sizes_and_signs_are_the_kernel_s() {
    let (mut case, root, _) = task();
    assert_eq!(case.values(CoreKind::FieldByteSize, root, "0:1"), (16, Some(16)));
    assert_eq!(case.values(CoreKind::FieldByteSize, root, "0:2:0"), (24, Some(32)));
    assert_eq!(case.values(CoreKind::FieldByteSize, root, "0:2"), (96, Some(128)));
    assert_eq!(case.values(CoreKind::FieldSigned, root, "0:0"), (1, Some(1)));
    assert_eq!(case.values(CoreKind::FieldSigned, root, "0:2:0:0"), (0, Some(0)));
    assert_eq!(case.values(CoreKind::FieldLshiftU64, root, "0:0"), (32, Some(32)));
    assert_eq!(case.values(CoreKind::FieldRshiftU64, root, "0:0"), (32, Some(32)));
}

#[test]
fn a_field_that_is_not_there_is_told_with_near_names() {
    let (mut case, root, _) = task();
    assert_eq!(case.values(CoreKind::FieldExists, root, "0:0"), (1, Some(1)));
    assert_eq!(case.values(CoreKind::FieldExists, root, "0:3"), (1, Some(0)));
    let (why, near) = case.missing(CoreKind::FieldByteOffset, root, "0:3");
    assert_eq!((why.as_str(), near), ("`task_struct` has no member `state` here", vec!["__state".to_owned()]));
    assert_eq!(case.missing(CoreKind::FieldByteSize, root, "0:3").0, why);
}

#[test]
fn a_field_of_another_type_is_no_field() {
    let mut case = Case::default();
    let t = &mut case.local;
    let int = t.int("int", 4, true);
    let pointer = t.to("", Kind::Ptr, int);
    let (three, named) = (t.array(int, 3), t.enumeration("mode___old", 4, false, &[("A", 0)]));
    let other = t.enumeration("colour", 4, false, &[("RED", 0)]);
    let fields =
        [("p", pointer, 0, 0), ("a", three, 64, 0), ("m", named, 160, 0), ("c", other, 192, 0), ("s", int, 224, 0)];
    let root = t.structure("s", 32, &fields);
    let t = &mut case.target;
    let (int, short) = (t.int("int", 4, true), t.int("short", 2, false));
    let constant = t.to("", Kind::Const, short);
    let (two, mode) = (t.array(constant, 2), t.enumeration("mode", 8, false, &[("A", 0)]));
    let float = t.0.add("float", Kind::Float { size: 4 });
    let fields = [("p", int, 0, 0), ("a", two, 64, 0), ("m", mode, 128, 0), ("c", mode, 192, 0), ("s", float, 256, 0)];
    t.structure("s", 40, &fields);
    let exists = |case: &mut Case, access| case.values(CoreKind::FieldExists, root, access).1;
    assert_eq!(exists(&mut case, "0:0"), Some(0), "an integer for a pointer");
    assert_eq!(exists(&mut case, "0:1"), Some(1), "integers of any size, qualified or not, in arrays of any length");
    assert_eq!(exists(&mut case, "0:1:2"), Some(0), "no third element");
    assert_eq!(exists(&mut case, "0:2"), Some(1), "enumerations of one name but for the flavour, of any size");
    assert_eq!(exists(&mut case, "0:3"), Some(0), "another enumeration");
    assert_eq!(exists(&mut case, "0:4"), Some(0), "a float for an integer");
    let why = |case: &mut Case, access| case.missing(CoreKind::FieldByteOffset, root, access).0;
    assert_eq!(why(&mut case, "0:0"), "`s.p` is `int` here, the program was compiled with `int *`");
    assert_eq!(why(&mut case, "0:1:2"), "the array `s.a` has 2 elements here");
}

#[test]
fn a_flexible_last_array_has_elements_without_end() {
    let mut case = Case::default();
    let fields = |t: &mut Types, last: bool| {
        let int = t.int("int", 4, true);
        let (none, flexible) = (t.array(int, 0), t.array(int, 0));
        if last {
            t.structure("list", 8, &[("early", none, 0, 0), ("len", int, 0, 0), ("items", flexible, 32, 0)])
        } else {
            t.structure("list", 8, &[("len", int, 0, 0), ("items", flexible, 32, 0), ("end", int, 64, 0)])
        }
    };
    let root = fields(&mut case.local, true);
    fields(&mut case.target, true);
    assert_eq!(case.values(CoreKind::FieldByteOffset, root, "0:2:7"), (32, Some(32)));
    let early = case.resolve(CoreKind::FieldByteOffset, root, "0:0:1").expect_err("not the last");
    assert_eq!(early.to_string(), "its access string `0:0:1` leads nowhere from `list`: there is no such element");
    let mut other = Case::default();
    let root = fields(&mut other.local, true);
    fields(&mut other.target, false);
    assert_eq!(other.missing(CoreKind::FieldByteOffset, root, "0:2:7").0, "the array `list.items` has 0 elements here");
}

/// Where a bit-field of some integer is read: byte, bytes, shift left, shift right.
fn bits(offset: u32, width: u8, size: u32) -> [u64; 4] {
    let mut case = Case::default();
    let root = [&mut case.local, &mut case.target].map(|t| {
        let int = t.int("unsigned", size, false);
        t.structure("s", 32, &[("f", int, offset, width)])
    })[0];
    let kinds =
        [CoreKind::FieldByteOffset, CoreKind::FieldByteSize, CoreKind::FieldLshiftU64, CoreKind::FieldRshiftU64];
    kinds.map(|kind| case.values(kind, root, "0:0").1.expect("found"))
}

#[test]
fn bit_fields_are_read_by_the_smallest_aligned_word_that_holds_them() {
    assert_eq!(bits(0, 1, 4), [0, 4, 63, 63]);
    assert_eq!(bits(37, 3, 4), [4, 4, 64 - 8, 61]);
    assert_eq!(bits(6, 4, 1), [0, 2, 64 - 10, 60], "a byte is too small");
    assert_eq!(bits(30, 6, 4), [0, 8, 64 - 36, 58]);
    assert_eq!(bits(64, 64, 8), [8, 8, 0, 0]);
}

#[test]
fn a_bit_field_across_nine_bytes_is_refused() {
    let mut case = Case::default();
    let root = [&mut case.local, &mut case.target].map(|t| {
        let int = t.int("unsigned", 8, false);
        t.structure("s", 32, &[("f", int, 60, 8)])
    })[0];
    let error = case.resolve(CoreKind::FieldByteOffset, root, "0:0").expect_err("refused");
    assert_eq!(error, Error::BitField("s.f".into()));
}

#[test]
fn types_are_found_by_name_and_kind_whatever_they_hold() {
    let (mut case, root, target) = task();
    assert_eq!(case.values(CoreKind::TypeExists, root, "0"), (1, Some(1)));
    assert_eq!(case.values(CoreKind::TypeSize, root, "0"), (136, Some(200)));
    assert_eq!(case.values(CoreKind::TypeIdTarget, root, "0"), (root.0.into(), Some(target.0.into())));
    assert_eq!(case.values(CoreKind::TypeIdLocal, root, "0"), (root.0.into(), Some(root.0.into())));
    let union = case.local.union("task_struct", 8, &[]);
    let (why, near) = case.missing(CoreKind::TypeExists, union, "0");
    assert_eq!((why.as_str(), near.len()), ("there is no `union task_struct` here", 0));
    let short = case.local.structure("task_structs", 8, &[]);
    assert_eq!(case.missing(CoreKind::TypeSize, short, "0").1, ["task_struct"]);
    assert_eq!(case.missing(CoreKind::TypeIdTarget, short, "0").0, "there is no `struct task_structs` here");
    let anonymous = case.local.structure("", 8, &[]);
    assert_eq!(case.resolve(CoreKind::TypeExists, anonymous, "0"), Err(Error::Anonymous));
}

#[test]
fn typedefs_of_functions_agree_by_their_parameters() {
    let mut case = Case::default();
    let make = |t: &mut Types, two: bool, pointer: bool| {
        let int = t.int("int", 4, true);
        let to = t.to("", Kind::Ptr, int);
        let param = (0, if pointer { to } else { int });
        let params = if two { vec![param, param] } else { vec![param] };
        let proto = t.0.add("", Kind::FuncProto { ret: TypeId(0), params });
        let pointer = t.to("", Kind::Ptr, proto);
        t.to("fn_t", Kind::Typedef, pointer)
    };
    let root = make(&mut case.local, true, true);
    make(&mut case.target, true, true);
    assert_eq!(case.values(CoreKind::TypeExists, root, "0").1, Some(1));
    for (two, pointer) in [(false, true), (true, false)] {
        let mut case = Case::default();
        let root = make(&mut case.local, true, true);
        make(&mut case.target, two, pointer);
        assert_eq!(case.missing(CoreKind::TypeExists, root, "0").0, "`fn_t` has another shape here");
    }
}

#[test]
fn a_type_matches_when_all_its_members_are_there_with_their_types() {
    let mut case = Case::default();
    let t = &mut case.local;
    let (int, long) = (t.int("int", 4, true), t.int("long", 8, true));
    let named = t.0.add("other", Kind::Fwd { union: false });
    let pointer = t.to("", Kind::Ptr, named);
    let fits = t.structure("s", 16, &[("b", pointer, 0, 0), ("a___x", int, 64, 0)]);
    let wide = t.structure("s", 16, &[("a", long, 0, 0)]);
    let extra = t.structure("s", 16, &[("c", int, 0, 0)]);
    let colour = t.enumeration("colour___x", 4, false, &[("RED___x", 7)]);
    let large = t.enumeration("colour", 8, false, &[("RED", 7)]);
    let green = t.enumeration("colour", 4, false, &[("GREEN", 7)]);
    let t = &mut case.target;
    let int = t.int("int", 4, true);
    let named = t.structure("other", 4, &[("x", int, 0, 0)]);
    let pointer = t.to("", Kind::Ptr, named);
    t.structure("s", 16, &[("a", int, 0, 0), ("b", pointer, 64, 0)]);
    t.enumeration("colour", 4, false, &[("BLUE", 0), ("RED", 1)]);
    let matches = |case: &mut Case, root| case.values(CoreKind::TypeMatches, root, "0").1;
    assert_eq!(matches(&mut case, fits), Some(1), "in any order; behind a pointer a name is enough");
    assert_eq!(matches(&mut case, wide), Some(0), "a member of another size");
    assert_eq!(matches(&mut case, extra), Some(0), "a member that is not there");
    assert_eq!(matches(&mut case, colour), Some(1), "constants by name, whatever their value");
    assert_eq!(matches(&mut case, large), Some(0), "an enumeration of another size");
    assert_eq!(matches(&mut case, green), Some(0), "a constant that is not there");
}

#[test]
fn constants_are_found_by_name_and_have_the_kernel_s_value() {
    let mut case = Case::default();
    let values: &[(&str, i64)] = &[("ONE___x", 5), ("GONE", 6), ("MANY", -1), ("HIGH", 0x8000_0000)];
    let root = case.local.enumeration("count___x", 8, true, values);
    let values: &[(&str, i64)] = &[("ZERO", 0), ("ONE", 1), ("MANY", -9), ("GONER", 3), ("HIGH", 0x8000_0001)];
    case.target.enumeration("count", 4, false, values);
    assert_eq!(case.values(CoreKind::EnumvalValue, root, "0"), (5, Some(1)));
    assert_eq!(case.values(CoreKind::EnumvalExists, root, "0"), (1, Some(1)));
    assert_eq!(case.values(CoreKind::EnumvalExists, root, "1"), (1, Some(0)));
    assert_eq!(case.values(CoreKind::EnumvalValue, root, "3"), (0x8000_0000, Some(0x8000_0001)), "unsigned stays so");
    assert_eq!(case.values(CoreKind::EnumvalValue, root, "2").0, u64::MAX);
    let (why, near) = case.missing(CoreKind::EnumvalValue, root, "1");
    assert_eq!((why.as_str(), near.join(" ")), ("`enum count` has no constant `GONE` here", "ONE GONER".to_owned()));
    let what = case.resolve(CoreKind::EnumvalValue, root, "0").expect("found").what;
    assert_eq!(what, "count___x::ONE___x");
}

#[test]
fn types_of_one_name_must_agree_and_those_that_did_not_fit_are_out() {
    let mut case = Case::default();
    let int = case.local.int("int", 4, true);
    let root = case.local.structure("s", 12, &[("a", int, 0, 0), ("b", int, 32, 0), ("only", int, 64, 0)]);
    let int = case.target.int("int", 4, true);
    case.target.structure("s", 8, &[("a", int, 0, 0), ("b", int, 32, 0)]);
    case.target.structure("s___2", 16, &[("a", int, 0, 0), ("b", int, 64, 0), ("only", int, 96, 0)]);
    let offset = CoreKind::FieldByteOffset;
    let agreed = case.values(offset, root, "0:0");
    assert_eq!(agreed, (0, Some(0)));
    let error = case.resolve(offset, root, "0:1").expect_err("ambiguous").to_string();
    assert_eq!(error, "several types of this kernel fit `s.b`, and they differ: bit 32 and bit 64");
    let both = case.all(&[(offset, root, "0:2"), (offset, root, "0:1")]);
    let values: Vec<_> = both.into_iter().map(|r| r.expect("resolved").0.value).collect();
    assert_eq!(values, [Some(12), Some(8)], "the first showed which of them is meant");
}

#[test]
fn a_module_s_type_is_taken_only_where_the_kernel_has_none() {
    let (mut case, root, _) = task();
    let own = case.local.structure("of_module", 8, &[]);
    let access_off = case.local.0.string("0");
    let local = case.local.0.encode().expect("small");
    let kernel = case.target.0.encode().expect("small");
    let (local, kernel) = (Scan::new(&local).expect("types"), Scan::new(&kernel).expect("types"));
    let mut module = Types::default();
    module.structure("of_module", 24, &[]);
    module.structure("task_struct", 1, &[]);
    let module = module.0.encode().expect("small");
    let asked = std::cell::Cell::new(0);
    let target = Target::with_modules(&kernel, || {
        asked.set(asked.get() + 1);
        // Names of another set of types, but numbers of its own: enough to be told apart by size.
        vec![Module { name: "nf_tables".into(), scan: Scan::new(&module).expect("types") }]
    });
    let resolver = Resolver::new(&local, &target);
    let size = |type_id| {
        let kind = CoreKind::TypeSize.id();
        resolver.resolve(Relocation { kind, type_id, access_off }).expect("found")
    };
    assert_eq!((size(root).value, asked.get()), (Some(200), 0));
    let found = size(own);
    assert_eq!((found.value, asked.get()), (Some(24), 1));
    assert_eq!(found.found.and_then(|f| f.module), Some("nf_tables".to_owned()));
}

#[test]
fn access_strings_that_lead_nowhere_are_errors() {
    let (mut case, root, _) = task();
    let int = case.local.int("int", 4, true);
    for (kind, root, access) in [
        (CoreKind::FieldExists, root, ""),
        (CoreKind::FieldExists, root, "0:"),
        (CoreKind::FieldExists, root, ":0"),
        (CoreKind::FieldExists, root, "0:-1"),
        (CoreKind::FieldExists, root, "0:+1"),
        (CoreKind::FieldExists, root, "0:9"),
        (CoreKind::FieldExists, root, "0:99999999999"),
        (CoreKind::FieldExists, root, "0:1:16"),
        (CoreKind::FieldExists, root, "0:0:0"),
        (CoreKind::FieldExists, root, &"0:".repeat(65)),
        (CoreKind::TypeExists, root, "0:1"),
        (CoreKind::EnumvalValue, root, "0"),
        (CoreKind::EnumvalValue, int, "1"),
    ] {
        let error = case.resolve(kind, root, access).expect_err(access);
        assert!(matches!(error, Error::Access { .. }), "{access}: {error}");
    }
    let sign = case.resolve(CoreKind::FieldSigned, root, "0:1:2").expect_err("an element");
    assert_eq!(sign, Error::Element("task_struct___mine.comm[2]".into()));
}

#[test]
fn values_go_into_immediates_offsets_and_wide_loads() {
    let (mut case, root, _) = task();
    let pid = case.resolve(CoreKind::FieldByteOffset, root, "0:0").expect("found");
    let forms = [
        (vec![Insn::new(0xb7, 1, 0, 0, 0)], vec![Insn::new(0xb7, 1, 0, 0, 8)]),
        (vec![Insn::new(0x07, 1, 0, 0, 0)], vec![Insn::new(0x07, 1, 0, 0, 8)]),
        (vec![Insn::new(0xb4, 1, 0, 0, 0)], vec![Insn::new(0xb4, 1, 0, 0, 8)]),
        (vec![Insn::new(0x61, 1, 2, 0, 0)], vec![Insn::new(0x61, 1, 2, 8, 0)]),
        (vec![Insn::new(0x81, 1, 2, 0, 0)], vec![Insn::new(0x81, 1, 2, 8, 0)]),
        (vec![Insn::new(0x63, 1, 2, 0, 0)], vec![Insn::new(0x63, 1, 2, 8, 0)]),
        (vec![Insn::new(0x62, 1, 0, 0, 7)], vec![Insn::new(0x62, 1, 0, 8, 7)]),
        (vec![Insn::new(0x18, 1, 0, 0, 0), Insn::default()], vec![Insn::new(0x18, 1, 0, 0, 8), Insn::default()]),
    ];
    for (mut code, expected) in forms {
        assert_eq!(patch(&mut code, 0, &pid), Ok(Patched::Value { old: 0, new: 8 }), "{expected:?}");
        assert_eq!(code, expected);
    }
}

#[test]
fn an_instruction_that_does_not_carry_what_it_was_compiled_with_is_refused() {
    let (mut case, root, _) = task();
    let comm = case.resolve(CoreKind::FieldByteOffset, root, "0:1").expect("found");
    let error = patch(&mut [Insn::new(0xb7, 1, 0, 0, 9)], 0, &comm).expect_err("not 8");
    let expected = "instruction 0 carries 9, although `task_struct___mine.comm` was 8 when it was compiled";
    assert_eq!(error.to_string(), expected);
    for code in [0xbf, 0x95, 0x05, 0x15, 0x85, 0x20, 0xff] {
        let refused = patch(&mut [Insn::new(code, 0, 0, 0, 8)], 0, &comm);
        assert_eq!(refused, Err(Error::Instruction { slot: 0 }), "{code:#x}");
    }
    assert_eq!(patch(&mut [], 3, &comm), Err(Error::Instruction { slot: 3 }));
    assert_eq!(patch(&mut [Insn::new(0x18, 1, 0, 0, 8)], 0, &comm), Err(Error::Instruction { slot: 0 }), "one half");
    let number = case.resolve(CoreKind::TypeIdTarget, root, "0").expect("found");
    assert!(
        patch(&mut [Insn::new(0xb7, 1, 0, 0, 999)], 0, &number).is_ok(),
        "numbers of types change when objects are linked"
    );
}

#[test]
fn what_is_missing_makes_the_instruction_a_call_of_nothing_but_an_answer_of_no() {
    let (mut case, root, _) = task();
    let state = case.resolve(CoreKind::FieldByteOffset, root, "0:3").expect("resolved");
    let call = Insn::new(0x85, 0, 0, 0, POISON);
    let mut code =
        [Insn::new(0xb7, 1, 0, 0, 120), Insn::new(0x79, 1, 2, 120, 0), Insn::new(0x18, 1, 0, 0, 120), Insn::default()];
    for slot in [0, 1, 2] {
        assert!(matches!(patch(&mut code, slot, &state), Ok(Patched::Poisoned(_))));
    }
    assert_eq!(code, [call; 4]);
    let exists = case.resolve(CoreKind::FieldExists, root, "0:3").expect("resolved");
    let mut code = [Insn::new(0xb7, 1, 0, 0, 1)];
    assert_eq!(patch(&mut code, 0, &exists), Ok(Patched::Value { old: 1, new: 0 }));
}

/// A load of a field whose type in the kernel is another one.
fn load(code: u8, local: fn(&mut Types) -> TypeId, target: fn(&mut Types) -> TypeId) -> (Result<Patched, Error>, u8) {
    let mut case = Case::default();
    let of = local(&mut case.local);
    let root = case.local.structure("s", 8, &[("f", of, 0, 0)]);
    let of = target(&mut case.target);
    case.target.structure("s", 8, &[("f", of, 0, 0)]);
    let resolution = case.resolve(CoreKind::FieldByteOffset, root, "0:0").expect("found");
    let mut insns = [Insn::new(code, 1, 2, 0, 0)];
    let patched = patch(&mut insns, 0, &resolution);
    (patched, insns[0].code)
}

#[test]
fn loads_change_their_size_where_the_number_stays_the_same() {
    const LDXDW: u8 = 0x79;
    const LDXW: u8 = 0x61;
    const LDXB: u8 = 0x71;
    let done = Ok(Patched::Value { old: 0, new: 0 });
    assert_eq!(load(LDXDW, |t| t.int("u64", 8, false), |t| t.int("u32", 4, false)), (done.clone(), LDXW));
    assert_eq!(load(LDXW, |t| t.int("u32", 4, false), |t| t.int("u8", 1, false)), (done.clone(), LDXB));
    assert_eq!(load(0x7b, |t| t.int("u64", 8, false), |t| t.int("u16", 2, false)), (done, 0x6b), "a store");
    let (poisoned, code) = load(LDXDW, |t| t.int("u64", 8, false), |t| t.int("int", 4, true));
    assert_eq!(code, 0x85);
    let Ok(Patched::Poisoned(missing)) = poisoned else { panic!("{poisoned:?}") };
    let expected = "it takes 4 bytes here, not 8 as compiled, and is not an unsigned number or a pointer";
    assert_eq!(missing.to_string(), expected);
    let (refused, _) = load(LDXW, |t| t.int("u64", 8, false), |t| t.int("u32", 4, false));
    assert!(matches!(refused, Err(Error::Size { size: 4, .. })), "a load of 4 bytes of what had 8");
    let (refused, _) = load(LDXDW, |t| t.int("u64", 8, false), |t| t.int("u128", 16, false));
    assert!(matches!(refused, Err(Error::Size { size: 16, .. })), "no load has 16 bytes");
}

#[test]
fn an_offset_that_no_load_can_say_is_refused() {
    let mut case = Case::default();
    let int = case.local.int("int", 4, true);
    let root = case.local.structure("s", 8, &[("f", int, 0, 0)]);
    let int = case.target.int("int", 4, true);
    case.target.structure("s", 40_000, &[("f", int, 32_768 * 8, 0)]);
    let far = case.resolve(CoreKind::FieldByteOffset, root, "0:0").expect("found");
    let refused = patch(&mut [Insn::new(0x61, 1, 2, 0, 0)], 0, &far);
    assert_eq!(refused, Err(Error::Range { slot: 0, what: "s.f".into(), value: 32_768 }));
    assert!(patch(&mut [Insn::new(0xb7, 1, 0, 0, 0)], 0, &far).is_ok(), "an immediate can");
}

#[test]
fn every_kind_of_the_table_is_answered_and_no_other() {
    let (mut case, root, _) = task();
    let colour = case.local.enumeration("colour", 4, false, &[("RED", 0)]);
    for row in TABLE {
        let about_constants = matches!(row.id, CoreKind::EnumvalExists | CoreKind::EnumvalValue);
        let root = if about_constants { colour } else { root };
        assert!(case.resolve(row.id, root, "0").is_ok() || row.name.contains("shift") || row.name == "field_signed");
    }
    let local = case.local.0.encode().expect("small");
    let local = Scan::new(&local).expect("types");
    let target = Target::new(&local);
    let unknown = Relocation { kind: TABLE.len() as u32, type_id: root, access_off: 0 };
    assert_eq!(Resolver::new(&local, &target).resolve(unknown), Err(Error::Kind(13)));
}

/// Types that continue the kernel's with nothing but strings.
fn strings_only(strings: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x9f, 0xeb, 1, 0];
    for word in [24, 0, 0, 0, strings.len() as u32] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(strings);
    bytes
}

#[test]
fn the_kernel_s_own_structures_are_relocated_to_themselves_within_milliseconds() {
    let Ok(bytes) = std::fs::read("/sys/kernel/btf/vmlinux") else { return };
    let kernel = Scan::new(&bytes).expect("types");
    // Access strings, which a kernel's types do not have, four bytes each.
    let strings = strings_only(b"0:0\x000:1\x000:2\x000:3\x00");
    let local = Scan::split(&strings, &kernel).expect("types");
    let strings_at = u32::from_le_bytes(bytes[20..24].try_into().expect("four bytes"));
    let target = Target::new(&kernel);
    let resolver = Resolver::new(&local, &target);
    // Members without a name cannot be asked for.
    let names = |id: TypeId| match kernel.get(id).map(|t| t.kind) {
        Some(Kind::Struct { members, .. }) => members.iter().take(4).filter(|m| m.name_off != 0).count(),
        _ => 0,
    };
    let ids = kernel.ids().filter(|id| !kernel.name(*id).is_empty() && names(*id) == 4);
    let structures: Vec<_> = ids.take(500).collect();
    assert!(kernel.named("task_struct").next().is_some(), "the index is made before the clock starts");
    let started = std::time::Instant::now();
    let (mut same, mut ambiguous) = (0, 0);
    for type_id in structures {
        for at in 0..4 {
            let relocation = Relocation { kind: 0, type_id, access_off: strings_at + at * 4 };
            match resolver.resolve(relocation) {
                Ok(found) if found.value == Some(found.local) => same += 1,
                Err(Error::Ambiguous { .. } | Error::BitField(_)) => ambiguous += 1,
                other => panic!("{}: {other:?}", kernel.name(type_id)),
            }
        }
    }
    let took = started.elapsed();
    println!("{same} relocations, {ambiguous} ambiguous, in {took:?}");
    assert!(same >= 1_500 && ambiguous <= 100, "{same} {ambiguous}");
    if !cfg!(debug_assertions) {
        assert!(took.as_millis() <= 40, "{took:?}");
    }
}
