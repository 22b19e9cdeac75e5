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
    /// The walk came to something that libbpf could not resolve, and put a note in its place.
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
    "frame",
    "last_idx",
    "regs=",
    "parent ",
    "propagating",
    "Live regs",
    "arg#",
    ";",
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
        let message = log.lines().rev().find(|line| !narrates(line)).map(|line| line.trim_end().to_owned());
        Facts {
            message,
            processed: stats.and_then(|text| after(text, "processed")),
            states: stats.and_then(|text| after(text, "total_states")),
            time_us: line("verification time ").and_then(|text| after(text, "verification time")),
            unresolved: ["<invalid CO-RE relocation>", "<invalid kfunc call>", "<invalid BPF map reference>"]
                .iter()
                .any(|note| log.contains(note)),
        }
    }
}

fn narrates(line: &str) -> bool {
    let numbered =
        line.split_once(':').is_some_and(|(slot, _)| !slot.is_empty() && slot.bytes().all(|b| b.is_ascii_digit()));
    let registers = line.split_once('=').is_some_and(|(name, _)| {
        name.strip_prefix('R').is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()) && !n.contains(' '))
    });
    let said = line.strip_prefix("arg#").is_some_and(|_| line.contains(' ') && !line.contains("reference type"));
    line.trim().is_empty() || numbered || registers || (!said && NARRATION.iter().any(|b| line.starts_with(b)))
}
