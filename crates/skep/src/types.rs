//! The kernel's types that programs are adapted to: a file's, or the running kernel's.

use std::borrow::Cow;
use std::path::Path;

use skep_btf::Scan;
use skep_btf::core::Target;
use skep_diag::{Diagnostic, code};
use skep_object::Object;

use crate::engine::Options;
use crate::error::Error;
use crate::object::read;

/// The encoded types of `--btf FILE`: an object's, or bare ones.
pub(crate) fn of_file(path: &str) -> Result<Vec<u8>, Error> {
    let bytes = read(Path::new(path))?;
    let types = skep_object::types(path, &bytes)?;
    Scan::new(&types).map_err(|e| {
        Diagnostic::error(code::BAD_BTF, format!("the types in {path} cannot be read")).note(e.to_string())
    })?;
    Ok(types.to_vec())
}

#[cfg(target_os = "linux")]
fn of_kernel() -> Result<Vec<u8>, Error> {
    Ok(skep_kernel::KernelTypes::open()?.bytes().to_vec())
}

#[cfg(not(target_os = "linux"))]
fn of_kernel() -> Result<Vec<u8>, Error> {
    let d = Diagnostic::error(code::NO_TYPES, "the program depends on a kernel's types, and this system is not Linux");
    Err(d.help("give a kernel's types with `--btf FILE`").into())
}

/// The object as the vm can run it: no instruction depends on a kernel's types any more.
pub(crate) fn settle<'o>(object: &'o Object, options: &Options) -> Result<Cow<'o, Object>, Error> {
    let wanted = options.programs.as_deref();
    let mut programs = object.programs.iter().enumerate();
    if !programs.any(|(at, p)| p.needs_kernel_types() && wanted.is_none_or(|list| list.contains(&at))) {
        return Ok(Cow::Borrowed(object));
    }
    let bytes = match &options.types {
        Some(path) => of_file(path)?,
        None => of_kernel()?,
    };
    let scan = Scan::new(&bytes)
        .map_err(|e| Diagnostic::error(code::NO_TYPES, "the kernel's types are damaged").note(e.to_string()))?;
    let because = "the vm does not look ahead whether the program comes there";
    let object = object.relocate_whole(wanted, &Target::new(&scan), because).map_err(|d| Error::from(*d))?;
    Ok(Cow::Owned(object))
}
