//! `xtask gen docs`: docs/reference/ from the tables of facts, a page for each noun. `xtask check` says when it is not current.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use skep_isa::explain::{NOUNS, Noun, Page, Value, pages};
use skep_isa::spec::helper::exception;

use skep_vm::OnCall;

use crate::root;

/// Where the pages go, from the root.
const FOLDER: &str = "docs/reference";

/// The page of no noun: what the vm makes of each helper.
const VM_HELPERS: &str = "vm-helpers.md";

/// Writes all pages, and removes those that no noun has any more.
pub(crate) fn docs() -> Result<()> {
    let folder = root().join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    let wanted = files();
    for name in present()? {
        if !wanted.contains_key(&name) {
            std::fs::remove_file(folder.join(&name)).context(name)?;
        }
    }
    for (name, text) in &wanted {
        std::fs::write(folder.join(name), text).with_context(|| name.clone())?;
    }
    println!("{FOLDER}: {} pages", wanted.len());
    Ok(())
}

/// What is not as the tables say.
pub(crate) fn stale() -> Result<Vec<String>> {
    let wanted = files();
    let mut findings: Vec<String> = Vec::new();
    for (name, text) in &wanted {
        if std::fs::read_to_string(root().join(FOLDER).join(name)).ok().as_ref() != Some(text) {
            findings.push(format!("{FOLDER}/{name}: not as the tables say: run `cargo xtask gen docs`"));
        }
    }
    let extra = present()?.into_iter().filter(|name| !wanted.contains_key(name));
    findings.extend(extra.map(|name| format!("{FOLDER}/{name}: no noun has this page: run `cargo xtask gen docs`")));
    Ok(findings)
}

fn present() -> Result<Vec<String>> {
    let folder: PathBuf = root().join(FOLDER);
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(vec![]) };
    entries.map(|e| Ok(e?.file_name().to_string_lossy().into_owned())).collect()
}

/// Names and texts of all pages.
fn files() -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = NOUNS.iter().map(|row| (file(row.noun), page(row.noun))).collect();
    files.insert("README.md".to_owned(), index());
    files.insert(VM_HELPERS.to_owned(), vm_helpers());
    files
}

/// `program-types.md`
fn file(noun: Noun) -> String {
    format!("{}.md", noun.row().what.replace(' ', "-"))
}

fn index() -> String {
    let mut text = String::from(
        "# Reference\n\nWritten by `cargo xtask gen docs` from the tables under `crates/skep-isa/src/spec/`, which the tests \
         compare with running kernels.\n`skep explain [NOUN] NAME` tells the same, and what holds on your machine.\n\n\
         | page | rows |\n|---|---|\n",
    );
    for row in NOUNS {
        let _ = writeln!(text, "| [{}]({}) | {} |", capital(row.what), file(row.noun), pages(row.noun).len());
    }
    let _ = writeln!(text, "| [Helpers in the vm]({VM_HELPERS}) | {} |", skep_vm::helpers().count());
    text
}

/// What the vm makes of each helper.
fn vm_helpers() -> String {
    let count = |wanted: fn(&OnCall) -> bool| skep_vm::helpers().filter(|row| wanted(&row.on_call)).count();
    let mut text = format!(
        "# Helpers in the vm\n\nWritten by `cargo xtask gen docs` from the vm's table and the kernel's helpers. A helper is \
         done as the kernel does\nit for what the vm has ({}; the note says where that leaves one answer), or always gives the error of a kernel that lacks what it is about ({}), or a \
         program that calls it is not\nloaded, as going on would be a wrong answer ({}). The others ({}) are for types of \
         programs that the vm does not run.\nSince says which kernel has it first. A routine is a program on plain \
         memory.\n\n| helper | number | since | in the vm | programs | note |\n|---|---|---|---|---|---|\n",
        count(|on| *on == OnCall::Done),
        count(|on| matches!(on, OnCall::Answers { .. })),
        count(|on| *on == OnCall::Refused),
        count(|on| *on == OnCall::Away),
    );
    for row in skep_vm::helpers() {
        let Some(helper) = skep_isa::spec::helper::find(row.id) else { continue };
        let on_call = match row.on_call {
            OnCall::Done => "done".to_owned(),
            OnCall::Answers { errno } => format!("answers -{}", error_name(errno)),
            OnCall::Refused => "refused at load".to_owned(),
            OnCall::Away => "–".to_owned(),
        };
        let programs = match row.programs.len() {
            0 => "none of the vm".to_owned(),
            5 => "all".to_owned(),
            _ => row.programs.join(", "),
        };
        let _ = writeln!(
            text,
            "| [`{0}`](helpers.md#{1}) | {2} | {3} | {on_call} | {programs} | {4} |",
            helper.name,
            anchor(helper.name),
            row.id,
            helper.since,
            cell(row.note)
        );
    }
    text
}

