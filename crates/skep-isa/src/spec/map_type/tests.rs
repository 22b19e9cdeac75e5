//! The rows hold together: numbers, smallest maps, flags and helpers.

use super::*;
use crate::spec::{helper, map_flag};

#[test]
fn the_smallest_map_of_each_type_follows_its_rules() {
    for row in TABLE.iter().filter(|row| row.id != MapType::StructOps) {
        let shape = row.id.smallest().unwrap_or_else(|| panic!("{} has no smallest map", row.name));
        assert_eq!(row.id.check(shape), Ok(()), "{}: {shape:?}", row.name);
    }
}

#[test]
fn needed_flags_are_taken_and_known() {
    let known = map_flag::TABLE.iter().fold(0, |bits, row| bits | row.value);
    for row in TABLE {
        assert_eq!(row.needs & !row.flags, 0, "{}", row.name);
        assert_eq!(row.flags & !known, 0, "{}", row.name);
    }
}

#[test]
fn helpers_are_rows_and_programs_use_what_has_helpers() {
    for row in TABLE {
        for name in row.helpers {
            assert!(helper::named(name).is_some(), "{}: {name} is no helper", row.name);
        }
        assert!(row.in_programs || row.helpers.is_empty(), "{}", row.name);
    }
}

#[test]
fn every_helper_that_takes_a_map_is_in_a_row_and_no_other() {
    let takes = |h: &helper::Helper| h.args.iter().any(|arg| arg.kind == helper::ArgKind::ConstMap);
    let listed = |h: &helper::Helper| TABLE.iter().any(|row| row.helpers.contains(&h.name));
    let wrong: Vec<_> = helper::TABLE.iter().filter(|h| takes(h) != listed(h)).map(|h| h.name).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_refusal_names_what_is_wrong() {
    let hash = Shape { key_size: 4, value_size: 8, max_entries: 1, ..Default::default() };
    let check = |map_type: MapType, change: &dyn Fn(&mut Shape)| {
        let mut shape = hash;
        change(&mut shape);
        map_type.check(shape)
    };
    assert_eq!(check(MapType::Hash, &|_| {}), Ok(()));
    assert_eq!(check(MapType::Hash, &|s| s.key_size = 0), Err(Refusal::Key));
    assert_eq!(check(MapType::PercpuHash, &|s| s.value_size = 32_769), Err(Refusal::Value));
    assert_eq!(check(MapType::Hash, &|s| s.value_size = 4 << 20), Err(Refusal::KeyAndValue));
    assert_eq!(check(MapType::Hash, &|s| s.max_entries = 0), Err(Refusal::Entries));
    assert_eq!(check(MapType::Hash, &|s| s.flags = map_flag::CLONE), Err(Refusal::Flag(map_flag::CLONE)));
    assert_eq!(check(MapType::LpmTrie, &|_| {}), Err(Refusal::Missing(map_flag::NO_PREALLOC)));
    let both = map_flag::RDONLY | map_flag::WRONLY;
    assert_eq!(check(MapType::Hash, &|s| s.flags = both), Err(Refusal::Conflict(both)));
    assert_eq!(check(MapType::Hash, &|s| s.extra = 1), Err(Refusal::Extra));
    let ring = Shape { max_entries: 6000, ..Default::default() };
    assert_eq!(MapType::Ringbuf.check(ring), Err(Refusal::Entries));
}
