//! Names to what they stand for: distances, helpers, relocations; labels to symbols with a size.

use std::collections::HashMap;

use skep_diag::{Diagnostic, code};

use super::draft::{Draft, DraftSection, Fix, Named};
use super::pattern::Reference;
use super::report::{Report, Spot};
use super::{Assembly, Code, Content, Reloc, Section, Symbol, Target};
use crate::opcode::{self, Kind, Op, Width};
use crate::spec::{helper, nearest};
use crate::{Insn, insn};

/// Looks up every name and lays out the symbols. With `whole`, code must stand in functions.
pub(super) fn finish(mut draft: Draft<'_>, whole: bool) -> Result<Assembly, Vec<Diagnostic>> {
    globals(&mut draft);
    functions(&mut draft);
    // After other errors the label may be there and only be wrong.
    if whole && !draft.report.has_errors() {
        nameless_code(&mut draft);
    }
    let symbols = symbols(&draft);
    let index: HashMap<String, usize> = symbols.iter().enumerate().map(|(at, s)| (s.name.clone(), at)).collect();
    let mut sections = std::mem::take(&mut draft.sections);
    let mut finished = Vec::new();
    for (at, section) in sections.iter_mut().enumerate() {
        let relocs = link(&mut draft, at, section, &index);
        let content = if section.is_code {
            let (insns, lines) = (std::mem::take(&mut section.insns), std::mem::take(&mut section.lines));
            Content::Code(Code { insns, relocs, lines })
        } else if section.is_zeros() {
            Content::Zeros(section.zeros)
        } else {
            Content::Data(std::mem::take(&mut section.bytes))
        };
        finished.push(Section { name: std::mem::take(&mut section.name), content });
    }
    let license = draft.license.take();
    let origin = draft.report.origin.to_owned();
    let errors = draft.report.finish();
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut assembly = Assembly { origin, license, sections: finished, symbols, maps: draft.maps };
    drop_empty(&mut assembly);
    Ok(assembly)
}

/// What `.global` and `.type` say of labels.
fn globals(draft: &mut Draft<'_>) {
    let globals = std::mem::take(&mut draft.globals);
    for (name, spot) in globals {
        match draft.names.get(&name) {
            Some(Named::Label(at)) => {
                if let Some(label) = draft.labels.get_mut(*at) {
                    label.is_global = true;
                }
            }
            Some(Named::Map(_)) => {}
            None => {
                let error = draft
                    .report
                    .error(code::ASM_NAME, format!("there is no label `{name}`"), &spot, "made global here")
                    .help(format!("write `{name}:` where it begins"));
                draft.report.add(spot.line, error);
            }
        }
    }
    for label in &mut draft.labels {
        label.is_function = match draft.typed.get(&label.name) {
            Some(is_function) => *is_function,
            None => label.is_global,
        };
    }
}

/// Marks the labels at which functions begin.
fn functions(draft: &mut Draft<'_>) {
    let mut called: Vec<usize> = Vec::new();
    for fix in draft.sections.iter().flat_map(|s| &s.fixes) {
        if let Reference::Call(name) | Reference::Address(name, 0) = &fix.reference
            && let Some(Named::Label(at)) = draft.names.get(name)
        {
            called.push(*at);
        }
    }
    for at in called {
        if let Some(label) = draft.labels.get_mut(at) {
            label.is_function = true;
        }
    }
    for (at, section) in draft.sections.iter().enumerate() {
        let is_first = |l: &super::draft::Label| l.section == at && l.offset == 0 && !l.name.starts_with(".L");
        let named = draft.labels.iter().any(|l| is_first(l) && l.is_function);
        if !named && let Some(first) = draft.labels.iter_mut().find(|l| is_first(l)) {
            first.is_function = true;
        }
        // A section with nothing global in it has one program, its first function.
        let global = draft.labels.iter().any(|l| l.section == at && l.is_global);
        if !global
            && section.is_code
            && section.name != ".text"
            && let Some(first) = draft.labels.iter_mut().find(|l| is_first(l) && l.is_function)
        {
            first.is_global = true;
        }
    }
    for label in &mut draft.labels {
        let is_code = draft.sections.get(label.section).is_some_and(|s| s.is_code);
        label.is_function &= is_code && !label.name.starts_with(".L");
    }
}

