//! `skep explain types`: program type × attach type, with the live answer.

use std::io::Write;

use serde::Serialize;
use skep_isa::spec::{attach_type, prog_type, result};

use crate::command::print_json;
use crate::failure::Failure;
use crate::table;

/// One pair.
#[derive(Serialize)]
struct Pair {
    prog_type: &'static str,
    /// `null` where the type is put somewhere without an attach type.
    attach_type: Option<&'static str>,
    since: String,
    link: Option<&'static str>,
    /// Lowest and highest result, `null` where any goes.
    results: Option<[i32; 2]>,
    /// `null` where it could not be found out.
    works: Option<bool>,
    why: String,
}

#[derive(Serialize)]
struct Types {
    schema: u32,
    types: Vec<Pair>,
}

pub(super) fn run(json: bool) -> Result<(), Failure> {
    let pairs = pairs();
    if json {
        return print_json(&Types { schema: 1, types: pairs });
    }
    let mut rows =
        table::new(["program type", "attach type", "since", "link", "results", "here", "why"].map(str::to_owned));
    let mut last = "";
    for pair in &pairs {
        let name = if pair.prog_type == last { "" } else { pair.prog_type };
        last = pair.prog_type;
        let here = match pair.works {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        let results = pair.results.map_or("any".to_owned(), |[low, high]| format!("{low} to {high}"));
        let link = pair.link.unwrap_or("–");
        rows.add_row([name, pair.attach_type.unwrap_or("–"), &pair.since, link, &results, here, &pair.why]);
    }
    Ok(writeln!(std::io::stdout().lock(), "{}", table::trim(&rows))?)
}

/// All pairs, by program type and then attach type; a type without attach types has one row.
fn pairs() -> Vec<Pair> {
    let mut pairs = Vec::new();
    for prog in prog_type::TABLE.iter().filter(|row| row.id != prog_type::ProgType::Unspec) {
        let range = |attach| result::allowed(prog.id, attach).map(|r| [r.low, r.high]);
        let before = pairs.len();
        for attach in attach_type::TABLE.iter().filter(|row| row.prog_types.contains(&prog.id)) {
            pairs.push((
                prog.id,
                Some(attach.id),
                Pair {
                    prog_type: prog.name,
                    attach_type: Some(attach.name),
                    since: attach.since.max(prog.since).to_string(),
                    link: attach.link.map(|l| l.name()),
                    results: range(Some(attach.id)),
                    works: None,
                    why: String::new(),
                },
            ));
        }
        if pairs.len() == before {
            let since = prog.since.to_string();
            let (attach_type, link, why) = (None, None, String::new());
            pairs.push((
                prog.id,
                None,
                Pair { prog_type: prog.name, attach_type, since, link, results: range(None), works: None, why },
            ));
        }
    }
    answered(pairs)
}

type Asked = (prog_type::ProgType, Option<attach_type::AttachType>, Pair);

#[cfg(not(target_os = "linux"))]
fn answered(pairs: Vec<Asked>) -> Vec<Pair> {
    pairs.into_iter().map(|(_, _, pair)| Pair { why: "this system is not Linux".to_owned(), ..pair }).collect()
}

#[cfg(target_os = "linux")]
fn answered(pairs: Vec<Asked>) -> Vec<Pair> {
    use skep_kernel::feature::Answer;
    use skep_kernel::trial::Question;

    let question = |(prog, attach, _): &Asked| match attach {
        Some(attach) => Question::Attach(*prog, *attach),
        None => Question::Load(*prog),
    };
    let questions: Vec<Question> = pairs.iter().map(question).collect();
    let answers = crate::command::trial::ask(&questions);
    let join = |((_, _, pair), answer): (Asked, Answer)| match answer {
        Answer::Yes => Pair { works: Some(true), ..pair },
        Answer::No(why) => Pair { works: Some(false), why, ..pair },
        Answer::Unknown(why) => Pair { works: None, why, ..pair },
    };
    pairs.into_iter().zip(answers).map(join).collect()
}
