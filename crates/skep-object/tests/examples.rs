//! The shipped examples, read as objects: programs, maps, lines and values by type.

use skep_isa::spec::{MapType, ProgType};
use skep_object::{Hook, MapRole, Object, RelocTarget};

fn example(name: &str) -> Object {
    let path = format!("{}/../../examples/{name}/{name}.bpf.o", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).expect("the example's object is committed");
    Object::parse(&path, &bytes).expect("a good object")
}

#[test]
fn reads_programs_maps_and_types() {
    let object = example("protocols");
    assert_eq!((object.name.as_str(), object.license.as_str()), ("protocols", "Dual MIT/GPL"));
    let program = object.program("count_protocols").expect("the program");
    assert_eq!((program.prog_type(), &program.hook), (Some(ProgType::Xdp), &None));
    assert_eq!(program.funcs.first().map(|f| f.slot), Some(0));
    assert!(program.relocs.iter().all(|r| matches!(r.target, RelocTarget::Map(_))));
    let map = object.map("talkers4").expect("the map");
    assert_eq!((map.map_type, map.key_size, map.value_size, map.max_entries), (MapType::LruHash, 4, 16, 1024));

    let btf = object.btf.as_ref().expect("types");
    let key = btf.value(map.key_type.expect("a type"), &[10, 77, 0, 1]);
    assert_eq!(key.to_string(), "{address: 10.77.0.1}");
    let value = btf.value(map.value_type.expect("a type"), &[5, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(value.to_string(), "{packets: 5, bytes: 256}");
    let protocol = object.map("protocols").and_then(|m| m.key_type).expect("a type");
    assert_eq!(btf.value(protocol, &[4, 0, 0, 0]).to_string(), "TCP");
    assert_eq!(btf.parse_value(protocol, "TCP"), Ok(vec![4, 0, 0, 0]));
}

#[test]
fn every_instruction_has_a_source_line() {
    let object = example("protocols");
    let btf = object.btf.as_ref().expect("types");
    for program in &object.programs {
        for slot in 0..program.code.len() {
            let line = program.line_at(slot).expect("a line");
            assert!(btf.string(line.file_off).is_some_and(|f| f.ends_with("protocols.bpf.c")), "slot {slot}");
            assert!(line.line > 0);
        }
    }
}

#[test]
fn data_sections_become_maps_with_their_layout() {
    let object = example("vlan");
    let names: Vec<_> = object.maps.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, ["vlan.rodata", "vlan.bss"]);
    let rodata = object.map("vlan.rodata").expect("constants");
    let MapRole::Data { initial, read_only: true } = &rodata.role else { panic!("{:?}", rodata.role) };
    let btf = object.btf.as_ref().expect("types");
    assert_eq!(btf.value(rodata.value_type.expect("a type"), initial).to_string(), "{vlan_id: 42, traffic_class: 40}");
}

#[test]
fn sections_name_hooks() {
    let hook = |example_name: &str| example(example_name).programs.first().and_then(|p| p.hook.clone());
    assert_eq!(hook("opens"), Some(Hook::Tracepoint { category: "syscalls".into(), name: "sys_enter_openat".into() }));
    assert_eq!(hook("syscalls"), Some(Hook::RawTracepoint { name: "sys_enter".into() }));
    assert_eq!(hook("cpu"), Some(Hook::Profile { hz: 99 }));
    assert_eq!(hook("blocklist"), None);
    let opens = example("opens");
    let record = opens.map("opens").and_then(|m| m.record_type).expect("tagged record:open");
    assert_eq!(opens.btf.as_ref().map(|b| b.name(record)), Some("open"));
}

#[test]
fn prefixes_and_addresses_are_written_as_people_write_them() {
    let object = example("blocklist");
    let btf = object.btf.as_ref().expect("types");
    let key = |map: &str| object.map(map).and_then(|m| m.key_type).expect("a type");
    assert_eq!(btf.parse_value(key("blocked4"), "10.0.0.0/8"), Ok(vec![8, 0, 0, 0, 10, 0, 0, 0]));
    let v6 = btf.parse_value(key("blocked6"), "fd77::/16").expect("a prefix");
    assert_eq!(v6.get(..8), Some(&[16, 0, 0, 0, 0xfd, 0x77, 0, 0][..]));
    let error = btf.parse_value(key("blocked4"), "10.0.0.0/40").expect_err("too long");
    assert_eq!(error, "a prefix of 40 bits is longer than the 32 bits of the address");
    assert!(btf.parse_value(key("blocked4"), "fd77::/16").expect_err("v6 in a v4 map").contains("16 bytes"));
}

#[test]
fn truncated_and_foreign_objects_are_refused_with_a_reason() {
    let path = format!("{}/../../examples/protocols/protocols.bpf.o", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).expect("committed");
    for len in [0, 3, 17, 63, 64, 700, bytes.len() / 2, bytes.len() - 1] {
        let d = Object::parse("p.o", bytes.get(..len).expect("shorter")).expect_err("cut");
        assert_eq!(d.code.as_str(), "O0002", "{len}: {d}");
        assert!(!d.notes.is_empty() && !d.helps.is_empty(), "{d}");
    }
    let mut x86 = bytes.clone();
    x86[18] = 62;
    assert_eq!(
        Object::parse("a.o", &x86).expect_err("x86").to_string(),
        "error[O0003]: a.o is an object for x86-64, not for eBPF\n |\n = note: its ELF machine is 62, eBPF is 247\n \
         = help: an object is made by `clang -O2 -g -target bpf -c prog.c -o prog.o`"
    );
}
