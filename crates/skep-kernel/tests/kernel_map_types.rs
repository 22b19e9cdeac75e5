//! Which maps can be made, and what may be done with them, is what the kernel says. Needs root and the kernel's BTF.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod maker;
mod rejected;

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};

use maker::*;
use rejected::{Attr, bpf, bpf_fd};
use skep_btf::{Btf, Builder, Kind, Member};
use skep_isa::spec::map_type::{self, Entries, Op, Privilege, Row, Shape, Types};
use skep_isa::spec::{MapType, Version, map_flag};
use skep_kernel::feature::kernel_version;

const KEYS: [u32; 24] =
    [0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 64, 260, 261, 264, 265, 512, 513, 1024, 1 << 16, 1 << 20, 1 << 22];
const VALUES: [u32; 39] = [
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    9,
    12,
    16,
    20,
    24,
    32,
    40,
    64,
    1016,
    1024,
    4064,
    4096,
    32_767,
    32_768,
    32_769,
    32_776,
    65_407,
    65_408,
    65_535,
    65_536,
    1 << 20,
    4_194_008,
    4_194_009,
    4_194_024,
    4_194_025,
    4_194_251,
    4_194_252,
    4_194_304,
    4_194_305,
    1 << 31,
    u32::MAX,
];
const ENTRIES: [u32; 14] = [0, 1, 2, 3, 4, 100, 512, 2048, 4095, 4096, 4097, 8192, 12_288, 1 << 14];

/// Numbers of entries to ask about; large ones only where they are over a bound.
fn entries(rule: Entries) -> Vec<u32> {
    match rule {
        Entries::Cpus => vec![0, 1, 2],
        Entries::Zero | Entries::One | Entries::Ring => ENTRIES.to_vec(),
        Entries::Some(max) => {
            let over = max.checked_add(1).into_iter();
            let bound = (max <= 1 << 20).then_some(max);
            ENTRIES.into_iter().chain(over).chain(bound).collect()
        }
    }
}

/// All variations of the smallest map in one number each, and in flags.
fn variations(row: &Row, least: Shape) -> Vec<Shape> {
    let mut all = Vec::new();
    all.extend(KEYS.map(|key_size| Shape { key_size, ..least }));
    all.extend(VALUES.map(|value_size| Shape { value_size, ..least }));
    all.extend(entries(row.entries).into_iter().map(|max_entries| Shape { max_entries, ..least }));
    all.extend([0, 1, 5, 15, 16, 4096, 4097, 1 << 32].map(|extra| Shape { extra, ..least }));
    let with_fd = map_flag::TOKEN_FD | map_flag::VTYPE_BTF_OBJ_FD;
    for bit in (0..32).map(|bit| 1 << bit).filter(|bit| bit & with_fd == 0) {
        for value_size in [least.value_size, 32] {
            all.push(Shape { flags: least.flags | bit, value_size, ..least });
            all.push(Shape { flags: bit, value_size, ..least });
        }
        for other in map_flag::TABLE.iter().map(|flag| flag.value).filter(|other| other & with_fd == 0) {
            all.push(Shape { flags: least.flags | bit | other, ..least });
        }
    }
    all.push(Shape { flags: 0, ..least });
    // Stacks told by build id have sizes of their own.
    let by_build_id = VALUES.map(|value_size| Shape { value_size, flags: map_flag::STACK_BUILD_ID, ..least });
    all.extend(by_build_id);
    all
}

fn here() -> Version {
    kernel_version().expect("a version")
}

/// True for a map that only later kernels than this one make.
fn is_younger(id: MapType, shape: Shape) -> bool {
    let (since, less) = map_type::TRIE_VALUE_GREW;
    let is_large = |row: &Row| matches!(row.value, map_type::Size::Range(_, most) if shape.value_size > most - less);
    let by_flag = map_flag::TABLE.iter().any(|flag| flag.since > here() && shape.flags & flag.value != 0);
    by_flag || (id == MapType::LpmTrie && since > here() && is_large(id.row()))
}

