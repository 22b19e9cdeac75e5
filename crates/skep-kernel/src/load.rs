//! Loading an [`Object`]: its types, its maps, its programs. Nothing is attached; on an error all is dropped.

mod one;

use std::cell::RefCell;
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;
use skep_btf::core::{Missing, Resolver};
use skep_btf::{Btf, KindId, Scan};
use skep_isa::insn::PSEUDO_MAP_VALUE;
use skep_isa::spec::attach_type::Target;
use skep_isa::spec::prog_type::Names;
use skep_isa::spec::{MapType, ProgType, section};
use skep_object::{Extern, ExternKind, MapRole, MapSpec, Object, Poisoned, ProgramSpec, Relocated};

use crate::btf::KernelTypes;
use crate::count::{self, Layout, Records};
use crate::error::{Error, words};
use crate::externs::{Externs, has_externs};
use crate::kconfig;
use crate::lower::{self, Lowered, lower};
use crate::map::{Map, possible_cpus};
use crate::name::kernel_name;
use crate::program::Program;
use crate::reject;
use skep_isa::spec::Command;

use crate::sys::{self, attr};

pub use one::{Checked, Verdict, load_one};

/// What to load, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Put counting into programs and measure their runs; false loads them untouched (`--verbatim`).
    pub counting: bool,
    /// Programs to load, as indices into `Object::programs`; `None` for all.
    pub programs: Option<Vec<usize>>,
    /// Types that programs are adapted to; `None` for the running kernel's.
    pub types: Option<Arc<KernelTypes>>,
}

impl Default for Options {
    /// All programs, with counting.
    fn default() -> Options {
        Options { counting: true, programs: None, types: None }
    }
}

/// An object in the kernel.
#[derive(Debug)]
pub struct Loaded {
    maps: Vec<Map>,
    programs: Vec<Option<Slot>>,
    /// While it is held the kernel measures run time and count.
    run_stats: Option<OwnedFd>,
}

/// A loaded program and what counts it.
#[derive(Debug)]
struct Slot {
    program: Program,
    counter: Counter,
    records: Records,
}

/// How a program is counted.
#[derive(Debug)]
enum Counter {
    /// Not asked for.
    Off,
    /// It has no results and no ring-buffer calls to count.
    Nothing,
    /// In this map.
    Map(Map, Layout),
    /// It could not be, for this reason.
    Failed(String),
}

/// What was counted of a program so far. `None` is what was not measured.
///
/// A program that another one tail-calls counts its own results; the caller then has fewer results than runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How often it ran, test runs included.
    pub runs: Option<u64>,
    /// How long it ran altogether, in nanoseconds.
    pub run_time_ns: Option<u64>,
    /// How often it gave each result, by the names of [`skep_isa::spec::result`].
    pub results: Option<Vec<(&'static str, u64)>>,
    /// Records that a ring buffer had no room for; `None` also for programs that write perf buffers.
    pub records_lost: Option<u64>,
}

/// Loads an object's types, maps and programs.
///
/// # Errors
/// The first that occurs: [`Error::NoPrivilege`], [`Error::MapTooLarge`], [`Error::MapCreate`],
/// [`Error::Rejected`], [`Error::Unsupported`], [`Error::UnknownSection`], [`Error::BadObject`] or [`Error::Call`].
pub fn load(object: &Object, options: &Options) -> Result<Loaded, Error> {
    // Types are for comfort: a kernel that refuses them still loads the programs, without function and line records.
    let types = object.btf.as_ref().and_then(|btf| sys::btf_load(btf.bytes()).ok());
    let types = types.as_ref().map(AsFd::as_fd);
    let maps = (0..object.maps.len()).map(|at| create_map(object, at, types)).collect::<Result<Vec<_>, _>>()?;
    let run_stats = if options.counting { sys::enable_run_stats().ok() } else { None };
    let programs = with_loader(object, types, &maps, options, |loader| {
        let programs = object.programs.iter().enumerate();
        programs.map(|(index, spec)| options.wants(index).then(|| loader.load(spec)).transpose()).collect()
    })?;
    Ok(Loaded { maps, programs, run_stats })
}

impl Options {
    fn wants(&self, index: usize) -> bool {
        self.programs.as_ref().is_none_or(|list| list.contains(&index))
    }
}

