//! `.BTF.ext`: which function and which source line an instruction belongs to, by section.

use crate::btf::Error;
use crate::kind::TypeId;
use crate::read::{Reader, piece};

/// Parsed `.BTF.ext`. Section names are offsets in the strings of the [`crate::Btf`] beside it.
#[derive(Clone, Debug, Default)]
pub struct Ext {
    /// Where functions begin.
    pub funcs: Vec<FuncRecord>,
    /// Where source lines begin.
    pub lines: Vec<LineRecord>,
    /// Instructions that depend on the layout of the kernel's types (CO-RE).
    pub cores: Vec<CoreRecord>,
}

/// A function begins here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuncRecord {
    /// Name of the ELF section, an offset.
    pub section: u32,
    /// Byte in the section.
    pub offset: u32,
    /// Its `FUNC`.
    pub type_id: TypeId,
}

/// A source line begins here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRecord {
    /// Name of the ELF section, an offset.
    pub section: u32,
    /// Byte in the section.
    pub offset: u32,
    /// Name of the file, an offset.
    pub file_off: u32,
    /// Text of the line, an offset.
    pub text_off: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// An instruction that depends on the layout of a kernel type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreRecord {
    /// Name of the ELF section, an offset.
    pub section: u32,
    /// Byte in the section.
    pub offset: u32,
    /// The type the program was compiled with.
    pub type_id: TypeId,
    /// How the field is reached, an offset (`0:1:2`).
    pub access_off: u32,
    /// What is asked of it (`enum bpf_core_relo_kind`).
    pub kind: u32,
}

impl Ext {
    /// Reads little-endian `.BTF.ext`.
    ///
    /// # Errors
    /// [`Error`] when a part lies outside the bytes or is cut short.
    pub fn parse(bytes: &[u8]) -> Result<Ext, Error> {
        let mut r = Reader::new(bytes);
        if r.u16() != Some(0xeb9f) {
            return Err(Error::Header);
        }
        let version = r.u8().ok_or(Error::Header)?;
        if version != 1 {
            return Err(Error::Version(version));
        }
        let _flags = r.u8();
        let mut field = || r.u32().ok_or(Error::Header);
        let header = field()?;
        let (func, line) = ((field()?, field()?), (field()?, field()?));
        // Older compilers write a header without CO-RE.
        let core = if header >= 32 { (field()?, field()?) } else { (0, 0) };
        let body = bytes.get(header as usize..).ok_or(Error::Header)?;

        let mut ext = Ext::default();
        records(body, func, "func_info", |section, r| {
            ext.funcs.push(FuncRecord { section, offset: r.u32()?, type_id: TypeId(r.u32()?) });
            Some(())
        })?;
        records(body, line, "line_info", |section, r| {
            let (offset, file_off, text_off, place) = (r.u32()?, r.u32()?, r.u32()?, r.u32()?);
            ext.lines.push(LineRecord {
                section,
                offset,
                file_off,
                text_off,
                line: place >> 10,
                column: place & 0x3ff,
            });
            Some(())
        })?;
        records(body, core, "core_relo", |section, r| {
            let (offset, type_id, access_off, kind) = (r.u32()?, TypeId(r.u32()?), r.u32()?, r.u32()?);
            ext.cores.push(CoreRecord { section, offset, type_id, access_off, kind });
            Some(())
        })?;
        Ok(ext)
    }
}

/// Walks one part: a record size, then for each section its name, a count and the records.
fn records(
    body: &[u8],
    (off, len): (u32, u32),
    name: &'static str,
    mut each: impl FnMut(u32, &mut Reader<'_>) -> Option<()>,
) -> Result<(), Error> {
    if len == 0 {
        return Ok(());
    }
    let cut = || Error::Section(name);
    let mut r = Reader::new(piece(body, off, len).ok_or_else(cut)?);
    let size = r.u32().ok_or_else(cut)? as usize;
    if size == 0 {
        return Err(cut());
    }
    while !r.is_empty() {
        let (section, count) = (r.u32().ok_or_else(cut)?, r.u32().ok_or_else(cut)?);
        for _ in 0..count {
            let record = r.take(size).ok_or_else(cut)?;
            each(section, &mut Reader::new(record)).ok_or_else(cut)?;
        }
    }
    Ok(())
}
