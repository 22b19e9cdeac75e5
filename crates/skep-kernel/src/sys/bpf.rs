//! `bpf(2)`.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;
use skep_isa::spec::{MapType, map_flag};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use skep_isa::spec::Command;

use super::attr;

type Result<T> = std::result::Result<T, Errno>;

/// The call itself.
///
/// Pointers in `attr` must be valid for what `command` does with them; the functions below see to that.
fn bpf<A: IntoBytes + FromBytes>(command: Command, attr: &mut A) -> Result<i64> {
    let bytes = attr.as_mut_bytes();
    // SAFETY: `bytes` is valid for its length; pointers in it come from slices that the callers below keep borrowed.
    let out = unsafe { libc::syscall(libc::SYS_bpf, command as u32, bytes.as_mut_ptr(), bytes.len()) };
    if out < 0 { Err(last_errno()) } else { Ok(out) }
}

/// A call that makes a descriptor.
fn bpf_fd<A: IntoBytes + FromBytes>(command: Command, attr: &mut A) -> Result<OwnedFd> {
    let fd = i32::try_from(bpf(command, attr)?).map_err(|_| Errno::BADF)?;
    // SAFETY: the kernel just made this descriptor for us; bpf(2) sets close-on-exec on all it makes.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// What the last failed call on this thread said.
pub(super) fn last_errno() -> Errno {
    std::io::Error::last_os_error().raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error)
}

/// `ENOTSUPP`, which the kernel means for itself only, but bpf(2) returns.
pub(crate) const ENOTSUPP: Errno = Errno::from_raw_os_error(524);

/// A descriptor as the attributes carry it.
pub(crate) fn number(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

fn address<T>(slice: &[T]) -> u64 {
    if slice.is_empty() { 0 } else { slice.as_ptr().expose_provenance() as u64 }
}

fn address_mut<T>(slice: &mut [T]) -> u64 {
    if slice.is_empty() { 0 } else { slice.as_mut_ptr().expose_provenance() as u64 }
}

fn length<T>(slice: &[T]) -> Result<u32> {
    u32::try_from(slice.len()).map_err(|_| Errno::TOOBIG)
}

/// A map's descriptor with the sizes the kernel copies on each call, so that no buffer is ever too short.
#[derive(Debug)]
pub(crate) struct MapFd {
    fd: OwnedFd,
    key_size: usize,
    value_size: usize,
}

impl MapFd {
    /// Asks the kernel for the map's sizes. Values of per-CPU maps have one 8-byte-padded copy for each of `cpus`.
    pub(crate) fn new(fd: OwnedFd, cpus: usize) -> Result<MapFd> {
        let info = map_info(fd.as_fd())?;
        let one = info.value_size as usize;
        // A type newer than our table may be per-CPU: a buffer that is too long does no harm.
        let per_cpu = MapType::from_id(info.map_type).is_none_or(MapType::is_per_cpu);
        let value_size = if per_cpu { one.next_multiple_of(8) * cpus.max(1) } else { one };
        Ok(MapFd { fd, key_size: info.key_size as usize, value_size })
    }

    /// Bytes of a key.
    pub(crate) fn key_size(&self) -> usize {
        self.key_size
    }

    /// Bytes of a value as calls take it, all CPUs included.
    pub(crate) fn value_size(&self) -> usize {
        self.value_size
    }

    /// `BPF_MAP_LOOKUP_ELEM`; `value` also goes in (bloom filters read it).
    pub(crate) fn lookup(&self, key: &[u8], value: &mut [u8]) -> Result<()> {
        self.check(key, Some(value))?;
        let mut attr = self.elem(key);
        attr.value = address_mut(value);
        bpf(Command::MapLookupElem, &mut attr).map(drop)
    }

    /// `BPF_MAP_UPDATE_ELEM`.
    pub(crate) fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<()> {
        self.check(key, Some(value))?;
        let mut attr = attr::Elem { value: address(value), flags, ..self.elem(key) };
        bpf(Command::MapUpdateElem, &mut attr).map(drop)
    }

    /// `BPF_MAP_DELETE_ELEM`.
    pub(crate) fn delete(&self, key: &[u8]) -> Result<()> {
        self.check(key, None)?;
        bpf(Command::MapDeleteElem, &mut self.elem(key)).map(drop)
    }

    /// `BPF_MAP_GET_NEXT_KEY`; without a key, the first one.
    pub(crate) fn next_key(&self, key: Option<&[u8]>, next: &mut [u8]) -> Result<()> {
        self.check(key.unwrap_or(next), None)?;
        self.check(next, None)?;
        let mut attr = self.elem(key.unwrap_or_default());
        attr.value = address_mut(next);
        bpf(Command::MapGetNextKey, &mut attr).map(drop)
    }

    /// `BPF_MAP_FREEZE`.
    pub(crate) fn freeze(&self) -> Result<()> {
        bpf(Command::MapFreeze, &mut attr::Freeze { map_fd: number(self.as_fd()) }).map(drop)
    }

    fn elem(&self, key: &[u8]) -> attr::Elem {
        attr::Elem { map_fd: number(self.as_fd()), key: address(key), ..Default::default() }
    }

    fn check(&self, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let fits = key.len() == self.key_size && value.is_none_or(|v| v.len() == self.value_size);
        if fits { Ok(()) } else { Err(Errno::INVAL) }
    }
}

impl AsFd for MapFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// `BPF_MAP_CREATE`; descriptors in `attr` are only read by the kernel.
pub(crate) fn map_create(attr: &attr::MapCreate) -> Result<OwnedFd> {
    bpf_fd(Command::MapCreate, &mut { *attr })
}

/// What a program is loaded from, beside the plain numbers of [`attr::ProgLoad`].
pub(crate) struct ProgramParts<'a> {
    /// Encoded instructions, 8 bytes each.
    pub(crate) code: &'a [u8],
    /// Licence text.
    pub(crate) license: &'a CStr,
    /// `struct bpf_func_info` records of 8 bytes, none when empty.
    pub(crate) funcs: &'a [[u32; 2]],
    /// `struct bpf_line_info` records of 16 bytes, none when empty.
    pub(crate) lines: &'a [[u32; 4]],
    /// Descriptors of modules' types, by the index that calls of their functions carry; the first is not used.
    pub(crate) modules: &'a [u32],
}

