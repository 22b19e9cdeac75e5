//! Fields: the same way through another version of a type, and what can be asked of the field at its end.

use skep_isa::spec::core_kind::{CoreKind, LONGEST_ACCESS};

use super::missing::Mismatch;
use super::path::{Path, Step};
use super::view::{self, Effort};
use super::{Error, Value};
use crate::btf::DEPTH;
use crate::kind::{Kind, Member, TypeId};
use crate::scan::Scan;
use crate::scan::essential;

/// Two sets of types that are compared.
#[derive(Clone, Copy)]
pub(super) struct Pair<'p, 'a> {
    pub(super) local: &'p Scan<'p>,
    pub(super) target: &'p Scan<'a>,
}

impl<'a> Pair<'_, 'a> {
    /// The way of the program's types through a type of the kernel.
    pub(super) fn field(
        &self,
        way: &Path<'_>,
        root: TypeId,
        effort: &mut Effort,
    ) -> Result<Result<Path<'a>, Mismatch>, Error> {
        let mut path = Path::root(root);
        let mut id = root;
        for (at, step) in way.steps.iter().enumerate() {
            let (here, found) = view::skip(self.target, id)?;
            id = here;
            let Some(name) = step.name else {
                if at > 0 {
                    let Kind::Array { element, len } = found.kind else {
                        return Ok(Err(Mismatch::NoArray { place: path.spell(self.target) }));
                    };
                    if step.index >= len && !path.may_be_longer(self.target, len)? {
                        return Ok(Err(Mismatch::Short { place: path.spell(self.target), len }));
                    }
                    id = view::skip(self.target, element)?.0;
                }
                self.deep_enough(&path)?;
                path.element(self.target, id, step.index)?;
                continue;
            };
            if view::members(&found.kind).is_none() {
                return Ok(Err(Mismatch::NoMembers { place: path.spell(self.target) }));
            }
            let owner = view::get(self.local, step.owner)?;
            let member = view::members(&owner.kind).and_then(|m| m.get(step.index as usize));
            let member = member.ok_or(Error::Types("a member is gone"))?.type_id;
            match self.member(name, member, id, &mut path, effort)? {
                Some(next) => id = next,
                None => return Ok(Err(self.no_member(name, member, id, &path)?)),
            }
        }
        Ok(Ok(path))
    }

    fn deep_enough(&self, path: &Path<'_>) -> Result<(), Error> {
        if path.taken >= LONGEST_ACCESS { Err(Error::Types("structures are nested too deeply")) } else { Ok(()) }
    }

    /// Looks for a member of this name and a compatible type, in anonymous members too; answers its type.
    fn member(
        &self,
        wanted: &str,
        of: TypeId,
        owner: TypeId,
        path: &mut Path<'a>,
        effort: &mut Effort,
    ) -> Result<Option<TypeId>, Error> {
        let (owner, found) = view::skip(self.target, owner)?;
        let Some(members) = view::members(&found.kind) else { return Ok(None) };
        self.deep_enough(path)?;
        effort.spend(1 + members.len())?;
        for (index, member) in (0u32..).zip(members) {
            let before = (path.bits, path.taken);
            path.bits = path.bits.saturating_add(u64::from(member.bit_offset));
            path.taken += 1;
            let name = view::name(self.target, member.name_off);
            if name.is_empty() {
                if let Some(next) = self.member(wanted, of, member.type_id, path, effort)? {
                    return Ok(Some(next));
                }
            } else if name == wanted && self.fields_agree(of, member.type_id, effort)? {
                path.steps.push(Step { owner, index, name: Some(name) });
                return Ok(Some(member.type_id));
            }
            (path.bits, path.taken) = before;
        }
        Ok(None)
    }

    /// Why no member fitted: there is none of the name, or it is of another type.
    fn no_member(&self, name: &str, of: TypeId, owner: TypeId, path: &Path<'_>) -> Result<Mismatch, Error> {
        let place = path.spell(self.target);
        let all = super::missing::members(self.target, owner);
        Ok(match all.iter().find(|(member, _)| *member == name) {
            Some((_, id)) => Mismatch::OtherType {
                place: format!("{place}.{name}"),
                local: self.local.spell(of),
                target: self.target.spell(*id),
            },
            None => Mismatch::NoMember { place, owner, name: name.to_owned() },
        })
    }

    /// Whether fields of these types can stand for one another: structures and unions any, pointers any, integers of any
    /// size, enumerations of the same essential name or none, arrays of elements that can.
    fn fields_agree(&self, local: TypeId, target: TypeId, effort: &mut Effort) -> Result<bool, Error> {
        let (mut local, mut target) = (local, target);
        for _ in 0..DEPTH {
            let (local_id, a) = view::skip(self.local, local)?;
            let (target_id, b) = view::skip(self.target, target)?;
            effort.read(&a.kind, &b.kind)?;
            if view::members(&a.kind).is_some() && view::members(&b.kind).is_some() {
                return Ok(true);
            }
            match (&a.kind, &b.kind) {
                (Kind::Ptr(_), Kind::Ptr(_)) | (Kind::Float { .. }, Kind::Float { .. }) => return Ok(true),
                (Kind::Enum { .. }, Kind::Enum { .. }) | (Kind::Fwd { .. }, Kind::Fwd { .. }) => {
                    let a = essential(view::name(self.local, a.name_off).as_bytes());
                    let b = essential(view::name(self.target, b.name_off).as_bytes());
                    return Ok(a.is_empty() || b.is_empty() || a == b);
                }
                (Kind::Int { .. }, Kind::Int { .. }) => {
                    let plain = |scan, id| !view::is_shifted_int(scan, id);
                    return Ok(plain(self.local, local_id) && plain(self.target, target_id));
                }
                (Kind::Array { element: a, .. }, Kind::Array { element: b, .. }) => (local, target) = (*a, *b),
                _ => return Ok(false),
            }
        }
        Err(Error::Types("arrays are nested too deeply"))
    }
}

