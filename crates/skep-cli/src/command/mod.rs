//! The verbs, one file each, and what several of them share.

pub(crate) mod asm;
pub(crate) mod bench;
pub(crate) mod btf;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod dis;
pub(crate) mod explain;
pub(crate) mod feature;
pub(crate) mod generate;
pub(crate) mod hooks;
pub(crate) mod man;
pub(crate) mod map;
pub(crate) mod prog;
pub(crate) mod run;
pub(crate) mod trial;
pub(crate) mod vm;

use std::io::Write;

use crate::failure::Failure;
use crate::table;

/// True when two paths lead to one file, by whatever names.
pub(crate) fn same_file(a: &str, b: &str) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let file = |path: &str| std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
        file(a).is_some_and(|one| file(b) == Some(one))
    }
    #[cfg(not(unix))]
    {
        std::fs::canonicalize(a).ok().is_some_and(|one| std::fs::canonicalize(b).ok() == Some(one))
    }
}

/// One JSON document on one line.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// A table, or a sentence when it has no rows.
pub(crate) fn print_table(table: &comfy_table::Table, rows: usize, what: &str) -> Result<(), Failure> {
    let text = if rows == 0 { format!("no {what}") } else { table::trim(table) };
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

/// `None` for an object that is gone since its id was read.
#[cfg(target_os = "linux")]
pub(crate) fn present<T>(result: Result<T, skep_kernel::Error>) -> Result<Option<T>, Failure> {
    match result {
        Err(error) if error.is_gone() => Ok(None),
        other => Ok(Some(other?)),
    }
}

/// What commands about the kernel say where there is none.
#[cfg(not(target_os = "linux"))]
pub(crate) fn no_kernel() -> Failure {
    use skep_diag::{Diagnostic, code};
    Diagnostic::error(code::NO_KERNEL, "this system is not Linux").help("the vm runs here: skep run --engine vm").into()
}
