//! What other compilers than ours make, and the same for machines of the other byte order. Needs clang 14, 16 and 19, and
//! bpf-gcc.
#![cfg(feature = "corpus-tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

use skep_isa::opcode::decode;
use skep_object::{Listing, Object, ProgramSpec, RelocTarget};

/// The test programs, and the instruction set each asks for.
fn sources() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/programs");
    let entries = std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path());
    let mut sources: Vec<PathBuf> = entries.filter(|p| p.to_string_lossy().ends_with(".bpf.c")).collect();
    sources.sort();
    assert!(sources.len() >= 25, "{sources:?}");
    let cpu = |path: &Path| {
        let text = std::fs::read_to_string(path).expect("text");
        text.lines().next().and_then(|line| line.strip_prefix("// cpu: ")).unwrap_or("v3").to_owned()
    };
    sources.into_iter().map(|path| (path.clone(), cpu(&path))).collect()
}

/// A folder of the build directory.
fn directory(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// What a command prints, which must succeed.
fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn headers() -> String {
    format!("-I/usr/include/{}-linux-gnu", std::env::consts::ARCH)
}

/// The object, compiled to `folder`.
fn compiled(compiler: &mut Command, source: &Path, folder: &Path) -> Vec<u8> {
    let output = folder.join(source.file_stem().expect("a name")).with_extension("o");
    run(compiler.args(["-O2", &headers(), "-c"]).arg(source).arg("-o").arg(&output));
    std::fs::read(output).expect("compiled")
}

fn clang(version: u32, target: &str, cpu: &str) -> Command {
    let mut clang = Command::new(format!("clang-{version}"));
    clang.args(["-g", "-target", target, &format!("-mcpu={cpu}")]);
    clang
}

fn object(name: &str, bytes: &[u8]) -> Object {
    Object::parse(name, bytes).unwrap_or_else(|d| panic!("{name}: {} {:?}", d.title, d.notes))
}

#[test]
fn an_object_of_the_other_byte_order_is_read_as_its_brother() {
    let folder = directory("compilers-order");
    for (source, cpu) in sources() {
        let name = source.display().to_string();
        let [little, big] = ["bpfel", "bpfeb"].map(|target| compiled(&mut clang(19, target, &cpu), &source, &folder));
        let (ours, theirs) = (object(&name, &little), object(&name, &big));
        assert!(!ours.big_endian && theirs.big_endian);
        assert_eq!(ours.programs.len(), theirs.programs.len(), "{name}");
        for (ours, theirs) in ours.programs.iter().zip(&theirs.programs) {
            assert_eq!((&ours.name, &ours.section), (&theirs.name, &theirs.section), "{name}");
            let targets = |p: &ProgramSpec| p.relocs.iter().map(|r| r.target.clone()).collect::<Vec<_>>();
            let funcs = |p: &ProgramSpec| p.funcs.iter().map(|f| (f.name.clone(), f.type_id)).collect::<Vec<_>>();
            assert_eq!((targets(ours), funcs(ours)), (targets(theirs), funcs(theirs)), "{name}: {}", ours.name);
            // A conversion between orders more or less.
            assert!(ours.code.len().abs_diff(theirs.code.len()) <= ours.code.len() / 4, "{name}");
            let unknown: Vec<_> = theirs.code.iter().filter(|i| i.code != 0 && decode(**i).is_err()).collect();
            assert!(unknown.is_empty(), "{name}: {unknown:?}");
        }
        let shape = |o: &Object| -> Vec<_> {
            let maps = o.maps.iter();
            maps.map(|m| (m.name.clone(), m.map_type, m.key_size, m.value_size, m.max_entries, m.flags)).collect()
        };
        assert_eq!(shape(&ours), shape(&theirs), "{name}");
        let types = |o: &Object| o.btf.as_ref().map(|btf| btf.types().count());
        assert_eq!(types(&ours), types(&theirs), "{name}");
        let refusal = theirs.check_order().expect_err("it is for other machines");
        assert!(refusal.title.ends_with("is an object for big-endian machines"), "{}", refusal.title);
        assert!(ours.check_order().is_ok());
    }
}

#[test]
fn an_object_of_the_other_byte_order_is_listed_as_llvm_lists_it() {
    let folder = directory("compilers-listing");
    for (source, cpu) in sources() {
        let bytes = compiled(&mut clang(19, "bpfeb", &cpu), &source, &folder);
        let path = folder.join("listed.o");
        std::fs::write(&path, &bytes).expect("written");
        let expected = run(Command::new("llvm-objdump-19").arg("-d").arg(&path));
        let listing = Listing::parse(&bytes).expect("a listing");
        let ours = listing.display(path.to_str().expect("text")).to_string();
        assert_eq!(ours, String::from_utf8_lossy(&expected), "{}", source.display());
    }
}

#[test]
fn a_cut_object_of_the_other_byte_order_is_refused_without_harm() {
    let (source, cpu) = sources().swap_remove(0);
    let bytes = compiled(&mut clang(19, "bpfeb", &cpu), &source, &directory("compilers-cut"));
    for at in (0..bytes.len()).step_by(29) {
        // Not all damage shows, but none may do harm.
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        let _ = (Object::parse("x", &damaged), Listing::parse(&damaged));
        if at % 4 == 0 {
            let _ = (Object::parse("x", &bytes[..at]), Listing::parse(&bytes[..at]));
        }
    }
}

#[test]
fn objects_of_older_clangs_have_the_same_programs_and_maps() {
    for version in [14, 16] {
        let folder = directory(&format!("compilers-clang-{version}"));
        // Instructions of v4 are younger than these.
        for (source, cpu) in sources().into_iter().filter(|(_, cpu)| cpu != "v4") {
            let name = format!("{} by clang {version}", source.display());
            let ours = object(&name, &compiled(&mut clang(version, "bpf", &cpu), &source, &folder));
            let newest = object(&name, &compiled(&mut clang(19, "bpf", &cpu), &source, &folder));
            let names = |o: &Object| -> Vec<_> {
                let maps = o.maps.iter().filter(|m| !m.name.starts_with('.'));
                let maps = maps.map(|m| (m.name.clone(), m.value_size));
                maps.chain(o.programs.iter().map(|p| (p.name.clone(), 0))).collect()
            };
            assert_eq!(names(&ours), names(&newest), "{name}");
            assert!(ours.programs.iter().all(|p| !p.lines.is_empty() && p.funcs.iter().all(|f| f.type_id.is_some())));
        }
    }
}

#[test]
fn objects_of_gcc_refer_to_what_they_mean() {
    let folder = directory("compilers-gcc");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/compilers/placed.bpf.c");
    let mut gcc = Command::new("bpf-gcc");
    let gcc = gcc.args(["-gbtf", "-mcpu=v3", "-I/usr/include"]);
    let ours = object("placed.bpf.o", &compiled(gcc, &source, &folder));
    let theirs = object("placed.bpf.o", &compiled(&mut clang(19, "bpf", "v3"), &source, &folder));
    let funcs = |o: &Object| -> Vec<_> {
        let mut names: Vec<_> = o.programs[0].funcs.iter().map(|f| f.name.clone()).collect();
        // GCC calls a copy that it made for one caller `three.constprop.0`.
        names.iter_mut().for_each(|name| name.truncate(name.find('.').unwrap_or(name.len())));
        names.sort();
        names
    };
    assert_eq!(funcs(&ours), funcs(&theirs));
    // By name of the map, and the bytes that a reference begins at.
    let referred = |o: &Object| -> Vec<_> {
        let relocs = o.programs[0].relocs.iter();
        let mut all: Vec<(String, Vec<u8>)> = relocs
            .filter_map(|r| match r.target {
                RelocTarget::Map(map) => Some((o.maps[map].name.clone(), vec![])),
                RelocTarget::MapValue { map, offset } => match &o.maps[map].role {
                    skep_object::MapRole::Data { initial, .. } => {
                        let bytes = initial.get(offset as usize..).and_then(|rest| rest.first_chunk::<8>());
                        Some((o.maps[map].name.clone(), bytes.expect("inside").to_vec()))
                    }
                    _ => None,
                },
                _ => None,
            })
            .collect();
        all.sort();
        all.dedup();
        all
    };
    let data = |n: u8| ("placed.data".to_owned(), vec![n, 0, 0, 0, 0, 0, 0, 0]);
    let expected = [("counts".to_owned(), vec![]), ("other".to_owned(), vec![]), ("placed.bss".to_owned(), vec![0; 8])];
    let expected: Vec<_> = expected.into_iter().chain([5, 6].map(data)).collect();
    for (name, object) in [("gcc", &ours), ("clang", &theirs)] {
        let referred = referred(object);
        assert!(expected.iter().all(|one| referred.contains(one)), "{name}: {referred:?}");
    }
}
