//! `skep btf where`: what the running kernel has types of.

use serde_json::{Value, json};
use skep_diag::{Diagnostic, code};

use super::source::Source;
use crate::command::{print_json, print_table};
use crate::failure::Failure;
use crate::table;

/// Where the kernel shows its types.
#[cfg(target_os = "linux")]
const FOLDER: &str = skep_kernel::KernelTypes::FOLDER;
#[cfg(not(target_os = "linux"))]
const FOLDER: &str = "";

pub(super) fn run(json: bool) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for source in Source::all_of_kernel()? {
        let count = source.with(|types| Ok(types.ids().count()));
        // One module with damaged types does not hide the others.
        rows.push((format!("{FOLDER}/{}", source.name), source.len(), count.ok(), source.name));
    }
    if rows.is_empty() {
        return Err(Diagnostic::error(code::NO_TYPES, "the kernel shows no types")
            .note(format!("{FOLDER} is not there or empty"))
            .help("use a kernel built with CONFIG_DEBUG_INFO_BTF=y")
            .into());
    }
    if json {
        let row = |(path, bytes, types, name): &(String, usize, Option<usize>, String)| json!({ "name": name, "path": path, "bytes": bytes, "types": types });
        let sources: Vec<Value> = rows.iter().map(row).collect();
        return print_json(&json!({ "schema": 1, "sources": sources }));
    }
    let mut table = table::new(["name", "types", "bytes", "file"].map(str::to_owned));
    for (path, bytes, types, name) in &rows {
        let types = types.map_or("damaged".to_owned(), |types| types.to_string());
        table.add_row([name.clone(), types, bytes.to_string(), path.clone()]);
    }
    table::right(&mut table, 1);
    table::right(&mut table, 2);
    print_table(&table, rows.len(), "types")
}
