//! Relocations, moved with their sections, and what stands in the bytes they are about.

use object::elf::STT_SECTION;
use skep_diag::{Diagnostic, code};
use skep_isa::insn::CALL;

use super::input::{Input, Place, Rel, Section};
use super::section::{Placed, Sections};
use super::symbol::{Origin, Symbols};

/// The kinds of relocations that objects hold.
const R_BPF_64_64: u32 = 1;
const R_BPF_64_ABS64: u32 = 2;
const R_BPF_64_ABS32: u32 = 3;
const R_BPF_64_32: u32 = 10;
/// Bytes of an instruction, and where its immediate stands in it.
const INSN: u64 = 8;
const IMM: u64 = 4;

/// What a relocation refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Target {
    /// A symbol of the result.
    Symbol(usize),
    /// The beginning of a section of the result.
    Section(usize),
}

/// How what stands in the bytes changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Moved {
    /// The section it counts from went that far.
    By(u64),
    /// It holds this value of a symbol, which goes out.
    Held(u64),
}

/// A relocation of the result.
pub(super) struct Merged {
    /// The section it changes.
    pub(super) section: usize,
    pub(super) offset: u64,
    pub(super) target: Target,
    pub(super) kind: u32,
}

/// Moves all relocations; a reference to a section and a distance in it changes by where the section went.
pub(super) fn merge(
    inputs: &[Input<'_>],
    sections: &mut Sections<'_>,
    symbols: &Symbols<'_>,
) -> Result<Vec<Merged>, Diagnostic> {
    let mut all = Vec::new();
    for (number, input) in inputs.iter().enumerate() {
        for (at, section) in input.sections.iter().enumerate() {
            let Some(placed) = sections.placed(number, at) else { continue };
            for rel in &section.rels {
                let bad = |why: String| {
                    let title = format!("a relocation of section {} in {} cannot be linked", section.name, input.file);
                    Diagnostic::error(code::BAD_RELOCATION, title).note(format!("at byte {}: {why}", rel.offset))
                };
                let (target, moved) = target(input, number, rel, sections, symbols).map_err(bad)?;
                let merged = move_one(section, placed, rel, target);
                let merged = merged.ok_or_else(|| bad(format!("kind {} does not fit what stands there", rel.kind)))?;
                if !matches!(moved, Moved::By(0) | Moved::Held(0)) {
                    let data = sections.all.get_mut(placed.section).map(|s| &mut s.data);
                    let added = data.and_then(|data| add(data, section.is_code(), &merged, moved));
                    added.ok_or_else(|| bad("the distance in the section does not fit".to_owned()))?;
                }
                all.push(merged);
            }
        }
    }
    Ok(all)
}

/// What a relocation refers to in the result, and how far that is from what it was.
fn target(
    input: &Input<'_>,
    number: usize,
    rel: &Rel,
    sections: &Sections<'_>,
    symbols: &Symbols<'_>,
) -> Result<(Target, Moved), String> {
    let symbol = input.symbols.get(rel.symbol).filter(|_| rel.symbol != 0);
    let symbol = symbol.ok_or_else(|| format!("there is no symbol {}", rel.symbol))?;
    if symbol.kind != STT_SECTION {
        let became = symbols.became(Origin { input: number, symbol: rel.symbol });
        let lost = || format!("`{}` stands in a section that is not linked", symbol.name);
        // The result holds what is added alone, whoever made its parts.
        let held = if input.holds_values && symbol.place != Place::Undefined { symbol.value } else { 0 };
        return became.map(|at| (Target::Symbol(at), Moved::Held(held))).ok_or_else(lost);
    }
    let Place::Section(section) = symbol.place else { return Err("the symbol of a section has none".to_owned()) };
    let lost = || {
        let name = input.sections.get(section).map_or("?", |s| s.name);
        format!("it leads to section {name}, which is not linked")
    };
    let placed = sections.placed(number, section).ok_or_else(lost)?;
    Ok((Target::Section(placed.section), Moved::By(placed.offset)))
}

/// The relocation at its new place; `None` for one that its section cannot have.
fn move_one(section: &Section<'_>, placed: Placed, rel: &Rel, target: Target) -> Option<Merged> {
    let (kinds, size): (&[u32], u64) = match section.is_code() {
        true => (&[R_BPF_64_64, R_BPF_64_32], INSN),
        false if rel.kind == R_BPF_64_ABS32 => (&[R_BPF_64_ABS32], 4),
        false => (&[R_BPF_64_ABS64, R_BPF_64_64], 8),
    };
    let inside = rel.offset.checked_add(size)? <= section.data.len() as u64;
    let aligned = !section.is_code() || rel.offset.is_multiple_of(INSN);
    let offset = rel.offset.checked_add(placed.offset)?;
    (inside && aligned && kinds.contains(&rel.kind)).then_some(Merged {
        section: placed.section,
        offset,
        target,
        kind: rel.kind,
    })
}

/// Adds to the distance that stands in the bytes: a call counts instructions, all else bytes. The value of a symbol that is
/// taken out of code is in bytes for calls too.
fn add(data: &mut [u8], is_code: bool, rel: &Merged, moved: Moved) -> Option<()> {
    let start = usize::try_from(rel.offset).ok()?;
    if !is_code && rel.kind != R_BPF_64_ABS32 {
        let Moved::By(addend) = moved else { return Some(()) };
        let place = data.get_mut(start..start.checked_add(8)?)?;
        let before = u64::from_le_bytes((&*place).try_into().ok()?);
        place.copy_from_slice(&before.wrapping_add(addend).to_le_bytes());
        return Some(());
    }
    let is_call = is_code && *data.get(start)? == CALL;
    let addend = match moved {
        Moved::By(addend) => i64::try_from(if is_call { addend / INSN } else { addend }).ok()?,
        Moved::Held(_) if !is_code => return Some(()),
        Moved::Held(value) => i64::try_from(value).ok()?.checked_neg()?,
    };
    let start = if is_code { start.checked_add(IMM as usize)? } else { start };
    let place = data.get_mut(start..start.checked_add(4)?)?;
    let before = i32::from_le_bytes((&*place).try_into().ok()?);
    let after = i32::try_from(i64::from(before).checked_add(addend)?).ok()?;
    place.copy_from_slice(&after.to_le_bytes());
    Some(())
}
