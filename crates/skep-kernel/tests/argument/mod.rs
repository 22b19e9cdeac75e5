//! Asks the verifier about one argument of one helper: makes the arguments before it, gives it something wrong, and
//! compares what is said with what the argument's kind lets expect.

use std::cell::Cell;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use skep_btf::{KindId, Scan};
use skep_isa::Insn;
use skep_isa::insn::{EXIT, LD_IMM64, PSEUDO_BTF_ID, PSEUDO_MAP_FD, PSEUDO_MAP_VALUE};
use skep_isa::spec::helper::{Arg, ArgKind, Gives, Helper, named};
use skep_isa::spec::{MapType, Place, Version, map_type};
use skep_kernel::Map;
use skep_kernel::feature::{self, Prober};
use skep_object::{MapRole, MapSpec};

use crate::host;

/// What came of a question.
pub(crate) enum Outcome {
    /// The verifier asks for the kind of the table.
    AsTold,
    /// It asks for another: its words.
    Otherwise(String),
    /// It could not be asked: why.
    Unasked(String),
}

/// The maps and types that arguments are made of.
pub(crate) struct Asker {
    prober: Prober,
    hash: Map,
    /// The smallest map of every type that this kernel makes.
    maps: Vec<(MapType, OwnedFd)>,
    /// The type of map that calls are given; a hash map of larger values where it is none.
    given: Cell<Option<MapType>>,
    /// Frozen, read-only to programs, a string.
    text: Map,
    ring: Map,
    /// A per-CPU variable of the kernel.
    per_cpu: Option<u32>,
    /// This kernel's version.
    here: Version,
}

/// Helpers that write to memory without the verifier's knowing before 6.18.
const WRITES_UNCHECKED: &[&str] = &["fib_lookup", "sysctl_get_name", "read_branch_records", "snprintf_btf", "snprintf"];

/// Written stack, 64 bytes from here on.
const WRITTEN: i32 = -64;
/// Where a dynptr is made.
const DYNPTR: i32 = -144;

/// What the verifier lists for memory of any origin.
const MEMORY: &str = "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_";

impl Asker {
    pub(crate) fn new() -> Asker {
        let bytes = std::fs::read("/sys/kernel/btf/vmlinux").expect("types of the kernel");
        let types = Scan::new(&bytes).expect("BTF");
        let mut initial = b"a constant string".to_vec();
        initial.resize(64, 0);
        let role = MapRole::Data { initial, read_only: true };
        let text = MapSpec { flags: 1 << 7, role, ..host::map("text.rodata", MapType::Array, 4, 64, 1) };
        let made = |spec: &MapSpec| Map::create(spec, None).expect("a map");
        Asker {
            prober: Prober::with_types(&types),
            hash: made(&host::map("hash", MapType::Hash, 4, 8, 4)),
            maps: map_type::TABLE.iter().filter_map(|row| Some((row.id, feature::smallest_map(row.id)?))).collect(),
            given: Cell::new(None),
            text: made(&text),
            ring: made(&host::map("ring", MapType::Ringbuf, 0, 0, 4096)),
            per_cpu: types.find(KindId::Var, "runqueues").map(|id| id.0),
            here: feature::kernel_version().expect("a version"),
        }
    }

    /// Asks about argument `at` of `args` at `place`.
    pub(crate) fn ask(&self, row: &Helper, place: Place, args: &[Arg], at: usize) -> Outcome {
        let kind = args[at].kind;
        let said = match self.run(row, place, args, at, wrong(kind, register(at))) {
            Ok(said) => said,
            Err(why) => return Outcome::Unasked(why),
        };
        let judged = judge(kind, register(at), &said);
        let Some(is_written) = is_written(kind) else { return judged };
        if !matches!(judged, Outcome::AsTold) {
            return judged;
        }
        // Memory that programs may only read tells whether the helper writes.
        let read_only = map_slots(register(at), &self.text, PSEUDO_MAP_VALUE);
        let said = match self.run(row, place, args, at, read_only.to_vec()) {
            Ok(said) => said,
            Err(why) => return Outcome::Unasked(why),
        };
        let is_unchecked = WRITES_UNCHECKED.contains(&row.name) && self.here < Version(6, 18);
        match said.contains("write into map forbidden") == (is_written && !is_unchecked) {
            true => Outcome::AsTold,
            false => Outcome::Otherwise(format!("read-only memory: {}", last(&said))),
        }
    }

