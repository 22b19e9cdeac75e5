//! Pages of contexts, and of structs that are reached by a pointer.

use super::{Noun, Page};
use crate::spec::context::pointee::{self, Pointee, Via};
use crate::spec::context::{self, Context, Field, Who};

pub(super) fn pages() -> Vec<Page> {
    let contexts = context::TABLE.iter().map(page);
    contexts.chain(pointee::TABLE.iter().map(reached)).collect()
}

fn page(row: &'static Context) -> Page {
    let everybody = row.fields.iter().all(|f| f.read == Who::All && f.write == Who::Nobody);
    let page = Page::new(Noun::Ctx, row.name, row.what)
        .since(row.since)
        .text("size", format!("{} bytes", row.size))
        .text("layout", if row.is_struct { "a struct of the kernel" } else { "no struct of this name" })
        .list("program types", row.prog_types);
    let page = match row.default_attach {
        Some(attach) => page.text("attach type when none is given", attach),
        None => page,
    };
    let columns: &[&str] = if everybody {
        &["offset", "size", "field", "type", "gives", "loads of", "since"]
    } else {
        &["offset", "size", "field", "type", "gives", "loads of", "read in", "written in", "since"]
    };
    let cells = |f: &Field| {
        let mut cells = layout(f);
        cells.extend([f.kind.words(), f.load.words(f.unit)]);
        if !everybody {
            cells.extend([who(f.read), written(f)]);
        }
        cells.push(f.since.to_string());
        cells
    };
    let capable = row.fields.iter().flat_map(|f| {
        let read = f.read_cap_bpf.iter().map(|p| format!("{p} loads {} with CAP_BPF only", f.name));
        read.chain(f.write_cap_bpf.iter().map(|p| format!("{p} stores to {} with CAP_BPF only", f.name)))
    });
    page.table("fields", columns, row.fields.iter().map(cells).collect())
        .list("privilege", capable)
        .see(Noun::Prog, row.prog_types)
}

/// Offset, size, name and type.
fn layout(f: &Field) -> Vec<String> {
    vec![f.offset.to_string(), f.size.to_string(), f.name.to_owned(), f.spelled()]
}

fn who(who: Who) -> String {
    match who {
        Who::Nobody => "none".to_owned(),
        Who::All => "all".to_owned(),
        Who::Types(types) => types.iter().map(|t| t.name()).collect::<Vec<_>>().join(", "),
        Who::Attach(types) => types.iter().map(|t| t.name()).collect::<Vec<_>>().join(", "),
    }
}

fn written(f: &Field) -> String {
    let mut text = who(f.write);
    if f.write != Who::Nobody {
        text = format!("{text} ({} bytes)", f.store.words(f.unit));
    }
    match f.write_since {
        Some(since) => format!("{text} since {since}"),
        None => text,
    }
}

fn reached(row: &'static Pointee) -> Page {
    let shared = context::TABLE.iter().any(|c| c.name == row.name);
    let name = match row.via {
        Via::SockCommon => format!("{} (common part)", row.name),
        _ if shared => format!("{} (by pointer)", row.name),
        _ => row.name.to_owned(),
    };
    let rules = row.via.words();
    let cells = |f: &Field| {
        let mut cells = layout(f);
        if rules.sized {
            cells.push(if row.hides(f) { "none".to_owned() } else { f.load.words(f.unit) });
        }
        cells.push(f.since.to_string());
        cells
    };
    let columns: &[&str] = if rules.sized {
        &["offset", "size", "field", "type", "loads of", "since"]
    } else {
        &["offset", "size", "field", "type", "since"]
    };
    let page = Page::new(Noun::Ctx, &name, row.what);
    let page = if name == row.name { page } else { page.also(row.name) };
    page.since(row.since).text("size", format!("{} bytes", row.size)).text("access", rules.text).table(
        "fields",
        columns,
        row.fields.iter().map(cells).collect(),
    )
}
