//! Pages of section names.

use super::{Noun, Page, prog};
use crate::spec::section::{self, Form, Section};

pub(super) fn pages() -> Vec<Page> {
    section::TABLE.iter().map(page).collect()
}

fn page(row: &'static Section) -> Page {
    let what = row.attach_type.map_or(row.prog_type.row().what, |a| a.row().what);
    let written = match row.form {
        Form::Exact => format!("SEC(\"{}\")", row.pattern),
        Form::Detail(detail) => format!("SEC(\"{0}\") or SEC(\"{0}/{detail}\")", row.pattern),
    };
    let results = match result(row) {
        Some(range) => prog::range(range),
        None => "any number".to_owned(),
    };
    let flags = [(section::SLEEPABLE, "BPF_F_SLEEPABLE"), (section::XDP_FRAGS, "BPF_F_XDP_HAS_FRAGS")];
    let page = Page::new(Noun::Section, row.pattern, what)
        .also(format!("SEC(\"{}\")", row.pattern))
        .since(row.since())
        .text("written", written)
        .text("program type", row.prog_type)
        .text("attach type", row.attach_type.map_or("none: not named at load", |a| a.name()))
        .list("load flags", flags.iter().filter(|(bit, _)| row.flags & bit != 0).map(|(_, name)| name))
        .text("results", results)
        .text("hook of skep", row.hook.map_or("none yet", |h| h.row().form));
    page.see(Noun::Prog, [row.prog_type]).see(Noun::Attach, row.attach_type)
}

fn result(row: &Section) -> Option<&'static crate::spec::result::Range> {
    crate::spec::result::allowed(row.prog_type, row.attach_type)
}
