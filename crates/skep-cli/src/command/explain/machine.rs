//! The answers of a Linux machine.

use skep_btf::{KindId, Scan};
use skep_isa::explain::{Fact, Noun, Page, Value};
use skep_isa::spec::{
    AttachType, BtfFeature, HookKind, LinkType, MapType, Place, ProgType, attach_type, helper, kfunc as rules, section,
};
use skep_kernel::feature::{self, Answer, Feature, Features};
use skep_kernel::trial::Question;

use super::here::Here;
use crate::command::trial;

/// Where the kernel gives its types.
const TYPES: &str = "/sys/kernel/btf/vmlinux";

/// What holds of a page here.
pub(super) fn of(page: &Page) -> Vec<Here> {
    match page.noun {
        Noun::Kfunc => btf_id(page).map(callers).unwrap_or_default(),
        Noun::Helper => number(page).map(helper).unwrap_or_default(),
        Noun::Prog => find(ProgType::from_id, page).map(prog).unwrap_or_default(),
        Noun::Attach => find(AttachType::from_id, page).map(attach).unwrap_or_default(),
        Noun::Section => section::find(&page.name).map(|(row, _)| by_section(row)).unwrap_or_default(),
        Noun::Hook => HookKind::from_name(&page.name)
            .map(|kind| ask(vec![(String::new(), Question::Hook(kind))]))
            .unwrap_or_default(),
        Noun::Link => find(LinkType::from_id, page).map(link).unwrap_or_default(),
        Noun::Map => {
            find(MapType::from_id, page).map(|m| vec![here(String::new(), feature::map_type(m))]).unwrap_or_default()
        }
        Noun::Btf => BtfFeature::from_name(&page.name)
            .map(|f| vec![here(String::new(), Features::new().answer(Feature::Btf(f)))])
            .unwrap_or_default(),
        Noun::Command => vec![named_in_types("bpf_cmd", page)],
        _ => vec![],
    }
}

/// The constant a page is of, by its number.
fn find<T>(from_id: impl Fn(u32) -> Option<T>, page: &Page) -> Option<T> {
    from_id(number(page)?)
}

fn number(page: &Page) -> Option<u32> {
    fact(page, "number")
}

fn btf_id(page: &Page) -> Option<u32> {
    fact(page, BTF_ID)
}

