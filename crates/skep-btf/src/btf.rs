//! Types as BTF encodes them, parsed into a vector.

/// Number of a type in its [`Btf`]; 0 is `void`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Default)]
pub struct TypeId(pub u32);

/// Parsed type information of one object.
#[derive(Clone, Debug)]
pub struct Btf {
    bytes: Vec<u8>,
}

impl Btf {
    /// The encoded form, as the kernel takes it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The string at an offset of the string section.
    pub fn string(&self, _offset: u32) -> Option<&str> {
        None
    }
}
