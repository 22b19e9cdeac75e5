//! Both sides asked in a guest: a list of questions goes in as a file, `xtask compare --ask` answers it there, and its lines
//! come out. All of corpus b is asked, of corpus a a sample.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Pair, Question, answers, ask};
use crate::corpus::{self, Corpus};
use crate::{guest, oracle, root, shipped};

/// Programs of corpus a that a guest is asked about: emulation is slow.
const SAMPLE: usize = 300;

/// Asks a guest about these corpora.
pub(super) fn pairs(series: &str, corpora: &[Corpus]) -> Result<Vec<(Corpus, Pair)>> {
    let (skep, oracle) = (shipped()?, oracle::build()?);
    let mut asked = Vec::new();
    for corpus in corpora {
        let questions = questions(*corpus)?;
        let list: Vec<Value> = questions.iter().map(|q| json!([q.object, q.programs])).collect();
        asked.push(json!({"letter": corpus.letter(), "folder": corpus.folder(), "questions": list}));
    }
    let list = root().join(format!("target/guest/questions-{}.json", std::process::id()));
    std::fs::create_dir_all(root().join("target/guest"))?;
    std::fs::write(&list, json!({"skep": skep, "oracle": oracle, "corpora": asked}).to_string())?;
    let this = std::env::current_exe()?;
    let words = [&this.display().to_string(), "compare", "--ask", &list.display().to_string()];
    let said = guest::captured(series, &words);
    let _ = std::fs::remove_file(&list);
    let said = said?;
    let mut pairs = Vec::new();
    for corpus in corpora {
        let of = |side: &str| -> String {
            let begin = format!("{} {side} ", corpus.letter());
            said.lines().filter_map(|line| line.strip_prefix(&begin)).map(|line| format!("{line}\n")).collect()
        };
        let pair = Pair { ours: of(OURS), theirs: of(THEIRS) };
        ensure!(!pair.ours.is_empty() && !pair.theirs.is_empty(), "the guest gave no answers:\n{said}");
        pairs.push((*corpus, pair));
    }
    Ok(pairs)
}

/// What lines begin with, behind the corpus's letter.
const OURS: &str = "skep";
const THEIRS: &str = "libbpf";

/// `xtask compare --ask LIST`, in the guest: asks both sides, prints a line for each answer.
pub(super) fn answer(list: &Path) -> Result<()> {
    let list: Value = serde_json::from_slice(&std::fs::read(list)?)?;
    let path = |value: &Value| -> Result<std::path::PathBuf> { Ok(value.as_str().context("a path")?.into()) };
    let (skep, oracle) = (path(&list["skep"])?, path(&list["oracle"])?);
    for corpus in list["corpora"].as_array().context("corpora")? {
        let (letter, folder) = (corpus["letter"].as_str().context("a letter")?, path(&corpus["folder"])?);
        let questions: Vec<Question> =
            serde_json::from_value::<Vec<(String, Vec<String>)>>(corpus["questions"].clone())?
                .into_iter()
                .map(|(object, programs)| Question { object, programs })
                .collect();
        for side in [THEIRS, OURS] {
            let started = Instant::now();
            let lines = match side {
                THEIRS => ask::libbpf(&oracle, &folder, &questions)?,
                _ => ask::skep(&skep, &folder, &questions)?,
            };
            let seconds = started.elapsed().as_secs_f64();
            eprintln!("corpus {letter}: {side}, {} objects in {seconds:.0} s", questions.len());
            lines.lines().for_each(|line| println!("{letter} {side} {line}"));
        }
    }
    Ok(())
}

/// What a guest is asked of a corpus.
fn questions(corpus: Corpus) -> Result<Vec<Question>> {
    let objects = corpus::objects(corpus)?;
    match corpus {
        Corpus::Debian => Ok(objects.iter().map(|path| Question::whole(corpus, path)).collect()),
        Corpus::Selftests => {
            let known = answers::parse(&oracle::results(corpus, &objects)?)?;
            Ok(sample(known.into_keys().filter(|(_, program)| !program.is_empty()), SAMPLE))
        }
    }
}

/// So many programs, spread evenly and the same ones whatever else comes and goes: those whose names have the least hash.
fn sample(programs: impl Iterator<Item = (String, String)>, size: usize) -> Vec<Question> {
    let mut programs: Vec<(u64, String, String)> =
        programs.map(|(object, program)| (hash(&format!("{object} {program}")), object, program)).collect();
    programs.sort();
    programs.truncate(size);
    Question::group(programs.into_iter().map(|(_, object, program)| (object, program)))
}

/// FNV-1a, its bits mixed once more: names that differ in their last letter alone are to lie apart.
fn hash(text: &str) -> u64 {
    let fnv = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (fnv ^ (fnv >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(range: std::ops::Range<u32>) -> impl Iterator<Item = (String, String)> {
        range.map(|n| (format!("{}.o", n / 10), format!("p{n}")))
    }

    fn names(questions: Vec<Question>) -> Vec<String> {
        questions.into_iter().flat_map(|q| q.programs).collect()
    }

    #[test]
    fn a_sample_is_spread_evenly_over_all_objects() {
        let questions = sample(programs(0..4000), 400);
        assert!((200..=400).contains(&questions.len()), "{} of 400 objects", questions.len());
        let chosen = names(questions);
        assert_eq!(chosen.len(), 400);
        let low = chosen.iter().filter(|name| name[1..].parse::<u32>().is_ok_and(|n| n < 2000)).count();
        assert!((150..=250).contains(&low), "{low} of the first half");
    }

    #[test]
    fn a_sample_stays_when_other_programs_come() {
        let (before, after) = (names(sample(programs(0..4000), 400)), names(sample(programs(0..4040), 400)));
        let kept = before.iter().filter(|name| after.contains(name)).count();
        assert!(kept >= 385, "{kept} of 400 stayed");
    }
}
