//! One field of a context: where it is, what it holds, how wide it is accessed and by whom.

use crate::spec::{AttachType as A, ProgType as P, Version};

/// What a load of a field gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A number.
    Scalar,
    /// A pointer to the first byte of the packet, message or option.
    Packet,
    /// A pointer behind its last byte.
    PacketEnd,
    /// A pointer to the first byte of the metadata in front of the packet.
    PacketMeta,
    /// A pointer to a `bpf_sock`.
    Socket,
    /// A pointer to a `bpf_sock`, or null.
    SocketOrNull,
    /// A pointer to the part of a `bpf_sock` that every kind of socket has, or null.
    SockCommonOrNull,
    /// A pointer to `bpf_flow_keys`.
    FlowKeys,
    /// A pointer to the bytes of a writable tracepoint.
    Buffer,
    /// A pointer to a struct of the kernel, by its name.
    Typed(&'static str),
    /// What the attached function's prototype says of this argument: a number or a typed pointer.
    Argument,
}

impl Kind {
    /// True for pointers into the packet, to its end and to its metadata.
    pub const fn is_packet(self) -> bool {
        matches!(self, Kind::Packet | Kind::PacketEnd | Kind::PacketMeta)
    }

    /// The kind in words.
    pub fn words(self) -> String {
        match self {
            Kind::Scalar => "number".into(),
            Kind::Packet => "packet".into(),
            Kind::PacketEnd => "packet end".into(),
            Kind::PacketMeta => "packet metadata".into(),
            Kind::Socket => "socket".into(),
            Kind::SocketOrNull => "socket or null".into(),
            Kind::SockCommonOrNull => "common part of a socket or null".into(),
            Kind::FlowKeys => "flow keys".into(),
            Kind::Buffer => "buffer".into(),
            Kind::Typed(name) => format!("pointer to {name}"),
            Kind::Argument => "argument of the function".into(),
        }
    }
}

/// How many bytes of a field one instruction may access. Every access is aligned to its own size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// One whole element.
    Whole,
    /// An element or any part of it.
    Part,
    /// An element or its first bytes.
    Head,
    /// An element, a part of it, or four bytes from its start.
    PartOrFour,
    /// An element or half of it.
    WholeOrHalf,
    /// Any size that ends inside the field.
    Inside,
    /// One element, or two that end inside the field.
    WholeOrPair,
    /// Any size that begins inside the field.
    Begins,
    /// At a multiple of the element's size, an element or its first bytes.
    Slot,
    /// Eight bytes at the start; four anywhere else.
    EightThenFour,
    /// A part of an element that does not begin where the field begins.
    Tail,
}

impl Width {
    /// True where `size` bytes may be accessed `inside` bytes behind the field's start.
    pub(super) const fn fits(self, field: &Field, inside: u32, size: u32) -> bool {
        let unit = field.unit as u32;
        match self {
            Width::Whole => size == unit,
            Width::Part => size <= unit,
            Width::Head => size == unit || (size < unit && inside == 0),
            Width::PartOrFour => size <= unit || (size == 4 && inside == 0),
            Width::WholeOrHalf => size == unit || size * 2 == unit,
            Width::Inside => inside + size <= field.size as u32,
            Width::WholeOrPair => size == unit || (size == 2 * unit && inside + size <= field.size as u32),
            Width::Begins => true,
            Width::Slot => inside.is_multiple_of(unit) && size <= unit,
            Width::EightThenFour => size == if inside == 0 { 8 } else { 4 },
            Width::Tail => size < unit && inside != 0,
        }
    }

    /// The sizes in words, for an element of `unit` bytes.
    pub fn words(self, unit: u8) -> String {
        let part = |unit: u8| {
            let sizes = [1, 2, 4, 8].into_iter().filter(|size| *size <= unit);
            sizes.map(|size: u8| size.to_string()).collect::<Vec<_>>().join(", ")
        };
        match self {
            Width::Whole => unit.to_string(),
            Width::Part | Width::Slot => part(unit),
            Width::Head => format!("{} at its start", part(unit)),
            Width::PartOrFour => format!("{}, 4", part(unit)),
            Width::WholeOrHalf => format!("{}, {unit}", unit / 2),
            Width::Inside | Width::Begins => part(8),
            Width::WholeOrPair => format!("{unit}, {}", unit * 2),
            Width::EightThenFour => "8, or 4 behind its start".into(),
            Width::Tail => format!("{} behind its start", part(unit / 2)),
        }
    }
}

