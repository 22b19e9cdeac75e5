//! `skep btf`: types of objects, of the kernel and of its modules.

mod dump;
mod find;
mod place;
mod source;

use crate::args::Btf;
use crate::failure::Failure;

pub(crate) fn run(args: &Btf) -> Result<(), Failure> {
    match args {
        Btf::Dump { source, json } => dump::run(source, *json),
        Btf::Find { names, within, json } => find::run(names, within.as_deref(), *json),
        Btf::Where { json } => place::run(*json),
    }
}