#[test]
fn maps_are_made_and_refused_as_the_rows_say() {
    let maker = Maker::new();
    let (mut asked, mut wrong) = (0, Vec::new());
    for row in rows() {
        let least = maker.smallest(row);
        for shape in variations(row, least) {
            // The one size that only the kernel knows.
            let known = row.id != MapType::StructOps || shape.value_size == maker.table_size;
            let ours = row.id.check(shape);
            let known = known && !is_younger(row.id, shape);
            if (ours.is_ok() && known) != maker.takes(row, shape) {
                wrong.push(format!("{} {shape:x?}: ours {ours:?}", row.name));
            }
            asked += 1;
        }
    }
    println!("{asked} maps asked for");
    assert!(asked > 20_000, "{asked}");
    assert!(wrong.is_empty(), "{} differ: {:#?}", wrong.len(), &wrong[..wrong.len().min(60)]);
}

#[test]
fn types_of_keys_and_values_are_taken_as_the_rows_say() {
    let maker = Maker::new();
    let mut wrong = Vec::new();
    for row in rows().filter(|row| row.types != Types::Kernel) {
        let least = maker.smallest(row);
        let is_struct = row.id == MapType::LpmTrie;
        let key_type = if least.key_size == 0 { 0 } else { 2 };
        let fd = types(least.key_size.max(1), least.value_size.max(1), is_struct);
        let mut attr = maker.attr(row, least);
        if matches!(row.id, MapType::ArrayOfMaps | MapType::HashOfMaps) {
            attr.u32(20, maker.inner.as_raw_fd() as u32);
        }
        attr.u32(48, fd.as_raw_fd() as u32);
        attr.u32(52, key_type);
        attr.u32(56, 4);
        let with = bpf_fd(0, &mut attr).map(|_| ());
        let mut attr = maker.attr(row, least);
        if matches!(row.id, MapType::ArrayOfMaps | MapType::HashOfMaps) {
            attr.u32(20, maker.inner.as_raw_fd() as u32);
        }
        let without = bpf_fd(0, &mut attr).map(|_| ());
        let expected = match row.types {
            Types::Never => (false, true),
            Types::May => (true, true),
            Types::Must => (true, false),
            Types::Kernel => continue,
        };
        if (with.is_ok(), without.is_ok()) != expected {
            wrong.push(format!("{}: {:?}, with {with:?}, without {without:?}", row.name, row.types));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn flags_have_the_kernels_values() {
    let bytes = std::fs::read("/sys/kernel/btf/vmlinux").expect("the kernel's types");
    let btf = Btf::parse(&bytes).expect("types");
    let constants: BTreeMap<&str, i64> = btf
        .types()
        .filter_map(|(_, t)| if let Kind::Enum { values, .. } = &t.kind { Some(values) } else { None })
        .flatten()
        .filter_map(|value| Some((btf.string(value.name_off)?, value.value)))
        .collect();
    let running = skep_kernel::feature::kernel_version().expect("a version");
    let created = map_flag::TABLE.iter().map(|f| (format!("BPF_F_{}", f.name), f.since, u64::from(f.value)));
    let updates = map_flag::UPDATE.iter().map(|f| (f.name.to_owned(), f.since, f.value));
    for (name, since, value) in created.chain(updates).filter(|(_, since, _)| *since <= running) {
        assert_eq!(constants.get(name.as_str()), Some(&(value as i64)), "{name} (since {since})");
    }
}

/// A flag of updates that there is not.
const UNKNOWN: u64 = 8;

/// A descriptor that nobody has, as a value: what wants one says so and nothing else.
const NO_FD: [u8; 4] = [0xff, 0xff, 0xff, 0x7f];

fn value_of(map_type: MapType, size: usize) -> Vec<u8> {
    let wants_fd = matches!(
        map_type,
        MapType::ProgArray
            | MapType::PerfEventArray
            | MapType::CgroupArray
            | MapType::ArrayOfMaps
            | MapType::HashOfMaps
            | MapType::Sockmap
            | MapType::Sockhash
            | MapType::Xskmap
            | MapType::ReuseportSockarray
    );
    let mut value = vec![0; size.max(8) * 64];
    if map_type == MapType::DevmapHash {
        // The loopback device: its values are never none.
        value[0] = 1;
    }
    if wants_fd {
        value[..4].copy_from_slice(&NO_FD);
    }
    value
}

/// Calls one operation on a map.
fn operate(row: &Row, fd: &OwnedFd, shape: Shape, op: Op, flags: u64) -> Result<i64, i32> {
    let mut key = vec![0_u8; shape.key_size.max(8) as usize * 4];
    let mut value = value_of(row.id, shape.value_size as usize);
    let mut next = vec![0_u8; key.len()];
    let mut attr = Attr::new();
    let batch = |attr: &mut Attr, key: *mut u8, value: *mut u8, next: *mut u8| {
        attr.pointer(8, next);
        attr.pointer(16, key);
        attr.pointer(24, value);
        attr.u32(32, 1);
        attr.u32(36, fd.as_raw_fd() as u32);
        attr.u64(40, flags);
    };
    let element = |attr: &mut Attr, key: *mut u8, value: *mut u8| {
        attr.u32(0, fd.as_raw_fd() as u32);
        if shape.key_size != 0 {
            attr.pointer(8, key);
        }
        attr.pointer(16, value);
        attr.u64(24, flags);
    };
    let (key, value, next) = (key.as_mut_ptr(), value.as_mut_ptr(), next.as_mut_ptr());
    let command = match op {
        Op::Lookup => 1,
        Op::Update => 2,
        Op::Delete => 3,
        Op::NextKey => 4,
        Op::Take => 21,
        Op::Freeze => 22,
        Op::LookupBatch => 24,
        Op::TakeBatch => 25,
        Op::UpdateBatch => 26,
        Op::DeleteBatch => 27,
        Op::Mmap => return map(fd),
    };
    match op {
        Op::Freeze => attr.u32(0, fd.as_raw_fd() as u32),
        Op::LookupBatch | Op::TakeBatch | Op::UpdateBatch | Op::DeleteBatch => batch(&mut attr, key, value, next),
        Op::Delete => {
            element(&mut attr, key, std::ptr::null_mut());
        }
        Op::NextKey => element(&mut attr, std::ptr::null_mut(), next),
        _ => element(&mut attr, key, value),
    }
    bpf(command, &mut attr)
}

/// Maps one page of a map, to read.
fn map(fd: &OwnedFd) -> Result<i64, i32> {
    rejected::map_page(fd)
}

#[test]
fn operations_work_where_the_rows_say() {
    let maker = Maker::new();
    let (mut asked, mut wrong) = (0, Vec::new());
    for row in rows() {
        let mut shape = maker.smallest(row);
        if row.id == MapType::Array {
            shape.flags |= map_flag::MMAPABLE;
        }
        for op in map_type::OPS {
            let fd = maker.make(row, shape).unwrap_or_else(|errno| panic!("{}: errno {errno}", row.name));
            let result = operate(row, &fd, shape, op, 0);
            let theirs = !matches!(result, Err(EINVAL | EOPNOTSUPP | ENOTSUPP | ENODEV));
            assert_ne!(result, Err(EPERM), "{} {op:?}: no privilege", row.name);
            // A table of functions that names none is refused for that, and so is the deletion of no socket.
            let unknown = matches!((row.id, op), (MapType::StructOps, Op::Update) | (MapType::Sockmap, Op::Delete));
            if theirs != row.has_op(op, here()) && !unknown {
                wrong.push(format!("{} {op:?}: {result:?}", row.name));
            }
            asked += 1;
        }
    }
    println!("{asked} operations asked for");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn flags_of_updates_work_where_the_rows_say() {
    let maker = Maker::new();
    let mut wrong = Vec::new();
    for row in rows().filter(|row| row.ops.contains(&Op::Update) && row.id != MapType::StructOps) {
        let shape = maker.smallest(row);
        for flag in [map_flag::ANY, map_flag::NOEXIST, map_flag::EXIST, UNKNOWN] {
            let fd = maker.make(row, shape).unwrap_or_else(|errno| panic!("{}: errno {errno}", row.name));
            let result = operate(row, &fd, shape, Op::Update, flag);
            // Where all entries are there from the start, no new one is ever made.
            let theirs = match flag {
                UNKNOWN => result.is_ok(),
                _ => !matches!(result, Err(EINVAL | EEXIST)),
            };
            if theirs != row.update.contains(&flag) {
                wrong.push(format!("{} {flag}: {result:?}", row.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Types for a value of 8 bytes that begins with a lock, and for a key: 1 and 4 are their numbers.
fn locked_types(key_size: u32) -> OwnedFd {
    let mut builder = Builder::new();
    let int = |size: u32| Kind::Int { size, bits: (size * 8) as u8, signed: false, char: false, bool: false };
    builder.add("key", int(key_size));
    let number = builder.add("unsigned int", int(4));
    let member = |builder: &mut Builder, name, type_id, bytes: u32| {
        let name_off = builder.string(name);
        Member { name_off, type_id, bit_offset: bytes * 8, bit_size: 0 }
    };
    let val = member(&mut builder, "val", number, 0);
    let lock = builder.add("bpf_spin_lock", Kind::Struct { size: 4, members: vec![val] });
    let members = vec![member(&mut builder, "lock", lock, 0), member(&mut builder, "rest", number, 4)];
    builder.add("value", Kind::Struct { size: 8, members });
    load_types(&builder)
}

#[test]
fn values_are_locked_for_an_update_where_the_rows_say() {
    let maker = Maker::new();
    let (mut locked, mut wrong) = (0, Vec::new());
    for row in rows().filter(|row| matches!(row.types, Types::May | Types::Must)) {
        let least = maker.smallest(row);
        let shape = Shape { key_size: if row.key.takes(4) { 4 } else { least.key_size }, value_size: 8, ..least };
        let types = locked_types(shape.key_size.max(4));
        let mut attr = maker.attr(row, shape);
        attr.u32(48, types.as_raw_fd() as u32);
        attr.u32(52, u32::from(shape.key_size != 0));
        attr.u32(56, 4);
        let result = bpf_fd(0, &mut attr).and_then(|fd| operate(row, &fd, shape, Op::Update, map_flag::LOCK));
        let theirs = !matches!(result, Err(EINVAL | EOPNOTSUPP | ENOTSUPP | E2BIG));
        if theirs != row.update.contains(&map_flag::LOCK) {
            wrong.push(format!("{}: {result:?}", row.name));
        }
        locked += u32::from(theirs);
    }
    assert!(locked > 0 && wrong.is_empty(), "{locked} locked, {wrong:#?}");
}

#[test]
fn with_cap_bpf_alone_those_maps_are_made_that_need_no_more() {
    let checked = std::thread::spawn(|| {
        let maker = Maker::new();
        rejected::keep_cap_bpf_alone();
        let mut wrong = Vec::new();
        for row in rows() {
            let made = maker.make(row, maker.smallest(row)).map(|_| ());
            let expected = if row.privilege == Privilege::NetAdmin { Err(EPERM) } else { Ok(()) };
            if made != expected {
                wrong.push(format!("{}: {made:?}", row.name));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
    if let Err(panic) = checked.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn inner_maps_are_those_the_rows_say() {
    let maker = Maker::new();
    let outer = MapType::ArrayOfMaps.row();
    let mut wrong = Vec::new();
    for row in rows() {
        let inner = maker.make(row, maker.smallest(row)).expect(row.name);
        let mut attr = maker.attr(outer, maker.smallest(outer));
        attr.u32(20, inner.as_raw_fd() as u32);
        let made = bpf_fd(0, &mut attr).map(|_| ());
        if made.is_ok() != row.inner {
            wrong.push(format!("{}: {made:?}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
