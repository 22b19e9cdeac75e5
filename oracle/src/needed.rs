//! Which maps a program refers to, by the object's relocations: its function, every function it reaches, and what those
//! maps refer to themselves. Knows neither libbpf nor skep.

use std::collections::{BTreeMap, BTreeSet};

use object::LittleEndian as LE;
use object::elf::{FileHeader64, SHF_EXECINSTR, SHT_REL, SHT_SYMTAB, STB_WEAK, STT_FUNC, STT_SECTION};
use object::read::elf::{FileHeader, Rel as _, SectionHeader, Sym as _};

/// The object with every undefined symbol weak that the program does not refer to. libbpf resolves the symbols of a whole
/// object, and what the kernel lacks for one program is not to keep it from another.
pub(crate) fn weaken(bytes: &[u8], needed: &Needed) -> Vec<u8> {
    let mut weak = bytes.to_vec();
    for (at, info) in unneeded(bytes, needed).unwrap_or_default() {
        if let Some(byte) = weak.get_mut(at) {
            *byte = info;
        }
    }
    weak
}

/// Where the binding of such symbols stands, and what is to stand there.
fn unneeded(bytes: &[u8], needed: &Needed) -> Option<Vec<(usize, u8)>> {
    let header = FileHeader64::<LE>::parse(bytes).ok()?;
    let table = header.sections(LE, bytes).ok()?;
    let symtab = table.symbols(LE, bytes, SHT_SYMTAB).ok()?;
    let start = table.section(symtab.section()).ok()?.sh_offset(LE);
    let mut found = Vec::new();
    for (at, symbol) in symtab.symbols().iter().enumerate().skip(1) {
        let name = String::from_utf8_lossy(symtab.symbol_name(LE, symbol).ok()?).into_owned();
        if symbol.st_shndx(LE).0 == 0 && !needed.externs.contains(&name) {
            let info = STB_WEAK.0 << 4 | symbol.st_type().0;
            found.push((usize::try_from(start).ok()? + at * SYMBOL + INFO, info));
        }
    }
    Some(found)
}

/// Bytes of a symbol, and where in it type and binding stand.
const SYMBOL: usize = 24;
const INFO: usize = 4;

/// What one program refers to.
#[derive(Debug, Default)]
pub(crate) struct Needed {
    /// Names of maps in `.maps`.
    pub(crate) maps: BTreeSet<String>,
    /// Names of data sections.
    pub(crate) sections: BTreeSet<String>,
    /// Symbols that the object does not define.
    pub(crate) externs: BTreeSet<String>,
}

/// A symbol.
struct Symbol {
    name: String,
    section: usize,
    value: u64,
    size: u64,
    is_func: bool,
    is_section: bool,
}

/// The parts of an object.
struct File<'a> {
    names: Vec<String>,
    data: Vec<&'a [u8]>,
    executable: BTreeSet<usize>,
    symbols: Vec<Symbol>,
    /// Symbol by section and byte.
    rels: BTreeMap<(usize, u64), usize>,
}

/// What the program of this name refers to; `None` for an object that cannot be read so.
pub(crate) fn maps(bytes: &[u8], program: &str) -> Option<Needed> {
    let file = File::read(bytes)?;
    let entry = file.symbols.iter().position(|s| s.is_func && s.name == program)?;
    let mut needed = Needed::default();
    let mut seen = BTreeSet::new();
    let mut next = vec![entry];
    let types = file.section(".BTF").and_then(|at| file.data.get(at).copied()).unwrap_or_default();
    if let Some(name) = exception_callback(types, program) {
        next.extend(file.symbols.iter().position(|s| s.is_func && s.name == name));
    }
    while let Some(at) = next.pop() {
        if seen.insert(at) {
            file.references(at, &mut needed, &mut next);
        }
    }
    file.close(&mut needed);
    Some(needed)
}

/// The function that handles a program's exceptions: a tag on the program in the object's types names it.
fn exception_callback(btf: &[u8], program: &str) -> Option<String> {
    const FUNC: u32 = 12;
    const DECL_TAG: u32 = 17;
    let word = |at: usize| btf.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let field = |at: usize| word(at).map(|n| n as usize);
    let (header, types, len, strings) = (field(4)?, field(8)?, field(12)?, field(16)?);
    let string = |offset: u32| {
        let bytes = btf.get(header + strings + offset as usize..)?;
        std::str::from_utf8(bytes.split(|byte| *byte == 0).next()?).ok()
    };
    let (mut funcs, mut tags) = (Vec::new(), Vec::new());
    let (mut at, end, mut id) = (header + types, header + types + len, 1);
    while at < end {
        let (name, info, to) = (word(at)?, word(at + 4)?, word(at + 8)?);
        let (kind, count) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
        match kind {
            FUNC if string(name) == Some(program) => funcs.push(id),
            DECL_TAG => tags.push((to, string(name)?)),
            _ => {}
        }
        // What follows a record's three words, by its kind.
        at += 12
            + match kind {
                1 | 14 | 17 => 4,
                3 => 12,
                4 | 5 | 15 | 19 => count * 12,
                6 | 13 => count * 8,
                _ => 0,
            };
        id += 1;
    }
    let name = |(to, tag): &(u32, &str)| {
        funcs.contains(to).then(|| tag.strip_prefix("exception_callback:"))?.map(str::to_owned)
    };
    tags.iter().find_map(name)
}

