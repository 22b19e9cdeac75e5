//! `skep gen`: files made of objects. `gen` alone is a word of the language.

use skep_diag::{Diagnostic, code};

use crate::args::Gen;
use crate::command::same_file;
use crate::failure::Failure;

pub(crate) fn run(what: &Gen) -> Result<(), Failure> {
    match what {
        Gen::Object { out, inputs } => object(out, inputs),
    }
}

/// Links objects.
fn object(out: &str, inputs: &[String]) -> Result<(), Failure> {
    let file = |action, path: &str, error| skep::Error::File { action, path: path.to_owned(), error };
    let mut read = Vec::with_capacity(inputs.len());
    for path in inputs {
        if same_file(path, out) {
            return Err(Diagnostic::error(code::USAGE, format!("{out} is one of the objects that are linked"))
                .note("the object that is made comes first: skep gen object OUT IN…")
                .help("write to another file")
                .into());
        }
        read.push(std::fs::read(path).map_err(|error| file("read", path, error))?);
    }
    let objects: Vec<(&str, &[u8])> = inputs.iter().map(String::as_str).zip(read.iter().map(Vec::as_slice)).collect();
    let linked = skep_object::link(&objects)?;
    std::fs::write(out, linked).map_err(|error| file("write", out, error).into())
}
