//! Links the unwinder statically, so that the binary needs no library of the system but libc.
//!
//! The standard library asks the linker for `-lgcc_s`, which is a shared library of its own. Here the name finds a linker
//! script that stands for the static archives of the same compiler; where they are missing nothing changes.

#![allow(clippy::print_stdout, reason = "a build script speaks to cargo by printing")]

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |key: &str| std::env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if target("OS") != "linux" || target("ENV") != "gnu" || std::env::var("HOST") != std::env::var("TARGET") {
        return;
    }
    let archive = |name: &str| {
        let found = Command::new("cc").arg(format!("-print-file-name={name}")).output().ok()?;
        let path = String::from_utf8(found.stdout).ok()?.trim().to_owned();
        Path::new(&path).is_absolute().then_some(path)
    };
    let (Some(unwinder), Some(builtins)) = (archive("libgcc_eh.a"), archive("libgcc.a")) else { return };
    let Ok(folder) = std::env::var("OUT_DIR") else { return };
    let script = format!("INPUT({unwinder} {builtins})\n");
    if std::fs::write(Path::new(&folder).join("libgcc_s.so"), script).is_ok() {
        println!("cargo:rustc-link-search=native={folder}");
    }
}
