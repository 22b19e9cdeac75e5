//! The kinds of types and how one record of the type section is read.

use crate::read::Reader;

/// Number of a type in its [`crate::Btf`]; 0 is `void`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Default)]
pub struct TypeId(pub u32);

impl From<u32> for TypeId {
    fn from(id: u32) -> TypeId {
        TypeId(id)
    }
}

/// One type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// Offset of its name in the strings; 0 when it has none.
    pub name_off: u32,
    /// What it is.
    pub kind: Kind,
}

/// What a type is. Sizes are bytes; numbers and layout are those of `Documentation/bpf/btf.rst`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `void`, type 0.
    Void,
    /// An integer, `char` or `bool`.
    Int {
        /// Bytes it takes.
        size: u32,
        /// Bits of it that count.
        bits: u8,
        /// True when it is signed.
        signed: bool,
        /// True for characters.
        char: bool,
        /// True for `_Bool`.
        bool: bool,
    },
    /// A pointer.
    Ptr(TypeId),
    /// An array.
    Array {
        /// Type of an element.
        element: TypeId,
        /// Number of elements; 0 for a flexible one.
        len: u32,
    },
    /// A structure.
    Struct {
        /// Bytes it takes.
        size: u32,
        /// Its members.
        members: Vec<Member>,
    },
    /// A union.
    Union {
        /// Bytes it takes.
        size: u32,
        /// Its members.
        members: Vec<Member>,
    },
    /// An enumeration of up to 32 or 64 bits.
    Enum {
        /// Bytes it takes.
        size: u32,
        /// True when its values are signed.
        signed: bool,
        /// Its constants.
        values: Vec<EnumValue>,
    },
    /// A structure or union that is named only.
    Fwd {
        /// True for a union.
        union: bool,
    },
    /// Another name.
    Typedef(TypeId),
    /// `volatile`.
    Volatile(TypeId),
    /// `const`.
    Const(TypeId),
    /// `restrict`.
    Restrict(TypeId),
    /// A function.
    Func {
        /// Its prototype.
        proto: TypeId,
        /// 0 static, 1 global, 2 extern.
        linkage: u16,
    },
    /// A prototype.
    FuncProto {
        /// Type of the result.
        ret: TypeId,
        /// Names (offsets) and types of the parameters; a last one of type 0 and no name is `...`.
        params: Vec<(u32, TypeId)>,
    },
    /// A global variable.
    Var {
        /// Its type.
        type_id: TypeId,
        /// 0 static, 1 global, 2 extern.
        linkage: u32,
    },
    /// A section of global variables.
    Datasec {
        /// Bytes it takes.
        size: u32,
        /// Its variables.
        vars: Vec<SectionVar>,
    },
    /// A floating-point number.
    Float {
        /// Bytes it takes.
        size: u32,
    },
    /// A tag on a declaration.
    DeclTag {
        /// What is tagged.
        type_id: TypeId,
        /// Which member or parameter, -1 for the whole.
        component: i32,
    },
    /// A tag on a type.
    TypeTag(TypeId),
}

impl Kind {
    /// The same with other numbers of types and offsets of names.
    pub(crate) fn rewritten(&self, id: &mut impl FnMut(TypeId) -> TypeId, name: &mut impl FnMut(u32) -> u32) -> Kind {
        let mut kind = self.clone();
        match &mut kind {
            Kind::Void | Kind::Int { .. } | Kind::Fwd { .. } | Kind::Float { .. } => {}
            Kind::Ptr(to)
            | Kind::Typedef(to)
            | Kind::Volatile(to)
            | Kind::Const(to)
            | Kind::Restrict(to)
            | Kind::TypeTag(to)
            | Kind::Array { element: to, .. }
            | Kind::Func { proto: to, .. }
            | Kind::Var { type_id: to, .. }
            | Kind::DeclTag { type_id: to, .. } => *to = id(*to),
            Kind::Struct { members, .. } | Kind::Union { members, .. } => {
                for member in members {
                    member.type_id = id(member.type_id);
                    member.name_off = name(member.name_off);
                }
            }
            Kind::Enum { values, .. } => values.iter_mut().for_each(|value| value.name_off = name(value.name_off)),
            Kind::FuncProto { ret, params } => {
                *ret = id(*ret);
                for (text, to) in params {
                    *text = name(*text);
                    *to = id(*to);
                }
            }
            Kind::Datasec { vars, .. } => vars.iter_mut().for_each(|var| var.type_id = id(var.type_id)),
        }
        kind
    }
}