    /// What the verifier says of a call with argument `at` made by `given`.
    fn run(&self, row: &Helper, place: Place, args: &[Arg], at: usize, given: Vec<Insn>) -> Result<String, String> {
        let mut code = opening();
        for arg in args.iter().take(at) {
            code.extend(self.prelude(place, arg.kind)?);
        }
        // A call leaves none of r1 to r5 written.
        code.push(call("get_prandom_u32"));
        for (i, arg) in args.iter().enumerate() {
            let n = register(i);
            match i.cmp(&at) {
                std::cmp::Ordering::Less => code.extend(self.right(n, arg.kind)?),
                std::cmp::Ordering::Equal => code.extend(&given),
                std::cmp::Ordering::Greater if i == at + 1 && is_size(arg.kind) => {
                    code.extend(self.right(n, arg.kind)?);
                }
                std::cmp::Ordering::Greater => {}
            }
        }
        code.push(call(row.name));
        self.said(row, place, &code)
    }

    /// What the verifier says of a call with all arguments right, with `before` and `after` around it.
    fn right_call(&self, row: &Helper, place: Place, args: &[Arg], around: [&[Insn]; 2]) -> Result<String, String> {
        let mut code = opening();
        code.extend(around[0]);
        for arg in args {
            code.extend(self.prelude(place, arg.kind)?);
        }
        for (i, arg) in args.iter().enumerate() {
            code.extend(self.right(register(i), arg.kind)?);
        }
        code.push(call(row.name));
        code.extend(around[1]);
        self.said(row, place, &code)
    }

    /// The log, where the call was reached.
    fn said(&self, row: &Helper, place: Place, code: &[Insn]) -> Result<String, String> {
        let said = self.prober.refuse(place, code, c"GPL");
        if said.log.contains("cannot use helper") {
            return Err("this kernel leaves it out".to_owned());
        }
        if said.errno.is_none() || !said.log.contains(&format!("call bpf_{}#{}", row.name, row.id)) {
            return Err(format!("the call was not reached ({})", last(&said.log)));
        }
        Ok(said.log)
    }

    /// Asks whether a helper takes maps of a type.
    pub(crate) fn ask_map(&self, row: &Helper, place: Place, args: &[Arg], map_type: MapType) -> Outcome {
        if !self.maps.iter().any(|(made, _)| *made == map_type) {
            return Outcome::Unasked("this kernel makes no such map".to_owned());
        }
        let said = self.with_map(Some(map_type), || self.right_call(row, place, args, [&[], &[]]));
        let takes = match &said {
            Err(why) => return Outcome::Unasked(why.clone()),
            Ok(said) if said.contains("cannot pass map_type") || said.contains("expected prog array map") => false,
            Ok(said) if said.contains("R9 !read_ok") => true,
            Ok(said) => return Outcome::Unasked(format!("the call is refused ({})", last(said))),
        };
        match takes == row.maps.contains(&map_type) {
            true => Outcome::AsTold,
            false => Outcome::Otherwise(format!("kernel: {takes}")),
        }
    }

    /// Calls with another map in hand.
    fn with_map<T>(&self, map_type: Option<MapType>, f: impl FnOnce() -> T) -> T {
        let before = self.given.replace(map_type);
        let out = f();
        self.given.set(before);
        out
    }

    /// Asks what a helper gives.
    pub(crate) fn ask_result(&self, row: &Helper, place: Place, args: &[Arg]) -> Outcome {
        // An instruction behind the call, whose line shows what the call left in r0.
        let look = [host::copy(8, 0)];
        let made = self.with_map(row.maps.first().copied(), || self.right_call(row, place, args, [&[], &look]));
        let said = match made {
            Ok(said) => said,
            Err(why) => return Outcome::Unasked(why),
        };
        if row.gives == Gives::Void {
            return if said.contains("R0 !read_ok") { Outcome::AsTold } else { Outcome::Otherwise(last(&said)) };
        }
        let line = said.lines().find(|line| line.contains("(bf) r8 = r0"));
        let shown = line.and_then(|line| line.split_once("R0")).map(|(_, rest)| rest.trim_start_matches("_w"));
        let Some(shown) = shown.and_then(|rest| rest.strip_prefix('=')) else {
            return Outcome::Unasked(format!("the call is refused ({})", last(&said)));
        };
        let kind = shown.split(['(', ' ']).next().unwrap_or_default();
        let is_number = kind == "scalar" || kind.parse::<i64>().is_ok();
        let is_so = match row.gives {
            Gives::Integer => is_number,
            // A structure is pointed to by its type.
            Gives::PerCpu if kind.starts_with("ptr_") => !kind.contains("or_null"),
            Gives::PerCpuOrNull if kind.starts_with("ptr_or_null_") => true,
            gives => result_type(gives) == kind,
        };
        if is_so { Outcome::AsTold } else { Outcome::Otherwise(format!("r0 is {shown}")) }
    }

