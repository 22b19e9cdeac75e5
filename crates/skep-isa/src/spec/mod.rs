//! THE tables: one `const` table for each kind of fact, every row with the kernel version it came with.
//!
//! Decoder, printers, engines, loader and command line read these rows; a fact stands in no second place. Ids, names
//! and layouts are those of the kernel's `include/uapi/linux/bpf.h` (as BTF shows them).

/// What the tables of the kernel's enums share: a constant knows its number, its row and its name.
macro_rules! numbered {
    ($id:ident, $prefix:literal) => {
        impl $id {
            /// What the kernel's constants begin with.
            pub const PREFIX: &str = $prefix;

            /// The kernel's number.
            pub const fn id(self) -> u32 {
                self as u32
            }

            /// The constant with this number, if this table knows it.
            pub fn from_id(id: u32) -> Option<$id> {
                TABLE.get(id as usize).map(|row| row.id)
            }

            /// Its row.
            pub fn row(self) -> &'static Row {
                &TABLE[self as usize]
            }

            /// The kernel's constant in lower case without [`Self::PREFIX`].
            pub fn name(self) -> &'static str {
                self.row().name
            }

            /// The kernel's constant.
            pub fn constant(self) -> String {
                format!("{}{}", Self::PREFIX, self.name().to_uppercase())
            }
        }

        impl std::fmt::Display for $id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        #[cfg(test)]
        mod number_tests {
            #[test]
            fn rows_stand_in_the_order_of_their_numbers() {
                for (at, row) in super::TABLE.iter().enumerate() {
                    assert_eq!(row.id.id() as usize, at, "{}", row.name);
                }
            }
        }
    };
}
pub(crate) use numbered;

pub mod ancillary;
pub mod attach_type;
pub mod btf_feature;
pub mod command;
pub mod context;
pub mod core_kind;
pub mod helper;
pub mod hook;
pub mod kfunc;
pub mod licence;
pub mod limit;
pub mod link_type;
pub mod map_flag;
pub mod map_type;
pub mod place;
pub mod prog_type;
pub mod result;
pub mod seccomp;
pub mod section;

pub use attach_type::AttachType;
pub use btf_feature::BtfFeature;
pub use command::Command;
pub use context::Context;
pub use core_kind::CoreKind;
pub use helper::Helper;
pub use hook::HookKind;
pub use link_type::LinkType;
pub use map_type::MapType;
pub use place::{Place, PlaceSet};
pub use prog_type::ProgType;
pub use section::Section;

/// A kernel version, as `since` in every row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Version(pub u8, pub u8);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

pub(crate) const fn v(major: u8, minor: u8) -> Version {
    Version(major, minor)
}

/// The candidate most like `word`, when one is near enough to be worth suggesting.
///
/// Each letter more, less or other is a difference, and so are two neighbours that changed places; at most a third of the
/// word may differ, and never all of it.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let limit = (word.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|c| (distance(&word, &c.to_lowercase().chars().collect::<Vec<_>>()), c))
        .filter(|(d, _)| *d <= limit && *d < word.len())
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// The distance of optimal string alignment, row by row.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut below = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let cell = |cells: &[usize], at: usize| cells.get(at).copied().unwrap_or(usize::MAX - 1);
            let other = cell(&row, j) + usize::from(ca != cb);
            let mut best = other.min(cell(&row, j + 1) + 1).min(cell(&below, j) + 1);
            let before = |i: usize, j: usize| Some((a.get(i.checked_sub(1)?)?, b.get(j.checked_sub(1)?)?));
            if before(i, j) == Some((cb, ca)) {
                best = best.min(cell(&above, j - 1) + 1);
            }
            below.push(best);
        }
        above = std::mem::replace(&mut row, below);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_a_near_name_and_no_far_one() {
        assert_eq!(nearest("xpd", ["tc", "xdp", "socket"]), Some("xdp"));
        assert_eq!(nearest("x", ["k"]), None);
        assert_eq!(nearest("", ["k"]), None);
        assert_eq!(nearest("tracepont", ["tracepoint", "xdp"]), Some("tracepoint"));
        assert_eq!(nearest("zzzzzz", ["tracepoint", "xdp"]), None);
        assert_eq!(nearest("sokcet", ["socket", "xdp"]), Some("socket"));
    }
}
