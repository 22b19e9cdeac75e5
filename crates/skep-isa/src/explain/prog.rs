//! Pages of program types.

use super::{Noun, Page};
use crate::spec::{AttachType, Place, ProgType, attach_type, helper, hook, prog_type, result, section};

pub(super) fn pages() -> Vec<Page> {
    prog_type::TABLE.iter().map(page).collect()
}

/// The attach types of a program type, in the order of their numbers.
fn attach_types(prog_type: ProgType) -> impl Iterator<Item = &'static attach_type::Row> {
    attach_type::TABLE.iter().filter(move |row| row.prog_types.contains(&prog_type))
}

fn page(row: &'static prog_type::Row) -> Page {
    let attach = || attach_types(row.id);
    let sections = section::TABLE.iter().filter(|s| s.prog_type == row.id).map(|s| s.pattern);
    let hooks = hook::TABLE.iter().filter(|h| h.prog_types.contains(&row.id));
    let page = Page::new(Noun::Prog, row.name, row.what)
        .also(row.id.constant())
        .since(row.since)
        .text("number", row.id.id())
        .text("context", row.context)
        .text("results", results(row.id))
        .table("results by number", &["result", "name"], named(row.id))
        .text("may sleep", row.sleep.words())
        .text("a load names", row.names.words())
        .text("needs", row.needs.words())
        .table("attach types", &["attach type", "since", "results", "link"], attach().map(attach_row(row.id)).collect())
        .list("sections", sections)
        .list("hooks of skep", hooks.map(|h| h.form))
        .list("helpers", helpers(row.id));
    page.see(Noun::Attach, attach().map(|a| a.name))
}

/// The helpers that programs of a type are offered, each with its places where those are not all.
fn helpers(prog_type: ProgType) -> Vec<String> {
    let places: Vec<Place> = Place::all().filter(|p| p.row().prog_type == prog_type).collect();
    let offered = |row: &'static helper::Helper| {
        let at: Vec<&str> = places.iter().filter(|p| row.offered_in(**p)).map(|p| p.row().name).collect();
        match at.len() {
            0 => None,
            all if all == places.len() => Some(row.name.to_owned()),
            _ => Some(format!("{} (only {})", row.name, at.join(", "))),
        }
    };
    helper::TABLE.iter().filter_map(offered).collect()
}

/// What programs of a type may return, without regard to where they are put.
fn results(prog_type: ProgType) -> String {
    let ranges: Vec<&result::Range> = result::RANGES.iter().filter(|r| r.prog_type == prog_type).collect();
    match (prog_type, ranges.as_slice()) {
        (ProgType::Lsm, _) => "what the hook allows: for most 0 or a negative error".to_owned(),
        (_, []) => "any number".to_owned(),
        (_, [only]) if only.attach_types.is_empty() => range(only),
        _ => "by attach type".to_owned(),
    }
}

/// A range in words: `0 to 1: 0 drops, 1 lets pass`.
pub(super) fn range(range: &result::Range) -> String {
    if range.low == range.high {
        format!("{}: {}", range.low, range.what)
    } else {
        format!("{} to {}: {}", range.low, range.high, range.what)
    }
}

/// The named results of a program type.
fn named(prog_type: ProgType) -> Vec<Vec<String>> {
    match result::of(prog_type) {
        result::Results::Named(rows) => rows.iter().map(|r| vec![r.value.to_string(), r.name.to_owned()]).collect(),
        _ => vec![],
    }
}

fn attach_row(prog_type: ProgType) -> impl Fn(&'static attach_type::Row) -> Vec<String> {
    move |row| {
        let results = at(prog_type, row.id).map_or("any".to_owned(), |r| format!("{} to {}", r.low, r.high));
        let link = row.link.map_or("none", |l| l.name());
        vec![row.name.to_owned(), row.since.to_string(), results, link.to_owned()]
    }
}

/// The range at one attach type.
pub(super) fn at(prog_type: ProgType, attach_type: AttachType) -> Option<&'static result::Range> {
    result::allowed(prog_type, Some(attach_type))
}
