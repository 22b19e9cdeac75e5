//! `xtask objects`: the committed objects are what their sources say.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use skep_object::Listing;

use crate::root;

/// Folders whose `build.sh` compiles what stands in them.
const FOLDERS: &[&str] = &["examples", "tests/programs", "tests/data/object", "tests/data/link"];

/// Compiles everything anew and compares instructions, which do not depend on paths as debug information may.
pub(crate) fn run(bless: bool) -> Result<()> {
    let mut compared = 0;
    for folder in FOLDERS {
        let folder = root().join(folder);
        if bless {
            build(&folder, None)?;
            continue;
        }
        let fresh = root().join("target/objects");
        let _ = std::fs::remove_dir_all(&fresh);
        std::fs::create_dir_all(&fresh)?;
        build(&folder, Some(&fresh))?;
        for object in std::fs::read_dir(&fresh)? {
            let fresh = object?.path();
            let name = fresh.file_name().context("a name")?.to_string_lossy().into_owned();
            let stem = name.trim_end_matches(".bpf.o");
            let nested = folder.join(stem).join(&name);
            let committed = if nested.exists() { nested } else { folder.join(&name) };
            let same = text(&fresh)? == text(&committed)?;
            ensure!(
                same,
                "{} is not what its source compiles to: run `cargo xtask objects bless`",
                committed.display()
            );
            compared += 1;
        }
    }
    println!("objects: {compared} committed objects have the instructions of their sources");
    Ok(())
}

fn build(folder: &Path, output: Option<&Path>) -> Result<()> {
    let status = Command::new(folder.join("build.sh")).args(output).status()?;
    if !status.success() {
        bail!("{} failed", folder.join("build.sh").display());
    }
    Ok(())
}

fn text(object: &Path) -> Result<String> {
    let bytes = std::fs::read(object).with_context(|| object.display().to_string())?;
    let listing = Listing::parse(&bytes).map_err(|e| anyhow::anyhow!("{}: {e}", object.display()))?;
    Ok(listing.display("object").to_string())
}
