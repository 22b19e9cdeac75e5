//! `skep man`: man pages, one for each verb.

use std::path::Path;

use clap::CommandFactory;

use crate::args::Cli;
use crate::failure::Failure;

pub(crate) fn run(folder: &Path) -> Result<(), Failure> {
    clap_mangen::generate_to(Cli::command(), folder)
        .map_err(|error| skep::Error::File { action: "write", path: folder.display().to_string(), error }.into())
}
