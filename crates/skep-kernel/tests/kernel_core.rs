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
use skep_isa::spec::{AttachType, CoreKind, MapType, ProgType, core_kind};
use skep_kernel::{KernelTypes, Options, load};
use skep_object::{Object, ProgramSpec, RelocTarget, Relocated};

/// The program that asks libbpf, compiled.
fn oracle() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/relocated/oracle.c");
    let binary = corpus::directory("relocated").join(format!("oracle-{}", std::process::id()));
    corpus::run(Command::new("clang-19").arg("-O1").arg("-o").arg(&binary).arg(source).arg("-lbpf"));
    binary
}

/// Names and instructions of an object's programs as libbpf relocates them to the running kernel, or to the types in a
/// file; `None` when it refuses a relocation.
fn of_libbpf(oracle: &Path, object: &Path, types: Option<&Path>) -> Option<BTreeMap<String, Vec<Insn>>> {
    let mut command = Command::new(oracle);
    let output = command.arg(object).args(types).output().expect("the oracle runs");
    let (text, warnings) = (String::from_utf8(output.stdout).expect("text"), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {} {warnings}", output.status);
    let program = |line: &str| {
        let (name, hex) = line.split_once(' ').expect("a name and slots");
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
        (name.to_owned(), Insn::slots(&(0..hex.len()).step_by(2).map(digit).collect::<Vec<_>>()))
    };
    (!warnings.contains("failed to perform CO-RE")).then(|| text.lines().map(program).collect())
}

/// What was compared.
#[derive(Default)]
struct Compared {
    objects: usize,
    relocations: usize,
    poisoned: usize,
    /// Pairs of object and types for which both refuse some relocation.
    refused: usize,
    kinds: BTreeMap<&'static str, usize>,
    differences: Vec<String>,
}

impl Compared {
    /// Relocates an object's programs to the running kernel and compares every relocated instruction with libbpf's.
    fn object(&mut self, name: &str, bytes: &[u8], oracle: &Path, kernel: &KernelTypes) {
        let path = corpus::directory("relocated").join(format!("{name}-{}.o", std::process::id()));
        std::fs::write(&path, bytes).expect("written");
        self.file(&path, oracle, kernel, None);
        std::fs::remove_file(&path).expect("removed");
    }

    /// The same for an object in a file, and the types in another.
    fn file(&mut self, path: &Path, oracle: &Path, kernel: &KernelTypes, types: Option<&Path>) {
        let name = format!("{} {}", path.display(), types.map_or("", |types| types.to_str().expect("text")));
        let Ok(object) = Object::parse(&name, &std::fs::read(path).expect("there")) else { return };
        if !object.programs.iter().any(|p| p.needs_kernel_types()) {
            return;
        }
        self.objects += 1;
        let theirs = of_libbpf(oracle, path, types);
        let btf = object.btf.as_ref().expect("types");
        let (local, scan) = (Scan::new(btf.bytes()).expect("types"), kernel.scan().expect("types"));
        let target = kernel.target(&scan);
        let resolver = Resolver::new(&local, &target);
        let programs = || object.programs.iter().filter(|p| p.needs_kernel_types());
        let ours: Result<Vec<_>, _> =
            programs().map(|p| p.relocate(&resolver, |at| btf.string(at)).map(|done| (p, done))).collect();
        let (ours, theirs) = match (ours, theirs) {
            (Ok(ours), Some(theirs)) => (ours, theirs),
            (Err(_), None) => return self.refused += 1,
            (Err(why), Some(_)) => return self.differences.push(format!("{name}: refused only here: {why}")),
            (Ok(_), None) => return self.differences.push(format!("{name}: refused only by libbpf")),
        };
        for (program, Relocated { program: done, poisoned }) in ours {
            self.poisoned += poisoned.len();
            let theirs = theirs.get(&program.name).unwrap_or_else(|| panic!("{name}: libbpf has no {}", program.name));
            assert_eq!(done.code.len(), theirs.len(), "{name}: {}", program.name);
            for reloc in &program.relocs {
                let RelocTarget::Core(relocation) = reloc.target else { continue };
                let slot = reloc.slot as usize;
                let range = slot..slot + if program.code[slot].is_wide() { 2 } else { 1 };
                let kind = CoreKind::from_id(relocation.kind).expect("a known kind");
                self.relocations += 1;
                *self.kinds.entry(kind.name()).or_default() += 1;
                let (ours, theirs) = (&done.code[range.clone()], &theirs[range]);
                if ours != theirs {
                    let what = resolver.resolve(relocation).expect("resolved").what;
                    let text = format!("{name}: {}: {kind} {what}: {ours:?}, libbpf {theirs:?}", program.name);
                    self.differences.push(text);
                }
            }
        }
    }

    /// Fails where something differs; else says what was compared.
    fn equal(&self) -> String {
        let differences = self.differences.join("\n");
        assert!(self.differences.is_empty(), "{} differences:\n{differences}", self.differences.len());
        let Compared { objects, relocations, poisoned, refused, kinds, .. } = self;
        format!(
            "{objects} objects, {relocations} relocations, {poisoned} poisoned, {refused} refused by both: {kinds:?}"
        )
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
    println!("{}", compared.equal());
    assert!(compared.relocations >= 500, "only {} relocations", compared.relocations);
}

/// Compiles a program beside the oracle.
fn compiled(name: &str) -> Vec<u8> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/relocated/{name}.bpf.c"));
    let object = corpus::directory("relocated").join(format!("{name}-{}.o", std::process::id()));
    let headers = format!("-I/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    let mut clang = Command::new("clang-19");
    corpus::run(
        clang.args("-O2 -g -target bpf -mcpu=v3 -c".split(' ')).arg(headers).arg(source).arg("-o").arg(&object),
    );
    let bytes = std::fs::read(&object).expect("compiled");
    std::fs::remove_file(object).expect("removed");
    bytes
}

#[test]
fn every_kind_found_or_missing_comes_out_as_libbpf_makes_it() {
    let (oracle, kernel) = (oracle(), KernelTypes::open().expect("the kernel's types"));
    let mut compared = Compared::default();
    compared.object("kinds", &compiled("kinds"), &oracle, &kernel);
    println!("{}", compared.equal());
    let unseen: Vec<_> = core_kind::TABLE.iter().filter(|row| !compared.kinds.contains_key(row.name)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
    assert!(compared.relocations >= 50 && compared.poisoned >= 2, "{} {}", compared.relocations, compared.poisoned);
}

#[test]
fn loads_of_fields_of_another_size_are_changed_or_refused_as_libbpf_does() {
    let (oracle, kernel) = (oracle(), KernelTypes::open().expect("the kernel's types"));
    let mut compared = Compared::default();
    compared.object("sizes", &compiled("sizes"), &oracle, &kernel);
    println!("{}", compared.equal());
    // Only the signed one cannot be read with another size.
    assert_eq!((compared.relocations, compared.poisoned), (5, 1));
}

/// Objects and bare types in a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "o" || e == "btf"));
    files.sort();
    files
}

/// Relocates every object in a folder to the types of every file in another.
fn all_pairs(objects: &Path, types: &Path) -> Compared {
    let (oracle, mut compared) = (oracle(), Compared::default());
    for types in files(types) {
        let bytes = std::fs::read(&types).expect("there");
        let encoded = skep_object::types(&types.display().to_string(), &bytes).expect("types").to_vec();
        let kernel = KernelTypes::from_bytes(encoded);
        files(objects).iter().for_each(|object| compared.file(object, &oracle, &kernel, Some(&types)));
    }
    compared
}

#[test]
fn types_in_a_file_give_what_they_give_libbpf() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/object");
    let compared = all_pairs(&folder, &folder);
    println!("{}", compared.equal());
    assert!(compared.objects >= 5 && compared.relocations >= 30, "{} {}", compared.objects, compared.relocations);
}

#[test]
#[ignore = "by hand: SKEP_OBJECTS and SKEP_TYPES name folders, such as the kernel's compiled selftests for CO-RE"]
fn folders_of_objects_and_types_give_what_they_give_libbpf() {
    let folder = |name| PathBuf::from(std::env::var_os(name).unwrap_or_else(|| panic!("{name} names a folder")));
    println!("{}", all_pairs(&folder("SKEP_OBJECTS"), &folder("SKEP_TYPES")).equal());
}

/// Programs that run at tracepoints, which this kernel takes wherever it runs.
fn is_at_tracepoint(program: &ProgramSpec) -> bool {
    match program.prog_type() {
        Some(ProgType::Tracepoint | ProgType::RawTracepoint) => true,
        Some(ProgType::Tracing) => program.attach_type() == Some(AttachType::TraceRawTp),
        _ => false,
    }
}

#[test]
fn tracepoint_programs_that_load_through_libbpf_load_here_too() {
    let oracle = oracle();
    let (mut loaded, mut failed, mut seen) = (0, vec![], HashSet::new());
    for (at, bytes) in corpus::objects().into_iter().enumerate() {
        let Ok(mut object) = Object::parse(&format!("debian{at}"), &bytes) else { continue };
        let wanted: Vec<_> = object.programs.iter().filter(|p| is_at_tracepoint(p)).map(|p| p.name.clone()).collect();
        if wanted.is_empty() || !seen.insert(bytes.clone()) {
            continue;
        }
        let path = corpus::directory("relocated").join(format!("load{at}-{}.o", std::process::id()));
        std::fs::write(&path, &bytes).expect("written");
        let taken = corpus::run(Command::new(&oracle).arg("load").arg(&path).args(&wanted));
        std::fs::remove_file(&path).expect("removed");
        // Their tools size them when they start.
        for map in &mut object.maps {
            if map.max_entries == 0 && map.map_type != MapType::PerfEventArray {
                map.max_entries = 64;
            }
            if map.map_type == MapType::StackTrace && map.value_size == 0 {
                map.value_size = 8 * 127;
            }
        }
        for name in String::from_utf8(taken).expect("names").lines() {
            let index = object.programs.iter().position(|p| p.name == name).expect("a program");
            match load(&object, &Options { counting: false, programs: Some(vec![index]), ..Options::default() }) {
                Ok(_) => loaded += 1,
                Err(error) => failed.push(format!("debian{at}: {}", error.diagnostic())),
            }
        }
        // Freed programs must not come too fast for the kernel.
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    println!("{loaded} loaded");
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), loaded + failed.len(), failed.join("\n"));
    assert!(loaded >= 50, "only {loaded}");
}

