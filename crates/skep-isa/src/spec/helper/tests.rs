//! What holds of all rows, whatever a kernel says.

use super::*;
use crate::spec::v;

#[test]
fn each_helper_is_found_by_number_and_by_name() {
    for (at, row) in TABLE.iter().enumerate() {
        assert_eq!(row.id as usize, at + 1, "{}", row.name);
        assert_eq!(find(row.id).map(|found| found.name), Some(row.name));
        assert_eq!(named(row.name).map(|found| found.id), Some(row.id));
    }
    assert!(find(0).is_none() && find(212).is_none() && find(u32::MAX).is_none());
    assert_eq!(named("bpf_map_lookup_elem").map(|row| row.id), Some(1));
}

#[test]
fn a_later_number_is_not_of_an_earlier_kernel() {
    assert!(TABLE.is_sorted_by_key(|row| row.since));
}

#[test]
fn every_helper_is_offered_somewhere_and_told_in_a_sentence() {
    for row in TABLE {
        assert!(Place::all().any(|place| row.offered_in(place)), "{}", row.name);
        assert!(row.what.ends_with('.') && !row.what.contains("  "), "{}: {}", row.name, row.what);
        for error in row.errors {
            assert!(!error.is_empty() && !error.ends_with('.') && !error.contains("  "), "{}: {error}", row.name);
        }
    }
}

#[test]
fn memory_is_followed_by_its_size_and_a_size_by_nothing_else() {
    use ArgKind::*;
    let lists = TABLE.iter().flat_map(|row| row.other.iter().map(move |o| (row, o.args)).chain([(row, row.args)]));
    for (row, args) in lists {
        assert!(args.len() <= 5, "{}", row.name);
        for (at, arg) in args.iter().enumerate() {
            let is_mem = |kind| matches!(kind, MemIn | MemInOrNull | MemInOut | MemInOutOrNull | MemOut);
            let next = args.get(at + 1).map(|a| a.kind);
            assert!(!is_mem(arg.kind) || matches!(next, Some(Size | SizeOrZero)), "{} {}", row.name, arg.name);
            let before = at.checked_sub(1).and_then(|at| args.get(at)).map(|a| a.kind);
            let sized = !matches!(arg.kind, Size | SizeOrZero) || before.is_some_and(is_mem);
            assert!(sized, "{} {}", row.name, arg.name);
            let unique = args.iter().filter(|other| other.name == arg.name).count() == 1;
            assert!(unique && !arg.name.is_empty(), "{} {}", row.name, arg.name);
        }
        for needs_map in [MapKey, MapValue, MapValueOut, MapValueOrNull] {
            let asks = args.iter().any(|a| a.kind == needs_map);
            assert!(!asks || args.iter().any(|a| a.kind == ConstMap), "{}", row.name);
        }
    }
}

#[test]
fn a_later_place_was_not_offered_before_and_no_place_is_named_twice() {
    for row in TABLE {
        for (at, later) in row.later.iter().enumerate() {
            assert!(later.by > row.since, "{}", row.name);
            assert!(later.by > v(6, 1), "{}: history before 6.1 is not told", row.name);
            let rest = row.later.iter().take(at).fold(row.places, |all, l| all.and(l.places));
            assert!(!later.places.but(rest).is_empty(), "{}: {:?} adds nothing", row.name, later.by);
        }
        assert!(row.by_target.but(row.places).is_empty(), "{}", row.name);
        for (at, other) in row.other.iter().enumerate() {
            assert!(row.other.iter().take(at).all(|o| o.places.within(other.places).is_empty()), "{}", row.name);
            assert_ne!(other.args, row.args, "{}", row.name);
        }
    }
}

#[test]
fn what_sleeps_is_not_offered_where_no_one_may() {
    let copy = named("copy_from_user").expect("in the table");
    assert!(copy.offered_in(Place::IterSleepable) && !copy.offered_in(Place::Iter));
    let asleep = Place::all().filter(|place| !place.row().sleepable);
    for place in asleep {
        assert!(TABLE.iter().all(|row| !(row.may_sleep && row.offered_in(place))), "{place}");
    }
}

#[test]
fn an_offer_is_dated_as_exactly_as_it_is_known() {
    let at = |name: &str, place| named(name).and_then(|row| row.offered_since(place)).map(|since| since.to_string());
    assert_eq!(at("map_lookup_elem", Place::Netfilter).as_deref(), Some("6.12 at the latest"));
    assert_eq!(at("get_current_comm", Place::SocketFilter).as_deref(), Some("6.16"));
    assert_eq!(at("get_current_comm", Place::Kprobe).as_deref(), Some("6.1 at the latest"));
    assert_eq!(at("get_current_cgroup_id", Place::Xdp).as_deref(), Some("6.12 at the latest"));
    assert_eq!(at("xdp_adjust_head", Place::SchedCls), None);
    let since = named("skb_pull_data").and_then(|row| row.offered_since(Place::LwtSeg6local));
    assert_eq!(since, Some(Since { earliest: v(6, 13), latest: v(6, 18) }));
}

#[test]
fn arguments_are_those_of_the_place() {
    let kinds = |name: &str, place| -> Vec<ArgKind> {
        named(name).map(|row| row.args_at(place).iter().map(|a| a.kind).collect()).unwrap_or_default()
    };
    assert_eq!(kinds("get_socket_cookie", Place::SchedCls), [ArgKind::Context]);
    assert_eq!(kinds("get_socket_cookie", Place::Iter), [ArgKind::SockOrNull]);
}

#[test]
fn what_takes_a_map_says_of_which_types() {
    for row in TABLE {
        let takes = row.args.iter().any(|a| a.kind == ArgKind::ConstMap);
        assert_eq!(takes, !row.maps.is_empty(), "{}", row.name);
        let mut maps = row.maps.to_vec();
        maps.sort();
        maps.dedup();
        assert_eq!(maps.len(), row.maps.len(), "{}", row.name);
    }
}
