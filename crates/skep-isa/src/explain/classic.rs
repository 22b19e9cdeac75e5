//! Pages of classic BPF: operations, ancillary data, what seccomp filters read and return.

use super::{Noun, Page};
use crate::classic::{Op, TABLE};
use crate::spec::{ancillary, seccomp};

/// Operations, one page for each mnemonic, then ancillary data.
pub(super) fn pages() -> Vec<Page> {
    let mut names: Vec<&'static str> = Vec::new();
    for op in TABLE {
        if !names.contains(&op.name) {
            names.push(op.name);
        }
    }
    let operations = names.into_iter().filter_map(operation);
    operations.chain(ancillary::TABLE.iter().map(ancillary_data)).collect()
}

fn operation(name: &'static str) -> Option<Page> {
    let forms: Vec<&'static Op> = TABLE.iter().filter(|op| op.name == name).collect();
    let first = forms.first()?;
    let mut page = Page::new(Noun::Classic, name, first.what);
    page.since = forms.iter().map(|op| op.since).min();
    let rows = forms.iter().map(|op| {
        let takers: Vec<String> = op.takers.iter().map(ToString::to_string).collect();
        vec![
            format!("{:#04x}", op.code),
            crate::classic::text::line(op.encode(1, 2, 8), 0),
            takers.join(", "),
            op.since.to_string(),
            op.what.to_owned(),
        ]
    });
    Some(page.text("forms", forms.len()).table(
        "by code",
        &["code", "tcpdump -d", "taken by", "since", "what"],
        rows.collect(),
    ))
}

fn ancillary_data(row: &'static ancillary::Row) -> Page {
    let source = match row.source {
        ancillary::Source::Field { name, .. } => format!("field {name} of __sk_buff"),
        ancillary::Source::Device { .. } => "field ifindex of __sk_buff".to_owned(),
        ancillary::Source::Helper(name) => format!("helper bpf_{name}"),
        ancillary::Source::XorX => "arithmetic".to_owned(),
        ancillary::Source::Kernel => "nothing: the kernel alone computes it".to_owned(),
    };
    Page::new(Noun::Classic, row.name, row.what)
        .also(row.constant)
        .since(row.since)
        .text("loaded from", format!("SKF_AD_OFF ({:#x}) + {}", ancillary::BASE, row.offset))
        .text("in eBPF", source)
}

/// Actions of seccomp, the strongest first.
pub(super) fn actions() -> Vec<Page> {
    let fields =
        || seccomp::DATA.iter().map(|f| vec![f.offset.to_string(), f.size.to_string(), f.name.to_owned()]).collect();
    let page = |(at, row): (usize, &seccomp::Action)| {
        Page::new(Noun::Seccomp, row.name, row.what)
            .also(row.name.trim_start_matches("SECCOMP_RET_"))
            .since(row.since)
            .text("result", format!("{:#010x}, its data in the low 16 bits", row.value))
            .text(
                "strength",
                format!("{} of {}: of several filters' results the strongest counts", at + 1, seccomp::ACTIONS.len()),
            )
            .table("a filter reads", &["offset", "size", "field"], fields())
    };
    seccomp::ACTIONS.iter().enumerate().map(page).collect()
}
