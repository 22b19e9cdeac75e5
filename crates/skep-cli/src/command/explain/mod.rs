//! `skep explain`: any row of any table, and what holds of it on this machine.

mod here;
mod json;
#[cfg(target_os = "linux")]
mod machine;
mod text;
mod types;

/// Other systems have no answers.
#[cfg(not(target_os = "linux"))]
mod machine {
    use super::Page;
    use super::here::Here;

    pub(super) fn of(_page: &Page) -> Vec<Here> {
        vec![]
    }

    pub(super) fn kfunc(_name: &str) -> Option<Page> {
        None
    }

    pub(super) fn kfuncs() -> Vec<Page> {
        vec![]
    }
}

use skep_diag::{Diagnostic, code};
use skep_isa::explain::{self, NOUNS, Noun, Page};

use crate::args::Explain;
use crate::command::print_json;
use crate::failure::Failure;

/// The word that stands for program type × attach type.
pub(crate) const TYPES: &str = "types";

pub(crate) fn run(args: &Explain) -> Result<(), Failure> {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => nouns(args.json),
        [TYPES] => types::run(args.json),
        [word] => match Noun::from_name(word) {
            Some(noun) => names(noun, args.json),
            None => show(None, word, args.json),
        },
        // A name of two words, such as a licence's, needs no noun.
        [noun, rest @ ..] => match Noun::from_name(noun) {
            Some(noun) => show(Some(noun), &rest.join(" "), args.json),
            None if !explain::find(None, &words.join(" ")).is_empty() => show(None, &words.join(" "), args.json),
            None => Err(unknown_noun(noun)),
        },
    }
}

/// What there is to explain.
fn nouns(json: bool) -> Result<(), Failure> {
    if json { print_json(&json::Nouns) } else { text::nouns() }
}

/// The names of a noun.
fn names(noun: Noun, json: bool) -> Result<(), Failure> {
    let mut pages = explain::pages(noun);
    if noun == Noun::Kfunc {
        pages.extend(machine::kfuncs());
    }
    if json { print_json(&json::Names(&pages)) } else { text::names(&pages) }
}

/// The pages of a name.
fn show(noun: Option<Noun>, name: &str, json: bool) -> Result<(), Failure> {
    let mut pages = explain::find(noun, name);
    if pages.is_empty() && noun.is_none_or(|n| n == Noun::Kfunc) {
        pages.extend(machine::kfunc(name));
    }
    if pages.is_empty() {
        return Err(unknown_name(noun, name));
    }
    let told: Vec<(Page, Vec<here::Here>)> = pages.into_iter().map(|page| (page.clone(), machine::of(&page))).collect();
    if json { print_json(&json::Pages(&told)) } else { text::pages(&told) }
}

fn unknown_noun(word: &str) -> Failure {
    let spellings = NOUNS.iter().flat_map(|row| row.spellings.iter().copied());
    let mut d = Diagnostic::error(code::NO_ROW, format!("`{word}` is no noun of skep explain"));
    d = match skep_isa::spec::nearest(word, spellings) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d,
    };
    let all: Vec<&str> = NOUNS.iter().map(|row| row.noun.name()).collect();
    d.note(format!("nouns are {}", all.join(", "))).into()
}

fn unknown_name(noun: Option<Noun>, name: &str) -> Failure {
    let what = noun.map_or("row of any table".to_owned(), |n| format!("row of the {}", n.row().what));
    let mut d = Diagnostic::error(code::NO_ROW, format!("no {what} is named `{name}`"));
    let near: Vec<String> =
        explain::near(noun, name).iter().map(|(n, name)| format!("`skep explain {n} {name}`")).collect();
    if !near.is_empty() {
        d = d.help(format!("did you mean {}?", near.join(" or ")));
    }
    let list = noun.map_or("skep explain".to_owned(), |n| format!("skep explain {n}"));
    d.note(format!("`{list}` lists what there is")).into()
}
