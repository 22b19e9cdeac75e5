//! `skep hooks`: every kind of hook, whether it works here, why not, and what stands in for it in the vm.

use std::io::Write;

use serde::Serialize;
use skep_isa::spec::{HookKind, hook};

use crate::args::Hooks;
use crate::command::print_json;
use crate::failure::Failure;
use crate::table;

/// One kind of hook.
#[derive(Serialize)]
struct Row {
    hook: &'static str,
    form: &'static str,
    what: &'static str,
    since: String,
    prog_types: Vec<&'static str>,
    /// Whether the kernel offers it; `null` where it could not be found out.
    kernel: Option<bool>,
    /// Why not, or why it is not known.
    why: String,
    /// The hook that gives the vm what such programs run on; `null` where there is none yet.
    vm: Option<&'static str>,
}

#[derive(Serialize)]
struct All {
    schema: u32,
    hooks: Vec<Row>,
}

pub(crate) fn run(args: &Hooks) -> Result<(), Failure> {
    let hooks: Vec<Row> =
        hook::TABLE.iter().zip(answers()).map(|(row, (kernel, why))| told(row, kernel, why)).collect();
    if args.json {
        return print_json(&All { schema: 1, hooks });
    }
    let mut rows = table::new(["hook", "kernel", "vm", "since", "why not"].map(str::to_owned));
    for row in &hooks {
        let kernel = match row.kernel {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        rows.add_row([row.form, kernel, row.vm.unwrap_or("–"), &row.since, &row.why]);
    }
    Ok(writeln!(std::io::stdout().lock(), "{}", table::trim(&rows))?)
}

fn told(row: &'static hook::Row, kernel: Option<bool>, why: String) -> Row {
    let prog_types = row.prog_types.iter().map(|p| p.name()).collect();
    let (form, what, since) = (row.form, row.what, row.since.to_string());
    Row { hook: row.kind.name(), form, what, since, prog_types, kernel, why, vm: vm(row) }
}

/// Capture files give the vm what programs of packets run on.
fn vm(row: &hook::Row) -> Option<&'static str> {
    let captures = HookKind::Pcap.row();
    row.prog_types.iter().any(|p| captures.prog_types.contains(p)).then_some(captures.form)
}

#[cfg(not(target_os = "linux"))]
fn answers() -> Vec<(Option<bool>, String)> {
    vec![(Some(false), "this system is not Linux".to_owned()); hook::TABLE.len()]
}

#[cfg(target_os = "linux")]
fn answers() -> Vec<(Option<bool>, String)> {
    use skep_kernel::feature::Answer;
    use skep_kernel::trial::Question;

    let questions: Vec<Question> = hook::TABLE.iter().map(|row| Question::Hook(row.kind)).collect();
    let plain = |answer| match answer {
        Answer::Yes => (Some(true), String::new()),
        Answer::No(why) => (Some(false), why),
        Answer::Unknown(why) => (None, why),
    };
    crate::command::trial::ask(&questions).into_iter().map(plain).collect()
}
