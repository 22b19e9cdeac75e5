//! What a run came to: numbers, with `None` where something was not measured.

use std::collections::BTreeMap;

/// All programs, and the records they sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// A row for each loaded program, in the object's order.
    pub programs: Vec<ProgramReport>,
    /// Records handed out.
    pub records_delivered: u64,
    /// Records that found no room; `None` where they were not counted.
    pub records_lost: Option<u64>,
}

/// One program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProgramReport {
    /// Its name.
    pub name: String,
    /// Its type, the kernel's name.
    pub prog_type: &'static str,
    /// Where it is attached; several hooks are joined with commas.
    pub hook: Option<String>,
    /// How the engine attached it, where there is more than one way.
    pub way: Option<String>,
    /// How often it ran.
    pub runs: Option<u64>,
    /// Frames the engine did not hand to it (too short or too long for a test run).
    pub refused: u64,
    /// Runs that broke a rule of the vm.
    pub faults: u64,
    /// Results by name; `None` where results mean nothing or were not counted.
    pub verdicts: Option<BTreeMap<&'static str, u64>>,
    /// Mean time of a run in nanoseconds.
    pub ns_per_run: Option<f64>,
    /// What stands in the way of a number that is `None`, in a sentence.
    pub not_counted: Option<String>,
}
