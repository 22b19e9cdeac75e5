//! CO-RE against libbpf, on the running kernel's types: the objects in Debian's packages, and every kind. Needs root,
//! libbpf's headers and library, clang 19, and the packages. libbpf is asked for what it makes of a program, not to load it.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

#[path = "../../skep-object/tests/corpus/mod.rs"]
mod corpus;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use skep_btf::Scan;
use skep_btf::core::Resolver;
use skep_isa::Insn;
use skep_isa::spec::CoreKind;
use skep_kernel::KernelTypes;
use skep_object::{Object, RelocTarget};

/// The program that asks libbpf, compiled.
fn oracle() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/relocated/oracle.c");
    let binary = corpus::directory("relocated").join(format!("oracle-{}", std::process::id()));
    corpus::run(Command::new("clang-19").arg("-O1").arg("-o").arg(&binary).arg(source).arg("-lbpf"));
    binary
}

/// Names and instructions of an object's programs as libbpf relocates them.
fn of_libbpf(oracle: &Path, object: &Path) -> BTreeMap<String, Vec<Insn>> {
    let text = corpus::run(Command::new(oracle).arg(object));
    let text = String::from_utf8(text).expect("text");
    let program = |line: &str| {
        let (name, hex) = line.split_once(' ').expect("a name and slots");
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
        (name.to_owned(), Insn::slots(&(0..hex.len()).step_by(2).map(digit).collect::<Vec<_>>()))
    };
    text.lines().map(program).collect()
}

/// What was compared.
#[derive(Default)]
struct Compared {
    objects: usize,
    relocations: usize,
    poisoned: usize,
    kinds: BTreeMap<&'static str, usize>,
    differences: Vec<String>,
}

impl Compared {
    /// Relocates an object's programs and compares every relocated instruction with libbpf's.
    fn object(&mut self, name: &str, bytes: &[u8], oracle: &Path, kernel: &KernelTypes) {
        let Ok(object) = Object::parse(name, bytes) else { return };
        if !object.programs.iter().any(|p| p.needs_kernel_types()) {
            return;
        }
        self.objects += 1;
        let path = corpus::directory("relocated").join(format!("{name}-{}.o", std::process::id()));
        std::fs::write(&path, bytes).expect("written");
        let theirs = of_libbpf(oracle, &path);
        std::fs::remove_file(&path).expect("removed");
        let btf = object.btf.as_ref().expect("types");
        let (local, scan) = (Scan::new(btf.bytes()).expect("types"), kernel.scan().expect("types"));
        let target = kernel.target(&scan);
        let mut resolver = Resolver::new(&local, &target);
        for program in object.programs.iter().filter(|p| p.needs_kernel_types()) {
            let relocated =
                program.relocate(&mut resolver, |at| btf.string(at)).unwrap_or_else(|d| panic!("{name}: {d}"));
            self.poisoned += relocated.poisoned.len();
            let theirs = theirs.get(&program.name).unwrap_or_else(|| panic!("{name}: libbpf has no {}", program.name));
            let ours = &relocated.program.code;
            assert_eq!(ours.len(), theirs.len(), "{name}: {}", program.name);
            for reloc in &program.relocs {
                let RelocTarget::Core(relocation) = reloc.target else { continue };
                let slots = if program.code[reloc.slot as usize].is_wide() { 2 } else { 1 };
                let range = reloc.slot as usize..reloc.slot as usize + slots;
                let kind = CoreKind::from_id(relocation.kind).expect("a known kind");
                self.relocations += 1;
                *self.kinds.entry(kind.name()).or_default() += 1;
                if ours[range.clone()] != theirs[range.clone()] {
                    let what = resolver.resolve(relocation).expect("resolved").what;
                    let (ours, theirs) = (&ours[range.clone()], &theirs[range]);
                    self.differences
                        .push(format!("{name}: {}: {kind} {what}: {ours:?}, libbpf {theirs:?}", program.name));
                }
            }
        }
    }
}

#[test]
fn the_objects_of_debian_are_relocated_as_libbpf_does() {
    let (oracle, kernel) = (oracle(), KernelTypes::open().expect("the kernel's types"));
    let (mut compared, mut seen) = (Compared::default(), HashSet::new());
    for (at, bytes) in corpus::objects().into_iter().enumerate() {
        if seen.insert(bytes.clone()) {
            compared.object(&format!("debian{at}"), &bytes, &oracle, &kernel);
        }
    }
    let Compared { objects, relocations, poisoned, kinds, differences } = compared;
    println!("{objects} objects, {relocations} relocations, {poisoned} poisoned: {kinds:?}");
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert!(relocations >= 500, "only {relocations} relocations");
}
