//! Kinds of arguments in the table of helpers against what the host's verifier asks for. Needs root.
//!
//! Each argument is given something that its kind must not take, with the arguments before it right; the verifier's
//! words tell what it would have taken. Every program is refused, so none is compiled.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod argument;
mod host;

use std::collections::BTreeMap;

use argument::{Asker, Outcome};
use skep_isa::spec::helper::{self, Arg, ArgKind, Helper};
use skep_isa::spec::place::common;
use skep_isa::spec::{MapType, Place, PlaceSet, Version, map_type};
use skep_kernel::feature::{Answer, Prober, kernel_version};

/// Places that the host's policy or its options keep from us.
const OUT_OF_REACH: PlaceSet =
    common::TRAMPOLINE.and(common::LSM).and(PlaceSet::of(&[Place::LircMode2, Place::SchedExt, Place::HidBpf]));

/// Where arguments before the asked one are easiest to make: sockets, then tasks, then the rest.
const PREFERRED: [Place; 4] = [Place::SchedCls, Place::CgroupSkbIngress, Place::Kprobe, Place::IterSleepable];

/// True when this kernel offers a helper at a place.
fn is_offered(row: &Helper, place: Place) -> bool {
    row.offered_since(place).is_some_and(|since| Some(since.latest) <= kernel_version())
}

/// A place of `set` that offers the helper here.
fn place_of(prober: &Prober, row: &Helper, set: PlaceSet) -> Option<Place> {
    let is_kept = |place| OUT_OF_REACH.has(place) && matches!(prober.helper(place, 1), Answer::Unknown(_));
    let can = |place: &Place| is_offered(row, *place) && set.has(*place) && !is_kept(*place);
    PREFERRED.into_iter().find(|place| can(place)).or_else(|| Place::all().find(can))
}

/// Every list of arguments with a place where it holds, `None` where no place of it can be asked.
fn lists() -> Vec<(&'static Helper, Option<Place>, &'static [Arg])> {
    let prober = Prober::new();
    let mut lists = Vec::new();
    for row in helper::TABLE {
        let others = row.other.iter().fold(PlaceSet::NONE, |all, other| all.and(other.places));
        lists.push((row, place_of(&prober, row, PlaceSet::ALL.but(others)), row.args));
        lists.extend(row.other.iter().map(|other| (row, place_of(&prober, row, other.places), other.args)));
    }
    lists
}

/// What came of many questions.
#[derive(Default)]
struct Tally {
    proved: u32,
    wrong: Vec<String>,
    unasked: BTreeMap<String, Vec<String>>,
}

impl Tally {
    fn add(&mut self, name: String, outcome: Outcome) {
        match outcome {
            Outcome::AsTold => self.proved += 1,
            Outcome::Unasked(why) => self.unasked.entry(why).or_default().push(name),
            Outcome::Otherwise(said) => self.wrong.push(format!("\n  {name}: {said}")),
        }
    }

    /// What was not asked, and why; fails when anything differs or too little was proved.
    fn settle(self, at_least: u32) -> String {
        let listed =
            |(why, names): (&String, &Vec<String>)| format!("\n{} not asked, {why}: {}", names.len(), names.join(", "));
        let unasked: String = self.unasked.iter().map(listed).collect();
        assert!(self.wrong.is_empty(), "{} differ:{}", self.wrong.len(), self.wrong.concat());
        // Older kernels have fewer maps and structures.
        let at_least = if kernel_version() < Some(Version(6, 18)) { at_least * 3 / 4 } else { at_least };
        assert!(self.proved >= at_least, "{} proved{unasked}", self.proved);
        format!("{} proved{unasked}", self.proved)
    }
}

const NO_PLACE: &str = "no place of it can be asked on this host";

#[test]
fn the_verifier_asks_for_the_kinds_of_the_table() {
    let (asker, mut tally) = (Asker::new(), Tally::default());
    for (row, place, args) in lists() {
        for (at, arg) in args.iter().enumerate() {
            let name = format!("{}:{}", row.name, arg.name);
            let outcome = place.map(|place| asker.ask(row, place, args, at));
            tally.add(name, outcome.unwrap_or_else(|| Outcome::Unasked(NO_PLACE.to_owned())));
        }
    }
    println!("{}", tally.settle(530));
}

#[test]
fn structures_are_asked_for_by_the_name_in_the_table() {
    let (asker, mut tally) = (Asker::new(), Tally::default());
    for (row, place, args) in lists() {
        for (at, arg) in args.iter().enumerate() {
            if matches!(arg.kind, ArgKind::Btf(_) | ArgKind::BtfOrNull(_)) {
                // An iterator has another structure at hand than the task.
                let iter = Place::IterSleepable;
                let place = place.map(|place| if is_offered(row, iter) { iter } else { place });
                let outcome = place.map(|place| asker.ask_structure(row, place, args, at));
                let name = format!("{}:{}", row.name, arg.name);
                tally.add(name, outcome.unwrap_or_else(|| Outcome::Unasked(NO_PLACE.to_owned())));
            }
        }
    }
    println!("{}", tally.settle(19));
}

#[test]
fn the_verifier_takes_from_r0_what_the_table_says_is_given() {
    let (asker, mut tally) = (Asker::new(), Tally::default());
    for (row, place, args) in lists() {
        let outcome = place.map(|place| asker.ask_result(row, place, args));
        tally.add(row.name.to_owned(), outcome.unwrap_or_else(|| Outcome::Unasked(NO_PLACE.to_owned())));
    }
    println!("{}", tally.settle(180));
}

#[test]
fn packet_pointers_are_void_after_the_helpers_that_the_table_says() {
    /// Places where programs look into packets by pointer.
    const PACKETS: [Place; 7] = [
        Place::SchedCls,
        Place::Xdp,
        Place::LwtXmit,
        Place::LwtIn,
        Place::LwtSeg6local,
        Place::SkMsg,
        Place::CgroupSkbIngress,
    ];
    let (asker, mut tally) = (Asker::new(), Tally::default());
    for row in helper::TABLE {
        if let Some(place) = PACKETS.into_iter().find(|place| is_offered(row, *place)) {
            tally.add(row.name.to_owned(), asker.ask_packet(row, place, row.args_at(place)));
        }
    }
    println!("{}", tally.settle(140));
}

#[test]
fn helpers_take_maps_of_the_types_in_the_table_and_of_no_others() {
    let (asker, mut tally) = (Asker::new(), Tally::default());
    for (row, place, args) in lists() {
        if !args.iter().any(|arg| arg.kind == ArgKind::ConstMap) {
            continue;
        }
        for map in map_type::TABLE.iter().filter(|map| map.id != MapType::Unspec) {
            let outcome = place.map(|place| asker.ask_map(row, place, args, map.id));
            let name = format!("{} of {}", row.name, map.name);
            tally.add(name, outcome.unwrap_or_else(|| Outcome::Unasked(NO_PLACE.to_owned())));
        }
    }
    println!("{}", tally.settle(970));
}
