//! Maps whose values stand for something else: programs, maps, events, devices, CPUs, sockets, cgroups. In the vm each is
//! a number of its user's that is not 0. What the kernel allows with each type are the rows here.

use skep_isa::spec::MapType;

use super::{EXIST, MapError, NOEXIST};

/// What the kernel does with one type of map by index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    id: MapType,
    /// How flags of updates are taken.
    flags: Flags,
    /// What an update to 0 does: `None` empties the place.
    zero: Option<MapError>,
    /// What deleting from an empty place gives.
    empty: Option<MapError>,
    /// What deleting past the end gives.
    beyond: MapError,
    /// True where user space may look it up.
    pub(crate) shown: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flags {
    /// None.
    None,
    /// Those of arrays: all places are there, so none is new.
    There,
    /// Those of hashes: a place is there while it holds something.
    Held,
}

const fn row(id: MapType, flags: Flags, zero: Option<MapError>, empty: Option<MapError>, beyond: MapError) -> Rule {
    Rule { id, flags, zero, empty, beyond, shown: true }
}

impl Rule {
    const fn hidden(mut self) -> Rule {
        self.shown = false;
        self
    }
}

/// Most frames that wait for a CPU, which is what a map of CPUs holds.
const MOST_FRAMES: u64 = 16_384;

use MapError::{Absent, BadNumber, Full, Invalid};

#[rustfmt::skip]
static RULES: &[Rule] = &[
    row(MapType::ProgArray,          Flags::None,  Some(BadNumber), Some(Absent),  Full),
    row(MapType::PerfEventArray,     Flags::None,  Some(BadNumber), Some(Absent),  Full).hidden(),
    row(MapType::CgroupArray,        Flags::None,  Some(BadNumber), Some(Absent),  Full).hidden(),
    row(MapType::ArrayOfMaps,        Flags::None,  Some(BadNumber), Some(Absent),  Full),
    row(MapType::Devmap,             Flags::There, None,            None,          Invalid),
    row(MapType::Cpumap,             Flags::There, None,            None,          Invalid),
    row(MapType::Xskmap,             Flags::Held,  Some(BadNumber), None,          Invalid).hidden(),
    row(MapType::Sockmap,            Flags::Held,  Some(BadNumber), Some(Invalid), Invalid),
    row(MapType::ReuseportSockarray, Flags::Held,  Some(BadNumber), Some(Absent),  Full),
];

/// The row of a type, `None` for one that is not of this kind.
pub(crate) fn rule(map_type: MapType) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == map_type)
}

impl Rule {
    /// Whether an update is taken: of a place that `is_there` in the map and `is_held` already or not, to a number.
    pub(crate) fn update(&self, flags: u64, is_there: bool, is_held: bool, number: u64) -> Result<(), MapError> {
        let is_known = if self.flags == Flags::None { flags == 0 } else { flags <= EXIST };
        match (self.flags, flags) {
            _ if !is_known => return Err(Invalid),
            _ if !is_there => return Err(Full),
            (Flags::There, NOEXIST) => return Err(MapError::Exists),
            _ => {}
        }
        match self.zero {
            Some(why) if number == 0 => return Err(why),
            _ if self.id == MapType::Cpumap && number > MOST_FRAMES => return Err(MapError::TooLarge),
            _ => {}
        }
        match (self.flags, flags) {
            (Flags::Held, NOEXIST) if is_held => Err(MapError::Exists),
            (Flags::Held, EXIST) if !is_held => Err(Absent),
            _ => Ok(()),
        }
    }

    /// Whether a deletion is taken.
    pub(crate) fn delete(&self, is_there: bool, is_held: bool) -> Result<(), MapError> {
        match self.empty {
            _ if !is_there => Err(self.beyond),
            Some(why) if !is_held => Err(why),
            _ => Ok(()),
        }
    }
}
