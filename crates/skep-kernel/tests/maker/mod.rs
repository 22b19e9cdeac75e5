//! Makes the maps of the rows, with the types and inner maps that some come with.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::os::fd::{AsRawFd, OwnedFd};

use skep_btf::{Btf, Builder, Kind, Member};
use skep_isa::Insn;
use skep_isa::insn::{LD_IMM64, PSEUDO_MAP_FD};
use skep_isa::spec::MapType;
use skep_isa::spec::map_type::{self, Row, Shape, Types};

use crate::rejected::{Attr, bpf_fd};

pub(crate) const EPERM: i32 = 1;
pub(crate) const E2BIG: i32 = 7;
pub(crate) const EEXIST: i32 = 17;
pub(crate) const ENODEV: i32 = 19;
pub(crate) const EINVAL: i32 = 22;
pub(crate) const ERANGE: i32 = 34;
pub(crate) const EOPNOTSUPP: i32 = 95;
pub(crate) const ENOTSUPP: i32 = 524;

/// The rows this kernel has, but the one that names no type.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    let running = skep_kernel::feature::kernel_version().expect("a version");
    map_type::TABLE.iter().filter(move |row| row.since <= running && row.id != MapType::Unspec)
}

/// What maps of some types come with.
pub(crate) struct Maker {
    pub(crate) inner: OwnedFd,
    table: u32,
    pub(crate) table_size: u32,
    plain_types: OwnedFd,
}

/// Types for a key and a value of these sizes: 2 and 4 are their numbers.
pub(crate) fn types(key_size: u32, value_size: u32, key_is_struct: bool) -> OwnedFd {
    let mut builder = Builder::new();
    let char_name = "char";
    let char = builder.add(char_name, Kind::Int { size: 1, bits: 8, signed: false, char: false, bool: false });
    if key_is_struct {
        builder.add("key", Kind::Struct { size: key_size, members: Vec::new() });
    } else {
        let bits = (key_size * 8) as u8;
        builder.add("key", Kind::Int { size: key_size, bits, signed: false, char: false, bool: false });
    }
    let array = builder.add("", Kind::Array { element: char, len: value_size });
    let name_off = builder.string("bytes");
    let members = vec![Member { name_off, type_id: array, bit_offset: 0, bit_size: 0 }];
    builder.add("value", Kind::Struct { size: value_size, members });
    load_types(&builder)
}

pub(crate) fn load_types(builder: &Builder) -> OwnedFd {
    let bytes = builder.encode().expect("small");
    let mut attr = Attr::new();
    attr.pointer(0, bytes.as_ptr());
    attr.u32(16, bytes.len() as u32);
    bpf_fd(18, &mut attr).unwrap_or_else(|errno| panic!("types: errno {errno}"))
}

impl Maker {
    pub(crate) fn new() -> Maker {
        let bytes = std::fs::read("/sys/kernel/btf/vmlinux").expect("the kernel's types");
        let btf = Btf::parse(&bytes).expect("types");
        let is_struct = |k: &Kind| matches!(k, Kind::Struct { .. });
        let table = btf.find("bpf_struct_ops_tcp_congestion_ops", is_struct).expect("a table");
        let mut attr = Attr::new();
        for (at, value) in [(0, MapType::Array.id()), (4, 4), (8, 4), (12, 1)] {
            attr.u32(at, value);
        }
        Maker {
            inner: bpf_fd(0, &mut attr).expect("an array"),
            table: table.0,
            table_size: btf.size_of(table).expect("a size") as u32,
            plain_types: types(4, 4, false),
        }
    }

    /// The smallest map there can be.
    pub(crate) fn smallest(&self, row: &Row) -> Shape {
        let table = Shape { key_size: 4, value_size: self.table_size, max_entries: 1, ..Default::default() };
        row.id.smallest().unwrap_or(table)
    }

    pub(crate) fn attr(&self, row: &Row, shape: Shape) -> Attr {
        let mut attr = Attr::new();
        for (at, value) in
            [(0, row.id.id()), (4, shape.key_size), (8, shape.value_size), (12, shape.max_entries), (16, shape.flags)]
        {
            attr.u32(at, value);
        }
        attr.u64(64, shape.extra);
        attr
    }

    pub(crate) fn make(&self, row: &Row, shape: Shape) -> Result<OwnedFd, i32> {
        let mut attr = self.attr(row, shape);
        if matches!(row.id, MapType::ArrayOfMaps | MapType::HashOfMaps) {
            attr.u32(20, self.inner.as_raw_fd() as u32);
        }
        let own;
        match row.types {
            Types::Must => {
                // Sizes that no type can have are refused before types are looked at.
                own = types(4, shape.value_size.clamp(1, 1 << 24), false);
                attr.u32(48, own.as_raw_fd() as u32);
                attr.u32(52, 2);
                attr.u32(56, 4);
            }
            Types::Kernel => {
                attr.u32(48, self.plain_types.as_raw_fd() as u32);
                attr.u32(60, self.table);
            }
            Types::Never | Types::May => {}
        }
        bpf_fd(0, &mut attr)
    }

    /// Whether the kernel takes it; that it has no memory for it just now is no answer.
    pub(crate) fn takes(&self, row: &Row, shape: Shape) -> bool {
        match self.make(row, shape) {
            Ok(_) => true,
            Err(EINVAL | E2BIG | ERANGE | ENOTSUPP | EOPNOTSUPP) => false,
            Err(errno) => panic!("{}: {shape:?}: errno {errno}", row.name),
        }
    }
}

/// Both slots of the load of a map.
pub(crate) fn load_map(dst: u8, fd: &OwnedFd) -> [Insn; 2] {
    [Insn::new(LD_IMM64, dst, PSEUDO_MAP_FD, 0, fd.as_raw_fd()), Insn::default()]
}

/// The smallest map that programs can use.
pub(crate) fn used(maker: &Maker, row: &Row) -> OwnedFd {
    let mut shape = maker.smallest(row);
    if row.id == MapType::Arena {
        // Programs need its address in user space.
        shape.extra = 1 << 32;
    }
    maker.make(row, shape).unwrap_or_else(|errno| panic!("{}: errno {errno}", row.name))
}