/// Tells of code before the first function of its section, and of functions without code.
fn nameless_code(draft: &mut Draft<'_>) {
    for label in draft.labels.iter().filter(|l| l.is_function) {
        if draft.sections.get(label.section).is_some_and(|s| label.offset == s.len()) {
            let title = format!("function `{}` has no instructions", label.name);
            let error = draft.report.error(code::ASM_PLACE, title, &label.spot, "its section ends here");
            draft.report.add(label.spot.line, error.help("it needs an `exit` at least"));
        }
    }
    for (at, section) in draft.sections.iter().enumerate().filter(|(_, s)| s.is_code) {
        let Some(line) = section.lines.first() else { continue };
        if draft.labels.iter().any(|l| l.section == at && l.offset == 0 && l.is_function) {
            continue;
        }
        let spot = Spot { line: line.line as usize - 1, span: line.column as usize - 1..line.text.trim_end().len() };
        let error = draft
            .report
            .error(code::ASM_PLACE, format!("the code of section `{}` has no name", section.name), &spot, "begins here")
            .help("write a label before it, such as `main:`");
        draft.report.add(spot.line, error);
    }
}

/// Functions and data, each up to the next one of its section.
fn symbols(draft: &Draft<'_>) -> Vec<Symbol> {
    let is_code = |at: usize| draft.sections.get(at).is_some_and(|s| s.is_code);
    let mut symbols: Vec<Symbol> = Vec::new();
    for label in draft.labels.iter().filter(|l| l.is_function || (!is_code(l.section) && !l.name.starts_with(".L"))) {
        symbols.push(Symbol {
            name: label.name.clone(),
            section: label.section,
            offset: label.offset,
            size: 0,
            is_function: label.is_function,
            is_global: label.is_global,
        });
    }
    symbols.sort_by_key(|s| (s.section, s.offset));
    let mut end: Option<(usize, u64)> = None;
    let mut next = None;
    for symbol in symbols.iter_mut().rev() {
        let length = draft.sections.get(symbol.section).map_or(0, DraftSection::len);
        // Two names of one place have the same size.
        if next != Some((symbol.section, symbol.offset)) {
            end = next.filter(|(section, _)| *section == symbol.section);
        }
        symbol.size = end.map_or(length, |(_, offset)| offset).saturating_sub(symbol.offset);
        next = Some((symbol.section, symbol.offset));
    }
    symbols
}

/// Fills in what a section's instructions refer to; what is elsewhere becomes a relocation.
fn link(draft: &mut Draft<'_>, at: usize, section: &mut DraftSection, index: &HashMap<String, usize>) -> Vec<Reloc> {
    let mut relocs = Vec::new();
    for fix in &section.fixes {
        let Some(slot) = section.insns.get_mut(fix.slot) else { continue };
        let linked = match &fix.reference {
            Reference::Jump(name) => jump(draft, at, fix, name, slot),
            Reference::Call(name) => call(draft, at, fix, name, slot, index),
            Reference::Address(name, addend) => address(draft, fix, name, *addend, slot, index),
        };
        match linked {
            Ok(target) => relocs.extend(target.map(|target| Reloc { slot: fix.slot as u32, target })),
            Err(error) => draft.report.add(fix.spot.line, *error),
        }
    }
    relocs
}

type Linked = Result<Option<Target>, Box<Diagnostic>>;

fn jump(draft: &Draft<'_>, at: usize, fix: &Fix, name: &str, insn: &mut Insn) -> Linked {
    let report = &draft.report;
    let Some(Named::Label(label)) = draft.names.get(name) else {
        let labels = draft.labels.iter().filter(|l| l.section == at).map(|l| l.name.as_str());
        return Err(unknown(report, fix, format!("there is no label `{name}`"), name, labels));
    };
    let Some(label) = draft.labels.get(*label) else { return Ok(None) };
    if label.section != at {
        let title = format!("label `{name}` stands in another section");
        return Err(Box::new(
            report
                .error(code::ASM_PLACE, title, &fix.spot, "a jump stays in its section")
                .snippet(report.snippet(&label.spot, "the label"))
                .help(format!("`call {name}` reaches functions of other sections")),
        ));
    }
    let distance = (label.offset / Insn::SIZE as u64) as i64 - fix.slot as i64 - 1;
    if matches!(fix.op.kind, Kind::Goto(Width::W32)) {
        insn.imm = distance as i32;
        return Ok(None);
    }
    insn.off = i16::try_from(distance).map_err(|_| {
        let title = format!("label `{name}` is {} instructions away", distance.unsigned_abs());
        let error = report.error(code::ASM_RANGE, title, &fix.spot, "a jump reaches 32767 instructions");
        Box::new(match fix.op.kind {
            Kind::Goto(_) => error.help(format!("`gotol {name}` reaches farther (Linux 6.6)")),
            _ => error.help(format!("jump the other way over a `gotol {name}` (Linux 6.6)")),
        })
    })?;
    Ok(None)
}