    /// Asks whether pointers into the packet are void after a helper.
    pub(crate) fn ask_packet(&self, row: &Helper, place: Place, args: &[Arg]) -> Outcome {
        // Where the context has the first byte and the end of the packet, and how wide these fields are.
        let (load, data, end) = match place {
            Place::Xdp => (0x61, 0, 4),
            Place::SkMsg => (0x79, 0, 8),
            _ => (0x61, 76, 80),
        };
        // r8 = data; `if r8 + 1 > end return 0`
        let before = [
            Insn::new(load, 8, 6, data, 0),
            Insn::new(load, 7, 6, end, 0),
            host::copy(2, 8),
            host::add(2, 1),
            Insn::new(0xbd, 2, 7, 2, 0),
            host::mov(0, 0),
            Insn::new(EXIT, 0, 0, 0, 0),
        ];
        let around: [&[Insn]; 2] = [&before, &[Insn::new(0x71, 0, 8, 0, 0)]];
        let said = match self.with_map(row.maps.first().copied(), || self.right_call(row, place, args, around)) {
            Ok(said) => said,
            Err(why) => return Outcome::Unasked(why),
        };
        let is_void = said.contains("R8 invalid mem access 'scalar'");
        match (is_void, said.contains("R9 !read_ok")) {
            (false, false) => Outcome::Unasked(format!("the call is refused ({})", last(&said))),
            // From the fix of 6.12 to 6.17, all tail calls were held to change packets.
            (true, _) if row.name == "tail_call" && self.here < Version(6, 18) => Outcome::AsTold,
            (is_void, _) if is_void == row.changes_packet => Outcome::AsTold,
            _ => Outcome::Otherwise(last(&said)),
        }
    }

    /// Asks for the structure's name: gives argument `at` a structure of another.
    pub(crate) fn ask_structure(&self, row: &Helper, place: Place, args: &[Arg], at: usize) -> Outcome {
        let (ArgKind::Btf(name) | ArgKind::BtfOrNull(name)) = args[at].kind else {
            return Outcome::Unasked("no structure".to_owned());
        };
        let n = register(at);
        // The task, or where that is what is asked for, the first pointer in an iterator's context.
        let other = match (name, place) {
            ("task_struct", Place::IterSleepable) => vec![Insn::new(0x79, n, 6, 0, 0)],
            ("task_struct", _) => return Outcome::Unasked(format!("no other structure at {place}")),
            _ => vec![host::copy(n, 8)],
        };
        let mut code = opening();
        code.extend([call("get_current_task_btf"), host::copy(8, 0)]);
        for arg in args.iter().take(at) {
            match self.prelude(place, arg.kind) {
                Ok(insns) => code.extend(insns),
                Err(why) => return Outcome::Unasked(why),
            }
        }
        for (i, arg) in args.iter().enumerate().take(at) {
            match self.right(register(i), arg.kind) {
                Ok(insns) => code.extend(insns),
                Err(why) => return Outcome::Unasked(why),
            }
        }
        code.extend(other);
        code.push(call(row.name));
        match self.said(row, place, &code) {
            Ok(said) if said.contains(&format!("but {name} is expected")) => Outcome::AsTold,
            Ok(said) => Outcome::Otherwise(last(&said)),
            Err(why) => Outcome::Unasked(why),
        }
    }

