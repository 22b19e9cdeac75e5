//! The types in an ELF file as they stand in it, of whatever machine the file is.

use std::borrow::Cow;

use object::LittleEndian as LE;
use object::elf::FileHeader64;
use object::read::elf::{FileHeader, SectionHeader};
use skep_diag::{Diagnostic, code};

use super::little;

/// The bytes of a file's types: of its `.BTF` section when it is an ELF file, else all of it. `name` stands in messages.
///
/// # Errors
/// `O0002` for a damaged ELF file or one that is not of 64 bits, `O0004` for one without types.
pub fn types<'a>(name: &str, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, Diagnostic> {
    if !bytes.starts_with(b"\x7fELF") {
        return Ok(Cow::Borrowed(bytes));
    }
    match little(bytes) {
        Cow::Borrowed(bytes) => section(name, bytes).map(Cow::Borrowed),
        Cow::Owned(bytes) => section(name, &bytes).map(|types| Cow::Owned(types.to_vec())),
    }
}

fn section<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a [u8], Diagnostic> {
    let cut = |e: object::read::Error| {
        Diagnostic::error(code::NOT_ELF, format!("{name} is not a whole ELF file of 64 bits")).note(e.to_string())
    };
    let header = FileHeader64::<LE>::parse(bytes).map_err(cut)?;
    let table = header.sections(LE, bytes).map_err(cut)?;
    let Some((_, section)) = table.section_by_name(LE, b".BTF") else {
        return Err(Diagnostic::error(code::NO_BTF, format!("{name} has no types"))
            .note("it has no .BTF section")
            .help("compile it with `-g`"));
    };
    section.data(LE, bytes).map_err(cut)
}
