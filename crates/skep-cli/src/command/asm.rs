//! `skep asm`: instructions as text to an object.

use std::io::Read;

use skep_diag::{Diagnostic, code};
use skep_isa::asm;

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