    /// What must run before the arguments, with its result in `r7` or on the stack.
    fn prelude(&self, place: Place, kind: ArgKind) -> Result<Vec<Insn>, String> {
        let load = |dst, src, off| Insn::new(0x79, dst, src, off, 0);
        // `if dst != 0 goto +2; return 0`
        let not_null = |dst| [Insn::new(0x55, dst, 0, 2, 0), host::mov(0, 0), Insn::new(EXIT, 0, 0, 0, 0)];
        let mut code = Vec::new();
        match kind {
            ArgKind::Sock | ArgKind::SockCommon => {
                // Where the context has its socket.
                let at = match place {
                    Place::SchedCls | Place::CgroupSkbIngress => 168,
                    Place::CgroupSetsockopt => 0,
                    _ => return Err(format!("a socket before it is hard to make at {place}")),
                };
                code.push(load(7, 6, at));
                code.extend(not_null(7));
            }
            ArgKind::Btf("task_struct") => {
                code.push(call("get_current_task_btf"));
                code.push(host::copy(7, 0));
            }
            ArgKind::Btf("tcp_sock") if place == Place::TcpCongestion => code.push(load(7, 6, 0)),
            ArgKind::Btf("seq_file") => code.extend([load(7, 6, 0), load(7, 7, 0)]),
            ArgKind::Btf(name) => return Err(format!("a {name} before it is hard to make")),
            ArgKind::RingbufRecord => {
                code.extend(map_slots(1, &self.ring, PSEUDO_MAP_FD));
                code.extend([host::mov(2, 8), host::mov(3, 0), call("ringbuf_reserve"), host::copy(7, 0)]);
                code.extend(not_null(7));
            }
            ArgKind::Dynptr => {
                code.extend(map_slots(1, &self.hash, PSEUDO_MAP_FD));
                code.extend([host::copy(2, 10), host::add(2, WRITTEN), call("map_lookup_elem")]);
                code.extend(not_null(0));
                code.extend([host::copy(1, 0), host::mov(2, 8), host::mov(3, 0)]);
                code.extend([host::copy(4, 10), host::add(4, DYNPTR), call("dynptr_from_mem")]);
            }
            ArgKind::RingbufDynptr => {
                code.extend(map_slots(1, &self.ring, PSEUDO_MAP_FD));
                code.extend([host::mov(2, 8), host::mov(3, 0), host::copy(4, 10), host::add(4, DYNPTR)]);
                code.push(call("ringbuf_reserve_dynptr"));
            }
            ArgKind::Callback | ArgKind::SpinLock | ArgKind::Timer | ArgKind::KptrSlot => {
                return Err(format!("a {} before it needs types of the program's own", kind.text()));
            }
            _ => {}
        }
        Ok(code)
    }

    /// Puts something into register `n` that an argument of this kind takes.
    fn right(&self, n: u8, kind: ArgKind) -> Result<Vec<Insn>, String> {
        use ArgKind::*;
        let stack = |at| vec![host::copy(n, 10), host::add(n, at)];
        Ok(match kind {
            Anything | Unchecked | MapValueOrNull | StackOrNull | KptrOrNull | SocketOrNull | SockOrNull
            | BtfOrNull(_) => vec![host::mov(n, 0)],
            Size | SizeOrZero | AllocSize => vec![host::mov(n, 8)],
            Context | ContextOrNull => vec![host::copy(n, 6)],
            ConstMap => {
                let given = self.maps.iter().find(|(map_type, _)| Some(*map_type) == self.given.get());
                map_slots(n, given.map_or(self.hash.as_fd(), |(_, map)| map.as_fd()), PSEUDO_MAP_FD).to_vec()
            }
            ConstString => map_slots(n, &self.text, PSEUDO_MAP_VALUE).to_vec(),
            MapKey | MapValue | MapValueOut | MemIn | MemInOrNull | MemInOut | MemInOutOrNull | MemOut | FixedIn(_)
            | FixedInOut(_) | FixedOut(_) => stack(WRITTEN),
            Dynptr | RingbufDynptr => stack(DYNPTR),
            Sock | SockCommon | Btf(_) | RingbufRecord => vec![host::copy(n, 7)],
            PerCpu => {
                let id = self.per_cpu.ok_or("this kernel names no per-CPU variable")?;
                vec![Insn::new(LD_IMM64, n, PSEUDO_BTF_ID, 0, id.cast_signed()), Insn::default()]
            }
            DynptrOut | RingbufDynptrOut | Callback | SpinLock | Timer | KptrSlot => {
                return Err(format!("a {} before it is hard to make", kind.text()));
            }
        })
    }
}

/// Keeps the context in `r6` and writes the stack.
fn opening() -> Vec<Insn> {
    // `*(u64 *)(r10 + off) = 0`
    let written = (1..=16).map(|slot| Insn::new(0x7a, 10, 0, -8 * slot, 0));
    std::iter::once(host::copy(6, 1)).chain(written).collect()
}

