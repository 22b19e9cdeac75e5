//! From a [`ProgramSpec`] to what `BPF_PROG_LOAD` takes: encoded instructions with descriptors in place, and the
//! records of functions and lines.

use std::os::fd::{AsFd, BorrowedFd};

use skep_isa::Insn;
use skep_isa::insn::{PSEUDO_MAP_FD, PSEUDO_MAP_VALUE};
use skep_object::{ProgramSpec, RelocTarget};

use crate::error::Error;
use crate::externs::Externs;
use crate::map::Map;
use crate::sys;

/// A program ready to be loaded.
#[derive(Default)]
pub(crate) struct Lowered {
    /// Encoded instructions.
    pub(crate) code: Vec<u8>,
    /// `struct bpf_func_info`: slot, type.
    pub(crate) funcs: Vec<[u32; 2]>,
    /// `struct bpf_line_info`: slot, file, text, line and column.
    pub(crate) lines: Vec<[u32; 4]>,
}

/// Puts descriptors in place; function and line records are made when `typed` (the object's BTF is loaded).
pub(crate) fn lower(
    spec: &ProgramSpec,
    maps: &[Option<Map>],
    externs: &Externs,
    typed: bool,
) -> Result<Lowered, Error> {
    let mut code = spec.code.clone();
    let bad = |what| Error::BadObject { object: format!("program `{}`", spec.name), what };
    for reloc in &spec.relocs {
        let (map, offset, pseudo) = match &reloc.target {
            RelocTarget::Map(map) => (*map, 0, PSEUDO_MAP_FD),
            RelocTarget::MapValue { map, offset } => (*map, *offset, PSEUDO_MAP_VALUE),
            RelocTarget::Extern(symbol) => {
                let slot = reloc.slot as usize;
                externs
                    .put(&mut code, slot, symbol)
                    .ok_or_else(|| bad(format!("`{symbol}` at slot {slot}, where no instruction can take it")))?;
                continue;
            }
            RelocTarget::Core(_) => {
                let what = "a kernel type that was not resolved before".to_owned();
                return Err(bad(what));
            }
        };
        let map = maps
            .get(map)
            .and_then(Option::as_ref)
            .ok_or_else(|| bad(format!("map {map}, which the object does not have")))?;
        put_map(&mut code, reloc.slot as usize, pseudo, map.as_fd(), offset)
            .ok_or_else(|| bad(format!("a map at slot {}, which is no wide load", reloc.slot)))?;
    }
    let funcs = if typed { funcs(spec) } else { Vec::new() };
    let lines = if funcs.is_empty() { Vec::new() } else { lines(spec) };
    Ok(Lowered { code: encode(&code), funcs, lines })
}

/// Encodes instructions as the kernel of this machine reads them.
pub(crate) fn encode(code: &[Insn]) -> Vec<u8> {
    code.iter().flat_map(|insn| insn.to_bytes()).collect()
}

/// Makes the `ld_imm64` at `slot` refer to a map; `None` when no such instruction stands there.
pub(crate) fn put_map(code: &mut [Insn], slot: usize, pseudo: u8, map: BorrowedFd<'_>, offset: u32) -> Option<()> {
    let [first, second] = code.get_mut(slot..)?.first_chunk_mut()?;
    if !first.is_wide() {
        return None;
    }
    first.src = pseudo;
    first.imm = sys::number(map).cast_signed();
    second.imm = offset.cast_signed();
    Some(())
}

/// Records of functions, none unless every function has a type (the kernel wants all or nothing).
fn funcs(spec: &ProgramSpec) -> Vec<[u32; 2]> {
    let typed: Option<Vec<_>> = spec.funcs.iter().map(|f| f.type_id.map(|id| [f.slot, id.0])).collect();
    typed.unwrap_or_default()
}

/// Records of lines, none unless every function begins with one (the kernel insists on it).
fn lines(spec: &ProgramSpec) -> Vec<[u32; 4]> {
    let starts = |slot: u32| spec.lines.iter().any(|l| l.slot == slot);
    if !spec.funcs.iter().all(|f| starts(f.slot)) {
        return Vec::new();
    }
    let mut records: Vec<[u32; 4]> =
        spec.lines.iter().map(|l| [l.slot, l.file_off, l.text_off, (l.line << 10) | l.column.min(0x3ff)]).collect();
    records.dedup_by_key(|r| r[0]);
    records
}