/// Lends what all programs of an object share, the kernel's types with it where one of them needs those.
fn with_loader<T>(
    object: &Object,
    types: Option<BorrowedFd<'_>>,
    maps: &[Map],
    options: &Options,
    load: impl FnOnce(&Loader<'_, '_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let wanted = object.programs.iter().enumerate().filter(|(index, _)| options.wants(*index));
    let programs = || wanted.clone().map(|(_, spec)| spec);
    let own =
        programs().any(names_kernel) || options.types.is_none() && programs().any(ProgramSpec::needs_kernel_types);
    let kernel = if own { Some(KernelTypes::open()?) } else { None };
    let scan = kernel.as_ref().map(KernelTypes::scan).transpose()?;
    let other = options.types.as_ref().map(|types| types.scan()).transpose()?;
    let target = match (&options.types, &other, &kernel, &scan) {
        (Some(types), Some(scan), ..) => Some(types.target(scan)),
        (None, _, Some(types), Some(scan)) => Some(types.target(scan)),
        _ => None,
    };
    let local = object.btf.as_ref().and_then(|btf| Scan::new(btf.bytes()).ok());
    let resolver =
        local.as_ref().zip(target.as_ref()).map(|(local, target)| RefCell::new(Resolver::new(local, target)));
    let externs = Externs::resolve(object, programs(), scan.as_ref())?;
    let license = license(&object.license);
    let (kernel, resolver) = (scan.as_ref(), resolver.as_ref());
    let (externs, counting) = (&externs, options.counting);
    load(&Loader { object, types, maps, externs, license, counting, kernel, resolver })
}

/// Makes a map of an object; that of kernel options with their values.
fn create_map(object: &Object, index: usize, types: Option<BorrowedFd<'_>>) -> Result<Map, Error> {
    let bad = || Error::BadObject { object: format!("object `{}`", object.name), what: format!("map {index}") };
    let spec = object.maps.get(index).ok_or_else(bad)?;
    let is_options = |e: &Extern| matches!(e.kind, ExternKind::Option { map, .. } if map == index);
    if !object.externs.iter().any(is_options) {
        return Map::create(spec, types);
    }
    let mut spec = spec.clone();
    if let MapRole::Data { initial, .. } = &mut spec.role {
        kconfig::fill(object, index, initial)?;
    }
    Map::create(&spec, types)
}

impl Loaded {
    /// The map with this index in `Object::maps`.
    pub fn map(&self, index: usize) -> Option<&Map> {
        self.maps.get(index)
    }

    /// All maps, in the order of `Object::maps`.
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// The program with this index in `Object::programs`, `None` when it was not asked for.
    pub fn program(&self, index: usize) -> Option<&Program> {
        self.slot(index).map(|slot| &slot.program)
    }

    /// Why results and lost records of a program are not counted although it was asked for.
    pub fn uncounted(&self, index: usize) -> Option<&str> {
        let slot = self.slot(index)?;
        match &slot.counter {
            Counter::Failed(why) => Some(why),
            _ if slot.records == Records::Perf => {
                Some("it sends records through perf buffers, which skep does not read")
            }
            _ => None,
        }
    }

    /// What was counted of a program so far; nothing at all for one that is not loaded.
    ///
    /// # Errors
    /// [`Error::Call`] when the kernel does not tell.
    pub fn counts(&self, index: usize) -> Result<Counts, Error> {
        let Some(slot) = self.slot(index) else { return Ok(Counts::default()) };
        let mut counts = Counts::default();
        if self.run_stats.is_some() {
            let info = slot.program.info()?;
            counts.runs = Some(info.run_count);
            counts.run_time_ns = Some(info.run_time_ns);
        }
        match &slot.counter {
            Counter::Off => return Ok(counts),
            Counter::Nothing | Counter::Failed(_) => {}
            Counter::Map(map, layout) => {
                let value = map.lookup(&[0; 4])?.unwrap_or_default();
                counts.results = layout.results(&value);
                counts.records_lost = Some(Layout::lost(&value)).filter(|_| slot.records == Records::Ring);
            }
        }
        if slot.records == Records::None {
            counts.records_lost = Some(0);
        }
        Ok(counts)
    }

    fn slot(&self, index: usize) -> Option<&Slot> {
        self.programs.get(index)?.as_ref()
    }
}

/// What all programs of an object share.
struct Loader<'a, 'k> {
    object: &'a Object,
    types: Option<BorrowedFd<'a>>,
    maps: &'a [Map],
    externs: &'a Externs,
    license: CString,
    counting: bool,
    /// The kernel's own types, read when a program needs them.
    kernel: Option<&'a Scan<'a>>,
    /// Answers what programs ask of the kernel's types.
    resolver: Option<&'a RefCell<Resolver<'a, 'k>>>,
}

/// What came of loading a program with counting put in.
enum Counting {
    /// It is loaded.
    Done(OwnedFd, Counter),
    /// There is nothing to count, or it cannot be.
    Not(Counter),
    /// The kernel refused it; the map must outlive the code that names its descriptor.
    Refused(Lowered, Map),
}

impl Loader<'_, '_> {
    /// Lends the program as it is for this kernel.
    fn attempt<T>(
        &self,
        spec: &ProgramSpec,
        attempt: impl FnOnce(&Attempt<'_, '_, '_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Some(prog_type) = spec.prog_type() else {
            return Err(Error::UnknownSection { program: spec.name.clone(), section: spec.section.clone() });
        };
        let named = self.named(spec, prog_type)?;
        let relocated = self.relocated(spec)?;
        let (spec, poisoned) = relocated.as_ref().map_or((spec, &[][..]), |r| (&r.program, &r.poisoned));
        attempt(&Attempt { loader: self, spec, prog_type, named, poisoned })
    }

    fn load(&self, spec: &ProgramSpec) -> Result<Slot, Error> {
        self.attempt(spec, |attempt| self.load_attempt(attempt))
    }

    fn load_attempt(&self, attempt: &Attempt<'_, '_, '_>) -> Result<Slot, Error> {
        let Attempt { spec, prog_type, .. } = *attempt;
        let counting = match self.counting {
            true => attempt.counted()?,
            false => Counting::Not(Counter::Off),
        };
        let (fd, counter) = match counting {
            Counting::Done(fd, counter) => (fd, counter),
            Counting::Not(counter) => (attempt.plain()?, counter),
            Counting::Refused(lowered, _map) => {
                // When the untouched program is refused too, that verdict is the one that counts.
                let fd = attempt.plain()?;
                let (refused, log) = attempt.with_log(&lowered, 1);
                let why = refused.err().map(|e| reject::message(&log).map_or_else(|| words(e), str::to_owned));
                let why = why.unwrap_or_else(|| "no reason".to_owned());
                (fd, Counter::Failed(format!("the verifier refuses the counting instructions: {why}")))
            }
        };
        let program = Program::new(fd, spec.name.clone(), Some(prog_type));
        Ok(Slot { program, counter, records: Records::of(spec) })
    }
}

/// True for programs that name something of the kernel's types.
fn names_kernel(spec: &ProgramSpec) -> bool {
    has_externs(spec) || spec.prog_type().is_some_and(|t| t.row().names == Names::Btf)
}

impl Loader<'_, '_> {
    /// The program for this kernel; `None` for one that does not depend on the kernel's types.
    fn relocated(&self, spec: &ProgramSpec) -> Result<Option<Relocated>, Error> {
        let Some(resolver) = self.resolver.filter(|_| spec.needs_kernel_types()) else { return Ok(None) };
        let string = |offset| self.object.btf.as_ref().and_then(|btf| btf.string(offset));
        spec.relocate(&mut resolver.borrow_mut(), string).map(Some).map_err(Error::Core)
    }

    /// The kernel's type that a program names when it is loaded, 0 for none.
    fn named(&self, spec: &ProgramSpec, prog_type: ProgType) -> Result<u32, Error> {
        let detail = section::find(&spec.section).map_or("", |(_, detail)| detail);
        let unsupported =
            |what: &str| Error::Unsupported { object: format!("program `{}`", spec.name), what: what.to_owned() };
        let find = |kind, name: &str| self.kernel.and_then(|types| types.find(kind, name)).map(|id| id.0);
        let target = match (prog_type, spec.attach_type()) {
            (ProgType::Tracing | ProgType::Lsm, Some(attach_type)) => attach_type.row().target,
            (ProgType::Ext, _) => return Err(unsupported("another program whose function it replaces")),
            (ProgType::StructOps, _) => return Err(unsupported("a table of functions of the kernel (struct_ops)")),
            _ => return Ok(0),
        };
        let (kind, name, what) = match target {
            Target::Tracepoint => (KindId::Typedef, format!("btf_trace_{detail}"), ""),
            Target::Iterator => (KindId::Func, format!("bpf_iter_{detail}"), "iterator"),
            Target::LsmHook => (KindId::Func, format!("bpf_lsm_{detail}"), "security hook"),
            Target::Cgroup => (KindId::Func, format!("bpf_lsm_{detail}"), "security hook"),
            Target::Function => (KindId::Func, detail.to_owned(), "function"),
            _ => return Err(unsupported("its functions named when it is attached")),
        };
        find(kind, &name).ok_or_else(|| match target {
            Target::Tracepoint => Error::NoTracepoint { name: detail.to_owned(), near: None },
            _ => Error::NoSymbol { what, name: detail.to_owned(), near: None, why: None },
        })
    }

    /// What the kernel has that is near what an instruction asks for.
    fn near(&self, missing: &Missing) -> Vec<String> {
        self.resolver.map(|resolver| resolver.borrow().near(missing)).unwrap_or_default()
    }
}

/// The ways one program is tried.
struct Attempt<'p, 'a, 'k> {
    loader: &'p Loader<'a, 'k>,
    spec: &'p ProgramSpec,
    prog_type: ProgType,
    /// The kernel's type it names.
    named: u32,
    poisoned: &'p [Poisoned],
}

