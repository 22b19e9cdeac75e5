//! `skep completion`: a shell's completion script.

use clap::CommandFactory;

use crate::args::Cli;
use crate::failure::Failure;

pub(crate) fn run(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "skep", &mut script);
    Ok(std::io::Write::write_all(&mut std::io::stdout(), &script)?)
}
