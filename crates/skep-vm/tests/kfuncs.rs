//! Kernel functions, one family after the other, as programs see them.

mod support;

use skep_isa::Insn;
use skep_isa::spec::MapType;
use skep_object::{MapSpec, Reloc, RelocTarget};
use skep_vm::{Config, Machine, Outcome, Packet};
use support::*;

/// A call of a kernel function, whose name is its place in `names`.
fn kfunc(place: i32) -> Insn {
    i(0x85, 0, 2, 0, place)
}

/// What a program gives, whose kernel functions have these names.
fn returned(code: &[Insn], names: &[&str], maps: &[MapSpec]) -> i32 {
    let mut object = object("xdp", code, maps);
    for (slot, insn) in code.iter().enumerate().filter(|(_, insn)| insn.code == 0x85 && insn.src == 2) {
        let target = RelocTarget::Extern(names[insn.imm as usize].to_owned());
        object.programs[0].relocs.push(Reloc { slot: slot as u32, target });
    }
    let mut machine = match Machine::new(&object, None, Config::default(), Box::new(Still::default())) {
        Ok(machine) => machine,
        Err(error) => panic!("{error}"),
    };
    match machine.run(0, &mut Packet::new()) {
        Outcome::Ran { result, .. } => result,
        other => panic!("{other:?}"),
    }
}

const NUMBERS: [&str; 3] = ["bpf_iter_num_new", "bpf_iter_num_next", "bpf_iter_num_destroy"];

#[test]
fn an_iterator_gives_each_number_once() {
    let sum = |start, end| {
        let at = [movr(1, 10), add(1, -8)];
        let mut code = vec![mov(6, 0)];
        code.extend(at);
        code.extend([mov(2, start), mov(3, end), kfunc(0), movr(8, 0)]);
        code.extend(at);
        code.extend([
            kfunc(1),
            i(0x15, 0, 0, 4, 0),
            ldx(4, 1, 0, 0),
            i(0x0f, 6, 1, 0, 0),
            add(6, 1000),
            i(0x05, 0, 0, -8, 0),
        ]);
        code.extend(at);
        code.extend([kfunc(2), movr(0, 6), i(0x0f, 0, 8, 0, 0), exit()]);
        returned(&code, &NUMBERS, &[])
    };
    assert_eq!(sum(3, 6), 3 + 4 + 5 + 3000);
    assert_eq!(sum(3, 3), 0);
    assert_eq!(sum(4, 3), -22);
    assert_eq!(sum(0, (8 << 20) + 1), -7);
    // The number before the first wraps.
    assert_eq!(sum(i32::MIN, i32::MIN + 1), i32::MIN.wrapping_add(1000));
}

const DYNPTRS: [&str; 7] = [
    "bpf_dynptr_adjust",
    "bpf_dynptr_clone",
    "bpf_dynptr_is_null",
    "bpf_dynptr_is_rdonly",
    "bpf_dynptr_size",
    "bpf_dynptr_slice",
    "bpf_dynptr_slice_rdwr",
];

/// A dynptr at fp-48 of the 16 bytes at fp-16, or a null one at fp-64; then `rest`.
fn with_dynptr(rest: &[Insn]) -> i32 {
    let mut code = vec![st(8, 10, -16, 0x0403_0201), st(8, 10, -8, 0x0807_0605), st(8, 10, -64, 0), st(8, 10, -56, 0)];
    code.extend([movr(1, 10), add(1, -16), mov(2, 16), mov(3, 0), movr(4, 10), add(4, -48), call(197)]);
    code.extend(rest);
    code.push(exit());
    returned(&code, &DYNPTRS, &[spec(MapType::Array, 4, 4, 1)])
}

fn at(register: u8, place: i32) -> [Insn; 2] {
    [movr(register, 10), add(register, place)]
}

#[test]
fn a_dynptr_tells_what_it_is() {
    for (place, is_null, size) in [(-48, 0, 16), (-64, 1, -22)] {
        assert_eq!(with_dynptr(&[&at(1, place)[..], &[kfunc(2)]].concat()), is_null);
        assert_eq!(with_dynptr(&[&at(1, place)[..], &[kfunc(3)]].concat()), 0, "none is read-only");
        assert_eq!(with_dynptr(&[&at(1, place)[..], &[kfunc(4)]].concat()), size);
    }
}

#[test]
fn a_dynptr_is_cut_and_copied() {
    let cut = |start, end, rest: &[Insn]| {
        with_dynptr(&[&at(1, -48)[..], &[mov(2, start), mov(3, end), kfunc(0)], rest].concat())
    };
    assert_eq!(cut(8, 12, &[]), 0);
    assert_eq!(cut(8, 7, &[]), -22);
    assert_eq!(cut(8, 17, &[]), -34);
    assert_eq!(cut(8, 12, &[&at(1, -48)[..], &[kfunc(4)]].concat()), 4);
    let slice = |which| [&at(1, -48)[..], &[mov(2, 0), mov(3, 0), mov(4, 4), kfunc(which), ldx(4, 0, 0, 0)]].concat();
    assert_eq!(cut(8, 12, &slice(5)), 0x0807_0605);
    assert_eq!(cut(8, 12, &slice(6)), 0x0807_0605);
    let too_long = [&at(1, -48)[..], &[mov(2, 1), mov(3, 0), mov(4, 4), kfunc(5)]].concat();
    assert_eq!(cut(8, 12, &too_long), 0);
    // The copy stays as it was when the first is cut.
    let copy = [&at(1, -48)[..], &at(2, -64), &[kfunc(1)], &at(1, -48), &[mov(2, 8), mov(3, 12), kfunc(0)]].concat();
    assert_eq!(with_dynptr(&[&copy[..], &at(1, -64), &[kfunc(4)]].concat()), 16);
    assert_eq!(with_dynptr(&[&at(1, -64)[..], &at(2, -80), &[kfunc(1)]].concat()), -22);
}
