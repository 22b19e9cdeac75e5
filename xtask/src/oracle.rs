//! `xtask oracle`: what libbpf and this machine's kernel make of every program of a corpus, or of files. The work is done
//! by `oracle/`, a workspace of its own. Enter at [`run`]; results are read by [`results`].

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::corpus::{self, Corpus};
use crate::root;

/// `xtask oracle FILE…|a|b`.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    match words {
        [] => bail!("wanted: a, b, or objects"),
        [letter] if Corpus::from_letter(letter).is_some() => {
            let Some(corpus) = Corpus::from_letter(letter) else { bail!("no corpus {letter}") };
            let objects = corpus::objects(corpus)?;
            let lines = ask(&corpus.folder(), &objects)?;
            let path = file(corpus);
            std::fs::write(&path, &lines).with_context(|| path.display().to_string())?;
            println!("{}", summary(&lines)?);
            println!("written to {}", path.display());
        }
        files => {
            let files = files.iter().map(|f| Path::new(f).canonicalize().with_context(|| (*f).to_owned()));
            let lines = ask(Path::new("/"), &files.collect::<Result<Vec<_>>>()?)?;
            print!("{lines}");
        }
    }
    Ok(())
}

/// Where the results of a corpus are.
fn file(corpus: Corpus) -> PathBuf {
    corpus::home().join(format!("{}.libbpf.json", corpus.letter()))
}

/// The results of a corpus, a line for each program.
#[allow(dead_code, reason = "the comparison comes next")]
pub(crate) fn results(corpus: Corpus) -> Result<Vec<Value>> {
    let path = file(corpus);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{}: run `cargo xtask oracle {}` first", path.display(), corpus.letter()))?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// Builds the oracle and asks it; its lines.
fn ask(folder: &Path, objects: &[PathBuf]) -> Result<String> {
    let manifest = root().join("oracle/Cargo.toml");
    let target = root().join("target/oracle");
    let built = Command::new("cargo")
        .args(["build", "-q", "--locked", "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&target)
        .status()
        .context("cargo")?;
    ensure!(built.success(), "the oracle does not build; it needs libelf-dev and zlib1g-dev");
    let started = Instant::now();
    let mut child = Command::new(target.join("debug/skep-oracle"))
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("skep-oracle")?;
    let mut names = child.stdin.take().context("the oracle takes no names")?;
    let list: String =
        objects.iter().map(|path| format!("{}\n", path.strip_prefix(folder).unwrap_or(path).display())).collect();
    let writer = std::thread::spawn(move || names.write_all(list.as_bytes()));
    let output = child.wait_with_output()?;
    let _ = writer.join();
    ensure!(output.status.success(), "the oracle ended with {}", output.status);
    println!("{} objects in {:.0} s", objects.len(), started.elapsed().as_secs_f64());
    Ok(String::from_utf8(output.stdout)?)
}

/// How many programs had which result.
fn summary(lines: &str) -> Result<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines.lines() {
        let value: Value = serde_json::from_str(line)?;
        *counts.entry(value["result"].as_str().unwrap_or("?").to_owned()).or_default() += 1;
    }
    let programs: usize = counts.iter().filter(|(result, _)| *result != "open").map(|(_, n)| n).sum();
    let counts: Vec<String> = counts.iter().map(|(result, n)| format!("{n} {result}")).collect();
    Ok(format!("{programs} programs: {}", counts.join(", ")))
}
