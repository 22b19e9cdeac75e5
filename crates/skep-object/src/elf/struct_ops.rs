//! Instances of the kernel's structures of functions, from the sections `.struct_ops` and `.struct_ops.link`.

use skep_btf::{Btf, Kind, Member, SectionVar, TypeId};
use skep_diag::{Diagnostic, code};
use skep_isa::spec::{MapType, map_flag};

use super::maps::{Maps, bad, room};
use super::{Elf, Rel};
use crate::map::{MapRole, MapSpec, StructOps};

/// What a section's name says of the instances in it.
#[derive(Clone, Copy)]
pub(super) struct Section {
    link: bool,
    optional: bool,
}

/// `.struct_ops`, `.struct_ops.link`, and both with `?` in front.
pub(super) fn section(name: &str) -> Option<Section> {
    let (optional, name) = name.strip_prefix('?').map_or((false, name), |rest| (true, rest));
    match name {
        ".struct_ops" => Some(Section { link: false, optional }),
        ".struct_ops.link" => Some(Section { link: true, optional }),
        _ => None,
    }
}

pub(super) fn read(elf: &Elf<'_>, btf: Option<&Btf>, maps: &mut Maps) -> Result<(), Diagnostic> {
    for (at, found) in elf.sections.iter().enumerate() {
        let Some(section) = section(found.name) else { continue };
        let datasec = btf.and_then(|btf| {
            let id = btf.find(found.name, |k| matches!(k, Kind::Datasec { .. }))?;
            Some((btf, &btf.get(id)?.kind))
        });
        let Some((btf, Kind::Datasec { vars, .. })) = datasec else {
            let title = format!("the BTF of {} does not describe section {}", elf.file, found.name);
            return Err(Diagnostic::error(code::NO_BTF, title).help("compile with `-g`"));
        };
        for var in vars {
            room(elf, maps)?;
            if let Some(spec) = instance(elf, btf, at, section, var)? {
                maps.user.entry((at, u64::from(var.offset))).or_insert(maps.specs.len());
                maps.specs.push(spec);
            }
        }
    }
    Ok(())
}

/// One instance: its bytes, and the programs that its relocations name.
fn instance(
    elf: &Elf<'_>,
    btf: &Btf,
    at: usize,
    section: Section,
    var: &SectionVar,
) -> Result<Option<MapSpec>, Diagnostic> {
    let Some(found) = elf.sections.get(at) else { return Ok(None) };
    let name = btf.name(var.type_id);
    let Some(Kind::Var { type_id, .. }) = btf.get(var.type_id).map(|t| &t.kind) else { return Ok(None) };
    let Some((type_id, Kind::Struct { size, members })) = btf.resolve(*type_id) else {
        return Err(bad(elf, name, "it is not a struct"));
    };
    let start = var.offset as usize;
    let bytes = start.checked_add(*size as usize).and_then(|end| found.data.get(start..end));
    let bytes = bytes.ok_or_else(|| bad(elf, name, "it does not lie within its section"))?;
    let inside = |rel: &&Rel| rel.offset.checked_sub(u64::from(var.offset)).is_some_and(|byte| byte < u64::from(*size));
    let mut programs = Vec::new();
    for rel in found.rels.iter().filter(inside) {
        let offset = (rel.offset - u64::from(var.offset)) as u32;
        let has_place = |m: &Member| u64::from(m.bit_offset) == u64::from(offset) * 8 && is_function(btf, m.type_id);
        if !members.iter().any(has_place) {
            return Err(bad(elf, name, format!("at its byte {offset} no function has a place")));
        }
        let addend = elf.word(at, rel.offset).unwrap_or(0);
        let function = elf.symbols.get(rel.symbol).and_then(|symbol| {
            let of = symbol.section?;
            elf.function_at(of, symbol.value.wrapping_add(addend))
        });
        let function = function.ok_or_else(|| bad(elf, name, format!("at its byte {offset} stands no program")))?;
        programs.push((offset, function.to_owned()));
    }
    let Section { link, optional } = section;
    let ops = StructOps { type_id, initial: bytes.to_vec(), programs, optional };
    Ok(Some(MapSpec {
        flags: if link { map_flag::LINK } else { 0 },
        role: MapRole::StructOps(ops),
        ..MapSpec::new(name, MapType::StructOps, 4, *size, 1)
    }))
}

/// True for a pointer to a function.
fn is_function(btf: &Btf, id: TypeId) -> bool {
    let Some((_, Kind::Ptr(to))) = btf.resolve(id) else { return false };
    matches!(btf.resolve(*to), Some((_, Kind::FuncProto { .. })))
}
