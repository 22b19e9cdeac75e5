//! Pages of program types.

use super::{Noun, Page};
use crate::spec::prog_type;

pub(super) fn pages() -> Vec<Page> {
    prog_type::TABLE.iter().map(page).collect()
}

fn page(row: &prog_type::Row) -> Page {
    Page::new(Noun::Prog, row.name, "A program type.")
        .also(format!("BPF_PROG_TYPE_{}", row.name.to_uppercase()))
        .since(row.since)
        .text("number", row.id.id())
}
