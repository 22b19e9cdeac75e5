//! Whole types: whether two are of the same kind throughout, and whether one has all that the other has.

use super::field::Pair;
use super::view::{self, Effort};
use super::{Error, Value};
use crate::btf::DEPTH;
use crate::kind::{EnumValue, Kind, Member, TypeId};
use crate::scan::Scan;
use crate::scan::essential;

use skep_isa::spec::core_kind::CoreKind;

const TOO_DEEP: Error = Error::Types("types are nested too deeply");

impl Pair<'_, '_> {
    /// For `type_exists`, `type_size` and `type_id_target`: the same kinds behind pointers, arrays and prototypes. Names,
    /// sizes and members do not count.
    pub(super) fn types_agree(&self, local: TypeId, target: TypeId, effort: &mut Effort) -> Result<bool, Error> {
        let (a, b) = (view::get(self.local, local)?, view::get(self.target, target)?);
        Ok(view::same_kind(&a.kind, &b.kind) && self.agree(local, target, effort, DEPTH)?)
    }

    /// The same, but for the kinds of typedefs and qualifiers in front.
    pub(super) fn alike(&self, local: TypeId, target: TypeId, effort: &mut Effort) -> Result<bool, Error> {
        self.agree(local, target, effort, DEPTH)
    }

    fn agree(&self, local: TypeId, target: TypeId, effort: &mut Effort, level: usize) -> Result<bool, Error> {
        let (mut local, mut target) = (local, target);
        for _ in 0..DEPTH {
            let (local_id, a) = view::skip(self.local, local)?;
            let (target_id, b) = view::skip(self.target, target)?;
            effort.read(&a.kind, &b.kind)?;
            match (&a.kind, &b.kind) {
                (Kind::Void, Kind::Void)
                | (Kind::Struct { .. }, Kind::Struct { .. })
                | (Kind::Union { .. }, Kind::Union { .. })
                | (Kind::Enum { .. }, Kind::Enum { .. })
                | (Kind::Fwd { .. }, Kind::Fwd { .. }) => return Ok(true),
                (Kind::Int { .. }, Kind::Int { .. }) => {
                    let plain = |scan, id| !view::is_shifted_int(scan, id);
                    return Ok(plain(self.local, local_id) && plain(self.target, target_id));
                }
                (Kind::Ptr(a), Kind::Ptr(b)) => (local, target) = (*a, *b),
                (Kind::Array { element: a, .. }, Kind::Array { element: b, .. }) => (local, target) = (*a, *b),
                (Kind::FuncProto { ret: a, params: of_a }, Kind::FuncProto { ret: b, params: of_b }) => {
                    if of_a.len() != of_b.len() {
                        return Ok(false);
                    }
                    for ((_, a), (_, b)) in of_a.iter().zip(of_b) {
                        let level = level.checked_sub(1).ok_or(TOO_DEEP)?;
                        if !self.agree(*a, *b, effort, level)? {
                            return Ok(false);
                        }
                    }
                    (local, target) = (*a, *b);
                }
                _ => return Ok(false),
            }
        }
        Err(TOO_DEEP)
    }

    /// For `type_matches`: all members, constants and parameters of the program's type are there, with types that match
    /// themselves. Behind a pointer only name and kind of a structure count.
    pub(super) fn types_match(&self, local: TypeId, target: TypeId, effort: &mut Effort) -> Result<bool, Error> {
        self.matches(local, target, effort, false, DEPTH)
    }

