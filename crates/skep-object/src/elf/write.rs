//! ELF out: the relocatable object of an [`Assembly`], with the types, functions and lines that the kernel asks for.

use object::elf::{
    R_BPF_64_32, R_BPF_64_64, RelocationType, SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS, SHT_PROGBITS,
    STB_GLOBAL, STB_LOCAL, STT_FUNC, STT_OBJECT, SectionFlags as ShFlags, SectionType, SymbolInfo, SymbolOther,
};
use object::write::{Object as Elf, Relocation, SectionId, Symbol as ElfSymbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionFlags, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope,
};
use skep_btf::{Builder, Ext, FuncRecord, Kind, LineRecord, Member, SectionVar, TypeId};
use skep_diag::{Diagnostic, code};
use skep_isa::asm::{Assembly, Content, Map, Symbol, Target};
use skep_isa::insn::CALL;

/// The section of maps that BTF defines.
const MAPS: &str = ".maps";
/// Bytes of a pointer, which is what each field of a map's definition is.
const POINTER: u32 = 8;
/// BTF's linkage of what other files see, and of what they do not.
const GLOBAL: u16 = 1;
const STATIC: u16 = 0;

/// The bytes of a relocatable eBPF object that clang could have made: sections, symbols, relocations, maps in `.maps`,
/// types in `.BTF`, functions and lines in `.BTF.ext`, the license.
///
/// # Errors
/// `O0009` for more maps, types or bytes than an object can say.
///
/// ```
/// use skep_isa::asm;
/// use skep_object::{Object, write};
/// let assembly = asm::assemble("pass.s", ".section xdp\npass: r0 = 2\n exit\n").unwrap();
/// let object = Object::parse("pass.o", &write(&assembly)?)?;
/// assert_eq!(object.program("pass").map(|p| p.code.len()), Some(2));
/// # Ok::<(), skep_diag::Diagnostic>(())
/// ```
pub fn write(assembly: &Assembly) -> Result<Vec<u8>, Diagnostic> {
    let large = |why: String| {
        Diagnostic::error(code::UNSUPPORTED_OBJECT, format!("{} is too large for an object", assembly.origin)).note(why)
    };
    let mut elf = Elf::new(BinaryFormat::Elf, Architecture::Bpf, Endianness::Little);
    let sections: Vec<SectionId> = assembly.sections.iter().map(|s| section(&mut elf, &s.name, &s.content)).collect();
    let symbols: Vec<SymbolId> = assembly.symbols.iter().map(|s| symbol(&mut elf, s, &sections)).collect();
    let maps = maps(&mut elf, &assembly.maps);
    for (section, id) in assembly.sections.iter().zip(&sections) {
        let Content::Code(code) = &section.content else { continue };
        for reloc in &code.relocs {
            let target = match reloc.target {
                Target::Map(at) => maps.get(at),
                Target::Symbol(at) => symbols.get(at),
            };
            let is_call = code.insns.get(reloc.slot as usize).is_some_and(|insn| insn.code == CALL);
            let Some(symbol) = target.copied() else { continue };
            let kind = if is_call { R_BPF_64_32 } else { R_BPF_64_64 };
            relocation(&mut elf, *id, u64::from(reloc.slot) * 8, symbol, kind).map_err(|e| large(e.to_string()))?;
        }
    }
    if let Some(license) = &assembly.license {
        let id = progbits(&mut elf, "license", SHF_ALLOC | SHF_WRITE);
        elf.append_section_data(id, license.as_bytes(), 1);
        elf.append_section_data(id, &[0], 1);
    }
    let (types, ext) = types(assembly);
    for (name, bytes) in [(".BTF", types.encode()), (".BTF.ext", ext.encode())] {
        let id = progbits(&mut elf, name, ShFlags(0));
        elf.append_section_data(id, &bytes.map_err(|e| large(e.to_string()))?, 4);
    }
    elf.write().map_err(|e| large(e.to_string()))
}

fn section(elf: &mut Elf<'_>, name: &str, content: &Content) -> SectionId {
    let data = match name.starts_with(".rodata") {
        true => SHF_ALLOC,
        false => SHF_ALLOC | SHF_WRITE,
    };
    match content {
        Content::Code(code) => {
            let id = progbits(elf, name, SHF_ALLOC | SHF_EXECINSTR);
            let bytes: Vec<u8> = code.insns.iter().flat_map(|insn| insn.to_bytes()).collect();
            elf.append_section_data(id, &bytes, 8);
            id
        }
        Content::Data(bytes) => {
            let id = progbits(elf, name, data);
            elf.append_section_data(id, bytes, 8);
            id
        }
        Content::Zeros(count) => {
            let id = add_section(elf, name, SectionKind::UninitializedData, SHT_NOBITS, data);
            elf.append_section_bss(id, *count, 8);
            id
        }
    }
}

