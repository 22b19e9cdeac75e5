//! Parts of a value by path, as C writes them (`.limits[2].low`), and text written into one part alone.
//!
//! Enter at [`Btf::part`]. How a text becomes bytes is the business of `text`.

use crate::btf::{Btf, DEPTH};
use crate::kind::{Kind, Member, TypeId};
use crate::text::or_near;

/// A part of a value: a member, an element, or the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its type.
    pub type_id: TypeId,
    /// Where it begins in the value, in bits.
    pub bit_offset: u64,
    /// Its width in bits when it is a bit-field, else 0.
    pub bit_size: u8,
}

impl Btf {
    /// The part of a value of this type that a path leads to: `""` the whole, `.limit` a member, `[2]` an element, and
    /// any of these behind one another. Members of anonymous members are found by their own names.
    ///
    /// # Errors
    /// One sentence that says which step leads nowhere, with the name that is near.
    pub fn part(&self, id: TypeId, path: &str) -> Result<Part, String> {
        let mut part = Part { type_id: id, bit_offset: 0, bit_size: 0 };
        let mut rest = path;
        while !rest.is_empty() {
            let (_, kind) = self.resolve(part.type_id).ok_or("the type leads nowhere")?;
            part = if let Some(behind) = rest.strip_prefix('[') {
                let (index, behind) = behind.split_once(']').ok_or_else(|| format!("`{rest}` has no `]`"))?;
                rest = behind;
                let Kind::Array { element, len } = kind else {
                    return Err(format!("`[{index}]` asks for an element of what is no array"));
                };
                let at: u64 = index.trim().parse().map_err(|_| format!("`{index}` is not the number of an element"))?;
                if at >= u64::from(*len) {
                    return Err(format!("the array has {len} elements, counted from 0: `[{at}]` is none of them"));
                }
                let bits = self.size_of(*element).and_then(|size| size.checked_mul(8)?.checked_mul(at));
                let bits =
                    bits.and_then(|bits| bits.checked_add(part.bit_offset)).ok_or("the elements have no size")?;
                Part { type_id: *element, bit_offset: bits, bit_size: 0 }
            } else if let Some(behind) = rest.strip_prefix('.') {
                let end = behind.find(['.', '[']).unwrap_or(behind.len());
                let (name, behind) = behind.split_at(end);
                rest = behind;
                let (Kind::Struct { members, .. } | Kind::Union { members, .. }) = kind else {
                    return Err(format!("`.{name}` asks for a member of what is no structure"));
                };
                let mut budget = MEMBERS;
                let inner = self.member(members, name, DEPTH, &mut budget).ok_or_else(|| {
                    let names = members.iter().filter_map(|m| self.string(m.name_off)).filter(|n| !n.is_empty());
                    format!("there is no member `{name}`{}", or_near(name, names))
                })?;
                Part { bit_offset: part.bit_offset.saturating_add(inner.bit_offset), ..inner }
            } else {
                return Err(format!("`{rest}` is neither `.member` nor `[number]`"));
            };
        }
        Ok(part)
    }

    /// A member by its name, also of an anonymous member.
    fn member(&self, members: &[Member], name: &str, depth: usize, budget: &mut usize) -> Option<Part> {
        let depth = depth.checked_sub(1)?;
        for member in members {
            *budget = budget.checked_sub(1)?;
            let place = u64::from(member.bit_offset);
            match self.string(member.name_off) {
                Some("") | None => {
                    let (Kind::Struct { members, .. } | Kind::Union { members, .. }) = self.resolve(member.type_id)?.1
                    else {
                        continue;
                    };
                    if let Some(inner) = self.member(members, name, depth, budget) {
                        return Some(Part { bit_offset: place.saturating_add(inner.bit_offset), ..inner });
                    }
                }
                Some(own) if own == name => {
                    return Some(Part { type_id: member.type_id, bit_offset: place, bit_size: member.bit_size });
                }
                Some(_) => {}
            }
        }
        None
    }

    /// Writes a text over a part of a value, in the forms of [`Btf::parse_value`]. `value` holds the whole value; what is
    /// not of the part stays.
    ///
    /// # Errors
    /// One sentence that says what does not fit which type.
    pub fn write_part(&self, part: Part, text: &str, value: &mut [u8]) -> Result<(), String> {
        let text = text.trim();
        if part.bit_size > 0 {
            return self.write_bits(part.type_id, (part.bit_offset, part.bit_size), text, value);
        }
        let size =
            self.size_of(part.type_id).and_then(|size| usize::try_from(size).ok()).ok_or("the type has no size")?;
        let start = usize::try_from(part.bit_offset / 8).ok();
        let place =
            start.and_then(|start| value.get_mut(start..start.checked_add(size)?)).ok_or("the value is cut short")?;
        self.write(part.type_id, text, place, DEPTH)
    }
}

/// Members that are looked at in search of one; a hostile structure holds itself many times over.
const MEMBERS: usize = 65_536;
