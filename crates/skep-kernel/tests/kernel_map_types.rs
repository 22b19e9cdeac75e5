//! Which maps can be made, and what may be done with them, is what the kernel says. Needs root and the kernel's BTF.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod rejected;

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};

use rejected::{Answer, Attr, Shape as Load, ask, bpf, bpf_fd, load};
use skep_btf::{Btf, Builder, Kind, Member};
use skep_isa::Insn;
use skep_isa::insn::{CALL, LD_IMM64, PSEUDO_MAP_FD};
use skep_isa::spec::map_type::{self, Entries, Op, Privilege, Row, Shape, Types};
use skep_isa::spec::{AttachType, MapType, ProgType, helper, map_flag};

const EPERM: i32 = 1;
const E2BIG: i32 = 7;
const EEXIST: i32 = 17;
const ENODEV: i32 = 19;
const EINVAL: i32 = 22;
const ERANGE: i32 = 34;
const EOPNOTSUPP: i32 = 95;
const ENOTSUPP: i32 = 524;

/// The rows this kernel has, but the one that names no type.
fn rows() -> impl Iterator<Item = &'static Row> {
    let running = skep_kernel::feature::kernel_version().expect("a version");
    map_type::TABLE.iter().filter(move |row| row.since <= running && row.id != MapType::Unspec)
}

/// What maps of some types come with.
struct Maker {
    inner: OwnedFd,
    table: u32,
    table_size: u32,
    plain_types: OwnedFd,
}

