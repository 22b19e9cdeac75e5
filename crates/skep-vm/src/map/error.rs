//! Why an operation on a map failed, with the number the kernel gives for it.

/// Why an operation on a map failed; the kernel's error number is [`MapError::errno`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// The key is absent (`ENOENT`).
    #[error("no such key")]
    Absent,
    /// The key is there already (`EEXIST`).
    #[error("the key is there already")]
    Exists,
    /// The map is full, or the index past its end (`E2BIG`).
    #[error("the map is full, or the index is past its end")]
    Full,
    /// The prefix tree is full (`ENOSPC`).
    #[error("the prefix tree is full")]
    NoSpace,
    /// A size, flag or prefix length is wrong, or the map has no such operation (`EINVAL`).
    #[error("a size, flag or prefix length is wrong, or the map has no such operation")]
    Invalid,
    /// A number that stands for nothing, where one must stand for something (`EBADF`).
    #[error("the number stands for nothing")]
    BadNumber,
    /// A number past what the kernel takes (`EOVERFLOW`).
    #[error("the number is past what the kernel takes")]
    TooLarge,
    /// No slot could be freed (`ENOMEM`).
    #[error("no slot could be freed")]
    NoMemory,
    /// Maps of this type have no such operation (`ENOTSUPP`, 524, which is the kernel's own number).
    #[error("maps of this type have no such operation")]
    NotSupported,
    /// Maps of this type can have no such operation (`EOPNOTSUPP`).
    #[error("maps of this type can have no such operation")]
    NotPossible,
    /// The map is frozen (`EPERM`).
    #[error("the map may only be read")]
    ReadOnly,
}

impl MapError {
    /// The kernel's error number, positive.
    pub fn errno(self) -> i32 {
        match self {
            MapError::ReadOnly => 1,
            MapError::Absent => 2,
            MapError::Full => 7,
            MapError::BadNumber => 9,
            MapError::NoMemory => 12,
            MapError::Exists => 17,
            MapError::Invalid => 22,
            MapError::NoSpace => 28,
            MapError::TooLarge => 75,
            MapError::NotPossible => 95,
            MapError::NotSupported => 524,
        }
    }
}
