//! What the tests share: ELF objects made by hand.
#![allow(dead_code, reason = "each test uses its own part")]

#[path = "../../../skep-btf/tests/support/mod.rs"]
pub(crate) mod types;

use skep_diag::Diagnostic;
use skep_isa::Insn;
use skep_object::Object;

pub(crate) const PROGBITS: u32 = 1;
pub(crate) const NOBITS: u32 = 8;
pub(crate) const REL: u32 = 9;

/// Symbol kinds and binding, as `st_info` holds them.
pub(crate) const LOCAL_SECTION: u8 = 3;
pub(crate) const LOCAL_FUNC: u8 = 2;
pub(crate) const GLOBAL_FUNC: u8 = 0x12;
pub(crate) const GLOBAL_OBJECT: u8 = 0x11;
pub(crate) const GLOBAL_UNDEFINED: u8 = 0x10;

/// Relocation kinds.
pub(crate) const ADDRESS: u32 = 1;
pub(crate) const CALL: u32 = 10;

struct Section {
    name: u32,
    kind: u32,
    flags: u64,
    /// Where its bytes stand among all bytes, and how many there are.
    place: (usize, u64),
    link: u32,
    info: u32,
    entry: u64,
}

/// A relocatable eBPF object. Sections are numbered from 1, symbols too.
#[derive(Default)]
pub(crate) struct Elf {
    names: Vec<u8>,
    bytes: Vec<u8>,
    sections: Vec<Section>,
    symbols: Vec<[u8; 24]>,
}

impl Elf {
    /// The offset of a name in the table of strings.
    pub(crate) fn name(&mut self, text: impl AsRef<[u8]>) -> u32 {
        if self.names.is_empty() {
            self.names.push(0);
        }
        let at = self.names.len() as u32;
        self.names.extend(text.as_ref());
        self.names.push(0);
        at
    }

