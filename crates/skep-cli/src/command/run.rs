//! `skep run`: load, attach, show records and maps.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::time::{Duration, Instant};

use serde::Serialize;
use skep::{Engine, Entry, Hook, Loaded, Object, Options, Record, Report, Value};
use skep_diag::{Diagnostic, code};

use crate::args::Run;
use crate::command::same_file;
use crate::failure::Failure;
use crate::fill::fill;
use crate::screen::Screen;

/// How long a step may take: so fast is Ctrl-C.
const STEP: Duration = Duration::from_millis(50);

/// The last line of `--json`.
#[derive(Serialize)]
struct Summary<'a> {
    schema: u32,
    engine: &'a str,
    programs: Vec<ProgramLine<'a>>,
    maps: BTreeMap<&'a str, Vec<EntryLine>>,
    records: RecordsLine,
}

#[derive(Serialize)]
struct ProgramLine<'a> {
    name: &'a str,
    r#type: &'a str,
    hook: Option<&'a str>,
    way: Option<&'a str>,
    runs: Option<u64>,
    refused: u64,
    faults: u64,
    verdicts: &'a Option<BTreeMap<&'static str, u64>>,
    ns_per_run: Option<f64>,
}

#[derive(Serialize)]
struct EntryLine {
    key: Value,
    value: Value,
}

#[derive(Serialize)]
struct RecordsLine {
    delivered: u64,
    lost: Option<u64>,
}

/// A line of `--json` for each record.
#[derive(Serialize)]
struct RecordLine<'a> {
    record: &'a str,
    value: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    guess: Option<&'a str>,
}

