//! The way to a field: what an access string (`0:1:2`) means in the program's own types, and how C spells it.

use skep_isa::spec::core_kind::{About, LONGEST_ACCESS};

use super::{Error, view};
use crate::kind::{Kind, TypeId};
use crate::scan::Scan;

/// One step of a way: a named member, or an element of an array. Anonymous members are passed through.
#[derive(Clone, Debug)]
pub(super) struct Step<'a> {
    /// The structure, union or enumeration it is a member of; of an element, its own type.
    pub(super) owner: TypeId,
    /// Number of the member, constant or element.
    pub(super) index: u32,
    /// The member's name.
    pub(super) name: Option<&'a str>,
}

/// A way from a type to a field, or to a constant of an enumeration.
#[derive(Clone, Debug)]
pub(super) struct Path<'a> {
    pub(super) root: TypeId,
    pub(super) steps: Vec<Step<'a>>,
    /// How many members and elements it takes, anonymous ones included.
    pub(super) taken: usize,
    /// Where the field begins, in bits.
    pub(super) bits: u64,
}

impl<'a> Path<'a> {
    /// A way that ends where it begins.
    pub(super) fn root(root: TypeId) -> Path<'a> {
        Path { root, steps: Vec::new(), taken: 0, bits: 0 }
    }

    /// Reads an access string.
    pub(super) fn parse(scan: &Scan<'a>, root: TypeId, access: &str, about: About) -> Result<Path<'a>, Error> {
        let bad = |why| Error::Access { root: named(scan, root), access: access.to_owned(), why };
        let mut path = Path::root(root);
        if about == About::Type {
            return if access == "0" { Ok(path) } else { Err(bad("of a type it is `0`")) };
        }
        let numbers: Option<Vec<u32>> = access.split(':').map(number).collect();
        let numbers = numbers.ok_or_else(|| bad("it is not numbers with colons between them"))?;
        let Some((first, rest)) = numbers.split_first() else { return Err(bad("it is empty")) };
        if numbers.len() > LONGEST_ACCESS {
            return Err(bad("it has more than 64 numbers"));
        }
        let (id, found) = view::skip(scan, root)?;
        if about == About::Enumerator {
            let Kind::Enum { values, .. } = &found.kind else { return Err(bad("this is no enumeration")) };
            let constant = values.get(*first as usize).filter(|_| rest.is_empty());
            let constant = constant.ok_or_else(|| bad("there is no such constant"))?;
            path.push(Step { owner: id, index: *first, name: Some(view::name(scan, constant.name_off)) });
            return Ok(path);
        }
        path.element(scan, id, *first)?;
        let mut id = id;
        for index in rest {
            id = path.descend(scan, id, *index, &bad)?;
        }
        Ok(path)
    }

    /// Goes to member or element `index` of a type; answers the type there.
    fn descend(
        &mut self,
        scan: &Scan<'a>,
        id: TypeId,
        index: u32,
        bad: &impl Fn(&'static str) -> Error,
    ) -> Result<TypeId, Error> {
        let (id, found) = view::skip(scan, id)?;
        if let Some(members) = view::members(&found.kind) {
            let member = members.get(index as usize).ok_or_else(|| bad("there is no such member"))?;
            self.bits += u64::from(member.bit_offset);
            self.taken += 1;
            if member.name_off != 0 {
                let name = scan.string(member.name_off).filter(|name| !name.is_empty());
                let name = name.ok_or_else(|| bad("a member has no readable name"))?;
                self.steps.push(Step { owner: id, index, name: Some(name) });
            }
            return Ok(member.type_id);
        }
        let Kind::Array { element, len } = found.kind else {
            return Err(bad("it goes into something that has no members"));
        };
        if index >= len && !self.may_be_longer(scan, len)? {
            return Err(bad("there is no such element"));
        }
        let (element, _) = view::skip(scan, element)?;
        self.element(scan, element, index)?;
        Ok(element)
    }

    /// True when an array of this many elements at the way's end is the flexible last member of its structure.
    pub(super) fn may_be_longer(&self, scan: &Scan<'_>, len: u32) -> Result<bool, Error> {
        let Some(Step { owner, index, name: Some(_) }) = self.steps.last() else { return Ok(false) };
        let owner = view::get(scan, *owner)?;
        let count = view::members(&owner.kind).map_or(0, <[_]>::len);
        Ok(len == 0 && *index as usize + 1 == count)
    }

    /// Goes to an element of this type.
    pub(super) fn element(&mut self, scan: &Scan<'_>, element: TypeId, index: u32) -> Result<(), Error> {
        self.push(Step { owner: element, index, name: None });
        let bits = view::size(scan, element)?.saturating_mul(u64::from(index)).saturating_mul(8);
        self.bits = self.bits.saturating_add(bits);
        if self.bits > u64::from(u32::MAX) {
            return Err(Error::Types("a field is further than 512 MiB into its type"));
        }
        Ok(())
    }

    fn push(&mut self, step: Step<'a>) {
        self.steps.push(step);
        self.taken += 1;
    }

    /// As C spells it: `task_struct.thread.cr2[3]`, `cpu_usage_stat::CPUTIME_GUEST`.
    pub(super) fn spell(&self, scan: &Scan<'_>) -> String {
        let mut text = named(scan, self.root);
        let is_enum = matches!(view::skip(scan, self.root), Ok((_, t)) if matches!(t.kind, Kind::Enum { .. }));
        for (at, step) in self.steps.iter().enumerate() {
            match step.name {
                Some(name) => text.push_str(&format!("{}{name}", if is_enum { "::" } else { "." })),
                None if at == 0 && step.index == 0 => {}
                None => text.push_str(&format!("[{}]", step.index)),
            }
        }
        text
    }
}

/// A type's name.
fn named(scan: &Scan<'_>, id: TypeId) -> String {
    match scan.name(id) {
        "" => scan.spell(id),
        name => name.to_owned(),
    }
}

/// A number of an access string: digits, at most `i32::MAX`.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && *n <= i32::MAX.cast_unsigned())
}
