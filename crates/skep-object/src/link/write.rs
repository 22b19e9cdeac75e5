//! The result as an ELF object.

use object::elf::{
    RelocationType, SHF_MERGE, SHF_STRINGS, SHT_NOBITS, SHT_PROGBITS, STB_GLOBAL, STB_LOCAL, STB_WEAK, STT_FILE,
    SectionFlags as ShFlags, SymbolInfo, SymbolOther,
};
use object::write::{Object as Elf, Relocation, SectionId, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionFlags, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope,
};

use super::input::{BTF, BTF_EXT, Place};
use super::reloc::{self, Target};
use super::section::{self, Sections};
use super::symbol::{self, Symbols};
use super::types::Encoded;

/// Alignment of types.
const TYPES: u64 = 8;

pub(super) fn write(
    sections: &Sections<'_>,
    symbols: &Symbols<'_>,
    relocs: &[reloc::Merged],
    types: Option<&Encoded>,
) -> object::write::Result<Vec<u8>> {
    let mut elf = Elf::new(BinaryFormat::Elf, Architecture::Bpf, Endianness::Little);
    let ids: Vec<SectionId> = sections.all.iter().map(|section| add_section(&mut elf, section)).collect();
    let symbols: Vec<SymbolId> = symbols.all.iter().map(|symbol| add_symbol(&mut elf, symbol, &ids)).collect();
    for rel in relocs {
        let target = match rel.target {
            Target::Symbol(at) => symbols.get(at).copied(),
            Target::Section(at) => ids.get(at).map(|id| elf.section_symbol(*id)),
        };
        let (Some(section), Some(symbol)) = (ids.get(rel.section), target) else { continue };
        let flags = RelocationFlags::Elf { r_type: RelocationType(rel.kind) };
        // What is added stands in the bytes.
        elf.add_relocation(*section, Relocation { offset: rel.offset, symbol, addend: 0, flags })?;
    }
    let types = types.map(|types| [(BTF, Some(&types.btf)), (BTF_EXT, types.ext.as_ref())]);
    for (name, bytes) in types.into_iter().flatten() {
        let Some(bytes) = bytes else { continue };
        let id = elf.add_section(Vec::new(), name.as_bytes().to_vec(), SectionKind::Data);
        elf.section_mut(id).flags = SectionFlags::Elf { sh_type: SHT_PROGBITS, sh_flags: ShFlags(0) };
        elf.append_section_data(id, bytes, TYPES);
    }
    elf.write()
}

fn add_section(elf: &mut Elf<'_>, merged: &section::Merged<'_>) -> SectionId {
    // Strings that may be merged are the one kind whose entries have a size here.
    let is_strings = merged.entry == 1 && merged.flags.0 & SHF_STRINGS.0 != 0;
    let (kind, flags) = match (merged.kind, is_strings) {
        (SHT_NOBITS, _) => (SectionKind::UninitializedData, merged.flags),
        (_, true) => (SectionKind::ReadOnlyString, merged.flags),
        (_, false) => (SectionKind::Data, ShFlags(merged.flags.0 & !(SHF_MERGE.0 | SHF_STRINGS.0))),
    };
    let id = elf.add_section(Vec::new(), merged.name.as_bytes().to_vec(), kind);
    elf.section_mut(id).flags = SectionFlags::Elf { sh_type: merged.kind, sh_flags: flags };
    match merged.kind {
        SHT_NOBITS => elf.append_section_bss(id, merged.size, merged.align),
        _ => elf.append_section_data(id, &merged.data, merged.align),
    };
    id
}

fn add_symbol(elf: &mut Elf<'_>, merged: &symbol::Merged<'_>, sections: &[SectionId]) -> SymbolId {
    let is_file = merged.kind == STT_FILE;
    let section = match merged.place {
        Place::Section(at) => sections.get(at).map_or(SymbolSection::Undefined, |id| SymbolSection::Section(*id)),
        Place::Absolute if is_file => SymbolSection::None,
        Place::Absolute => SymbolSection::Absolute,
        Place::Undefined => SymbolSection::Undefined,
    };
    let binding = match (merged.is_local, merged.is_weak) {
        (true, _) => STB_LOCAL,
        (_, true) => STB_WEAK,
        _ => STB_GLOBAL,
    };
    elf.add_symbol(Symbol {
        name: merged.name.as_bytes().to_vec(),
        value: merged.value,
        size: merged.size,
        kind: if is_file { SymbolKind::File } else { SymbolKind::Unknown },
        scope: if merged.is_local { SymbolScope::Compilation } else { SymbolScope::Dynamic },
        weak: merged.is_weak,
        section,
        flags: SymbolFlags::Elf {
            st_info: SymbolInfo::new(binding, merged.kind),
            st_other: SymbolOther(merged.visibility.0),
        },
    })
}
