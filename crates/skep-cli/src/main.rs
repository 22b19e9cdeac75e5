//! The skep command: one file for each verb under `command/`. The only crate that prints, reads arguments and exits.
#![forbid(unsafe_code)]

mod args;
mod bar;
mod command;
mod failure;
mod fill;
mod screen;
mod settings;
mod table;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use skep_diag::Style;

use crate::args::{Bench, Cli, Command, Vm};
use crate::failure::Failure;

fn main() -> ExitCode {
    // Not for people, and so no verb of the command line.
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some(command::trial::VERB) {
        return end(command::trial::run(&words.collect::<Vec<_>>()));
    }
    let cli = Cli::parse();
    end(match &cli.command {
        Command::Run(run) => command::run::run(run, cli.quiet),
        Command::Check(check) => command::check::run(check, cli.quiet),
        Command::Asm(asm) => command::asm::run(asm),
        Command::Dis(dis) => command::dis::run(dis),
        Command::Gen(gen_what) => command::generate::run(gen_what),
        Command::Prog(prog) => command::prog::run(prog),
        Command::Map(map) => command::map::run(map),
        Command::Btf(btf) => command::btf::run(btf),
        Command::Feature(feature) => command::feature::run(feature),
        Command::Explain(explain) => command::explain::run(explain),
        Command::Hooks(hooks) => command::hooks::run(hooks),
        Command::Bench(Bench::Vm(bench)) => command::bench::vm(bench),
        Command::Vm(Vm::Exec(exec)) => command::vm::exec(exec),
        Command::Completion { shell } => command::completion::run(*shell),
        Command::Man { folder } => command::man::run(folder),
    })
}

/// The exit status of what is done, with what there is to say of it.
fn end(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

/// Writes the failure to stderr and answers the exit status.
fn report(failure: &Failure) -> ExitCode {
    match failure {
        // The reader of our output has had enough: that is success.
        Failure::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Failure::Output(error) => {
            complain(&format!("error: cannot write to standard output: {error}"));
            ExitCode::from(3)
        }
        Failure::Finding(d) => {
            complain(&d.render(style()));
            ExitCode::from(d.code.row().map_or(2, |row| row.status))
        }
        Failure::Told(status) => ExitCode::from(*status),
    }
}

/// Colour where stderr is a terminal and `NO_COLOR` is not set.
pub(crate) fn style() -> Style {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) || !std::io::stderr().is_terminal();
    if plain { Style::Plain } else { Style::Color }
}

/// A message to the user, on stderr; nothing can be done when that fails.
pub(crate) fn complain(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}