/// `BPF_PROG_LOAD`; an empty `log` asks for none, the level of any other is 1 where `attr` gives none.
pub(crate) fn prog_load(attr: &attr::ProgLoad, parts: &ProgramParts<'_>, log: &mut [u8]) -> Result<OwnedFd> {
    let mut attr = *attr;
    attr.insns = address(parts.code);
    attr.insn_cnt = length(parts.code)? / 8;
    attr.license = address(parts.license.to_bytes_with_nul());
    if !parts.funcs.is_empty() {
        attr.func_info = address(parts.funcs);
        attr.func_info_cnt = length(parts.funcs)?;
        attr.func_info_rec_size = 8;
    }
    if !parts.lines.is_empty() {
        attr.line_info = address(parts.lines);
        attr.line_info_cnt = length(parts.lines)?;
        attr.line_info_rec_size = 16;
    }
    attr.fd_array = address(parts.modules);
    attr.log_size = length(log)?;
    attr.log_level = if log.is_empty() { 0 } else { attr.log_level.max(1) };
    attr.log_buf = address_mut(log);
    bpf_fd(Command::ProgLoad, &mut attr)
}

/// `BPF_OBJ_PIN`: gives what a descriptor stands for a name in a bpf file system.
pub(crate) fn pin(path: &CStr, fd: BorrowedFd<'_>) -> Result<()> {
    let mut attr = attr::Pin { path: address(path.to_bytes_with_nul()), fd: number(fd), flags: 0 };
    bpf(Command::ObjPin, &mut attr).map(drop)
}

/// `BPF_OBJ_GET`: opens what has a name in a bpf file system.
pub(crate) fn open_pinned(path: &CStr) -> Result<OwnedFd> {
    bpf_fd(Command::ObjGet, &mut attr::Pin { path: address(path.to_bytes_with_nul()), fd: 0, flags: 0 })
}

/// `BPF_BTF_LOAD`, by right of a token where there is one; what is wrong with the types goes to `log` unless it is empty.
pub(crate) fn btf_load(types: &[u8], token: Option<BorrowedFd<'_>>, log: &mut [u8]) -> Result<OwnedFd> {
    let mut attr = attr::BtfLoad {
        btf: address(types),
        btf_size: length(types)?,
        btf_log_level: u32::from(!log.is_empty()),
        btf_log_size: length(log)?,
        btf_log_buf: address_mut(log),
        btf_flags: if token.is_some() { map_flag::TOKEN_FD } else { 0 },
        token_fd: token.map_or(0, number),
        ..Default::default()
    };
    bpf_fd(Command::BtfLoad, &mut attr)
}

/// `BPF_TOKEN_CREATE` from the root of a bpf file system.
pub(crate) fn token_create(folder: impl AsFd) -> Result<OwnedFd> {
    bpf_fd(Command::TokenCreate, &mut attr::TokenCreate { flags: 0, bpffs_fd: number(folder.as_fd()) })
}

