//! The tests of a guest's lane: which there are, and which a kernel is spared, with the reason.

use std::fmt::Write;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::machine;
use crate::root;
use crate::test::FEATURES;

/// Test programs that run in every guest: package and name.
const TESTS: &[(&str, &str)] = &[
    ("skep-kernel", "kernel_helpers"),
    ("skep-kernel", "kernel_helper_arguments"),
    ("skep-kernel", "kernel_tables"),
    ("skep-kernel", "kernel_contexts"),
    ("skep-kernel", "kernel_map_types"),
    ("skep-kernel", "kernel_encodings"),
    ("skep-kernel", "kernel_trial"),
    ("skep-kernel", "kernel_printer"),
    ("skep-kernel", "kernel_older"),
    ("skep-kernel", "kernel_token"),
    ("skep-kernel", "kernel_load"),
    ("skep-kernel", "kernel_attach"),
    ("skep-vm", "kernel_classic"),
    ("skep-vm", "kernel_classic_device"),
];

/// What a guest is spared: its series (all when empty), the test program (all when empty), the test's name or a part of
/// it (the whole program when empty), and why.
const SPARED: &[(&str, &str, &str, &str)] = &[
    ("", "", "on_this_host", "it is about the host: its times, its libraries"),
    ("6.1", "kernel_helper_arguments", "", "6.1 names what it expects in other words"),
    ("5.10", "kernel_helpers", "", TABLES),
    ("5.10", "kernel_helper_arguments", "", TABLES),
    ("5.10", "kernel_tables", "", TABLES),
    ("5.10", "kernel_contexts", "", TABLES),
    ("5.10", "kernel_map_types", "", TABLES),
    ("5.10", "kernel_trial", "", TABLES),
    ("5.10", "kernel_load", "dynptr_reservation", "dynptrs came with 5.19"),
    ("5.10", "kernel_load", "too_short_for_a_test_run", "5.10 runs such frames"),
    ("5.10", "kernel_load", "read_back_by_id", "the kernel's own types have no number before 5.11"),
    ("5.10", "kernel_attach", "tracepoint_counts_its_losses", "links hold perf events since 5.15"),
];

/// What 5.10 is for is loading: what older kernels are given.
const TABLES: &str = "the tables are held to 6.1 and later";

/// Random words that `kernel_encodings` asks about; the host asks about more.
const WORDS: u32 = 20_000;

/// Builds the tests as the host's lane does, and gives the script that runs them all and fails if one did.
///
/// Names in `only` leave out all others.
pub(crate) fn script(series: &str, only: &[&str]) -> Result<String> {
    if let Some(other) = only.iter().find(|name| !TESTS.iter().any(|(_, test)| *test == **name)) {
        bail!("{other}: no test of this lane");
    }
    let built = build()?;
    let mut text = machine::environment()?;
    writeln!(text, "failed=0\nexport SKEP_GUEST={series} SKEP_WORDS={WORDS} RUST_BACKTRACE=0")?;
    for (_, test, spared, why) in SPARED.iter().filter(|row| row.0.is_empty() || row.0 == series) {
        let what = format!("spared: {test} {spared}: {why}").replace("  ", " ");
        writeln!(text, "echo {}", machine::quoted(&what))?;
    }
    for (package, test) in TESTS.iter().filter(|(_, test)| only.is_empty() || only.contains(test)) {
        let name = format!("{package}/{test}");
        let program = built.iter().find(|b| b.package == *package && b.test == *test);
        let program = program.with_context(|| format!("{name}: no such test program"))?;
        if SPARED.iter().any(|row| row.0 == series && row.1 == *test && row.2.is_empty()) {
            continue;
        }
        let mut words = vec![machine::quoted(&program.executable), "--test-threads=1".to_owned()];
        let is_for = |of: &str, this: &str| of.is_empty() || of == this;
        for (_, _, spared, _) in SPARED.iter().filter(|row| is_for(row.0, series) && is_for(row.1, test)) {
            words.extend(["--skip".to_owned(), machine::quoted(spared)]);
        }
        writeln!(text, "echo {}", machine::quoted(&format!("Running {name}")))?;
        writeln!(text, "cd {0} && export CARGO_MANIFEST_DIR={0}", machine::quoted(&program.folder))?;
        writeln!(text, "start=$(date +%s)\n{} || failed=1", words.join(" "))?;
        writeln!(text, "echo \"{name}: $(($(date +%s) - start)) seconds\"")?;
    }
    writeln!(text, "exit $failed")?;
    Ok(text)
}

/// A test program that cargo made.
struct Built {
    package: String,
    test: String,
    /// The package's folder, where its tests run.
    folder: String,
    executable: String,
}

fn build() -> Result<Vec<Built>> {
    let arguments = [
        "test",
        "--workspace",
        "--locked",
        "--no-run",
        "--message-format=json-render-diagnostics",
        "--features",
        FEATURES,
    ];
    let out =
        Command::new("cargo").args(arguments).current_dir(root()).stderr(std::process::Stdio::inherit()).output()?;
    ensure!(out.status.success(), "the tests do not build");
    let mut built = Vec::new();
    for line in String::from_utf8_lossy(&out.stdout).lines() {
        let message: Value = serde_json::from_str(line).context(line.to_owned())?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let is_test = message["profile"]["test"] == true && message["target"]["kind"][0] == "test";
        if !is_test || message["executable"].is_null() {
            continue;
        }
        let manifest = text(&message["manifest_path"]);
        let folder = manifest.strip_suffix("/Cargo.toml").unwrap_or(&manifest).to_owned();
        let package = folder.rsplit('/').next().unwrap_or_default().to_owned();
        let test = text(&message["target"]["name"]);
        built.push(Built { package, test, folder, executable: text(&message["executable"]) });
    }
    Ok(built)
}
