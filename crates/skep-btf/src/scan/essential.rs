//! Essential names: what is left of `task_struct___old` when the flavour is taken off, and an index of types by it.

use super::Scan;
use crate::kind::TypeId;

/// Kinds that are looked for by essential name; functions, variables and tags never are.
const INDEXED: [u8; 8] = [1, 4, 5, 6, 7, 8, 16, 19];

/// Bytes of a name before its flavour: before the last `___` that stands between other characters.
pub(crate) fn essential(name: &[u8]) -> &[u8] {
    let is_mark = |w: &[u8]| matches!(w, [before, b'_', b'_', b'_', after] if *before != b'_' && *after != b'_');
    let mark = name.windows(5).rposition(is_mark);
    mark.and_then(|at| name.get(..=at)).unwrap_or(name)
}

/// FNV-1a, of 32 bits.
fn hash(name: &[u8]) -> u32 {
    name.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

impl Scan<'_> {
    /// Its own types with this essential name, of every kind that can have a flavour, in ascending order: `pt_regs` finds
    /// `pt_regs` and `pt_regs___old`. The first call makes an index of all names.
    pub fn named(&self, name: &str) -> impl Iterator<Item = TypeId> + '_ {
        let wanted = essential(name.as_bytes()).to_vec();
        let hash = hash(&wanted);
        let index = self.index.get_or_init(|| self.make_index());
        let first = index.partition_point(|(h, _)| *h < hash);
        let same = index.iter().skip(first).take_while(move |(h, _)| *h == hash).map(|(_, id)| TypeId(*id));
        same.filter(move |id| essential(self.name(*id).as_bytes()) == wanted)
    }

    /// All essential names of its own types, of each type one.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let index = self.index.get_or_init(|| self.make_index());
        index.iter().filter_map(|(_, id)| std::str::from_utf8(essential(self.name(TypeId(*id)).as_bytes())).ok())
    }

    fn make_index(&self) -> Vec<(u32, u32)> {
        let indexed = self.heads().filter(|(_, head)| head.name_off != 0 && INDEXED.contains(&head.kind));
        let mut index: Vec<(u32, u32)> = indexed
            .filter_map(|(id, head)| {
                let bytes = self.bytes_at(head.name_off)?;
                let bytes = bytes.get(..=crate::read::LONGEST_STRING).unwrap_or(bytes);
                let end = bytes.iter().position(|b| *b == 0)?;
                Some((hash(essential(bytes.get(..end)?)), id.0))
            })
            .collect();
        index.sort_unstable();
        index
    }
}

#[cfg(test)]
mod tests {
    use super::essential;

    #[test]
    fn a_flavour_begins_at_the_last_three_underscores_between_other_characters() {
        let cases = [
            ("task_struct", "task_struct"),
            ("task_struct___old", "task_struct"),
            ("a___b___c", "a___b"),
            ("___old", "___old"),
            ("a___", "a___"),
            ("a____b", "a____b"),
            ("a___b_", "a"),
            ("", ""),
        ];
        for (name, expected) in cases {
            assert_eq!(essential(name.as_bytes()), expected.as_bytes(), "{name}");
        }
    }
}
