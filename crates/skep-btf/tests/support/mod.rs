//! What the tests share: type information made by hand.
#![allow(dead_code, reason = "each test uses its own part")]

use skep_btf::{Btf, TypeId};

/// Encoded types, one after the other; the first gets number 1.
#[derive(Default)]
pub(crate) struct Types {
    strings: Vec<u8>,
    records: Vec<u8>,
    count: u32,
}

/// Kinds of types, as they are encoded.
pub(crate) mod kind {
    pub(crate) const INT: u32 = 1;
    pub(crate) const PTR: u32 = 2;
    pub(crate) const ARRAY: u32 = 3;
    pub(crate) const STRUCT: u32 = 4;
    pub(crate) const UNION: u32 = 5;
    pub(crate) const ENUM: u32 = 6;
    pub(crate) const FWD: u32 = 7;
    pub(crate) const TYPEDEF: u32 = 8;
    pub(crate) const VOLATILE: u32 = 9;
    pub(crate) const CONST: u32 = 10;
    pub(crate) const RESTRICT: u32 = 11;
    pub(crate) const FUNC: u32 = 12;
    pub(crate) const FUNC_PROTO: u32 = 13;
    pub(crate) const VAR: u32 = 14;
    pub(crate) const DATASEC: u32 = 15;
    pub(crate) const FLOAT: u32 = 16;
    pub(crate) const DECL_TAG: u32 = 17;
    pub(crate) const TYPE_TAG: u32 = 18;
    pub(crate) const ENUM64: u32 = 19;
}

/// Of an integer's encoding.
pub(crate) const SIGNED: u32 = 1;
pub(crate) const CHAR: u32 = 2;
pub(crate) const BOOL: u32 = 4;

impl Types {
    /// The offset of a string; 0 for none.
    pub(crate) fn string(&mut self, text: impl AsRef<[u8]>) -> u32 {
        let text = text.as_ref();
        if self.strings.is_empty() {
            self.strings.push(0);
        }
        if text.is_empty() {
            return 0;
        }
        let at = self.strings.len() as u32;
        self.strings.extend(text);
        self.strings.push(0);
        at
    }

    /// A record: its count of items, its flag, its size or type, and the words that follow.
    pub(crate) fn add(&mut self, name: &str, kind: u32, count: u32, flag: bool, size: u32, rest: &[u32]) -> TypeId {
        let name = self.string(name);
        let words = [name, (u32::from(flag) << 31) | (kind << 24) | count, size];
        self.records.extend(words.iter().chain(rest).flat_map(|word| word.to_le_bytes()));
        self.count += 1;
        TypeId(self.count)
    }

    pub(crate) fn int(&mut self, name: &str, size: u32, encoding: u32) -> TypeId {
        self.add(name, kind::INT, 0, false, size, &[(encoding << 24) | (size * 8)])
    }

    /// A type that only leads to another: a pointer, typedef or qualifier.
    pub(crate) fn to(&mut self, kind: u32, name: &str, to: TypeId) -> TypeId {
        self.add(name, kind, 0, false, to.0, &[])
    }

    pub(crate) fn array(&mut self, element: TypeId, len: u32) -> TypeId {
        self.add("", kind::ARRAY, 0, false, 0, &[element.0, element.0, len])
    }

    /// A structure or union of members with their names, types and bytes where they begin.
    pub(crate) fn composite(&mut self, kind: u32, name: &str, size: u32, members: &[(&str, TypeId, u32)]) -> TypeId {
        let words: Vec<u32> = members.iter().flat_map(|(n, t, at)| [self.string(n), t.0, at * 8]).collect();
        self.add(name, kind, members.len() as u32, false, size, &words)
    }

    pub(crate) fn structure(&mut self, name: &str, size: u32, members: &[(&str, TypeId, u32)]) -> TypeId {
        self.composite(kind::STRUCT, name, size, members)
    }

    /// A structure of members with their names, types, first bits and widths.
    pub(crate) fn bits(&mut self, size: u32, members: &[(&str, TypeId, u32, u32)]) -> TypeId {
        let words: Vec<u32> = members.iter().flat_map(|(n, t, at, w)| [self.string(n), t.0, (w << 24) | at]).collect();
        self.add("bits", kind::STRUCT, members.len() as u32, true, size, &words)
    }

    /// A global variable.
    pub(crate) fn var(&mut self, name: &str, of: TypeId, linkage: u32) -> TypeId {
        self.add(name, kind::VAR, 0, false, of.0, &[linkage])
    }

    /// A section of variables with their types, offsets and sizes.
    pub(crate) fn section(&mut self, name: &str, size: u32, vars: &[(TypeId, u32, u32)]) -> TypeId {
        let words: Vec<u32> = vars.iter().flat_map(|(t, at, len)| [t.0, *at, *len]).collect();
        self.add(name, kind::DATASEC, vars.len() as u32, false, size, &words)
    }

    /// A tag on a declaration (`component` -1) or one of its members.
    pub(crate) fn tag(&mut self, text: &str, of: TypeId, component: i32) -> TypeId {
        self.add(text, kind::DECL_TAG, 0, false, of.0, &[component as u32])
    }

    /// The encoded form.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (types, strings) = (self.records.len() as u32, self.strings.len() as u32);
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        bytes.extend([24, 0, types, types, strings].iter().flat_map(|word: &u32| word.to_le_bytes()));
        bytes.extend(&self.records);
        bytes.extend(&self.strings);
        bytes
    }

    pub(crate) fn btf(&self) -> Btf {
        Btf::parse(&self.bytes()).expect("well made")
    }
}
