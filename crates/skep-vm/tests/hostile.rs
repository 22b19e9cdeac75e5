//! The programs of `tests/data/hostile`: each comes to the end that stands there, soon, and leaves no address of the host.

mod support;

use std::fmt::Write as _;
use std::ops::Range;

use skep_isa::spec::MapType;
use skep_isa::{Insn, asm};
use skep_object::{Content, MapSpec, Object};
use skep_vm::{Config, Error, Fault, Machine, Outcome, Packet, Routine};
use support::*;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/hostile/cases.txt");

struct Case {
    name: String,
    /// Memory to run on; an XDP program without.
    memory: Option<Vec<u8>>,
    code: Vec<Insn>,
    expected: String,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let (mut name, mut memory, mut code) = (String::new(), None, Vec::new());
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(bytes) = line.strip_prefix("@ memory") {
            memory = Some(hex(bytes));
        } else if let Some(program) = line.strip_prefix("    ") {
            code = assemble(&name, program);
        } else if let Some(expected) = line.strip_prefix("=> ") {
            let (code, memory) = (std::mem::take(&mut code), memory.take());
            cases.push(Case { name: std::mem::take(&mut name), memory, code, expected: expected.to_owned() });
        } else {
            let (before, reason) = line.split_once(": ").unwrap_or_else(|| panic!("`{line}` has no reason"));
            assert!(name.is_empty() && !reason.is_empty(), "`{line}` follows a case without outcome");
            name = before.to_owned();
        }
    }
    cases
}

fn hex(text: &str) -> Vec<u8> {
    let byte = |word| u8::from_str_radix(word, 16).unwrap_or_else(|_| panic!("`{word}` is no byte"));
    text.split_whitespace().map(byte).collect()
}

/// Instructions parted by `;`: assembly, `raw` bytes, and `N x` of one.
fn assemble(name: &str, text: &str) -> Vec<Insn> {
    let (mut code, mut lines) = (Vec::new(), String::new());
    let flush = |lines: &mut String, code: &mut Vec<Insn>| {
        let insns = asm::instructions(&std::mem::take(lines)).unwrap_or_else(|errors| panic!("{name}: {}", errors[0]));
        code.extend(insns);
    };
    for part in text.split(';').map(str::trim) {
        if let Some(bytes) = part.strip_prefix("raw ") {
            flush(&mut lines, &mut code);
            code.extend(Insn::slots(&hex(bytes)));
        } else if let Some((times, what)) = part.split_once(" x ") {
            flush(&mut lines, &mut code);
            let insn = asm::instructions(what).expect("an instruction");
            let times: usize = times.parse().expect("a number");
            code.extend(insn.iter().copied().cycle().take(times));
        } else {
            lines.push_str(part);
            lines.push('\n');
        }
    }
    flush(&mut lines, &mut code);
    code
}

/// What comes of a case, and all bytes that the host can read afterwards.
fn outcome(case: &Case) -> (String, Vec<u8>) {
    let refused = |error: Error| format!("refused: {error}");
    let faulted = |fault: Fault| format!("fault at {}: {}", fault.slot, fault.kind);
    let mut programs = spec(MapType::ProgArray, 4, 4, 4);
    programs.contents = vec![(0, Content::Program("test".to_owned()))];
    let maps = [spec(MapType::Array, 4, 12, 4), spec(MapType::Ringbuf, 0, 0, 4096), programs];
    let config = Config { fuel: 1 << 20, ..Config::default() };
    let object = relocated(&case.code, &maps);
    let host = Box::new(Still::default());
    let Some(memory) = &case.memory else {
        let mut machine = match Machine::new(&object, None, config, host) {
            Ok(machine) => machine,
            Err(error) => return (refused(error), Vec::new()),
        };
        let mut packet = Packet::new();
        packet.set_frame(&ipv4(64));
        let text = match machine.run(0, &mut packet) {
            Outcome::Ran { result, .. } => format!("{result:#x}"),
            Outcome::Fault(fault) => faulted(fault),
            Outcome::Refused(why) => format!("refused: {why}"),
        };
        let mut seen = packet.frame().to_vec();
        for key in 0..4_u32 {
            seen.extend(machine.map(0).and_then(|map| map.lookup(&key.to_le_bytes())).iter().flat_map(|v| v.iter()));
        }
        return (text, seen);
    };
    match Routine::of_object(&object, 0, Vec::new(), config, host) {
        Ok(mut routine) => {
            let mut memory = memory.clone();
            let result = routine.run(&mut memory);
            memory.extend(result.unwrap_or(0).to_le_bytes());
            (result.map_or_else(faulted, |r0| format!("{r0:#x}")), memory)
        }
        Err(error) => (refused(error), Vec::new()),
    }
}

/// An object of the program, with only those references to maps that there are.
fn relocated(code: &[Insn], maps: &[MapSpec]) -> Object {
    let mut object = object("xdp", code, maps);
    object.programs[0].relocs.retain(|reloc| code[reloc.slot as usize].imm < maps.len() as i32);
    object
}

/// Where memory of this process is.
fn mapped() -> Vec<Range<u64>> {
    let text = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let range = |line: &str| {
        let (start, end) = line.split_once(' ')?.0.split_once('-')?;
        Some(u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?)
    };
    text.lines().filter_map(range).collect()
}

#[test]
fn every_hostile_program_ends_as_told_and_shows_no_address() {
    let text = std::fs::read_to_string(PATH).expect("the cases");
    let cases = cases(&text);
    assert!(cases.len() >= 68, "{} cases", cases.len());
    let mut wrong = String::new();
    let mut outcomes = Vec::new();
    for case in &cases {
        let (found, seen) = outcome(case);
        let places = mapped();
        for (at, word) in seen.windows(8).enumerate() {
            let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
            assert!(!places.iter().any(|place| place.contains(&word)), "{}: {word:#x} at {at}", case.name);
        }
        if found != case.expected {
            let _ = writeln!(wrong, "{}: {found}, not {}", case.name, case.expected);
        }
        outcomes.push(found);
    }
    if std::env::var_os("SKEP_BLESS").is_some() {
        let mut outcomes = outcomes.into_iter();
        let line = |line: &str| match line.strip_prefix("=> ").and_then(|_| outcomes.next()) {
            Some(outcome) => format!("=> {outcome}\n"),
            None => format!("{line}\n"),
        };
        let blessed: String = text.lines().map(line).collect();
        std::fs::write(PATH, blessed).expect("the cases are written");
        return;
    }
    assert!(wrong.is_empty(), "{wrong}");
}
