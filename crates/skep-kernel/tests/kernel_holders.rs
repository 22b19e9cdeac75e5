//! What holds other things, on the running kernel: maps in maps, programs in arrays, an arena with variables, maps kept by
//! name, structures of functions. Needs root, clang 19 and libbpf's headers.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod host;

use std::path::PathBuf;
use std::sync::Arc;

use host::{frame, relocated};
use skep_isa::spec::MapType;
use skep_kernel::{Error, Loaded, Options, TestRun, Verdict, load, load_one};
use skep_object::{Content, MapRole, Object};

fn object() -> Object {
    relocated("holders")
}

/// The object with programs of these names, and the maps they need.
fn with(object: &Object, names: &[&str]) -> Object {
    let index = |name: &&str| object.programs.iter().position(|p| p.name == **name).expect("there");
    let mut only = object.only(index(&names[0])).expect("there");
    for name in &names[1..] {
        let program = object.programs[index(name)].clone();
        assert!(program.relocs.is_empty(), "{name} needs maps of its own");
        only.programs.push(program);
    }
    only
}

fn loaded(object: &Object, options: &Options) -> Loaded {
    load(object, options).unwrap_or_else(|e| panic!("{}", e.diagnostic().title))
}

fn run(loaded: &Loaded, index: usize) -> u32 {
    let program = loaded.program(index).expect("loaded");
    program.test_run(&TestRun { data: &frame(1), ..Default::default() }).expect("runs").retval
}

fn set(loaded: &Loaded, object: &Object, name: &str, value: u64) {
    let index = object.maps.iter().position(|m| m.name == name).expect(name);
    loaded.map(index).expect("made").update(&[0; 4], &value.to_ne_bytes(), 0).expect("set");
}

/// A bpf file system of its own, unmounted on drop.
struct Mounted(PathBuf);

