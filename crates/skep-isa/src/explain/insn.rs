//! Pages of instructions: one for each mnemonic, with its forms.

use super::{Noun, Page};
use crate::Insn;
use crate::disasm;
use crate::opcode::{Field, Kind, Op, Source, TABLE};

pub(super) fn pages() -> Vec<Page> {
    let mut names: Vec<&'static str> = Vec::new();
    for op in TABLE {
        if !names.contains(&op.name) {
            names.push(op.name);
        }
    }
    names.into_iter().filter_map(page).collect()
}

fn page(name: &'static str) -> Option<Page> {
    let forms: Vec<&'static Op> = TABLE.iter().filter(|op| op.name == name).collect();
    let first = forms.first()?;
    let since = forms.iter().filter_map(|op| op.since).min();
    let mut page = Page::new(Noun::Insn, name, &first.kind.words());
    page.since = since;
    let mut codes: Vec<String> = forms.iter().map(|op| format!("{:#04x}", op.code)).collect();
    codes.dedup();
    page.also = codes;
    Some(
        page.text("fields", fields(first))
            .text(
                "clang emits it",
                format!("at -mcpu={}{}", first.isa, if since.is_none() { "; no kernel takes it" } else { "" }),
            )
            .table("forms", &["code", "LLVM", "kernel", "since"], forms.iter().map(|op| form(op)).collect()),
    )
}

fn form(op: &'static Op) -> Vec<String> {
    let (insn, high) = sample(op);
    let (mut llvm, mut kernel) = (String::new(), String::new());
    // Writing into a String does not fail.
    let _ = disasm::write(&mut llvm, op, insn, high);
    let _ = disasm::kernel::write(&mut kernel, op, insn, high);
    let kernel = kernel.split_once(") ").map_or(kernel.clone(), |(_, text)| text.to_owned());
    let since = op.since.map_or("none".to_owned(), |v| v.to_string());
    vec![format!("{:#04x}", op.code), llvm.replace('\t', " "), kernel, since]
}

/// An instruction of the row, with operands that read well.
fn sample(op: &Op) -> (Insn, i32) {
    let field = |field, value| match field {
        Field::Is(wanted) => wanted,
        Field::Reserved | Field::Ignored => 0,
        _ => value,
    };
    let register = |f, value| u8::try_from(field(f, value)).unwrap_or(0);
    let offset = i16::try_from(field(op.off, 8)).unwrap_or(0);
    let high = if matches!(op.kind, Kind::LoadImm(Source::MapValue | Source::MapIdxValue)) { 16 } else { 0 };
    (Insn::new(op.code, register(op.dst, 1), register(op.src, 2), offset, field(op.imm, 10)), high)
}

/// What each field carries, of the first form.
fn fields(op: &Op) -> String {
    let told = |name: &str, field| match field {
        Field::Reserved => None,
        Field::Ignored => Some(format!("{name} ignored")),
        Field::Is(value) => Some(format!("{name} is {value:#x}")),
        Field::Read => Some(format!("{name} read")),
        Field::Write => Some(format!("{name} written")),
        Field::Update => Some(format!("{name} read and written")),
        Field::Value => Some(format!("{name} a number")),
    };
    let fields = [told("dst", op.dst), told("src", op.src), told("off", op.off), told("imm", op.imm)];
    let told: Vec<String> = fields.into_iter().flatten().collect();
    if told.is_empty() {
        "all must be zero".to_owned()
    } else {
        format!("{}; all others must be zero", told.join(", "))
    }
}
