//! Helpers: the kernel's functions a program may call, by number.

use super::{Version, v};

/// One helper.
#[derive(Debug)]
pub struct Helper {
    /// Number in `call`.
    pub id: u32,
    /// The kernel's name without `bpf_`.
    pub name: &'static str,
    /// First kernel that has it.
    pub since: Version,
}

/// All helpers, in the order of their numbers, from 1.
pub const TABLE: &[Helper] = &[Helper { id: 1, name: "map_lookup_elem", since: v(3, 19) }];

/// The helper with this number.
pub fn find(id: u32) -> Option<&'static Helper> {
    TABLE.iter().find(|row| row.id == id)
}