#[test]
fn what_this_kernel_lacks_is_named_with_its_line_and_near_names() {
    let object = Object::parse("missing", &compiled("missing")).expect("an object");
    let message = |index| {
        let options = Options { programs: Some(vec![index]), ..Options::default() };
        let error = load(&object, &options).expect_err("the kernel lacks it");
        assert_eq!(error.code().as_str(), "K0006");
        // The source is named by its whole path.
        let text = error.diagnostic().to_string();
        let lines = text.lines().map(|line| line.find("relocated/").map_or(line, |at| &line[at..]));
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        message(0),
        "\
error[K0006]: `old_state` needs `task_struct.state`, which this kernel does not have
relocated/missing.bpf.c:21:2
   |
21 |     if (BPF_CORE_READ(task, pid) > 1)
   |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ it is needed here
   |
   = note: `task_struct` has no member `state` here
   = note: instruction 11 asks for field_byte_offset, and the verifier found a path that leads there
   = help: `task_struct` has `__state`, `stats`, `exit_state`
   = help: use it only where `bpf_core_field_exists` says it is there"
    );
    assert_eq!(
        message(1),
        "\
error[K0006]: `old_constant` needs `bpf_map_type___mine::BPF_MAP_TYPE_HASHS`, which this kernel does not have
relocated/missing.bpf.c:27:1
   |
27 | int old_constant(void *ctx)
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^ it is needed here
   |
   = note: `enum bpf_map_type` has no constant `BPF_MAP_TYPE_HASHS` here
   = note: instruction 0 asks for enumval_value, and the verifier found a path that leads there
   = help: `enum bpf_map_type` has `BPF_MAP_TYPE_HASH`
   = help: use it only where `bpf_core_enum_value_exists` says it is there"
    );
}
