//! Where types come from: a file, the kernel, or one of its modules.

use std::path::Path;

use skep_btf::Scan;
use skep_diag::{Diagnostic, code};
use skep_isa::spec::nearest;

use crate::failure::Failure;

/// Encoded types with their name.
pub(super) struct Source {
    pub(super) name: String,
    bytes: Vec<u8>,
    /// The kernel's, which a module's continue.
    base: Option<Vec<u8>>,
}

impl Source {
    /// A file when there is one of this name, else the kernel or a module.
    pub(super) fn open(word: &str) -> Result<Source, Failure> {
        if !Path::new(word).exists()
            && let Some(source) = Source::all_of_kernel()?.into_iter().find(|source| source.name == word)
        {
            return Ok(source);
        }
        let whole = std::fs::read(word).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => not_found(word),
            _ => skep::Error::File { action: "read", path: word.to_owned(), error }.into(),
        })?;
        let bytes = skep_object::types(word, &whole)?.to_vec();
        Ok(Source { name: word.to_owned(), bytes, base: None })
    }

    /// The kernel's own types first, then each module's; none where the kernel shows none.
    #[cfg(target_os = "linux")]
    pub(super) fn all_of_kernel() -> Result<Vec<Source>, Failure> {
        use skep_kernel::KernelTypes;
        let Ok(kernel) = KernelTypes::open() else { return Ok(Vec::new()) };
        let base = kernel.bytes().to_vec();
        let own = Source { name: KernelTypes::KERNEL.to_owned(), bytes: base.clone(), base: None };
        let modules = kernel.modules().iter();
        let modules =
            modules.map(|(name, bytes)| Source { name: name.clone(), bytes: bytes.clone(), base: Some(base.clone()) });
        Ok(std::iter::once(own).chain(modules).collect())
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn all_of_kernel() -> Result<Vec<Source>, Failure> {
        Ok(Vec::new())
    }

    /// How many bytes they take.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Does something with the types.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Scan<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let damaged = |e: skep_btf::Error| {
            Diagnostic::error(code::BAD_BTF, format!("the types of {} cannot be read", self.name)).note(e.to_string())
        };
        match &self.base {
            None => work(&Scan::new(&self.bytes).map_err(damaged)?),
            Some(base) => {
                let base = Scan::new(base).map_err(damaged)?;
                work(&Scan::split(&self.bytes, &base).map_err(damaged)?)
            }
        }
    }
}

fn not_found(word: &str) -> Failure {
    let d =
        Diagnostic::error(code::NO_FILE, format!("`{word}` is neither a file nor something the kernel has types of"));
    let names: Vec<String> =
        Source::all_of_kernel().unwrap_or_default().into_iter().map(|source| source.name).collect();
    match nearest(word, names.iter().map(String::as_str)) {
        Some(near) => d.help(format!("did you mean `{near}`?")).into(),
        None => d.help("give a file, `vmlinux` or a module; `skep btf where` lists what the kernel has").into(),
    }
}
