//! Both engines over the same capture: verdicts, maps, records and written frames are the same, to the byte.
#![cfg(feature = "kernel-tests")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use skep::{Engine, Entry, Hook, Object, Options, Record, Report};

/// All that a run leaves behind.
#[derive(Debug, PartialEq)]
struct Outcome {
    report: Report,
    maps: Vec<(String, Vec<Entry>)>,
    records: Vec<Record>,
    frames: Vec<u8>,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn run(engine: Engine, object: &Object, fill: &[(&str, &str)]) -> Outcome {
    let capture = repository().join("examples/capture.pcap").display().to_string();
    let options = Options { like_kernel: true, ..Options::default() };
    let mut loaded = engine.load_with(object, &options).expect("loads");
    for (map, key) in fill {
        loaded.map_named(map).and_then(|m| m.update_text(key, None)).expect("fills");
    }
    let name = format!("skep-{}-{engine}-{}.pcapng", object.spec().name, std::process::id());
    let written = std::env::temp_dir().join(name);
    loaded.write_frames(&written.display().to_string()).expect("writes");
    loaded.attach(0, &Hook::Pcap { path: capture }).expect("attaches");
    let mut records = Vec::new();
    while loaded.poll(Duration::from_secs(1), &mut |r| records.push(r)).expect("runs").more {}
    let faults: Vec<String> = loaded.faults().map(ToString::to_string).collect();
    assert_eq!(faults, [""; 0], "{}", object.spec().name);
    let mut report = loaded.report().expect("counts");
    for program in &mut report.programs {
        (program.ns_per_run, program.way) = (None, None);
    }
    let maps = loaded.maps().map(|m| (m.name().to_owned(), m.entries().expect("reads"))).collect();
    let frames = std::fs::read(&written).expect("written");
    std::fs::remove_file(&written).expect("removed");
    Outcome { report, maps, records, frames }
}

fn same(path: &Path, fill: &[(&str, &str)]) -> Result<Outcome, String> {
    same_object(&Object::open(path).map_err(|e| e.diagnostic().to_string())?, fill)
}

fn same_object(object: &Object, fill: &[(&str, &str)]) -> Result<Outcome, String> {
    let (vm, kernel) = (run(Engine::Vm, object, fill), run(Engine::Kernel, object, fill));
    let name = &object.spec().name;
    if vm.report != kernel.report {
        return Err(format!("{name}: vm {:#?}\nkernel {:#?}", vm.report, kernel.report));
    }
    for (v, k) in vm.maps.iter().zip(&kernel.maps) {
        if v != k {
            return Err(format!("{name}: map {}:\nvm     {:?}\nkernel {:?}", v.0, v.1, k.1));
        }
    }
    if vm.records != kernel.records {
        return Err(format!("{name}: {} records in the vm, {} in the kernel", vm.records.len(), kernel.records.len()));
    }
    if vm.frames != kernel.frames {
        let at = vm.frames.iter().zip(&kernel.frames).position(|(a, b)| a != b);
        return Err(format!("{name}: frames differ at {at:?}, {} and {} bytes", vm.frames.len(), kernel.frames.len()));
    }
    Ok(vm)
}

#[test]
fn test_programs_do_the_same_on_both_engines() {
    let folder = repository().join("tests/programs");
    let mut objects: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|e| e.expect("an entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "o"))
        .collect();
    objects.sort();
    assert!(objects.len() >= 20, "{}", objects.len());
    let failures: Vec<String> = objects.iter().filter_map(|o| same(o, &[]).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn examples_do_the_same_on_both_engines() {
    let blocked = [("blocked4", "10.77.0.1/32"), ("blocked4", "10.78.0.0/24"), ("blocked6", "fd77::2/128")];
    let examples: [(&str, &[(&str, &str)]); 4] =
        [("protocols", &[]), ("blocklist", &blocked), ("vlan", &[]), ("sockets", &[])];
    for (name, fill) in examples {
        let path = repository().join(format!("examples/{name}/{name}.bpf.o"));
        let outcome = same(&path, fill).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(outcome.report.programs.first().and_then(|p| p.runs), Some(2532), "{name}");
    }
}

#[test]
fn assembly_does_the_same_on_both_engines() {
    let source = repository().join("tests/programs/assembly.bpf.s");
    let text = std::fs::read_to_string(source).expect("the source");
    assert!(text.lines().count() >= 200);
    let assembly = skep_isa::asm::assemble("assembly.bpf.s", &text).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let folder = std::env::temp_dir().join(format!("skep-assembly-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("assembly.bpf.o");
    std::fs::write(&path, skep_object::write(&assembly).expect("small")).expect("written");
    let outcome = same(&path, &[]);
    std::fs::remove_dir_all(&folder).expect("removed");
    let outcome = outcome.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(outcome.report.programs.first().and_then(|p| p.runs), Some(2532));
    // Each map has something in it: no branch was left out.
    let filled = outcome.maps.iter().filter(|(_, entries)| !entries.is_empty()).count();
    assert_eq!(filled, 6);
}

#[test]
fn a_burst_beyond_the_ring_buffer_loses_exactly_what_the_program_saw_refused() {
    let path = repository().join("tests/programs/ring_overfull.bpf.o");
    let outcome = same(&path, &[]).unwrap_or_else(|e| panic!("{e}"));
    let lost = outcome.report.records_lost.expect("counted");
    // 4,096 bytes hold 15 records of 264: each of 2,532 runs sends 40.
    assert_eq!((outcome.report.records_delivered, lost), (2532 * 15, 2532 * 25));
    assert_eq!(outcome.records.len(), 2532 * 15);
}

#[test]
fn constants_and_sizes_that_are_set_change_what_a_program_does_alike_on_both_engines() {
    let path = repository().join("tests/data/object/set_later.bpf.o");
    let outcome = |entries: u32, variables: &[(&str, &str)]| {
        let mut object = Object::open(&path).expect("an object");
        object.set_map("lengths", &format!("max_entries={entries}")).expect("a map without a size");
        object.set_section("named_by_its_loader", "xdp").expect("a program in a section of its own name");
        for (path, value) in variables {
            object.set_variable(path, value).expect("a variable");
        }
        let outcome = same_object(&object, &[]).unwrap_or_else(|e| panic!("{e}"));
        let dropped = outcome.report.programs[0].verdicts.as_ref().expect("counted").get("XDP_DROP").copied();
        let lengths = outcome.maps.iter().find(|(name, _)| name == "lengths").expect("the map").1.clone();
        (dropped, lengths.iter().map(|entry| (entry.key.to_string(), entry.value.to_string())).collect::<Vec<_>>())
    };
    let counted =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect::<Vec<_>>();
    let plain = [("0", "1071"), ("1", "584"), ("2", "121"), ("3", "756")];
    assert_eq!(outcome(8, &[]), (None, counted(&plain)));
    let dropped = outcome(8, &[("settings.mode", "DROP_LARGE")]);
    assert_eq!(dropped, (Some(756), counted(&plain)));
    let set = [("settings.mode", "DROP_ALL"), ("settings.limits", "[100, 500, 65535]"), ("settings.step", "2")];
    assert_eq!(outcome(8, &set), (Some(2532), counted(&[("0", "2142"), ("1", "1168"), ("2", "1754")])));
    // A hash of one entry keeps one class alone.
    assert_eq!(outcome(1, &[]).1.len(), 1);
}

#[test]
fn linked_objects_do_the_same_on_both_engines() {
    let part =
        |name: &str| std::fs::read(repository().join(format!("tests/data/link/{name}.bpf.o"))).expect("an object");
    let (main, library) = (part("main"), part("library"));
    let orders = [[("main.o", &main), ("library.o", &library)], [("library.o", &library), ("main.o", &main)]];
    for order in orders {
        let linked = skep_object::link(&order.map(|(name, bytes)| (name, bytes.as_slice()))).expect("links");
        let object = Object::parse("linked.bpf.o", &linked).expect("a good object");
        let outcome = same_object(&object, &[]).unwrap_or_else(|e| panic!("{e}"));
        let entries = |map: &str| {
            let (_, entries) = outcome.maps.iter().find(|(name, _)| name == map).expect("the map");
            entries.iter().map(|entry| format!("{}: {}", entry.key, entry.value)).collect::<Vec<_>>()
        };
        assert_eq!(entries("totals"), ["LARGE: 756", "MIDDLE: 705", "SMALL: 1071"]);
        // `seen` of each file: one began at 1 and the other at 10, and `mix` of both was called once for each frame.
        let seen = entries("linked.data").concat();
        assert!(seen.contains("seen: 2533") && seen.contains("seen: 2542"), "{seen}");
        // 0 + 1 + 2 + 3 and four times STEP of main.bpf.c, for each frame.
        let bss = entries("linked.bss").concat();
        assert!(bss.contains(&format!("sums: {}", 2532 * (6 + 4 * 3))), "{bss}");
        assert!(bss.contains("middle_of: 900") && bss.contains("classified: 2532"), "{bss}");
    }
}
