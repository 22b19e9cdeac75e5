//! `skep completion`: a shell's completion script, with the names of all rows that `skep explain` knows.

use clap::CommandFactory;
use clap::builder::PossibleValuesParser;
use skep_isa::explain::{self, NOUNS};

use crate::args::Cli;
use crate::command::explain::TYPES;
use crate::failure::Failure;

pub(crate) fn run(shell: clap_complete::Shell) -> Result<(), Failure> {
    let words = PossibleValuesParser::new(words());
    let mut command =
        Cli::command().mut_subcommand("explain", |verb| verb.mut_arg("words", |arg| arg.value_parser(words)));
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "skep", &mut script);
    Ok(std::io::Write::write_all(&mut std::io::stdout(), &script)?)
}

/// Nouns first, then the names of all rows, each once. Names of several words would be several words to a shell.
fn words() -> Vec<String> {
    let mut words: Vec<String> = NOUNS.iter().map(|row| row.noun.name().to_owned()).collect();
    words.push(TYPES.to_owned());
    let mut names: Vec<String> = NOUNS.iter().flat_map(|row| explain::pages(row.noun)).map(|page| page.name).collect();
    names.retain(|name| !name.contains(char::is_whitespace) && !words.contains(name));
    names.sort();
    names.dedup();
    words.extend(names);
    words
}
