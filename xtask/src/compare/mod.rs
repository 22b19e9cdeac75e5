//! `xtask compare`: skep's answers beside libbpf's, program by program. What differs stands in `tests/corpus/`, grouped by
//! skep's reason, and may only become less. Enter at [`run`].

mod answers;
mod ask;
mod compared;
mod guest;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::corpus::{self, Corpus};
use crate::{oracle, root};

use answers::Answer;
pub(crate) use ask::{Question, libbpf};
use compared::Compared;

/// `xtask compare a|b|all [--on KERNEL] [--write]`.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    if let ["--ask", list] = words {
        return guest::answer(Path::new(list));
    }
    let (which, mut rest) = words.split_first().context(USAGE)?;
    let (mut write, mut kernel) = (false, None);
    loop {
        rest = match rest {
            [] => break,
            ["--write", rest @ ..] => {
                write = true;
                rest
            }
            ["--on", series, rest @ ..] => {
                kernel = Some(*series);
                rest
            }
            _ => bail!(USAGE),
        };
    }
    let corpora = match *which {
        "all" => Corpus::ALL.iter().map(|(_, corpus)| *corpus).collect(),
        letter => vec![Corpus::from_letter(letter).with_context(|| format!("no corpus {letter}; {USAGE}"))?],
    };
    let pairs = match kernel {
        None => corpora.into_iter().map(|corpus| Ok((corpus, here(corpus)?))).collect::<Result<Vec<_>>>()?,
        Some(series) => guest::pairs(series, &corpora)?,
    };
    let held: Vec<bool> =
        pairs.iter().map(|(corpus, pair)| hold(*corpus, kernel, pair, write)).collect::<Result<_>>()?;
    ensure!(held.iter().all(|held| *held), "programs differ that did not");
    Ok(())
}

const USAGE: &str =
    "wanted: a, b or all; --on KERNEL to ask a guest, about all of b and a part of a; --write to keep what differs";

/// Lines of skep's and of libbpf's.
struct Pair {
    ours: String,
    theirs: String,
}

/// Asks this machine's kernel.
fn here(corpus: Corpus) -> Result<Pair> {
    let objects = corpus::objects(corpus)?;
    let theirs = oracle::results(corpus, &objects)?;
    let questions: Vec<Question> = objects.iter().map(|path| Question::whole(corpus, path)).collect();
    let skep = crate::shipped()?;
    let started = Instant::now();
    let ours = ask::skep(&skep, &corpus.folder(), &questions)?;
    println!("corpus {}: skep in {:.1} s", corpus.letter(), started.elapsed().as_secs_f64());
    let path = corpus::home().join(format!("{}.skep.json", corpus.letter()));
    std::fs::write(&path, &ours).with_context(|| path.display().to_string())?;
    Ok(Pair { ours, theirs })
}

/// What both sides accept of a corpus, object by object.
pub(crate) fn accepted(corpus: Corpus) -> Result<Vec<Question>> {
    let pair = here(corpus)?;
    let (ours, theirs) = (answers::parse(&pair.ours)?, answers::parse(&pair.theirs)?);
    let accepts = |answer: &Answer| answer.verdict == "accept";
    let both = ours.iter().filter(|(key, answer)| accepts(answer) && theirs.get(*key).is_some_and(accepts));
    Ok(Question::group(both.map(|((object, program), _)| (object.clone(), program.clone()))))
}

/// Shows what differs and holds it against the list, or writes the list; false when the list has become longer.
fn hold(corpus: Corpus, kernel: Option<&str>, pair: &Pair, write: bool) -> Result<bool> {
    let compared = Compared::new(&answers::parse(&pair.ours)?, &answers::parse(&pair.theirs)?);
    let place = kernel.map_or_else(|| "on this machine".to_owned(), |series| format!("in a guest of {series}"));
    println!("== corpus {}, {place}", corpus.letter());
    print!("{}", compared.text());
    let suffix = kernel.map(|series| format!(".{series}")).unwrap_or_default();
    let path = root().join(format!("tests/corpus/{}{suffix}.differ.txt", corpus.letter()));
    if write {
        let asked = kernel.unwrap_or(HOST);
        std::fs::write(&path, compared.list(&format!("Asked: Linux {asked}.")))
            .with_context(|| path.display().to_string())?;
        println!("written to {}", path.display());
        return Ok(true);
    }
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    if kernel.is_none() && !release.starts_with(&format!("{HOST}.")) {
        println!(
            "the list was made on Linux {HOST}, and this is {}: look at that first where more differs",
            release.trim()
        );
    }
    let known = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let known = compared::programs(&known);
    let new: Vec<&String> = compared.differing.iter().filter(|p| !known.contains(*p)).collect();
    let gone = known.iter().filter(|p| !compared.differing.contains(*p)).count();
    new.iter().for_each(|program| println!("differs now: {program}"));
    if gone > 0 {
        println!("{gone} programs of {} agree now: shorten it with --write", path.display());
    }
    Ok(new.is_empty())
}

/// The kernel that the lists without a kernel's name were made on.
const HOST: &str = "6.18";

impl Question {
    /// About these programs of objects.
    pub(crate) fn group(programs: impl Iterator<Item = (String, String)>) -> Vec<Question> {
        let mut objects: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (object, program) in programs {
            objects.entry(object).or_default().push(program);
        }
        objects.into_iter().map(|(object, programs)| Question { object, programs }).collect()
    }

    /// The line by which the oracle is asked.
    pub(crate) fn line(&self) -> String {
        format!("{}\n", [std::slice::from_ref(&self.object), &self.programs].concat().join("\t"))
    }

    /// About every program of an object of a corpus.
    pub(crate) fn whole(corpus: Corpus, path: &Path) -> Question {
        let object = path.strip_prefix(corpus.folder()).unwrap_or(path).display().to_string();
        Question { object, programs: Vec::new() }
    }
}