/// A member of a structure or union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Offset of its name; 0 when anonymous.
    pub name_off: u32,
    /// Its type.
    pub type_id: TypeId,
    /// Where it begins, in bits.
    pub bit_offset: u32,
    /// Its width in bits when it is a bit-field, else 0.
    pub bit_size: u8,
}

/// A constant of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumValue {
    /// Offset of its name.
    pub name_off: u32,
    /// Its value; unsigned ones above `i64::MAX` wrap.
    pub value: i64,
}

/// A variable in a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionVar {
    /// Its `VAR`.
    pub type_id: TypeId,
    /// Where it begins in the section, in bytes.
    pub offset: u32,
    /// Bytes it takes.
    pub size: u32,
}

/// Bit of a record's second word whose meaning the kind says.
pub(crate) const KIND_FLAG: u32 = 1 << 31;

/// Reads one type record, `None` when it is cut short or of an unknown kind.
pub(crate) fn read(r: &mut Reader<'_>) -> Option<Type> {
    let name_off = r.u32()?;
    let info = r.u32()?;
    let size_or_type = r.u32()?;
    let count = info & 0xffff;
    let flag = info & KIND_FLAG != 0;
    let type_id = TypeId(size_or_type);
    let size = size_or_type;
    let kind = match (info >> 24) & 0x1f {
        1 => {
            let data = r.u32()?;
            let encoding = (data >> 24) & 0x0f;
            Kind::Int {
                size,
                bits: (data & 0xff) as u8,
                signed: encoding & 1 != 0,
                char: encoding & 2 != 0,
                bool: encoding & 4 != 0,
            }
        }
        2 => Kind::Ptr(type_id),
        3 => {
            let element = TypeId(r.u32()?);
            let _index = r.u32()?;
            Kind::Array { element, len: r.u32()? }
        }
        4 => Kind::Struct { size, members: members(r, count, flag)? },
        5 => Kind::Union { size, members: members(r, count, flag)? },
        6 => {
            let value = |r: &mut Reader<'_>| {
                let name_off = r.u32()?;
                let value = r.u32()?;
                Some(EnumValue { name_off, value: if flag { i64::from(value as i32) } else { i64::from(value) } })
            };
            Kind::Enum { size, signed: flag, values: list(r, count, value)? }
        }
        7 => Kind::Fwd { union: flag },
        8 => Kind::Typedef(type_id),
        9 => Kind::Volatile(type_id),
        10 => Kind::Const(type_id),
        11 => Kind::Restrict(type_id),
        12 => Kind::Func { proto: type_id, linkage: count as u16 },
        13 => Kind::FuncProto { ret: type_id, params: list(r, count, |r| Some((r.u32()?, TypeId(r.u32()?))))? },
        14 => Kind::Var { type_id, linkage: r.u32()? },
        15 => {
            let var =
                |r: &mut Reader<'_>| Some(SectionVar { type_id: TypeId(r.u32()?), offset: r.u32()?, size: r.u32()? });
            Kind::Datasec { size, vars: list(r, count, var)? }
        }
        16 => Kind::Float { size },
        17 => Kind::DeclTag { type_id, component: r.i32()? },
        18 => Kind::TypeTag(type_id),
        19 => {
            let value = |r: &mut Reader<'_>| {
                let name_off = r.u32()?;
                let (low, high) = (u64::from(r.u32()?), u64::from(r.u32()?));
                Some(EnumValue { name_off, value: (low | high << 32) as i64 })
            };
            Kind::Enum { size, signed: flag, values: list(r, count, value)? }
        }
        _ => return None,
    };
    Some(Type { name_off, kind })
}

fn members(r: &mut Reader<'_>, count: u32, flag: bool) -> Option<Vec<Member>> {
    list(r, count, |r| {
        let (name_off, type_id, offset) = (r.u32()?, TypeId(r.u32()?), r.u32()?);
        // With the flag, the upper eight bits are the width of a bit-field.
        let (bit_offset, bit_size) = if flag { (offset & 0x00ff_ffff, (offset >> 24) as u8) } else { (offset, 0) };
        Some(Member { name_off, type_id, bit_offset, bit_size })
    })
}

/// `count` items; `count` is at most 65,535, so a hostile one costs little before the bytes run out.
fn list<T>(r: &mut Reader<'_>, count: u32, item: impl Fn(&mut Reader<'_>) -> Option<T>) -> Option<Vec<T>> {
    (0..count).map(|_| item(r)).collect()
}
