//! Whether files mean the same by a name: the types of its declarations side by side.
//!
//! Enter at [`check`]. Typedefs and qualifiers are looked through; behind pointers the names of structures are enough, and one
//! file may know more of a structure than another.

use std::collections::HashMap;

use skep_btf::{Btf, Kind, Member, Scan, TypeId};
use skep_diag::{Diagnostic, code};

use super::input::{Input, Place};
use super::symbol::{Origin, Symbols};

/// The section of maps that BTF defines.
const MAPS: &str = ".maps";
/// How deep types are looked into, and how many are looked at; a hostile file declares one large type a thousand times.
const DEPTH: usize = 64;
const TYPES: usize = 1 << 24;

/// The functions and variables of a file that others may see, by name. One that stands in a section goes first.
pub(super) fn declarations(btf: &Btf) -> HashMap<&str, TypeId> {
    let is_shared = |kind: &Kind| {
        matches!(kind, Kind::Var { linkage, .. } if *linkage != 0)
            || matches!(kind, Kind::Func { linkage, .. } if *linkage != 0)
    };
    let mut by_name = HashMap::new();
    for (_, found) in btf.types() {
        let Kind::Datasec { vars, .. } = &found.kind else { continue };
        for var in vars.iter().filter(|var| btf.get(var.type_id).is_some_and(|t| is_shared(&t.kind))) {
            by_name.entry(btf.name(var.type_id)).or_insert(var.type_id);
        }
    }
    for (id, _) in btf.types().filter(|(_, found)| is_shared(&found.kind)) {
        by_name.entry(btf.name(id)).or_insert(id);
    }
    by_name
}

/// A type of a file.
type Typed<'a> = (&'a Btf, TypeId);

/// What differs: where in the type, and what each file has there.
struct Difference {
    at: String,
    one: String,
    other: String,
}

/// Refuses a name of which two files say different things.
pub(super) fn check(
    inputs: &[Input<'_>],
    symbols: &Symbols<'_>,
    declared: &[HashMap<&str, TypeId>],
) -> Result<(), Diagnostic> {
    let mut walk = Walk { left: TYPES };
    for (name, global) in symbols.globals().filter(|(_, global)| global.seen.len() > 1) {
        let typed =
            |origin: Origin| Some((inputs.get(origin.input)?.btf.as_ref()?, *declared.get(origin.input)?.get(name)?));
        // What has no types cannot differ in them.
        let Some(holder) = typed(global.holder) else { continue };
        let is_map = section_of(inputs, global.holder) == Some(MAPS);
        for origin in global.seen.iter().filter(|origin| **origin != global.holder) {
            let Some(other) = typed(*origin) else { continue };
            let compared = match is_map {
                true => walk.maps(holder, other, DEPTH),
                false => walk.types(holder, other, true, DEPTH),
            };
            compared.map_err(|difference| {
                let file = |origin: Origin| inputs.get(origin.input).map_or("", |input| input.file);
                let (one, two) = (file(global.holder), file(*origin));
                let Difference { at, one: there, other: here } = difference;
                let what = if is_map { "map " } else { "" };
                let title = format!("{what}`{name}` is not the same in {one} and {two}");
                Diagnostic::error(code::LINK_DIFFER, title)
                    .note(format!("{at}{there} in {one}, {here} in {two}"))
                    .help("declare it in a header that both files include")
            })?;
        }
    }
    Ok(())
}

/// The name of the section that a symbol is defined in.
fn section_of<'a>(inputs: &[Input<'a>], origin: Origin) -> Option<&'a str> {
    let input = inputs.get(origin.input)?;
    match input.symbols.get(origin.symbol)?.place {
        Place::Section(section) => Some(input.sections.get(section)?.name),
        _ => None,
    }
}

fn spelled((btf, id): Typed<'_>) -> String {
    Scan::new(btf.bytes()).map(|scan| format!("`{}`", scan.spell(id))).unwrap_or_default()
}

fn differ(one: Typed<'_>, other: Typed<'_>) -> Difference {
    Difference { at: String::new(), one: spelled(one), other: spelled(other) }
}

impl Difference {
    /// The same, seen from outside.
    fn within(mut self, place: &str) -> Difference {
        self.at = format!("{place}{}{}", if self.at.is_empty() { ": " } else { ", " }, self.at);
        self
    }
}

