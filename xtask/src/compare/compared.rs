//! Two sides' answers beside each other: figures, groups of what differs, and the list that is kept of it.

use std::collections::{BTreeMap, BTreeSet};

use super::answers::{Answer, Answers, Key};

/// Reasons shown of the list.
const SHOWN: usize = 15;

/// Both sides beside each other.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) programs: usize,
    /// By skep's verdict and libbpf's.
    table: BTreeMap<(String, String), usize>,
    /// Programs whose verdict differs, or whose errno does where both reject, as the list has them, by their group.
    groups: BTreeMap<String, BTreeSet<String>>,
    pub(super) differing: BTreeSet<String>,
    /// Rejected by both.
    rejected: usize,
    /// Those of them with another last word.
    other_word: Vec<String>,
    /// Accepted by both.
    accepted: usize,
    /// Those of them that took another number of instructions.
    other_effort: usize,
}

impl Compared {
    pub(super) fn new(ours: &Answers, theirs: &Answers) -> Compared {
        let mut compared = Compared::default();
        let keys: BTreeSet<&Key> = ours.keys().chain(theirs.keys()).collect();
        for key in keys {
            let our = answer(ours, key);
            let their = answer(theirs, key);
            // An object that one side cannot open has no programs there.
            if key.1.is_empty() && our.verdict != their.verdict {
                continue;
            }
            compared.add(key, &our, &their);
        }
        compared
    }

    fn add(&mut self, (object, program): &Key, our: &Answer, their: &Answer) {
        self.programs += usize::from(!program.is_empty());
        let plain = |verdict: &str| if verdict == "open" { "undecided".to_owned() } else { verdict.to_owned() };
        let (ours, theirs) = (plain(&our.verdict), plain(&their.verdict));
        if !program.is_empty() {
            *self.table.entry((ours.clone(), theirs.clone())).or_default() += 1;
        }
        if ours != theirs {
            // The reason is that of the side that gives one.
            let reason = if our.message.is_empty() { &their.message } else { &our.message };
            let reason = format!("{ours}, libbpf: {theirs}: {}", general(reason, object));
            self.differ(reason, format!("{object} {program}"));
        } else if ours == "reject" {
            self.rejected += 1;
            if our.errno != their.errno {
                let number = |errno: Option<i64>| errno.map_or_else(|| "none".to_owned(), |n| n.to_string());
                let (our_errno, their_errno) = (number(our.errno), number(their.errno));
                let reason = format!("errno {our_errno}, libbpf: {their_errno}: {}", general(&our.message, object));
                self.differ(reason, format!("{object} {program}: errno"));
            }
            if our.message != their.message {
                self.other_word
                    .push(format!("{object} {program}\n    skep:   {}\n    libbpf: {}", our.message, their.message));
            }
        } else if ours == "accept" {
            self.accepted += 1;
            self.other_effort += usize::from(our.processed != their.processed);
        }
    }

    fn differ(&mut self, reason: String, name: String) {
        self.groups.entry(reason).or_default().insert(name.clone());
        self.differing.insert(name);
    }

    /// The figures, and the most frequent reasons.
    pub(super) fn text(&self) -> String {
        let equal: usize = self.table.iter().filter(|((a, b), _)| a == b).map(|(_, n)| n).sum();
        let mut text = format!("{equal} of {} programs have the same verdict\n", self.programs);
        text.push_str("  skep       libbpf     programs\n");
        for ((ours, theirs), n) in &self.table {
            text.push_str(&format!("  {ours:<10} {theirs:<10} {n:>8}\n"));
        }
        text.push_str(&format!(
            "accepted by both: {}, {} of them with another number of instructions walked\n\
             rejected by both: {}, {} of them with another last word\n",
            self.accepted,
            self.other_effort,
            self.rejected,
            self.other_word.len()
        ));
        self.other_word.iter().take(SHOWN).for_each(|word| text.push_str(&format!("  {word}\n")));
        text.push_str("reasons, the most frequent first\n");
        for (reason, programs) in self.sorted().iter().take(SHOWN) {
            text.push_str(&format!("{:>6}  {reason}\n", programs.len()));
        }
        text
    }

    fn sorted(&self) -> Vec<(&String, &BTreeSet<String>)> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(b.0)));
        groups
    }

    /// The list that is kept: a heading for each reason, then its programs.
    pub(super) fn list(&self, place: &str) -> String {
        let mut text = format!(
            "# Programs on which skep and libbpf do not agree, by skep's verdict, libbpf's, and skep's reason; or by errno\n\
             # where both reject. {place}\n\
             # Written by `cargo xtask compare --write`; it may only become shorter.\n"
        );
        for (reason, programs) in self.sorted() {
            text.push_str(&format!("\n# {}: {reason}\n", programs.len()));
            programs.iter().for_each(|program| text.push_str(&format!("{program}\n")));
        }
        text
    }
}

