//! One object as the linker reads it: all sections and symbols that go on, with what ELF says of them.
//!
//! Enter at [`Input::parse`]. Nothing is merged here.

use std::collections::HashMap;

use object::LittleEndian as LE;
use object::elf::{
    SHF_EXECINSTR, SHN_ABS, SHN_COMMON, SHN_LORESERVE, SHN_UNDEF, SHT_GROUP, SHT_NOBITS, SHT_NULL, SHT_PROGBITS,
    SHT_REL, SHT_STRTAB, SHT_SYMTAB, STB_LOCAL, STB_WEAK, SectionFlags, SectionType, SymbolVisibility,
};
use object::read::elf::{FileHeader, Rel as _, SectionHeader, Sym as _};
use skep_btf::{Btf, Ext, Kind};
use skep_diag::{Diagnostic, code};
use skep_isa::Insn;

use crate::elf::{Names, gnu, header, is_big};

/// The section of types, and that of functions and lines.
pub(super) const BTF: &str = ".BTF";
pub(super) const BTF_EXT: &str = ".BTF.ext";

/// LLVM's list of symbols whose addresses matter.
const SHT_LLVM_ADDRSIG: SectionType = SectionType(0x6fff_4c03);

/// An object that is linked.
pub(super) struct Input<'a> {
    /// Name for messages.
    pub(super) file: &'a str,
    pub(super) sections: Vec<Section<'a>>,
    /// The first section of each name that goes on.
    by_name: HashMap<&'a str, usize>,
    pub(super) symbols: Vec<Symbol<'a>>,
    pub(super) btf: Option<Btf>,
    pub(super) ext: Ext,
    /// Constants of relocated instructions hold the symbol's value already, and are not what is added to it.
    pub(super) holds_values: bool,
}

pub(super) struct Section<'a> {
    pub(super) name: &'a str,
    pub(super) kind: SectionType,
    pub(super) flags: SectionFlags,
    pub(super) align: u64,
    pub(super) entry: u64,
    /// Its bytes; empty for `.bss`.
    pub(super) data: &'a [u8],
    pub(super) size: u64,
    /// It goes on; what does not is made anew, or is of no use to programs.
    pub(super) goes_on: bool,
    pub(super) rels: Vec<Rel>,
}

impl Section<'_> {
    pub(super) fn is_code(&self) -> bool {
        self.flags.0 & SHF_EXECINSTR.0 != 0 && self.kind == SHT_PROGBITS
    }
}

#[derive(Clone, Copy)]
pub(super) struct Rel {
    pub(super) offset: u64,
    pub(super) symbol: usize,
    pub(super) kind: u32,
}

/// Where a symbol lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Elsewhere.
    Undefined,
    /// Nowhere: the name of a source file.
    Absolute,
    /// In a section, by its index.
    Section(usize),
}

#[derive(Clone, Copy)]
pub(super) struct Symbol<'a> {
    pub(super) name: &'a str,
    pub(super) place: Place,
    pub(super) value: u64,
    pub(super) size: u64,
    pub(super) kind: object::elf::SymbolType,
    pub(super) is_local: bool,
    pub(super) is_weak: bool,
    pub(super) visibility: SymbolVisibility,
}

