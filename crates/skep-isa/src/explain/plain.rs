//! Pages of the tables that need few words: commands, links, licences, limits, kfunc rules, hooks, CO-RE relocations,
//! features of BTF, diagnostic codes.

use skep_diag::code;

use super::{Noun, Page};
use crate::spec::{attach_type, btf_feature, command, core_kind, hook, kfunc, licence, limit, link_type};

pub(super) fn commands() -> Vec<Page> {
    let page = |row: &command::Row| {
        Page::new(Noun::Command, &row.id.name(), row.what)
            .also(row.constant)
            .since(row.since)
            .text("number", row.id.id())
            .text("needs", row.needs.words())
    };
    command::TABLE.iter().map(page).collect()
}

pub(super) fn links() -> Vec<Page> {
    let page = |row: &'static link_type::Row| {
        let held = || attach_type::TABLE.iter().filter(|a| a.link == Some(row.id)).map(|a| a.name);
        Page::new(Noun::Link, row.name, row.what)
            .also(row.id.constant())
            .since(row.since)
            .text("number", row.id.id())
            .text("update", row.update.map_or("no".to_owned(), |what| format!("BPF_LINK_UPDATE puts in {what}")))
            .text(
                "detach",
                match row.detach {
                    Some(since) => {
                        format!("BPF_LINK_DETACH (since {since}), or closing the last descriptor and removing its pins")
                    }
                    None => "closing the last descriptor and removing its pins".to_owned(),
                },
            )
            .list("attach types", held())
            .see(Noun::Attach, held())
    };
    link_type::TABLE.iter().map(page).collect()
}

pub(super) fn licences() -> Vec<Page> {
    let page = |row: &licence::Row| {
        Page::new(Noun::Licence, row.text, row.what).text("GPL-compatible", if row.gpl { "yes" } else { "no" })
    };
    licence::TABLE.iter().map(page).collect()
}

pub(super) fn limits() -> Vec<Page> {
    let page = |row: &limit::Row| {
        let page = Page::new(Noun::Limit, row.name, row.what)
            .since(row.since)
            .text("limit", format!("{} {}", row.value, row.unit));
        match row.constant {
            Some(constant) => page.also(constant).text("constant", constant),
            None => page,
        }
    };
    limit::TABLE.iter().map(page).collect()
}

/// The functions themselves stand in the running kernel's BTF.
pub(super) fn kfunc_rules() -> Vec<Page> {
    let page =
        |row: &kfunc::Rule| Page::new(Noun::Kfunc, row.name, row.what).since(row.since).text("on", row.on.words());
    kfunc::TABLE.iter().map(page).collect()
}

pub(super) fn hooks() -> Vec<Page> {
    let page = |row: &'static hook::Row| {
        let what = format!(
            "{}{}.",
            row.what.get(..1).unwrap_or_default().to_uppercase(),
            row.what.get(1..).unwrap_or_default()
        );
        let mut page = Page::new(Noun::Hook, row.kind.name(), &what);
        page.also = row.spellings.iter().skip(1).map(|s| (*s).to_owned()).collect();
        page.since(row.since)
            .text("written", row.form)
            .list("other spellings", row.spellings.iter().skip(1))
            .list("program types", row.prog_types)
            .see(Noun::Prog, row.prog_types)
    };
    hook::TABLE.iter().map(page).collect()
}

pub(super) fn cores() -> Vec<Page> {
    let page = |row: &core_kind::Row| {
        let absent = match row.absent {
            Some(value) => value.to_string(),
            None => "the instruction becomes a call of no helper, which the verifier refuses where a path leads there"
                .into(),
        };
        Page::new(Noun::Core, row.name, row.what)
            .also(row.id.constant())
            .since(row.since)
            .text("number", row.id.id())
            .text("compiler", format!("LLVM {}", row.llvm))
            .text("about", row.about.words())
            .text("where the kernel has none", absent)
    };
    core_kind::TABLE.iter().map(page).collect()
}

pub(super) fn btf() -> Vec<Page> {
    let page = |row: &btf_feature::Row| {
        Page::new(Noun::Btf, row.name, row.what)
            .since(row.since)
            .text("records", row.records)
            .text("on kernels without", row.instead)
    };
    btf_feature::TABLE.iter().map(page).collect()
}

pub(super) fn codes() -> Vec<Page> {
    let page = |row: &code::Row| {
        let status = match row.status {
            1 => "1: a negative answer",
            2 => "2: wrong use or bad input",
            _ => "3: the system refused",
        };
        Page::new(Noun::Code, row.code.as_str(), row.what).text("exit status", status)
    };
    code::TABLE.iter().map(page).collect()
}