/// What one side says of a program; where it has no such program, what it says of the object.
fn answer(answers: &Answers, key: &Key) -> Answer {
    let whole = || answers.get(&(key.0.clone(), String::new()));
    answers.get(key).or_else(whole).cloned().unwrap_or_else(|| Answer {
        verdict: "absent".to_owned(),
        message: "it is no program".to_owned(),
        ..Answer::default()
    })
}

/// Programs of a kept list.
pub(super) fn programs(list: &str) -> BTreeSet<String> {
    list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// A message without the names and numbers that make it one program's; what skep does not know keeps its name.
fn general(message: &str, object: &str) -> String {
    let message = message.replace(object, "OBJECT");
    let (message, kept) = match message.rsplit_once("does not know: ") {
        Some((before, after)) => (format!("{before}does not know: "), after.to_owned()),
        None => (message, String::new()),
    };
    let (mut text, mut quote, mut before) = (String::new(), None, ' ');
    for c in message.chars() {
        match quote {
            Some(end) if c == end => {
                text.push(c);
                quote = None;
            }
            Some(_) => {}
            None => {
                let digit = c.is_ascii_digit();
                if !digit || !text.ends_with('N') {
                    text.push(if digit { 'N' } else { c });
                }
                // An apostrophe within a word is none that opens.
                if c == '`' || (c == '\'' && !before.is_alphanumeric()) {
                    quote = Some(c);
                }
            }
        }
        before = c;
    }
    text + &kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(rows: &[(&str, &str, &str, &str)]) -> Answers {
        let answer = |verdict: &str, message: &str| Answer {
            verdict: verdict.to_owned(),
            message: message.to_owned(),
            ..Answer::default()
        };
        rows.iter().map(|(o, p, v, m)| (((*o).to_owned(), (*p).to_owned()), answer(v, m))).collect()
    }

    #[test]
    fn what_differs_is_grouped_by_the_reason_without_names_and_numbers() {
        let ours = answers(&[
            ("a.o", "p", "undecided", "program `p` needs the kernel's symbol `x12`"),
            ("a.o", "q", "undecided", "program `q` needs the kernel's symbol `y`"),
            ("a.o", "r", "accept", ""),
        ]);
        let theirs = answers(&[("a.o", "p", "accept", ""), ("a.o", "q", "accept", ""), ("a.o", "r", "accept", "")]);
        let compared = Compared::new(&ours, &theirs);
        assert_eq!((compared.programs, compared.accepted, compared.differing.len()), (3, 1, 2));
        assert_eq!(compared.groups.len(), 1, "{:?}", compared.groups);
    }

    #[test]
    fn reasons_lose_names_and_numbers_alone() {
        let symbol = "program `p` needs the kernel's symbol `x12`, which skep does not load yet";
        assert_eq!(general(symbol, "a.o"), "program `` needs the kernel's symbol ``, which skep does not load yet");
        let field = "map `m` of b/a.o has a field skep does not know: `pinning`";
        assert_eq!(general(field, "b/a.o"), "map `` of OBJECT has a field skep does not know: `pinning`");
        assert_eq!(general("R12 invalid mem access 'scalar'", "a.o"), "RN invalid mem access ''");
    }

    #[test]
    fn an_object_that_one_side_cannot_open_differs_in_every_program_the_other_has() {
        let ours = answers(&[("a.o", "", "open", "it has a map of an unknown kind")]);
        let theirs = answers(&[("a.o", "p", "accept", ""), ("a.o", "q", "undecided", "no such type")]);
        let compared = Compared::new(&ours, &theirs);
        assert_eq!(compared.programs, 2);
        assert_eq!(compared.differing.iter().collect::<Vec<_>>(), ["a.o p"]);
    }

    #[test]
    fn a_kept_list_is_read_back_as_it_was_written() {
        let ours = answers(&[("a.o", "p", "reject", "R1 !read_ok")]);
        let theirs = answers(&[("a.o", "p", "accept", "")]);
        let compared = Compared::new(&ours, &theirs);
        assert_eq!(programs(&compared.list("Asked here.")), compared.differing);
    }

    #[test]
    fn two_rejections_agree_only_with_one_errno() {
        let ours = answers(&[("a.o", "p", "reject", "R1 !read_ok"), ("a.o", "q", "accept", "")]);
        let mut theirs = ours.clone();
        assert!(Compared::new(&ours, &theirs).differing.is_empty());
        theirs.values_mut().for_each(|answer| answer.errno = Some(22));
        let compared = Compared::new(&ours, &theirs);
        assert_eq!(compared.differing.iter().collect::<Vec<_>>(), ["a.o p: errno"]);
        assert_eq!((compared.rejected, compared.accepted), (1, 1));
    }
}