impl<'a> Input<'a> {
    /// Reads an object.
    ///
    /// # Errors
    /// What [`crate::Object::parse`] says of such bytes, and `O0009` for sections and symbols that are not linked.
    pub(super) fn parse(file: &'a str, bytes: &'a [u8]) -> Result<Input<'a>, Diagnostic> {
        let cut = |what: &str| {
            Diagnostic::error(code::NOT_ELF, format!("{file} is not a whole ELF object")).note(what.to_owned())
        };
        let unsupported = |what: String| Diagnostic::error(code::UNSUPPORTED_OBJECT, what);
        if is_big(bytes) {
            return Err(unsupported(format!("{file} is a big-endian object"))
                .note("little-endian objects are linked: the bytes of data of the two cannot stand in one")
                .help("compile with `-target bpfel`"));
        }
        let header = header(file, bytes)?;
        let table = header.sections(LE, bytes).map_err(|e| cut(&e.to_string()))?;
        let symtab = table.symbols(LE, bytes, SHT_SYMTAB).map_err(|e| cut(&e.to_string()))?;
        let names = Names::of_sections(header, &table, bytes);
        // What is copied out of the file; sections that share bytes could make it a thousand times the file.
        let mut left = bytes.len();
        let mut take = |len: usize| {
            left =
                left.checked_sub(len).ok_or_else(|| cut("its sections overlap: together they are larger than it"))?;
            Ok(())
        };
        let mut sections = Vec::with_capacity(table.len());
        for section in table.iter() {
            let kind = section.sh_type(LE);
            let name = names.text(section.sh_name(LE)).ok_or_else(|| cut("a section has no readable name"))?;
            let data = section.data(LE, bytes).map_err(|e| cut(&e.to_string()))?;
            let size = section.sh_size(LE);
            let goes_on = match kind {
                // Without subprograms the section of subprograms is empty.
                SHT_PROGBITS if name == ".text" => size > 0,
                SHT_PROGBITS | SHT_NOBITS => !is_made_anew(name),
                SHT_NULL | SHT_STRTAB | SHT_SYMTAB | SHT_REL | SHT_LLVM_ADDRSIG => false,
                _ if is_made_anew(name) || is_made_anew(relocated(name)) => false,
                SHT_GROUP => return Err(unsupported(format!("section groups of {file} are not linked"))),
                _ => {
                    return Err(unsupported(format!("section {name} of {file} is of a kind that is not linked"))
                        .note(format!("its ELF type is {:#x}", kind.0)));
                }
            };
            if goes_on {
                take(data.len())?;
            }
            let align = section.sh_addralign(LE).max(1);
            if goes_on && (!align.is_power_of_two() || align > 1 << 16) {
                return Err(cut(&format!("section {name} has an alignment of {align} bytes")));
            }
            let (flags, entry) = (section.sh_flags(LE), section.sh_entsize(LE));
            sections.push(Section { name, kind, flags, align, entry, data, size, goes_on, rels: Vec::new() });
        }
        for section in table.iter().filter(|s| s.sh_type(LE) == SHT_REL) {
            let Some((rels, _)) = section.rel(LE, bytes).map_err(|e| cut(&e.to_string()))? else { continue };
            let Some(target) = sections.get_mut(section.sh_info(LE) as usize) else {
                return Err(cut("a relocation section names no section"));
            };
            if target.goes_on {
                take(size_of_val(rels))?;
                let read = |rel: &object::elf::Rel64<LE>| Rel {
                    offset: rel.r_offset(LE),
                    symbol: rel.r_sym(LE) as usize,
                    kind: rel.r_type(LE).0,
                };
                target.rels.extend(rels.iter().map(read));
            }
        }
        let names = Names::of_symbols(&table, &symtab, bytes);
        let mut symbols = Vec::with_capacity(symtab.len());
        for symbol in symtab.symbols() {
            let name = names.text(symbol.st_name(LE)).ok_or_else(|| cut("a symbol has no readable name"))?;
            let place = match symbol.st_shndx(LE) {
                SHN_UNDEF => Place::Undefined,
                SHN_ABS => Place::Absolute,
                SHN_COMMON => {
                    return Err(unsupported(format!("`{name}` of {file} is a common symbol, which has no section"))
                        .help("compile with `-fno-common`, or give the variable a value"));
                }
                at if at.0 < SHN_LORESERVE && usize::from(at.0) < sections.len() => Place::Section(at.0.into()),
                at => return Err(cut(&format!("symbol `{name}` lies in section {}, which it does not have", at.0))),
            };
            symbols.push(Symbol {
                name,
                place,
                value: symbol.st_value(LE),
                size: symbol.st_size(LE),
                kind: symbol.st_type(),
                is_local: symbol.st_bind() == STB_LOCAL,
                is_weak: symbol.st_bind() == STB_WEAK,
                visibility: symbol.st_visibility(),
            });
        }
        let mut by_name = HashMap::new();
        for (at, section) in sections.iter().enumerate().filter(|(_, section)| section.goes_on) {
            by_name.entry(section.name).or_insert(at);
        }
        let mut input = Input { file, sections, by_name, symbols, btf: None, ext: Ext::default(), holds_values: false };
        input.holds_values = input.does_hold_values();
        input.read_types()?;
        Ok(input)
    }

    fn does_hold_values(&self) -> bool {
        let comment = self.sections.iter().find(|section| section.name == gnu::COMMENT).map_or(&[][..], |s| s.data);
        let code = self.sections.iter().filter(|section| section.goes_on && section.is_code());
        let named = code.flat_map(|section| section.rels.iter().map(move |rel| (section, rel)));
        gnu::holds_values(
            comment,
            named.filter_map(|(section, rel)| {
                let symbol = self.symbols.get(rel.symbol).filter(|s| matches!(s.place, Place::Section(_)))?;
                let start = usize::try_from(rel.offset).ok()?;
                let insn = *Insn::slots(section.data.get(start..start.checked_add(8)?)?).first()?;
                Some((insn.imm, insn.is_local_call(), symbol.value))
            }),
        )
    }

    fn read_types(&mut self) -> Result<(), Diagnostic> {
        let bad = |section: &str, e: skep_btf::Error| {
            Diagnostic::error(code::BAD_BTF, format!("the {section} section of {} is damaged", self.file))
                .note(e.to_string())
                .help("compile the object again")
        };
        let data = |name: &str| self.sections.iter().find(|s| s.name == name).map(|s| s.data);
        let Some(types) = data(BTF) else { return Ok(()) };
        let mut btf = Btf::parse(types).map_err(|e| bad(BTF, e))?;
        let ext = data(BTF_EXT).map(Ext::parse).transpose().map_err(|e| bad(BTF_EXT, e))?;
        self.lay_out(&mut btf);
        (self.btf, self.ext) = (Some(btf), ext.unwrap_or_default());
        Ok(())
    }

    /// Completes the sections of variables with what ELF alone knows: sizes, and places of global variables.
    fn lay_out(&self, btf: &mut Btf) {
        let mut places = HashMap::new();
        for symbol in self.symbols.iter().filter(|s| !s.is_local) {
            if let Place::Section(section) = symbol.place {
                places.entry((section, symbol.name)).or_insert(symbol.value);
            }
        }
        let datasecs: Vec<_> =
            btf.types().filter(|(_, t)| matches!(t.kind, Kind::Datasec { .. })).map(|(id, _)| id).collect();
        for id in datasecs {
            let Some(at) = self.section(btf.name(id)) else { continue };
            let size = self.sections.get(at).map_or(0, |s| s.size);
            let place = |name: &str| places.get(&(at, name)).and_then(|value| u32::try_from(*value).ok());
            btf.set_section_layout(id, u32::try_from(size).unwrap_or(u32::MAX), place);
        }
    }

    /// The first section of a name that goes on.
    pub(super) fn section(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }
}

/// The section that a section of relocations is about, by its name.
fn relocated(name: &str) -> &str {
    name.strip_prefix(".rela").or_else(|| name.strip_prefix(".rel")).unwrap_or(name)
}

/// Sections that the linker writes itself, debug information, and who made the parts: it leaves those out.
fn is_made_anew(name: &str) -> bool {
    [BTF, BTF_EXT, gnu::COMMENT].contains(&name) || name.starts_with(".debug_")
}