pub(crate) fn run(args: &Run, quiet: bool) -> Result<(), Failure> {
    let mut object = Object::open(&args.object)?;
    args.settings.apply(&mut object)?;
    // Until here Ctrl-C simply ends skep; from here it ends the run, which takes away what it attached: a tc filter would
    // outlive its maker.
    #[cfg(target_os = "linux")]
    let interrupts = skep_kernel::Interrupts::block()?;
    let mut loaded = load(args, &object, quiet)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut screen = Screen::new(quiet || args.json);
    let started = Instant::now();
    let mut outcome = loop {
        let left = args.duration.map(|d| d.saturating_sub(started.elapsed()));
        let mut failed = None;
        let progress = loaded.poll(STEP.min(left.unwrap_or(STEP)), &mut |record| {
            failed = failed.take().or(tell(args, &mut out, &mut screen, &record).err());
        });
        if let Some(failure) = failed {
            return Err(failure);
        }
        let printed = loaded.take_printed();
        if !quiet {
            screen.printed(&mut out, &printed)?;
        }
        let progress = match progress {
            Ok(progress) => progress,
            Err(error) => break Err(error),
        };
        if !args.json {
            screen.step(&mut out, &loaded, &progress)?;
        }
        out.flush()?;
        #[cfg(target_os = "linux")]
        let interrupted = interrupts.pending();
        #[cfg(not(target_os = "linux"))]
        let interrupted = false;
        if interrupted || !progress.more || left.is_some_and(|left| left.is_zero()) {
            if progress.frames < progress.of && !quiet {
                screen.clear_bar();
                crate::complain(&format!("note: ended after {} of {} frames", progress.frames, progress.of));
            }
            break Ok(());
        }
    };
    // Nothing happens any more, so that all numbers are of one moment and no record is left behind.
    let mut failed = None;
    let stopped = loaded.stop(&mut |record| {
        failed = failed.take().or(tell(args, &mut out, &mut screen, &record).err());
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    outcome = outcome.and(stopped);
    // What could be read is shown before the error that ended it.
    let report = loaded.report()?;
    if args.json {
        summary(&mut out, &loaded, &report)?;
    } else {
        screen.finish(&mut out, &loaded, &report)?;
    }
    out.flush()?;
    outcome?;
    let mut status = Ok(());
    for fault in loaded.faults() {
        crate::complain(&fault.render(crate::style()));
        status = Err(Failure::Told(1));
    }
    status
}

/// Loads the object, fills its maps and attaches its programs.
fn load(args: &Run, object: &Object, quiet: bool) -> Result<Loaded, Failure> {
    let hooks = args.on.iter().map(|text| Hook::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let plan = skep::plan(object.spec(), &args.prog, &hooks)?;
    let placed: Vec<Hook> = plan.iter().map(|(_, hook)| hook.clone()).collect();
    let mut programs: Vec<usize> = plan.iter().map(|(program, _)| *program).collect();
    programs.sort_unstable();
    programs.dedup();
    check_write(args, object, &placed, &programs)?;
    let options = Options {
        programs: Some(programs),
        record_types: args.record.clone(),
        verbatim: args.verbatim,
        like_kernel: args.like_kernel,
        types: args.btf.clone(),
    };
    let engine = args.engine(&placed);
    sweep(engine, quiet);
    let mut loaded = engine.load_with(object, &options).inspect_err(|error| show_log(args, error))?;
    for note in loaded.notes().iter().filter(|_| !quiet) {
        crate::complain(&format!("note: {note}"));
    }
    for (map, path) in &args.fill {
        fill(&loaded, map, path)?;
    }
    for (program, hook) in &plan {
        loaded.attach(*program, hook)?;
    }
    // Last, so that nothing is overwritten for a run that does not begin.
    if let Some(path) = &args.write {
        loaded.write_frames(path)?;
    }
    Ok(loaded)
}

/// Removes what a skep that was killed left attached: netlink keeps its filters, links go by themselves.
#[cfg_attr(not(target_os = "linux"), allow(unused_variables, reason = "only Linux has netlink"))]
fn sweep(engine: Engine, quiet: bool) {
    #[cfg(target_os = "linux")]
    if engine == Engine::Kernel
        && let Ok(removed) = skep_kernel::sweep_tc()
        && removed > 0
        && !quiet
    {
        crate::complain(&format!(
            "note: removed {} that a skep which was killed had left",
            crate::table::count(removed as u64, "tc filter")
        ));
    }
}

/// `--log`: the verifier's whole log, before the diagnostic that sums it up.
#[cfg_attr(not(target_os = "linux"), allow(unused_variables, reason = "only Linux has a verifier"))]
fn show_log(args: &Run, error: &skep::Error) {
    #[cfg(target_os = "linux")]
    if let skep::Error::Kernel(error) = error
        && let skep_kernel::Error::Rejected { log, .. } = &**error
        && args.log
    {
        crate::complain(log.trim_end());
    }
}

/// `--write` takes the frames of one program over one capture.
fn check_write(args: &Run, object: &Object, hooks: &[Hook], programs: &[usize]) -> Result<(), Failure> {
    let Some(path) = &args.write else { return Ok(()) };
    let refused =
        |why: String| Diagnostic::error(code::USAGE, "--write has no single stream of frames to write").note(why);
    if hooks.iter().any(|h| !matches!(h, Hook::Pcap { .. })) {
        return Err(refused("only the frames of a capture are written, a live hook's are not".to_owned())
            .help("give --on pcap:FILE")
            .into());
    }
    if hooks.len() > 1 {
        let names: Vec<_> =
            programs.iter().filter_map(|at| object.spec().programs.get(*at)).map(|p| p.name.as_str()).collect();
        return Err(refused(format!("{} programs or captures are given: {}", hooks.len(), names.join(", ")))
            .help("pick one program with --prog, and one capture")
            .into());
    }
    let captures = hooks.iter().filter_map(|h| match h {
        Hook::Pcap { path } => Some(path),
        _ => None,
    });
    let fills = args.fill.iter().map(|(_, path)| path);
    if captures.chain(fills).chain([&args.object]).any(|read| same_file(read, path)) {
        return Err(refused(format!("{path} is read by this run")).help("write to another file").into());
    }
    Ok(())
}

/// Shows one record, as a line of text or JSON.
fn tell(args: &Run, out: &mut impl Write, screen: &mut Screen, record: &Record) -> Result<(), Failure> {
    if args.json {
        screen.note_guess(record);
        json_record(out, record)
    } else {
        screen.record(out, record)
    }
}

fn json_record(out: &mut impl Write, record: &Record) -> Result<(), Failure> {
    let line = RecordLine { record: &record.map, value: &record.value, guess: record.guess.as_deref() };
    serde_json::to_writer(&mut *out, &line)?;
    Ok(writeln!(out)?)
}

fn summary(out: &mut impl Write, loaded: &Loaded, report: &Report) -> Result<(), Failure> {
    let mut maps = BTreeMap::new();
    for map in loaded.maps() {
        let entries = map.entries()?.into_iter().map(|Entry { key, value }| EntryLine { key, value });
        maps.insert(map.name(), entries.collect());
    }
    let programs = report.programs.iter().map(|p| ProgramLine {
        name: &p.name,
        r#type: p.prog_type,
        hook: p.hook.as_deref(),
        way: p.way.as_deref(),
        runs: p.runs,
        refused: p.refused,
        faults: p.faults,
        verdicts: &p.verdicts,
        ns_per_run: p.ns_per_run,
    });
    let summary = Summary {
        schema: 1,
        engine: loaded.engine().name(),
        programs: programs.collect(),
        maps,
        records: RecordsLine { delivered: report.records_delivered, lost: report.records_lost },
    };
    serde_json::to_writer(&mut *out, &summary)?;
    Ok(writeln!(out)?)
}
