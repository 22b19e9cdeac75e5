//! Addresses of the kernel's symbols, from `/proc/kallsyms`.

use std::collections::HashMap;

/// The addresses of these names; those the kernel does not have, or hides, are left out. A name with several addresses has
/// the first.
pub(crate) fn addresses<'n>(names: &[&'n str]) -> HashMap<&'n str, u64> {
    if names.is_empty() {
        return HashMap::new();
    }
    std::fs::read_to_string("/proc/kallsyms").map(|text| parse(&text, names)).unwrap_or_default()
}

fn parse<'n>(text: &str, names: &[&'n str]) -> HashMap<&'n str, u64> {
    let mut found = HashMap::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(address), Some(_), Some(symbol)) = (words.next(), words.next(), words.next()) else { continue };
        let Some(name) = names.iter().find(|name| **name == symbol) else { continue };
        if let Some(address) = u64::from_str_radix(address, 16).ok().filter(|a| *a != 0) {
            found.entry(*name).or_insert(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_are_found_and_hidden_ones_are_not() {
        let text = "ffffffff81000000 T first\nffffffff81000100 d jiffies\n0000000000000000 T hidden\nffffffff82000000 t first\n";
        let found = parse(text, &["first", "jiffies", "hidden", "jiff"]);
        assert_eq!(found.len(), 2);
        assert_eq!((found["first"], found["jiffies"]), (0xffff_ffff_8100_0000, 0xffff_ffff_8100_0100));
    }
}
