//! Pages for people.

use std::fmt::Write as _;
use std::io::Write;

use comfy_table::ContentArrangement;
use skep_isa::explain::{NOUNS, Page, Value, pages as all};

use super::here::Here;
use crate::failure::Failure;
use crate::table;

/// Columns that text is wrapped to where nothing says otherwise.
const WIDTH: usize = 100;

fn print(text: &str) -> Result<(), Failure> {
    Ok(write!(std::io::stdout().lock(), "{text}")?)
}

/// What there is to explain.
pub(super) fn nouns() -> Result<(), Failure> {
    let mut rows = table::new(["noun", "rows", "what"].map(str::to_owned));
    for row in NOUNS {
        rows.add_row([row.noun.name().to_owned(), all(row.noun).len().to_string(), row.what.to_owned()]);
    }
    rows.add_row([
        super::TYPES.to_owned(),
        String::new(),
        "program type × attach type, and what works here".to_owned(),
    ]);
    table::right(&mut rows, 1);
    print(&format!(
        "{}\n\n`skep explain NOUN` lists the names of a noun, `skep explain [NOUN] NAME` explains one.\n",
        table::trim(&rows)
    ))
}

/// The names of a noun, a line each.
pub(super) fn names(pages: &[Page]) -> Result<(), Failure> {
    let mut rows = table::new(["name", "since", "what"].map(str::to_owned));
    rows.set_width(u16::try_from(width()).unwrap_or(u16::MAX)).set_content_arrangement(ContentArrangement::Dynamic);
    for page in pages {
        rows.add_row([page.name.clone(), page.since.map(|v| v.to_string()).unwrap_or_default(), page.what.clone()]);
    }
    print(&format!("{}\n", table::trim(&rows)))
}

/// Pages, one after the other.
pub(super) fn pages(pages: &[(Page, Vec<Here>)]) -> Result<(), Failure> {
    let texts: Vec<String> = pages.iter().map(|(page, here)| one(page, here)).collect();
    print(&texts.join("\n"))
}

fn one(page: &Page, here: &[Here]) -> String {
    let mut text = format!("{} {}", page.noun, page.name);
    if let Some(since) = page.since {
        let _ = write!(text, ", since Linux {since}");
    }
    let _ = writeln!(text, "\n\n{}\n", wrap(&page.what, 2));
    let short = page.facts.iter().filter(|f| !matches!(f.value, Value::Table { .. })).map(|f| f.label.len());
    let column = short.chain(["this machine".len()]).max().unwrap_or(0) + 2;
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "  {label:column$}{}", wrap(value, column + 2).trim_start());
    };
    for fact in &page.facts {
        match &fact.value {
            Value::Text(value) => line(fact.label, value),
            Value::List(values) => line(fact.label, &values.join(", ")),
            Value::Table { .. } => {}
        }
    }
    for (at, h) in here.iter().enumerate() {
        line(if at == 0 { "this machine" } else { "" }, &h.sentence());
    }
    for fact in &page.facts {
        if let Value::Table { columns, rows } = &fact.value {
            let mut shown = table::new(columns.iter().map(|c| (*c).to_owned()));
            shown
                .set_width(u16::try_from(width()).unwrap_or(u16::MAX))
                .set_content_arrangement(ContentArrangement::Dynamic);
            rows.iter().for_each(|row| {
                shown.add_row(row);
            });
            let table = table::trim(&shown).lines().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n");
            let _ = writeln!(text, "\n  {}:\n{table}", fact.label);
        }
    }
    if !page.see.is_empty() {
        let mut names: Vec<String> = page.see.iter().map(|(noun, name)| format!("{noun} {name}")).collect();
        names.dedup();
        let _ = writeln!(text, "\n  see also: {}", wrap(&names.join(", "), 12).trim_start());
    }
    text
}

/// How wide text may be: as `COLUMNS` says.
fn width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(WIDTH).clamp(60, 160)
}

/// Breaks a text at blanks, each line indented.
fn wrap(text: &str, indent: usize) -> String {
    let room = width().saturating_sub(indent).max(30);
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines.last().is_some_and(|l| !l.is_empty() && l.chars().count() + 1 + word.chars().count() > room);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.iter().map(|line| format!("{:indent$}{line}", "")).collect::<Vec<_>>().join("\n")
}
