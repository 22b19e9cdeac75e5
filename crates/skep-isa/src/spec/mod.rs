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
/// A letter too many, too few, changed or swapped with its neighbour counts one, case does not count; a third of the word
/// may differ.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let limit = (word.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|c| (distance(&word, &c.to_lowercase().chars().collect::<Vec<_>>()), c))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// Optimal string alignment: Levenshtein's distance with swaps of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let change = at(&last, j) + usize::from(ca != cb);
            let mut best = change.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(cb) && b.get(j - 1) == Some(ca);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    at(&last, b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_a_near_name_and_no_far_one() {
        assert_eq!(nearest("xpd", ["xdp", "tc", "socket"]), Some("xdp"));
        assert_eq!(nearest("tc", ["xdp", "socket"]), None);
        assert_eq!(nearest("tracepont", ["tracepoint", "xdp"]), Some("tracepoint"));
        assert_eq!(nearest("zzzzzz", ["tracepoint", "xdp"]), None);
        assert_eq!(nearest("sokcet", ["socket", "xdp"]), Some("socket"));
    }
}