fn progbits(elf: &mut Elf<'_>, name: &str, flags: ShFlags) -> SectionId {
    add_section(elf, name, SectionKind::Data, SHT_PROGBITS, flags)
}

fn add_section(elf: &mut Elf<'_>, name: &str, kind: SectionKind, sh_type: SectionType, flags: ShFlags) -> SectionId {
    let id = elf.add_section(Vec::new(), name.as_bytes().to_vec(), kind);
    elf.section_mut(id).flags = SectionFlags::Elf { sh_type, sh_flags: flags };
    id
}

fn symbol(elf: &mut Elf<'_>, symbol: &Symbol, sections: &[SectionId]) -> SymbolId {
    let section = sections.get(symbol.section).map_or(SymbolSection::Undefined, |id| SymbolSection::Section(*id));
    let kind = if symbol.is_function { SymbolKind::Text } else { SymbolKind::Data };
    add_symbol(elf, &symbol.name, (symbol.offset, symbol.size), kind, symbol.is_global, section)
}

fn add_symbol(
    elf: &mut Elf<'_>,
    name: &str,
    (value, size): (u64, u64),
    kind: SymbolKind,
    is_global: bool,
    section: SymbolSection,
) -> SymbolId {
    let binding = if is_global { STB_GLOBAL } else { STB_LOCAL };
    let st_type = if kind == SymbolKind::Text { STT_FUNC } else { STT_OBJECT };
    elf.add_symbol(ElfSymbol {
        name: name.as_bytes().to_vec(),
        value,
        size,
        kind,
        scope: if is_global { SymbolScope::Dynamic } else { SymbolScope::Compilation },
        weak: false,
        section,
        flags: SymbolFlags::Elf { st_info: SymbolInfo::new(binding, st_type), st_other: SymbolOther(0) },
    })
}

fn relocation(
    elf: &mut Elf<'_>,
    section: SectionId,
    offset: u64,
    symbol: SymbolId,
    r_type: RelocationType,
) -> object::write::Result<()> {
    // What is added stands in the instruction.
    elf.add_relocation(section, Relocation { offset, symbol, addend: 0, flags: RelocationFlags::Elf { r_type } })
}

/// The section of maps: a symbol for each, over as many pointers as its definition has fields.
fn maps(elf: &mut Elf<'_>, maps: &[Map]) -> Vec<SymbolId> {
    if maps.is_empty() {
        return Vec::new();
    }
    let section = progbits(elf, MAPS, SHF_ALLOC | SHF_WRITE);
    let mut symbols = Vec::new();
    for map in maps {
        let size = map_size(map);
        let offset = elf.append_section_data(section, &vec![0; size as usize], POINTER.into());
        let place = (offset, size.into());
        let section = SymbolSection::Section(section);
        symbols.push(add_symbol(elf, &map.name, place, SymbolKind::Data, true, section));
    }
    symbols
}

/// A field of a map's definition: a number, or a type of that many bytes.
enum Setting {
    Number(u32),
    Type(u32),
}

/// What a map's definition says: `type` always, the rest where it is not 0.
fn settings(map: &Map) -> Vec<(&'static str, Setting)> {
    let mut settings = vec![("type", Setting::Number(map.map_type.id()))];
    for (name, size) in [("key", map.key_size), ("value", map.value_size)] {
        if size != 0 {
            settings.push((name, Setting::Type(size)));
        }
    }
    for (name, number) in [("max_entries", map.max_entries), ("map_flags", map.flags)] {
        if number != 0 {
            settings.push((name, Setting::Number(number)));
        }
    }
    settings
}

fn map_size(map: &Map) -> u32 {
    settings(map).len() as u32 * POINTER
}