/// A fact that is a number.
fn fact(page: &Page, label: &str) -> Option<u32> {
    match &page.facts.iter().find(|f| f.label == label)?.value {
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

/// Where a helper is offered: the places that say yes, and those the table names that do not.
fn helper(id: u32) -> Vec<Here> {
    let Some(row) = helper::find(id) else { return vec![] };
    by_place("offered to", feature::helper(id), |place| row.offered_in(place))
}

/// Which programs may call a function of the kernel. Where they may not is told only if none may.
fn callers(btf_id: u32) -> Vec<Here> {
    by_place("callable from", feature::kfunc(btf_id), |_| false)
}

/// One line for each answer, with its places; a no is told of places that `wanted` says should say yes.
fn by_place(what: &str, answers: Vec<(Place, Answer)>, wanted: impl Fn(Place) -> bool) -> Vec<Here> {
    let mut by_answer: Vec<(Answer, Vec<Place>)> = vec![(Answer::Yes, vec![])];
    for (place, answer) in answers {
        if matches!(answer, Answer::No(_)) && !wanted(place) {
            continue;
        }
        match by_answer.iter_mut().find(|(a, _)| *a == answer) {
            Some((_, places)) => places.push(place),
            None => by_answer.push((answer, vec![place])),
        }
    }
    by_answer
        .retain(|(answer, places)| !places.is_empty() && (*answer == Answer::Yes || places.iter().any(|p| wanted(*p))));
    if by_answer.is_empty() {
        return vec![here(String::new(), Answer::No("no place of this kernel offers it".to_owned()))];
    }
    by_answer.into_iter().map(|(answer, places)| here(format!("{what} {}", condensed(&places)), answer)).collect()
}

/// Names of places; of a program type whose places are all there, the type alone.
fn condensed(places: &[Place]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for place in places {
        let row = place.row();
        let whole = Place::all().filter(|p| p.row().prog_type == row.prog_type).all(|p| places.contains(&p));
        let name = if whole { row.prog_type.name() } else { row.name };
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

fn here(tried: String, answer: Answer) -> Here {
    let (works, why) = match answer {
        Answer::Yes => (Some(true), String::new()),
        Answer::No(why) => (Some(false), why),
        Answer::Unknown(why) => (None, why),
    };
    Here { tried, works, why }
}

/// Asks all questions at once.
fn ask(questions: Vec<(String, Question)>) -> Vec<Here> {
    let (tried, questions): (Vec<String>, Vec<Question>) = questions.into_iter().unzip();
    tried.into_iter().zip(trial::ask(&questions)).map(|(tried, answer)| here(tried, answer)).collect()
}

fn prog(prog_type: ProgType) -> Vec<Here> {
    let mut questions = vec![("load".to_owned(), Question::Load(prog_type))];
    let attach = attach_type::TABLE.iter().filter(|row| row.prog_types.contains(&prog_type));
    questions.extend(attach.map(|row| (format!("attach to {}", row.name), Question::Attach(prog_type, row.id))));
    same_together(ask(questions))
}

fn attach(attach_type: AttachType) -> Vec<Here> {
    let types = attach_type.row().prog_types;
    let tried = |p: &ProgType| if types.len() == 1 { String::new() } else { p.to_string() };
    ask(types.iter().map(|p| (tried(p), Question::Attach(*p, attach_type))).collect())
}

fn by_section(row: &section::Section) -> Vec<Here> {
    let question = match (row.hook, row.attach_type) {
        (_, Some(attach_type)) => Question::Attach(row.prog_type, attach_type),
        (Some(hook), None) => Question::Hook(hook),
        (None, None) => Question::Load(row.prog_type),
    };
    ask(vec![(String::new(), question)])
}

/// A link type works where some place works that it holds programs at.
fn link(link: LinkType) -> Vec<Here> {
    let places = attach_type::TABLE.iter().filter(|row| row.link == Some(link));
    let questions = places.flat_map(|row| {
        row.prog_types.iter().map(|p| (format!("{p} at {row}", row = row.name), Question::Attach(*p, row.id)))
    });
    // Tens of places of a cgroup tell no more than the first.
    let mut found = ask(questions.take(4).collect());
    match found.iter().position(|h| h.works == Some(true)) {
        Some(at) => vec![found.swap_remove(at)],
        None => found,
    }
}

/// Answers that say the same of many places become one line.
fn same_together(all: Vec<Here>) -> Vec<Here> {
    let mut out: Vec<Here> = Vec::new();
    for one in all {
        match out.iter_mut().find(|o| {
            o.works == one.works && o.why == one.why && o.tried.starts_with("attach") && one.tried.starts_with("attach")
        }) {
            Some(same) => {
                let more = one.tried.trim_start_matches("attach to ");
                same.tried = format!("{}, {more}", same.tried);
            }
            None => out.push(one),
        }
    }
    out
}

/// Whether an enum of the kernel's types has the page's constant.
fn named_in_types(name: &str, page: &Page) -> Here {
    let Some(constant) = page.also.first() else {
        return here(String::new(), Answer::Unknown("no constant".to_owned()));
    };
    let told = with_types(|scan| {
        let values = scan.enumerators(name)?;
        Some(values.iter().any(|v| v == constant))
    });
    let answer = match told {
        Ok(Some(true)) => Answer::Yes,
        Ok(_) => Answer::No("the kernel's types do not name it".to_owned()),
        Err(why) => Answer::Unknown(why),
    };
    here(String::new(), answer)
}

fn with_types<T>(f: impl FnOnce(&Scan<'_>) -> T) -> Result<T, String> {
    let bytes = std::fs::read(TYPES).map_err(|e| format!("the kernel's types: {}", skep_diag::words(&e)))?;
    let scan = Scan::new(&bytes).map_err(|e| format!("the kernel's types: {e}"))?;
    Ok(f(&scan))
}

/// A kernel function that programs may call, as this kernel declares it.
pub(super) fn kfunc(name: &str) -> Option<Page> {
    let found = with_types(|scan| {
        let id = scan.find(KindId::Func, name)?;
        scan.tagged(TAG).contains(&id).then(|| page(scan, id))?
    });
    found.ok().flatten()
}

/// All of them, in the order of their names.
pub(super) fn kfuncs() -> Vec<Page> {
    let found = with_types(|scan| {
        let mut pages: Vec<Page> = scan.tagged(TAG).into_iter().filter_map(|id| page(scan, id)).collect();
        pages.sort_by(|a, b| a.name.cmp(&b.name));
        pages.dedup_by(|a, b| a.name == b.name);
        pages
    });
    found.unwrap_or_default()
}

/// What a function's number in the kernel's types is called on its page.
const BTF_ID: &str = "BTF id";

/// The declaration tag of functions that programs may call.
const TAG: &str = "bpf_kfunc";

fn page(scan: &Scan<'_>, id: skep_btf::TypeId) -> Option<Page> {
    let prototype = scan.prototype(id)?;
    let mut asks = Vec::new();
    for (_, name) in &prototype.params {
        for rule in rules::TABLE.iter().filter(|r| r.on == rules::On::Argument && name.ends_with(r.name)) {
            asks.push(format!("{name}: {}", rule.what));
        }
    }
    let facts = [
        Some(("prototype", Value::Text(prototype.to_string()))),
        (!asks.is_empty()).then_some(("arguments", Value::List(asks))),
        Some((BTF_ID, Value::Text(id.0.to_string()))),
    ];
    let facts = facts.into_iter().flatten().map(|(label, value)| Fact { label, value }).collect();
    Some(Page {
        noun: Noun::Kfunc,
        name: prototype.name.to_owned(),
        also: vec![],
        what: "A function of this kernel that programs may call.".to_owned(),
        since: None,
        facts,
        see: vec![],
    })
}
