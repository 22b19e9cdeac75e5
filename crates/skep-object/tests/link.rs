//! Objects linked into one: what is read of the result is what the parts say.

#[cfg(feature = "corpus-tests")]
mod corpus;
mod described;
mod support;

use std::path::{Path, PathBuf};

use described::{Depth, difference};
use skep_btf::Kind;
use skep_diag::Diagnostic;
use skep_isa::Insn;
use skep_object::{MapRole, Object, RelocTarget, link};
use support::types::{SIGNED, Types};
use support::{
    ADDRESS, CALL, Elf, GLOBAL_FUNC, GLOBAL_OBJECT, LOCAL_FUNC, LOCAL_SECTION, PROGBITS, call, exit, mov, wide,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every object that is committed.
fn committed() -> Vec<PathBuf> {
    let list =
        |folder: PathBuf| std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let examples = list(root().join("examples")).filter(|path| path.is_dir()).flat_map(list);
    let tests = ["tests/programs", "tests/data/object", "tests/data/link"]
        .into_iter()
        .flat_map(|folder| list(root().join(folder)));
    let mut objects: Vec<_> = examples.chain(tests).filter(|p| p.extension().is_some_and(|e| e == "o")).collect();
    objects.sort();
    objects
}

/// Why an object linked alone is not what it was.
fn changed(name: &str, bytes: &[u8]) -> Option<String> {
    let before = match Object::parse(name, bytes) {
        Ok(object) => object,
        // What cannot be read needs not be linked.
        Err(_) => return None,
    };
    let linked = match link(&[(name, bytes)]) {
        Ok(linked) => linked,
        Err(error) => return Some(format!("{name}: {error}")),
    };
    match Object::parse(name, &linked) {
        Ok(after) => difference(&before, &after, Depth::Whole).map(|difference| format!("{name}: {difference}")),
        Err(error) => Some(format!("{name}: {error}")),
    }
}

#[test]
fn an_object_linked_alone_is_what_it_was() {
    let objects = committed();
    assert!(objects.len() >= 40, "{}", objects.len());
    let changed: Vec<String> = objects
        .iter()
        .filter_map(|path| changed(&path.display().to_string(), &std::fs::read(path).expect("an object")))
        .collect();
    assert!(changed.is_empty(), "{}", changed.join("\n\n"));
}

/// The objects of `tests/data/link` by name.
fn parts(names: &[&str]) -> Vec<(String, Vec<u8>)> {
    let read = |name: &&str| {
        let path = root().join(format!("tests/data/link/{name}.bpf.o"));
        (format!("{name}.bpf.o"), std::fs::read(path).expect("an object"))
    };
    names.iter().map(read).collect()
}

fn link_parts(parts: &[(String, Vec<u8>)]) -> Result<Vec<u8>, Diagnostic> {
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    link(&parts)
}

fn linked(names: &[&str]) -> Object {
    let bytes = link_parts(&parts(names)).unwrap_or_else(|error| panic!("{error}"));
    Object::parse("linked.bpf.o", &bytes).unwrap_or_else(|error| panic!("{error}"))
}

/// The code, the title and the notes of what is not linked.
fn refused(names: &[&str]) -> Vec<String> {
    let Diagnostic { code, title, notes, .. } = link_parts(&parts(names)).expect_err("refused");
    [format!("{code} {title}")].into_iter().chain(notes).collect()
}

#[test]
fn what_one_file_declares_is_what_the_other_defines_in_whatever_order_they_come() {
    for order in [["main", "library"], ["library", "main"]] {
        let object = linked(&order);
        let [program] = &object.programs[..] else { panic!("{:?}", object.programs) };
        let names: Vec<&str> = program.funcs.iter().map(|f| f.name.as_str()).collect();
        // The strong `score`, with what it calls; of `mix` and `add` the one of each file.
        assert_eq!(names, ["linked", "classify", "add", "mix", "score", "mix", "hidden_sum", "add"], "{order:?}");
        assert!(program.funcs.iter().all(|f| f.type_id.is_some()));
        assert!(!program.relocs.iter().any(|r| matches!(r.target, RelocTarget::Extern(_))), "{:?}", program.relocs);
        let maps: Vec<&str> = object.maps.iter().map(|m| m.name.as_str()).collect();
        for map in ["lengths", "totals", "linked.bss", "linked.data", "linked.rodata"] {
            assert!(maps.contains(&map), "{maps:?}");
        }
        // Each line of the program is of the file that its function is of.
        let btf = object.btf.as_ref().expect("types");
        let file = |slot: u32| btf.string(program.line_at(slot as usize).expect("a line").file_off).expect("a name");
        let classify = program.funcs.iter().find(|f| f.name == "classify").expect("a function");
        assert_eq!((file(0), file(classify.slot)), ("./main.bpf.c", "./library.bpf.c"));
    }
}

#[test]
fn types_of_both_files_stand_once_and_static_variables_as_often_as_they_are() {
    let object = linked(&["main", "library"]);
    let btf = object.btf.as_ref().expect("types");
    let count = |name: &str| btf.types().filter(|(id, _)| btf.name(*id) == name).count();
    assert_eq!(["frame", "class", "__u64", "int"].map(count), [1; 4]);
    // A structure and a variable.
    assert_eq!(["limits", "totals"].map(count), [2; 2]);
    assert_eq!(["seen", "step", "mix", "add"].map(count), [2; 4]);
    assert_eq!(["score", "classify", "classified", "_license"].map(count), [1; 4]);
    assert!(!btf.types().any(|(_, t)| matches!(t.kind, Kind::Fwd { .. })));
    let linkages = btf.types().filter_map(|(_, t)| match t.kind {
        Kind::Func { linkage, .. } => Some(u32::from(linkage)),
        Kind::Var { linkage, .. } => Some(linkage),
        _ => None,
    });
    assert!(linkages.into_iter().all(|linkage| linkage < 2), "nothing is extern any more");
    let data = object.map("linked.data").expect("the map");
    let MapRole::Data { initial, .. } = &data.role else { panic!("{:?}", data.role) };
    assert_eq!(btf.value(data.value_type.expect("a type"), initial).to_string(), "{seen: 1, seen: 10}");
}

#[test]
fn a_variable_that_all_see_keeps_its_place_beside_a_static_one_of_its_name() {
    let part = |linkage: u32| {
        let mut types = Types::default();
        let int = types.int("int", 4, SIGNED);
        let pair = types.array(int, 2);
        let other = types.var("other", pair, 1 - linkage);
        let var = types.var("state", int, linkage);
        types.section(".data", 12, &[(other, 0, 8), (var, if linkage == 0 { 8 } else { 0 }, 4)]);
        let mut elf = Elf::default();
        let data = elf.data(".data", &[0; 12]);
        let (first, second) = if linkage == 0 { (GLOBAL_OBJECT, 1) } else { (1, GLOBAL_OBJECT) };
        elf.symbol("state", second, data, 8, 4);
        elf.symbol("other", first, data, 0, 8);
        elf.section(".BTF", PROGBITS, 0, &types.bytes());
        elf.bytes()
    };
    let linked = link(&[("global.o", &part(1)), ("static.o", &part(0))]).expect("links");
    let object = Object::parse("linked.o", &linked).expect("a good object");
    let btf = object.btf.as_ref().expect("types");
    let Some(Kind::Datasec { vars, .. }) =
        object.map("linked.data").and_then(|map| btf.get(map.value_type?)).map(|t| &t.kind)
    else {
        panic!("a section of variables")
    };
    let places: Vec<_> = vars.iter().map(|var| (btf.name(var.type_id), var.offset)).collect();
    // The second file begins at 16: data is aligned to 8.
    assert_eq!(places, [("other", 0), ("state", 8), ("other", 16), ("state", 24)]);
}

#[test]
fn what_no_file_defines_stays_extern_and_can_be_linked_later() {
    let part = link_parts(&parts(&["main"])).expect("links alone");
    let object = Object::parse("part.bpf.o", &part).expect("a good object");
    let externs: Vec<&RelocTarget> = object.programs[0].relocs.iter().map(|reloc| &reloc.target).collect();
    assert!(externs.contains(&&RelocTarget::Extern("classified".to_owned())), "{externs:?}");
    assert!(object.map("totals").is_none() && object.map("lengths").is_some(), "a map that is declared only is none");
    let own = object.maps.iter().position(|map| map.name == "lengths").expect("the map");
    assert!(externs.contains(&&RelocTarget::Map(own)), "{externs:?}");
    let mut again = parts(&["library"]);
    again.insert(0, ("part.bpf.o".to_owned(), part));
    let later = Object::parse("linked.bpf.o", &link_parts(&again).expect("links")).expect("a good object");
    assert_eq!(difference(&later, &linked(&["main", "library"]), Depth::Whole), None);
}

#[test]
fn what_two_files_say_differently_is_refused_with_both_names() {
    assert_eq!(
        refused(&["library", "twice"]),
        [
            "L0001 `classified` is defined in library.bpf.o and in twice.bpf.o",
            "neither definition is weak, so that none can give way"
        ]
    );
    assert_eq!(refused(&["main", "main"])[0], "L0001 `linked` is defined twice in main.bpf.o");
    assert_eq!(
        refused(&["library", "other_map"]),
        [
            "L0002 map `totals` is not the same in library.bpf.o and other_map.bpf.o",
            "`max_entries`: 3 in library.bpf.o, 5 in other_map.bpf.o"
        ]
    );
    assert_eq!(
        refused(&["other_variable", "library"]),
        [
            "L0002 `limits` is not the same in library.bpf.o and other_variable.bpf.o",
            "`struct limits`: 3 members in library.bpf.o, 2 members in other_variable.bpf.o"
        ]
    );
    assert_eq!(
        refused(&["library", "other_licence"]),
        [
            "L0002 section license is not the same in library.bpf.o and other_licence.bpf.o",
            "it says `Dual MIT/GPL` in library.bpf.o and `MIT` in other_licence.bpf.o"
        ]
    );
}

#[test]
fn a_big_endian_object_is_refused_by_name() {
    let (name, mut bytes) = parts(&["main"]).remove(0);
    bytes[5] = 2;
    let error = link(&[(&name, &bytes)]).expect_err("refused");
    assert_eq!((error.code.as_str(), error.title.as_str()), ("O0009", "main.bpf.o is a big-endian object"));
}

#[test]
fn a_section_of_zeros_is_not_joined_with_one_of_bytes() {
    let object = |zeros: bool| {
        let mut elf = Elf::default();
        if zeros {
            elf.zeros(".data.x", 8);
        } else {
            elf.data(".data.x", &[1; 8]);
        }
        elf.bytes()
    };
    let error = link(&[("a.o", &object(true)), ("b.o", &object(false))]).expect_err("refused");
    assert_eq!(error.title, "section .data.x is not the same in a.o and b.o");
    assert_eq!(error.notes, ["in a.o it holds zeros alone, in b.o bytes"]);
    assert!(link(&[("a.o", &object(true)), ("b.o", &object(true))]).is_ok());
}

/// A section of the linked file.
fn section(file: &[u8], name: &str) -> Vec<u8> {
    use object::{Object as _, ObjectSection as _};
    let file = object::File::parse(file).expect("ELF");
    file.section_by_name(name).expect("the section").data().expect("its bytes").to_vec()
}

#[test]
fn distances_in_a_section_grow_by_what_was_put_before_it() {
    let part = |name: &str| {
        let mut elf = Elf::default();
        let text = elf.code(".text", &[mov(1), exit(), mov(2), exit()]);
        let at = elf.symbol("", LOCAL_SECTION, text, 0, 0);
        elf.symbol("f", LOCAL_FUNC, text, 16, 16);
        let [low, high] = wide(16);
        let main = elf.code("xdp", &[low, high, call(1), exit()]);
        elf.symbol(name, GLOBAL_FUNC, main, 0, 32);
        elf.relocate_named(".relxdp", main, &[(0, at, ADDRESS), (16, at, CALL)]);
        let table = elf.data(".data.table", &16_u64.to_le_bytes());
        // R_BPF_64_ABS64.
        elf.relocate_named(".rel.data.table", table, &[(0, at, 2)]);
        elf.bytes()
    };
    let both = link(&[("a.o", &part("one")), ("b.o", &part("two"))]).expect("links");
    let words: Vec<u64> =
        section(&both, ".data.table").chunks_exact(8).map(|w| u64::from_le_bytes(w.try_into().expect("8"))).collect();
    assert_eq!(words, [16, 16 + 32]);
    let code = Insn::slots(&section(&both, "xdp"));
    assert_eq!([code[0].imm, code[2].imm, code[4].imm, code[6].imm], [16, 1, 16 + 32, 1 + 4]);
    let object = Object::parse("both.o", &both).expect("a good object");
    let calls: Vec<i32> = object.programs.iter().map(|program| program.code[2].imm).collect();
    assert_eq!(calls, [1, 1], "each calls its own `f`");
}

#[test]
fn damaged_objects_are_refused_or_linked_but_never_end_the_process() {
    let parts = parts(&["main", "library"]);
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let (mut done, mut refused) = (0, 0);
    for round in 0..2000 {
        let mut damaged = parts.clone();
        let bytes = &mut damaged[round % 2].1;
        if round % 5 == 0 {
            bytes.truncate(random(bytes.len()));
        }
        for _ in 0..1 + random(4) {
            let at = random(bytes.len().max(1));
            if let Some(byte) = bytes.get_mut(at) {
                *byte = [0, 0xff, 1, 0x80, *byte ^ 1][random(5)];
            }
        }
        match link_parts(&damaged) {
            Ok(bytes) => {
                done += 1;
                let _ = Object::parse("linked.o", &bytes);
                // What was linked can be linked.
                link(&[("linked.o", &bytes)]).unwrap_or_else(|error| panic!("{error}"));
            }
            Err(_) => refused += 1,
        }
    }
    assert!(done > 100 && refused > 100, "{done} linked, {refused} refused");
}

#[cfg(feature = "corpus-tests")]
mod against_libbpf {
    use std::process::Command;

    use super::corpus::{directory, objects, run};
    use super::*;

    /// Links as bpftool does, and compares what is read; `None` where libbpf does not link them.
    fn compare(files: &[PathBuf]) -> Option<()> {
        let out = directory("link").join("bpftool.o");
        let output =
            Command::new("bpftool").args(["gen", "object"]).arg(&out).args(files).output().expect("bpftool runs");
        let parts: Vec<_> =
            files.iter().map(|f| (f.display().to_string(), std::fs::read(f).expect("an object"))).collect();
        let ours = link_parts(&parts);
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            // Of what libbpf refuses for good reasons we take nothing.
            let good = ["conflicting non-weak symbol", "non-identical contents"].iter().any(|why| said.contains(why));
            assert!(!good || ours.is_err(), "{files:?} are linked, and libbpf says {said}");
            return None;
        }
        let ours = ours.unwrap_or_else(|error| panic!("{files:?}: {error}"));
        let theirs = std::fs::read(&out).expect("it was written");
        match (Object::parse("linked.o", &ours), Object::parse("linked.o", &theirs)) {
            (Ok(ours), Ok(theirs)) => assert_eq!(difference(&ours, &theirs, Depth::Names), None, "{files:?}"),
            (ours, theirs) => assert_eq!(ours.err(), theirs.err(), "{files:?}"),
        }
        Some(())
    }

    #[test]
    fn our_objects_are_linked_as_libbpf_links_them() {
        let folder = root().join("tests/data/link");
        let part = |name: &str| folder.join(format!("{name}.bpf.o"));
        assert_eq!(compare(&[part("main"), part("library")]), Some(()));
        assert_eq!(compare(&[part("library"), part("main")]), Some(()));
        assert_eq!(compare(&[part("twice"), part("library")]), None);
        let committed = committed();
        let pairs = committed.windows(2).filter(|pair| compare(pair).is_some()).count();
        assert!(pairs >= 20, "{pairs}");
    }

    #[test]
    fn real_objects_are_linked_as_libbpf_links_them_and_alone_they_are_what_they_were() {
        run(Command::new("bpftool").arg("version"));
        let folder = directory("link");
        let mut files = Vec::new();
        for (at, bytes) in objects().iter().enumerate() {
            let path = folder.join(format!("{at}.o"));
            std::fs::write(&path, bytes).expect("the build directory takes files");
            assert_eq!(changed(&path.display().to_string(), bytes), None);
            files.push(path);
        }
        // An object too damaged for us to read would hide a difference.
        let pairs = files.windows(2).filter(|pair| compare(pair).is_some()).count();
        let threes = files.windows(3).step_by(2).filter(|three| compare(three).is_some()).count();
        assert!(pairs >= 30 && threes >= 6, "{pairs} pairs, {threes} threes");
    }

    #[test]
    fn objects_of_gcc_refer_to_what_they_meant() {
        let source = root().join("crates/skep-object/tests/data/compilers/placed.bpf.c");
        let path = directory("link").join("gcc.o");
        let mut gcc = Command::new("bpf-gcc");
        let headers = format!("-I/usr/include/{}-linux-gnu", std::env::consts::ARCH);
        run(gcc.args(["-O2", "-gbtf", "-mcpu=v3", "-I/usr/include", &headers, "-c", "-o"]).arg(&path).arg(source));
        let gcc = std::fs::read(&path).expect("an object");
        // Something before each of its sections.
        let mut before = Elf::default();
        before.code(".text", &[mov(1), exit()]);
        before.data(".data", &[9; 24]);
        before.zeros(".bss", 40);
        let both = link(&[("before.o", &before.bytes()), ("gcc.o", &gcc)]).expect("links");
        let alone = Object::parse("gcc.o", &gcc).expect("a good object");
        let both = Object::parse("gcc.o", &both).expect("a good object");
        // The bytes that each reference leads to, and what is called.
        let meant = |object: &Object| -> Vec<(u32, Vec<u8>)> {
            let relocs = object.programs[0].relocs.iter().map(|reloc| (reloc.slot, reloc.target.clone()));
            let bytes = relocs.map(|(slot, target)| match target {
                RelocTarget::MapValue { map, offset } => match &object.maps[map].role {
                    MapRole::Data { initial, .. } => (slot, initial[offset as usize..][..8].to_vec()),
                    other => panic!("{other:?}"),
                },
                RelocTarget::Map(map) => (slot, object.maps[map].name.clone().into_bytes()),
                other => (slot, format!("{other:?}").into_bytes()),
            });
            let funcs = object.programs[0].funcs.iter().map(|f| (f.slot, f.name.clone().into_bytes()));
            bytes.chain(funcs).collect()
        };
        assert!(meant(&alone).len() > 5, "{:?}", meant(&alone));
        assert_eq!(meant(&both), meant(&alone));
    }
}
