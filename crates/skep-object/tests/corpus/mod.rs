//! The real objects inside Debian's packages, and the tools that read them too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packages whose files are, or hold, eBPF objects.
const PACKAGES: &[&str] = &["libbpf-tools", "xdp-tools", "libxdp1", "bpftool", "systemd", "qemu-system-x86"];

pub(crate) fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    output.stdout
}

/// A directory for this test's files.
pub(crate) fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&directory).expect("the build directory takes files");
    directory
}

/// Every 64-bit little-endian relocatable object for machine 247 in a file.
fn embedded(file: &[u8]) -> Vec<&[u8]> {
    const MAGIC: &[u8] = b"\x7fELF\x02\x01\x01";
    const RELOCATABLE_BPF: &[u8] = &[1, 0, 247, 0];
    let object = |at: usize| {
        let image = &file[at..];
        let header: &[u8; 64] = image.first_chunk()?;
        if !header.starts_with(MAGIC) || &header[16..20] != RELOCATABLE_BPF {
            return None;
        }
        // The section headers stand last.
        let number = |from: usize| usize::from(header[from]) | usize::from(header[from + 1]) << 8;
        let table = u64::from_le_bytes(*header[40..].first_chunk()?) as usize;
        image.get(..table.checked_add(number(58) * number(60))?)
    };
    let starts = file.iter().enumerate().filter(|(_, byte)| **byte == 0x7f);
    starts.filter_map(|(at, _)| object(at)).collect()
}

/// Every object in the packages' files.
pub(crate) fn objects() -> Vec<Vec<u8>> {
    let mut files = BTreeSet::new();
    for package in PACKAGES {
        let names = run(Command::new("dpkg").arg("-L").arg(package));
        let names = String::from_utf8_lossy(&names).into_owned();
        files.extend(names.lines().filter_map(|name| Path::new(name).canonicalize().ok()));
    }
    let mut objects = Vec::new();
    for file in files.iter().filter(|file| file.is_file()) {
        let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        objects.extend(embedded(&bytes).into_iter().map(<[u8]>::to_vec));
    }
    assert!(objects.len() >= 99, "only {} objects found in {PACKAGES:?}: are the packages installed?", objects.len());
    objects
}
