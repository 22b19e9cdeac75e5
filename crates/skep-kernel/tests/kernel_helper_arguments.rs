//! Kinds of arguments in the table of helpers against what the host's verifier asks for. Needs root.
//!
//! Each argument is given something that its kind must not take, with the arguments before it right; the verifier's
//! words tell what it would have taken. Every program is refused, so none is compiled.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod argument;
mod host;

use std::collections::BTreeMap;

use argument::{Asker, Outcome};
use skep_isa::spec::helper::{self, Arg, Helper};
use skep_isa::spec::place::common;
use skep_isa::spec::{Place, PlaceSet};

/// Places that the host's policy or its options keep from us.
const OUT_OF_REACH: PlaceSet =
    common::TRAMPOLINE.and(common::LSM).and(PlaceSet::of(&[Place::LircMode2, Place::SchedExt, Place::HidBpf]));

/// Where arguments before the asked one are easiest to make: sockets, then the current task, then the rest.
const PREFERRED: [Place; 4] = [Place::SchedCls, Place::CgroupSkbIngress, Place::IterSleepable, Place::Syscall];

/// A place of `set` that offers the helper here.
fn place_of(row: &Helper, set: PlaceSet) -> Option<Place> {
    let can = |place: &Place| row.offered_in(*place) && set.has(*place) && !OUT_OF_REACH.has(*place);
    PREFERRED.into_iter().find(|place| can(place)).or_else(|| Place::all().find(can))
}

/// Every list of arguments with a place where it holds, `None` where no place of it can be asked.
fn lists() -> Vec<(&'static Helper, Option<Place>, &'static [Arg])> {
    let mut lists = Vec::new();
    for row in helper::TABLE {
        let others = row.other.iter().fold(PlaceSet::NONE, |all, other| all.and(other.places));
        lists.push((row, place_of(row, PlaceSet::ALL.but(others)), row.args));
        lists.extend(row.other.iter().map(|other| (row, place_of(row, other.places), other.args)));
    }
    lists
}

#[test]
fn the_verifier_asks_for_the_kinds_of_the_table() {
    let asker = Asker::new();
    let (mut proved, mut wrong) = (0, Vec::new());
    let mut unasked: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (row, place, args) in lists() {
        for (at, arg) in args.iter().enumerate() {
            let name = format!("{}:{}", row.name, arg.name);
            let outcome = match place {
                Some(place) => asker.ask(row, place, args, at),
                None => Outcome::Unasked("no place of it can be asked on this host".to_owned()),
            };
            match outcome {
                Outcome::AsTold => proved += 1,
                Outcome::Unasked(why) => unasked.entry(why).or_default().push(name),
                Outcome::Otherwise(said) => {
                    wrong.push(format!("\n  {name} ({}) at {place:?}: {said}", arg.kind.text()));
                }
            }
        }
    }
    println!("{proved} arguments proved");
    for (why, names) in &unasked {
        println!("{} not asked, {why}: {}", names.len(), names.join(", "));
    }
    assert!(wrong.is_empty(), "{} kinds differ:{}", wrong.len(), wrong.concat());
    assert!(proved >= 400, "{proved}");
}
