//! `skep asm`: instructions as text, eBPF's or classic ones, to an object.

use std::io::Read;

use skep_diag::{Diagnostic, Snippet, code};
use skep_isa::classic::{self, Target};
use skep_isa::{asm, disasm};

use crate::args::Asm;
use crate::command::same_file;
use crate::failure::Failure;

/// What standard input is called, on the command line and in messages.
const STDIN: (&str, &str) = ("-", "<stdin>");

pub(crate) fn run(args: &Asm) -> Result<(), Failure> {
    let (name, bytes) = read(&args.file)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        Diagnostic::error(code::ASM_SYNTAX, format!("{name} is not text"))
            .note(format!("byte {} is not UTF-8", error.utf8_error().valid_up_to()))
            .help("an object is shown by `skep dis`, and run by `skep run`")
    })?;
    let text = if args.classic { from_classic(&name, &text)? } else { text };
    let assembly = asm::assemble(&name, &text).map_err(|errors| {
        for error in errors {
            crate::complain(&error.render(crate::style()));
        }
        Failure::Told(2)
    })?;
    let object = skep_object::write(&assembly)?;
    let path = &args.output;
    if same_file(&args.file, path) {
        return Err(Diagnostic::error(code::USAGE, format!("{path} is the assembly that is read"))
            .help("write the object to another file")
            .into());
    }
    std::fs::write(path, object)
        .map_err(|error| skep::Error::File { action: "write", path: path.clone(), error }.into())
}

/// A classic program as assembly of eBPF, in the kernel's spelling.
fn from_classic(name: &str, text: &str) -> Result<String, Failure> {
    let target = Target::Socket;
    let program = classic::parse(text).map_err(|error| {
        let line = text.lines().nth(error.line - 1).unwrap_or_default();
        let start = line.char_indices().nth(error.column - 1).map_or(line.len(), |(at, _)| at);
        let end =
            line.get(start..).and_then(|rest| rest.find(char::is_whitespace)).map_or(line.len(), |len| start + len);
        Diagnostic::error(code::ASM_SYNTAX, error.problem.to_string())
            .snippet(Snippet::new(name, line).at_line(error.line).mark(start..end.max(start), "here"))
            .help("a classic program is text as `tcpdump -d`, `-dd` or `-ddd` prints it")
    })?;
    let refused =
        |why: String| Diagnostic::error(code::ASM_PLACE, format!("{name} is no program that a socket takes")).note(why);
    classic::check(&program, target).map_err(|refusal| refused(refusal.to_string()))?;
    let code = classic::translate(&program, target).map_err(|why| refused(why.to_string()))?;
    let mut out = String::from(".license \"GPL\"\n.section socket\nfilter:\n");
    let mut slots = code.iter();
    while let Some(insn) = slots.next() {
        let tail = if insn.is_wide() { slots.next().copied() } else { None };
        out.push_str(&disasm::kernel::text(*insn, tail));
        out.push('\n');
    }
    Ok(out)
}

/// The name and the bytes of the source.
fn read(path: &str) -> Result<(String, Vec<u8>), Failure> {
    let failed = |error| skep::Error::File { action: "read", path: path.to_owned(), error };
    if path != STDIN.0 {
        return Ok((path.to_owned(), std::fs::read(path).map_err(failed)?));
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(failed)?;
    Ok((STDIN.1.to_owned(), bytes))
}
