//! Which types are the same: the coarsest partition that no reference tells apart.
//!
//! Types begin in one class when they look alike without what they refer to, and a class is split when its types refer to
//! different classes, until none is. Circles of pointers need no care so. Of a split class the largest part keeps its
//! number, so that a type is looked at again no more often than the classes it refers to are halved.

use std::collections::{BTreeMap, HashMap};

use crate::kind::{Kind, Type, TypeId};

/// A number for each type: the same for types that are the same.
pub(super) fn classes(types: &[Type]) -> Vec<u32> {
    let references: Vec<Vec<usize>> = types.iter().map(references).collect();
    let mut partition = Partition::new(types);
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); types.len()];
    for (user, to) in references.iter().enumerate() {
        for to in to {
            if let Some(users) = users.get_mut(*to) {
                users.push(user);
            }
        }
    }
    let mut dirty: Vec<usize> = (0..types.len()).collect();
    while !dirty.is_empty() {
        let moved = partition.split(&dirty, &references);
        dirty = moved.iter().filter_map(|at| users.get(*at)).flatten().copied().collect();
        dirty.sort_unstable();
        dirty.dedup();
    }
    partition.class
}

/// What a type looks like, and its tags.
type Look<'a> = (Vec<u32>, &'a [(i32, u32)]);

struct Partition {
    /// The class of each type, and where it stands among the members.
    class: Vec<u32>,
    place: Vec<usize>,
    /// The types of each class.
    members: Vec<Vec<usize>>,
}

impl Partition {
    fn new(types: &[Type]) -> Partition {
        let mut tags: HashMap<TypeId, Vec<(i32, u32)>> = HashMap::new();
        for found in types {
            if let Kind::DeclTag { type_id, component } = found.kind {
                tags.entry(type_id).or_default().push((component, found.name_off));
            }
        }
        tags.values_mut().for_each(|tags| tags.sort_unstable());
        let mut numbers: HashMap<Look<'_>, u32> = HashMap::new();
        let (class, place) = (vec![u32::MAX; types.len()], vec![0; types.len()]);
        let mut partition = Partition { class, place, members: Vec::new() };
        for (at, found) in types.iter().enumerate() {
            let mut shape = shape(found);
            if matches!(found.kind, Kind::Var { .. } | Kind::Func { .. } | Kind::Datasec { .. }) {
                shape.push(at as u32);
            }
            let tags = tags.get(&TypeId(at as u32)).map_or(&[][..], Vec::as_slice);
            let next = numbers.len() as u32;
            let class = *numbers.entry((shape, tags)).or_insert(next);
            partition.put(at, class);
        }
        partition
    }

    /// Puts a type into a class, and takes it out of the one it was in.
    fn put(&mut self, at: usize, class: u32) {
        let (Some(old), Some(place)) = (self.class.get_mut(at), self.place.get_mut(at)) else { return };
        let (before, stood) = (std::mem::replace(old, class), *place);
        let class = class as usize;
        if self.members.len() <= class {
            self.members.resize_with(class + 1, Vec::new);
        }
        if let Some(members) = self.members.get_mut(class) {
            *place = members.len();
            members.push(at);
        }
        // The last of the others takes its place.
        if let Some(others) = self.members.get_mut(before as usize).filter(|others| stood < others.len()) {
            others.swap_remove(stood);
            if let Some(place) = others.get(stood).and_then(|last| self.place.get_mut(*last)) {
                *place = stood;
            }
        }
    }

    fn class_of(&self, at: usize) -> u32 {
        self.class.get(at).copied().unwrap_or(u32::MAX)
    }

    /// Splits the classes of the given types by what they refer to, and answers the types that are in another class now.
    /// Types of a class that are not given refer to one and the same.
    fn split(&mut self, dirty: &[usize], references: &[Vec<usize>]) -> Vec<usize> {
        let mut by_class: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for at in dirty {
            by_class.entry(self.class_of(*at)).or_default().push(*at);
        }
        let plans: Vec<Vec<Vec<usize>>> =
            by_class.into_iter().map(|(class, dirty)| self.parts(class, &dirty, references)).collect();
        let mut moved = Vec::new();
        for part in plans.into_iter().flatten() {
            let class = self.members.len() as u32;
            part.iter().for_each(|at| self.put(*at, class));
            moved.extend(part);
        }
        moved
    }

