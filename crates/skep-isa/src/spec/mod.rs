//! THE tables: one `const` table for each kind of fact, every row with the kernel version it came with.
//!
//! Decoder, printers, engines, loader and command line read these rows; a fact stands in no second place. Ids, names
//! and layouts are those of the kernel's `include/uapi/linux/bpf.h` (as BTF shows them).

pub mod attach_type;
pub mod helper;
pub mod hook;
pub mod map_type;
pub mod prog_type;
pub mod result;
pub mod section;

pub use attach_type::AttachType;
pub use helper::Helper;
pub use hook::HookKind;
pub use map_type::MapType;
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
/// Distance is Levenshtein's over lower-case characters; at most a third of the word may differ.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|c| (distance(&word, &c.to_lowercase()), c))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut before = i;
        let mut left = i + 1;
        for (cell, cb) in row.iter_mut().skip(1).zip(&b) {
            let above = *cell;
            left = (before + usize::from(ca != *cb)).min(above + 1).min(left + 1);
            *cell = left;
            before = above;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_a_near_name_and_no_far_one() {
        assert_eq!(nearest("xpd", ["xdp", "tc", "socket"]), None);
        assert_eq!(nearest("tracepont", ["tracepoint", "xdp"]), Some("tracepoint"));
        assert_eq!(nearest("zzzzzz", ["tracepoint", "xdp"]), None);
        assert_eq!(nearest("sokcet", ["socket", "xdp"]), Some("socket"));
    }
}
