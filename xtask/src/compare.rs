//! `xtask compare`: skep's answers beside libbpf's, program by program. What differs stands in `tests/corpus/`, grouped by
//! skep's reason, and may only become less. Enter at [`run`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::corpus::{self, Corpus};
use crate::{oracle, root};

/// Programs between two pauses, and the length of one: Linux 6.18 locks up for good when about a thousand compiled
/// programs are freed in a short time.
const BATCH: usize = 32;
const PAUSE: Duration = Duration::from_millis(20);
/// Reasons shown of the list.
const SHOWN: usize = 15;

/// What one side says of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    /// `accept`, `reject`, `undecided`; `open` for an object that cannot be opened.
    verdict: String,
    /// The verifier's last word, or the reason.
    message: String,
    /// Instructions walked.
    processed: Option<u64>,
}

/// Object and program; an empty program for an object that cannot be opened.
type Key = (String, String);
type Answers = BTreeMap<Key, Answer>;

/// `xtask compare a|b [--write]`.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let (letter, write) = match words {
        [letter] => (*letter, false),
        [letter, "--write"] => (*letter, true),
        _ => bail!("wanted: a or b, and --write to keep the list of what differs"),
    };
    let corpus = Corpus::from_letter(letter).with_context(|| format!("no corpus {letter}"))?;
    let theirs = of_libbpf(corpus)?;
    let ours = of_skep(corpus)?;
    let compared = Compared::new(&ours, &theirs);
    print!("{}", compared.text());
    let path = root().join(format!("tests/corpus/{letter}.differ.txt"));
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    if write {
        std::fs::create_dir_all(root().join("tests/corpus"))?;
        std::fs::write(&path, compared.list()).with_context(|| path.display().to_string())?;
        println!("written to {}", path.display());
        return Ok(());
    }
    let known = programs(&known);
    let new: Vec<&String> = compared.differing.iter().filter(|p| !known.contains(*p)).collect();
    let gone = known.iter().filter(|p| !compared.differing.contains(*p)).count();
    new.iter().for_each(|program| println!("differs now: {program}"));
    if gone > 0 {
        println!("{gone} programs of {} agree now: shorten it with --write", path.display());
    }
    ensure!(new.is_empty(), "{} programs differ that did not", new.len());
    Ok(())
}

/// What the oracle wrote.
fn of_libbpf(corpus: Corpus) -> Result<Answers> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let results = oracle::results(corpus)?;
    Ok(results
        .iter()
        .map(|line| {
            let answer = Answer {
                verdict: text(&line["result"]),
                message: text(&line["message"]),
                processed: line["processed"].as_u64(),
            };
            ((text(&line["object"]), text(&line["program"])), answer)
        })
        .collect())
}

/// What `skep check` says, one process for each object; kept in `target/corpus/*.skep.json`.
fn of_skep(corpus: Corpus) -> Result<Answers> {
    let objects = corpus::objects(corpus)?;
    let built =
        Command::new("cargo").args(["build", "-q", "--locked", "-p", "skep-cli"]).current_dir(root()).status()?;
    ensure!(built.success(), "skep does not build");
    let skep = root().join("target/debug/skep");
    let started = Instant::now();
    let (mut answers, mut lines, mut loads) = (Answers::new(), String::new(), 0);
    for (at, path) in objects.iter().enumerate() {
        if at % 100 == 0 {
            println!("  {at} of {} objects, {:.0} s", objects.len(), started.elapsed().as_secs_f64());
        }
        let name = path.strip_prefix(corpus.folder()).unwrap_or(path).display().to_string();
        let document = check(&skep, &corpus.folder(), &name)?;
        for program in document["programs"].as_array().into_iter().flatten() {
            let mut program = program.clone();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            program["object"] = Value::from(name.clone());
            let opened = program["program"].is_string();
            let kernel = &program["kernel"];
            let answer = Answer {
                verdict: if opened { text(&kernel["verdict"]) } else { "open".to_owned() },
                message: text(&kernel["message"]),
                processed: kernel["processed"].as_u64(),
            };
            answers.insert((name.clone(), text(&program["program"])), answer);
            program["kernel"]["log"] = Value::Null;
            lines.push_str(&format!("{program}\n"));
            loads += 1;
            if loads % BATCH == 0 {
                std::thread::sleep(PAUSE);
            }
        }
    }
    let path = corpus::home().join(format!("{}.skep.json", corpus.letter()));
    std::fs::write(&path, lines).with_context(|| path.display().to_string())?;
    Ok(answers)
}

/// One object's document.
fn check(skep: &Path, folder: &Path, object: &str) -> Result<Value> {
    let mut command = Command::new(skep);
    let out = command.args(["check", "--engine", "kernel", "--json", object]).current_dir(folder).output()?;
    // A panic or a signal is a fault of skep's, whatever the object.
    ensure!(
        out.status.code().is_some_and(|code| code <= 3),
        "skep check {object}: {}\n{}",
        out.status,
        String::from_utf8_lossy(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).with_context(|| format!("what skep check says of {object}"))
}

/// Both sides beside each other.
#[derive(Default)]
struct Compared {
    programs: usize,
    /// By skep's verdict and libbpf's.
    table: BTreeMap<(String, String), usize>,
    /// Programs whose verdict differs, as the list has them, by their group.
    groups: BTreeMap<String, BTreeSet<String>>,
    differing: BTreeSet<String>,
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
    fn new(ours: &Answers, theirs: &Answers) -> Compared {
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
            let name = format!("{object} {program}");
            self.groups.entry(reason).or_default().insert(name.clone());
            self.differing.insert(name);
        } else if ours == "reject" {
            self.rejected += 1;
            if our.message != their.message {
                self.other_word
                    .push(format!("{object} {program}\n    skep:   {}\n    libbpf: {}", our.message, their.message));
            }
        } else if ours == "accept" {
            self.accepted += 1;
            self.other_effort += usize::from(our.processed != their.processed);
        }
    }

    /// The figures, and the most frequent reasons.
    fn text(&self) -> String {
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
    fn list(&self) -> String {
        let mut text = String::from(
            "# Programs on which skep and libbpf do not agree, by skep's verdict, libbpf's, and skep's reason.\n\
             # Written by `cargo xtask compare --write`; it may only become shorter.\n",
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
        processed: None,
    })
}

/// Programs of a kept list.
fn programs(list: &str) -> BTreeSet<String> {
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
            processed: None,
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
        assert_eq!(programs(&compared.list()), compared.differing);
    }
}
