//! Helpers: the kernel's functions a program may call, by number.
//!
//! Enter at [`TABLE`], [`find`] and [`named`]; [`Helper::offered_in`] tells whether a place has one. The rows are those
//! of Linux 6.18; what 6.1 and 6.12 did not offer yet stands in [`Helper::later`]. What came before 6.1 is not told.

pub mod exception;
mod kind;
mod table;

use super::place::{Place, PlaceSet};
use super::{MapType, Version};

pub use kind::{ArgKind, Gives};

/// One helper.
#[derive(Debug)]
pub struct Helper {
    /// Number in `call`.
    pub id: u32,
    /// The kernel's name without `bpf_`.
    pub name: &'static str,
    /// First kernel that has it.
    pub since: Version,
    /// What it does, or what its result is, in one sentence.
    pub what: &'static str,
    /// What it takes, in `r1` to `r5`.
    pub args: &'static [Arg],
    /// What it takes at some places instead.
    pub other: &'static [Variant],
    /// Types of the maps it takes; empty when it takes none.
    pub maps: &'static [MapType],
    /// What it gives, in `r0`.
    pub gives: Gives,
    /// The program owns what it gave, and has to give it back unless it is null.
    pub acquires: bool,
    /// Places where only programs with a licence compatible with the GPL may call it.
    pub gpl: PlaceSet,
    /// It may sleep: only programs that may sleep may call it, and not under a lock.
    pub may_sleep: bool,
    /// Pointers into the packet are void after it.
    pub changes_packet: bool,
    /// It keeps `r1` to `r5` that it does not take, where the compiler says so.
    pub fastcall: bool,
    /// Places that are offered it from its first kernel on, or from their own.
    pub places: PlaceSet,
    /// Places that are offered it only by a later kernel.
    pub later: &'static [Later],
    /// Places where it is offered with some functions or hooks only.
    pub by_target: PlaceSet,
    /// What else a kernel must have: an option, or a policy that lets it.
    pub needs: Option<&'static str>,
    /// What it answers when it fails, or otherwise than by an error; empty when it cannot fail.
    pub errors: &'static [&'static str],
}

/// One argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arg {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: ArgKind,
    /// The program no longer owns it afterwards.
    pub released: bool,
}

/// Arguments at some places that differ from the row's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Variant {
    /// The places.
    pub places: PlaceSet,
    /// What it takes there.
    pub args: &'static [Arg],
}

/// Places that were given a helper after they and it existed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Later {
    /// The places.
    pub places: PlaceSet,
    /// Offered there by this kernel.
    pub by: Version,
    /// It is the first that does; else the one of [`COMPARED`] before it did not.
    pub is_exact: bool,
}

/// The kernels whose offers were compared with the table, place by place.
pub const COMPARED: [Version; 3] = [Version(6, 1), Version(6, 12), Version(6, 18)];

/// Since when a helper is offered at a place, as far as it is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Since {
    /// No kernel before offers it.
    pub earliest: Version,
    /// This kernel offers it, and all later ones.
    pub latest: Version,
}

impl std::fmt::Display for Since {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.earliest == self.latest {
            true => write!(f, "{}", self.latest),
            false => write!(f, "{} at the latest", self.latest),
        }
    }
}

const fn row(id: u32, name: &'static str, since: Version, what: &'static str) -> Helper {
    Helper {
        id,
        name,
        since,
        what,
        args: &[],
        other: &[],
        maps: &[],
        gives: Gives::Integer,
        acquires: false,
        gpl: PlaceSet::NONE,
        may_sleep: false,
        changes_packet: false,
        fastcall: false,
        places: PlaceSet::NONE,
        later: &[],
        by_target: PlaceSet::NONE,
        needs: None,
        errors: &[],
    }
}

const fn arg(name: &'static str, kind: ArgKind) -> Arg {
    Arg { name, kind, released: false }
}

impl Arg {
    const fn released(self) -> Arg {
        Arg { released: true, ..self }
    }
}

/// Builders, for the rows.
impl Helper {
    const fn takes(self, args: &'static [Arg]) -> Helper {
        Helper { args, ..self }
    }

    const fn otherwise(self, other: &'static [Variant]) -> Helper {
        Helper { other, ..self }
    }

    const fn with(self, maps: &'static [MapType]) -> Helper {
        Helper { maps, ..self }
    }

    const fn gives(self, gives: Gives) -> Helper {
        Helper { gives, ..self }
    }

    const fn acquires(self) -> Helper {
        Helper { acquires: true, ..self }
    }

    const fn gpl(self) -> Helper {
        Helper { gpl: PlaceSet::ALL, ..self }
    }

    const fn gpl_at(self, gpl: PlaceSet) -> Helper {
        Helper { gpl, ..self }
    }

    const fn sleeps(self) -> Helper {
        Helper { may_sleep: true, ..self }
    }

    const fn moves_packet(self) -> Helper {
        Helper { changes_packet: true, ..self }
    }

    const fn fastcall(self) -> Helper {
        Helper { fastcall: true, ..self }
    }

    const fn at(self, places: PlaceSet) -> Helper {
        Helper { places, ..self }
    }

    const fn later(self, later: &'static [Later]) -> Helper {
        Helper { later, ..self }
    }

    const fn by_target(self, by_target: PlaceSet) -> Helper {
        Helper { by_target, ..self }
    }

    const fn needs(self, needs: &'static str) -> Helper {
        Helper { needs: Some(needs), ..self }
    }

    const fn fails(self, errors: &'static [&'static str]) -> Helper {
        Helper { errors, ..self }
    }
}

impl Helper {
    /// Since when it is offered to programs at `place`; `None` where it is not.
    pub fn offered_since(&self, place: Place) -> Option<Since> {
        let row = place.row();
        if self.may_sleep && !row.sleepable {
            return None;
        }
        let both = self.since.max(row.first());
        let known = |version: Version| COMPARED.iter().copied().find(|c| *c >= version).unwrap_or(version);
        if self.places.has(place) {
            return Some(Since { earliest: both, latest: known(both) });
        }
        let later = self.later.iter().find(|later| later.places.has(place))?;
        let latest = later.by.max(both);
        let before = COMPARED.iter().copied().filter(|c| *c < latest).max().unwrap_or(both);
        let earliest = if later.is_exact { latest } else { both.max(Version(before.0, before.1 + 1)) };
        Some(Since { earliest, latest })
    }

    /// True when Linux 6.18 offers it to programs at `place`, as far as its options and its policy let it.
    pub fn offered_in(&self, place: Place) -> bool {
        self.offered_since(place).is_some()
    }

    /// True when only programs with a licence compatible with the GPL may call it at `place`.
    pub fn gpl_only(&self, place: Place) -> bool {
        self.gpl.has(place)
    }

    /// What it takes at `place`.
    pub fn args_at(&self, place: Place) -> &'static [Arg] {
        self.other.iter().find(|other| other.places.has(place)).map_or(self.args, |other| other.args)
    }
}

/// All helpers, in the order of their numbers, from 1.
pub static TABLE: &[Helper] = table::TABLE;

/// The helper with this number.
pub fn find(id: u32) -> Option<&'static Helper> {
    TABLE.get(usize::try_from(id).ok()?.checked_sub(1)?)
}

/// The helper with this name, with or without `bpf_`.
pub fn named(name: &str) -> Option<&'static Helper> {
    let name = name.strip_prefix("bpf_").unwrap_or(name);
    TABLE.iter().find(|row| row.name == name)
}

#[cfg(test)]
mod tests;
