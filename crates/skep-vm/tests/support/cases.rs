//! The cases of `tests/data/isa`: a program, the memory it gets, and what r0 is at its end.
#![allow(dead_code, reason = "each test uses its own part")]

use skep_isa::{Insn, asm};

pub(crate) struct Case {
    /// File and line.
    pub(crate) place: String,
    pub(crate) text: String,
    pub(crate) code: Vec<Insn>,
    pub(crate) memory: Vec<u8>,
    pub(crate) result: u64,
}

/// Instructions parted by `;`.
pub(crate) fn assemble(place: &str, text: &str) -> Vec<Insn> {
    let lines: Vec<String> = text.split(';').map(|part| part.trim().replace(": ", ":\n")).collect();
    asm::instructions(&lines.join("\n")).unwrap_or_else(|errors| panic!("{place}: {}", errors[0]))
}

pub(crate) fn all() -> Vec<Case> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/isa");
    let mut cases = Vec::new();
    let files = std::fs::read_dir(folder).expect("the folder of cases").map(|entry| entry.expect("a file").path());
    for path in files.filter(|path| path.extension().is_some_and(|e| e == "txt")) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let mut memory = Vec::new();
        let text = std::fs::read_to_string(&path).expect("a file of text");
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let place = format!("{name}:{}", at + 1);
            if let Some(bytes) = line.strip_prefix('@') {
                let byte = |word| u8::from_str_radix(word, 16).unwrap_or_else(|_| panic!("{place}: `{word}`"));
                memory = bytes.split_whitespace().map(byte).collect();
                continue;
            }
            let (program, result) = line.split_once(" => ").unwrap_or_else(|| panic!("{place}: no ` => `"));
            let digits = result.strip_prefix("0x").unwrap_or_else(|| panic!("{place}: `{result}`"));
            let result = u64::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("{place}: `{digits}`"));
            let code = assemble(&place, program);
            cases.push(Case { place, text: program.to_owned(), code, memory: memory.clone(), result });
        }
    }
    cases
}
