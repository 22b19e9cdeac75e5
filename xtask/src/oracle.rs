//! `xtask oracle`: what libbpf and this machine's kernel make of every program of a corpus, or of files. The work is done
//! by `oracle/`, a workspace of its own. Enter at [`run`]; results are read by [`results`].

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::compare::{Question, libbpf};
use crate::corpus::{self, Corpus};
use crate::root;

/// `xtask oracle FILE…|a|b`.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    match words {
        [] => bail!("wanted: a, b, or objects"),
        [letter] if Corpus::from_letter(letter).is_some() => {
            let Some(corpus) = Corpus::from_letter(letter) else { bail!("no corpus {letter}") };
            println!("{}", summary(&results(corpus, &corpus::objects(corpus)?)?)?);
            println!("in {}", file(corpus).display());
        }
        files => {
            let absolute = |f: &&str| -> Result<Question> {
                let path = Path::new(f).canonicalize().with_context(|| (*f).to_owned())?;
                Ok(Question { object: path.display().to_string(), programs: Vec::new() })
            };
            let questions = files.iter().map(absolute).collect::<Result<Vec<_>>>()?;
            print!("{}", libbpf(&build()?, Path::new("/"), &questions)?);
        }
    }
    Ok(())
}

/// Where the results of a corpus are.
fn file(corpus: Corpus) -> PathBuf {
    corpus::home().join(format!("{}.libbpf.json", corpus.letter()))
}

/// The results of a corpus, a line for each program; kept for as long as corpus, oracle and kernel are the same.
pub(crate) fn results(corpus: Corpus, objects: &[PathBuf]) -> Result<String> {
    let oracle = build()?;
    let (path, kept) = (file(corpus), corpus::home().join(format!("{}.libbpf.stamp", corpus.letter())));
    let stamp = stamp(corpus, &oracle)?;
    let took = std::fs::read_to_string(&kept).ok().and_then(|text| text.strip_prefix(&stamp).map(str::to_owned));
    if let Some(took) = took {
        println!("corpus {}: libbpf in {} (kept)", corpus.letter(), took.trim());
        return std::fs::read_to_string(&path).with_context(|| path.display().to_string());
    }
    let questions: Vec<Question> = objects.iter().map(|path| Question::whole(corpus, path)).collect();
    let started = Instant::now();
    let lines = libbpf(&oracle, &corpus.folder(), &questions)?;
    let took = format!("{:.1} s", started.elapsed().as_secs_f64());
    println!("corpus {}: libbpf in {took}", corpus.letter());
    std::fs::write(&path, &lines).with_context(|| path.display().to_string())?;
    std::fs::write(&kept, format!("{stamp}{took}")).with_context(|| kept.display().to_string())?;
    Ok(lines)
}

/// What the results of a corpus are made of.
fn stamp(corpus: Corpus, oracle: &Path) -> Result<String> {
    let mut hash = std::hash::DefaultHasher::new();
    std::fs::read(oracle)?.hash(&mut hash);
    let kernel = std::fs::read_to_string("/proc/version")?;
    Ok(format!("{}oracle {:016x}\n{kernel}", corpus.stamp()?, hash.finish()))
}

/// Builds the oracle; its program.
pub(crate) fn build() -> Result<PathBuf> {
    let target = root().join("target/oracle");
    let built = Command::new("cargo")
        .args(["build", "-q", "--release", "--locked", "--manifest-path"])
        .arg(root().join("oracle/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status()
        .context("cargo")?;
    ensure!(built.success(), "the oracle does not build; it needs libelf-dev and zlib1g-dev");
    Ok(target.join("release/skep-oracle"))
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
