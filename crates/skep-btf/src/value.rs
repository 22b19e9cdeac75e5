//! Bytes turned into values by type, and values as text and JSON.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::btf::{Btf, DEPTH};
use crate::kind::{Kind, Member, TypeId};

/// A value as its type describes it. Serialises as JSON would have it: integers are numbers, character arrays strings.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum Value {
    /// No value: the key of a map without keys.
    Null,
    /// A signed integer.
    Int(i64),
    /// An unsigned integer, or a pointer.
    Uint(u64),
    /// A 128-bit integer.
    Wide(u128),
    /// Where code stands in the kernel (tag `format:ksym`); JSON gets the number.
    Address(u64),
    /// `_Bool`.
    Bool(bool),
    /// A floating-point number.
    Float(f64),
    /// A character array up to its first NUL; bytes that are not UTF-8 become U+FFFD.
    Text(String),
    /// Bytes of no known type; shown as hex.
    Bytes(Vec<u8>),
    /// A constant of an enumeration.
    Constant(String),
    /// An array, or one value for each CPU.
    List(Vec<Value>),
    /// Members of a structure or union by name; those of anonymous members stand among them.
    Struct(Vec<(String, Value)>),
    /// A value whose declaration says how people want to read it (tag `format:ipv4` and the like).
    Shown {
        /// What JSON gets.
        value: Box<Value>,
        /// What people get.
        text: String,
    },
}

impl Btf {
    /// The value that `bytes` hold for this type. Where the type ends in nowhere, or the bytes are too few for it, the
    /// bytes themselves.
    ///
    /// A flexible array takes what bytes are left. Declarations tagged `format:ipv4`, `format:ipv6`, `format:mac`,
    /// `format:hex` or `format:ksym` (`__attribute__((btf_decl_tag("format:ipv4")))` on a member or typedef) are shown so
    /// to people.
    pub fn value(&self, id: TypeId, bytes: &[u8]) -> Value {
        // A hostile type may hold itself many times over, or the same text in a thousand members; what it may make is
        // bounded by what there is to show.
        let mut budget = bytes.len().saturating_mul(16).saturating_add(4096);
        self.decode(id, bytes, DEPTH, &mut budget).unwrap_or_else(|| Value::Bytes(bytes.to_vec()))
    }

    fn decode(&self, id: TypeId, bytes: &[u8], depth: usize, budget: &mut usize) -> Option<Value> {
        *budget = budget.checked_sub(1)?;
        let depth = depth.checked_sub(1)?;
        let (resolved, kind) = self.resolve(id)?;
        let value = match kind {
            Kind::Int { size, signed, bool, .. } => int(bytes.get(..*size as usize)?, *signed, *bool)?,
            Kind::Ptr(_) => int(bytes.get(..8)?, false, false)?,
            Kind::Enum { size, signed, values } => {
                let raw = int(bytes.get(..*size as usize)?, *signed, false)?;
                let number = match raw {
                    Value::Int(n) => n,
                    Value::Uint(n) => n as i64,
                    _ => return Some(raw),
                };
                match values.iter().find(|v| v.value == number).and_then(|v| self.string(v.name_off)) {
                    Some(name) => Value::Constant(name.to_owned()),
                    None => raw,
                }
            }
            Kind::Float { size } => match bytes.get(..*size as usize)? {
                b @ [_, _, _, _] => Value::Float(f64::from(f32::from_le_bytes(b.try_into().ok()?))),
                b => Value::Float(f64::from_le_bytes(b.try_into().ok()?)),
            },
            Kind::Array { element, len } => self.array(*element, *len, bytes, depth, budget)?,
            Kind::Struct { members, .. } | Kind::Union { members, .. } => {
                let mut fields = Vec::with_capacity(members.len().min(64));
                self.members(resolved, members, bytes, depth, budget, &mut fields)?;
                Value::Struct(fields)
            }
            Kind::Var { type_id, .. } => self.decode(*type_id, bytes, depth, budget)?,
            Kind::Datasec { vars, .. } => {
                let mut fields = Vec::new();
                for var in vars {
                    let place = bytes.get(var.offset as usize..)?;
                    let name = self.name(var.type_id);
                    fields.push((name.to_owned(), self.decode(var.type_id, place, depth, budget)?));
                }
                Value::Struct(fields)
            }
            _ => return None,
        };
        Some(self.typedef_format(id).and_then(|f| shown(f, &value, bytes)).unwrap_or(value))
    }