    /// A section of these bytes; its number.
    pub(crate) fn section(&mut self, name: &str, kind: u32, flags: u64, bytes: &[u8]) -> u32 {
        let place = (self.bytes.len(), bytes.len() as u64);
        self.bytes.extend(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let name = self.name(name);
        self.sections.push(Section { name, kind, flags, place, link: 0, info: 0, entry: 0 });
        self.sections.len() as u32
    }

    /// An executable section.
    pub(crate) fn code(&mut self, name: &str, code: &[Insn]) -> u32 {
        let bytes: Vec<u8> = code.iter().flat_map(|insn| insn.to_bytes()).collect();
        self.section(name, PROGBITS, 6, &bytes)
    }

    /// A section of data.
    pub(crate) fn data(&mut self, name: &str, bytes: &[u8]) -> u32 {
        self.section(name, PROGBITS, 3, bytes)
    }

    /// A section of zeros that take no room in the file.
    pub(crate) fn zeros(&mut self, name: &str, size: u64) -> u32 {
        let at = self.section(name, NOBITS, 3, &[]);
        self.sections[at as usize - 1].place.1 = size;
        at
    }

    /// One more section header over the bytes of another.
    pub(crate) fn again(&mut self, section: u32) -> u32 {
        let Section { name, kind, flags, place, link, info, entry } = self.sections[section as usize - 1];
        self.sections.push(Section { name, kind, flags, place, link, info, entry });
        self.sections.len() as u32
    }

    /// Relocations of a section: offset, symbol, kind.
    pub(crate) fn relocate(&mut self, section: u32, rels: &[(u64, u32, u32)]) -> u32 {
        self.relocate_named(".rel", section, rels)
    }

    /// The same under a name. The symbol table gets its number last, and the link to it too.
    pub(crate) fn relocate_named(&mut self, name: &str, section: u32, rels: &[(u64, u32, u32)]) -> u32 {
        let bytes = rels.iter().flat_map(|(offset, symbol, kind)| {
            [offset.to_le_bytes(), ((u64::from(*symbol) << 32) | u64::from(*kind)).to_le_bytes()].concat()
        });
        let bytes: Vec<u8> = bytes.collect();
        let at = self.section(name, REL, 0, &bytes);
        self.sections[at as usize - 1].info = section;
        self.sections[at as usize - 1].entry = 16;
        at
    }

    /// A symbol whose name is an offset; its number.
    pub(crate) fn symbol_at(&mut self, name: u32, info: u8, section: u32, value: u64, size: u64) -> u32 {
        let mut bytes = [0; 24];
        bytes[..4].copy_from_slice(&name.to_le_bytes());
        bytes[4] = info;
        bytes[6..8].copy_from_slice(&(section as u16).to_le_bytes());
        bytes[8..16].copy_from_slice(&value.to_le_bytes());
        bytes[16..].copy_from_slice(&size.to_le_bytes());
        self.symbols.push(bytes);
        self.symbols.len() as u32
    }

    /// A symbol; its number.
    pub(crate) fn symbol(&mut self, name: &str, info: u8, section: u32, value: u64, size: u64) -> u32 {
        let name = if name.is_empty() { 0 } else { self.name(name) };
        self.symbol_at(name, info, section, value, size)
    }

    /// The file.
    pub(crate) fn bytes(mut self) -> Vec<u8> {
        let symbols = [vec![0; 24], self.symbols.concat()].concat();
        let locals = 1 + self.symbols.iter().filter(|s| s[4] >> 4 == 0).count() as u32;
        let table = self.section(".symtab", 2, 0, &symbols);
        self.sections[table as usize - 1].entry = 24;
        self.sections[table as usize - 1].info = locals;
        let strings = self.name(".strtab");
        let names = self.names.clone();
        let place = (self.bytes.len(), names.len() as u64);
        self.sections.push(Section { name: strings, kind: 3, flags: 0, place, link: 0, info: 0, entry: 0 });
        self.bytes.extend(&names);
        let strings = self.sections.len() as u16;
        self.sections[table as usize - 1].link = strings.into();
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0\xf7\0\x01\0\0\0".to_vec();
        let headers = 64 + self.bytes.len() as u64;
        file.extend([0, 0, headers].iter().flat_map(|word: &u64| word.to_le_bytes()));
        let halves = [0, 0, 64, 0, 0, 64, self.sections.len() as u16 + 1, strings];
        file.extend(halves.iter().flat_map(|half: &u16| half.to_le_bytes()));
        file.extend(&self.bytes);
        file.extend([0; 64]);
        for s in &self.sections {
            let link = if s.kind == REL { table } else { s.link };
            let offset = if s.place.1 == 0 { 64 } else { 64 + s.place.0 as u64 };
            file.extend([s.name, s.kind].iter().flat_map(|word| word.to_le_bytes()));
            file.extend([s.flags, 0, offset, s.place.1].iter().flat_map(|word| word.to_le_bytes()));
            file.extend([link, s.info].iter().flat_map(|word| word.to_le_bytes()));
            file.extend([8, s.entry].iter().flat_map(|word: &u64| word.to_le_bytes()));
        }
        file
    }

    pub(crate) fn parse(self) -> Result<Object, Diagnostic> {
        Object::parse("dir/test.bpf.o", &self.bytes())
    }
}

pub(crate) fn mov(value: i32) -> Insn {
    Insn::new(0xb7, 0, 0, 0, value)
}

pub(crate) fn exit() -> Insn {
    Insn::new(0x95, 0, 0, 0, 0)
}

/// A call of a function at a distance.
pub(crate) fn call(distance: i32) -> Insn {
    Insn::new(0x85, 0, 1, 0, distance)
}

/// A wide load whose immediate is the addend.
pub(crate) fn wide(addend: i32) -> [Insn; 2] {
    [Insn::new(0x18, 1, 0, 0, addend), Insn::new(0, 0, 0, 0, 0)]
}