/// What goes into a test run.
#[derive(Default)]
pub(crate) struct TestRunParts<'a> {
    pub(crate) data_in: &'a [u8],
    pub(crate) data_out: &'a mut [u8],
    /// Mutable, for programs of type syscall write it.
    pub(crate) ctx_in: &'a mut [u8],
    pub(crate) ctx_out: &'a mut [u8],
    pub(crate) repeat: u32,
    pub(crate) flags: u32,
}

/// `BPF_PROG_TEST_RUN`; the attributes come back with result, sizes and duration (also when `ENOSPC` says that an
/// output did not fit).
pub(crate) fn test_run(program: BorrowedFd<'_>, parts: TestRunParts<'_>) -> (attr::TestRun, Result<()>) {
    let mut attr = attr::TestRun { prog_fd: number(program), ..Default::default() };
    let sizes = [parts.data_in.len(), parts.data_out.len(), parts.ctx_in.len(), parts.ctx_out.len()];
    let [Ok(data_in), Ok(data_out), Ok(ctx_in), Ok(ctx_out)] = sizes.map(u32::try_from) else {
        return (attr, Err(Errno::TOOBIG));
    };
    attr.data_size_in = data_in;
    attr.data_size_out = data_out;
    attr.data_in = address(parts.data_in);
    attr.data_out = address_mut(parts.data_out);
    attr.ctx_size_in = ctx_in;
    attr.ctx_size_out = ctx_out;
    attr.ctx_in = address_mut(parts.ctx_in);
    attr.ctx_out = address_mut(parts.ctx_out);
    attr.repeat = parts.repeat;
    attr.flags = parts.flags;
    let result = bpf(Command::ProgTestRun, &mut attr).map(drop);
    (attr, result)
}

/// The next higher id; `command` is one of `BPF_*_GET_NEXT_ID`.
pub(crate) fn next_id(command: Command, after: u32) -> Result<u32> {
    let mut attr = attr::Id { id: after, ..Default::default() };
    bpf(command, &mut attr)?;
    Ok(attr.next_id)
}

/// A descriptor of what has this id; `command` is one of `BPF_*_GET_FD_BY_ID`.
pub(crate) fn fd_by_id(command: Command, id: u32) -> Result<OwnedFd> {
    bpf_fd(command, &mut attr::Id { id, ..Default::default() })
}

/// `BPF_OBJ_GET_INFO_BY_FD` into a zeroed structure whose pointers `prepare` may set to buffers it keeps alive.
fn info<T: IntoBytes + FromBytes + Immutable>(fd: BorrowedFd<'_>, info: &mut T) -> Result<()> {
    let bytes = info.as_mut_bytes();
    let mut attr = attr::Info { bpf_fd: number(fd), info_len: length(bytes)?, info: address_mut(bytes) };
    bpf(Command::ObjGetInfoByFd, &mut attr).map(drop)
}

/// What the kernel says of a map.
pub(crate) fn map_info(fd: BorrowedFd<'_>) -> Result<attr::MapInfoRaw> {
    let mut raw = attr::MapInfoRaw::default();
    info(fd, &mut raw)?;
    Ok(raw)
}

/// What the kernel says of a program, and the ids of the maps it uses (at most `maps`).
pub(crate) fn prog_info(fd: BorrowedFd<'_>, maps: &mut [u32]) -> Result<attr::ProgInfoRaw> {
    let mut raw = attr::ProgInfoRaw { nr_map_ids: length(maps)?, map_ids: address_mut(maps), ..Default::default() };
    info(fd, &mut raw)?;
    Ok(raw)
}

/// What the kernel says of types; as much of their encoding as fits goes to `types`.
pub(crate) fn btf_info(fd: BorrowedFd<'_>, types: &mut [u8]) -> Result<attr::BtfInfoRaw> {
    let mut raw = attr::BtfInfoRaw { btf_size: length(types)?, btf: address_mut(types), ..Default::default() };
    info(fd, &mut raw)?;
    Ok(raw)
}

/// Whether types are the kernel's or a module's, and their name; those of programs have none.
pub(crate) fn btf_name(fd: BorrowedFd<'_>) -> Result<(bool, String)> {
    let mut name = [0_u8; 64];
    let mut raw = attr::BtfInfoRaw { name: address_mut(&mut name), name_len: length(&name)?, ..Default::default() };
    info(fd, &mut raw)?;
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok((raw.kernel_btf != 0, String::from_utf8_lossy(name).into_owned()))
}

/// `BPF_RAW_TRACEPOINT_OPEN`.
pub(crate) fn raw_tracepoint_open(name: &CStr, program: BorrowedFd<'_>) -> Result<OwnedFd> {
    let mut attr = attr::RawTracepoint { name: address(name.to_bytes_with_nul()), prog_fd: number(program), pad: 0 };
    bpf_fd(Command::RawTracepointOpen, &mut attr)
}