/// Bytes of the first log, and the most a log may take.
const LOG_SIZES: std::ops::RangeInclusive<usize> = 64 << 10..=16 << 20;

impl Attempt<'_, '_, '_> {
    /// With counting put in, and without a log.
    fn counted(&self) -> Result<Counting, Error> {
        let layout = Layout::new(self.prog_type, possible_cpus()?);
        let count::Counted { mut spec, map_slots } = match count::instrument(self.spec, &layout) {
            Ok(Some(counted)) => counted,
            Ok(None) => return Ok(Counting::Not(Counter::Nothing)),
            Err(why) => return Ok(Counting::Not(Counter::Failed(why.to_string()))),
        };
        let map = match Map::create(&counter_map(&layout), None) {
            Ok(map) => map,
            // A lack of privilege shows again, and better named, when the program is loaded.
            Err(why) => return Ok(Counting::Not(Counter::Failed(why.to_string()))),
        };
        for slot in map_slots {
            let offset = spec.code.get(slot + 1).map_or(0, |second| second.imm.cast_unsigned());
            if lower::put_map(&mut spec.code, slot, PSEUDO_MAP_VALUE, map.as_fd(), offset).is_none() {
                return Ok(Counting::Not(Counter::Failed("its code could not be extended".to_owned())));
            }
        }
        let lowered = lower(&spec, self.loader.maps, self.loader.externs, self.loader.types.is_some())?;
        match self.once(&lowered) {
            Ok(fd) => Ok(Counting::Done(fd, Counter::Map(map, layout))),
            Err(_) => Ok(Counting::Refused(lowered, map)),
        }
    }

    fn lowered(&self) -> Result<Lowered, Error> {
        lower(self.spec, self.loader.maps, self.loader.externs, self.loader.types.is_some())
    }

    /// Untouched; with a log when it is refused without.
    fn plain(&self) -> Result<OwnedFd, Error> {
        let mut lowered = self.lowered()?;
        if let Ok(fd) = self.once(&lowered) {
            return Ok(fd);
        }
        let (loaded, log) = self.told(&mut lowered, 1);
        loaded.map_err(|errno| self.refusal(errno, log))
    }

    /// Loads with a log of this level; without function and line records, which are for comfort too, where the kernel
    /// refuses those.
    fn told(&self, lowered: &mut Lowered, level: u32) -> (Result<OwnedFd, Errno>, String) {
        let (loaded, log) = self.with_log(lowered, level);
        if loaded.is_ok() || !["func_info", "line_info"].iter().any(|what| log.contains(what)) {
            return (loaded, log);
        }
        lowered.funcs.clear();
        lowered.lines.clear();
        self.with_log(lowered, level)
    }

    /// Loads with a log that grows until it holds all the verifier writes.
    fn with_log(&self, lowered: &Lowered, level: u32) -> (Result<OwnedFd, Errno>, String) {
        let mut size = *LOG_SIZES.start();
        loop {
            let mut log = vec![0; size];
            let loaded = self.logged(lowered, level, &mut log);
            if let (Err(Errno::NOSPC), true) = (&loaded, size < *LOG_SIZES.end()) {
                size *= 4;
                continue;
            }
            let end = log.iter().position(|b| *b == 0).unwrap_or(log.len());
            log.truncate(end);
            return (loaded, String::from_utf8_lossy(&log).into_owned());
        }
    }

    /// One `BPF_PROG_LOAD` without a log.
    fn once(&self, lowered: &Lowered) -> Result<OwnedFd, Errno> {
        self.logged(lowered, 0, &mut [])
    }

    /// One `BPF_PROG_LOAD`.
    fn logged(&self, lowered: &Lowered, log_level: u32, log: &mut [u8]) -> Result<OwnedFd, Errno> {
        let records = !lowered.funcs.is_empty() || !lowered.lines.is_empty();
        let attr = attr::ProgLoad {
            prog_type: self.prog_type.id(),
            prog_name: kernel_name(&self.spec.name),
            prog_flags: self.spec.kind.map_or(0, |row| row.flags),
            expected_attach_type: self.spec.attach_type().map_or(0, |t| t.id()),
            prog_btf_fd: self.loader.types.filter(|_| records).map_or(0, sys::number),
            attach_btf_id: self.named,
            log_level,
            ..Default::default()
        };
        let license = self.loader.license.as_c_str();
        let Lowered { code, funcs, lines } = lowered;
        sys::prog_load(&attr, &sys::ProgramParts { code, license, funcs, lines }, log)
    }

    /// What a refusal means: the verifier's verdict when it wrote one, else privilege, else a failed call.
    fn refusal(&self, errno: Errno, log: String) -> Error {
        let btf = self.loader.object.btf.as_ref();
        let string = |offset| btf.and_then(|btf: &Btf| btf.string(offset));
        let poison = reject::Poison { slots: self.poisoned, near: &|missing| self.loader.near(missing) };
        if let Some(diagnostic) = reject::diagnose(self.spec, string, &log, &poison) {
            return Error::Rejected { diagnostic: Box::new(diagnostic), log };
        }
        let call = Command::ProgLoad.constant();
        let object = format!("program `{}` of type {}", self.spec.name, self.prog_type);
        match errno {
            Errno::PERM | Errno::ACCESS => Error::no_privilege(call, object, needs(self.prog_type)),
            _ => {
                let cause = match errno {
                    Errno::INVAL => Some("this kernel does not have this program type or one of its flags"),
                    Errno::TOOBIG => Some("the program has too many instructions"),
                    Errno::NOSPC => Some("the verifier wrote more than 16 MiB before it refused the program"),
                    _ => None,
                };
                Error::Call { call, object, errno, cause }
            }
        }
    }
}

/// Capabilities that allow to load programs of a type.
fn needs(prog_type: ProgType) -> &'static str {
    match prog_type {
        ProgType::SocketFilter | ProgType::Syscall => "CAP_BPF",
        ProgType::Kprobe
        | ProgType::Tracepoint
        | ProgType::PerfEvent
        | ProgType::RawTracepoint
        | ProgType::RawTracepointWritable
        | ProgType::Tracing
        | ProgType::Lsm => "CAP_BPF and CAP_PERFMON",
        _ => "CAP_BPF and CAP_NET_ADMIN",
    }
}

/// The map that one program counts in.
fn counter_map(layout: &Layout) -> MapSpec {
    MapSpec {
        name: "skep_counts".to_owned(),
        map_type: MapType::Array,
        key_size: 4,
        value_size: layout.value_size(),
        max_entries: 1,
        flags: 0,
        extra: 0,
        key_type: None,
        value_type: None,
        record_type: None,
        role: MapRole::User,
    }
}

/// The licence as the kernel takes it, up to its first zero.
fn license(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}

#[cfg(all(test, feature = "kernel-tests"))]
mod tests;
