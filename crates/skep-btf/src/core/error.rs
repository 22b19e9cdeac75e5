//! Why a relocation cannot be applied at all: the object or the types are at fault, not the kernel's version.

/// Why a relocation is refused. What a kernel merely lacks is no error: see [`crate::core::Missing`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A kind without a row in [`skep_isa::spec::core_kind::TABLE`].
    #[error("relocations of kind {0} are not known")]
    Kind(u32),
    /// The access string leads nowhere in the program's own types.
    #[error("its access string `{access}` leads nowhere from `{root}`: {why}")]
    Access {
        /// The type it begins at.
        root: String,
        /// The string.
        access: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The type to look for has no name.
    #[error("the type it names has no name to look for")]
    Anonymous,
    /// A chain of types does not end or leads to no type, or a structure is nested too deeply.
    #[error("types are damaged: {0}")]
    Types(&'static str),
    /// Types of one name in the kernel would give different values.
    #[error("several types of this kernel fit `{what}`, and they differ: {first} and {second}")]
    Ambiguous {
        /// What is asked for.
        what: String,
        /// What one says.
        first: String,
        /// What another says.
        second: String,
    },
    /// A bit-field lies across more than eight bytes.
    #[error("the bit-field `{0}` cannot be read with one load")]
    BitField(String),
    /// The kind asks for what an element of an array does not have.
    #[error("`{0}` is an element of an array, of which only place and size can be asked")]
    Element(String),
    /// The instruction is none that a value can be put into.
    #[error("instruction {slot} is none that a relocation can change")]
    Instruction {
        /// Its slot.
        slot: usize,
    },
    /// The instruction does not carry what the program's own types say it should.
    #[error("instruction {slot} carries {found}, although `{what}` was {expected} when it was compiled")]
    Value {
        /// Its slot.
        slot: usize,
        /// What is asked for.
        what: String,
        /// What stands in it.
        found: i64,
        /// What should.
        expected: i64,
    },
    /// An offset does not fit the instruction.
    #[error("`{what}` is {value} bytes into the type, more than instruction {slot} can say")]
    Range {
        /// Its slot.
        slot: usize,
        /// What is asked for.
        what: String,
        /// The offset.
        value: u64,
    },
    /// A field has a size that no instruction loads or stores.
    #[error("instruction {slot} cannot load or store `{what}`, which takes {size} bytes here")]
    Size {
        /// Its slot.
        slot: usize,
        /// What is asked for.
        what: String,
        /// Bytes the field takes.
        size: u64,
    },
}