/// The types of maps and functions, and where functions and lines begin.
fn types(assembly: &Assembly) -> (Builder, Ext) {
    let mut builder = Builder::new();
    let int = integer(&mut builder, "int", 4, true);
    let words = [("u8", 1), ("u16", 2), ("u32", 4), ("u64", 8)]
        .map(|(name, size)| (size, integer(&mut builder, name, size, false)));
    map_types(&mut builder, int, &words, &assembly.maps);
    data_types(&mut builder, &words, assembly);
    let mut ext = Ext::default();
    let file_off = builder.string(&assembly.origin);
    for (at, section) in assembly.sections.iter().enumerate() {
        let Content::Code(code) = &section.content else { continue };
        let name_off = builder.string(&section.name);
        let mut functions: Vec<&Symbol> =
            assembly.symbols.iter().filter(|s| s.is_function && s.section == at).collect();
        // One of two names of a function is enough.
        functions.dedup_by_key(|s| s.offset);
        for function in functions {
            // Nothing is known of a subprogram's arguments, so the kernel is to follow calls of it, as it does of
            // static ones.
            let is_program = function.is_global && section.name != ".text";
            let linkage = if is_program { GLOBAL } else { STATIC };
            let params = if is_program { context(&mut builder) } else { Vec::new() };
            let proto = builder.add("", Kind::FuncProto { ret: int, params });
            let type_id = builder.add(&function.name, Kind::Func { proto, linkage });
            ext.funcs.push(FuncRecord { section: name_off, offset: function.offset as u32, type_id });
        }
        for line in &code.lines {
            let text_off = builder.string(&line.text);
            let (line, column, offset) = (line.line, line.column.min(0x3ff), line.slot * 8);
            ext.lines.push(LineRecord { section: name_off, offset, file_off, text_off, line, column });
        }
    }
    (builder, ext)
}

/// `void *ctx`, the one parameter of a program.
fn context(builder: &mut Builder) -> Vec<(u32, TypeId)> {
    let pointer = builder.add("", Kind::Ptr(TypeId(0)));
    vec![(builder.string("ctx"), pointer)]
}

fn integer(builder: &mut Builder, name: &str, size: u32, signed: bool) -> TypeId {
    builder.add(name, Kind::Int { size, bits: (size * 8) as u8, signed, char: false, bool: false })
}

/// The unsigned integers, each with its size.
type Words = [(u32, TypeId); 4];

/// A type of this many bytes: the integer of this size, else an array of the largest that divides it.
fn bytes_type(builder: &mut Builder, words: &Words, size: u32) -> TypeId {
    if let Some((_, word)) = words.iter().find(|(bytes, _)| *bytes == size) {
        return *word;
    }
    let [byte, ..] = *words;
    let (bytes, element) = words.iter().rev().find(|(bytes, _)| size.is_multiple_of(*bytes)).copied().unwrap_or(byte);
    builder.add("", Kind::Array { element, len: size / bytes })
}

/// Variables for the labels of data sections.
fn data_types(builder: &mut Builder, words: &Words, assembly: &Assembly) {
    for (at, section) in assembly.sections.iter().enumerate() {
        let size = match &section.content {
            Content::Code(_) => continue,
            Content::Data(bytes) => bytes.len() as u64,
            Content::Zeros(count) => *count,
        };
        let mut vars = Vec::new();
        for symbol in assembly.symbols.iter().filter(|s| s.section == at && s.size != 0) {
            let (offset, len) = (symbol.offset as u32, symbol.size as u32);
            // Two labels of one place would be two variables of it, which the kernel refuses.
            if vars.last().is_some_and(|before: &SectionVar| before.offset == offset) {
                continue;
            }
            let type_id = bytes_type(builder, words, len);
            let linkage = if symbol.is_global { GLOBAL } else { STATIC };
            let type_id = builder.add(&symbol.name, Kind::Var { type_id, linkage: linkage.into() });
            vars.push(SectionVar { type_id, offset, size: len });
        }
        if !vars.is_empty() {
            builder.add(&section.name, Kind::Datasec { size: size as u32, vars });
        }
    }
}

/// `.maps` as clang describes it: a variable for each map, of a structure whose members are pointers.
fn map_types(builder: &mut Builder, int: TypeId, words: &Words, maps: &[Map]) {
    if maps.is_empty() {
        return;
    }
    let mut vars = Vec::new();
    let mut offset = 0;
    for map in maps {
        let mut members = Vec::new();
        for (name, setting) in settings(map) {
            let to = match setting {
                Setting::Number(len) => builder.add("", Kind::Array { element: int, len }),
                Setting::Type(size) => bytes_type(builder, words, size),
            };
            let type_id = builder.add("", Kind::Ptr(to));
            let bit_offset = members.len() as u32 * POINTER * 8;
            members.push(Member { name_off: builder.string(name), type_id, bit_offset, bit_size: 0 });
        }
        let size = map_size(map);
        let definition = builder.add("", Kind::Struct { size, members });
        let variable = builder.add(&map.name, Kind::Var { type_id: definition, linkage: GLOBAL.into() });
        vars.push(SectionVar { type_id: variable, offset, size });
        offset += size;
    }
    builder.add(MAPS, Kind::Datasec { size: offset, vars });
}
