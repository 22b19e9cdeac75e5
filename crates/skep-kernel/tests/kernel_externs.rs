//! What programs name and do not define, on the running kernel: options, functions, and what it does not have. Needs root,
//! clang 19 and libbpf's headers.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod host;

use std::process::Command;

use host::{frame, relocated};
use skep_kernel::{Error, Loaded, Options, TestRun, load};
use skep_object::{ExternKind, Object};

fn object() -> Object {
    relocated("externs")
}

fn result(loaded: &Loaded, object: &Object, name: &str) -> u32 {
    let index = object.programs.iter().position(|p| p.name == name).expect(name);
    let program = loaded.program(index).expect("loaded");
    program.test_run(&TestRun { data: &frame(1), ..Default::default() }).expect("runs").retval
}

/// An option of this kernel, as it says itself.
fn option(name: &str) -> String {
    let text =
        String::from_utf8(Command::new("zcat").arg("/proc/config.gz").output().expect("zcat").stdout).expect("text");
    let line = text.lines().find_map(|l| l.strip_prefix(&format!("{name}="))).unwrap_or("");
    line.to_owned()
}

#[test]
fn options_and_functions_of_this_host_are_what_it_says_on_this_host() {
    let object = object();
    let loaded = load(&object, &Options::default()).unwrap_or_else(|e| panic!("{}", e.diagnostic().title));
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("proc");
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().expect("a version");
    assert_eq!(result(&loaded, &object, "version"), (next() << 16) | (next() << 8) | next().min(255));
    assert_eq!(result(&loaded, &object, "hertz").to_string(), option("CONFIG_HZ"));
    let expected = u32::from(option("CONFIG_BPF_SYSCALL") == "y") | u32::from(option("CONFIG_NET") == "y") << 1;
    assert_eq!(result(&loaded, &object, "flags"), expected);
    assert_eq!(result(&loaded, &object, "sum"), 1 + 2 + 3 + 4);
    assert_eq!(result(&loaded, &object, "without"), 7);
    let map = object.map("externs.kconfig").expect("the map of options");
    assert_eq!(map.max_entries, 1);
    assert!(object.externs.iter().any(|e| e.name == "bpf_no_such_function" && e.weak));
}

#[test]
fn what_is_missing_is_named_with_what_is_near() {
    let mut object = object();
    let index = object.programs.iter().position(|p| p.name == "without").expect("there");
    object.externs.iter_mut().for_each(|e| e.weak = false);
    let only = object.only(index).expect("there");
    let error = load(&only, &Options::default()).expect_err("nothing of it is there");
    assert!(matches!(&error, Error::NoSymbol { name, .. } if name.contains("no_such")), "{error}");
    let object = self::object();
    let index = object.programs.iter().position(|p| p.name == "sum").expect("there");
    let mut only = object.only(index).expect("there");
    // The name of a function that is nearly there.
    for one in only.externs.iter_mut().filter(|e| e.name == "bpf_iter_num_new") {
        assert!(matches!(one.kind, ExternKind::Function(_)));
        one.name = "bpf_iter_num_nw".to_owned();
    }
    for reloc in &mut only.programs[0].relocs {
        if let skep_object::RelocTarget::Extern(name) = &mut reloc.target
            && name == "bpf_iter_num_new"
        {
            *name = "bpf_iter_num_nw".to_owned();
        }
    }
    let error = load(&only, &Options::default()).expect_err("misspelled").diagnostic();
    let text = error.render(skep_diag::Style::Plain);
    assert!(text.contains("K0008") && text.contains("did you mean `bpf_iter_num_new`?"), "{text}");
}
