//! Objects of GCC with an assembler before binutils 2.42: what it leaves in an instruction for the linker holds the symbol's value
//! already, in bytes and for calls too, where every other tool leaves the addend alone.

use super::Elf;

/// What section `.comment` of GCC's objects begins with.
const GCC: &[u8] = b"GCC: ";

/// True for such an object: GCC made it, and every constant that names a symbol is at least the symbol's value. `constant` gives
/// that of the instruction at a byte of a section, and true for a call, which counts from the next instruction.
pub(super) fn holds_values(elf: &Elf<'_>, constant: impl Fn(usize, u64) -> Option<(i32, bool)>) -> bool {
    let comment = elf.section(".comment").map_or(&[][..], |section| section.data);
    let comment = comment.strip_prefix(&[0]).unwrap_or(comment);
    if !comment.starts_with(GCC) {
        return false;
    }
    let mut named = false;
    for (at, section) in elf.sections.iter().enumerate().filter(|(_, section)| section.executable) {
        for rel in &section.rels {
            let Some(symbol) = elf.symbols.get(rel.symbol).filter(|s| s.section.is_some() && s.value > 0) else {
                continue;
            };
            let Some((constant, is_call)) = constant(at, rel.offset) else { continue };
            if i64::from(constant) + i64::from(is_call) < symbol.value.cast_signed() {
                return false;
            }
            named = true;
        }
    }
    named
}
