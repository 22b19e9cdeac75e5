//! Classic programs as text, byte for byte as `tcpdump` prints them: [`listing`] for `-d`, [`c`] for `-dd`,
//! [`decimal`] for `-ddd`.
//!
//! One operation has a text here although libpcap has none for it: the kernel's `ldx #pktlen`.

use std::fmt::Write;

use super::{ClassicInsn, Field, Kind, decode};
use crate::spec::ancillary;

/// The program as `tcpdump -d` prints it, a line for each instruction.
pub fn listing(program: &[ClassicInsn]) -> String {
    program.iter().enumerate().fold(String::new(), |mut out, (at, insn)| {
        out.push_str(&line(*insn, at));
        out.push('\n');
        out
    })
}

/// The program as `tcpdump -dd` prints it: the initialiser of a C array.
///
/// ```
/// use skep_isa::classic::{ClassicInsn, text};
/// assert_eq!(text::c(&[ClassicInsn::new(0x6, 0, 0, 0)]), "{ 0x6, 0, 0, 0x00000000 },\n");
/// ```
pub fn c(program: &[ClassicInsn]) -> String {
    program.iter().fold(String::new(), |mut out, insn| {
        let ClassicInsn { code, jt, jf, k } = insn;
        let _ = writeln!(out, "{{ {code:#x}, {jt}, {jf}, {k:#010x} }},");
        out
    })
}

/// The program as `tcpdump -ddd` prints it: the number of instructions, then four numbers a line.
///
/// ```
/// use skep_isa::classic::{ClassicInsn, text};
/// assert_eq!(text::decimal(&[ClassicInsn::new(0x6, 0, 0, 9)]), "1\n6 0 0 9\n");
/// ```
pub fn decimal(program: &[ClassicInsn]) -> String {
    program.iter().fold(format!("{}\n", program.len()), |mut out, insn| {
        let ClassicInsn { code, jt, jf, k } = insn;
        let _ = writeln!(out, "{code} {jt} {jf} {k}");
        out
    })
}

/// One instruction with its number, without a line break. A code that no operation has is printed as `unimp`.
///
/// ```
/// use skep_isa::classic::{ClassicInsn, text};
/// assert_eq!(text::line(ClassicInsn::new(0x28, 0, 0, 12), 0), "(000) ldh      [12]");
/// assert_eq!(text::line(ClassicInsn::new(0xb1, 0, 0, 14), 3), "(003) ldxb     4*([14]&0xf)");
/// assert_eq!(text::line(ClassicInsn::new(0x20, 0, 0, 0xffff_f000), 4), "(004) ld       [proto]");
/// ```
pub fn line(insn: ClassicInsn, at: usize) -> String {
    let (name, operand, conditional) = match decode(insn) {
        Some(op) => (op.name, operand(op.field, insn, at), matches!(op.kind, Kind::If { .. })),
        // A code of the jumps' class, other than that of `ja`, is shown with targets even if it is none.
        None => ("unimp", format!("{:#x}", insn.code), insn.code & 0x07 == 0x05 && insn.code & 0xf0 != 0),
    };
    if conditional {
        let next = at + 1;
        let (jt, jf) = (next + usize::from(insn.jt), next + usize::from(insn.jf));
        return format!("({at:03}) {name:<8} {operand:<16} jt {jt}\tjf {jf}");
    }
    format!("({at:03}) {name:<8} {operand}")
}

fn operand(field: Field, insn: ClassicInsn, at: usize) -> String {
    // Places and numbers are printed signed, hexadecimal ones are not.
    let (k, signed) = (insn.k, insn.k as i32);
    match field {
        Field::Nothing => String::new(),
        Field::Place => match ancillary::at(k) {
            Some(row) => format!("[{}]", row.name),
            None => format!("[{signed}]"),
        },
        Field::Indexed => format!("[x + {signed}]"),
        Field::HeaderLen => format!("4*([{signed}]&0xf)"),
        Field::Length => "#pktlen".to_owned(),
        Field::Hex => format!("#{k:#x}"),
        Field::Decimal => format!("#{signed}"),
        Field::Cell => format!("M[{signed}]"),
        Field::X => "x".to_owned(),
        Field::Distance => (at as i32).wrapping_add(1).wrapping_add(signed).to_string(),
    }
}