    fn array(&self, element: TypeId, len: u32, bytes: &[u8], depth: usize, budget: &mut usize) -> Option<Value> {
        let size = usize::try_from(self.size_of(element)?).ok().filter(|s| *s > 0)?;
        let len = if len == 0 { bytes.len() / size } else { len as usize };
        let bytes = bytes.get(..len.checked_mul(size)?)?;
        if size == 1 && self.is_char(element) {
            let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
            *budget = budget.checked_sub(end)?;
            return Some(Value::Text(String::from_utf8_lossy(bytes.get(..end)?).into_owned()));
        }
        let items = bytes.chunks_exact(size).map(|item| self.decode(element, item, depth, budget));
        Some(Value::List(items.collect::<Option<_>>()?))
    }

    fn members(
        &self,
        of: TypeId,
        members: &[Member],
        bytes: &[u8],
        depth: usize,
        budget: &mut usize,
        fields: &mut Vec<(String, Value)>,
    ) -> Option<()> {
        for (at, member) in members.iter().enumerate() {
            let place = bytes.get(member.bit_offset as usize / 8..)?;
            let value = if member.bit_size > 0 {
                *budget = budget.checked_sub(1)?;
                self.bit_field(member, bytes)?
            } else {
                self.decode(member.type_id, place, depth, budget)?
            };
            match (self.string(member.name_off).unwrap_or(""), value) {
                ("", Value::Struct(inner)) => fields.extend(inner),
                (name, value) => {
                    let format = self.decl_tags(of, at as i32).find_map(|t| t.strip_prefix("format:"));
                    let value = format.and_then(|f| shown(f, &value, place)).unwrap_or(value);
                    fields.push((name.to_owned(), value));
                }
            }
        }
        Some(())
    }

    fn bit_field(&self, member: &Member, bytes: &[u8]) -> Option<Value> {
        let first = member.bit_offset as usize / 8;
        let (shift, width) = (member.bit_offset % 8, u32::from(member.bit_size));
        let held = bytes.get(first..first + (shift + width).div_ceil(8) as usize)?;
        let raw = held.iter().rev().fold(0u128, |sum, b| sum << 8 | u128::from(*b)) >> shift;
        let raw = (raw & ((1u128 << width.min(64)) - 1)) as u64;
        let signed = matches!(self.resolve(member.type_id)?.1, Kind::Int { signed: true, .. });
        let unused = 64 - width.clamp(1, 64);
        Some(if signed { Value::Int(((raw << unused) as i64) >> unused) } else { Value::Uint(raw) })
    }

    /// The format tag of a typedef on the way to the type itself.
    fn typedef_format(&self, id: TypeId) -> Option<&str> {
        let mut id = id;
        for _ in 0..DEPTH {
            match self.get(id)?.kind {
                Kind::Typedef(to) => {
                    if let Some(format) = self.decl_tags(id, -1).find_map(|t| t.strip_prefix("format:")) {
                        return Some(format);
                    }
                    id = to;
                }
                Kind::Volatile(to) | Kind::Const(to) | Kind::Restrict(to) | Kind::TypeTag(to) => id = to,
                _ => return None,
            }
        }
        None
    }
}

