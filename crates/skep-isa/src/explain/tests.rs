//! Every row has a page, no page is empty, every page is found by its names.

use super::*;

#[test]
fn nouns_stand_in_their_order_and_are_found_by_their_spellings() {
    for (at, row) in NOUNS.iter().enumerate() {
        assert_eq!(row.noun as usize, at);
        for spelling in row.spellings {
            assert_eq!(Noun::from_name(spelling), Some(row.noun), "{spelling}");
        }
    }
}

#[test]
fn every_row_has_a_page_that_its_names_find_and_no_fact_is_empty() {
    let is_told = |text: &str| !text.trim().is_empty();
    for row in NOUNS {
        let pages = pages(row.noun);
        assert!(!pages.is_empty(), "{}", row.noun);
        for page in &pages {
            let name = format!("{} {}", page.noun, page.name);
            assert!(is_told(&page.name) && is_told(&page.what), "{name}");
            assert!(page.what.ends_with('.'), "{name}: `{}` is no sentence", page.what);
            assert!(!page.facts.is_empty(), "{name}: no facts");
            for fact in &page.facts {
                let told = match &fact.value {
                    Value::Text(text) => is_told(text),
                    Value::List(items) => !items.is_empty() && items.iter().all(|i| is_told(i)),
                    Value::Table { columns, rows } => !rows.is_empty() && rows.iter().all(|r| r.len() == columns.len()),
                };
                assert!(told, "{name}: {} is empty", fact.label);
            }
            for spelling in std::iter::once(&page.name).chain(&page.also) {
                let mut found = pages.iter().filter(|p| p.is_named(spelling));
                assert!(found.any(|p| p.name == page.name), "{name}: `{spelling}` does not find it");
            }
        }
    }
}

#[test]
fn every_page_named_to_read_next_exists() {
    let all: Vec<Page> = NOUNS.iter().flat_map(|row| pages(row.noun)).collect();
    for page in &all {
        for (noun, name) in &page.see {
            let exists = all.iter().any(|p| p.noun == *noun && p.is_named(name));
            assert!(exists, "{} {} names {noun} {name}", page.noun, page.name);
        }
    }
}
