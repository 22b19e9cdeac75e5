//! What BTF says that not every kernel takes, in the order in which kernels learnt it.
//!
//! A loader asks the kernel for a row only when it refused an object's types, and then writes what stands in its place.

use super::{Version, v};

/// What BTF says that not every kernel takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[allow(missing_docs, reason = "the row says what each is")]
pub enum BtfFeature {
    Types,
    Func,
    Datasec,
    GlobalFunc,
    EmptySection,
    Float,
    DeclTag,
    TypeTag,
    Enum64,
    SectionName,
    TagFlag,
    Layout,
}

/// One row of [`TABLE`].
#[derive(Debug)]
pub struct Row {
    /// The feature.
    pub id: BtfFeature,
    /// Our name of it.
    pub name: &'static str,
    /// First kernel that takes it.
    pub since: Version,
    /// The records it is about, as the kernel names them.
    pub records: &'static str,
    /// What takes its place on a kernel without.
    pub instead: &'static str,
    /// What it is, in one sentence.
    pub what: &'static str,
}

const fn row(
    id: BtfFeature,
    name: &'static str,
    since: Version,
    records: &'static str,
    instead: &'static str,
    what: &'static str,
) -> Row {
    Row { id, name, since, records, instead, what }
}

/// All rows, in the order of [`BtfFeature`].
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    row(BtfFeature::Types, "types", v(4, 18), "BPF_BTF_LOAD", "nothing: the types are not loaded", "Types of maps' keys and values: integers, pointers, arrays, structures, unions, enumerations, typedefs and qualifiers."),
    row(BtfFeature::Func, "func", v(5, 0), "BTF_KIND_FUNC, BTF_KIND_FUNC_PROTO", "a typedef, of an enumeration without constants", "Functions and their prototypes, and with them records of functions and lines."),
    row(BtfFeature::Datasec, "datasec", v(5, 2), "BTF_KIND_VAR, BTF_KIND_DATASEC", "an integer of one byte; a structure of them", "Global variables and the sections they stand in."),
    row(BtfFeature::GlobalFunc, "global_func", v(5, 6), "BTF_KIND_FUNC with linkage", "a static function", "Functions said to be global, which the verifier then checks once, for any arguments."),
    row(BtfFeature::EmptySection, "empty_section", v(5, 12), "BTF_KIND_DATASEC", "a structure of the same size, without members", "Sections without variables, which hold constants that have no name."),
    row(BtfFeature::Float, "float", v(5, 13), "BTF_KIND_FLOAT", "a nameless structure of the same size, without members", "Floating-point numbers."),
    row(BtfFeature::DeclTag, "decl_tag", v(5, 16), "BTF_KIND_DECL_TAG", "an integer of one byte, to which nothing refers", "Tags on declarations."),
    row(BtfFeature::TypeTag, "type_tag", v(5, 17), "BTF_KIND_TYPE_TAG", "`const`", "Tags on what a pointer points to."),
    row(BtfFeature::Enum64, "enum64", v(6, 0), "BTF_KIND_ENUM64, sign of BTF_KIND_ENUM", "an integer of the same size and sign; an enumeration without a sign", "Enumerations of 64 bits, and enumerations that say whether they are signed."),
    row(BtfFeature::SectionName, "section_name", v(6, 9), "name of BTF_KIND_DATASEC", "`_` for each letter that is none of an identifier or a dot", "Names of sections with any printable letter, as `?.struct_ops`."),
    row(BtfFeature::TagFlag, "tag_flag", v(6, 15), "kind_flag of BTF_KIND_DECL_TAG and BTF_KIND_TYPE_TAG", "what stands for a tag", "Tags that are attributes of the compiler's own, as `address_space(1)`."),
    row(BtfFeature::Layout, "layout", v(7, 1), "layout_off and layout_len of the header", "nothing", "A section that tells how long the records of each kind are, for readers older than a kind."),
];

impl BtfFeature {
    /// How many there are.
    pub const COUNT: usize = TABLE.len();

    /// Its row.
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Our name of it.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The feature of this name.
    pub fn from_name(name: &str) -> Option<BtfFeature> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.id)
    }

    /// All of them, in the order of their table.
    pub fn all() -> impl Iterator<Item = BtfFeature> {
        TABLE.iter().map(|row| row.id)
    }
}

impl std::fmt::Display for BtfFeature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_their_constants_and_versions() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.id as usize, at, "{}", row.name);
        }
        assert!(TABLE.iter().map(|row| row.since).is_sorted());
    }
}
