//! `skep vm`: the vm by itself, for conformance suites and for trying instructions.

use std::io::{Read, Write};

use skep_diag::{Diagnostic, code};
use skep_isa::Insn;
use skep_object::Object;
use skep_vm::{Call, Config, Routine, Still};

use crate::args::VmExec;
use crate::failure::Failure;

/// The helper that conformance suites expect: it gives back its first argument.
const IDENTITY: i32 = 5;

/// `skep vm exec`: runs the program on standard input on the memory given, and prints r0.
pub(crate) fn exec(args: &VmExec) -> Result<(), Failure> {
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).map_err(|error| skep::Error::File {
        action: "read",
        path: "<stdin>".to_owned(),
        error,
    })?;
    let bytes = hex("the program on standard input", &text)?;
    let mut memory = hex("MEMORY", args.memory.as_deref().unwrap_or(""))?;
    let identity: Call = Box::new(|_, [first, ..]| Ok(first));
    let calls = vec![(IDENTITY, identity)];
    let made = if args.elf {
        let object = Object::parse("<stdin>", &bytes)?;
        if object.programs.is_empty() {
            Routine::of_code(skep_object::text("<stdin>", &bytes)?, calls)
        } else {
            Routine::of_object(&object, 0, calls, Config::default(), Box::new(Still))
        }
    } else {
        let (slots, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            let title = format!("the program has {} bytes, and an instruction has 8", bytes.len());
            return Err(Diagnostic::error(code::BAD_CODE, title).into());
        }
        Routine::of_code(slots.iter().map(|slot| Insn::from_bytes(*slot)).collect(), calls)
    };
    let mut routine = made.map_err(|error| error.diagnostic())?;
    let result = routine.run(&mut memory).map_err(|fault| routine.explain(&fault))?;
    Ok(writeln!(std::io::stdout().lock(), "{result:#x}")?)
}

/// Bytes as two hexadecimal digits each, with any space between.
fn hex(what: &str, text: &str) -> Result<Vec<u8>, Failure> {
    let digits: String = text.split_whitespace().collect();
    let bad = |note: String| {
        Diagnostic::error(code::USAGE, format!("{what} is not written as hexadecimal bytes"))
            .note(note)
            .help("write two digits for each byte, as in `b7 00 00 00 2a 00 00 00`")
    };
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return Err(bad(format!("it has {} digits", digits.len())).into());
    }
    let bytes = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).unwrap_or_default();
        u8::from_str_radix(pair, 16).map_err(|_| bad(format!("`{pair}` is no byte")).into())
    });
    bytes.collect()
}