/// The errors that helpers of the vm always answer, by name.
fn error_name(errno: i64) -> String {
    let names = [(2, "ENOENT"), (19, "ENODEV"), (22, "EINVAL"), (93, "EPROTONOSUPPORT"), (95, "EOPNOTSUPP")];
    match names.iter().find(|(number, _)| *number == errno) {
        Some((_, name)) => (*name).to_owned(),
        None if errno == 524 => "ENOTSUPP".to_owned(),
        None => errno.to_string(),
    }
}

fn page(noun: Noun) -> String {
    let all = pages(noun);
    let mut text = format!(
        "# {}\n\nWritten by `cargo xtask gen docs`; the facts stand in `crates/skep-isa/src/spec/`.\n`skep explain {noun} NAME` \
         tells one row, and what holds of it on your machine.\n\n",
        capital(noun.row().what)
    );
    let dated = all.iter().any(|p| p.since.is_some());
    text.push_str(if dated { "| name | since | what |\n|---|---|---|\n" } else { "| name | what |\n|---|---|\n" });
    for page in &all {
        let since =
            page.since.map(|v| format!(" {v} |")).unwrap_or(if dated { " – |".to_owned() } else { String::new() });
        let _ = writeln!(text, "| [`{0}`](#{1}) |{since} {2} |", page.name, anchor(&page.name), cell(&page.what));
    }
    if noun == Noun::Helper {
        text.push_str(&exceptions());
    }
    for page in &all {
        text.push_str(&section(page));
    }
    text
}

/// What the comparison of helpers with running kernels leaves out.
fn exceptions() -> String {
    let mut text = String::from(
        "\n## Exceptions\n\nWhat each row says of places is compared with running kernels, pair by pair; these are left out.\n\n\
         | what | when | until | why |\n|---|---|---|---|\n",
    );
    for row in exception::TABLE {
        let what = match row.scope {
            exception::Scope::Places(places) => places.iter().map(|p| p.row().name.to_owned()).collect::<Vec<_>>(),
            exception::Scope::Helpers(names) => names.iter().map(|n| (*n).to_owned()).collect(),
        };
        let until = row.until.map_or("any".to_owned(), |v| v.to_string());
        let _ = writeln!(text, "| {} | {} | {until} | {} |", what.join(", "), row.when, row.why);
    }
    text
}

fn section(page: &Page) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n", page.name, cell(&page.what));
    if !page.also.is_empty() {
        let also: Vec<String> = page.also.iter().map(|a| format!("`{a}`")).collect();
        let _ = writeln!(text, "- also: {}", also.join(", "));
    }
    if let Some(since) = page.since {
        let _ = writeln!(text, "- since: {since}");
    }
    for fact in &page.facts {
        match &fact.value {
            Value::Text(value) => {
                let _ = writeln!(text, "- {}: {}", fact.label, cell(value));
            }
            Value::List(values) => {
                let _ = writeln!(text, "- {}: {}", fact.label, cell(&values.join(", ")));
            }
            Value::Table { .. } => {}
        }
    }
    for fact in &page.facts {
        if let Value::Table { columns, rows } = &fact.value {
            let _ = writeln!(
                text,
                "\n{}:\n\n| {} |\n|{}",
                capital(fact.label),
                columns.join(" | "),
                "---|".repeat(columns.len())
            );
            for row in rows {
                let cells: Vec<String> = row.iter().map(|c| cell(c)).collect();
                let _ = writeln!(text, "| {} |", cells.join(" | "));
            }
        }
    }
    if !page.see.is_empty() {
        let mut links: Vec<String> =
            page.see.iter().map(|(noun, name)| format!("[{noun} {name}]({}#{})", file(*noun), anchor(name))).collect();
        links.dedup();
        let _ = writeln!(text, "\nSee also: {}.", links.join(", "));
    }
    text
}

/// Text that Markdown leaves as it is.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('*', "\\*").replace("__", "\\_\\_")
}

/// How readers of Markdown make an anchor of a heading.
fn anchor(name: &str) -> String {
    let kept = name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