/// `BPF_RAW_TRACEPOINT_OPEN` of a program whose load said where to.
pub(crate) fn attach_as_loaded(program: BorrowedFd<'_>) -> Result<OwnedFd> {
    bpf_fd(Command::RawTracepointOpen, &mut attr::RawTracepoint { name: 0, prog_fd: number(program), pad: 0 })
}

/// `BPF_LINK_CREATE` on a network device, by its index.
pub(crate) fn link_device(program: BorrowedFd<'_>, ifindex: u32, attach_type: u32, flags: u32) -> Result<OwnedFd> {
    let mut attr = attr::LinkCreate { prog_fd: number(program), target: ifindex, attach_type, flags, cookie: 0 };
    bpf_fd(Command::LinkCreate, &mut attr)
}

/// `BPF_LINK_CREATE` on a perf event.
pub(crate) fn link_perf(program: BorrowedFd<'_>, event: BorrowedFd<'_>, attach_type: u32) -> Result<OwnedFd> {
    let target = number(event);
    bpf_fd(
        Command::LinkCreate,
        &mut attr::LinkCreate { prog_fd: number(program), target, attach_type, flags: 0, cookie: 0 },
    )
}

/// `BPF_LINK_CREATE` on what a descriptor or an index names.
pub(crate) fn link_target(program: BorrowedFd<'_>, target: u32, attach_type: u32) -> Result<OwnedFd> {
    link_device(program, target, attach_type, 0)
}

/// `BPF_LINK_CREATE` on one kernel function, by name (`kprobe_multi`).
pub(crate) fn link_kprobes(program: BorrowedFd<'_>, function: &CStr, attach_type: u32) -> Result<OwnedFd> {
    let names = [address(function.to_bytes_with_nul())];
    let prog_fd = number(program);
    let mut attr = attr::LinkKprobes { prog_fd, attach_type, count: 1, names: address(&names), ..Default::default() };
    bpf_fd(Command::LinkCreate, &mut attr)
}

/// `BPF_LINK_CREATE` on one place of a user program (`uprobe_multi`), for this process alone.
pub(crate) fn link_uprobes(program: BorrowedFd<'_>, path: &CStr, offset: u64, attach_type: u32) -> Result<OwnedFd> {
    let offsets = [offset];
    let path = address(path.to_bytes_with_nul());
    let (prog_fd, pid) = (number(program), std::process::id());
    let mut attr = attr::LinkUprobes {
        prog_fd,
        attach_type,
        path,
        offsets: address(&offsets),
        count: 1,
        pid,
        ..Default::default()
    };
    bpf_fd(Command::LinkCreate, &mut attr)
}

/// `BPF_LINK_CREATE` on a netfilter hook of the calling thread's network namespace.
pub(crate) fn link_netfilter(
    program: BorrowedFd<'_>,
    (family, hook, priority): (u32, u32, i32),
    attach_type: u32,
) -> Result<OwnedFd> {
    let prog_fd = number(program);
    let mut attr = attr::LinkNetfilter { prog_fd, attach_type, family, hook, priority, ..Default::default() };
    bpf_fd(Command::LinkCreate, &mut attr)
}

/// `BPF_PROG_ATTACH`.
pub(crate) fn prog_attach(program: BorrowedFd<'_>, target: BorrowedFd<'_>, attach_type: u32) -> Result<()> {
    let (prog_fd, target) = (number(program), number(target));
    bpf(Command::ProgAttach, &mut attr::ProgAttach { target, prog_fd, attach_type, flags: 0 }).map(drop)
}

/// `BPF_PROG_DETACH` of this program.
pub(crate) fn prog_detach(program: BorrowedFd<'_>, target: BorrowedFd<'_>, attach_type: u32) -> Result<()> {
    let (prog_fd, target) = (number(program), number(target));
    bpf(Command::ProgDetach, &mut attr::ProgAttach { target, prog_fd, attach_type, flags: 0 }).map(drop)
}

/// `BPF_ITER_CREATE` of a link.
pub(crate) fn iter_create(link: BorrowedFd<'_>) -> Result<OwnedFd> {
    bpf_fd(Command::IterCreate, &mut attr::IterCreate { link_fd: number(link), flags: 0 })
}

/// `BPF_ENABLE_STATS` for run time and count; they are measured until the descriptor is closed.
pub(crate) fn enable_run_stats() -> Result<OwnedFd> {
    bpf_fd(Command::EnableStats, &mut attr::EnableStats { kind: 0 })
}
