//! `xtask corpus`: other people's eBPF objects in `target/corpus/`, made once and used by the oracle, the comparison and
//! measurements. Enter at [`objects`]. None of them is committed.

mod debian;
mod selftests;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::root;

/// Which corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Corpus {
    /// The kernel's selftests, compiled here.
    Selftests,
    /// The objects in Debian's packages.
    Debian,
}

impl Corpus {
    /// Both, by their letters.
    pub(crate) const ALL: [(&'static str, Corpus); 2] = [("a", Corpus::Selftests), ("b", Corpus::Debian)];

    /// The corpus with this letter.
    pub(crate) fn from_letter(word: &str) -> Option<Corpus> {
        Corpus::ALL.iter().find(|(letter, _)| *letter == word).map(|(_, corpus)| *corpus)
    }

    /// Its letter.
    pub(crate) fn letter(self) -> &'static str {
        Corpus::ALL.iter().find(|(_, corpus)| *corpus == self).map_or("", |(letter, _)| letter)
    }

    /// Where its objects are.
    pub(crate) fn folder(self) -> PathBuf {
        home().join(self.letter())
    }

    /// What its objects were made from.
    pub(crate) fn stamp(self) -> Result<String> {
        let path = self.folder().join("stamp");
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    }
}

/// Where corpora and what is found out about them are.
pub(crate) fn home() -> PathBuf {
    root().join("target/corpus")
}

/// `xtask corpus [a|b]`.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let wanted: Vec<Corpus> = match words {
        [] => Corpus::ALL.iter().map(|(_, corpus)| *corpus).collect(),
        [word] => vec![Corpus::from_letter(word).context("the corpora are a (selftests) and b (Debian's packages)")?],
        _ => bail!("one corpus, or none for both"),
    };
    for corpus in wanted {
        let objects = objects(corpus)?;
        println!("corpus {}: {} objects in {}", corpus.letter(), objects.len(), corpus.folder().display());
    }
    Ok(())
}

/// The objects of a corpus, made when they are missing or made from something else than is here now; ordered by name.
pub(crate) fn objects(corpus: Corpus) -> Result<Vec<PathBuf>> {
    let folder = corpus.folder();
    match corpus {
        Corpus::Selftests => selftests::make(&folder)?,
        Corpus::Debian => {
            // Reading the packages takes a second; what is there is written again when it differs.
            renew(&folder, &debian_stamp()?)?;
            for found in debian::objects().map_err(anyhow::Error::msg)? {
                let path = folder.join(&found.name);
                if let Some(parent) = path.parent() {
                    std::fs::create_dir_all(parent)?;
                }
                if std::fs::read(&path).is_ok_and(|bytes| bytes == found.bytes) {
                    continue;
                }
                std::fs::write(&path, &found.bytes).with_context(|| path.display().to_string())?;
            }
        }
    }
    let mut objects = Vec::new();
    collect(&folder, &mut objects)?;
    objects.sort();
    ensure!(!objects.is_empty(), "no objects in {}", folder.display());
    Ok(objects)
}

/// Versions of the packages that corpus b is taken from.
fn debian_stamp() -> Result<String> {
    debian::PACKAGES.iter().map(|package| version(package)).collect()
}

/// `PACKAGE VERSION`, on a line of its own.
fn version(package: &str) -> Result<String> {
    let out = std::process::Command::new("dpkg-query").args(["-W", "-f=${Package} ${Version}\n", package]).output()?;
    ensure!(out.status.success(), "the package {package} is not installed");
    Ok(String::from_utf8(out.stdout)?)
}

/// Keeps a folder that was made from what `stamp` names, empties every other.
fn renew(folder: &Path, stamp: &str) -> Result<()> {
    let path = folder.join("stamp");
    if std::fs::read_to_string(&path).is_ok_and(|text| text == stamp) {
        return Ok(());
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    std::fs::create_dir_all(folder)?;
    std::fs::write(&path, stamp).with_context(|| path.display().to_string())
}

/// The objects under a folder; sources and headers lie in `source`.
fn collect(folder: &Path, objects: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("source") {
            collect(&path, objects)?;
        } else if path.extension().is_some_and(|e| e == "o") {
            objects.push(path);
        }
    }
    Ok(())
}
