//! Pages: every row of every table as a reader wants it, for `skep explain` and the generated reference.
//!
//! Enter at [`pages`] for all rows of a noun and at [`find`] for a name. A page states nothing of its own: each fact
//! comes from a row. What holds on one machine (live answers, names from its BTF) is added above this crate.

mod attach;
mod classic;
mod ctx;
mod helper;
mod insn;
mod map;
mod noun;
mod plain;
mod prog;
mod section;

pub use noun::{NOUNS, Noun};

use crate::spec::{self, Version};

/// One row of a table, told in full.
#[derive(Clone, Debug)]
pub struct Page {
    /// What kind of thing it is.
    pub noun: Noun,
    /// Its name, as it is printed and found.
    pub name: String,
    /// Other spellings that find it: the kernel's constant, the number.
    pub also: Vec<String>,
    /// What it is, in one sentence.
    pub what: String,
    /// First kernel that has it, where that means something.
    pub since: Option<Version>,
    /// All else, in the order to read it.
    pub facts: Vec<Fact>,
    /// Pages to read next: noun and name.
    pub see: Vec<(Noun, String)>,
}

/// One labelled fact of a page.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What it is about, in lower case.
    pub label: &'static str,
    /// The fact.
    pub value: Value,
}

/// A fact's value; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A word, a number or a sentence.
    Text(String),
    /// Several of them.
    List(Vec<String>),
    /// Rows under columns.
    Table {
        /// Heads of the columns.
        columns: &'static [&'static str],
        /// Rows with a cell for each column.
        rows: Vec<Vec<String>>,
    },
}

impl Page {
    /// A page without facts yet.
    pub(crate) fn new(noun: Noun, name: &str, what: &str) -> Page {
        let (name, what) = (name.to_owned(), what.to_owned());
        Page { noun, name, also: vec![], what, since: None, facts: vec![], see: vec![] }
    }

    /// The same page, found by another spelling too.
    pub(crate) fn also(mut self, spelling: impl ToString) -> Page {
        self.also.push(spelling.to_string());
        self
    }

    /// The same page with the first kernel that has it.
    pub(crate) fn since(mut self, version: Version) -> Page {
        self.since = Some(version);
        self
    }

    /// The same page with a further fact.
    pub(crate) fn text(mut self, label: &'static str, value: impl ToString) -> Page {
        self.facts.push(Fact { label, value: Value::Text(value.to_string()) });
        self
    }

    /// The same page with a list, unless it is empty.
    pub(crate) fn list<T: ToString>(mut self, label: &'static str, values: impl IntoIterator<Item = T>) -> Page {
        let values: Vec<String> = values.into_iter().map(|v| v.to_string()).collect();
        if !values.is_empty() {
            self.facts.push(Fact { label, value: Value::List(values) });
        }
        self
    }

    /// The same page with a table, unless it has no rows.
    pub(crate) fn table(
        mut self,
        label: &'static str,
        columns: &'static [&'static str],
        rows: Vec<Vec<String>>,
    ) -> Page {
        if !rows.is_empty() {
            self.facts.push(Fact { label, value: Value::Table { columns, rows } });
        }
        self
    }

    /// The same page with pages to read next.
    pub(crate) fn see<T: ToString>(mut self, noun: Noun, names: impl IntoIterator<Item = T>) -> Page {
        self.see.extend(names.into_iter().map(|name| (noun, name.to_string())));
        self
    }

    /// True when `name` is one of its spellings, upper and lower case alike.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) || self.also.iter().any(|a| a.eq_ignore_ascii_case(name))
    }
}

/// All pages of a noun, in the order of its table; none for nouns whose names are known only to a running kernel.
pub fn pages(noun: Noun) -> Vec<Page> {
    (noun.row().pages)()
}

/// The pages of this name: of one noun, or of all.
///
/// ```
/// use skep_isa::explain::{Noun, find};
/// let found = find(None, "BPF_PROG_TYPE_XDP");
/// assert_eq!((found[0].noun, found[0].name.as_str()), (Noun::Prog, "xdp"));
/// assert!(find(Some(Noun::Prog), "xpd").is_empty());
/// ```
pub fn find(noun: Option<Noun>, name: &str) -> Vec<Page> {
    let all = nouns(noun).flat_map(|row| (row.pages)());
    all.filter(|page| page.is_named(name)).collect()
}

/// The names most like one that was not found, with their nouns.
pub fn near(noun: Option<Noun>, name: &str) -> Vec<(Noun, String)> {
    let mut found = Vec::new();
    for row in nouns(noun) {
        let pages = (row.pages)();
        let names = pages.iter().flat_map(|p| std::iter::once(&p.name).chain(&p.also)).map(String::as_str);
        let Some(near) = spec::nearest(name, names) else { continue };
        if let Some(page) = pages.iter().find(|p| p.is_named(near)) {
            found.push((row.noun, page.name.clone()));
        }
    }
    found
}

fn nouns(noun: Option<Noun>) -> impl Iterator<Item = &'static noun::Row> {
    NOUNS.iter().filter(move |row| noun.is_none_or(|n| n == row.noun))
}

#[cfg(test)]
mod tests;
