//! Programs: each entry function with the subprograms it reaches, in one piece, and what its code refers to.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use skep_btf::{Btf, Ext};
use skep_diag::{Diagnostic, code};
use skep_isa::{Insn, insn, spec};

use super::maps::Maps;
use super::{Elf, Rel, Symbol, gnu};
use crate::external::{Extern, ExternKind};
use crate::hook::Hook;
use crate::program::{FuncInfo, LineInfo, ProgramSpec, Reloc, RelocTarget};

/// Most slots all programs of an object may have together after linking: four of the kernel's largest programs. Eight
/// bytes of a function's name count as one.
const MAX_SLOTS: usize = 4_000_000;
/// Relocation of a 64-bit immediate load.
const R_BPF_64_64: u32 = 1;
/// Relocation of a call.
const R_BPF_64_32: u32 = 10;

/// A function's place in the file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Place {
    section: usize,
    slot: usize,
}

struct Function<'a> {
    name: &'a str,
    place: Place,
    len: usize,
}

/// The functions of one program in their order, and where each begins.
struct Layout<'a> {
    order: Vec<&'a Function<'a>>,
    starts: HashMap<Place, usize>,
}

/// What a slot of the file refers to, before linking.
enum Target {
    Func(Place),
    Other(RelocTarget),
}

pub(crate) fn read(
    elf: &Elf<'_>,
    btf: Option<&Btf>,
    ext: &Ext,
    maps: &Maps,
    externs: &[Extern],
) -> Result<Vec<ProgramSpec>, Diagnostic> {
    let file = File::new(elf, btf, ext, maps, externs)?;
    let mut programs = Vec::new();
    let mut left = MAX_SLOTS;
    for function in &file.entries {
        programs.push(file.link(function, &mut left)?);
    }
    Ok(programs)
}

/// A kernel option by its name, as a byte of its map.
fn option(one: &Extern) -> Option<(&str, RelocTarget)> {
    match one.kind {
        ExternKind::Option { map, offset, .. } => Some((one.name.as_str(), RelocTarget::MapValue { map, offset })),
        _ => None,
    }
}

/// Everything linking asks for, indexed once.
struct File<'a> {
    elf: &'a Elf<'a>,
    btf: Option<&'a Btf>,
    functions: HashMap<Place, Function<'a>>,
    /// Functions that are programs, in the order of section and slot.
    entries: Vec<Place>,
    /// Slots of each executable section.
    code: HashMap<usize, Vec<Insn>>,
    targets: HashMap<Place, Target>,
    /// Constants of relocated instructions hold the symbol's value already.
    holds_values: bool,
    /// Line and function records by section, in the order of the file.
    lines: HashMap<usize, Vec<skep_btf::LineRecord>>,
    types: HashMap<Place, skep_btf::TypeId>,
}

