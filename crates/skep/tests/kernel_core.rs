//! A program adapted to types that are not the running kernel's does the same on both engines.
#![cfg(feature = "kernel-tests")]

use std::path::Path;

use skep::{Engine, Entry, Hook, Object, Options};

fn run(engine: Engine) -> (Vec<Entry>, Option<std::collections::BTreeMap<&'static str, u64>>) {
    let file = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name).display().to_string();
    let object = Object::open(file("tests/data/object/core_fields.bpf.o")).expect("an object");
    let index = object.spec().programs.iter().position(|p| p.name == "adapted").expect("a program");
    let types = Some(file("tests/data/object/core_types.bpf.o"));
    let options = Options { like_kernel: true, programs: Some(vec![index]), types, ..Options::default() };
    let mut loaded = engine.load_with(&object, &options).unwrap_or_else(|e| panic!("{}", e.diagnostic()));
    loaded.attach(index, &Hook::Pcap { path: file("examples/capture.pcap") }).expect("attached");
    loaded.run(|_| {}).expect("ran");
    let report = loaded.report().expect("counted");
    (loaded.map_named("udp").expect("a map").entries().expect("entries"), report.programs[0].verdicts.clone())
}

#[test]
fn a_program_adapted_to_other_types_does_the_same_on_both_engines() {
    let (vm, kernel) = (run(Engine::Vm), run(Engine::Kernel));
    assert_eq!(vm, kernel);
    let udp = vm.1.expect("counted").get("XDP_DROP").copied();
    assert_eq!(udp, Some(72));
}
