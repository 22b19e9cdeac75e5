//! The listing of an object: every executable section as text, letter for letter as `llvm-objdump-19 -d` prints it.
//!
//! Enter at [`Listing::parse`]. It asks nothing of the object but ELF headers and symbols: no types, no relocations,
//! no program need be in order. What an instruction is called is [`skep_isa::disasm`]'s business.

use std::borrow::Cow;
use std::fmt;

use object::elf::{self, FileHeader64, SymbolType};
use object::read::elf::{FileHeader, SectionHeader, SectionTable, Sym};
use object::{LittleEndian, SectionIndex};
use skep_diag::{Diagnostic, code};
use skep_isa::{Insn, disasm};

use crate::elf::{COMPILE, Names, little, machine_name, turn_instruction};

const LE: LittleEndian = LittleEndian;

/// The executable sections of an object, ready to be written.
///
/// ```
/// use skep_object::Listing;
/// assert!(Listing::parse(b"\x7fELF, or so it says").is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Listing<'data> {
    sections: Vec<Section<'data>>,
    /// The file's instructions begin numbers with their highest byte.
    big_endian: bool,
}

#[derive(Clone, Debug)]
struct Section<'data> {
    name: Cow<'data, str>,
    address: u64,
    /// In this machine's order.
    bytes: Cow<'data, [u8]>,
    /// Ascending by offset, then by name; one stands at offset 0, made up if need be.
    symbols: Vec<Symbol<'data>>,
}

#[derive(Clone, Debug)]
struct Symbol<'data> {
    /// Bytes from the beginning of the section.
    offset: u64,
    name: Cow<'data, str>,
    kind: SymbolType,
}

impl Symbol<'_> {
    fn is_data(&self) -> bool {
        matches!(self.kind, elf::STT_OBJECT | elf::STT_COMMON)
    }
}

impl<'data> Listing<'data> {
    /// Reads the sections and symbols of a 64-bit eBPF object.
    ///
    /// # Errors
    /// [`ListingError`] when the bytes are not ELF, are for another machine, or a table points outside them.
    pub fn parse(bytes: &'data [u8]) -> Result<Listing<'data>, ListingError> {
        match little(bytes) {
            Cow::Borrowed(bytes) => Listing::read(bytes),
            Cow::Owned(bytes) => Listing::read(&bytes).map(|listing| listing.of_big_endian()),
        }
    }

    fn of_big_endian(self) -> Listing<'static> {
        let own = |name: Cow<'_, str>| Cow::Owned(name.into_owned());
        let symbol = |s: Symbol<'_>| Symbol { offset: s.offset, name: own(s.name), kind: s.kind };
        let section = |s: Section<'_>| Section {
            name: own(s.name),
            address: s.address,
            bytes: Cow::Owned(s.bytes.into_owned()),
            symbols: s.symbols.into_iter().map(symbol).collect(),
        };
        Listing { sections: self.sections.into_iter().map(section).collect(), big_endian: true }
    }

    fn read(bytes: &'data [u8]) -> Result<Listing<'data>, ListingError> {
        let ident = bytes.get(..20).ok_or(ListingError::NotElf)?;
        let [0x7f, b'E', b'L', b'F', class, data, ..] = *ident else {
            return Err(ListingError::NotElf);
        };
        if (class, data) != (elf::ELFCLASS64.0, elf::ELFDATA2LSB.0) {
            return Err(ListingError::OtherForm { class, data });
        }
        let damaged = |what| move |err: object::read::Error| ListingError::Damaged { what, why: err.to_string() };
        let header = FileHeader64::<LittleEndian>::parse(bytes).map_err(damaged("file header"))?;
        if header.e_machine(LE) != elf::EM_BPF {
            return Err(ListingError::OtherMachine { machine: header.e_machine(LE).0 });
        }
        let table = header.sections(LE, bytes).map_err(damaged("section table"))?;
        let names = Names::of_sections(header, &table, bytes);
        let mut left = bytes.len();
        let mut sections = Vec::new();
        // Where the section of each index stands in `sections`, if it is listed.
        let mut listed = vec![None; table.len()];
        for (index, header) in table.enumerate() {
            let executable = header.sh_flags(LE).contains(elf::SHF_EXECINSTR);
            if !executable || header.sh_type(LE) == elf::SHT_NOBITS || header.sh_size(LE) == 0 {
                continue;
            }
            if let Some(place) = listed.get_mut(index.0) {
                *place = Some(sections.len());
            }
            let code = header.data(LE, bytes).map_err(damaged("section"))?;
            let overlap = || ListingError::Damaged { what: "section table", why: "sections overlap".to_owned() };
            left = left.checked_sub(code.len()).ok_or_else(overlap)?;
            let name = names.bytes(header.sh_name(LE)).ok_or_else(|| unreadable("section's name"))?;
            sections.push(Section {
                name: String::from_utf8_lossy(name),
                address: header.sh_addr(LE),
                bytes: Cow::Borrowed(code),
                symbols: Vec::new(),
            });
        }
        let relocatable = header.e_type(LE) == elf::ET_REL;
        read_symbols(&table, bytes, relocatable, &listed, &mut sections)?;
        sections.iter_mut().for_each(Section::finish);
        Ok(Listing { sections, big_endian: false })
    }

    /// The text, under a header with this name of the file.
    pub fn display<'a>(&'a self, file: &'a str) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| self.write_to(file, f))
    }

    /// Writes the text, under a header with this name of the file.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to(&self, file: &str, out: &mut impl fmt::Write) -> fmt::Result {
        writeln!(out, "\n{file}:\tfile format elf64-bpf")?;
        self.sections.iter().try_for_each(|section| section.write_to(out, self.big_endian))
    }
}

