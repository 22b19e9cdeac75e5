//! What the tests share: a host that stands still, a few instruction makers, objects made by hand.
#![allow(dead_code, reason = "each test uses its own part")]

use std::sync::{Arc, Mutex};

use skep_isa::Insn;
use skep_isa::spec::{MapType, section};
use skep_object::{MapSpec, Object, ProgramSpec, Reloc, RelocTarget};
use skep_vm::{Config, Host, Machine, Outcome, Packet, Task};

/// A host whose clock stands at 1000 (boot: 2000) and whose printed text can be read.
#[derive(Default, Clone)]
pub(crate) struct Still {
    pub(crate) printed: Arc<Mutex<String>>,
}

impl Host for Still {
    fn now_ns(&mut self) -> u64 {
        1000
    }
    fn boot_ns(&mut self) -> u64 {
        2000
    }
    fn random_u32(&mut self) -> u32 {
        4
    }
    fn print(&mut self, text: &str) {
        self.printed.lock().expect("no printer panicked").push_str(text);
    }
    fn task(&mut self) -> Task {
        Task { pid_tgid: 7 << 32 | 8, uid_gid: 3 << 32 | 4, ..Task::default() }
    }
}

pub(crate) fn i(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Insn {
    Insn::new(code, dst, src, off, imm)
}

pub(crate) fn mov(dst: u8, imm: i32) -> Insn {
    i(0xb7, dst, 0, 0, imm)
}

pub(crate) fn movr(dst: u8, src: u8) -> Insn {
    i(0xbf, dst, src, 0, 0)
}

pub(crate) fn add(dst: u8, imm: i32) -> Insn {
    i(0x07, dst, 0, 0, imm)
}

pub(crate) fn call(id: i32) -> Insn {
    i(0x85, 0, 0, 0, id)
}

pub(crate) fn exit() -> Insn {
    i(0x95, 0, 0, 0, 0)
}

/// Load of `size` bytes: 1, 2, 4 or 8.
pub(crate) fn ldx(size: u8, dst: u8, src: u8, off: i16) -> Insn {
    i(0x61 | bits(size), dst, src, off, 0)
}

pub(crate) fn stx(size: u8, dst: u8, src: u8, off: i16) -> Insn {
    i(0x63 | bits(size), dst, src, off, 0)
}

pub(crate) fn st(size: u8, dst: u8, off: i16, imm: i32) -> Insn {
    i(0x62 | bits(size), dst, 0, off, imm)
}

fn bits(size: u8) -> u8 {
    match size {
        1 => 0x10,
        2 => 0x08,
        4 => 0x00,
        _ => 0x18,
    }
}

pub(crate) fn wide(dst: u8, value: u64) -> [Insn; 2] {
    [i(0x18, dst, 0, 0, value as i32), i(0, 0, 0, 0, (value >> 32) as i32)]
}

/// A wide load of map `index` of the object.
pub(crate) fn map(dst: u8, index: i32) -> [Insn; 2] {
    [i(0x18, dst, 1, 0, index), i(0, 0, 0, 0, 0)]
}

pub(crate) fn spec(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> MapSpec {
    let flags = if map_type == MapType::LpmTrie { 1 } else { 0 };
    MapSpec { flags, ..MapSpec::new(format!("{map_type}"), map_type, key_size, value_size, max_entries) }
}

/// An object of one program; `map(…)` loads become relocations.
pub(crate) fn object(section: &str, code: &[Insn], maps: &[MapSpec]) -> Object {
    let relocs = code.iter().enumerate().filter(|(_, insn)| insn.is_wide() && insn.src == 1);
    let program = ProgramSpec {
        name: "test".to_owned(),
        section: section.to_owned(),
        kind: section::find(section).map(|(row, _)| row),
        hook: None,
        code: code.to_vec(),
        relocs: relocs
            .map(|(slot, insn)| Reloc { slot: slot as u32, target: RelocTarget::Map(insn.imm as usize) })
            .collect(),
        funcs: Vec::new(),
        lines: Vec::new(),
    };
    Object {
        name: "test".to_owned(),
        license: "GPL".to_owned(),
        programs: vec![program],
        maps: maps.to_vec(),
        externs: Vec::new(),
        btf: None,
        big_endian: false,
    }
}

pub(crate) fn machine(section: &str, code: &[Insn], maps: &[MapSpec]) -> Machine {
    let object = object(section, code, maps);
    match Machine::new(&object, None, Config::default(), Box::new(Still::default())) {
        Ok(machine) => machine,
        Err(error) => panic!("{error}"),
    }
}

/// Runs once over a frame; the outcome and the frame after it.
pub(crate) fn run(section: &str, code: &[Insn], maps: &[MapSpec], frame: &[u8]) -> (Outcome, Vec<u8>) {
    let mut machine = machine(section, code, maps);
    let mut packet = Packet::new();
    packet.set_frame(frame);
    let outcome = machine.run(0, &mut packet);
    (outcome, packet.frame().to_vec())
}

/// What a program without maps returns over a frame of 64 zeros.
pub(crate) fn result(section: &str, code: &[Insn]) -> i32 {
    match run(section, code, &[], &[0; 64]).0 {
        Outcome::Ran { result, .. } => result,
        other => panic!("{other:?}"),
    }
}

/// An IPv4/UDP frame of `len` bytes with the addresses 10.0.0.1 and 10.0.0.2 and valid IP checksum.
pub(crate) fn ipv4(len: usize) -> Vec<u8> {
    let mut frame = vec![0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 0x08, 0x00];
    frame.extend([0x45, 0, 0, (len - 14) as u8, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend([0x12, 0x34, 0, 53, 0, (len - 34) as u8, 0xab, 0xcd]);
    while frame.len() < len {
        frame.push(frame.len() as u8);
    }
    frame
}
