//! Types of several files put together, each type once.
//!
//! Enter at [`Merge::append`] for each file, then [`Merge::finish`]. What a name means to a linker (which of two declarations
//! is the definition) is not known here: the linker says so with [`Merge::replace`].

mod refine;

use std::collections::HashMap;

use crate::btf::{Btf, Error};
use crate::build::Builder;
use crate::kind::{Kind, Type, TypeId};

/// Types that are being put together. They have numbers of their own until [`Merge::finish`].
///
/// ```
/// use skep_btf::{Btf, Builder, Kind, Merge};
/// let mut file = Builder::new();
/// file.add("u32", Kind::Int { size: 4, bits: 32, signed: false, char: false, bool: false });
/// let file = Btf::parse(&file.encode()?).unwrap();
/// let mut merge = Merge::new();
/// let (one, other) = (merge.append(&file).unwrap(), merge.append(&file).unwrap());
/// let (_, ids) = merge.finish();
/// assert_eq!(ids.get(one.id(1.into())), ids.get(other.id(1.into())));
/// # Ok::<(), skep_btf::TooLarge>(())
/// ```
#[derive(Clone, Debug)]
pub struct Merge {
    /// The strings of all.
    strings: Builder,
    types: Vec<Type>,
    /// Types that give way to others.
    replaced: HashMap<TypeId, TypeId>,
}

/// Where the types of one file stand among all: those of the file follow one another.
#[derive(Clone, Copy, Debug)]
pub struct Appended {
    base: u32,
}

impl Appended {
    /// The number, among all, of a type of the file.
    pub fn id(self, of: TypeId) -> TypeId {
        TypeId(if of.0 == 0 { 0 } else { self.base.saturating_add(of.0) })
    }
}

/// From numbers of types that are being put together to those of the result.
#[derive(Clone, Debug)]
pub struct Ids(Vec<TypeId>);

impl Ids {
    /// The number in the result; `void` for a type that was dropped.
    pub fn get(&self, id: TypeId) -> TypeId {
        self.0.get(id.0 as usize).copied().unwrap_or_default()
    }
}

impl Default for Merge {
    fn default() -> Merge {
        Merge::new()
    }
}

impl Merge {
    /// No types but `void`.
    pub fn new() -> Merge {
        let void = Type { name_off: 0, kind: Kind::Void };
        Merge { strings: Builder::new(), types: vec![void], replaced: HashMap::new() }
    }

    /// The offset of a string among those of the result.
    pub fn string(&mut self, text: &str) -> u32 {
        self.strings.string(text)
    }

    /// Takes all types of a file.
    ///
    /// # Errors
    /// A type that names a type or a string which the file does not have.
    pub fn append(&mut self, btf: &Btf) -> Result<Appended, Error> {
        let base = self.types.len() as u32 - 1;
        let appended = Appended { base };
        let count = btf.types().count() as u32;
        for (id, from) in btf.types().skip(1) {
            let mut sound = true;
            let strings = &mut self.strings;
            let mut name = |offset: u32| match btf.string(offset) {
                Some(text) => strings.string(text),
                None => {
                    sound = false;
                    0
                }
            };
            let name_off = name(from.name_off);
            let mut leads = true;
            let mut to = |of: TypeId| {
                leads &= of.0 < count;
                appended.id(of)
            };
            let kind = from.kind.rewritten(&mut to, &mut name);
            if !sound || !leads {
                return Err(Error::Reference { id: id.0 });
            }
            self.types.push(Type { name_off, kind });
        }
        Ok(appended)
    }

    /// Adds a type; names inside it are offsets of [`string`](Merge::string).
    pub fn add(&mut self, name: &str, kind: Kind) -> TypeId {
        let name_off = self.string(name);
        self.types.push(Type { name_off, kind });
        TypeId(self.types.len() as u32 - 1)
    }

    /// A type by its number.
    pub fn get(&self, id: TypeId) -> Option<&Type> {
        self.types.get(id.0 as usize)
    }

