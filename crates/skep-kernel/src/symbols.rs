//! Names of the kernel's code, from `/proc/kallsyms`.

/// The kernel's symbols in the order of their addresses.
#[derive(Debug, Default)]
pub struct Symbols {
    starts: Vec<(u64, String)>,
}

impl Symbols {
    /// Reads the symbols; there are none where the kernel hides them (`kptr_restrict`, no privilege) or has none.
    pub fn read() -> Symbols {
        std::fs::read_to_string("/proc/kallsyms").map(|text| Symbols::parse(&text)).unwrap_or_default()
    }

    fn parse(text: &str) -> Symbols {
        let line = |line: &str| {
            let mut words = line.split_ascii_whitespace();
            let address = u64::from_str_radix(words.next()?, 16).ok().filter(|a| *a != 0)?;
            let code = matches!(words.next()?, "t" | "T" | "w" | "W");
            code.then_some((address, words.next()?.to_owned()))
        };
        let mut starts: Vec<_> = text.lines().filter_map(line).collect();
        starts.sort();
        Symbols { starts }
    }

    /// The function an address lies in, and how far: `schedule+0x1c`. `None` when it lies before the first one.
    pub fn name(&self, address: u64) -> Option<String> {
        let after = self.starts.partition_point(|(start, _)| *start <= address);
        let (start, name) = self.starts.get(after.checked_sub(1)?)?;
        Some(match address - start {
            0 => name.clone(),
            distance => format!("{name}+{distance:#x}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Symbols;

    #[test]
    fn an_address_belongs_to_the_function_that_begins_before_it() {
        let symbols = Symbols::parse(
            "ffffffff81000100 T second\nffffffff81000000 t first\nffffffff81000080 D data\n0000000000000000 T hidden\njunk\n",
        );
        assert_eq!(symbols.name(0xffff_ffff_8100_0000).as_deref(), Some("first"));
        assert_eq!(symbols.name(0xffff_ffff_8100_00ff).as_deref(), Some("first+0xff"));
        assert_eq!(symbols.name(0xffff_ffff_8100_0104).as_deref(), Some("second+0x4"));
        assert_eq!(symbols.name(0x1000), None);
    }
}
