//! What a run looks like: records and tables on a terminal, a progress bar for long captures.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use skep::{Entry, Loaded, Printed, ProgramReport, Progress, Record, Report, Value};
use skep_object::MapRole;

use crate::bar::Bar;
use crate::failure::Failure;
use crate::table;

/// How often tables are drawn anew on a terminal.
const REDRAW: Duration = Duration::from_secs(1);
/// A capture that takes less than this gets no progress bar.
const PATIENCE: Duration = Duration::from_millis(400);

/// The terminal, or the pipe, that a run writes to.
pub(crate) struct Screen {
    live: bool,
    bar: Option<Bar>,
    started: Instant,
    drawn_at: Instant,
    /// Lines of the last drawing, to be drawn over.
    lines: usize,
    records: bool,
    guesses: Vec<String>,
    quiet: bool,
}

impl Screen {
    pub(crate) fn new(quiet: bool) -> Screen {
        let now = Instant::now();
        Screen {
            live: std::io::stdout().is_terminal() && !quiet,
            bar: None,
            started: now,
            drawn_at: now,
            lines: 0,
            records: false,
            guesses: Vec::new(),
            quiet,
        }
    }

    /// One record, as a line.
    pub(crate) fn record(&mut self, out: &mut impl Write, record: &Record) -> Result<(), Failure> {
        self.erase(out)?;
        self.records = true;
        self.note_guess(record);
        Ok(writeln!(out, "{}: {}", record.map, record.value)?)
    }

    /// Says once for each map that its records' type is a guess, or not known.
    pub(crate) fn note_guess(&mut self, record: &Record) {
        let map = &record.map;
        let note = match (&record.guess, &record.value) {
            (Some(guess), _) => format!(
                "note: records of `{map}` are read as `struct {guess}`, the only one of their size; \
                 say it with --record {map}={guess}"
            ),
            (None, Value::Bytes(_)) => format!(
                "note: records of `{map}` are bytes without a type; give one with --record {map}=TYPE, or with the tag \
                 `record:TYPE` on the map (the object knows a type once a function of the program takes a pointer to it)"
            ),
            _ => return,
        };
        if !self.guesses.contains(map) {
            self.guesses.push(map.clone());
            if !self.quiet {
                crate::complain(&note);
            }
        }
    }

    /// What programs printed, on stderr: on stdout are records and tables only.
    pub(crate) fn printed(&mut self, out: &mut impl Write, printed: &Printed) -> Result<(), Failure> {
        if printed.lines.is_empty() {
            return Ok(());
        }
        self.erase(out)?;
        out.flush()?;
        self.clear_bar();
        for line in &printed.lines {
            crate::complain(&format!("print: {line}"));
        }
        if printed.lost > 0 {
            crate::complain(&format!("note: {} printed lines were lost: too many came at once", printed.lost));
        }
        Ok(())
    }

    /// After each step: moves the bar, and draws the tables anew when it is time.
    pub(crate) fn step(&mut self, out: &mut impl Write, loaded: &Loaded, at: &Progress) -> Result<(), Failure> {
        if at.frames < at.of && !self.quiet && self.started.elapsed() > PATIENCE {
            self.bar.get_or_insert_with(|| Bar::new(self.started)).draw(at.frames, at.of);
        }
        if self.live && at.of == 0 && !self.records && self.drawn_at.elapsed() >= REDRAW {
            let text = tables(loaded)? + &summary(&loaded.report()?);
            self.erase(out)?;
            out.write_all(text.as_bytes())?;
            out.flush()?;
            self.lines = text.lines().count();
            self.drawn_at = Instant::now();
        }
        Ok(())
    }

    /// The end: all tables and the summary.
    pub(crate) fn finish(&mut self, out: &mut impl Write, loaded: &Loaded, report: &Report) -> Result<(), Failure> {
        self.clear_bar();
        self.erase(out)?;
        out.write_all(tables(loaded)?.as_bytes())?;
        out.write_all(summary(report).as_bytes())?;
        Ok(out.flush()?)
    }

    pub(crate) fn clear_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.clear();
        }
    }

    fn erase(&mut self, out: &mut impl Write) -> Result<(), Failure> {
        if self.lines > 0 {
            // Up to the first line of the last drawing, and clear from there.
            write!(out, "\x1b[{}A\x1b[J", self.lines)?;
            self.lines = 0;
        }
        Ok(())
    }
}

/// Every map that people would want to see: not constants, not what cannot be read.
fn tables(loaded: &Loaded) -> Result<String, Failure> {
    let mut text = String::new();
    for map in loaded.maps() {
        if map.is_constant() || !skep::readable(map.spec().map_type) {
            continue;
        }
        let entries = map.entries()?;
        text.push_str(&match (&map.spec().role, entries.as_slice()) {
            (MapRole::Data { .. }, [Entry { value, .. }]) => table::variables(map.name(), value),
            _ => table::entries(map.name(), map.spec().map_type.is_per_cpu(), &entries),
        });
        text.push('\n');
    }
    Ok(text)
}

/// A row for each program, and the records.
fn summary(report: &Report) -> String {
    let mut programs = table::new(["program", "hook", "runs", "verdicts", "ns/run"].map(str::to_owned));
    for p in &report.programs {
        let number = |n: Option<u64>| n.map_or("not counted".to_owned(), |n| n.to_string());
        programs.add_row([
            p.name.clone(),
            hook(p),
            number(p.runs),
            verdicts(p),
            p.ns_per_run.map_or("-".to_owned(), |ns| format!("{ns:.0}")),
        ]);
    }
    table::right(&mut programs, 2);
    table::right(&mut programs, 4);
    let mut text = table::trim(&programs) + "\n";
    for p in &report.programs {
        if p.refused > 0 {
            text.push_str(&format!(
                " {}: {} refused: too short or too long for a test run\n",
                p.name,
                table::count(p.refused, "frame")
            ));
        }
        if p.faults > 0 {
            text.push_str(&format!(" {}: {} broke a rule of the vm\n", p.name, table::count(p.faults, "run")));
        }
        if let Some(why) = &p.not_counted {
            text.push_str(&format!(" {}: {why}\n", p.name));
        }
    }
    let lost = report.records_lost;
    if report.records_delivered > 0 || lost.unwrap_or(0) > 0 {
        let lost = lost.map_or("losses not counted".to_owned(), |n| format!("{n} lost"));
        text.push_str(&format!(" records: {} delivered, {lost}\n", report.records_delivered));
    }
    text
}

fn hook(p: &ProgramReport) -> String {
    let hook = p.hook.clone().unwrap_or_else(|| "-".to_owned());
    match &p.way {
        Some(way) => format!("{hook} ({way})"),
        None => hook,
    }
}

fn verdicts(p: &ProgramReport) -> String {
    match &p.verdicts {
        Some(v) if !v.is_empty() => v.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", "),
        _ => "-".to_owned(),
    }
}
