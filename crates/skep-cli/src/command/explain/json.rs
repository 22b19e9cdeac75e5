//! Pages for programs: one document, `pages` with the facts in their order.

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use skep_isa::explain::{NOUNS, Page, Value, pages};

use super::here::Here;

/// What there is to explain.
pub(super) struct Nouns;

impl Serialize for Nouns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row {
            noun: &'static str,
            rows: usize,
            what: &'static str,
        }
        let rows = NOUNS.iter().map(|r| Row { noun: r.noun.name(), rows: pages(r.noun).len(), what: r.what });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema", &1)?;
        map.serialize_entry("nouns", &rows.collect::<Vec<_>>())?;
        map.end()
    }
}

/// The names of a noun.
pub(super) struct Names<'a>(pub(super) &'a [Page]);

impl Serialize for Names<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            noun: &'static str,
            name: &'a str,
            since: Option<String>,
            what: &'a str,
        }
        let row = |p: &'_ Page| (p.noun.name(), p.since.map(|v| v.to_string()));
        let rows = self.0.iter().map(|p| {
            let (noun, since) = row(p);
            Row { noun, name: &p.name, since, what: &p.what }
        });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema", &1)?;
        map.serialize_entry("names", &rows.collect::<Vec<_>>())?;
        map.end()
    }
}

/// Pages with what holds of them here.
pub(super) struct Pages<'a>(pub(super) &'a [(Page, Vec<Here>)]);

impl Serialize for Pages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pages: Vec<One<'_>> = self.0.iter().map(|(page, here)| One(page, here)).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema", &1)?;
        map.serialize_entry("pages", &pages)?;
        map.end()
    }
}

struct One<'a>(&'a Page, &'a [Here]);

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct See<'a> {
            noun: &'static str,
            name: &'a str,
        }
        let One(page, here) = self;
        let see: Vec<See<'_>> = page.see.iter().map(|(noun, name)| See { noun: noun.name(), name }).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("noun", page.noun.name())?;
        map.serialize_entry("name", &page.name)?;
        map.serialize_entry("also", &page.also)?;
        map.serialize_entry("what", &page.what)?;
        map.serialize_entry("since", &page.since.map(|v| v.to_string()))?;
        map.serialize_entry("facts", &Facts(page))?;
        map.serialize_entry("here", here)?;
        map.serialize_entry("see", &see)?;
        map.end()
    }
}

/// An object of labels and values; tables are arrays of objects.
struct Facts<'a>(&'a Page);

impl Serialize for Facts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for fact in &self.0.facts {
            let label = fact.label.replace(' ', "_");
            match &fact.value {
                Value::Text(text) => map.serialize_entry(&label, &Cell(text))?,
                Value::List(items) => {
                    map.serialize_entry(&label, &items.iter().map(|i| Cell(i)).collect::<Vec<_>>())?
                }
                Value::Table { columns, rows } => map.serialize_entry(&label, &Rows(columns, rows))?,
            }
        }
        map.end()
    }
}

struct Rows<'a>(&'a [&'a str], &'a [Vec<String>]);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.1.len()))?;
        for row in self.1 {
            seq.serialize_element(&Row(self.0, row))?;
        }
        seq.end()
    }
}

struct Row<'a>(&'a [&'a str], &'a [String]);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.1.len()))?;
        for (column, cell) in self.0.iter().zip(self.1) {
            map.serialize_entry(&column.replace(' ', "_"), &Cell(cell))?;
        }
        map.end()
    }
}

/// A fact: whole numbers are numbers, all else is text.
struct Cell<'a>(&'a str);

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.parse::<i64>() {
            Ok(number) if number.to_string() == self.0 => serializer.serialize_i64(number),
            _ => serializer.serialize_str(self.0),
        }
    }
}