impl Mounted {
    fn new(name: &str) -> Mounted {
        let folder = std::env::temp_dir().join(format!("skep-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        host::run(&format!("mount -t bpf bpf {}", folder.display()));
        Mounted(folder)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        host::run(&format!("umount {}", self.0.display()));
        std::fs::remove_dir(&self.0).expect("empty");
    }
}

#[test]
fn maps_of_maps_hold_what_the_object_puts_into_them() {
    let all = object();
    let object = with(&all, &["sum"]);
    let names: Vec<&str> = object.maps.iter().map(|m| m.name.as_str()).collect();
    assert!(names.contains(&"first") && names.contains(&"second"), "{names:?}");
    let outer = object.map("by_index").expect("there");
    let inner = outer.inner.as_ref().expect("a shape");
    assert_eq!((inner.map_type, inner.value_size, outer.value_size), (MapType::Array, 8, 4));
    let loaded = loaded(&object, &Options::default());
    // 0 stands for nothing: 1 and 3 lead to maps, 0 does not.
    set(&loaded, &object, "first", 10);
    set(&loaded, &object, "second", 200);
    assert_eq!(run(&loaded, 0), 10 + 200 + 1000 + 200);
}

#[test]
fn an_array_of_programs_holds_those_that_were_loaded() {
    let all = object();
    let object = with(&all, &["jump", "seven"]);
    let jumps = all.map("jumps").expect("there");
    assert_eq!(jumps.contents, [(2, Content::Program("seven".into()))]);
    // A program that stands alone knows no other.
    assert_eq!(object.map("jumps").expect("there").contents, []);
    let mut both = object.clone();
    both.maps[0].contents = jumps.contents.clone();
    assert_eq!(run(&loaded(&both, &Options::default()), 0), 7);
    let alone = Options { programs: Some(vec![0]), ..Options::default() };
    assert_eq!(run(&loaded(&both, &alone), 0), 1, "the other was not asked for");
}

#[test]
fn variables_of_an_arena_begin_as_the_object_says_on_this_host() {
    let object = with(&object(), &["count"]);
    let MapRole::Arena { initial } = &object.map("arena").expect("there").role else { panic!("no arena") };
    assert_eq!(initial.as_slice(), [1, 0, 0, 0, 40, 0, 0, 0]);
    assert_eq!(object.map("arena").expect("there").extra, 1 << 44);
    let loaded = loaded(&object, &Options::default());
    let program = loaded.program(0).expect("loaded");
    let results = [0, 1].map(|_| program.test_run(&TestRun::default()).expect("runs").retval);
    assert_eq!(results, [41, 42]);
}

#[test]
fn a_map_kept_by_name_is_shared_and_one_of_another_shape_is_refused() {
    let mut object = with(&object(), &["keep"]);
    let folder = Mounted::new("pins");
    let options = Options { pins: folder.0.clone(), ..Options::default() };
    let first = loaded(&object, &options);
    assert_eq!(run(&first, 0), 1);
    drop(first);
    let second = loaded(&object, &options);
    assert_eq!(run(&second, 0), 2, "the map outlived the program");
    assert_eq!(load_one(&object, 0, &Arc::default()).expect("there").verdict, Verdict::Accept, "a check keeps nothing");
    object.maps[0].max_entries = 2;
    let error = load(&object, &options).expect_err("another shape");
    let Error::PinnedMap { what, there, here, .. } = &error else { panic!("{error}") };
    assert_eq!((*what, *there, *here), ("entries", 1, 2));
    std::fs::remove_file(folder.0.join("kept")).expect("kept");
}

#[test]
fn a_folder_that_cannot_keep_maps_is_named() {
    let object = with(&object(), &["keep"]);
    let options = Options { pins: std::env::temp_dir(), ..Options::default() };
    let error = load(&object, &options).expect_err("no bpf file system");
    let text = format!("{} {:?}", error.diagnostic().title, error.diagnostic().notes);
    assert!(text.contains("BPF_OBJ_PIN") && text.contains("mount -t bpf"), "{text}");
}

#[test]
fn programs_of_a_structure_of_functions_are_verified_for_their_member_on_this_host() {
    let object = object();
    let index = |name: &str| object.programs.iter().position(|p| p.name == name).expect("there");
    for name in ["half", "whole", "avoid"] {
        let checked = load_one(&object, index(name), &Arc::default()).expect("there");
        assert_eq!(checked.verdict, Verdict::Accept, "{name}: {checked:?}");
    }
    let mut with_more = object.only(index("half")).expect("there");
    let map = with_more.maps.iter_mut().find(|m| m.name == "steady").expect("there");
    let MapRole::StructOps(ops) = &mut map.role else { panic!("no structure") };
    assert_eq!(ops.programs, [(0, "half".to_owned())]);
    assert!(ops.initial.windows(11).any(|bytes| bytes == b"skep_steady"));
    // A member that this kernel does not have may be left zero, and not be set.
    ops.initial[24] = 1;
    let checked = load_one(&with_more, 0, &Arc::default()).expect("there");
    let message = checked.message.expect("a reason");
    assert_eq!(checked.verdict, Verdict::Undecided);
    assert!(message.contains("`not_in_this_kernel`"), "{message}");
    let mut alone = with_more;
    alone.maps.clear();
    let checked = load_one(&alone, 0, &Arc::default()).expect("there");
    assert!(checked.message.is_some_and(|m| m.contains("the structure of functions that it is part of")));
}

#[test]
fn what_is_optional_is_made_only_when_it_is_needed_on_this_host() {
    let mut object = object();
    let at = object.maps.iter().position(|m| m.name == "steady").expect("there");
    let MapRole::StructOps(ops) = &mut object.maps[at].role else { panic!("no structure") };
    // This kernel has no such member, so that the structure cannot be made.
    (ops.optional, ops.initial[24]) = (true, 1);
    let index = |name: &str| object.programs.iter().position(|p| p.name == name).expect("there");
    object.maps.iter_mut().for_each(|map| map.pinned = false);
    let only = |name: &str| Options { programs: Some(vec![index(name)]), ..Options::default() };
    let loaded = loaded(&object, &only("seven"));
    assert!(loaded.map(at).is_none() && loaded.map(0).is_some());
    assert!(load(&object, &only("half")).is_err(), "its program needs it");
    let mut optional = object.only(index("seven")).expect("there");
    optional.programs[0].section = "?xdp".into();
    let loaded = load(&optional, &Options::default()).expect("nothing to load");
    assert!(loaded.program(0).is_none());
}
