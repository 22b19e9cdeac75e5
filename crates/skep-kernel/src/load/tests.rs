//! Function and line records on the host's kernel, with types made by hand. Needs root.

use std::os::fd::AsFd;

use super::*;
use skep_btf::TypeId;
use skep_isa::Insn;
use skep_isa::insn::{CALL, EXIT, PSEUDO_CALL};
use skep_object::{FuncInfo, LineInfo};

const STRINGS: &[u8] = b"\0int\0main\0sub\0ctx\0file.c\0return 2;\0";
const INT: u32 = 1;
const MAIN: u32 = 5;
const SUB: u32 = 10;
const CTX: u32 = 14;
const FILE: u32 = 18;
const TEXT: u32 = 25;

/// `int main(void *ctx)` is type 4, `static int sub(void)` type 6.
fn types() -> Vec<u8> {
    let record = |name, kind: u32, low: u32, last| [name, kind << 24 | low, last];
    let mut words: Vec<u32> = vec![];
    words.extend(record(INT, 1, 0, 4));
    words.push(1 << 24 | 32);
    words.extend(record(0, 2, 0, 0)); // 2: void *
    words.extend(record(0, 13, 1, 1)); // 3: int (void *ctx)
    words.extend([CTX, 2]);
    words.extend(record(MAIN, 12, 1, 3)); // 4
    words.extend(record(0, 13, 0, 1)); // 5: int (void)
    words.extend(record(SUB, 12, 0, 5)); // 6
    let len = u32::try_from(words.len() * 4).expect("short");
    let strings = u32::try_from(STRINGS.len()).expect("short");
    let header = [0x0001_eb9f, 24, 0, len, len, strings];
    let mut bytes: Vec<u8> = header.iter().chain(&words).flat_map(|w| w.to_ne_bytes()).collect();
    bytes.extend(STRINGS);
    bytes
}

fn program() -> ProgramSpec {
    let func = |slot, name: &str, id| FuncInfo { slot, name: name.into(), type_id: Some(TypeId(id)) };
    let line = |slot, line| LineInfo { slot, file_off: FILE, text_off: TEXT, line, column: 2 };
    ProgramSpec {
        name: "main".into(),
        section: "xdp".into(),
        kind: skep_isa::spec::section::find("xdp").map(|(row, _)| row),
        hook: None,
        code: vec![
            Insn::new(CALL, 0, PSEUDO_CALL, 0, 2),
            Insn::new(0xb7, 0, 0, 0, 2),
            Insn::new(EXIT, 0, 0, 0, 0),
            Insn::new(0xb7, 0, 0, 0, 1),
            Insn::new(EXIT, 0, 0, 0, 0),
        ],
        relocs: vec![],
        funcs: vec![func(0, "main", 4), func(3, "sub", 6)],
        lines: vec![line(0, 1), line(1, 2), line(2, 3), line(3, 5)],
    }
}

/// An object of nothing, for what all programs of one share.
fn empty() -> Object {
    Object {
        name: "o".into(),
        license: "GPL".into(),
        programs: vec![],
        maps: vec![],
        externs: vec![],
        btf: None,
        big_endian: false,
    }
}

#[test]
fn a_counted_program_keeps_its_function_and_line_records() {
    let types = sys::btf_load(&types(), None, &mut []).expect("types");
    let object = empty();
    for counting in [false, true] {
        let license = license("GPL");
        let loader = Loader {
            object: &object,
            types: Some(types.as_fd()),
            features: &Features::new(),
            maps: &[],
            externs: &Externs::default(),
            license: &license,
            counting,
            kernel: &Kernel::default(),
            instances: &[],
        };
        let slot = loader.load(&program()).expect("loads");
        assert_eq!(matches!(slot.counter, Counter::Map(..)), counting, "{:?}", slot.counter);
        let info = sys::prog_info(slot.program.as_fd(), &mut []).expect("info");
        assert_eq!((info.nr_func_info, info.nr_line_info), (2, 4));
        assert_ne!(info.btf_id, 0);
    }
}

#[test]
fn records_that_the_kernel_refuses_are_left_out() {
    let types = sys::btf_load(&types(), None, &mut []).expect("types");
    let object = empty();
    let loader = Loader {
        object: &object,
        types: Some(types.as_fd()),
        features: &Features::new(),
        maps: &[],
        externs: &Externs::default(),
        license: c"GPL",
        counting: false,
        kernel: &Kernel::default(),
        instances: &[],
    };
    let mut spec = program();
    spec.lines[1].file_off = 9999;
    let slot = loader.load(&spec).expect("loads all the same");
    assert_eq!(sys::prog_info(slot.program.as_fd(), &mut []).expect("info").nr_line_info, 0);
}
