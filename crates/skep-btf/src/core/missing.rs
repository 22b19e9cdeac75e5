//! What a kernel lacks: why a relocation has no value, and names that are near the one asked for.

use skep_isa::spec::nearest;

use super::view;
use crate::kind::TypeId;
use crate::scan::Scan;

/// Most members that are looked at for near names.
const MOST_MEMBERS: usize = 10_000;
/// Most names that are suggested.
const SUGGESTIONS: usize = 3;

/// Why a type of the kernel does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// There is no member of this name.
    NoMember {
        /// Where it was looked for, as C spells it.
        place: String,
        /// The structure there.
        owner: TypeId,
        /// The name.
        name: String,
    },
    /// There is one, but of a type that cannot stand for the program's.
    OtherType {
        /// The member, as C spells it.
        place: String,
        /// Its type in the program.
        local: String,
        /// Its type in the kernel.
        target: String,
    },
    /// A member is asked of something that has none.
    NoMembers {
        /// Where, as C spells it.
        place: String,
    },
    /// An element is asked of something that is no array.
    NoArray {
        /// Where, as C spells it.
        place: String,
    },
    /// The array has fewer elements.
    Short {
        /// Where, as C spells it.
        place: String,
        /// How many it has.
        len: u32,
    },
    /// The enumeration has no constant of this name.
    NoConstant {
        /// The enumeration.
        owner: TypeId,
        /// Its name.
        place: String,
        /// The constant's name.
        name: String,
    },
    /// The type of this name is of another kind or shape.
    OtherShape {
        /// Its name.
        place: String,
    },
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Mismatch::NoMember { place, name, .. } => write!(f, "`{place}` has no member `{name}` here"),
            Mismatch::OtherType { place, local, target } => {
                write!(f, "`{place}` is `{target}` here, the program was compiled with `{local}`")
            }
            Mismatch::NoMembers { place } => write!(f, "`{place}` has no members here"),
            Mismatch::NoArray { place } => write!(f, "`{place}` is no array here"),
            Mismatch::Short { place, len } => write!(f, "the array `{place}` has {len} elements here"),
            Mismatch::NoConstant { place, name, .. } => write!(f, "`{place}` has no constant `{name}` here"),
            Mismatch::OtherShape { place } => write!(f, "`{place}` has another shape here"),
        }
    }
}

/// What a relocation has no value for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// No type of this name and kind.
    Type {
        /// With the word of its kind, as C spells it.
        spelled: String,
        /// Its name without flavour.
        name: String,
    },
    /// Types of the name, but none that fits; the first one's reason.
    Part {
        /// Why it does not fit.
        mismatch: Mismatch,
        /// Which module's type it is, `None` for the kernel proper.
        module: Option<usize>,
    },
    /// Found, but its size or sign is another, so that a load or store of it would give another number.
    Access {
        /// Bytes it took when the program was compiled.
        local: u64,
        /// Bytes it takes here.
        target: u64,
    },
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Missing::Type { spelled, .. } => write!(f, "there is no `{spelled}` here"),
            Missing::Part { mismatch, .. } => mismatch.fmt(f),
            Missing::Access { local, target } => {
                write!(
                    f,
                    "it takes {target} bytes here, not {local} as compiled, and is not an unsigned number or a pointer"
                )
            }
        }
    }
}

/// Members of a structure with their types, those of anonymous members included.
pub(super) fn members<'a>(scan: &Scan<'a>, owner: TypeId) -> Vec<(&'a str, TypeId)> {
    let mut found = Vec::new();
    let mut open = vec![owner];
    let mut left = MOST_MEMBERS;
    while let Some(id) = open.pop() {
        let Ok((_, owner)) = view::skip(scan, id) else { continue };
        for member in view::members(&owner.kind).unwrap_or_default() {
            let Some(rest) = left.checked_sub(1) else { return found };
            left = rest;
            match view::name(scan, member.name_off) {
                "" => open.push(member.type_id),
                name => found.push((name, member.type_id)),
            }
        }
    }
    found
}

/// Names like `word`: the same but for underscores at its ends (`state` and `__state`), then the one that is most like it,
/// then those it is a part of or that are a part of it.
pub(super) fn near(word: &str, names: &[&str]) -> Vec<String> {
    let bare = word.trim_matches('_');
    let others = || names.iter().copied().filter(|name| *name != word);
    let is_part = |name: &&str| {
        let name = name.trim_matches('_');
        bare.len().min(name.len()) >= 3 && (name.contains(bare) || bare.contains(name))
    };
    let mut parts: Vec<&str> = others().filter(is_part).collect();
    parts.sort_by_key(|name| (name.len().abs_diff(word.len()), *name));
    let same = others().filter(|name| !bare.is_empty() && name.trim_matches('_') == bare);
    let of_like_length = others().filter(|name| name.len().abs_diff(word.len()) <= word.len() / 3 + 1);
    let mut found: Vec<&str> = Vec::new();
    for name in same.chain(nearest(word, of_like_length)).chain(parts) {
        if !found.contains(&name) && found.len() < SUGGESTIONS {
            found.push(name);
        }
    }
    found.into_iter().map(str::to_owned).collect()
}
