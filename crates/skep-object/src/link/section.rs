//! Sections of one name, one behind the other.

use std::collections::HashMap;

use object::elf::{SHT_NOBITS, SectionFlags, SectionType};
use skep_diag::{Diagnostic, code};

use super::input::{Input, Section};

/// Sections that an object has once; files that are linked must agree on them.
const ONCE: [&str; 2] = ["license", "version"];
/// Most bytes of a section.
const MOST: u64 = 1 << 31;

/// A section of the result.
pub(super) struct Merged<'a> {
    pub(super) name: &'a str,
    pub(super) kind: SectionType,
    pub(super) flags: SectionFlags,
    pub(super) align: u64,
    pub(super) entry: u64,
    /// Its bytes; empty for zeros.
    pub(super) data: Vec<u8>,
    pub(super) size: u64,
    /// The first file that has it.
    file: &'a str,
}

/// Where a section of a file went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Placed {
    /// Its section among those of the result.
    pub(super) section: usize,
    /// Where it begins there, in bytes.
    pub(super) offset: u64,
}

/// The sections of the result.
pub(super) struct Sections<'a> {
    pub(super) all: Vec<Merged<'a>>,
    /// For each file, for each of its sections: where it went. What does not go on went nowhere, and neither did a second
    /// licence.
    placed: Vec<Vec<Option<Placed>>>,
    by_name: HashMap<&'a str, usize>,
}

impl<'a> Sections<'a> {
    pub(super) fn merge(inputs: &[Input<'a>]) -> Result<Sections<'a>, Diagnostic> {
        let mut sections = Sections { all: Vec::new(), placed: Vec::new(), by_name: HashMap::new() };
        for input in inputs {
            let mut placed = Vec::with_capacity(input.sections.len());
            for section in &input.sections {
                placed.push(if section.goes_on { sections.add(input.file, section)? } else { None });
            }
            sections.placed.push(placed);
        }
        Ok(sections)
    }

    /// Where a section of a file went.
    pub(super) fn placed(&self, input: usize, section: usize) -> Option<Placed> {
        *self.placed.get(input)?.get(section)?
    }

    /// The section of this name.
    pub(super) fn find(&self, name: &str) -> Option<&Merged<'a>> {
        self.all.get(*self.by_name.get(name)?)
    }

    fn add(&mut self, file: &'a str, section: &Section<'a>) -> Result<Option<Placed>, Diagnostic> {
        let Some(at) = self.by_name.get(section.name).copied() else {
            self.by_name.insert(section.name, self.all.len());
            self.all.push(Merged {
                name: section.name,
                kind: section.kind,
                flags: section.flags,
                align: section.align,
                entry: section.entry,
                data: section.data.to_vec(),
                size: within(file, section, section.size)?,
                file,
            });
            return Ok(Some(Placed { section: self.all.len() - 1, offset: 0 }));
        };
        let Some(merged) = self.all.get_mut(at) else { return Ok(None) };
        if ONCE.contains(&section.name) {
            return match merged.data == section.data {
                true => Ok(None),
                false => Err(once(merged, file, section)),
            };
        }
        let what = [
            (merged.kind != section.kind, "kind"),
            (merged.flags != section.flags, "flags"),
            (merged.entry != section.entry, "size of an entry"),
        ];
        if let Some((_, what)) = what.iter().find(|(differs, _)| *differs) {
            let title = format!("section {} is not the same in {} and {file}", section.name, merged.file);
            let note = match (merged.kind == SHT_NOBITS, section.kind == SHT_NOBITS) {
                (true, false) => format!("in {} it holds zeros alone, in {file} bytes", merged.file),
                (false, true) => format!("in {} it holds bytes, in {file} zeros alone", merged.file),
                _ => format!("its {what} in ELF differs"),
            };
            return Err(Diagnostic::error(code::LINK_DIFFER, title).note(note));
        }
        merged.align = merged.align.max(section.align);
        let offset = merged.size.next_multiple_of(merged.align);
        merged.size = within(file, section, offset.saturating_add(section.size))?;
        if section.kind != SHT_NOBITS {
            merged.data.resize(usize::try_from(offset).unwrap_or(usize::MAX), 0);
            merged.data.extend(section.data);
        }
        Ok(Some(Placed { section: at, offset }))
    }
}

/// The size, when a section may have it.
fn within(file: &str, section: &Section<'_>, size: u64) -> Result<u64, Diagnostic> {
    if size <= MOST {
        return Ok(size);
    }
    Err(Diagnostic::error(code::UNSUPPORTED_OBJECT, format!("with {file}, section {} is too large", section.name))
        .note(format!("it would take {size} bytes, and a section has at most {MOST}")))
}

/// Two licences, or two versions.
fn once(merged: &Merged<'_>, file: &str, section: &Section<'_>) -> Diagnostic {
    let text = |data: &[u8]| {
        let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
        String::from_utf8_lossy(data.get(..end).unwrap_or_default()).escape_debug().to_string()
    };
    let title = format!("section {} is not the same in {} and {file}", section.name, merged.file);
    let error = Diagnostic::error(code::LINK_DIFFER, title);
    match section.name {
        "license" => error
            .note(format!("it says `{}` in {} and `{}` in {file}", text(&merged.data), merged.file, text(section.data)))
            .help("an object has one licence: give all files the same, or leave it out of all but one"),
        _ => error.help("an object has one: leave it out of all files but one"),
    }
}