fn int(bytes: &[u8], signed: bool, bool: bool) -> Option<Value> {
    let raw = match bytes.len() {
        1 | 2 | 4 | 8 => bytes.iter().rev().fold(0u64, |sum, b| sum << 8 | u64::from(*b)),
        16 => return Some(Value::Wide(u128::from_le_bytes(bytes.try_into().ok()?))),
        _ => return None,
    };
    let unused = 64 - 8 * bytes.len() as u32;
    Some(match (bool, signed) {
        (true, _) => Value::Bool(raw != 0),
        (_, true) => Value::Int(((raw << unused) as i64) >> unused),
        _ => Value::Uint(raw),
    })
}

/// The value in a format for people; `None` for a format that is not known or does not fit the size.
fn shown(format: &str, value: &Value, bytes: &[u8]) -> Option<Value> {
    let text = match format {
        "ipv4" => std::net::Ipv4Addr::from(<[u8; 4]>::try_from(bytes.get(..4)?).ok()?).to_string(),
        "ipv6" => std::net::Ipv6Addr::from(<[u8; 16]>::try_from(bytes.get(..16)?).ok()?).to_string(),
        "mac" => bytes.get(..6)?.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":"),
        "ksym" => {
            return match value {
                Value::Uint(v) => Some(Value::Address(*v)),
                Value::List(items) => {
                    items.iter().map(|item| shown(format, item, &[])).collect::<Option<_>>().map(Value::List)
                }
                _ => None,
            };
        }
        "hex" => match value {
            Value::Uint(v) => format!("{v:#x}"),
            Value::Int(v) => format!("{v:#x}"),
            _ => return None,
        },
        _ => return None,
    };
    Some(Value::Shown { value: Box::new(value.clone()), text })
}

impl Value {
    /// Gives addresses of kernel code the names that `name` knows.
    pub fn name_addresses(&mut self, name: &mut dyn FnMut(u64) -> Option<String>) {
        match self {
            Value::Address(address) => {
                if let Some(text) = name(*address) {
                    *self = Value::Shown { value: Box::new(Value::Uint(*address)), text };
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| item.name_addresses(name)),
            Value::Struct(fields) => fields.iter_mut().for_each(|(_, field)| field.name_addresses(name)),
            _ => {}
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("-"),
            Value::Int(v) => write!(f, "{v}"),
            Value::Uint(v) => write!(f, "{v}"),
            Value::Wide(v) => write!(f, "{v}"),
            Value::Address(v) => write!(f, "{v:#x}"),
            Value::Bool(v) => write!(f, "{v}"),
            Value::Float(v) => write!(f, "{v}"),
            // Control characters from a traced program must not reach a terminal.
            Value::Text(v) => write!(f, "{}", v.escape_debug()),
            Value::Bytes(v) => v.iter().try_for_each(|b| write!(f, "{b:02x}")),
            Value::Constant(v) | Value::Shown { text: v, .. } => f.write_str(v),
            Value::List(items) => {
                f.write_str("[")?;
                // A stack is as long as its addresses; zeros fill the rest of the array.
                let used = items.iter().rposition(|i| *i != Value::Address(0)).map_or(0, |last| last + 1);
                for (at, item) in items.iter().take(used).enumerate() {
                    write!(f, "{}{item}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Value::Struct(fields) => {
                f.write_str("{")?;
                for (at, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}{name}: {value}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => s.serialize_unit(),
            Value::Int(v) => s.serialize_i64(*v),
            Value::Uint(v) | Value::Address(v) => s.serialize_u64(*v),
            Value::Wide(v) => s.serialize_u128(*v),
            Value::Bool(v) => s.serialize_bool(*v),
            Value::Float(v) => s.serialize_f64(*v),
            Value::Text(v) | Value::Constant(v) => s.serialize_str(v),
            Value::Bytes(_) => s.collect_str(self),
            Value::Shown { value, .. } => value.serialize(s),
            Value::List(items) => {
                let mut seq = s.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| seq.serialize_element(item))?;
                seq.end()
            }
            Value::Struct(fields) => {
                let mut map = s.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}
