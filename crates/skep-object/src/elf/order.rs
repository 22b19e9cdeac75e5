//! Byte order: big-endian objects are rewritten to little-endian ones before anything reads them.
//!
//! Enter at [`little`]. Numbers of the file itself, of instructions and of types are turned around; the bytes of data sections
//! are the program's own and stay as they are.

use std::borrow::Cow;

use object::BigEndian as BE;
use object::elf::{FileHeader64, SHF_EXECINSTR, SHT_NOBITS, SHT_PROGBITS, SHT_REL, SHT_RELA, SHT_SYMTAB};
use object::read::elf::{FileHeader, SectionHeader};

/// Widths in bytes of the numbers of an ELF header, a section's header, a symbol and a relocation.
const HEADER: &[usize] = &[2, 2, 4, 8, 8, 8, 4, 2, 2, 2, 2, 2, 2];
const SECTION: &[usize] = &[4, 4, 8, 8, 8, 8, 4, 4, 8, 8];
const SYMBOL: &[usize] = &[4, 1, 1, 2, 8, 8];
const REL: &[usize] = &[8, 8];
const RELA: &[usize] = &[8, 8, 8];
/// Where the header's numbers begin, and its byte that tells the order.
const IDENT: usize = 16;
const ORDER: usize = 5;
/// `ELFDATA2LSB` and `ELFDATA2MSB`.
const LITTLE: u8 = 1;
const BIG: u8 = 2;

/// True for a 64-bit ELF file whose numbers begin with their highest byte.
pub(crate) fn is_big(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF\x02\x02")
}

/// The file as its little-endian brother would be; the bytes themselves unless they are a big-endian ELF file that is whole.
pub(crate) fn little(bytes: &[u8]) -> Cow<'_, [u8]> {
    match is_big(bytes).then(|| rewritten(bytes)).flatten() {
        Some(rewritten) => Cow::Owned(rewritten),
        None => Cow::Borrowed(bytes),
    }
}

fn rewritten(bytes: &[u8]) -> Option<Vec<u8>> {
    let header = FileHeader64::<BE>::parse(bytes).ok()?;
    let table = header.sections(BE, bytes).ok()?;
    let mut out = bytes.to_vec();
    // What is turned around twice would be as before: sections of a whole file do not overlap.
    let mut left = bytes.len();
    for section in table.iter() {
        let (Some((start, len)), kind) = (section.file_range(BE), section.sh_type(BE)) else { continue };
        let name = table.section_name(BE, section).unwrap_or_default();
        let (start, len) = (usize::try_from(start).ok()?, usize::try_from(len).ok()?);
        let data = out.get_mut(start..start.checked_add(len)?)?;
        if kind == SHT_NOBITS {
            continue;
        }
        left = left.checked_sub(len)?;
        match kind {
            SHT_SYMTAB => records(data, SYMBOL),
            SHT_REL => records(data, REL),
            SHT_RELA => records(data, RELA),
            SHT_PROGBITS if section.sh_flags(BE).0 & SHF_EXECINSTR.0 != 0 => {
                data.as_chunks_mut::<8>().0.iter_mut().for_each(instruction);
            }
            SHT_PROGBITS if name == b".BTF" => types(data),
            // Its header and its records are words of 32 bits throughout, but for the first.
            SHT_PROGBITS if name == b".BTF.ext" => {
                half(data);
                words(data.get_mut(4..)?);
            }
            _ => {}
        }
    }
    let sections = usize::try_from(header.e_shoff(BE)).ok()?;
    let len = usize::from(header.e_shentsize(BE)).checked_mul(table.len())?;
    records(out.get_mut(sections..sections.checked_add(len)?)?, SECTION);
    records(out.get_mut(IDENT..IDENT + HEADER.iter().sum::<usize>())?, HEADER);
    *out.get_mut(ORDER).filter(|byte| **byte == BIG)? = LITTLE;
    Some(out)
}

/// Turns the numbers of records around; an incomplete one at the end stays.
fn records(data: &mut [u8], widths: &[usize]) {
    for mut record in data.chunks_exact_mut(widths.iter().sum()) {
        for width in widths {
            let Some((number, rest)) = std::mem::take(&mut record).split_at_mut_checked(*width) else { break };
            number.reverse();
            record = rest;
        }
    }
}

/// Code, the two registers, offset, constant: on big-endian machines the first register is the upper half of its byte.
pub(crate) fn instruction(slot: &mut [u8; 8]) {
    let [code, registers, o0, o1, i0, i1, i2, i3] = *slot;
    *slot = [code, registers.rotate_left(4), o1, o0, i3, i2, i1, i0];
}

/// The header, then types as words of 32 bits; strings stay.
fn types(data: &mut [u8]) {
    let number =
        |data: &[u8], at: usize| data.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes) as usize);
    let (Some(header), Some(start), Some(len)) = (number(data, 4), number(data, 8), number(data, 12)) else { return };
    half(data);
    if let Some(header) = data.get_mut(4..header) {
        words(header);
    }
    let start = header.saturating_add(start);
    if let Some(types) = data.get_mut(start..start.saturating_add(len)) {
        words(types);
    }
}

fn half(data: &mut [u8]) {
    if let Some(magic) = data.get_mut(..2) {
        magic.reverse();
    }
}

fn words(data: &mut [u8]) {
    data.as_chunks_mut::<4>().0.iter_mut().for_each(|word| word.reverse());
}
