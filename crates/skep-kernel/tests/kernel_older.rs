//! What an older kernel is given: what this one takes is asked of it, and types rewritten for one that takes less must load
//! here too. Needs root. `SKEP_OBJECTS=FOLDER` takes other objects than the examples.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use skep_btf::{Btf, Builder, Kind, TypeId};
use skep_isa::spec::BtfFeature;
use skep_kernel::feature::{Feature, Features, kernel_version};
use skep_kernel::{ObjectTypes, Options, load};
use skep_object::Object;

/// What became of types on a kernel that lacks these, too.
fn types(btf: &Btf, lacks: &[BtfFeature]) -> ObjectTypes {
    types_with(btf, Features::lacking(lacks.iter().copied().map(Feature::Btf)))
}

fn types_with(btf: &Btf, features: Features) -> ObjectTypes {
    let object = Object {
        name: "o".into(),
        license: "GPL".into(),
        programs: vec![],
        maps: vec![],
        externs: vec![],
        btf: Some(btf.clone()),
        big_endian: false,
    };
    let options = Options { features: Arc::new(features), ..Options::default() };
    load(&object, &options).unwrap_or_else(|e| panic!("{}", e.diagnostic().title)).types().clone()
}

/// All objects with types, by name: the examples, or those of a folder.
fn objects() -> Vec<(String, Btf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = match std::env::var_os("SKEP_OBJECTS") {
        Some(folder) => vec![PathBuf::from(folder)],
        None => vec![root.join("examples"), root.join("tests/programs")],
    };
    let mut found = Vec::new();
    for folder in folders {
        collect(&folder, &mut found);
    }
    found.sort();
    let parsed = found.iter().filter_map(|path| {
        let object = Object::parse("o", &std::fs::read(path).expect("read")).ok()?;
        Some((path.display().to_string(), object.btf?))
    });
    let parsed: Vec<_> = parsed.collect();
    assert!(parsed.len() > 10, "only {} objects", parsed.len());
    parsed
}

fn has_lists(btf: &Btf) -> bool {
    btf.types().any(|(id, t)| matches!(t.kind, Kind::DeclTag { .. }) && btf.name(id).starts_with("contains:"))
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "o") {
            found.push(path);
        }
    }
}

#[test]
fn this_kernel_has_what_came_with_its_version_or_before() {
    let version = kernel_version().expect("a version");
    let features = Features::new();
    for feature in BtfFeature::all() {
        let has = features.has(Feature::Btf(feature));
        assert_eq!(has, feature.row().since <= version, "{feature} on {version}");
    }
    for feature in Feature::all().filter(|feature| !matches!(feature, Feature::Btf(_))) {
        // 5.10 is the oldest kernel that tests see, and charging came with 5.11.
        let charges = version >= skep_isa::spec::Version(5, 11);
        assert_eq!(features.has(feature), feature != Feature::Charging || charges, "{feature:?} on {version}");
    }
}

#[test]
fn types_of_real_objects_load_whatever_this_kernel_is_said_to_lack() {
    // Types altogether are not to be had without.
    let all: Vec<BtfFeature> = BtfFeature::all().filter(|feature| *feature != BtfFeature::Types).collect();
    let mut sets: Vec<Vec<BtfFeature>> = (0..=all.len()).map(|from| all[from..].to_vec()).collect();
    sets.extend(all.iter().map(|feature| vec![*feature]));
    let mut refused = Vec::new();
    for (name, btf) in objects() {
        for lacks in &sets {
            // Lists and trees say by a tag what they hold; this kernel knows them, and one without tags would not.
            if lacks.contains(&BtfFeature::DeclTag) && has_lists(&btf) {
                continue;
            }
            if let ObjectTypes::Refused(why) = types(&btf, lacks) {
                // A chain of more than 32 pointers is one that libbpf's tests have for being refused.
                if why.contains("max resolving depth") {
                    continue;
                }
                refused.push(format!("{name} without {lacks:?}: {why}"));
            }
        }
    }
    assert!(refused.is_empty(), "{} refused:\n{}", refused.len(), refused.join("\n"));
}

#[test]
fn a_function_with_a_nameless_parameter_is_repaired_and_told() {
    let mut b = Builder::new();
    let int = b.add("int", Kind::Int { size: 4, bits: 32, signed: true, char: false, bool: false });
    b.add("", Kind::FuncProto { ret: int, params: vec![(0, int)] });
    b.add("work", Kind::Func { proto: TypeId(2), linkage: 1 });
    let btf = Btf::parse(&b.encode().expect("small")).expect("built");
    let ObjectTypes::Changed(changes) = types(&btf, &[]) else { panic!("{:?}", types(&btf, &[])) };
    assert!(changes.iter().any(|change| change.contains("nameless parameters")), "{changes:?}");
}

#[test]
fn types_that_cannot_be_repaired_are_refused_with_the_kernels_reason() {
    let mut b = Builder::new();
    b.add("s", Kind::Typedef(TypeId(9)));
    let btf = Btf::parse(&b.encode().expect("small")).expect("built");
    let ObjectTypes::Refused(why) = types(&btf, &[]) else { panic!("{:?}", types(&btf, &[])) };
    assert!(why.contains("Invalid type_id"), "{why}");
}

#[test]
fn a_lack_of_locked_memory_is_called_that_where_it_counts() {
    let test = std::env::current_exe().expect("this test");
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -l 0 && exec \"$0\" --exact one_map --ignored --nocapture"]).arg(test);
    let output = limited.output().expect("sh");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    if Features::new().has(Feature::Charging) {
        assert!(told.contains("made"), "{told}");
    } else {
        assert!(told.contains("may lock no more memory") && told.contains("ulimit -l"), "{told}");
    }
}

#[test]
#[ignore = "the test above runs it with a limit"]
fn one_map() {
    let map = skep_object::MapSpec::new("m", skep_isa::spec::MapType::Array, 4, 4, 1);
    match skep_kernel::Map::create(&map, None) {
        Ok(_) => println!("made"),
        Err(error) => println!("{:?}", error.diagnostic()),
    }
}

#[test]
fn a_section_that_tells_of_the_kinds_is_left_out_where_this_kernel_takes_none() {
    let mut b = Builder::new();
    b.add("int", Kind::Int { size: 4, bits: 32, signed: true, char: false, bool: false });
    let bytes = b.encode().expect("small");
    // A header that names the section, one record of 16 bytes, the section, the strings.
    let mut with_layout = bytes[..4].to_vec();
    let header: [u32; 7] = [32, 0, 16, 24, 5, 16, 8];
    with_layout.extend(header.iter().flat_map(|word| word.to_le_bytes()));
    with_layout.extend([&bytes[24..40], &[0, 0, 0, 0, 4, 0, 0, 0], &bytes[40..]].concat());
    let types = types(&Btf::parse(&with_layout).expect("read"), &[]);
    let takes = BtfFeature::Layout.row().since <= kernel_version().expect("a version");
    assert_eq!(types == ObjectTypes::Whole, takes, "{types:?}");
    assert!(!matches!(types, ObjectTypes::Refused(_)), "{types:?}");
}
