//! Pages of attach types.

use super::{Noun, Page, prog};
use crate::spec::{AttachType, attach_type, section};

pub(super) fn pages() -> Vec<Page> {
    attach_type::TABLE.iter().map(page).collect()
}

fn page(row: &'static attach_type::Row) -> Page {
    let sections = section::TABLE.iter().filter(|s| s.attach_type == Some(row.id)).map(|s| s.pattern);
    let results = row.prog_types.iter().map(|p| match prog::at(*p, row.id) {
        Some(range) => format!("{p}: {}", prog::range(range)),
        None => format!("{p}: any number"),
    });
    let page = Page::new(Noun::Attach, row.name, row.what)
        .also(row.id.constant())
        .since(row.since)
        .text("number", row.id.id())
        .list("program types", row.prog_types)
        .text("target", row.target.words())
        .list("calls", calls(row))
        .text("link", row.link.map_or("none", |l| l.name()))
        .text("at load", row.at_load.words())
        .text(
            "may sleep",
            row.may_sleep.map_or("no".to_owned(), |v| format!("programs loaded with BPF_F_SLEEPABLE (since {v})")),
        )
        .list("results", results)
        .list("sections", sections);
    page.see(Noun::Prog, row.prog_types).see(Noun::Link, row.link)
}

/// The calls that attach there.
fn calls(row: &attach_type::Row) -> Vec<String> {
    let mut calls = Vec::new();
    if let Some(since) = row.link_since() {
        calls.push(format!("BPF_LINK_CREATE (since {since})"));
    }
    if row.target.takes_prog_attach(row.id) {
        let own = if row.target == attach_type::Target::Netns { " (to the caller's own: target_fd is 0)" } else { "" };
        calls.push(format!("BPF_PROG_ATTACH{own}"));
    }
    match row.target {
        attach_type::Target::Tracepoint | attach_type::Target::Function | attach_type::Target::LsmHook => {
            calls.push("BPF_RAW_TRACEPOINT_OPEN".to_owned());
        }
        attach_type::Target::PerfEvent => calls.push("ioctl(PERF_EVENT_IOC_SET_BPF)".to_owned()),
        attach_type::Target::Socket => calls.push("setsockopt(SO_ATTACH_REUSEPORT_EBPF)".to_owned()),
        attach_type::Target::MapValue => calls.push("BPF_MAP_UPDATE_ELEM of the map".to_owned()),
        attach_type::Target::Device if row.id == AttachType::Xdp => {
            calls.push("netlink (IFLA_XDP)".to_owned());
        }
        _ => {}
    }
    calls
}