/// Types for a key and a value of these sizes: 2 and 4 are their numbers.
fn types(key_size: u32, value_size: u32, key_is_struct: bool) -> OwnedFd {
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

fn load_types(builder: &Builder) -> OwnedFd {
    let bytes = builder.encode().expect("small");
    let mut attr = Attr::new();
    attr.pointer(0, bytes.as_ptr());
    attr.u32(16, bytes.len() as u32);
    bpf_fd(18, &mut attr).unwrap_or_else(|errno| panic!("types: errno {errno}"))
}

impl Maker {
    fn new() -> Maker {
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
    fn smallest(&self, row: &Row) -> Shape {
        let table = Shape { key_size: 4, value_size: self.table_size, max_entries: 1, ..Default::default() };
        row.id.smallest().unwrap_or(table)
    }

    fn attr(&self, row: &Row, shape: Shape) -> Attr {
        let mut attr = Attr::new();
        for (at, value) in
            [(0, row.id.id()), (4, shape.key_size), (8, shape.value_size), (12, shape.max_entries), (16, shape.flags)]
        {
            attr.u32(at, value);
        }
        attr.u64(64, shape.extra);
        attr
    }

    fn make(&self, row: &Row, shape: Shape) -> Result<OwnedFd, i32> {
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
    fn takes(&self, row: &Row, shape: Shape) -> bool {
        match self.make(row, shape) {
            Ok(_) => true,
            Err(EINVAL | E2BIG | ERANGE | ENOTSUPP | EOPNOTSUPP) => false,
            Err(errno) => panic!("{}: {shape:?}: errno {errno}", row.name),
        }
    }
}

const KEYS: [u32; 24] =
    [0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 64, 260, 261, 264, 265, 512, 513, 1024, 1 << 16, 1 << 20, 1 << 22];
const VALUES: [u32; 37] = [
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
            if theirs != row.ops.contains(&op) && !unknown {
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

/// Both slots of the load of a map.
fn load_map(dst: u8, fd: &OwnedFd) -> [Insn; 2] {
    [Insn::new(LD_IMM64, dst, PSEUDO_MAP_FD, 0, fd.as_raw_fd()), Insn::default()]
}

/// The smallest map that programs can use.
fn used(maker: &Maker, row: &Row) -> OwnedFd {
    let mut shape = maker.smallest(row);
    if row.id == MapType::Arena {
        // Programs need its address in user space.
        shape.extra = 1 << 32;
    }
    maker.make(row, shape).unwrap_or_else(|errno| panic!("{}: errno {errno}", row.name))
}

#[test]
fn programs_and_those_that_sleep_use_the_maps_the_rows_say() {
    let maker = Maker::new();
    let mut wrong = Vec::new();
    for row in rows() {
        let fd = used(&maker, row);
        let awake = ask(Load::new(ProgType::CgroupSkb, Some(AttachType::CgroupInetIngress)), &load_map(2, &fd));
        let asleep = ask(Load::new(ProgType::Syscall, None), &load_map(2, &fd));
        if (awake == Answer::Allowed) != row.in_programs || (asleep == Answer::Allowed) != row.sleepable {
            wrong.push(format!("{}: {awake:?}, {asleep:?}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// An argument of a helper.
#[derive(Clone, Copy, PartialEq)]
enum Arg {
    /// The context.
    Ctx,
    /// The map.
    Map,
    /// Memory on the stack that was written.
    Memory,
    /// A place on the stack for a dynptr.
    Dynptr,
    /// A number.
    Number(i32),
    /// The socket of the context, at this offset.
    Socket(i16),
    /// The current task.
    Task,
}

/// Helpers that take a map: a program type that has it, and arguments it takes with a map that fits.
const CALLS: &[(&str, ProgType, Option<AttachType>, &[Arg])] = {
    use Arg::*;
    use ProgType as P;
    let tc = P::SchedCls;
    &[
        ("map_lookup_elem", tc, None, &[Map, Memory]),
        ("map_update_elem", tc, None, &[Map, Memory, Memory, Number(0)]),
        ("map_update_elem", P::SkReuseport, None, &[Map, Memory, Socket(40), Number(0)]),
        ("map_delete_elem", tc, None, &[Map, Memory]),
        ("tail_call", tc, None, &[Ctx, Map, Number(0)]),
        ("perf_event_read", P::Kprobe, None, &[Map, Number(0)]),
        ("perf_event_output", tc, None, &[Ctx, Map, Number(0), Memory, Number(8)]),
        ("get_stackid", P::Kprobe, None, &[Ctx, Map, Number(0)]),
        ("skb_under_cgroup", tc, None, &[Ctx, Map, Number(0)]),
        ("current_task_under_cgroup", P::Kprobe, None, &[Map, Number(0)]),
        ("redirect_map", P::Xdp, None, &[Map, Number(0), Number(0)]),
        ("sk_redirect_map", P::SkSkb, None, &[Ctx, Map, Number(0), Number(0)]),
        ("sock_map_update", P::SockOps, None, &[Ctx, Map, Memory, Number(0)]),
        ("perf_event_read_value", P::Kprobe, None, &[Map, Number(0), Memory, Number(24)]),
        ("msg_redirect_map", P::SkMsg, None, &[Ctx, Map, Number(0), Number(0)]),
        ("sock_hash_update", P::SockOps, None, &[Ctx, Map, Memory, Number(0)]),
        ("msg_redirect_hash", P::SkMsg, None, &[Ctx, Map, Memory, Number(0)]),
        ("sk_redirect_hash", P::SkSkb, None, &[Ctx, Map, Memory, Number(0)]),
        ("get_local_storage", P::CgroupSkb, Some(AttachType::CgroupInetIngress), &[Map, Number(0)]),
        ("sk_select_reuseport", P::SkReuseport, None, &[Ctx, Map, Memory, Number(0)]),
        ("map_push_elem", tc, None, &[Map, Memory, Number(0)]),
        ("map_pop_elem", tc, None, &[Map, Memory]),
        ("map_peek_elem", tc, None, &[Map, Memory]),
        (
            "sk_storage_get",
            P::CgroupSockopt,
            Some(AttachType::CgroupGetsockopt),
            &[Map, Socket(0), Number(0), Number(0)],
        ),
        ("sk_storage_delete", P::CgroupSockopt, Some(AttachType::CgroupGetsockopt), &[Map, Socket(0)]),
        ("ringbuf_output", tc, None, &[Map, Memory, Number(8), Number(0)]),
        ("ringbuf_reserve", tc, None, &[Map, Number(8), Number(0)]),
        ("ringbuf_query", tc, None, &[Map, Number(0)]),
        ("ringbuf_reserve_dynptr", tc, None, &[Map, Number(8), Number(0), Dynptr]),
        ("task_storage_get", P::Kprobe, None, &[Map, Task, Number(0), Number(0)]),
        ("task_storage_delete", P::Kprobe, None, &[Map, Task]),
        ("map_lookup_percpu_elem", tc, None, &[Map, Memory, Number(0)]),
    ]
};

/// Helpers in rows that are not asked about, and why.
const NOT_ASKED: &[(&str, &str)] = &[
    ("for_each_map_elem", "a callback must come with types of functions"),
    ("user_ringbuf_drain", "a callback must come with types of functions"),
    ("timer_init", "a value with a timer among its types is needed"),
    ("skb_output", "a tracepoint with a packet is needed"),
    ("xdp_output", "a tracepoint with a frame is needed"),
    ("inode_storage_get", "an argument of a security hook is needed"),
    ("inode_storage_delete", "an argument of a security hook is needed"),
    ("cgrp_storage_get", "a pointer to a cgroup is needed"),
    ("cgrp_storage_delete", "a pointer to a cgroup is needed"),
];

/// The call: the context saved in `r6`, memory written, arguments put in their registers.
fn question(name: &str, args: &[Arg], fd: &OwnedFd) -> Vec<Insn> {
    let id = helper::named(name).unwrap_or_else(|| panic!("{name} is no helper")).id;
    let mov = |dst, src| Insn::new(0xbf, dst, src, 0, 0);
    let mut code = vec![mov(6, 1), Insn::new(0xb7, 0, 0, 0, 0)];
    code.extend((1..=40).map(|slot| Insn::new(0x7b, 10, 0, -8 * slot, 0)));
    if args.contains(&Arg::Task) {
        code.push(Insn::new(CALL, 0, 0, 0, 158));
        code.push(mov(7, 0));
    }
    for (register, arg) in (1..).zip(args) {
        match arg {
            Arg::Ctx => code.push(mov(register, 6)),
            Arg::Map => code.extend(load_map(register, fd)),
            Arg::Memory => code.extend([mov(register, 10), Insn::new(0x07, register, 0, 0, -320)]),
            Arg::Dynptr => code.extend([mov(register, 10), Insn::new(0x07, register, 0, 0, -336)]),
            Arg::Number(number) => code.push(Insn::new(0xb7, register, 0, 0, *number)),
            Arg::Socket(offset) => code.push(load(8, register, 6, *offset)),
            Arg::Task => code.push(mov(register, 7)),
        }
    }
    code.push(Insn::new(CALL, 0, 0, 0, id as i32));
    code
}

#[test]
fn helpers_take_the_map_types_the_rows_say() {
    let maker = Maker::new();
    let maps: Vec<_> = rows().filter(|row| row.in_programs).map(|row| (row, used(&maker, row))).collect();
    let (mut asked, mut wrong) = (0, Vec::new());
    // A helper whose arguments depend on the map stands in several calls.
    let mut answers: BTreeMap<(&str, MapType), Vec<Answer>> = BTreeMap::new();
    for (name, prog_type, attach, args) in CALLS {
        let mut taken = 0;
        for (row, fd) in &maps {
            let answer = ask(Load::new(*prog_type, *attach), &question(name, args, fd));
            assert!(!matches!(answer, Answer::Silent(_)), "{name}: {answer:?}");
            taken += u32::from(answer == Answer::Allowed);
            answers.entry((name, row.id)).or_default().push(answer);
            asked += 1;
        }
        assert_ne!(taken, 0, "{name} of {prog_type} takes no map at all");
    }
    for ((name, map_type), answers) in answers {
        if answers.contains(&Answer::Allowed) != map_type.row().helpers.contains(&name) {
            wrong.push(format!("{name} with {map_type}: {answers:?}"));
        }
    }
    println!("{asked} calls asked about");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_helper_of_the_rows_is_asked_about_or_has_a_reason() {
    for name in map_type::TABLE.iter().flat_map(|row| row.helpers) {
        let asked = CALLS.iter().any(|(asked, ..)| asked == name);
        let excused = NOT_ASKED.iter().any(|(not, why)| not == name && !why.is_empty());
        assert!(asked != excused, "{name}");
    }
}
