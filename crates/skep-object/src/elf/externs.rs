//! Names the object does not define, from the BTF sections `.kconfig` and `.ksyms`.

use std::collections::HashMap;

use skep_btf::{Btf, Kind, TypeId};

use super::Elf;
use crate::external::{Extern, ExternKind};

/// The section of kernel options.
pub(super) const KCONFIG: &str = ".kconfig";
/// The section of kernel variables and functions.
const KSYMS: &str = ".ksyms";
/// Most names of one object.
const MAX: usize = 65_536;

/// All of them, the section of options laid out, and both made fit for the kernel in `btf`. Which map the options stand in
/// is known later.
pub(super) fn read(elf: &Elf<'_>, btf: Option<&mut Btf>) -> Vec<Extern> {
    let Some(btf) = btf else { return vec![] };
    let weak: HashMap<&str, bool> =
        elf.symbols.iter().filter(|s| s.section.is_none()).map(|s| (s.name, s.is_weak)).collect();
    let mut externs = Vec::new();
    options(btf, &weak, &mut externs);
    symbols(btf, &weak, &mut externs);
    externs
}

fn section(btf: &Btf, name: &str) -> Option<TypeId> {
    btf.find(name, |kind| matches!(kind, Kind::Datasec { .. }))
}

/// The variables of a section.
fn variables(btf: &Btf, section: TypeId) -> Vec<TypeId> {
    match btf.get(section).map(|t| &t.kind) {
        Some(Kind::Datasec { vars, .. }) => vars.iter().map(|v| v.type_id).take(MAX).collect(),
        _ => vec![],
    }
}

fn options(btf: &mut Btf, weak: &HashMap<&str, bool>, externs: &mut Vec<Extern>) {
    let Some(section) = section(btf, KCONFIG) else { return };
    let mut end: u32 = 0;
    for var in variables(btf, section) {
        let Some(Kind::Var { type_id, .. }) = btf.get(var).map(|t| &t.kind) else { continue };
        let type_id = *type_id;
        let Some(size) = btf.size_of(type_id).and_then(|s| u32::try_from(s).ok()).filter(|s| *s <= 1 << 16) else {
            continue;
        };
        let align = size.next_power_of_two().clamp(1, 8);
        let offset = end.next_multiple_of(align);
        end = offset + size;
        let name = btf.name(var).to_owned();
        let weak = weak.get(name.as_str()).copied().unwrap_or(false);
        externs.push(Extern { name, weak, kind: ExternKind::Option { type_id, map: 0, offset, size } });
    }
    let places: HashMap<&str, u32> = externs
        .iter()
        .filter_map(|e| match e.kind {
            ExternKind::Option { offset, .. } => Some((e.name.as_str(), offset)),
            _ => None,
        })
        .collect();
    btf.set_extern_layout(section, end, |name| places.get(name).copied());
}

fn symbols(btf: &mut Btf, weak: &HashMap<&str, bool>, externs: &mut Vec<Extern>) {
    let Some(section) = section(btf, KSYMS) else { return };
    for id in variables(btf, section) {
        let name = btf.name(id).to_owned();
        let kind = match btf.get(id).map(|t| &t.kind) {
            Some(Kind::Var { type_id, .. }) => match btf.resolve(*type_id) {
                None | Some((_, Kind::Void)) => ExternKind::Address,
                Some(_) => ExternKind::Variable(*type_id),
            },
            Some(Kind::Func { .. }) => ExternKind::Function(id),
            _ => continue,
        };
        let weak = weak.get(name.as_str()).copied().unwrap_or(false);
        externs.push(Extern { name, weak, kind });
    }
    let int = btf.types().find(|(_, t)| matches!(t.kind, Kind::Int { size: 4, bits: 32, .. })).map(|(id, _)| id);
    // Without an integer to put in their place they stay, and the kernel refuses the types: programs load without.
    if let Some(int) = int {
        btf.settle_externs(section, int);
    }
}