    fn matches(
        &self,
        local: TypeId,
        target: TypeId,
        effort: &mut Effort,
        behind_pointer: bool,
        level: usize,
    ) -> Result<bool, Error> {
        let level = level.checked_sub(1).ok_or(TOO_DEEP)?;
        let (mut local, mut target, mut behind_pointer) = (local, target, behind_pointer);
        for _ in 0..DEPTH {
            let ((_, a), (_, b)) = (view::skip(self.local, local)?, view::skip(self.target, target)?);
            effort.read(&a.kind, &b.kind)?;
            if !self.same_name(a.name_off, b.name_off) {
                return Ok(false);
            }
            let unions = |kind: &Kind| matches!(kind, Kind::Union { .. } | Kind::Fwd { union: true });
            match (&a.kind, &b.kind) {
                (Kind::Void, Kind::Void) => return Ok(true),
                (Kind::Fwd { union: a }, Kind::Fwd { union: b }) => return Ok(a == b),
                (
                    Kind::Fwd { .. } | Kind::Struct { .. } | Kind::Union { .. },
                    Kind::Fwd { .. } | Kind::Struct { .. } | Kind::Union { .. },
                ) if behind_pointer => return Ok(unions(&a.kind) == unions(&b.kind)),
                (Kind::Struct { members: a, .. }, Kind::Struct { members: b, .. })
                | (Kind::Union { members: a, .. }, Kind::Union { members: b, .. }) => {
                    return self.members_match(a, b, effort, level);
                }
                (Kind::Enum { size: a, values: of_a, .. }, Kind::Enum { size: b, values: of_b, .. }) => {
                    return Ok(a == b && self.constants_match(of_a, of_b, effort)?);
                }
                (Kind::Int { size: a, signed: sign_a, .. }, Kind::Int { size: b, signed: sign_b, .. }) => {
                    return Ok(a == b && sign_a == sign_b);
                }
                (Kind::Ptr(a), Kind::Ptr(b)) => {
                    behind_pointer = true;
                    (local, target) = (*a, *b);
                }
                (Kind::Array { element: a, len: len_a }, Kind::Array { element: b, len: len_b }) => {
                    if len_a != len_b {
                        return Ok(false);
                    }
                    (local, target) = (*a, *b);
                }
                (Kind::FuncProto { ret: a, params: of_a }, Kind::FuncProto { ret: b, params: of_b }) => {
                    if of_a.len() != of_b.len() {
                        return Ok(false);
                    }
                    for ((_, a), (_, b)) in of_a.iter().zip(of_b) {
                        if !self.matches(*a, *b, effort, behind_pointer, level)? {
                            return Ok(false);
                        }
                    }
                    (local, target) = (*a, *b);
                }
                _ => return Ok(false),
            }
        }
        Err(TOO_DEEP)
    }

    fn members_match(
        &self,
        local: &[Member],
        target: &[Member],
        effort: &mut Effort,
        level: usize,
    ) -> Result<bool, Error> {
        if local.len() > target.len() {
            return Ok(false);
        }
        for a in local {
            effort.spend(target.len())?;
            let mut found = false;
            for b in target.iter().filter(|b| self.same_name(a.name_off, b.name_off)) {
                if self.matches(a.type_id, b.type_id, effort, false, level)? {
                    found = true;
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn constants_match(&self, local: &[EnumValue], target: &[EnumValue], effort: &mut Effort) -> Result<bool, Error> {
        if local.len() > target.len() {
            return Ok(false);
        }
        for a in local {
            effort.spend(target.len())?;
            if !target.iter().any(|b| self.same_name(a.name_off, b.name_off)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Names without flavours; an anonymous type is like an anonymous one only.
    fn same_name(&self, local: u32, target: u32) -> bool {
        let (a, b) = (view::name(self.local, local), view::name(self.target, target));
        a.is_empty() == b.is_empty() && essential(a.as_bytes()) == essential(b.as_bytes())
    }
}

/// What a relocation asks of a type.
pub(super) fn value(kind: CoreKind, scan: &Scan<'_>, id: TypeId) -> Result<Value, Error> {
    Ok(match kind {
        CoreKind::TypeExists | CoreKind::TypeMatches => Value::checked(1),
        CoreKind::TypeSize => Value::checked(view::size(scan, id)?),
        // Linking objects gives types new numbers, so the old one need not stand in the instruction.
        _ => Value { checked: false, ..Value::checked(u64::from(id.0)) },
    })
}
