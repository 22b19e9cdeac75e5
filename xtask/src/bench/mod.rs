//! `xtask bench`: the figures of docs/performance.md, skep and its peers in turn (A B A B …), medians and ratios.

mod process;
mod report;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::corpus::Corpus;
use crate::{compare, oracle, root};

/// One row: samples of ours, and of a peer's where there is one.
struct Row {
    group: String,
    name: String,
    unit: String,
    ours: f64,
    peer: Option<(String, f64)>,
}

/// Measures what loading costs, and nothing else.
pub(crate) fn loading() -> Result<()> {
    build()?;
    print!("{}", report::tables(&load()?)?.0);
    Ok(())
}

/// The benchmark's own program, and the folder it and its inputs are in.
fn build() -> Result<PathBuf> {
    let folder = root().join("target/bench");
    std::fs::create_dir_all(&folder)?;
    let manifest = root().join("bench/Cargo.toml").display().to_string();
    let target = folder.display().to_string();
    let args = ["build", "-q", "--release", "--locked", "--manifest-path", &manifest, "--target-dir", &target];
    command("cargo", &args)?;
    Ok(folder)
}

/// What loading the objects of corpus b costs: of each the programs that skep and libbpf both have accepted.
fn load() -> Result<Vec<Row>> {
    let folder = root().join("target/bench");
    let list = folder.join("load.list");
    let questions = compare::accepted(Corpus::Debian)?;
    std::fs::write(&list, questions.iter().map(compare::Question::line).collect::<String>())?;
    measured(Command::new(folder.join("release/skep-bench")).arg("--load").args([
        &oracle::build()?,
        &Corpus::Debian.folder(),
        &list,
    ]))
}

/// The rows that the benchmark's program prints.
fn measured(command: &mut Command) -> Result<Vec<Row>> {
    let output = command.output().context("skep-bench")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "skep-bench: {said}");
    print!("{said}");
    String::from_utf8(output.stdout)?.lines().map(parse).collect()
}

/// Measures everything; `write` puts it into docs/performance.md as well.
pub(crate) fn run(write: bool) -> Result<()> {
    let folder = build()?;
    let programs = folder.join("interpreter.bpf.o");
    compile(&root().join("bench/programs/interpreter.bpf.c"), &programs)?;
    let large = process::large_object(&folder)?;
    command("cargo", &["build", "-q", "--release", "--locked"])?;
    let mut rows = process::rows(&large)?;
    rows.extend(load()?);
    let program = folder.join("release/skep-bench");
    rows.extend(measured(Command::new(program).args([&programs, &large.path, &root().join("examples")]))?);
    let text = report::text(&rows, &process::binary()?)?;
    print!("{text}");
    if write {
        let path = root().join("docs/performance.md");
        std::fs::create_dir_all(root().join("docs"))?;
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn parse(line: &str) -> Result<Row> {
    let value: Value = serde_json::from_str(line).with_context(|| format!("a line of skep-bench: {line}"))?;
    let text = |key: &str| value[key].as_str().map(str::to_owned).with_context(|| format!("no `{key}`: {line}"));
    let samples =
        |key: &str| -> Vec<f64> { value[key].as_array().into_iter().flatten().filter_map(Value::as_f64).collect() };
    let peer = value["peer"].as_str().map(|name| (name.to_owned(), median(samples("theirs"))));
    Ok(Row { group: text("group")?, name: text("name")?, unit: text("unit")?, ours: median(samples("ours")), peer })
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Compiles a program as the examples are.
fn compile(source: &Path, object: &Path) -> Result<()> {
    let headers = format!("-I/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    let (source, object) = (source.display().to_string(), object.display().to_string());
    command("clang-19", &["-O2", "-g", "-mcpu=v3", "-target", "bpf", &headers, "-c", &source, "-o", &object])
}

fn command(program: &str, args: &[&str]) -> Result<()> {
    let status = Command::new(program).args(args).current_dir(root()).status();
    let status = status.with_context(|| format!("{program}: is it installed?"))?;
    ensure!(status.success(), "{program} {} failed", args.join(" "));
    Ok(())
}

/// The release binary.
fn skep() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("release/skep")
}
