//! What the verifier's log says at its end. Knows the log's text alone.

/// What is read from a log.
pub(crate) struct Facts {
    /// The last line that says something of the program.
    pub(crate) message: Option<String>,
    /// Instructions walked.
    pub(crate) processed: Option<u64>,
    /// States kept.
    pub(crate) states: Option<u64>,
    /// How long the verifier took.
    pub(crate) time_us: Option<u64>,
    /// The verifier stopped at something that this kernel lacks.
    pub(crate) unresolved: bool,
}

/// Beginnings of lines that count or narrate.
const NARRATION: &[&str] = &[
    "processed ",
    "verification time ",
    "stack depth ",
    "max_states",
    "mark_precise",
    "from ",
    "func#",
    "Func#",
    "Validating ",
    "caller:",
    "callee:",
    "returning from callee",
    "to caller at",
    "last_idx",
    "regs=",
    "parent ",
    "propagating",
    "Live regs",
    "cur state:",
    "old state:",
    "arg#",
    ";",
];

/// What libbpf puts in place of what it could not resolve, and what the verifier says of a symbol without an address.
const LACKS: &[&str] = &[
    "<invalid CO-RE relocation>",
    "<invalid kfunc call>",
    "<invalid BPF map reference>",
    "failed to find the address for kernel symbol",
];

impl Facts {
    /// Reads a log.
    pub(crate) fn read(log: &str) -> Facts {
        let line = |beginning: &str| log.lines().rev().find(|line| line.starts_with(beginning));
        let stats = line("processed ");
        let after = |text: &str, word: &str| {
            let (_, rest) = text.split_once(word)?;
            rest.split(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty())?.parse().ok()
        };
        let message = log.lines().rev().find(|line| !narrates(line));
        // Some messages end without a line's end, and the statistics go on behind them.
        let message = message.and_then(|line| line.split("verification time ").next()).map(|m| m.trim_end().to_owned());
        Facts {
            message,
            processed: stats.and_then(|text| after(text, "processed")),
            states: stats.and_then(|text| after(text, "total_states")),
            time_us: line("verification time ").and_then(|text| after(text, "verification time")),
            unresolved: LACKS.iter().any(|note| log.contains(note)),
        }
    }
}

fn narrates(line: &str) -> bool {
    let numbered =
        line.split_once(':').is_some_and(|(slot, _)| !slot.is_empty() && slot.bytes().all(|b| b.is_ascii_digit()));
    let registers = line.split_once('=').is_some_and(|(name, _)| {
        name.strip_prefix('R').is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()) && !n.contains(' '))
    });
    let said = line.starts_with("arg#") && line.contains(' ');
    let frame = line.strip_prefix("frame").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    line.trim().is_empty() || numbered || registers || frame || (!said && NARRATION.iter().any(|b| line.starts_with(b)))
}

#[cfg(test)]
mod tests {
    use super::Facts;

    #[test]
    fn the_last_word_and_the_figures_are_read() {
        let log = "0: R1=ctx() R10=fp0\n; return 0; @ a.c:3\n0: (95) exit\nR0 !read_ok\nverification time 47 usec\n\
            stack depth 0\nprocessed 1 insns (limit 1000000) max_states_per_insn 0 total_states 2 peak_states 0\n";
        let facts = Facts::read(log);
        assert_eq!(facts.message.as_deref(), Some("R0 !read_ok"));
        assert_eq!((facts.processed, facts.states, facts.time_us), (Some(1), Some(2), Some(47)));
        assert!(!facts.unresolved);
    }

    #[test]
    fn statistics_alone_say_nothing_of_the_program() {
        let facts = Facts::read("verification time 4 usec\nstack depth 0\nprocessed 9 insns (limit 1000000)\n");
        assert_eq!((facts.message, facts.processed, facts.states), (None, Some(9), None));
    }

    #[test]
    fn what_is_wrong_with_an_argument_is_a_word_about_the_program() {
        let size = "arg#0 reference type('UNKNOWN ') size cannot be determined: -22";
        let facts = Facts::read(&format!("Validating f() func#1...\n{size}\nprocessed 0 insns (limit 1000000)\n"));
        assert_eq!(facts.message.as_deref(), Some(size));
    }

    #[test]
    fn what_the_kernel_lacks_is_no_verdict() {
        let log = "3: <invalid CO-RE relocation>\nfailed to resolve CO-RE relocation <byte_off> [7] struct a.b\n";
        assert!(Facts::read(log).unresolved);
    }
}