    /// The parts of a class that must leave it: all but the largest.
    fn parts(&self, class: u32, dirty: &[usize], references: &[Vec<usize>]) -> Vec<Vec<usize>> {
        let Some(members) = self.members.get(class as usize).filter(|members| members.len() > 1) else {
            return Vec::new();
        };
        let signature =
            |at: usize| -> Vec<u32> { references.get(at).into_iter().flatten().map(|to| self.class_of(*to)).collect() };
        let mut parts: HashMap<Vec<u32>, Vec<usize>> = HashMap::new();
        for at in dirty {
            parts.entry(signature(*at)).or_default().push(*at);
        }
        let is_other = |at: &&usize| dirty.binary_search(at).is_err();
        // How many stay uncounted: those that are not given, and are too many to be looked at one by one.
        let mut largest = 0;
        if let Some(other) = members.iter().find(is_other) {
            let others = members.len() - dirty.len();
            let like_them = parts.remove(&signature(*other)).unwrap_or_default();
            if parts.values().all(|part| part.len() <= others + like_them.len()) {
                largest = others + like_them.len();
            } else {
                parts.insert(
                    signature(*other),
                    like_them.into_iter().chain(members.iter().filter(is_other).copied()).collect(),
                );
            }
        }
        let mut parts: Vec<Vec<usize>> = parts.into_values().collect();
        parts.iter_mut().for_each(|part| part.sort_unstable());
        // The order is that of their first types, whatever the map's.
        parts.sort_unstable_by_key(|part| (usize::MAX - part.len(), part.first().copied()));
        let stay = usize::from(largest == 0);
        parts.split_off(stay.min(parts.len()))
    }
}

/// The types that a type refers to, in the order in which it does.
fn references(found: &Type) -> Vec<usize> {
    let mut to = Vec::new();
    let mut note = |id: TypeId| {
        to.push(id.0 as usize);
        id
    };
    found.kind.rewritten(&mut note, &mut |name| name);
    to
}

/// True for types that look alike.
pub(super) fn alike(one: &Type, other: &Type) -> bool {
    // The members are counted first: a hostile file compares a large one with many small ones.
    members(&one.kind) == members(&other.kind) && shape(one) == shape(other)
}

fn members(kind: &Kind) -> usize {
    match kind {
        Kind::Struct { members, .. } | Kind::Union { members, .. } => members.len(),
        _ => 0,
    }
}

/// All of a type but what it refers to.
fn shape(found: &Type) -> Vec<u32> {
    let mut words = vec![found.name_off];
    let wide = |value: i64| [value as u32, (value >> 32) as u32];
    match &found.kind {
        Kind::Void => words.push(0),
        Kind::Int { size, bits, signed, char, bool } => {
            words.extend([1, *size, u32::from(*bits), u32::from(*signed), u32::from(*char), u32::from(*bool)]);
        }
        Kind::Ptr(_) => words.push(2),
        Kind::Array { len, .. } => words.extend([3, *len]),
        Kind::Struct { size, members } | Kind::Union { size, members } => {
            words.extend([if matches!(found.kind, Kind::Struct { .. }) { 4 } else { 5 }, *size]);
            words.extend(members.iter().flat_map(|m| [m.name_off, m.bit_offset, u32::from(m.bit_size)]));
        }
        Kind::Enum { size, signed, values } => {
            words.extend([6, *size, u32::from(*signed)]);
            for value in values {
                words.push(value.name_off);
                words.extend(wide(value.value));
            }
        }
        Kind::Fwd { union } => words.extend([7, u32::from(*union)]),
        Kind::Typedef(_) => words.push(8),
        Kind::Volatile(_) => words.push(9),
        Kind::Const(_) => words.push(10),
        Kind::Restrict(_) => words.push(11),
        Kind::Func { linkage, .. } => words.extend([12, u32::from(*linkage)]),
        Kind::FuncProto { params, .. } => {
            words.push(13);
            words.extend(params.iter().map(|(name, _)| *name));
        }
        Kind::Var { linkage, .. } => words.extend([14, *linkage]),
        Kind::Datasec { size, vars } => {
            words.extend([15, *size]);
            words.extend(vars.iter().flat_map(|var| [var.offset, var.size]));
        }
        Kind::Float { size } => words.extend([16, *size]),
        Kind::DeclTag { component, .. } => words.extend([17, *component as u32]),
        Kind::TypeTag(_) => words.push(18),
    }
    words
}