/// Which of the context's programs may do something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// None.
    Nobody,
    /// All that get the context.
    All,
    /// Programs of these types.
    Types(&'static [P]),
    /// Programs loaded for these attach types.
    Attach(&'static [A]),
}

impl Who {
    /// True where it has such programs.
    pub const fn has(self, prog_type: P, attach: Option<A>) -> bool {
        match (self, attach) {
            (Who::Nobody, _) | (Who::Attach(_), None) => false,
            (Who::All, _) => true,
            (Who::Types(types), _) => contains(types, prog_type),
            (Who::Attach(types), Some(attach)) => {
                let mut at = 0;
                while at < types.len() && types[at] as u32 != attach as u32 {
                    at += 1;
                }
                at < types.len()
            }
        }
    }
}

/// True where the type is one of them.
pub(super) const fn contains(types: &[P], prog_type: P) -> bool {
    let mut at = 0;
    while at < types.len() && types[at] as u32 != prog_type as u32 {
        at += 1;
    }
    at < types.len()
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in the struct; several words where the kernel has none for it.
    pub name: &'static str,
    /// Offset in bytes.
    pub offset: u16,
    /// Size in bytes, all elements together.
    pub size: u16,
    /// Size of an element in bytes; the field's own where it is no array.
    pub unit: u8,
    /// Its type in C, an element's where it is an array.
    pub c_type: &'static str,
    /// What a load gives.
    pub kind: Kind,
    /// First kernel that has it.
    pub since: Version,
    /// Sizes of loads.
    pub load: Width,
    /// Sizes of stores.
    pub store: Width,
    /// Who may load it.
    pub read: Who,
    /// Who may store to it.
    pub write: Who,
    /// First kernel that lets somebody store to it, where that came later than the field.
    pub write_since: Option<Version>,
    /// Program types that may load it with `CAP_BPF` only.
    pub read_cap_bpf: &'static [P],
    /// Program types that may store to it with `CAP_BPF` only.
    pub write_cap_bpf: &'static [P],
}

/// A type in C: its name and its size.
#[derive(Clone, Copy)]
pub(super) struct Type(pub &'static str, pub u8);

pub(super) const U8: Type = Type("__u8", 1);
pub(super) const U16: Type = Type("__u16", 2);
pub(super) const U32: Type = Type("__u32", 4);
pub(super) const U64: Type = Type("__u64", 8);
pub(super) const S32: Type = Type("__s32", 4);
pub(super) const BE16: Type = Type("__be16", 2);
pub(super) const BE32: Type = Type("__be32", 4);
pub(super) const VOID_PTR: Type = Type("void *", 8);
pub(super) const SOCK_PTR: Type = Type("struct bpf_sock *", 8);

/// A number that everybody may load whole and nobody may store to.
pub(super) const fn row(offset: u16, name: &'static str, c_type: Type, since: Version) -> Field {
    Field {
        name,
        offset,
        size: c_type.1 as u16,
        unit: c_type.1,
        c_type: c_type.0,
        kind: Kind::Scalar,
        since,
        load: Width::Whole,
        store: Width::Whole,
        read: Who::All,
        write: Who::Nobody,
        write_since: None,
        read_cap_bpf: &[],
        write_cap_bpf: &[],
    }
}

impl Field {
    /// The same field as an array.
    pub(super) const fn times(mut self, count: u16) -> Field {
        self.size = self.unit as u16 * count;
        self
    }

    /// The same field, loaded in these sizes.
    pub(super) const fn load(mut self, width: Width) -> Field {
        self.load = width;
        self
    }

    /// The same field, loaded in parts too.
    pub(super) const fn part(self) -> Field {
        self.load(Width::Part)
    }

    /// The same field, loaded and stored to in these sizes.
    pub(super) const fn width(mut self, width: Width) -> Field {
        self.store = width;
        self.load(width)
    }

    /// The same field, stored to in these sizes.
    pub(super) const fn store(mut self, width: Width) -> Field {
        self.store = width;
        self
    }

    /// The same field, holding this.
    pub(super) const fn kind(mut self, kind: Kind) -> Field {
        self.kind = kind;
        self
    }

    /// The same field, loaded by these.
    pub(super) const fn read(mut self, who: Who) -> Field {
        self.read = who;
        self
    }

    /// The same field, stored to by these.
    pub(super) const fn write(mut self, who: Who) -> Field {
        self.write = who;
        self
    }

    /// The same field, stored to since this kernel only.
    pub(super) const fn write_since(mut self, version: Version) -> Field {
        self.write_since = Some(version);
        self
    }

    /// The same field, loaded by these with `CAP_BPF` only.
    pub(super) const fn read_cap_bpf(mut self, types: &'static [P]) -> Field {
        self.read_cap_bpf = types;
        self
    }

    /// The same field, stored to by these with `CAP_BPF` only.
    pub(super) const fn write_cap_bpf(mut self, types: &'static [P]) -> Field {
        self.write_cap_bpf = types;
        self
    }

    /// Its type in C with the number of its elements.
    pub fn spelled(&self) -> String {
        match u16::from(self.unit) {
            unit if unit == self.size => self.c_type.into(),
            unit => format!("{}[{}]", self.c_type, self.size / unit),
        }
    }

    /// True where the byte at `offset` is one of its own.
    pub(super) const fn holds(&self, offset: u32) -> bool {
        offset >= self.offset as u32 && offset - (self.offset as u32) < self.size as u32
    }
}
