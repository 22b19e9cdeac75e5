//! `.BTF` and `.BTF.ext` of the result: the types of all files, and where functions, lines and accesses went.

use std::collections::{BTreeSet, HashMap};

use skep_btf::{Appended, CoreRecord, Ext, FuncRecord, Kind, LineRecord, Merge, SectionVar, TypeId};
use skep_diag::{Diagnostic, code};

use super::input::{Input, Place};
use super::section::Sections;
use super::symbol::Symbols;

/// The encoded sections.
pub(super) struct Encoded {
    pub(super) btf: Vec<u8>,
    /// `None` where no file has records.
    pub(super) ext: Option<Vec<u8>>,
}

/// A section of variables of the result.
struct Variables {
    name: String,
    vars: Vec<SectionVar>,
}

/// Merges the types; `None` when no file has any.
pub(super) fn merge(
    inputs: &[Input<'_>],
    sections: &Sections<'_>,
    symbols: &Symbols<'_>,
    declared: &[HashMap<&str, TypeId>],
) -> Result<Option<Encoded>, Diagnostic> {
    let mut merge = Merge::new();
    let mut appended = Vec::with_capacity(inputs.len());
    for input in inputs {
        let place = input.btf.as_ref().map(|btf| merge.append(btf)).transpose();
        appended.push(place.map_err(|e| {
            Diagnostic::error(code::BAD_BTF, format!("the .BTF section of {} is damaged", input.file))
                .note(e.to_string())
        })?);
    }
    if appended.iter().all(Option::is_none) {
        return Ok(None);
    }
    let place = |input: usize| -> Option<Appended> { *appended.get(input)? };
    for (name, global) in symbols.globals() {
        let id = |input: usize| Some(place(input)?.id(*declared.get(input)?.get(name)?));
        let Some(holder) = id(global.holder.input) else { continue };
        for other in global.seen.iter().filter_map(|origin| id(origin.input)).filter(|other| *other != holder) {
            merge.replace(other, holder);
        }
    }
    variables(inputs, sections, symbols, &appended, &mut merge);
    let mut ext = Ext::default();
    for (number, input) in inputs.iter().enumerate() {
        if let Some(place) = place(number) {
            records(input, number, place, sections, &lost(inputs, symbols, number), &mut merge, &mut ext);
        }
    }
    let (mut builder, ids) = merge.finish();
    ext.funcs.iter_mut().for_each(|record| record.type_id = ids.get(record.type_id));
    ext.cores.iter_mut().for_each(|record| record.type_id = ids.get(record.type_id));
    builder.index_arrays();
    let large = |e: skep_btf::TooLarge| {
        Diagnostic::error(code::UNSUPPORTED_OBJECT, "the files have more types together than an object can say")
            .note(e.to_string())
    };
    let btf = builder.encode().map_err(large)?;
    let is_empty = ext.funcs.is_empty() && ext.lines.is_empty() && ext.cores.is_empty();
    let ext = if is_empty { None } else { Some(ext.encode().map_err(large)?) };
    Ok(Some(Encoded { btf, ext }))
}

/// Makes the sections of variables anew: each variable once, where it went.
fn variables(
    inputs: &[Input<'_>],
    sections: &Sections<'_>,
    symbols: &Symbols<'_>,
    appended: &[Option<Appended>],
    merge: &mut Merge,
) {
    let mut all: Vec<Variables> = Vec::new();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for (number, (input, place)) in inputs.iter().zip(appended).enumerate() {
        let (Some(btf), Some(place)) = (&input.btf, place) else { continue };
        for (id, found) in btf.types() {
            let Kind::Datasec { vars, .. } = &found.kind else { continue };
            let name = btf.name(id);
            merge.replace(place.id(id), TypeId(0));
            let offset = match input.section(name).map(|section| sections.placed(number, section)) {
                Some(Some(placed)) => u32::try_from(placed.offset).unwrap_or(u32::MAX),
                // A second licence.
                Some(None) => {
                    vars.iter().for_each(|var| merge.replace(place.id(var.type_id), TypeId(0)));
                    continue;
                }
                None => 0,
            };
            let at = *by_name.entry(name.to_owned()).or_insert_with(|| {
                all.push(Variables { name: name.to_owned(), vars: Vec::new() });
                all.len() - 1
            });
            let Some(section) = all.get_mut(at) else { continue };
            for var in vars {
                let is_shared = match btf.get(var.type_id).map(|t| &t.kind) {
                    Some(Kind::Var { linkage, .. }) => *linkage != 0,
                    Some(Kind::Func { linkage, .. }) => *linkage != 0,
                    _ => false,
                };
                let global = symbols.global(btf.name(var.type_id)).filter(|_| is_shared);
                if global.is_none_or(|global| global.holder.input == number) {
                    let offset = var.offset.saturating_add(offset);
                    section.vars.push(SectionVar { type_id: place.id(var.type_id), offset, size: var.size });
                }
            }
        }
    }
    for Variables { name, mut vars } in all {
        let merged = sections.find(&name);
        vars.sort_by_key(|var| var.offset);
        // What only declares, and declares nothing more, is gone.
        if merged.is_some() || !vars.is_empty() {
            let size = merged.map_or(0, |merged| u32::try_from(merged.size).unwrap_or(u32::MAX));
            merge.add(&name, Kind::Datasec { size, vars });
        }
    }
}

/// The bytes of code of a file that definitions hold which gave way: by section, first and last.
fn lost(inputs: &[Input<'_>], symbols: &Symbols<'_>, number: usize) -> BTreeSet<(usize, u64, u64)> {
    let mut lost = BTreeSet::new();
    for (_, global) in symbols.globals() {
        for origin in global.seen.iter().filter(|origin| origin.input == number && **origin != global.holder) {
            let symbol = inputs.get(number).and_then(|input| input.symbols.get(origin.symbol));
            if let Some((symbol, Place::Section(section))) = symbol.map(|symbol| (symbol, symbol.place)) {
                lost.insert((section, symbol.value, symbol.value.saturating_add(symbol.size)));
            }
        }
    }
    lost
}

/// Moves the records of a file; those of code that nobody reaches any more stay behind.
fn records(
    input: &Input<'_>,
    number: usize,
    place: Appended,
    sections: &Sections<'_>,
    lost: &BTreeSet<(usize, u64, u64)>,
    merge: &mut Merge,
    ext: &mut Ext,
) {
    let Some(btf) = &input.btf else { return };
    let mut known: HashMap<u32, Option<(usize, u32, u32)>> = HashMap::new();
    let mut moved = |merge: &mut Merge, section: u32, offset: u32| {
        let (at, name, base) = (*known.entry(section).or_insert_with(|| {
            let name = btf.string(section)?;
            let at = input.section(name)?;
            let base = u32::try_from(sections.placed(number, at)?.offset).ok()?;
            Some((at, merge.string(name), base))
        }))?;
        let byte = u64::from(offset);
        let before = lost.range(..=(at, byte, u64::MAX)).next_back();
        let is_lost = before.is_some_and(|(section, start, end)| *section == at && (*start..*end).contains(&byte));
        (!is_lost).then_some((name, base.checked_add(offset)?))
    };
    for record in &input.ext.funcs {
        if let Some((section, offset)) = moved(merge, record.section, record.offset) {
            ext.funcs.push(FuncRecord { section, offset, type_id: place.id(record.type_id) });
        }
    }
    for record in &input.ext.lines {
        let Some((section, offset)) = moved(merge, record.section, record.offset) else { continue };
        let mut text = |offset: u32| merge.string(btf.string(offset).unwrap_or_default());
        let (file_off, text_off) = (text(record.file_off), text(record.text_off));
        ext.lines.push(LineRecord { section, offset, file_off, text_off, ..*record });
    }
    for record in &input.ext.cores {
        let Some((section, offset)) = moved(merge, record.section, record.offset) else { continue };
        let access_off = merge.string(btf.string(record.access_off).unwrap_or_default());
        ext.cores.push(CoreRecord {
            section,
            offset,
            type_id: place.id(record.type_id),
            access_off,
            kind: record.kind,
        });
    }
}
