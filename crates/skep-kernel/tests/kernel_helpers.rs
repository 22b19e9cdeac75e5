//! The table of helpers against the running kernel: who is offered what, under which licence. Needs root.
//!
//! Every program here is refused by the verifier, so none is compiled. The tests run on older kernels too, but for those
//! whose names begin with `on_this_host`.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use skep_btf::{Btf, Kind};
use skep_isa::spec::helper::exception::{ERROR_INJECTION_UNTIL, MAY_LACK, NO_FUNCTION, OPTION_OFF, REFUSED_BY_POLICY};
use skep_isa::spec::helper::{self, Helper};
use skep_isa::spec::{Place, PlaceSet, Version};
use skep_kernel::feature::{self, Answer, Prober};

/// The places to be asked: those this kernel has but the ones that are kept from us.
fn askable(prober: &Prober) -> Vec<Place> {
    let mut kept = if has_policy(prober) { REFUSED_BY_POLICY } else { PlaceSet::NONE };
    if kernel() <= ERROR_INJECTION_UNTIL {
        kept = kept.and(NO_FUNCTION);
    }
    let present = Place::all().filter(|place| place.row().first() <= kernel());
    present.filter(|place| !kept.has(*place) && !OPTION_OFF.has(*place)).collect()
}

/// True where a policy refuses [`REFUSED_BY_POLICY`].
fn has_policy(prober: &Prober) -> bool {
    let refused = prober.helper(Place::Fentry, LOOKUP) == Answer::Unknown(POLICY.to_owned());
    assert!(!refused || std::env::var_os("SKEP_GUEST").is_none(), "a guest has no such policy");
    refused
}

const POLICY: &str = "a policy of this host refuses programs here";

/// `map_lookup_elem`, which is offered wherever helpers are.
const LOOKUP: u32 = 1;

/// True when this kernel lacks a helper of [`MAY_LACK`]: asked at one place, a test asks at all others.
fn is_lacking(prober: &Prober, row: &Helper) -> bool {
    MAY_LACK.contains(&row.name) && matches!(prober.helper(Place::Kprobe, row.id), Answer::No(_))
}

fn kernel() -> Version {
    feature::kernel_version().expect("a version")
}

fn is_offered_by_table(row: &Helper, place: Place) -> bool {
    row.offered_since(place).is_some_and(|since| since.latest <= kernel())
}

/// Names under what they are called for, one line each.
fn listed(differences: &BTreeMap<String, Vec<String>>) -> String {
    differences.iter().map(|(what, names)| format!("\n  {what}: {}", names.join(", "))).collect()
}

fn types() -> Btf {
    Btf::parse(&std::fs::read("/sys/kernel/btf/vmlinux").expect("types of the kernel")).expect("BTF")
}

#[test]
fn every_helper_is_offered_where_the_table_says_and_nowhere_else() {
    let prober = Prober::new();
    let mut differences: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut pairs, mut offered) = (0, 0);
    for place in askable(&prober) {
        if let Answer::Unknown(why) = prober.helper(place, LOOKUP) {
            differences.entry(format!("cannot be asked ({why})")).or_default().push(place.name().to_owned());
            continue;
        }
        for row in helper::TABLE.iter().filter(|row| !is_lacking(&prober, row)) {
            let answer = prober.helper(place, row.id);
            let table = is_offered_by_table(row, place);
            if table && row.by_target.has(place) && answer == Answer::No(feature::NOT_HERE.to_owned()) {
                continue;
            }
            pairs += 1;
            offered += u32::from(table);
            if (answer == Answer::Yes) != table || matches!(answer, Answer::Unknown(_)) {
                let says = format!("{} (table: {table}, kernel: {answer:?})", row.name);
                differences.entry(says).or_default().push(place.name().to_owned());
            }
        }
    }
    println!("{pairs} pairs asked, {offered} of them offered");
    assert!(differences.is_empty(), "table and kernel differ:{}", listed(&differences));
}

#[test]
fn a_helper_that_a_kernel_may_lack_is_lacking_at_all_its_places_or_at_none() {
    let prober = Prober::new();
    for name in MAY_LACK {
        let row = helper::named(name).expect("in the table");
        assert!(row.needs.is_some(), "{name}");
        let is_lacking = is_lacking(&prober, row);
        let mut places = askable(&prober);
        places.retain(|place| is_offered_by_table(row, *place));
        assert!(!places.is_empty(), "{name}");
        for place in places {
            assert_eq!(prober.helper(place, row.id) != Answer::Yes, is_lacking, "{name} at {place}");
        }
    }
}

