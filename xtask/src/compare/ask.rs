//! Asking both sides about objects, a few at once. Enter at [`skep`] and [`libbpf`]; the programs asked are there already.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

use super::answers;

/// Processes at once. The oracle's own pace counts for each of them.
const JOBS: usize = 2;
/// What each accepted program costs before the next object is asked about, by one clock for all processes: Linux 6.18
/// locks up for good when about a thousand compiled programs are freed in a short time.
const REST: Duration = Duration::from_micros(500);

/// An object by its name in the corpus's folder, and the programs wanted of it, all when there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) object: String,
    pub(crate) programs: Vec<String>,
}

/// What `skep check` says: lines in the order of the objects.
pub(crate) fn skep(program: &Path, folder: &Path, questions: &[Question]) -> Result<String> {
    let (next, pace) = (AtomicUsize::new(0), Mutex::new(()));
    let lines: Vec<Mutex<String>> = questions.iter().map(|_| Mutex::default()).collect();
    let work = || -> Result<()> {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let (Some(question), Some(slot)) = (questions.get(at), lines.get(at)) else { return Ok(()) };
            let (text, accepted) = check(program, folder, question)?;
            *slot.lock().map_err(|_| anyhow!("an asking thread died"))? = text;
            let resting = pace.lock().map_err(|_| anyhow!("an asking thread died"))?;
            std::thread::sleep(REST * accepted);
            drop(resting);
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..JOBS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(done) => done,
            Err(_) => bail!("an asking thread died"),
        })
    })?;
    Ok(lines.into_iter().map(|slot| slot.into_inner().unwrap_or_default()).collect())
}

/// One object's lines, and how many programs were accepted.
fn check(skep: &Path, folder: &Path, question: &Question) -> Result<(String, u32)> {
    let Question { object, programs } = question;
    let mut document = document(skep, folder, object, programs)?;
    // Where it lacks one of the programs it tells of none; the whole object tells more.
    if document.is_null() {
        document = self::document(skep, folder, object, &[])?;
    }
    let (mut lines, mut accepted) = (String::new(), 0);
    for program in document["programs"].as_array().into_iter().flatten() {
        let line = answers::of_skep(object, program);
        accepted += u32::from(line["result"] == "accept");
        let is_wanted =
            programs.is_empty() || program["program"].as_str().is_none_or(|p| programs.iter().any(|w| w == p));
        if is_wanted {
            writeln!(lines, "{line}")?;
        }
    }
    Ok((lines, accepted))
}

/// What `skep check` writes of an object; null where it writes nothing.
fn document(skep: &Path, folder: &Path, object: &str, programs: &[String]) -> Result<Value> {
    let mut command = Command::new(skep);
    command.args(["check", "--engine", "kernel", "--json"]).current_dir(folder);
    programs.iter().for_each(|program| _ = command.args(["--prog", program]));
    let out = command.arg("--").arg(object).output().with_context(|| skep.display().to_string())?;
    // A panic or a signal is a fault of skep's, whatever the object.
    ensure!(
        out.status.code().is_some_and(|code| code <= 3) && !(out.stdout.is_empty() && programs.is_empty()),
        "skep check {object}: {}\n{}",
        out.status,
        String::from_utf8_lossy(&out.stderr)
    );
    if out.stdout.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&out.stdout).with_context(|| format!("what skep check says of {object}"))
}

/// What the oracle says. Its processes take every other object, so that long ones spread.
pub(crate) fn libbpf(program: &Path, folder: &Path, questions: &[Question]) -> Result<String> {
    let ask = |first: usize| -> Result<String> {
        let mut child = Command::new(program)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| program.display().to_string())?;
        let mut input = child.stdin.take().context("the oracle takes no names")?;
        let list: String = questions.iter().skip(first).step_by(JOBS).map(Question::line).collect();
        let writer = std::thread::spawn(move || input.write_all(list.as_bytes()));
        let output = child.wait_with_output()?;
        let _ = writer.join();
        ensure!(output.status.success(), "the oracle ended with {}", output.status);
        Ok(String::from_utf8(output.stdout)?)
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..JOBS).map(|first| scope.spawn(move || ask(first))).collect();
        let mut lines = String::new();
        for worker in workers {
            lines.push_str(&worker.join().map_err(|_| anyhow!("an asking thread died"))??);
        }
        Ok(lines)
    })
}