/// A comparison that has an end, whatever the types.
struct Walk {
    left: usize,
}

impl Walk {
    /// `exact` structures have the same members; the others, behind pointers, the same name.
    fn types(&mut self, a: Typed<'_>, b: Typed<'_>, exact: bool, depth: usize) -> Result<(), Difference> {
        let (Some(depth), Some(left)) = (depth.checked_sub(1), self.left.checked_sub(1)) else { return Ok(()) };
        self.left = left;
        let (Some((a_id, a_kind)), Some((b_id, b_kind))) = (a.0.resolve(a.1), b.0.resolve(b.1)) else {
            return Err(differ(a, b));
        };
        let (a, b) = ((a.0, a_id), (b.0, b_id));
        let same_name = || a.0.name(a_id) == b.0.name(b_id);
        let only = |fine: bool| if fine { Ok(()) } else { Err(differ(a, b)) };
        match (a_kind, b_kind) {
            (Kind::Void, Kind::Void) => Ok(()),
            (Kind::Int { size: one, .. }, Kind::Int { size: other, .. })
            | (Kind::Float { size: one }, Kind::Float { size: other }) => only(one == other),
            (Kind::Enum { size: one, .. }, Kind::Enum { size: other, .. }) => only(one == other && same_name()),
            (Kind::Ptr(one), Kind::Ptr(other)) => {
                self.types((a.0, *one), (b.0, *other), false, depth).map_err(|inner| inner.within("behind a pointer"))
            }
            // One file may leave the length open.
            (Kind::Array { element: one, .. }, Kind::Array { element: other, .. }) => {
                self.types((a.0, *one), (b.0, *other), exact, depth).map_err(|inner| inner.within("elements"))
            }
            (Kind::Fwd { union: one }, Kind::Fwd { union: other }) => only(one == other && same_name()),
            (Kind::Fwd { union: false }, Kind::Struct { .. }) | (Kind::Struct { .. }, Kind::Fwd { union: false }) => {
                only(!exact && same_name())
            }
            (Kind::Fwd { union: true }, Kind::Union { .. }) | (Kind::Union { .. }, Kind::Fwd { union: true }) => {
                only(!exact && same_name())
            }
            (Kind::Struct { members: one, .. }, Kind::Struct { members: other, .. })
            | (Kind::Union { members: one, .. }, Kind::Union { members: other, .. }) => {
                only(same_name())?;
                if exact { self.members((a, one), (b, other), depth) } else { Ok(()) }
            }
            (Kind::FuncProto { ret: one, params: ones }, Kind::FuncProto { ret: other, params: others }) => {
                let count = |n: usize| format!("{n} parameters");
                if ones.len() != others.len() {
                    let (one, other) = (count(ones.len()), count(others.len()));
                    return Err(Difference { at: String::new(), one, other });
                }
                for (at, ((_, one), (_, other))) in ones.iter().zip(others).enumerate() {
                    self.types((a.0, *one), (b.0, *other), exact, depth)
                        .map_err(|inner| inner.within(&format!("parameter {}", at + 1)))?;
                }
                self.types((a.0, *one), (b.0, *other), exact, depth).map_err(|inner| inner.within("the result"))
            }
            (Kind::Func { proto: one, .. }, Kind::Func { proto: other, .. })
            | (Kind::Var { type_id: one, .. }, Kind::Var { type_id: other, .. }) => {
                self.types((a.0, *one), (b.0, *other), exact, depth)
            }
            (Kind::Func { .. }, Kind::Var { .. }) | (Kind::Var { .. }, Kind::Func { .. }) => {
                let word = |kind: &Kind| match kind {
                    Kind::Func { .. } => "a function".to_owned(),
                    _ => "a variable".to_owned(),
                };
                Err(Difference { at: String::new(), one: word(a_kind), other: word(b_kind) })
            }
            _ => Err(differ(a, b)),
        }
    }

