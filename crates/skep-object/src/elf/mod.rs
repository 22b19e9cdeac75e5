//! Objects read from ELF: sections and symbols here, maps in [`maps`], programs in [`programs`]; written in
//! [`write`](fn@write).

mod definition;
mod externs;
pub(crate) mod gnu;
mod legacy;
mod maps;
mod names;
mod order;
mod programs;
mod struct_ops;
mod types;
mod write;

use std::collections::HashMap;

pub(crate) use names::Names;
use object::LittleEndian as LE;
use object::elf::{
    EM_BPF, ET_REL, FileHeader64, SHF_EXECINSTR, SHT_NOBITS, SHT_PROGBITS, SHT_REL, SHT_SYMTAB, STV_HIDDEN,
    STV_INTERNAL,
};
use object::read::elf::{FileHeader, Rel as _, SectionHeader, Sym as _};
pub(crate) use order::{instruction as turn_instruction, is_big, little};
use skep_btf::{Btf, Ext};
use skep_diag::{Diagnostic, code};
use skep_isa::Insn;
pub use types::types;
pub use write::write;

use crate::object::Object;

/// The parts of an ELF object that eBPF uses, borrowed from its bytes.
pub(crate) struct Elf<'a> {
    /// Name for messages.
    pub file: String,
    pub sections: Vec<Section<'a>>,
    pub symbols: Vec<Symbol<'a>>,
}

pub(crate) struct Section<'a> {
    pub name: &'a str,
    /// Its bytes; empty for `.bss`.
    pub data: &'a [u8],
    /// Bytes it takes in memory.
    pub size: u64,
    pub executable: bool,
    /// Occupies memory in the file or as zeros (`PROGBITS` or `NOBITS`).
    pub holds_data: bool,
    pub rels: Vec<Rel>,
}

/// One entry of a relocation section.
#[derive(Clone, Copy)]
pub(crate) struct Rel {
    pub offset: u64,
    pub symbol: usize,
    pub kind: u32,
}

pub(crate) struct Symbol<'a> {
    pub name: &'a str,
    /// Index of its section; `None` when the object does not define it.
    pub section: Option<usize>,
    pub value: u64,
    pub size: u64,
    pub is_func: bool,
    pub is_local: bool,
    pub is_weak: bool,
    /// Not to be seen from outside the object (`__hidden`).
    pub is_hidden: bool,
}

impl Object {
    /// Reads an ELF object as clang makes it. `name` is the file's name: messages carry it, and up to its first dot it
    /// names the maps of data sections.
    ///
    /// # Errors
    /// A diagnostic for bytes that are not an eBPF object (`O0002`, `O0003`), damaged types (`B0001`), maps
    /// without types (`O0004`), contradictory maps (`O0007`) and relocations that lead nowhere (`O0006`). A section
    /// whose name is not known is no error here: only loading its program is.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Object, Diagnostic> {
        let big_endian = is_big(bytes);
        let bytes = &little(bytes);
        let elf = Elf::parse(name, bytes)?;
        let base = name.rsplit('/').next().unwrap_or(name);
        let stem = base.split('.').next().unwrap_or(base).to_owned();
        let bad_btf = |what: &str, e: skep_btf::Error| {
            Diagnostic::error(code::BAD_BTF, format!("the {what} section of {name} is damaged"))
                .note(e.to_string())
                .help("compile the object again; a tool that strips or merges objects may have cut it")
        };
        let mut btf = match elf.section(".BTF") {
            Some(s) => Some(Btf::parse(s.data).map_err(|e| bad_btf(".BTF", e))?),
            None => None,
        };
        let ext = match (&btf, elf.section(".BTF.ext")) {
            (Some(_), Some(s)) => Ext::parse(s.data).map_err(|e| bad_btf(".BTF.ext", e))?,
            _ => Ext::default(),
        };
        if let Some(btf) = &mut btf {
            elf.fill_sections(btf);
            elf.hide_functions(btf);
        }
        let mut externs = externs::read(&elf, btf.as_mut());
        let maps = maps::read(&elf, btf.as_ref(), &stem, &mut externs)?;
        let programs = programs::read(&elf, btf.as_ref(), &ext, &maps, &externs)?;
        let license = elf.section("license").map_or("", |s| {
            let end = s.data.iter().position(|b| *b == 0).unwrap_or(s.data.len());
            s.data.get(..end).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or("")
        });
        let license = license.to_owned();
        Ok(Object { name: stem, license, programs, maps: maps.specs, externs, btf, big_endian })
    }
}

