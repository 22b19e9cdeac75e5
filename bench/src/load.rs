//! Whole objects opened and loaded into the kernel, beside libbpf, which the oracle asks in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use skep_kernel::Options;
use skep_object::Object;

use crate::row;

/// Rounds over all objects; each object's middle one counts. More would load more than the 2,000 programs that are the most
/// for one measurement.
const ROUNDS: usize = 5;
/// The pause that a loaded program calls for: Linux 6.18 locks up for good when about a thousand compiled programs are
/// freed in a short time.
const REST: Duration = Duration::from_micros(1250);

/// An object: its name in the folder, and the programs of it that are loaded.
struct Case<'a> {
    name: &'a str,
    programs: Vec<&'a str>,
    /// Milliseconds of each round.
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

/// Measures the objects of a list: a line for each, its name and behind tabs the programs.
pub(crate) fn run(oracle: &str, folder: &str, list: &str) -> Result<()> {
    let text = std::fs::read_to_string(list).with_context(|| list.to_owned())?;
    let mut cases: Vec<Case<'_>> = text.lines().filter_map(case).collect();
    ensure!(!cases.is_empty(), "{list} names no objects");
    let mut peer = Peer::start(oracle, folder)?;
    let (mut failed_ours, mut failed_theirs) = (0, 0);
    for round in 0..ROUNDS {
        let mut kept = Vec::new();
        for mut case in cases {
            let (ours, theirs) = (ours(folder, &case)?, peer.time(&case)?);
            if round == 0 {
                failed_ours += usize::from(ours.is_none());
                failed_theirs += usize::from(theirs.is_none());
            }
            if let (Some(ours), Some(theirs)) = (ours, theirs) {
                case.ours.push(ours);
                case.theirs.push(theirs);
                kept.push(case);
            }
        }
        cases = kept;
    }
    let cpu = (user_cpu("/proc/self/stat")?, user_cpu(&format!("/proc/{}/stat", peer.child.id()))?);
    eprintln!("load: {failed_ours} objects do not load as a whole with skep, {failed_theirs} not with libbpf");
    rows(&cases, cpu)
}

fn case(line: &str) -> Option<Case<'_>> {
    let mut words = line.split('\t');
    Some(Case { name: words.next()?, programs: words.collect(), ours: Vec::new(), theirs: Vec::new() })
}

/// Milliseconds that skep takes; `None` for an object that it does not load.
fn ours(folder: &str, case: &Case<'_>) -> Result<Option<f64>> {
    let path = Path::new(folder).join(case.name);
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let started = Instant::now();
    let Ok(mut object) = Object::parse(case.name, &bytes) else { return Ok(None) };
    // Nothing is to stay behind; libbpf's maps are not pinned either.
    object.maps.iter_mut().for_each(|map| map.pinned = false);
    let is_wanted = |index: &usize| {
        object.programs.get(*index).is_some_and(|program| case.programs.contains(&program.name.as_str()))
    };
    let programs = (0..object.programs.len()).filter(is_wanted).collect();
    let loaded =
        skep_kernel::load(&object, &Options { counting: false, programs: Some(programs), ..Options::default() });
    let took = started.elapsed();
    let loads = loaded.is_ok();
    drop(loaded);
    std::thread::sleep(REST * u32::try_from(case.programs.len())?);
    Ok(loads.then_some(took.as_secs_f64() * 1e3))
}

/// The oracle, asked for times.
struct Peer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Peer {
    fn start(oracle: &str, folder: &str) -> Result<Peer> {
        let mut command = Command::new(oracle);
        command.args(["--time", folder]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| oracle.to_owned())?;
        let to = child.stdin.take().context("the oracle takes no names")?;
        let from = BufReader::new(child.stdout.take().context("the oracle tells nothing")?);
        Ok(Peer { child, to, from })
    }

    /// Milliseconds that libbpf takes; `None` for an object that it does not load.
    fn time(&mut self, case: &Case<'_>) -> Result<Option<f64>> {
        writeln!(self.to, "{}\t{}", case.name, case.programs.join("\t"))?;
        self.to.flush()?;
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        let value: Value =
            serde_json::from_str(&line).with_context(|| format!("the oracle on {}: {line}", case.name))?;
        Ok(value["ms"].as_f64().filter(|_| value["errno"] == 0))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Milliseconds a process has computed outside the kernel, in ticks of ten.
fn user_cpu(stat: &str) -> Result<f64> {
    let text = std::fs::read_to_string(stat).with_context(|| stat.to_owned())?;
    let (_, fields) = text.rsplit_once(") ").context("no fields")?;
    let ticks: f64 = fields.split(' ').nth(11).context("no user time")?.parse()?;
    Ok(ticks * 10.0)
}

fn median(samples: &[f64]) -> f64 {
    let mut samples = samples.to_vec();
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

fn rows(cases: &[Case<'_>], cpu: (f64, f64)) -> Result<()> {
    ensure!(!cases.is_empty(), "no object loads on both sides");
    let ours: Vec<f64> = cases.iter().map(|case| median(&case.ours)).collect();
    let theirs: Vec<f64> = cases.iter().map(|case| median(&case.theirs)).collect();
    let (objects, programs) = (cases.len(), cases.iter().map(|case| case.programs.len()).sum::<usize>());
    row("load", &format!("an object, the median of {objects}"), "ms", &ours, Some((LIBBPF, &theirs)));
    let sums = (ours.iter().sum::<f64>(), theirs.iter().sum::<f64>());
    let name = format!("all {objects} objects, {programs} programs");
    row("load", &name, "ms", &[sums.0], Some((LIBBPF, &[sums.1])));
    let slower: Vec<String> = cases
        .iter()
        .zip(ours.iter().zip(&theirs))
        .filter(|(_, (ours, theirs))| ours > theirs)
        .map(|(case, (ours, theirs))| format!("{} ({:.2})", case.name, theirs / ours))
        .collect();
    eprintln!("load: slower than libbpf: {} of {objects}: {}", slower.len(), slower.join(", "));
    let worst = cases.iter().zip(ours.iter().zip(&theirs));
    let worst = worst.max_by(|a, b| (a.1.0 / a.1.1).total_cmp(&(b.1.0 / b.1.1)));
    if let Some((case, (ours, theirs))) = worst {
        let name = format!("the object that does worst, `{}`", case.name);
        row("load", &name, "ms", &[*ours], Some((LIBBPF, &[*theirs])));
    }
    let per = |ms: f64| ms / (ROUNDS * objects) as f64;
    let beside = [per(cpu.1)];
    row("load", "outside the kernel, an object, the mean", "ms", &[per(cpu.0)], Some((LIBBPF, &beside)));
    Ok(())
}

const LIBBPF: &str = "libbpf 1.7";