/// What a relocation asks of the field at the end of a way.
pub(super) fn value(kind: CoreKind, scan: &Scan<'_>, path: &Path<'_>) -> Result<Value, Error> {
    if kind == CoreKind::FieldExists {
        return Ok(Value::checked(1));
    }
    let Some(last) = path.steps.last() else { return Err(Error::Types("a way without steps")) };
    if last.name.is_none() {
        let size = view::size(scan, last.owner)?;
        return match kind {
            CoreKind::FieldByteOffset => {
                Ok(Value { access: Some((size, last.owner)), ..Value::checked(path.bits / 8) })
            }
            CoreKind::FieldByteSize => Ok(Value::checked(size)),
            _ => Err(Error::Element(path.spell(scan))),
        };
    }
    let owner = view::get(scan, last.owner)?;
    let member = view::members(&owner.kind).and_then(|m| m.get(last.index as usize)).cloned();
    let member = member.ok_or(Error::Types("a member is gone"))?;
    let (id, found) = view::skip(scan, member.type_id)?;
    let word = Word::of(scan, path, &member, id, &found.kind)?;
    let bit_field = member.bit_size > 0;
    // Of a bit-field the compiler may have chosen another word to load; its sign and its width are beyond doubt.
    let unless_bit_field = |value| Value { checked: !bit_field, ..Value::checked(value) };
    Ok(match kind {
        CoreKind::FieldByteOffset => {
            Value { access: (!bit_field).then_some((word.size, id)), ..unless_bit_field(word.start) }
        }
        CoreKind::FieldByteSize => unless_bit_field(word.size),
        CoreKind::FieldSigned => Value::checked(u64::from(matches!(
            found.kind,
            Kind::Enum { signed: true, .. } | Kind::Int { signed: true, .. }
        ))),
        CoreKind::FieldLshiftU64 => {
            let end = path.bits + word.bits - word.start * 8;
            unless_bit_field(64u64.wrapping_sub(end))
        }
        CoreKind::FieldRshiftU64 => Value::checked(64u64.wrapping_sub(word.bits)),
        _ => return Err(Error::Types("a kind that is not about fields")),
    })
}

/// The word that holds a field.
struct Word {
    /// Where it begins, in bytes.
    start: u64,
    /// Bytes it takes.
    size: u64,
    /// Bits of it that are the field.
    bits: u64,
}

impl Word {
    fn of(scan: &Scan<'_>, path: &Path<'_>, member: &Member, id: TypeId, kind: &Kind) -> Result<Word, Error> {
        if member.bit_size == 0 {
            let size = view::size(scan, id)?;
            return Ok(Word { start: path.bits / 8, size, bits: size * 8 });
        }
        let (Kind::Int { size, .. } | Kind::Enum { size, .. }) = kind else {
            return Err(Error::Types("a bit-field is no integer"));
        };
        let bits = u64::from(member.bit_size);
        let mut size = u64::from(*size);
        if !matches!(size, 1 | 2 | 4 | 8 | 16) {
            return Err(Error::Types("an integer has an odd size"));
        }
        // The smallest aligned word from the declared size on that holds all of it.
        loop {
            let start = path.bits / 8 / size * size;
            if path.bits + bits <= (start + size) * 8 {
                return Ok(Word { start, size, bits });
            }
            if size >= 8 {
                return Err(Error::BitField(path.spell(scan)));
            }
            size *= 2;
        }
    }
}
