//! `skep btf find`: types, functions and variables by name.

use serde_json::{Value, json};
use skep_btf::{Kind, Scan, TypeId};
use skep_diag::{Diagnostic, code};
use skep_isa::spec::nearest;

use super::source::Source;
use crate::command::{print_json, print_table};
use crate::failure::Failure;
use crate::table;

/// One of the things found.
struct Found {
    from: String,
    id: TypeId,
    declared: String,
    size: Option<u32>,
    record: Value,
}

pub(super) fn run(names: &[String], within: Option<&str>, json: bool) -> Result<(), Failure> {
    let sources = match within {
        Some(word) => vec![Source::open(word)?],
        None => Source::all_of_kernel()?,
    };
    if sources.is_empty() {
        return Err(Diagnostic::error(code::NO_TYPES, "the kernel shows no types")
            .help("look into a file with `--in FILE`")
            .into());
    }
    let mut found = Vec::new();
    let mut missing = None;
    for name in names {
        let before = found.len();
        for source in &sources {
            source.with(|types| search(name, source, types, &mut found))?;
        }
        if found.len() == before {
            missing.get_or_insert(name);
        }
    }
    if json || !found.is_empty() {
        print(found, json)?;
    }
    // What was found is shown first.
    missing.map_or(Ok(()), |name| Err(nothing(name, &sources)))
}

fn print(found: Vec<Found>, json: bool) -> Result<(), Failure> {
    if json {
        let types: Vec<Value> = found.into_iter().map(|f| f.record).collect();
        return print_json(&json!({ "schema": 1, "types": types }));
    }
    let mut table = table::new(["from", "id", "size", "type"].map(str::to_owned));
    for f in &found {
        let size = f.size.map_or("-".to_owned(), |size| size.to_string());
        table.add_row([f.from.clone(), f.id.0.to_string(), size, f.declared.clone()]);
    }
    table::right(&mut table, 1);
    table::right(&mut table, 2);
    print_table(&table, found.len(), "types")
}

/// All of this name among the source's own types.
fn search(name: &str, source: &Source, types: &Scan<'_>, found: &mut Vec<Found>) -> Result<(), Failure> {
    for id in types.ids().filter(|id| types.name(*id) == name) {
        let Some(of) = types.get(id) else { continue };
        // Tags and sections are not what people mean by a name.
        if matches!(of.kind, Kind::DeclTag { .. } | Kind::TypeTag(_) | Kind::Datasec { .. }) {
            continue;
        }
        let size = match of.kind {
            Kind::Int { size, .. }
            | Kind::Struct { size, .. }
            | Kind::Union { size, .. }
            | Kind::Enum { size, .. }
            | Kind::Float { size } => Some(size),
            _ => None,
        };
        let mut record = serde_json::to_value(types.record(id))?;
        if let Some(fields) = record.as_object_mut() {
            fields.insert("from".to_owned(), source.name.as_str().into());
        }
        found.push(Found { from: source.name.clone(), id, declared: declared(types, id, &of.kind), size, record });
    }
    Ok(())
}

/// As C declares it.
fn declared(types: &Scan<'_>, id: TypeId, kind: &Kind) -> String {
    let name = types.name(id);
    let of = |to: TypeId| {
        let to = types.spell(to);
        if to.ends_with('*') { format!("{to}{name}") } else { format!("{to} {name}") }
    };
    match kind {
        Kind::Func { .. } => types.prototype(id).map_or_else(|| name.to_owned(), |p| p.to_string()),
        Kind::Typedef(to) => format!("typedef {}", of(*to)),
        Kind::Var { type_id, .. } => of(*type_id),
        Kind::Fwd { .. } => format!("{} (declared only)", types.spell(id)),
        _ => types.spell(id),
    }
}

fn nothing(name: &str, sources: &[Source]) -> Failure {
    let place = match sources {
        [one] => one.name.clone(),
        _ => "the kernel or its modules".to_owned(),
    };
    let d = Diagnostic::error(code::NO_SUCH_TYPE, format!("{place} has no type, function or variable `{name}`"));
    let near = sources.iter().find_map(|source| {
        let like = |types: &Scan<'_>| {
            let limit = name.len() / 3 + 1;
            let names = types.ids().map(|id| types.name(id)).filter(|n| n.len().abs_diff(name.len()) <= limit);
            Ok(nearest(name, names).map(str::to_owned))
        };
        source.with(like).ok().flatten()
    });
    match near {
        Some(near) => d.help(format!("did you mean `{near}`?")).into(),
        None => d.into(),
    }
}