impl<'a> File<'a> {
    fn new(
        elf: &'a Elf<'a>,
        btf: Option<&'a Btf>,
        ext: &Ext,
        maps: &Maps,
        externs: &[Extern],
    ) -> Result<File<'a>, Diagnostic> {
        let options: HashMap<&str, RelocTarget> = externs.iter().filter_map(option).collect();
        let mut file = File {
            elf,
            btf,
            functions: HashMap::new(),
            entries: Vec::new(),
            code: HashMap::new(),
            targets: HashMap::new(),
            holds_values: false,
            lines: HashMap::new(),
            types: HashMap::new(),
        };
        for (at, section) in elf.sections.iter().enumerate().filter(|(_, s)| s.executable) {
            file.code.insert(at, Insn::slots(section.data));
        }
        for symbol in elf.symbols.iter().filter(|s| s.is_func) {
            file.add_function(symbol)?;
        }
        file.entries.sort();
        let code = elf.sections.iter().enumerate().filter(|(_, s)| s.executable);
        let named =
            code.flat_map(|(at, section)| section.rels.iter().map(move |rel| (at, rel))).filter_map(|(at, rel)| {
                let symbol = elf.symbols.get(rel.symbol).filter(|symbol| symbol.section.is_some())?;
                let insn = file.code.get(&at)?.get((rel.offset / 8) as usize)?;
                Some((insn.imm, insn.is_local_call(), symbol.value))
            });
        let comment = elf.section(gnu::COMMENT).map_or(&[][..], |section| section.data);
        file.holds_values = gnu::holds_values(comment, named);
        for (at, section) in elf.sections.iter().enumerate().filter(|(_, s)| s.executable) {
            for rel in &section.rels {
                file.add_relocation(at, rel, maps, &options)?;
            }
        }
        file.add_ext(ext);
        Ok(file)
    }

    fn add_function(&mut self, symbol: &Symbol<'a>) -> Result<(), Diagnostic> {
        let Some(section) = symbol.section else { return Ok(()) };
        let Some(code) = self.code.get(&section) else { return Ok(()) };
        let (slot, len) = ((symbol.value / 8) as usize, (symbol.size / 8) as usize);
        let inside = slot.checked_add(len).is_some_and(|end| end <= code.len());
        if !symbol.value.is_multiple_of(8) || !symbol.size.is_multiple_of(8) || len == 0 || !inside {
            return Err(Diagnostic::error(
                code::BAD_CODE,
                format!("function `{}` of {} does not lie within its section", symbol.name, self.elf.file),
            )
            .note(format!("it is said to take {} bytes from byte {}", symbol.size, symbol.value)));
        }
        let place = Place { section, slot };
        let is_text = self.elf.sections.get(section).is_some_and(|s| s.name == ".text");
        let first = self.functions.insert(place, Function { name: symbol.name, place, len }).is_none();
        if first && !is_text && !symbol.is_local {
            self.entries.push(place);
        }
        Ok(())
    }

    fn add_relocation(
        &mut self,
        section: usize,
        rel: &Rel,
        maps: &Maps,
        options: &HashMap<&str, RelocTarget>,
    ) -> Result<(), Diagnostic> {
        let elf = self.elf;
        let place = Place { section, slot: (rel.offset / 8) as usize };
        let bad = |why: String| {
            let name = elf.sections.get(section).map_or("", |s| s.name);
            Diagnostic::error(
                code::BAD_RELOCATION,
                format!("a relocation of section {name} in {} leads nowhere", elf.file),
            )
            .note(format!("at byte {}: {why}", rel.offset))
            .help("compile the object again")
        };
        let symbol = elf.symbols.get(rel.symbol).ok_or_else(|| bad(format!("there is no symbol {}", rel.symbol)))?;
        let insn = self.code.get(&section).and_then(|c| c.get(place.slot)).copied();
        let insn =
            insn.filter(|_| rel.offset.is_multiple_of(8)).ok_or_else(|| bad("there is no instruction".into()))?;
        let Some(of) = symbol.section else {
            let option = options.get(symbol.name).cloned();
            let target = option.unwrap_or_else(|| RelocTarget::Extern(symbol.name.to_owned()));
            self.targets.insert(place, Target::Other(target));
            return Ok(());
        };
        let is_code = self.code.contains_key(&of);
        let held = if self.holds_values { symbol.value.cast_signed() } else { 0 };
        let addend = i64::from(insn.imm).wrapping_sub(held);
        // The addend stands in the instruction; a section's symbol has value 0.
        let target = match rel.kind {
            R_BPF_64_32 if insn.is_local_call() && is_code => {
                let slot = (symbol.value / 8).cast_signed().wrapping_add(addend).wrapping_add(1);
                let slot = usize::try_from(slot).map_err(|_| bad("the call goes before its section".into()))?;
                Target::Func(Place { section: of, slot })
            }
            R_BPF_64_64 if insn.is_wide() && is_code => {
                let byte = symbol.value.cast_signed().wrapping_add(addend);
                let slot = usize::try_from(byte / 8).map_err(|_| bad("the address is before its section".into()))?;
                Target::Func(Place { section: of, slot })
            }
            R_BPF_64_64 if insn.is_wide() => {
                let offset = symbol.value.cast_signed().wrapping_add(addend);
                let start = u64::try_from(offset).map_err(|_| bad("the address is before its section".into()))?;
                let name = symbol.name;
                let map = maps.at(of, start).ok_or_else(|| bad(format!("`{name}` is neither a map nor data")))?;
                Target::Other(match maps.is_data(of) {
                    false => RelocTarget::Map(map),
                    true => {
                        RelocTarget::MapValue { map, offset: u32::try_from(start).map_err(|_| bad("too far".into()))? }
                    }
                })
            }
            kind => return Err(bad(format!("kind {kind} does not fit the instruction"))),
        };
        self.targets.insert(place, target);
        Ok(())
    }

    fn add_ext(&mut self, ext: &Ext) {
        let Some(btf) = self.btf else { return };
        let by_name: HashMap<&str, usize> =
            self.code.keys().filter_map(|at| Some((self.elf.sections.get(*at)?.name, *at))).collect();
        let section = |name: u32| btf.string(name).and_then(|n| by_name.get(n)).copied();
        for f in &ext.funcs {
            if let Some(section) = section(f.section) {
                self.types.insert(Place { section, slot: f.offset as usize / 8 }, f.type_id);
            }
        }
        for l in &ext.lines {
            if let Some(section) = section(l.section) {
                self.lines.entry(section).or_default().push(*l);
            }
        }
        for lines in self.lines.values_mut() {
            // One line for each slot, the last: a million for one slot would be copied with each function there.
            lines.sort_by_key(|l| l.offset / 8);
            lines.reverse();
            lines.dedup_by_key(|l| l.offset / 8);
            lines.reverse();
        }
        for c in &ext.cores {
            if let Some(section) = section(c.section) {
                let place = Place { section, slot: c.offset as usize / 8 };
                self.targets.entry(place).or_insert(Target::Other(RelocTarget::Core((*c).into())));
            }
        }
    }

    /// Takes a function from the slots that are `left`: functions may overlap and be shared, so that linking can make a
    /// program far larger than its file.
    fn take(&self, function: &Function<'_>, left: &mut usize) -> Result<(), Diagnostic> {
        *left = left.checked_sub(function.len + function.name.len() / 8).ok_or_else(|| {
            Diagnostic::error(code::UNSUPPORTED_OBJECT, format!("{} holds too much code", self.elf.file))
                .note(format!("its programs have more than {MAX_SLOTS} instructions together"))
        })?;
        Ok(())
    }

    /// The function that an instruction calls or takes the address of.
    fn callee(&self, place: Place) -> Option<Place> {
        match self.targets.get(&place) {
            Some(Target::Func(callee)) => Some(*callee),
            Some(Target::Other(_)) => None,
            None => {
                let insn = self.code.get(&place.section)?.get(place.slot).filter(|insn| insn.is_local_call())?;
                let slot = place.slot as i64 + i64::from(insn.imm) + 1;
                Some(Place { slot: usize::try_from(slot).unwrap_or(usize::MAX), ..place })
            }
        }
    }

    /// A function and all that it reaches, with their first slots in the program. The order is libbpf's: a function that
    /// is new stands behind all others, and what it calls itself comes before what its caller calls next.
    fn reach<'s>(&'s self, main: &'s Function<'a>, left: &mut usize) -> Result<Layout<'s>, Diagnostic> {
        let mut layout = Layout { order: Vec::new(), starts: HashMap::new() };
        let mut end = 0;
        // Functions that are being read, and how far.
        let mut open: Vec<(&Function<'_>, usize)> = Vec::new();
        let mut met = Some(main);
        let mut handler = self.exception_handler(main);
        loop {
            if let Some(function) = met.take()
                && let Entry::Vacant(start) = layout.starts.entry(function.place)
            {
                self.take(function, left)?;
                start.insert(end);
                end += function.len;
                layout.order.push(function);
                open.push((function, 0));
            }
            let Some((function, offset)) = open.last_mut() else {
                // The function that handles exceptions is called by the kernel alone, and stands behind all others.
                let Some(handler) = handler.take() else { return Ok(layout) };
                met = Some(handler);
                continue;
            };
            if *offset == function.len {
                open.pop();
                continue;
            }
            let place = Place { slot: function.place.slot + *offset, ..function.place };
            *offset += 1;
            if let Some(callee) = self.callee(place) {
                met = Some(self.functions.get(&callee).ok_or_else(|| self.no_function(callee, place))?);
            }
        }
    }

    /// The function that a program's tag `exception_callback:NAME` names; what is wrong with a tag, the verifier tells.
    fn exception_handler(&self, main: &Function<'_>) -> Option<&Function<'a>> {
        let (btf, id) = self.btf.zip(self.types.get(&main.place))?;
        let name = btf.decl_tags(*id, -1).find_map(|tag| tag.strip_prefix("exception_callback:"))?;
        let symbol = self.elf.symbols.iter().find(|s| s.is_func && !s.is_local && s.name == name)?;
        self.functions.get(&Place { section: symbol.section?, slot: (symbol.value / 8) as usize })
    }

    /// Lays out an entry function and every function it reaches in one piece.
    fn link(&self, entry: &Place, left: &mut usize) -> Result<ProgramSpec, Diagnostic> {
        let main = self.functions.get(entry).ok_or_else(|| self.no_function(*entry, *entry))?;
        let Layout { order, starts } = self.reach(main, left)?;
        let mut code: Vec<Insn> = Vec::new();
        let mut relocs = Vec::new();
        for function in &order {
            for offset in 0..function.len {
                let place = Place { slot: function.place.slot + offset, ..function.place };
                let Some(mut insn) = self.code.get(&place.section).and_then(|c| c.get(place.slot)).copied() else {
                    break;
                };
                let slot = code.len();
                if let Some(start) = self.callee(place).and_then(|callee| starts.get(&callee)) {
                    insn.imm = (*start as i64 - slot as i64 - 1) as i32;
                    if insn.is_wide() {
                        insn.src = insn::PSEUDO_FUNC;
                    }
                } else if let Some(Target::Other(target)) = self.targets.get(&place) {
                    relocs.push(Reloc { slot: slot as u32, target: target.clone() });
                }
                code.push(insn);
            }
        }
        let section = self.elf.sections.get(main.place.section).map_or("", |s| s.name);
        let kind = spec::section::find(section);
        Ok(ProgramSpec {
            name: main.name.to_owned(),
            section: section.to_owned(),
            kind: kind.map(|(row, _)| row),
            hook: kind.and_then(|(row, detail)| Hook::of_section(row, detail)),
            code,
            relocs,
            funcs: order.iter().map(|f| self.func_info(f, &starts)).collect(),
            lines: order.iter().flat_map(|f| self.line_infos(f, &starts)).collect(),
        })
    }

    fn no_function(&self, callee: Place, from: Place) -> Diagnostic {
        let name = |at: usize| self.elf.sections.get(at).map_or("?", |s| s.name);
        Diagnostic::error(code::BAD_RELOCATION, format!("a call in {} leads to no function", self.elf.file)).note(
            format!(
                "instruction {} of section {} calls instruction {} of section {}, where no function begins",
                from.slot,
                name(from.section),
                callee.slot as i64,
                name(callee.section)
            ),
        )
    }

    fn func_info(&self, f: &Function<'_>, starts: &HashMap<Place, usize>) -> FuncInfo {
        let slot = starts.get(&f.place).copied().unwrap_or_default() as u32;
        FuncInfo { slot, name: f.name.to_owned(), type_id: self.types.get(&f.place).copied() }
    }

    fn line_infos<'s>(
        &'s self,
        f: &'s Function<'_>,
        starts: &'s HashMap<Place, usize>,
    ) -> impl Iterator<Item = LineInfo> + 's {
        let base = starts.get(&f.place).copied().unwrap_or_default();
        let lines = self.lines.get(&f.place.section).map_or(&[][..], Vec::as_slice);
        let first = lines.partition_point(|l| (l.offset as usize / 8) < f.place.slot);
        let last = lines.partition_point(|l| (l.offset as usize / 8) < f.place.slot + f.len);
        lines.get(first..last).unwrap_or_default().iter().map(move |l| LineInfo {
            slot: (base + l.offset as usize / 8 - f.place.slot) as u32,
            file_off: l.file_off,
            text_off: l.text_off,
            line: l.line,
            column: l.column,
        })
    }
}
