//! Kinds of CO-RE relocations: what an instruction asks of the kernel's types.

use super::{Version, v};

/// Kinds of CO-RE relocations: what an instruction asks of the kernel's types.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(u32)]
#[allow(missing_docs, reason = "each variant is the kernel's constant; the row names it")]
pub enum CoreKind {
    FieldByteOffset,
    FieldByteSize,
    FieldExists,
    FieldSigned,
    FieldLshiftU64,
    FieldRshiftU64,
    TypeIdLocal,
    TypeIdTarget,
    TypeExists,
    TypeSize,
    EnumvalExists,
    EnumvalValue,
    TypeMatches,
}

/// What a relocation is about, and with that what its access string means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum About {
    /// A field: the string is the way to it, by numbers of elements and members.
    Field,
    /// A type as a whole: the string is `0`.
    Type,
    /// A constant of an enumeration: the string is its number.
    Enumerator,
}

impl About {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            About::Field => "a field",
            About::Type => "a type",
            About::Enumerator => "a constant of an enumeration",
        }
    }
}

/// One row of [`TABLE`].
#[derive(Debug)]
pub struct Row {
    /// The constant.
    pub id: CoreKind,
    /// The kernel's constant in lower case without `BPF_CORE_`.
    pub name: &'static str,
    /// First kernel that relocates it itself, for loaders that leave it to the kernel.
    pub since: Version,
    /// First LLVM that emits it.
    pub llvm: u8,
    /// What it is about.
    pub about: About,
    /// The value where the kernel has no such thing; `None` makes the instruction invalid.
    pub absent: Option<u64>,
    /// What the value is, in one sentence.
    pub what: &'static str,
}

const fn row(id: CoreKind, name: &'static str, llvm: u8, about: About, what: &'static str) -> Row {
    Row { id, name, since: v(5, 17), llvm, about, absent: None, what }
}

impl Row {
    const fn or_zero(mut self) -> Row {
        self.absent = Some(0);
        self
    }

    const fn since(mut self, since: Version) -> Row {
        self.since = since;
        self
    }
}

/// All rows, in the order of the kernel's numbers.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row(CoreKind::FieldByteOffset, "field_byte_offset", 10, About::Field, "Where the field begins in the outermost structure, in bytes; of a bit-field, the word to load."),
    row(CoreKind::FieldByteSize, "field_byte_size", 10, About::Field, "Bytes the field takes; of a bit-field, the word to load."),
    row(CoreKind::FieldExists, "field_exists", 10, About::Field, "1 where there is such a field of a compatible type, else 0.").or_zero(),
    row(CoreKind::FieldSigned, "field_signed", 10, About::Field, "1 for a signed integer or enumeration, else 0."),
    row(CoreKind::FieldLshiftU64, "field_lshift_u64", 10, About::Field, "Bits to shift the loaded word left, as 64 bits, so that the field's highest bit is the highest."),
    row(CoreKind::FieldRshiftU64, "field_rshift_u64", 10, About::Field, "Bits to shift right after that, so that the field's lowest bit is the lowest."),
    row(CoreKind::TypeIdLocal, "type_id_local", 11, About::Type, "Number of the type in the object's own types."),
    row(CoreKind::TypeIdTarget, "type_id_target", 11, About::Type, "Number of the type in the kernel's types, 0 where there is none.").or_zero(),
    row(CoreKind::TypeExists, "type_exists", 12, About::Type, "1 where there is such a type of the same kind, else 0.").or_zero(),
    row(CoreKind::TypeSize, "type_size", 12, About::Type, "Bytes the type takes, 0 where there is none.").or_zero(),
    row(CoreKind::EnumvalExists, "enumval_exists", 12, About::Enumerator, "1 where the enumeration has a constant of this name, else 0.").or_zero(),
    row(CoreKind::EnumvalValue, "enumval_value", 12, About::Enumerator, "Value of the enumeration's constant."),
    row(CoreKind::TypeMatches, "type_matches", 15, About::Type, "1 where there is such a type with all members of the same types, else 0.").or_zero().since(v(6, 0)),
];

super::numbered!(CoreKind, "BPF_CORE_");

/// Number of a helper that no kernel has (`0xbad2310`). A call of it takes the place of an instruction whose relocation
/// has no value, as in libbpf: the verifier refuses it only where a path leads there.
pub const POISON: i32 = 195_896_080;
/// Most numbers in an access string, as in libbpf and the kernel (`BPF_CORE_SPEC_MAX_LEN`).
pub const LONGEST_ACCESS: usize = 64;