/// The instructions of an object's section `.text` as they stand there, for objects whose only code is no program by any
/// section's name. Nothing in them is relocated; none without such a section.
///
/// # Errors
/// `O0002` or `O0003`: the bytes are not an eBPF object.
pub fn text(name: &str, bytes: &[u8]) -> Result<Vec<Insn>, Diagnostic> {
    let bytes = &little(bytes);
    let elf = Elf::parse(name, bytes)?;
    Ok(elf.section(".text").map(|section| Insn::slots(section.data)).unwrap_or_default())
}

impl<'a> Elf<'a> {
    fn parse(file: &str, bytes: &'a [u8]) -> Result<Elf<'a>, Diagnostic> {
        let cut = |what: &str| {
            Diagnostic::error(code::NOT_ELF, format!("{file} is not a whole ELF object"))
                .note(what.to_owned())
                .help(COMPILE)
        };
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
            let data = section.data(LE, bytes).map_err(|e| cut(&e.to_string()))?;
            let executable = section.sh_flags(LE).0 & SHF_EXECINSTR.0 != 0 && kind == SHT_PROGBITS;
            if executable {
                take(data.len())?;
            }
            sections.push(Section {
                name: names.text(section.sh_name(LE)).ok_or_else(|| cut("a section has no readable name"))?,
                data,
                size: section.sh_size(LE),
                executable,
                holds_data: matches!(kind, SHT_PROGBITS | SHT_NOBITS),
                rels: Vec::new(),
            });
        }
        for section in table.iter().filter(|s| s.sh_type(LE) == SHT_REL) {
            let Some((rels, _)) = section.rel(LE, bytes).map_err(|e| cut(&e.to_string()))? else { continue };
            let Some(target) = sections.get_mut(section.sh_info(LE) as usize) else {
                return Err(cut("a relocation section names no section"));
            };
            // Relocations of debug information are of no use here.
            if target.executable || target.name == definition::MAPS || struct_ops::section(target.name).is_some() {
                take(size_of_val(rels))?;
                target.rels.extend(rels.iter().map(|r| Rel {
                    offset: r.r_offset(LE),
                    symbol: r.r_sym(LE) as usize,
                    kind: r.r_type(LE).0,
                }));
            }
        }
        let mut symbols = Vec::with_capacity(symtab.len());
        let names = Names::of_symbols(&table, &symtab, bytes);
        for symbol in symtab.symbols() {
            let section = usize::from(symbol.st_shndx(LE).0);
            symbols.push(Symbol {
                name: names.text(symbol.st_name(LE)).ok_or_else(|| cut("a symbol has no readable name"))?,
                section: (section != 0 && section < sections.len()).then_some(section),
                value: symbol.st_value(LE),
                size: symbol.st_size(LE),
                is_func: symbol.st_type() == object::elf::STT_FUNC,
                is_local: symbol.st_bind() == object::elf::STB_LOCAL,
                is_weak: symbol.st_bind() == object::elf::STB_WEAK,
                is_hidden: [STV_HIDDEN, STV_INTERNAL].contains(&symbol.st_visibility()),
            });
        }
        Ok(Elf { file: file.to_owned(), sections, symbols })
    }