impl<'a> File<'a> {
    fn read(bytes: &'a [u8]) -> Option<File<'a>> {
        let header = FileHeader64::<LE>::parse(bytes).ok()?;
        let table = header.sections(LE, bytes).ok()?;
        let symtab = table.symbols(LE, bytes, SHT_SYMTAB).ok()?;
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let mut file = File {
            names: Vec::new(),
            data: Vec::new(),
            executable: BTreeSet::new(),
            symbols: Vec::new(),
            rels: BTreeMap::new(),
        };
        for (at, section) in table.iter().enumerate() {
            file.names.push(text(table.section_name(LE, section).ok()?));
            file.data.push(section.data(LE, bytes).ok()?);
            if section.sh_flags(LE).0 & SHF_EXECINSTR.0 != 0 {
                file.executable.insert(at);
            }
        }
        for section in table.iter().filter(|s| s.sh_type(LE) == SHT_REL) {
            let target = section.sh_info(LE) as usize;
            let (rels, _) = section.rel(LE, bytes).ok()??;
            if file.executable.contains(&target) || file.names.get(target).is_some_and(|name| name == ".maps") {
                file.rels.extend(rels.iter().map(|r| ((target, r.r_offset(LE)), r.r_sym(LE) as usize)));
            }
        }
        for symbol in symtab.symbols() {
            file.symbols.push(Symbol {
                name: text(symtab.symbol_name(LE, symbol).ok()?),
                section: usize::from(symbol.st_shndx(LE).0),
                value: symbol.st_value(LE),
                size: symbol.st_size(LE),
                is_func: symbol.st_type() == STT_FUNC,
                is_section: symbol.st_type() == STT_SECTION,
            });
        }
        Some(file)
    }

    fn section(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// The function at a byte of a section.
    fn func_at(&self, section: usize, byte: u64) -> Option<usize> {
        self.symbols.iter().position(|s| s.is_func && s.section == section && s.value == byte)
    }

    /// Adds what a function's instructions refer to.
    fn references(&self, function: usize, needed: &mut Needed, next: &mut Vec<usize>) {
        let func = &self.symbols[function];
        let Some(data) = self.data.get(func.section) else { return };
        for byte in (func.value..func.value + func.size).step_by(8) {
            let Some(slot) = data.get(byte as usize..).and_then(|rest| rest.first_chunk::<8>()) else { return };
            let imm = i64::from(i32::from_le_bytes([slot[4], slot[5], slot[6], slot[7]]));
            let is_call = slot[0] == 0x85;
            match self.rels.get(&(func.section, byte)).and_then(|at| Some((*at, self.symbols.get(*at)?))) {
                // A call counts slots and from the next instruction, a load counts bytes.
                Some((at, symbol)) if self.executable.contains(&symbol.section) => {
                    let addend = if is_call { (imm + 1) * 8 } else { imm };
                    let to = symbol.value.wrapping_add_signed(addend);
                    match symbol.is_section {
                        true => next.extend(self.func_at(symbol.section, to)),
                        false => next.push(at),
                    }
                }
                Some((_, symbol)) => self.add(symbol, needed),
                None if is_call && slot[1] >> 4 == 1 => {
                    next.extend(self.func_at(func.section, byte.wrapping_add_signed((imm + 1) * 8)));
                }
                None => {}
            }
        }
    }

    fn add(&self, symbol: &Symbol, needed: &mut Needed) {
        match self.names.get(symbol.section).map(String::as_str) {
            Some(".maps") => _ = needed.maps.insert(symbol.name.clone()),
            _ if symbol.section == 0 => _ = needed.externs.insert(symbol.name.clone()),
            Some(name) => _ = needed.sections.insert(name.to_owned()),
            None => {}
        }
    }

    /// Adds the maps that needed maps hold.
    fn close(&self, needed: &mut Needed) {
        let Some(section) = self.section(".maps") else { return };
        loop {
            let before = needed.maps.len();
            for (&(at, byte), &target) in &self.rels {
                let holds = |s: &Symbol| {
                    s.section == section && (s.value..s.value + s.size).contains(&byte) && needed.maps.contains(&s.name)
                };
                if at == section
                    && self.symbols.iter().any(holds)
                    && let Some(target) = self.symbols.get(target).filter(|s| s.section == section)
                {
                    needed.maps.insert(target.name.clone());
                }
            }
            if needed.maps.len() == before {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(path: &str) -> Vec<u8> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn names(set: &BTreeSet<String>) -> Vec<&str> {
        set.iter().map(String::as_str).collect()
    }

    #[test]
    fn maps_and_sections_are_those_of_the_program_and_what_it_calls() {
        let needed = maps(&object("tests/data/object/several.bpf.o"), "tap").expect("an object");
        assert_eq!((names(&needed.maps), names(&needed.sections)), (vec!["ran"], vec![]));
        let needed = maps(&object("examples/vlan/vlan.bpf.o"), "vlan").expect("an object");
        assert_eq!((names(&needed.maps), names(&needed.sections)), (vec![], vec![".bss", ".rodata"]));
        assert!(needed.externs.is_empty());
    }

    #[test]
    fn a_program_that_is_not_there_needs_nothing() {
        assert!(maps(&object("tests/data/object/several.bpf.o"), "nobody").is_none());
        assert!(maps(b"no object", "tap").is_none());
    }

    #[test]
    fn an_object_without_undefined_symbols_is_left_as_it_is() {
        let bytes = object("examples/vlan/vlan.bpf.o");
        assert_eq!(weaken(&bytes, &Needed::default()), bytes);
    }
}
