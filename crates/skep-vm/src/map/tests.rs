//! Each kind of map against the kernel's rules.

use skep_object::{MapRole, MapSpec};

use super::*;
use crate::error::Error;
use crate::mem::Change;

fn spec(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> MapSpec {
    MapSpec {
        flags: if map_type == MapType::LpmTrie { map_flag::NO_PREALLOC } else { 0 },
        ..MapSpec::new("m", map_type, key_size, value_size, max_entries)
    }
}

fn map(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> Map {
    Map::new(&spec(map_type, key_size, value_size, max_entries), 3, 1 << 33, 1).expect("a good map").0
}

fn key(n: u32) -> [u8; 4] {
    n.to_le_bytes()
}

#[test]
fn an_array_has_all_its_entries_from_the_start() {
    let m = map(MapType::Array, 4, 3, 2);
    assert_eq!(m.lookup(&key(1)), Some(vec![0, 0, 0]));
    assert_eq!(m.lookup(&key(2)), None);
    assert_eq!(m.update(&key(1), &[1, 2, 3], 0), Ok(()));
    assert_eq!(m.update(&key(1), &[1, 2, 3], NOEXIST), Err(MapError::Exists));
    assert_eq!(m.update(&key(2), &[1, 2, 3], 0), Err(MapError::Full));
    assert_eq!(m.update(&key(0), &[1, 2], 0), Err(MapError::Invalid));
    assert_eq!(m.update(&key(0), &[1, 2, 3], 3), Err(MapError::Invalid));
    assert_eq!(m.delete(&key(1)), Err(MapError::Invalid));
    assert_eq!(m.entries(), [(key(0).to_vec(), vec![0, 0, 0]), (key(1).to_vec(), vec![1, 2, 3])]);
}

#[test]
fn a_per_cpu_value_has_a_padded_part_for_each_cpu() {
    for map_type in [MapType::PercpuArray, MapType::PercpuHash, MapType::LruPercpuHash] {
        let m = map(map_type, 4, 5, 2);
        let value: Vec<u8> = (0..24).collect();
        assert_eq!(m.update(&key(1), &value, 0), Ok(()));
        assert_eq!(m.lookup(&key(1)), Some(value.clone()), "what pads a value is kept, as in the kernel");
        assert_eq!(m.update(&key(1), &value[..8], 0), Err(MapError::Invalid));
    }
}

#[test]
fn a_program_sets_cpu_0_and_clears_the_others_of_a_new_key() {
    let m = map(MapType::PercpuHash, 4, 8, 1);
    m.update(&key(1), &[9; 24], 0).expect("room for one");
    m.delete(&key(1)).expect("it is there");
    m.program_update(&key(2), &[7; 8], 0, 0).expect("room for one");
    assert_eq!(m.lookup(&key(2)), Some([[7; 8], [0; 8], [0; 8]].concat()));
}

#[test]
fn a_hash_keeps_all_keys_through_inserts_and_deletes() {
    let m = map(MapType::Hash, 4, 4, 500);
    for round in 0..20 {
        for n in 0..500 {
            assert_eq!(m.update(&key(n * 7 + round), &key(n), NOEXIST), Ok(()), "round {round}");
        }
        assert_eq!(m.update(&key(1 << 30), &key(0), 0), Err(MapError::Full));
        assert_eq!(m.entries().len(), 500);
        for n in 0..500 {
            assert_eq!(m.lookup(&key(n * 7 + round)), Some(key(n).to_vec()));
            assert_eq!(m.delete(&key(n * 7 + round)), Ok(()));
            assert_eq!(m.delete(&key(n * 7 + round)), Err(MapError::Absent));
        }
    }
    assert_eq!(m.update(&key(1), &key(0), EXIST), Err(MapError::Absent));
}

#[test]
fn an_lru_map_evicts_what_was_used_longest_ago() {
    let m = map(MapType::LruHash, 4, 4, 3);
    for n in 1..=3 {
        m.update(&key(n), &key(n), 0).expect("never full");
    }
    assert!(m.program_find(&key(1), 0).is_some());
    m.update(&key(4), &key(4), 0).expect("never full");
    assert_eq!(m.lookup(&key(2)), None, "2 was used longest ago");
    assert!(m.lookup(&key(3)).is_some(), "the user's lookup is no use");
    m.update(&key(5), &key(5), 0).expect("never full");
    assert_eq!(m.lookup(&key(3)), None);
    m.delete(&key(1)).expect("it is there");
    for n in 10..40 {
        m.update(&key(n), &key(n), 0).expect("never full");
        assert!(m.entries().len() <= 3);
    }
}

#[test]
fn a_prefix_tree_finds_the_longest_match_and_keeps_keys_as_given() {
    let m = map(MapType::LpmTrie, 8, 1, 4);
    let prefix = |len: u32, ip: [u8; 4]| [len.to_le_bytes(), ip].concat();
    m.update(&prefix(0, [0; 4]), &[1], 0).expect("room");
    m.update(&prefix(8, [10, 9, 9, 9]), &[2], 0).expect("room");
    m.update(&prefix(25, [10, 1, 1, 128]), &[3], 0).expect("room");
    assert_eq!(m.lookup(&prefix(32, [10, 1, 1, 129])), Some(vec![3]));
    assert_eq!(m.lookup(&prefix(32, [10, 1, 1, 1])), Some(vec![2]));
    assert_eq!(m.lookup(&prefix(32, [11, 1, 1, 1])), Some(vec![1]));
    assert_eq!(m.lookup(&prefix(24, [10, 1, 1, 129])), Some(vec![2]), "no longer than the key's own prefix");
    assert_eq!(m.lookup(&prefix(33, [10, 1, 1, 1])), None);
    assert_eq!(m.update(&prefix(33, [0; 4]), &[1], 0), Err(MapError::Invalid));
    assert!(m.entries().iter().any(|(key, _)| *key == prefix(8, [10, 9, 9, 9])));
    m.update(&prefix(1, [0; 4]), &[1], 0).expect("room");
    assert_eq!(m.update(&prefix(2, [0; 4]), &[1], 0), Err(MapError::NoSpace));
    m.delete(&prefix(8, [10, 0, 0, 0])).expect("the same prefix");
    assert_eq!(m.lookup(&prefix(32, [10, 1, 1, 1])), Some(vec![1]));
}

#[test]
fn a_value_pointer_reaches_its_own_value_only() {
    let m = map(MapType::Array, 4, 12, 4);
    assert!(m.load::<8>(0).is_some() && m.load::<4>(8).is_some());
    assert!(m.load::<8>(8).is_none() && m.load::<1>(12).is_none() && m.load::<2>(15).is_none());
    assert!(m.load::<8>(16).is_some(), "the next value");
    assert!(m.load::<1>(64).is_none() && m.load::<8>(usize::MAX / 2).is_none());
    assert!(m.store::<1>(28, 0).is_none() && m.change::<4>(12, Change::Add, 1).is_none());
    assert!(m.copy_out(8, &mut [0; 8]).is_none() && m.copy_in(8, &[0; 8]).is_none() && m.copy_in(4, &[0; 8]).is_some());
    assert!(!m.has_bytes(8, 8) && !m.has_room(64, 1) && m.has_room(48, 12));
}

#[test]
fn a_ring_loses_what_does_not_fit_and_goes_round() {
    let ring = Ring::new(4096);
    assert!(ring.reserve(4088).is_none(), "a full ring would look empty");
    let mut seen = 0_u64;
    for round in 0..1000_u64 {
        let at = ring.reserve(100).expect("room after a drain");
        ring.bytes().copy_in(at, &[round as u8; 100]).expect("inside");
        ring.finish(at, 100, round % 3 == 0);
        ring.drain(|data| {
            assert_eq!(data, [round as u8; 100]);
            seen += 1;
        });
    }
    assert_eq!(seen, 1000 - 334);
    ring.reserve(8).expect("room");
    let second = ring.reserve(8).expect("room");
    ring.finish(second, 8, false);
    ring.drain(|_| panic!("the first is not finished"));
}

#[test]
fn a_ring_buffer_is_rounded_up_to_a_power_of_two_as_loaders_do() {
    let (map, _) = Map::new(&spec(MapType::Ringbuf, 0, 0, 5000), 1, 1 << 33, 1).expect("made");
    let ring = map.ring().expect("a ring");
    // 8,192 bytes hold seven records of 1,024 with their headers.
    let held = (0..20).filter(|_| ring.reserve(1024).is_some()).count();
    assert_eq!(held, 7);
}

#[test]
fn wrong_shapes_and_sizes_are_errors() {
    let refused = |map_type, key, value, entries| {
        Map::new(&spec(map_type, key, value, entries), 1, 1 << 33, 1).map(|_| ()).expect_err("refused")
    };
    assert!(matches!(refused(MapType::Array, 8, 8, 1), Error::BadMap { .. }));
    assert!(matches!(refused(MapType::Hash, 0, 8, 1), Error::BadMap { .. }));
    assert!(matches!(refused(MapType::Hash, 4, 0, 1), Error::BadMap { .. }));
    assert!(matches!(refused(MapType::Hash, 4, 4, 0), Error::BadMap { .. }));
    assert!(matches!(refused(MapType::Ringbuf, 4, 0, 4096), Error::BadMap { .. }));
    assert!(matches!(refused(MapType::StackTrace, 4, 4, 1), Error::BadMap { .. }));
    assert!(matches!(refused(MapType::LpmTrie, 4, 4, 1), Error::BadMap { .. }));
    assert!(matches!(refused(MapType::InsnArray, 4, 16, 1), Error::MapType { .. }));
    assert!(matches!(refused(MapType::Array, 4, 1 << 20, 1 << 20), Error::MapTooLarge { .. }));
    assert!(matches!(refused(MapType::Hash, 4, u32::MAX, u32::MAX), Error::MapTooLarge { .. }));
    assert!(matches!(refused(MapType::Array, 4, 8, u32::MAX), Error::MapTooLarge { .. }));
    // Zeros take no memory, but what shows them does.
    assert!(matches!(refused(MapType::Array, 4, 8, 1 << 28), Error::MapTooLarge { .. }));
}

#[test]
fn read_only_data_is_frozen() {
    let mut spec = spec(MapType::Array, 4, 4, 1);
    spec.role = MapRole::Data { initial: vec![1, 2, 3], read_only: true };
    let m = Map::new(&spec, 1, 1 << 20, 1).expect("a good map").0;
    assert_eq!(m.lookup(&key(0)), Some(vec![1, 2, 3, 0]));
    assert_eq!(m.update(&key(0), &[0; 4], 0), Err(MapError::ReadOnly));
    assert!(m.store::<1>(0, 0).is_none() && m.load::<4>(0).is_some());
    spec.role = MapRole::Data { initial: vec![0; 5], read_only: true };
    assert!(matches!(Map::new(&spec, 1, 1 << 20, 1), Err(Error::BadMap { .. })));
}

#[test]
fn a_walk_by_keys_meets_each_once_and_begins_again_after_a_key_that_is_not_there() {
    for (map_type, key_size) in [(MapType::Array, 4), (MapType::Hash, 4), (MapType::LruHash, 4), (MapType::LpmTrie, 8)]
    {
        // A map that evicts does so before it is quite full.
        let m = map(map_type, key_size, 4, if map_type == MapType::LruHash { 100 } else { 50 });
        let key = |n: u32| [[32, 0, 0, 0], n.to_be_bytes()].concat()[8 - key_size as usize..].to_vec();
        let key = |n: u32| if key_size == 4 { n.to_le_bytes().to_vec() } else { key(n) };
        (0..50).for_each(|n| m.update(&key(n), &[1; 4], 0).expect("room"));
        let mut seen = vec![m.next_key(None).expect("the first")];
        while let Ok(next) = m.next_key(seen.last().map(Vec::as_slice)) {
            seen.push(next);
        }
        assert_eq!(m.next_key(Some(&key(999))), Ok(seen[0].clone()), "{map_type:?}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 50, "{map_type:?}");
        assert_eq!(m.next_key(Some(&[0])), Err(MapError::Invalid));
    }
}

#[test]
fn prefixes_are_walked_from_the_left_and_the_inner_before_the_outer() {
    let m = map(MapType::LpmTrie, 8, 1, 8);
    let prefix = |len: u32, ip: [u8; 4]| [len.to_le_bytes(), ip].concat();
    let order =
        [prefix(16, [10, 1, 0, 0]), prefix(24, [10, 2, 3, 0]), prefix(8, [10, 0, 0, 0]), prefix(8, [192, 0, 0, 0])];
    order.iter().rev().for_each(|key| m.update(key, &[1], 0).expect("room"));
    let mut at = None;
    for key in &order {
        at = Some(m.next_key(at.as_deref()).expect("four"));
        assert_eq!(at.as_ref(), Some(key));
    }
    assert_eq!(m.next_key(at.as_deref()), Err(MapError::Absent));
}

#[test]
fn who_holds_a_value_keeps_it_when_its_key_is_updated() {
    let m = map(MapType::Hash, 4, 8, 2);
    m.update(&key(1), &[1; 8], 0).expect("room");
    let held = m.program_find(&key(1), 0).expect("it is there");
    m.update(&key(1), &[2; 8], 0).expect("as many keys as before");
    assert_eq!(m.load::<8>(held), Some(u64::from_le_bytes([1; 8])), "as in the kernel, another slot took its place");
    assert_eq!(m.lookup(&key(1)), Some(vec![2; 8]));
    m.update(&key(2), &[3; 8], 0).expect("room for two");
    assert_eq!(m.update(&key(3), &[3; 8], 0), Err(MapError::Full));
    (0..100).for_each(|n| m.update(&key(1 + n % 2), &[n as u8; 8], EXIST).expect("never full of what is there"));
    assert_eq!(m.entries().len(), 2);
}

#[test]
fn values_of_owners_need_no_number_of_entries_and_are_not_walked() {
    use MapType::{CgrpStorage, InodeStorage, SkStorage, TaskStorage};
    for map_type in [SkStorage, InodeStorage, TaskStorage, CgrpStorage] {
        let m = map(map_type, 4, 8, 0);
        assert_eq!(m.update(&key(7), &[1; 8], EXIST), Err(MapError::Absent));
        assert_eq!(m.update(&key(7), &[1; 8], NOEXIST), Ok(()));
        assert_eq!(m.update(&key(7), &[2; 8], NOEXIST), Err(MapError::Exists));
        assert_eq!(m.lookup(&key(7)), Some(vec![1; 8]));
        assert_eq!(m.next_key(None), Err(MapError::NotSupported));
        assert_eq!(m.take(&key(7)), Err(MapError::NotSupported));
        assert_eq!((m.delete(&key(7)), m.delete(&key(7))), (Ok(()), Err(MapError::Absent)));
    }
    let m = map(MapType::CgroupStorage, 8, 8, 0);
    assert_eq!(m.update(&[7; 8], &[1; 8], 0), Ok(()));
    assert_eq!(m.delete(&[7; 8]), Err(MapError::Invalid));
}
