//! The tests of a guest's lane: which there are, and which a kernel is spared, with the reason.

use std::fmt::Write;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::machine;
use crate::root;
use crate::test::FEATURES;

/// Test programs that run in every guest: package and name.
const TESTS: &[(&str, &str)] = &[("skep-kernel", "kernel_helpers")];

/// A test that a kernel is spared: its series, the test program, the test, and why.
const SPARED: &[(&str, &str, &str, &str)] = &[
    ("6.1", "kernel_helpers", "all_places_of_one_helper_are_asked_in_five_milliseconds", TIMED),
    ("6.12", "kernel_helpers", "all_places_of_one_helper_are_asked_in_five_milliseconds", TIMED),
];

const TIMED: &str = "it times what it does, and a guest is emulated";

/// Builds the tests as the host's lane does, and gives the script that runs them all and fails if one did.
pub(crate) fn script(series: &str) -> Result<String> {
    let built = build()?;
    let mut text = machine::environment()?;
    writeln!(text, "failed=0\nexport SKEP_GUEST={series} RUST_BACKTRACE=0")?;
    for (package, test) in TESTS {
        let name = format!("{package}/{test}");
        let program = built.iter().find(|b| b.package == *package && b.test == *test);
        let program = program.with_context(|| format!("{name}: no such test program"))?;
        let mut words = vec![machine::quoted(&program.executable), "--test-threads=1".to_owned()];
        for (_, _, spared, why) in SPARED.iter().filter(|row| row.0 == series && row.1 == *test) {
            writeln!(text, "echo {}", machine::quoted(&format!("spared: {name} {spared}: {why}")))?;
            words.extend(["--skip".to_owned(), machine::quoted(spared)]);
        }
        if words.len() > 2 {
            words.push("--exact".to_owned());
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
