//! Which helpers this kernel offers at which places, by asking its verifier.

use rustix::io::Errno;
use skep_isa::spec::place::Target;
use skep_isa::spec::{Place, ProgType, prog_type};

use super::{Answer, Prober, Refusal};

/// Why a helper is refused that depends on what the program is attached to.
pub const NOT_HERE: &str = "not with this function or hook";

use crate::error::{is_privileged, words};

impl Prober {
    /// Whether this kernel offers a helper to programs at a place.
    pub fn helper(&self, place: Place, helper: u32) -> Answer {
        /// What the verifier says, and what it means.
        const NO: [(&str, &str); 7] = [
            ("cannot use helper", "programs here are not offered it"),
            ("unknown func", "programs here are not offered it"),
            ("invalid func", "this kernel does not have it"),
            ("not supported for program type", "it makes no sense here"),
            ("supported only for", "it makes no sense here"),
            ("not allowed in probe", NOT_HERE),
            ("might sleep", "it may sleep, and programs here may not"),
        ];
        let refusal = self.call(place, helper, c"GPL");
        match NO.iter().find(|(said, _)| refusal.log.contains(said)) {
            Some((_, meaning)) => Answer::No((*meaning).to_owned()),
            None if refusal.was_reached() => Answer::Yes,
            None => Answer::Unknown(refusal.why_not_reached(place)),
        }
    }

    /// Whether only programs with a licence compatible with the GPL may call a helper at a place; `None` where it is
    /// not offered, or where all programs need such a licence.
    pub fn helper_is_gpl_only(&self, place: Place, helper: u32) -> Option<bool> {
        let refusal = self.call(place, helper, c"Proprietary");
        let is_offered = refusal.was_reached() && self.helper(place, helper) == Answer::Yes;
        is_offered.then(|| refusal.log.contains("GPL"))
    }
}

impl Refusal {
    /// True when the verifier came as far as the call.
    pub(super) fn was_reached(&self) -> bool {
        self.log.contains("(85) call ")
    }

    pub(super) fn why_not_reached(&self, place: Place) -> String {
        if let Some(line) = self.log.lines().find(|line| !line.is_empty() && !line.starts_with("processed")) {
            return line.to_owned();
        }
        match self.errno {
            Some(Errno::PERM | Errno::ACCESS) if is_privileged() => {
                "a policy of this host refuses programs here".into()
            }
            Some(Errno::PERM | Errno::ACCESS) => "this process lacks privilege".into(),
            Some(Errno::NOENT) if place.row().target != Target::None => {
                "this kernel has not what the place names".into()
            }
            Some(Errno::INVAL) => "this kernel loads no programs here".into(),
            Some(errno) => words(errno),
            None => "the kernel accepted what it should refuse".into(),
        }
    }
}

/// Whether this kernel offers a helper to programs at a place.
///
/// A place that names one of the kernel's types has all of them read first, which takes longer than the answer; who asks
/// more than once keeps a [`Prober`].
pub fn helper_in(place: Place, helper: u32) -> Answer {
    let prober = if place.row().target == Target::None { Prober::untyped() } else { Prober::new() };
    prober.helper(place, helper)
}

/// Which places this kernel offers a helper at, in the order of their table.
pub fn helper(helper: u32) -> Vec<(Place, Answer)> {
    let prober = Prober::new();
    Place::all().map(|place| (place, prober.helper(place, helper))).collect()
}

/// Which helpers this kernel offers to programs of each type, at any of its places.
pub fn helpers() -> Vec<(ProgType, Vec<u32>)> {
    let prober = Prober::new();
    let rows = prog_type::TABLE.iter().filter(|row| row.id != ProgType::Unspec);
    let offered = |prog_type: ProgType| {
        let places: Vec<Place> = Place::all().filter(|p| p.row().prog_type == prog_type).collect();
        let ids = skep_isa::spec::helper::TABLE.iter().map(|row| row.id);
        ids.filter(|id| places.iter().any(|place| prober.helper(*place, *id) == Answer::Yes)).collect()
    };
    rows.map(|row| (row.id, offered(row.id))).collect()
}
