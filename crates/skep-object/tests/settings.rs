//! What is set when an object is loaded: sizes of maps, values of variables.

use std::path::Path;

use skep_diag::Diagnostic;
use skep_object::{MapRole, MapSpec, Object};

fn object() -> Object {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/object/set_later.bpf.o");
    Object::parse("set_later.bpf.o", &std::fs::read(path).expect("the object")).expect("a good object")
}

/// A data section as its types show it.
fn shown(object: &Object, map: &str) -> String {
    let spec = object.map(map).expect("the map");
    let MapRole::Data { initial, .. } = &spec.role else { panic!("{:?}", spec.role) };
    let btf = object.btf.as_ref().expect("types");
    btf.value(spec.value_type.expect("a type"), initial).to_string()
}

fn map<'a>(object: &'a Object, name: &str) -> &'a MapSpec {
    object.map(name).expect("the map")
}

/// The code, the title, the notes and helps of what is refused; and nothing was changed.
fn refused(set: impl Fn(&mut Object) -> Result<(), Diagnostic>) -> Vec<String> {
    let mut changed = object();
    let error = set(&mut changed).expect_err("refused");
    assert_eq!(changed.maps, object().maps, "{error}");
    let Diagnostic { code, title, notes, helps, .. } = error;
    [format!("{code} {title}")].into_iter().chain(notes).chain(helps).collect()
}

fn refused_variable(path: &str, value: &str) -> Vec<String> {
    refused(|object| object.set_variable(path, value))
}

#[test]
fn fields_of_a_map_s_definition_are_set() {
    let mut object = object();
    assert_eq!(map(&object, "lengths").max_entries, 0);
    object
        .set_map("lengths", "max_entries=0x10, map_flags=BPF_F_NO_PREALLOC|rdonly ,map_extra=5000000000")
        .expect("set");
    let spec = map(&object, "lengths");
    assert_eq!((spec.max_entries, spec.flags, spec.extra), (16, 1 | 8, 5_000_000_000));
    assert!(spec.key_type.is_some() && spec.value_type.is_some());
    object.set_map("lengths", "value_size=64,map_flags=0").expect("set");
    let spec = map(&object, "lengths");
    assert_eq!((spec.value_size, spec.flags), (64, 0));
    assert!(spec.key_type.is_some() && spec.value_type.is_none(), "64 bytes are no __u64");
}

#[test]
fn a_setting_of_a_map_that_cannot_be_is_refused_and_nothing_is_set() {
    let refused = |map: &str, text: &str| refused(|object| object.set_map(map, text));
    let help = |text: &str| refused("lengths", text).pop().unwrap_or_default();
    assert_eq!(
        refused("lenghts", "max_entries=1"),
        ["M0001 object `set_later` has no map `lenghts`", "did you mean `lengths`?"]
    );
    assert_eq!(
        refused("lengths", "max_entries=1,entries=1"),
        [
            "S0001 map `lengths` does not take `entries=1`",
            "write FIELD=NUMBER; the fields: max_entries, value_size, key_size, map_flags, map_extra"
        ]
    );
    assert_eq!(help("max_entires=1"), "did you mean `max_entries`?");
    assert_eq!(help("map_flags=NO_PREALOC"), "did you mean `BPF_F_NO_PREALLOC`?");
    for text in ["max_entries=4294967296", "max_entries=-1", "max_entries=", "max_entries", "", "max_entries=1,"] {
        assert!(help(text).len() > 5, "{text}");
    }
    let data = refused("set_late.rodata", "value_size=64");
    assert!(data[1].contains("data section"), "{data:?}");
}

#[test]
fn variables_members_and_elements_are_given_values_by_type() {
    let mut object = object();
    let set = |object: &mut Object, path: &str, value: &str| object.set_variable(path, value).expect(path);
    set(&mut object, "settings.mode", "DROP_ALL");
    set(&mut object, "settings.limits[1]", "65535");
    set(&mut object, "settings.step", "7");
    set(&mut object, "settings.name", "a skep");
    set(&mut object, "runs", "18446744073709551615");
    set(&mut object, "letter", "z");
    let rodata = "{settings: {mode: DROP_ALL, limits: [100, 65535, 1000], trusting: 0, step: 7, name: a skep}}";
    assert_eq!(shown(&object, "set_late.rodata"), rodata);
    assert_eq!(shown(&object, "set_late.bss"), "{runs: 18446744073709551615}");
    assert_eq!(shown(&object, "set_late.data"), "{letter: 122}");
    set(&mut object, "settings", "{step: 2, limits: [1, 2, 3]}");
    let rodata = "{settings: {mode: COUNT, limits: [1, 2, 3], trusting: 0, step: 2, name: }}";
    assert_eq!(shown(&object, "set_late.rodata"), rodata);
}

#[test]
fn a_value_that_cannot_be_is_refused_with_the_type_and_what_is_near() {
    assert_eq!(
        refused_variable("seting.mode", "1"),
        ["S0002 object `set_later` has no variable `seting`", "did you mean `settings`?"]
    );
    assert_eq!(
        refused_variable("x", "1"),
        ["S0002 object `set_later` has no variable `x`", "its variables: settings, runs, letter"]
    );
    assert_eq!(
        refused_variable("settings.mod", "1"),
        [
            "S0002 `settings.mod` leads nowhere in object `set_later`",
            "there is no member `mod`, but `mode`",
            "`settings` is of type `const volatile struct settings`"
        ]
    );
    assert_eq!(
        refused_variable("settings.limits[0]", "-1"),
        [
            "S0001 `-1` is no value of variable `settings.limits[0]`",
            "-1 does not fit 2 bytes",
            "`settings.limits[0]` is of type `__u16`"
        ]
    );
    assert_eq!(refused_variable("settings.step", "8")[2], "`settings.step` is of type `__u8 : 3`");
    assert_eq!(refused_variable("settings.mode", "DROP")[1], "`DROP` is none of COUNT, DROP_LARGE, DROP_ALL");
    let mut bare = object();
    bare.btf = None;
    assert_eq!(bare.set_variable("runs", "1").expect_err("no types").code.as_str(), "O0004");
}