fn read_symbols<'data>(
    table: &SectionTable<'data, FileHeader64<LittleEndian>>,
    bytes: &'data [u8],
    relocatable: bool,
    listed: &[Option<usize>],
    sections: &mut [Section<'data>],
) -> Result<(), ListingError> {
    let damaged = |err: object::read::Error| ListingError::Damaged { what: "symbol table", why: err.to_string() };
    let symbols = table.symbols(LE, bytes, elf::SHT_SYMTAB).map_err(damaged)?;
    let names = Names::of_symbols(table, &symbols, bytes);
    for (index, symbol) in symbols.enumerate() {
        if matches!(symbol.st_type(), elf::STT_SECTION | elf::STT_FILE) {
            continue;
        }
        let Some(SectionIndex(section)) = symbols.symbol_section(LE, symbol, index).map_err(damaged)? else {
            continue;
        };
        let place = listed.get(section).copied().flatten();
        let Some(section) = place.and_then(|place| sections.get_mut(place)) else {
            continue;
        };
        let name = names.bytes(symbol.st_name(LE)).ok_or_else(|| unreadable("symbol's name"))?;
        if !name.is_empty() {
            let base = if relocatable { 0 } else { section.address };
            section.symbols.push(Symbol {
                offset: symbol.st_value(LE).wrapping_sub(base),
                kind: symbol.st_type(),
                name: String::from_utf8_lossy(name),
            });
        }
    }
    Ok(())
}

fn unreadable(what: &'static str) -> ListingError {
    ListingError::Damaged { what, why: "it does not end, or not within 4,096 bytes".to_owned() }
}

impl Section<'_> {
    fn finish(&mut self) {
        self.symbols.sort_by(|a, b| (a.offset, &a.name).cmp(&(b.offset, &b.name)));
        if self.symbols.first().is_none_or(|first| first.offset != 0) {
            self.symbols.insert(0, Symbol { offset: 0, kind: elf::STT_FUNC, name: self.name.clone() });
        }
    }

    fn write_to(&self, out: &mut impl fmt::Write, big_endian: bool) -> fmt::Result {
        let length = self.bytes.len() as u64;
        let mut named = false;
        let mut groups = self.symbols.chunk_by(|a, b| a.offset == b.offset).peekable();
        while let Some(here) = groups.next() {
            // Of several symbols at one place the last that is no data is shown.
            let Some(shown) = here.iter().rfind(|symbol| !symbol.is_data()).or(here.last()) else { continue };
            let next = groups.peek().and_then(|group| group.first());
            let end = next.map_or(length, |symbol| symbol.offset.min(length));
            if shown.offset >= end {
                continue;
            }
            if !named {
                write!(out, "\nDisassembly of section {}:\n", self.name)?;
                named = true;
            }
            writeln!(out, "\n{:016x} <{}>:", self.address.wrapping_add(shown.offset), shown.name)?;
            let (start, end) = (shown.offset as usize, end as usize);
            if shown.is_data() {
                self.write_data(out, start, end)?;
            } else {
                self.write_code(out, start, end, big_endian)?;
            }
        }
        Ok(())
    }

    fn write_code(&self, out: &mut impl fmt::Write, start: usize, end: usize, big_endian: bool) -> fmt::Result {
        let mut at = start;
        while at < end {
            let zeroes = skippable(self.bytes.get(at..end).unwrap_or_default());
            if zeroes > 0 {
                out.write_str("\t\t...\n")?;
                at += zeroes;
                continue;
            }
            // An instruction may reach past the next symbol, but not past the section.
            at += self.write_insn(out, at, self.bytes.get(at..).unwrap_or_default(), big_endian)?;
        }
        Ok(())
    }

    /// Writes the line of the instruction that begins `rest`, and tells its length in bytes.
    fn write_insn(
        &self,
        out: &mut impl fmt::Write,
        at: usize,
        rest: &[u8],
        big_endian: bool,
    ) -> Result<usize, fmt::Error> {
        let address = self.address.wrapping_add(at as u64);
        let slot = rest.first_chunk::<8>();
        let insn = Insn::from_bytes(slot.copied().unwrap_or_default());
        let op = slot.and_then(|_| disasm::recognise(insn));
        let wide = op.is_some_and(|op| op.slots() == 2);
        let tail = rest.get(8..16).and_then(<[u8]>::first_chunk::<8>);
        // A slot that is cut short is passed over byte by byte.
        let length = match (slot, wide, tail) {
            (None, ..) | (_, true, None) => 1,
            (_, true, Some(_)) => 16,
            _ => 8,
        };
        write!(out, "{:8}:\t", (address / 8) as i64)?;
        let mut raw = [0; 16];
        raw.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        if big_endian {
            raw.as_chunks_mut().0.iter_mut().for_each(turn_instruction);
        }
        write_bytes(out, raw.get(..length).unwrap_or_default())?;
        out.write_char('\t')?;
        let Some(op) = op.filter(|_| length > 1) else {
            writeln!(out, "{}", disasm::UNKNOWN)?;
            return Ok(length);
        };
        let high = tail.map_or(0, |tail| Insn::from_bytes(*tail).imm);
        disasm::write(out, op, insn, high)?;
        if let Some(distance) = op.jump(insn) {
            self.write_target(out, (at as u64).wrapping_add_signed(8 + 8 * i64::from(distance)))?;
        }
        out.write_char('\n')?;
        Ok(length)
    }

    /// Writes ` <symbol+0x8>`: the last symbol at or before an offset, and the rest of the way.
    fn write_target(&self, out: &mut impl fmt::Write, target: u64) -> fmt::Result {
        let after = self.symbols.partition_point(|symbol| symbol.offset <= target);
        let Some(symbol) = after.checked_sub(1).and_then(|at| self.symbols.get(at)) else {
            return Ok(());
        };
        match target - symbol.offset {
            0 => write!(out, " <{}>", symbol.name),
            more => write!(out, " <{}+{more:#x}>", symbol.name),
        }
    }

    /// Data among code: eight bytes a line, as numbers and as characters.
    fn write_data(&self, out: &mut impl fmt::Write, start: usize, end: usize) -> fmt::Result {
        for (line, bytes) in self.bytes.get(start..end).unwrap_or_default().chunks(8).enumerate() {
            write!(out, "{:8x}:", self.address.wrapping_add((start + 8 * line) as u64))?;
            for byte in bytes {
                write!(out, " {byte:02x}")?;
            }
            write!(out, "{:1$}", "", 3 * (8 - bytes.len()) + 9)?;
            for byte in bytes {
                let printable = matches!(byte, b' '..=b'~');
                out.write_char(if printable { char::from(*byte) } else { '.' })?;
            }
            out.write_char('\n')?;
        }
        Ok(())
    }
}