fn call(
    draft: &Draft<'_>,
    at: usize,
    fix: &Fix,
    name: &str,
    insn: &mut Insn,
    index: &HashMap<String, usize>,
) -> Linked {
    if let Some(Named::Label(label)) = draft.names.get(name)
        && let Some(label) = draft.labels.get(*label).filter(|l| l.is_function)
    {
        insn.src = insn::PSEUDO_CALL;
        if label.section == at {
            insn.imm = ((label.offset / Insn::SIZE as u64) as i64 - fix.slot as i64 - 1) as i32;
            return Ok(None);
        }
        insn.imm = -1;
        return Ok(index.get(name).map(|symbol| Target::Symbol(*symbol)));
    }
    match helper::named(name) {
        Some(helper) => {
            insn.imm = helper.id as i32;
            Ok(None)
        }
        None => {
            let short = name.strip_prefix("bpf_").unwrap_or(name);
            let title = format!("there is no helper and no function `{name}`");
            let labels = draft.labels.iter().filter(|l| !l.name.starts_with(".L")).map(|l| l.name.as_str());
            let names = labels.chain(helper::TABLE.iter().map(|row| row.name));
            Err(unknown(&draft.report, fix, title, short, names))
        }
    }
}

fn address(
    draft: &Draft<'_>,
    fix: &Fix,
    name: &str,
    addend: i64,
    insn: &mut Insn,
    index: &HashMap<String, usize>,
) -> Linked {
    let report = &draft.report;
    let far = |title: &str| Err(Box::new(report.error(code::ASM_RANGE, title, &fix.spot, "too far")));
    match draft.names.get(name) {
        Some(Named::Map(map)) if addend == 0 => Ok(Some(Target::Map(*map))),
        Some(Named::Map(_)) => far("the address of a map takes no offset"),
        Some(Named::Label(at)) => {
            let Some(label) = draft.labels.get(*at) else { return Ok(None) };
            let is_code = draft.sections.get(label.section).is_some_and(|s| s.is_code);
            if is_code && addend != 0 {
                return far("the address of a function takes no offset");
            }
            let Some(symbol) = index.get(name) else {
                let title = format!("`{name}` is a local label and has no address");
                return Err(Box::new(report.error(code::ASM_PLACE, title, &fix.spot, "begins with `.L`")));
            };
            match i32::try_from(addend) {
                Ok(addend) => insn.imm = addend,
                Err(_) => return far("the offset does not fit 32 bits"),
            }
            Ok(Some(Target::Symbol(*symbol)))
        }
        None => {
            let names = draft.names.keys().map(String::as_str);
            let title = format!("there is no map, function or data `{name}`");
            let error = *unknown(report, fix, title, name, names);
            Err(Box::new(error.note("`.map` defines a map, a label a function or data")))
        }
    }
}

/// A name that stands for nothing, with the nearest one that does.
fn unknown<'n>(
    report: &Report<'_>,
    fix: &Fix,
    title: String,
    name: &str,
    names: impl Iterator<Item = &'n str>,
) -> Box<Diagnostic> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    let error = report.error(code::ASM_NAME, title, &fix.spot, "not known");
    Box::new(match nearest(name, names) {
        Some(near) if is_helper(fix.op) && helper::named(near).is_some() => {
            error.help(format!("did you mean `bpf_{near}`?"))
        }
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    })
}

fn is_helper(op: &Op) -> bool {
    matches!(op.kind, Kind::Call(opcode::Callee::Helper))
}

/// Takes out sections in which nothing stands and that have no label.
fn drop_empty(assembly: &mut Assembly) {
    let is_empty = |content: &Content| match content {
        Content::Code(code) => code.insns.is_empty(),
        Content::Data(bytes) => bytes.is_empty(),
        Content::Zeros(count) => *count == 0,
    };
    let mut kept = Vec::new();
    for (at, section) in std::mem::take(&mut assembly.sections).into_iter().enumerate() {
        if !is_empty(&section.content) || assembly.symbols.iter().any(|s| s.section == at) {
            for symbol in assembly.symbols.iter_mut().filter(|s| s.section == at) {
                symbol.section = kept.len();
            }
            kept.push(section);
        }
    }
    assembly.sections = kept;
}