#[test]
fn each_place_said_to_be_out_of_reach_is_out_of_reach() {
    let prober = Prober::new();
    for place in REFUSED_BY_POLICY.iter().filter(|_| has_policy(&prober)) {
        assert_eq!(prober.helper(place, LOOKUP), Answer::Unknown(POLICY.to_owned()), "{place}");
    }
    for place in OPTION_OFF.iter() {
        assert!(place.row().needs.is_some(), "{place}");
        assert!(matches!(prober.helper(place, LOOKUP), Answer::Unknown(_)), "{place}");
    }
    for place in NO_FUNCTION.iter().filter(|_| kernel() <= ERROR_INJECTION_UNTIL) {
        let answer = prober.helper(place, LOOKUP);
        assert!(matches!(&answer, Answer::Unknown(why) if why.contains("not sleepable")), "{place}: {answer:?}");
    }
}

#[test]
fn the_gpl_is_asked_for_where_the_table_says() {
    let prober = Prober::new();
    let mut differences: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut asked, mut restricted) = (0, 0);
    for place in askable(&prober) {
        for row in helper::TABLE {
            let Some(kernel) = prober.helper_is_gpl_only(place, row.id) else { continue };
            asked += 1;
            restricted += u32::from(kernel);
            if kernel != row.gpl_only(place) {
                let says = format!("{} (table: {}, kernel: {kernel})", row.name, row.gpl_only(place));
                differences.entry(says).or_default().push(place.name().to_owned());
            }
        }
    }
    println!("{asked} pairs asked, {restricted} of them restricted");
    assert!(asked > 4000 && restricted > 1000, "{asked} {restricted}");
    assert!(differences.is_empty(), "table and kernel differ:{}", listed(&differences));
}

#[test]
fn numbers_and_names_are_those_of_the_kernels_enumeration() {
    let types = types();
    let id = types.find("bpf_func_id", |kind| matches!(kind, Kind::Enum { .. })).expect("the enumeration");
    let Some(Kind::Enum { values, .. }) = types.get(id).map(|t| &t.kind) else { panic!("no enumeration") };
    let mut seen = 0;
    for value in values {
        let name = types.string(value.name_off).expect("a name");
        let Some(name) = name.strip_prefix("BPF_FUNC_").filter(|name| *name != "unspec") else { continue };
        let id = u32::try_from(value.value).expect("a number");
        assert_eq!(helper::find(id).map(|row| row.name), Some(name), "{id}");
        seen += 1;
    }
    // Kernels before 6.2 lack the last ones.
    let known = helper::TABLE.iter().filter(|row| row.since <= kernel()).count();
    assert_eq!(seen, known);
}

#[test]
fn on_this_host_libbpf_declares_as_many_arguments_as_the_table() {
    let text = std::fs::read_to_string("/usr/include/bpf/bpf_helper_defs.h").expect("libbpf-dev");
    let mut declared = 0;
    for line in text.lines().filter(|line| line.contains(" = (void *) ")) {
        let (name, rest) = line.split_once("(*bpf_").and_then(|(_, rest)| rest.split_once(")(")).expect(line);
        let (args, number) = rest.split_once(") = (void *) ").expect(line);
        let id: u32 = number.trim_end_matches(';').parse().expect(line);
        let row = helper::find(id).expect(line);
        assert_eq!(row.name, name);
        let mut args: Vec<&str> = args.split(',').map(str::trim).filter(|arg| *arg != "void").collect();
        // A format's values: as many as registers are left.
        if args.last() == Some(&"...") {
            args.resize(5, "...");
        }
        assert_eq!(row.args.len(), args.len(), "{name}: {args:?}");
        declared += 1;
    }
    assert!(declared >= 208, "{declared}");
}

#[test]
fn on_this_host_all_places_of_one_helper_are_asked_before_anybody_waits() {
    // The shortest of many: others use the machine too.
    let time = |f: &dyn Fn()| {
        let once = |_| {
            let start = Instant::now();
            f();
            start.elapsed()
        };
        (0..20).map(once).min().expect("twenty times")
    };
    let prober = Prober::new();
    let ask = |prober: &Prober| Place::all().for_each(|place| drop(prober.helper(place, 49)));
    let (kept, anew) = (time(&|| ask(&prober)), time(&|| ask(&Prober::new())));
    println!("{kept:?} with a prober that is kept, {anew:?} with the kernel's types read first");
    // 2 ms on an idle machine; far more only if each answer began to cost a compilation.
    assert!(kept < Duration::from_millis(50), "{kept:?}");
}

#[test]
fn a_place_can_be_asked_without_keeping_anything() {
    let id = helper::named("xdp_adjust_head").expect("in the table").id;
    assert_eq!(feature::helper_in(Place::Xdp, id), Answer::Yes);
    assert!(matches!(feature::helper_in(Place::SchedCls, id), Answer::No(_)));
    assert_eq!(feature::helper_in(Place::TracingRawTp, 1), Answer::Yes);
    let everywhere = feature::helper(id);
    assert_eq!(everywhere.iter().filter(|(_, answer)| *answer == Answer::Yes).count(), 3);
    assert!(matches!(feature::helper_in(Place::Xdp, 212), Answer::No(_)));
}