    /// Puts another type in a type's place, wherever it is referred to; `void` drops it, and the tags on it. A type that
    /// gives way stays where it is when that would go in a circle.
    pub fn replace(&mut self, id: TypeId, by: TypeId) {
        if id.0 != 0 && self.resolved(by) != id {
            self.replaced.insert(id, by);
        }
    }

    /// The type that stands in a type's place.
    fn resolved(&self, id: TypeId) -> TypeId {
        let mut id = id;
        while let Some(by) = self.replaced.get(&id) {
            id = *by;
        }
        id
    }

    /// Each type once, and where each type went.
    ///
    /// Types are one when nothing tells them apart, however deep one looks: kind, name, size, members, tags, and the types
    /// they refer to. Functions and variables stay as many as they are. A structure that is named only is the one of this
    /// name that the files agree on.
    pub fn finish(mut self) -> (Builder, Ids) {
        self.complete_forwards();
        let replaced: Vec<TypeId> = (0..self.types.len() as u32).map(|id| self.resolved(TypeId(id))).collect();
        let by = |id: TypeId| replaced.get(id.0 as usize).copied().unwrap_or_default();
        for found in &mut self.types {
            found.kind = found.kind.rewritten(&mut |id| by(id), &mut |name| name);
        }
        let gone = |id: usize, found: &Type| match found.kind {
            Kind::DeclTag { type_id, .. } => type_id.0 == 0,
            _ => replaced.get(id).is_some_and(|by| by.0 as usize != id),
        };
        let classes = refine::classes(&self.types);
        // The first of each class stays.
        let mut kept: HashMap<u32, TypeId> = HashMap::new();
        let mut numbers = vec![TypeId(0); self.types.len()];
        let mut order = Vec::new();
        for (at, (found, class)) in self.types.iter().zip(&classes).enumerate().skip(1) {
            if gone(at, found) {
                continue;
            }
            let next = TypeId(order.len() as u32 + 1);
            let number = *kept.entry(*class).or_insert(next);
            if number == next {
                order.push(at);
            }
            if let Some(place) = numbers.get_mut(at) {
                *place = number;
            }
        }
        let number = |id: TypeId| numbers.get(by(id).0 as usize).copied().unwrap_or_default();
        let mut builder = self.strings;
        for found in order.into_iter().filter_map(|at| self.types.get(at)) {
            let kind = found.kind.rewritten(&mut |id| number(id), &mut |name| name);
            builder.push(Type { name_off: found.name_off, kind });
        }
        let ids = (0..numbers.len() as u32).map(|id| number(TypeId(id))).collect();
        (builder, Ids(ids))
    }

    /// Puts structures and unions in the places of those that are named only, where all of that name look alike.
    fn complete_forwards(&mut self) {
        let is_union = |kind: &Kind| match kind {
            Kind::Struct { .. } => Some(false),
            Kind::Union { .. } => Some(true),
            _ => None,
        };
        // By kind and name: the first, and whether all others look like it.
        let mut whole: HashMap<(bool, u32), (usize, bool)> = HashMap::new();
        for (at, found) in self.types.iter().enumerate().filter(|(_, found)| found.name_off != 0) {
            let Some(union) = is_union(&found.kind) else { continue };
            let types = &self.types;
            let like = |first: usize| types.get(first).is_some_and(|first| refine::alike(first, found));
            whole
                .entry((union, found.name_off))
                .and_modify(|(first, alike)| *alike = *alike && like(*first))
                .or_insert((at, true));
        }
        let forwards: Vec<(TypeId, TypeId)> = (0..)
            .zip(&self.types)
            .filter_map(|(at, found)| {
                let Kind::Fwd { union } = found.kind else { return None };
                let (first, alike) = whole.get(&(union, found.name_off))?;
                alike.then_some((TypeId(at), TypeId(*first as u32)))
            })
            .collect();
        for (forward, whole) in forwards {
            self.replace(forward, whole);
        }
    }
}