/// What the verifier calls what a helper gives.
fn result_type(gives: Gives) -> String {
    let text = match gives {
        Gives::Integer | Gives::Void => "",
        Gives::MapValue => "map_value",
        Gives::MapValueOrNull => "map_value_or_null",
        Gives::SocketOrNull => "sock_or_null",
        Gives::SockCommonOrNull => "sock_common_or_null",
        Gives::TcpSockOrNull => "tcp_sock_or_null",
        Gives::RingbufRecordOrNull => "ringbuf_mem_or_null",
        Gives::DynptrDataOrNull => "mem_or_null",
        Gives::PerCpu => "mem",
        Gives::PerCpuOrNull => "mem_or_null",
        Gives::KptrOrNull => "ptr_or_null_",
        Gives::Btf(name) => return format!("ptr_{name}"),
        Gives::BtfOrNull(name) => return format!("ptr_or_null_{name}"),
        Gives::Trusted(name) => return format!("trusted_ptr_{name}"),
    };
    text.to_owned()
}

fn is_size(kind: ArgKind) -> bool {
    matches!(kind, ArgKind::Size | ArgKind::SizeOrZero)
}

/// The call of a helper by name.
fn call(name: &str) -> Insn {
    host::call(i32::try_from(named(name).expect("a helper").id).expect("a small number"))
}

fn register(at: usize) -> u8 {
    u8::try_from(at + 1).expect("at most five arguments")
}

/// Both slots of a load of a map, or of its first value.
fn map_slots(dst: u8, map: impl AsFd, pseudo: u8) -> [Insn; 2] {
    [Insn::new(LD_IMM64, dst, pseudo, 0, map.as_fd().as_raw_fd()), Insn::default()]
}

/// Puts something into register `n` that an argument of this kind must not take.
fn wrong(kind: ArgKind, n: u8) -> Vec<Insn> {
    use ArgKind::*;
    match kind {
        // Not written at all.
        Anything | Unchecked => vec![],
        Size | SizeOrZero | AllocSize => vec![host::copy(n, 10)],
        _ => vec![host::mov(n, 1)],
    }
}

/// The last thing said.
fn last(log: &str) -> String {
    let is_said = |line: &&str| !line.is_empty() && !line.starts_with("processed") && !line.starts_with("mark_");
    log.lines().rfind(is_said).unwrap_or_default().to_owned()
}

/// What the verifier lists where an argument of this kind has another type.
fn expected(kind: ArgKind) -> &'static str {
    use ArgKind::*;
    match kind {
        Size | SizeOrZero | AllocSize => "scalar",
        Context | ContextOrNull => "ctx",
        ConstMap => "map_ptr",
        ConstString | Timer => "map_value",
        StackOrNull => "fp",
        Callback => "func",
        KptrSlot | SpinLock => "map_value, ptr_",
        KptrOrNull => "ptr_",
        SockCommon => "sock_common, sock, tcp_sock, xdp_sock",
        SocketOrNull => "sock",
        Sock | SockOrNull => "sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_",
        Btf(_) | BtfOrNull(_) => "ptr_, trusted_ptr_, rcu_ptr_",
        PerCpu => "percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_",
        RingbufRecord => "ringbuf_mem",
        Dynptr | DynptrOut | RingbufDynptr | RingbufDynptrOut => "fp, dynptr_ptr",
        _ => MEMORY,
    }
}

/// For memory, whether the helper writes it.
fn is_written(kind: ArgKind) -> Option<bool> {
    use ArgKind::*;
    match kind {
        MemIn | MemInOrNull | FixedIn(_) | MapKey | MapValue | MapValueOrNull => Some(false),
        MemInOut | MemInOutOrNull | MemOut | FixedInOut(_) | FixedOut(_) | MapValueOut => Some(true),
        _ => None,
    }
}

fn judge(kind: ArgKind, n: u8, said: &str) -> Outcome {
    let unread = said.contains(&format!("R{n} !read_ok"));
    let is_so = match kind {
        ArgKind::Anything => unread,
        ArgKind::Unchecked => !unread,
        kind => said.contains(&format!("expected={}\n", expected(kind))) && said.contains(&format!("R{n} type=")),
    };
    if is_so { Outcome::AsTold } else { Outcome::Otherwise(last(said)) }
}