/// How many zero bytes at the beginning are shown as `...`: eight at least, and whole groups of four.
fn skippable(bytes: &[u8]) -> usize {
    let zeroes = bytes.iter().take_while(|byte| **byte == 0).count();
    if zeroes < 8 { 0 } else { zeroes & !3 }
}

/// `18 01 00 00`: written by hand because it is most of a listing.
fn write_bytes(out: &mut impl fmt::Write, bytes: &[u8]) -> fmt::Result {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0') as u8;
    let mut text = [b' '; 48];
    for (cell, byte) in text.chunks_exact_mut(3).zip(bytes) {
        if let [high, low, _] = cell {
            (*high, *low) = (digit(byte >> 4), digit(byte & 15));
        }
    }
    let length = (3 * bytes.len()).saturating_sub(1);
    out.write_str(text.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default())
}

/// Why bytes have no listing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// They do not begin as ELF does.
    #[error("not an ELF object")]
    NotElf,
    /// ELF of 32 bits, or of an order of bytes that is none.
    #[error("not a 64-bit ELF object (class {class}, data {data})")]
    OtherForm {
        /// `EI_CLASS`; 2 is wanted.
        class: u8,
        /// `EI_DATA`; 1 is wanted.
        data: u8,
    },
    /// ELF for something else.
    #[error("an object for {}, not for eBPF", machine_name(*.machine))]
    OtherMachine {
        /// `e_machine`.
        machine: u16,
    },
    /// A table or section points outside the file or contradicts another.
    #[error("the {what} of the ELF object is damaged: {why}")]
    Damaged {
        /// Which part.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl ListingError {
    /// The message to the user about the file of this name.
    pub fn diagnostic(&self, file: &str) -> Diagnostic {
        let code = match self {
            ListingError::NotElf | ListingError::Damaged { .. } => code::NOT_ELF,
            ListingError::OtherForm { .. } | ListingError::OtherMachine { .. } => code::NOT_BPF,
        };
        let help = match self {
            ListingError::Damaged { .. } => "the file may be cut short: compile or copy it again",
            _ => COMPILE,
        };
        let d = Diagnostic::error(code, format!("{file} is {}", self.clause()));
        match self {
            ListingError::OtherMachine { machine } => d.note(format!("its ELF machine is {machine}, eBPF is 247")),
            _ => d,
        }
        .help(help)
    }

    /// The error as the end of "the file is".
    fn clause(&self) -> String {
        match self {
            ListingError::Damaged { what, why } => format!("damaged: its {what} is wrong ({why})"),
            other => other.to_string(),
        }
    }
}
