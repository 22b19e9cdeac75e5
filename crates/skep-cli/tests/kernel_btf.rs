//! What `skep btf dump` prints, against bpftool: the examples' and test programs' objects, and the running kernel. Needs
//! bpftool, and a kernel that shows its types.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const KERNEL: &str = "/sys/kernel/btf/vmlinux";

fn output(program: &str, words: &[&str]) -> String {
    let out = Command::new(program).args(words).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(out.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("text")
}

fn skep(words: &[&str]) -> String {
    output(env!("CARGO_BIN_EXE_skep"), words)
}

fn objects() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let list =
        |folder: PathBuf| std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let examples = list(root.join("examples")).filter(|path| path.is_dir()).flat_map(list);
    let mut objects: Vec<_> = examples.chain(list(root.join("tests/programs"))).collect();
    objects.retain(|path| path.extension().is_some_and(|e| e == "o"));
    let names = objects.into_iter().map(|path| path.display().to_string());
    // One made of assembly has no types.
    names.filter(|name| !name.contains("assembly")).collect()
}

#[test]
fn the_text_is_bpftool_s_to_the_byte() {
    let objects = objects();
    assert!(objects.len() >= 30, "{}", objects.len());
    for file in objects.iter().map(String::as_str).chain([KERNEL]) {
        let (ours, theirs) = (skep(&["btf", "dump", file]), output("bpftool", &["btf", "dump", "file", file]));
        let other = ours.lines().zip(theirs.lines()).find(|(ours, theirs)| ours != theirs);
        assert!(ours == theirs, "{file}: {other:?}");
    }
    assert!(skep(&["btf", "dump", "vmlinux"]).lines().count() > 100_000);
}

/// Constants of unsigned enumerations from 2^31 up: bpftool 7.1 shows them as if they were negative.
fn corrected(mut dump: Value) -> Value {
    let types = dump["types"].as_array_mut().expect("types").iter_mut();
    for constants in types.filter(|t| t["kind"] == "ENUM" && t["encoding"] == "UNSIGNED") {
        for constant in constants["values"].as_array_mut().expect("constants") {
            let value = constant["val"].as_u64().expect("unsigned");
            constant["val"] = (value & u64::from(u32::MAX)).into();
        }
    }
    dump
}

#[test]
fn the_json_is_bpftool_s_but_for_what_it_shows_wrongly() {
    let parse = |text: String| serde_json::from_str::<Value>(&text).expect("JSON");
    for file in objects().iter().map(String::as_str).chain([KERNEL]) {
        let ours = parse(skep(&["btf", "dump", file, "--json"]));
        let theirs = corrected(parse(output("bpftool", &["-j", "btf", "dump", "file", file])));
        let other =
            ours["types"].as_array().into_iter().flatten().zip(theirs["types"].as_array().into_iter().flatten());
        let other = other.into_iter().find(|(ours, theirs)| ours != theirs);
        assert!(ours == theirs, "{file}: {other:?}");
    }
}

#[test]
fn the_kernel_s_types_are_found_by_name() {
    let found: Value =
        serde_json::from_str(&skep(&["btf", "find", "task_struct", "bpf_task_acquire", "--json"])).expect("JSON");
    let types = found["types"].as_array().expect("types");
    let all = types.iter().map(|t| (t["from"].as_str(), t["kind"].as_str(), t["name"].as_str()));
    let wanted = [
        (Some("vmlinux"), Some("STRUCT"), Some("task_struct")),
        (Some("vmlinux"), Some("FUNC"), Some("bpf_task_acquire")),
    ];
    let all: Vec<_> = all.collect();
    assert!(wanted.iter().all(|row| all.contains(row)), "{all:?}");
    let places: Value = serde_json::from_str(&skep(&["btf", "where", "--json"])).expect("JSON");
    let first = &places["sources"][0];
    assert_eq!((first["name"].as_str(), first["path"].as_str()), (Some("vmlinux"), Some(KERNEL)));
    assert!(first["types"].as_u64() > Some(10_000));
}
