//! Names in string tables, read with a limit: a hostile file can name one text of megabytes a hundred thousand times.

use object::LittleEndian as LE;
use object::elf::FileHeader64;
use object::read::elf::{FileHeader, SectionHeader, SectionTable, SymbolTable};

/// Longest name that is read.
const LONGEST: usize = 4096;

/// A string table; empty where the file has none.
pub(crate) struct Names<'a>(&'a [u8]);

impl<'a> Names<'a> {
    /// The names of sections.
    pub(crate) fn of_sections(
        header: &FileHeader64<LE>,
        table: &SectionTable<'a, FileHeader64<LE>>,
        bytes: &'a [u8],
    ) -> Names<'a> {
        let section = header.section_strings_index(LE, bytes).and_then(|at| table.section(at));
        Names(section.and_then(|s| s.data(LE, bytes)).unwrap_or_default())
    }

    /// The names of symbols.
    pub(crate) fn of_symbols(
        table: &SectionTable<'a, FileHeader64<LE>>,
        symbols: &SymbolTable<'a, FileHeader64<LE>>,
        bytes: &'a [u8],
    ) -> Names<'a> {
        let section = table.section(symbols.string_section());
        Names(section.and_then(|s| s.data(LE, bytes)).unwrap_or_default())
    }

    /// The bytes before the NUL; `None` outside the table and for more than 4,096 bytes. Name 0 is empty.
    pub(crate) fn bytes(&self, offset: u32) -> Option<&'a [u8]> {
        if offset == 0 {
            return Some(&[]);
        }
        let rest = self.0.get(offset as usize..)?;
        let rest = rest.get(..=LONGEST).unwrap_or(rest);
        rest.get(..rest.iter().position(|byte| *byte == 0)?)
    }

    /// The same as text, `None` also when it is not UTF-8 or holds what a terminal would obey.
    pub(crate) fn text(&self, offset: u32) -> Option<&'a str> {
        let text = std::str::from_utf8(self.bytes(offset)?).ok()?;
        (!text.chars().any(char::is_control)).then_some(text)
    }
}
