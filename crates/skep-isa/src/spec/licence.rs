//! Licences: which texts the kernel takes for compatible with the GPL, and what that decides.

/// One licence text.
#[derive(Debug)]
pub struct Row {
    /// The text, as a program's `license` section gives it.
    pub text: &'static str,
    /// True where the kernel takes it for compatible with the GPL.
    pub gpl: bool,
    /// What it means for a program, in one sentence.
    pub what: &'static str,
}

/// Texts, compatible ones first; any other text is not compatible. The comparison is exact (`include/linux/license.h`).
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    Row { text: "GPL", gpl: true, what: "GPL version 2: every helper and kfunc may be called." },
    Row { text: "GPL v2", gpl: true, what: "GPL version 2 alone: every helper and kfunc may be called." },
    Row { text: "GPL and additional rights", gpl: true, what: "GPL version 2 and more: every helper and kfunc may be called." },
    Row { text: "Dual BSD/GPL", gpl: true, what: "BSD or GPL at choice: every helper and kfunc may be called." },
    Row { text: "Dual MIT/GPL", gpl: true, what: "MIT or GPL at choice: every helper and kfunc may be called." },
    Row { text: "Dual MPL/GPL", gpl: true, what: "Mozilla or GPL at choice: every helper and kfunc may be called." },
    Row { text: "Proprietary", gpl: false, what: "Not compatible: GPL-only helpers, kfuncs, LSM and struct_ops programs are refused, as with any text not listed here." },
];

/// True where the kernel takes this text for compatible with the GPL.
///
/// ```
/// use skep_isa::spec::licence::is_gpl;
/// assert!(is_gpl("Dual MIT/GPL") && !is_gpl("MIT") && !is_gpl("gpl"));
/// ```
pub fn is_gpl(text: &str) -> bool {
    TABLE.iter().any(|row| row.gpl && row.text == text)
}
