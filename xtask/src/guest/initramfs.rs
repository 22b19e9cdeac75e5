//! What a guest boots into: a cpio archive of one shell, the modules, and the script that makes a machine of it.

use anyhow::{Context, Result};

use super::kernel::Kernel;

/// The first process of a guest.
const INIT: &str = include_str!("init.sh");

/// Modules without which a guest has no files and no output.
const NEEDED: &[&str] = &["virtio_pci", "virtiofs", "virtio_console", "overlay"];

/// Modules for tests, where the kernel has them.
const OPTIONAL: &[&str] = &["veth", "sch_ingress", "cls_bpf", "act_bpf", "netkit", "tls"];

/// The archive, with the script that the guest is to run.
pub(crate) fn build(kernel: &Kernel, script: &str) -> Result<Vec<u8>> {
    let shell = std::fs::read("/bin/busybox").context("/bin/busybox: install busybox-static")?;
    let mut archive = Archive::default();
    for folder in ["bin", "modules", "proc", "sys", "dev", "host", "memory", "root"] {
        archive.folder(folder);
    }
    archive.file("bin/busybox", &shell);
    archive.file("init", INIT.as_bytes());
    archive.file("script", script.as_bytes());
    archive.file("config", &kernel.config()?);
    let mut order = String::new();
    for (name, content) in kernel.modules(NEEDED, OPTIONAL)? {
        archive.file(&format!("modules/{name}"), &content);
        order.push_str(&name);
        order.push('\n');
    }
    archive.file("order", order.as_bytes());
    Ok(archive.end())
}

/// An archive of cpio's `newc` format, as the kernel's documentation of initramfs lays it out.
#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    fn folder(&mut self, name: &str) {
        self.entry(name, 0o040_755, &[]);
    }

    fn file(&mut self, name: &str, content: &[u8]) {
        self.entry(name, 0o100_755, content);
    }

    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.entries += 1;
        let size = |bytes: usize| u32::try_from(bytes).expect("invariant: files here are below 4 GiB");
        // Number, mode, user, group, links, time, size, device twice, special device twice, length of the name, check.
        let fields = [self.entries, mode, 0, 0, 1, 0, size(content.len()), 0, 0, 0, 0, size(name.len() + 1), 0];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn end(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_lists_its_files_as_cpio_does() {
        let mut archive = Archive::default();
        archive.folder("bin");
        archive.file("bin/odd", b"12345");
        let bytes = archive.end();
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8_lossy(&bytes);
        // Header of 110 bytes, name with its zero, padding.
        assert!(text.starts_with("07070100000001000041ed"));
        assert_eq!(&bytes[110..114], b"bin\0");
        assert_eq!(&bytes[116..122], b"070701");
        assert_eq!(&bytes[116 + 54..116 + 62], b"00000005");
        assert_eq!(&bytes[116 + 110..116 + 118], b"bin/odd\0");
        assert!(text.contains("12345\0\0\x00070701"));
        assert!(text.contains("TRAILER!!!"));
    }
}
