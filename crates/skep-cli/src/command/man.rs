//! `skep man`: man pages, one for each verb.

use std::io::Result;
use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;

use crate::args::Cli;
use crate::failure::Failure;

pub(crate) fn run(folder: &Path) -> std::result::Result<(), Failure> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    write(&command, folder)
        .map_err(|error| skep::Error::File { action: "write", path: folder.display().to_string(), error }.into())
}

/// Writes a verb's page, and those of the verbs below it.
fn write(command: &clap::Command, folder: &Path) -> Result<()> {
    command.get_subcommands().try_for_each(|verb| write(verb, folder))?;
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render(&mut page)?;
    std::fs::write(folder.join(man.get_filename()), with_examples(&String::from_utf8_lossy(&page)))
}

/// What stands after the help are examples, whose lines stay as they are; the generator knows only that it is more text.
fn with_examples(page: &str) -> String {
    let Some((before, extra)) = page.split_once("\n.SH EXTRA\n") else { return page.to_owned() };
    let (examples, after) = extra.split_once("\n.SH VERSION\n").unwrap_or((extra, ""));
    let examples = examples.trim_start_matches("Examples:\n").trim_start_matches("Example:\n");
    format!("{before}\n.SH EXAMPLES\n.nf\n{examples}\n.fi\n.SH VERSION\n{after}")
}
