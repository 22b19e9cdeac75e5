//! Corpus b: the real objects inside Debian's packages. The tests of `skep-object` read this file too, so it knows
//! neither the rest of xtask nor any crate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packages whose files are, or hold, eBPF objects.
pub(crate) const PACKAGES: &[&str] = &["libbpf-tools", "xdp-tools", "libxdp1", "bpftool", "systemd", "qemu-system-x86"];

/// Objects there are at least, in the packages of Debian 12.
pub(crate) const LEAST: usize = 99;

/// One object.
pub(crate) struct Found {
    /// `PACKAGE/FILE.o`; `PACKAGE/FILE.N.o` for files that hold several.
    #[allow(dead_code, reason = "the tests of skep-object need the bytes alone")]
    pub(crate) name: String,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

/// Every object in the packages' files, ordered by package and file.
///
/// # Errors
/// A sentence, when a package is not installed, a file cannot be read, or fewer objects are found than there are.
pub(crate) fn objects() -> Result<Vec<Found>, String> {
    // By the file's real name, so that none is read twice; the last package to name it has it.
    let mut files: BTreeMap<PathBuf, &str> = BTreeMap::new();
    for package in PACKAGES {
        let listed = Command::new("dpkg").arg("-L").arg(package).output().map_err(|e| format!("dpkg: {e}"))?;
        if !listed.status.success() {
            return Err(format!("the package {package} is not installed"));
        }
        let names = String::from_utf8_lossy(&listed.stdout).into_owned();
        files.extend(names.lines().filter_map(|name| Some((Path::new(name).canonicalize().ok()?, *package))));
    }
    let mut objects = Vec::new();
    for (file, package) in files.iter().filter(|(file, _)| file.is_file()) {
        let bytes = std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
        let found = embedded(&bytes);
        let base = file.file_name().unwrap_or_default().to_string_lossy();
        let base = base.strip_suffix(".o").unwrap_or(&base);
        for (at, object) in found.iter().enumerate() {
            let number = if found.len() > 1 { format!(".{at}") } else { String::new() };
            objects.push(Found { name: format!("{package}/{base}{number}.o"), bytes: object.to_vec() });
        }
    }
    objects.sort_by(|a, b| a.name.cmp(&b.name));
    if objects.len() < LEAST {
        return Err(format!("only {} objects in {PACKAGES:?}, there are {LEAST}", objects.len()));
    }
    Ok(objects)
}

/// Every 64-bit little-endian relocatable object for machine 247 in a file.
fn embedded(file: &[u8]) -> Vec<&[u8]> {
    let starts = file.iter().enumerate().filter(|(_, byte)| **byte == 0x7f);
    starts.filter_map(|(at, _)| object(file.get(at..)?)).collect()
}

/// The object at the beginning of these bytes, where one is.
fn object(image: &[u8]) -> Option<&[u8]> {
    const MAGIC: &[u8] = b"\x7fELF\x02\x01\x01";
    const RELOCATABLE_BPF: &[u8] = &[1, 0, 247, 0];
    let header: &[u8; 64] = image.first_chunk()?;
    if !header.starts_with(MAGIC) || header.get(16..20)? != RELOCATABLE_BPF {
        return None;
    }
    // The section headers stand last.
    let number = |from: usize| Some(usize::from(u16::from_le_bytes(*header.get(from..)?.first_chunk()?)));
    let table = usize::try_from(u64::from_le_bytes(*header.get(40..)?.first_chunk()?)).ok()?;
    image.get(..table.checked_add(number(58)?.checked_mul(number(60)?)?)?)
}
