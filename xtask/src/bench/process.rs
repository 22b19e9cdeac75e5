//! What whole processes cost: start, disassembly of a large object; the binary itself.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use skep_isa::explain::{NOUNS, Noun};

use super::{Row, compile, median, skep};

/// Samples of each side of a row.
const SAMPLES: usize = 41;

/// A generated object.
pub(super) struct Large {
    pub(super) path: PathBuf,
    instructions: usize,
}

/// An object of about 10,000 instructions with types and lines: three instructions a statement.
pub(super) fn large_object(folder: &Path) -> Result<Large> {
    let mut source = String::from(
        "static volatile unsigned v[16];\n__attribute__((section(\"xdp\"), used)) int large(void *ctx)\n{\n",
    );
    for statement in 0..3_340_u32 {
        writeln!(source, "\tv[{}] += {};", statement % 16, statement.wrapping_mul(2_654_435_761) >> 8)?;
    }
    source.push_str("\treturn 2;\n}\n");
    let (from, path) = (folder.join("large.bpf.c"), folder.join("large.bpf.o"));
    std::fs::write(&from, source)?;
    compile(&from, &path)?;
    let object = skep_object::Object::parse("large", &std::fs::read(&path)?)?;
    let instructions = object.programs.iter().map(|p| p.code.len()).sum();
    ensure!(instructions >= 10_000, "the generated object has only {instructions} instructions");
    Ok(Large { path, instructions })
}

/// The rows of whole processes.
pub(super) fn rows(large: &Large) -> Result<Vec<Row>> {
    let path = large.path.display().to_string();
    let skep = skep().display().to_string();
    let mut rows = vec![
        beside("`--version`, whole process", &[&skep, "--version"], &["/bin/true"])?,
        beside(
            &format!("disassembly of {} instructions, whole process", large.instructions),
            &[&skep, "dis", &path],
            &["llvm-objdump-19", "-d", &path],
        )?,
    ];
    rows.extend(explain(&skep)?);
    Ok(rows)
}

/// Every page of `skep explain`, with what it tries on this machine: the median of all, and the slowest.
fn explain(skep: &str) -> Result<Vec<Row>> {
    /// Runs of each page; the middle one counts.
    const RUNS: usize = 3;
    /// Until the kernel has taken away what a trial attached, in another process.
    const REST: Duration = Duration::from_millis(100);
    let mut pages: Vec<(f64, String)> = Vec::new();
    for noun in NOUNS {
        for page in (noun.pages)() {
            let mut samples = Vec::new();
            for _ in 0..RUNS {
                samples.push(time(&[skep, "explain", noun.noun.name(), &page.name])?);
                if TRIES.contains(&noun.noun) {
                    std::thread::sleep(REST);
                }
            }
            pages.push((median(samples), format!("{} {}", noun.noun, page.name)));
        }
    }
    pages.sort_by(|a, b| a.0.total_cmp(&b.0));
    let row = |name: String, ours| Row { group: "process".to_owned(), name, unit: "ms".to_owned(), ours, peer: None };
    let count = pages.len();
    let over = pages.iter().filter(|(ms, _)| *ms > 20.0).map(|(ms, name)| format!("{name} ({ms:.0} ms)"));
    println!("explain, over 20 ms: {}", over.collect::<Vec<_>>().join(", "));
    let middle = pages.get(count / 2).context("pages")?.0;
    let (slowest, name) = pages.last().context("pages")?;
    Ok(vec![
        row(format!("explain, median of {count} pages, whole process"), middle),
        row(format!("explain, slowest of {count} pages (`{name}`)"), *slowest),
    ])
}

/// Nouns whose pages attach something to tell whether it works.
const TRIES: &[Noun] = &[Noun::Prog, Noun::Attach, Noun::Section, Noun::Hook, Noun::Link];

fn beside(name: &str, ours: &[&str], peer: &[&str]) -> Result<Row> {
    let (mut fast, mut slow) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        fast.push(time(ours)?);
        slow.push(time(peer)?);
    }
    let peer_name = peer.first().and_then(|p| p.rsplit('/').next()).unwrap_or_default().to_owned();
    let row = Row {
        group: "process".to_owned(),
        name: name.to_owned(),
        unit: "ms".to_owned(),
        ours: median(fast),
        peer: None,
    };
    Ok(Row { peer: Some((peer_name, median(slow))), ..row })
}

/// Milliseconds of one process, from its start to its end.
fn time(command: &[&str]) -> Result<f64> {
    let (program, args) = command.split_first().context("a command")?;
    let started = Instant::now();
    let status =
        Command::new(program).args(args).stdout(Stdio::null()).status().with_context(|| (*program).to_owned())?;
    let took = started.elapsed();
    ensure!(status.success(), "{} failed", command.join(" "));
    Ok(took.as_secs_f64() * 1e3)
}

/// Size and libraries of the release binary, as a sentence.
pub(super) fn binary() -> Result<String> {
    let path = skep();
    let bytes = std::fs::metadata(&path)?.len();
    let ldd = Command::new("ldd").arg(&path).output().context("ldd")?;
    let libraries: Vec<String> = String::from_utf8(ldd.stdout)?
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter_map(|path| path.rsplit('/').next())
        .filter(|name| !name.starts_with("linux-vdso"))
        .map(|name| format!("`{name}`"))
        .collect();
    Ok(format!("The release binary has {:.1} MB and needs {}.", bytes as f64 / 1e6, libraries.join(", ")))
}
