//! What libbpf and the kernel's verifier make of every program of objects, each program alone, for `cargo xtask oracle`.
//! Nothing is attached, nothing pinned.
//!
//! `skep-oracle FOLDER < NAMES`: objects by their names in the folder, one a line, behind a tab the programs wanted of it
//! (all when there are none); one line of JSON for each program.
//!
//! `skep-oracle --time FOLDER < NAMES`: the same lines, each answered by one of JSON with what opening the object and loading
//! the programs together took.

mod libbpf;
mod log;
mod needed;

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::libbpf::{Object, Outcome, Program};

/// Loads between two pauses. Linux 6.18 locks up for good when about a thousand compiled programs are freed in a short
/// time; libbpf's own trials double what is loaded here.
const BATCH: usize = 16;
/// `ENOSPC`: the log did not fit.
const NO_SPACE: i32 = 28;
/// Length of a pause.
const PAUSE: Duration = Duration::from_millis(20);

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--time", folder] => time(folder),
        [folder] => tell(folder),
        _ => anyhow::bail!("wanted: the folder of the objects"),
    }
}

/// Opens and loads whole objects, and tells how long it took; pauses as long as the programs loaded call for.
fn time(folder: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (name, programs) = line.split_once('\t').unwrap_or((&line, ""));
        let programs: Vec<&str> = programs.split('\t').collect();
        let path = Path::new(folder).join(name);
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let started = Instant::now();
        let object = Object::open(&path, &bytes);
        let errno = object.as_ref().map_or_else(|(errno, _)| *errno, |object| object.load_all(&programs));
        let ms = started.elapsed().as_secs_f64() * 1e3;
        drop(object);
        writeln!(out, "{}", json!({"object": name, "errno": errno, "ms": ms}))?;
        out.flush()?;
        std::thread::sleep(PAUSE * u32::try_from(programs.len())? / u32::try_from(BATCH)?);
    }
    Ok(())
}

/// Loads each program alone, and tells how it went.
fn tell(folder: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let mut loads = 0;
    for name in std::io::stdin().lock().lines() {
        let name = name?;
        let mut words = name.split('\t');
        let name = words.next().unwrap_or_default();
        let wanted: Vec<&str> = words.collect();
        let path = Path::new(folder).join(name);
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let programs = match Object::open(&path, &bytes) {
            Ok(mut object) => object.programs(),
            Err((errno, said)) => {
                let message = said.first().cloned().unwrap_or_default();
                writeln!(
                    out,
                    "{}",
                    json!({"object": name, "program": null, "result": "open", "errno": errno, "message": message})
                )?;
                continue;
            }
        };
        for program in programs.iter().filter(|p| wanted.is_empty() || wanted.contains(&p.name.as_str())) {
            writeln!(out, "{}", line(name, &path, &bytes, program))?;
            loads += 1;
            if loads % BATCH == 0 {
                std::thread::sleep(PAUSE);
            }
        }
        out.flush()?;
    }
    Ok(())
}

/// Loads one program and tells how it went.
fn line(name: &str, path: &Path, bytes: &[u8], program: &Program) -> Value {
    let needed = needed::maps(bytes, &program.name);
    let bytes = needed.as_ref().map_or_else(|| bytes.to_vec(), |needed| needed::weaken(bytes, needed));
    let load = |level| match Object::open(path, &bytes) {
        Ok(object) => object.load(program, needed.as_ref(), level),
        Err((errno, said)) => Outcome { errno, log: String::new(), said, refused: false },
    };
    let [full, short] = libbpf::LOG_LEVELS;
    let outcome = load(short);
    // The walk takes long to write, and only a refusal needs it; a walk that no log holds is done without.
    let whole = outcome.refused.then(|| load(full)).filter(|whole| whole.errno != NO_SPACE);
    let outcome = whole.unwrap_or(outcome);
    let Outcome { errno, log, said, refused } = outcome;
    let facts = log::Facts::read(&log);
    // The verifier came to its end without an objection: what failed came after it.
    let accepted = errno == 0 || (facts.processed.is_some() && !refused);
    let (result, message) = if accepted {
        ("accept", None)
    } else if facts.message.is_some() && !facts.unresolved {
        ("reject", facts.message)
    } else {
        // What libbpf does without or tries again is no reason.
        let passed = |line: &String| line.contains("Retrying without BTF") || line.contains("BTF is optional");
        let from = said.iter().rposition(passed).map_or(0, |at| at + 1);
        ("undecided", facts.message.or_else(|| said.get(from).cloned()))
    };
    json!({
        "object": name,
        "program": program.name,
        "section": program.section,
        "type": program.prog_type,
        "result": result,
        "errno": errno,
        "message": message,
        "processed": facts.processed,
        "states": facts.states,
        "time_us": facts.time_us,
    })
}
