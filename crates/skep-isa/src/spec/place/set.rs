//! Sets of places.

use super::{Place, TABLE};
use crate::spec::{AttachType, ProgType};

/// A set of places.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PlaceSet(u128);

impl PlaceSet {
    /// No place.
    pub const NONE: PlaceSet = PlaceSet(0);

    /// All places.
    pub const ALL: PlaceSet = PlaceSet(u128::MAX >> (128 - TABLE.len()));

    /// These places.
    pub const fn of(places: &[Place]) -> PlaceSet {
        let (mut bits, mut at) = (0, 0);
        while at < places.len() {
            bits |= 1 << places[at] as u32;
            at += 1;
        }
        PlaceSet(bits)
    }

    /// All places of these program types.
    pub const fn of_types(types: &[ProgType]) -> PlaceSet {
        let (mut bits, mut at) = (0, 0);
        while at < TABLE.len() {
            let mut t = 0;
            while t < types.len() {
                if TABLE[at].prog_type as u32 == types[t] as u32 {
                    bits |= 1 << TABLE[at].id as u32;
                }
                t += 1;
            }
            at += 1;
        }
        PlaceSet(bits)
    }

    /// All places of these attach types.
    pub const fn of_attach(types: &[AttachType]) -> PlaceSet {
        let (mut bits, mut at) = (0, 0);
        while at < TABLE.len() {
            let mut t = 0;
            while t < types.len() {
                if let Some(attach) = TABLE[at].attach_type
                    && attach as u32 == types[t] as u32
                {
                    bits |= 1 << TABLE[at].id as u32;
                }
                t += 1;
            }
            at += 1;
        }
        PlaceSet(bits)
    }

    /// The places of any of these sets.
    pub const fn any(sets: &[PlaceSet]) -> PlaceSet {
        let (mut bits, mut at) = (0, 0);
        while at < sets.len() {
            bits |= sets[at].0;
            at += 1;
        }
        PlaceSet(bits)
    }

    /// The places of either.
    pub const fn and(self, other: PlaceSet) -> PlaceSet {
        PlaceSet(self.0 | other.0)
    }

    /// The places of this set that are not in `other`.
    pub const fn but(self, other: PlaceSet) -> PlaceSet {
        PlaceSet(self.0 & !other.0)
    }

    /// The places of both.
    pub const fn within(self, other: PlaceSet) -> PlaceSet {
        PlaceSet(self.0 & other.0)
    }

    /// True when `place` is in it.
    pub const fn has(self, place: Place) -> bool {
        self.0 & (1 << place as u32) != 0
    }

    /// True when no place is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its places, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Place> {
        TABLE.iter().map(|row| row.id).filter(move |place| self.has(*place))
    }
}

impl std::fmt::Debug for PlaceSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        let set = PlaceSet::of(&[Place::Xdp, Place::Netfilter]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Place::Xdp, Place::Netfilter]);
        assert!(set.has(Place::Netfilter) && !set.has(Place::Iter));
        assert_eq!(set.but(PlaceSet::of(&[Place::Xdp])), PlaceSet::of(&[Place::Netfilter]));
        assert_eq!(set.within(PlaceSet::of(&[Place::Xdp, Place::Iter])), PlaceSet::of(&[Place::Xdp]));
        assert!(PlaceSet::NONE.is_empty() && !set.is_empty());
    }

    #[test]
    fn a_set_of_types_has_their_places() {
        let set = PlaceSet::of_types(&[ProgType::CgroupSockopt]);
        assert_eq!(set, PlaceSet::of(&[Place::CgroupGetsockopt, Place::CgroupSetsockopt]));
        assert_eq!(PlaceSet::of_attach(&[AttachType::TraceUprobeMulti]).iter().count(), 2);
    }
}