    pub(crate) fn section(&self, name: &str) -> Option<&Section<'a>> {
        self.sections.iter().find(|s| s.name == name)
    }

    /// The 64-bit number at a byte of a section: what a relocation there adds to its symbol.
    fn word(&self, section: usize, offset: u64) -> Option<u64> {
        let data = self.sections.get(section)?.data.get(usize::try_from(offset).ok()?..)?;
        data.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// The function that begins at a byte of a section.
    fn function_at(&self, section: usize, offset: u64) -> Option<&'a str> {
        let function = self.symbols.iter().find(|s| s.is_func && s.section == Some(section) && s.value == offset);
        function.map(|s| s.name)
    }

    /// Completes the BTF of data sections with what only the ELF knows.
    fn fill_sections(&self, btf: &mut Btf) {
        let mut by_name = HashMap::new();
        for (at, section) in self.sections.iter().enumerate() {
            by_name.entry(section.name).or_insert((at, section.size));
        }
        let mut variables = HashMap::new();
        // Of a linked object, a static variable may have the name of one that all see; that goes first.
        let (local, global): (Vec<_>, Vec<_>) = self.symbols.iter().filter(|s| !s.is_func).partition(|s| s.is_local);
        for symbol in global.into_iter().chain(local) {
            if let Some(section) = symbol.section {
                variables.entry((section, symbol.name)).or_insert(symbol.value);
            }
        }
        let datasecs: Vec<_> = btf
            .types()
            .filter(|(_, t)| matches!(t.kind, skep_btf::Kind::Datasec { .. }))
            .filter_map(|(id, _)| Some((id, *by_name.get(btf.name(id))?)))
            .collect();
        for (id, (at, size)) in datasecs {
            let size = u32::try_from(size).unwrap_or(0);
            btf.set_section_layout(id, size, |name| variables.get(&(at, name)).and_then(|v| u32::try_from(*v).ok()));
        }
    }
}

impl Elf<'_> {
    /// Functions that are hidden are static ones to the verifier, as libbpf has it.
    fn hide_functions(&self, btf: &mut Btf) {
        for symbol in self.symbols.iter().filter(|s| s.is_func && s.is_hidden && !s.is_local) {
            // A linked object may have static functions of that name too.
            if let Some(id) = btf.find(symbol.name, |kind| matches!(kind, skep_btf::Kind::Func { linkage: 1.., .. })) {
                btf.set_static(id);
            }
        }
    }
}

/// What to try when a file is not an object that clang made.
pub(crate) const COMPILE: &str = "an object is made by `clang -O2 -g -target bpf -c prog.c -o prog.o`";

/// The machine of an ELF file, in words.
pub(crate) fn machine_name(machine: u16) -> &'static str {
    match machine {
        3 => "32-bit x86",
        40 => "32-bit Arm",
        62 => "x86-64",
        183 => "64-bit Arm",
        243 => "RISC-V",
        247 => "32-bit eBPF",
        _ => "another machine",
    }
}

/// The header of a little-endian, relocatable eBPF object.
pub(crate) fn header<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a FileHeader64<LE>, Diagnostic> {
    let not = |title: String| Diagnostic::error(code::NOT_BPF, title);
    let Some(start) = bytes.get(..20).filter(|b| b.starts_with(b"\x7fELF")) else {
        return Err(Diagnostic::error(code::NOT_ELF, format!("{file} is not an ELF object"))
            .note(match bytes.len() {
                0 => "the file is empty".to_owned(),
                len if bytes.starts_with(b"\x7fELF") => format!("the file ends after {len} bytes"),
                _ => "it does not begin with 7f 45 4c 46".to_owned(),
            })
            .help(COMPILE));
    };
    if is_big(bytes) {
        // A whole one was rewritten before it came here.
        let title = format!("{file} is not a whole ELF object");
        return Err(Diagnostic::error(code::NOT_ELF, title)
            .note("it is big-endian, and its tables or sections lie outside the file or overlap")
            .help(COMPILE));
    }
    let byte = |at: usize| start.get(at).copied().unwrap_or(0);
    let machine = u16::from_le_bytes([byte(18), byte(19)]);
    if byte(4) != 2 || machine != EM_BPF.0 {
        return Err(not(format!("{file} is an object for {}, not for eBPF", machine_name(machine)))
            .note(format!("its ELF machine is {machine}, eBPF is 247"))
            .help(COMPILE));
    }
    let header = FileHeader64::<LE>::parse(bytes).map_err(|e| {
        Diagnostic::error(code::NOT_ELF, format!("{file} is not a whole ELF object")).note(e.to_string()).help(COMPILE)
    })?;
    if header.e_type(LE) != ET_REL {
        return Err(not(format!("{file} is an eBPF file, but not a relocatable object"))
            .note(format!("its ELF type is {}, an object's is 1", header.e_type(LE)))
            .help("give the object clang made, before it is linked"));
    }
    Ok(header)
}
