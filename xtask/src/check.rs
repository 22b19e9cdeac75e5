//! `xtask check`: the rules of the house that no compiler enforces.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::root;

/// Crates from the lowest line up; a crate may depend only on crates of lower lines (ARCHITECTURE.md).
const LINES: &[&[&str]] = &[
    &["skep-diag"],
    &["skep-isa"],
    &["skep-btf", "skep-net"],
    &["skep-object"],
    &["skep-verifier"],
    &["skep-vm", "skep-trace", "skep-kernel", "skep-sym"],
    &["skep"],
    &["skep-tools"],
    &["skep-agent"],
    &["skep-cli"],
];

/// Longest file, unit tests included; tables of facts are exempt.
const MAX_LINES: usize = 600;

/// Licences a dependency may come under; one of an `OR` is enough, every one of an `AND` is needed.
const LICENCES: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
    "0BSD",
    "CC0-1.0",
];

pub(crate) fn run() -> Result<()> {
    let mut findings = Vec::new();
    let metadata = metadata()?;
    layers(&metadata, &mut findings);
    licences(&metadata, &mut findings);
    for file in sources(&root())? {
        source(&file, &mut findings)?;
    }
    findings.extend(crate::generate::stale()?);
    if findings.is_empty() {
        println!("check: the reference, layers, licences, file sizes, module docs and unsafe are as they should be");
        return Ok(());
    }
    findings.iter().for_each(|f| println!("{f}"));
    bail!("{} findings", findings.len())
}

fn metadata() -> Result<Value> {
    let out =
        Command::new("cargo").args(["metadata", "--format-version", "1", "--locked"]).current_dir(root()).output()?;
    if !out.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&out.stderr));
    }
    Ok(serde_json::from_slice(&out.stdout)?)
}

fn line_of(name: &str) -> Option<usize> {
    LINES.iter().position(|line| line.contains(&name))
}

fn layers(metadata: &Value, findings: &mut Vec<String>) {
    for package in packages(metadata).filter(|p| p["source"].is_null()) {
        let name = text(package, "name");
        if name == "xtask" {
            continue;
        }
        let Some(line) = line_of(name) else {
            findings.push(format!("{name}: stands on no line of the layers in xtask/src/check.rs"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = text(dependency, "name");
            // Tests may look down from anywhere.
            if dependency["kind"] == "dev" {
                continue;
            }
            if line_of(to).is_some_and(|to| to >= line) {
                findings.push(format!("{name}: depends on {to}, which is not on a lower line"));
            }
        }
    }
}

fn licences(metadata: &Value, findings: &mut Vec<String>) {
    for package in packages(metadata) {
        let (name, licence) = (text(package, "name"), text(package, "license"));
        let choices = licence.replace(['(', ')'], "").replace('/', " OR ");
        let allowed = choices.split(" OR ").any(|all| all.split(" AND ").all(|one| LICENCES.contains(&one.trim())));
        if !allowed {
            findings.push(format!("{name}: its licence `{licence}` is not on the list in xtask/src/check.rs"));
        }
    }
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let out = Command::new("git").args(["ls-files", "*.rs"]).current_dir(root).output().context("git")?;
    Ok(String::from_utf8(out.stdout)?.lines().map(|l| root.join(l)).filter(|p| p.exists()).collect())
}

fn source(path: &Path, findings: &mut Vec<String>) -> Result<()> {
    let text = std::fs::read_to_string(path)?;
    let short = path.strip_prefix(root()).unwrap_or(path).display().to_string();
    let is_table = short.contains("/spec/") || short.ends_with("/table.rs");
    let lines = text.lines().count();
    if lines > MAX_LINES && !is_table {
        findings.push(format!("{short}: {lines} lines, the most is {MAX_LINES}: make it a folder"));
    }
    if !text.starts_with("//!") && !short.starts_with("fuzz/") {
        findings.push(format!("{short}: does not open with `//!`"));
    }
    let may = short.starts_with("crates/skep-kernel/src/sys/")
        || short == "crates/skep-kernel/src/mmap.rs"
        || short == "crates/skep-vm/src/mem.rs"
        || short == "oracle/src/libbpf.rs"
        || short.contains("/tests/");
    if !may && text.lines().any(|l| !l.trim_start().starts_with("//") && l.contains(concat!("unsafe", " {"))) {
        findings.push(format!("{short}: unsafe outside skep-kernel's sys and mmap, skep-vm's mem and the oracle"));
    }
    let dead = ["todo!(", "unimplemented!(", "FIXME"];
    if short != "xtask/src/check.rs" && dead.iter().any(|word| text.contains(word)) {
        findings.push(format!("{short}: a stub or a leftover"));
    }
    Ok(())
}