    fn members(
        &mut self,
        (a, ones): (Typed<'_>, &[Member]),
        (b, others): (Typed<'_>, &[Member]),
        depth: usize,
    ) -> Result<(), Difference> {
        let place = |of: Typed<'_>| spelled(of);
        if ones.len() != others.len() {
            let count = |n: usize| format!("{n} members");
            return Err(Difference {
                at: format!("{}: ", place(a)),
                one: count(ones.len()),
                other: count(others.len()),
            });
        }
        for (one, other) in ones.iter().zip(others) {
            let name = |btf: &Btf, member: &Member| btf.string(member.name_off).unwrap_or("").to_owned();
            let (left, right) = (name(a.0, one), name(b.0, other));
            let bits = |member: &Member| (member.bit_offset, member.bit_size);
            if left != right || bits(one) != bits(other) {
                let text = |name: &str, member: &Member| format!("`{name}` at bit {}", member.bit_offset);
                let (one, other) = (text(&left, one), text(&right, other));
                return Err(Difference { at: format!("{}: ", place(a)), one, other });
            }
            self.types((a.0, one.type_id), (b.0, other.type_id), true, depth)
                .map_err(|inner| inner.within(&format!("member `{left}`")))?;
        }
        Ok(())
    }

    /// Two definitions of a map: each field must be in both, with the same number or type, in whatever order.
    fn maps(&mut self, a: Typed<'_>, b: Typed<'_>, depth: usize) -> Result<(), Difference> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        let variable = |(btf, id): Typed<'_>| match btf.get(id).map(|t| &t.kind) {
            Some(Kind::Var { type_id, .. }) => *type_id,
            _ => id,
        };
        let (a, b) = ((a.0, variable(a)), (b.0, variable(b)));
        let (Some((_, Kind::Struct { members: ones, .. })), Some((_, Kind::Struct { members: others, .. }))) =
            (a.0.resolve(a.1), b.0.resolve(b.1))
        else {
            return self.types(a, b, true, depth);
        };
        let right: HashMap<&str, TypeId> = fields(b.0, others).collect();
        let left: HashMap<&str, TypeId> = fields(a.0, ones).collect();
        let absent = |name: &str| (format!("`{name}`"), format!("no `{name}`"));
        for (name, id) in fields(a.0, ones) {
            let Some(other) = right.get(name) else {
                let (one, other) = absent(name);
                return Err(Difference { at: String::new(), one, other });
            };
            self.field((a.0, id), (b.0, *other), depth).map_err(|inner| inner.within(&format!("`{name}`")))?;
        }
        match fields(b.0, others).find(|(name, _)| !left.contains_key(name)) {
            Some((name, _)) => {
                let (other, one) = absent(name);
                Err(Difference { at: String::new(), one, other })
            }
            None => Ok(()),
        }
    }

    /// A field of a definition: a number is the length of an array behind a pointer, a type stands behind a pointer, and what the
    /// values of a map of maps are stands behind an array of pointers.
    fn field(&mut self, a: Typed<'_>, b: Typed<'_>, depth: usize) -> Result<(), Difference> {
        let behind = |(btf, id): Typed<'_>| match btf.resolve(id) {
            Some((_, Kind::Ptr(to))) => Some(*to),
            _ => None,
        };
        let array = |(btf, id): Typed<'_>| match btf.resolve(id) {
            Some((_, Kind::Array { element, len })) => Some((*element, *len)),
            _ => None,
        };
        if let (Some(one), Some(other)) = (behind(a), behind(b)) {
            let (a, b) = ((a.0, one), (b.0, other));
            if let (Some((one, left)), Some((other, right))) = (array(a), array(b)) {
                if left != right {
                    return Err(Difference { at: String::new(), one: left.to_string(), other: right.to_string() });
                }
                return self.types((a.0, one), (b.0, other), true, depth);
            }
            return self.types(a, b, true, depth);
        }
        if let (Some((one, _)), Some((other, _))) = (array(a), array(b)) {
            return match (behind((a.0, one)), behind((b.0, other))) {
                (Some(one), Some(other)) => self.maps((a.0, one), (b.0, other), depth),
                _ => Err(differ(a, b)),
            };
        }
        self.types(a, b, true, depth)
    }
}

/// The names and types of members.
fn fields<'a>(btf: &'a Btf, members: &'a [Member]) -> impl Iterator<Item = (&'a str, TypeId)> {
    members.iter().map(|m| (btf.string(m.name_off).unwrap_or(""), m.type_id))
}
