//! One program before the kernel: made fit for it, with and without counting, with and without a log.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use skep_btf::Btf;
use skep_btf::core::Missing;
use skep_isa::insn::PSEUDO_MAP_VALUE;
use skep_isa::spec::{Command, MapType, ProgType};
use skep_object::{MapSpec, Object, Poisoned, ProgramSpec, Relocated};

use super::kernel::Kernel;
use super::named::{Named, named};
use super::{Counter, Slot};
use crate::count::{self, Layout, Records};
use crate::error::{Error, words};
use crate::externs::Externs;
use crate::feature::Features;
use crate::lower::{self, Lowered, lower};
use crate::map::{Map, Parts, possible_cpus};
use crate::name::kernel_name;
use crate::older;
use crate::program::Program;
use crate::reject;
use crate::struct_ops::Instance;
use crate::sys::{self, attr};
use crate::token;

/// What all programs of an object share.
pub(super) struct Loader<'a, 's> {
    pub(super) object: &'a Object,
    /// The object's types in the kernel.
    pub(super) types: Option<BorrowedFd<'a>>,
    /// What is known of the kernel.
    pub(super) features: &'a Features,
    pub(super) maps: &'a [Option<Map>],
    pub(super) externs: &'a Externs,
    /// The object's instances of the kernel's structures.
    pub(super) instances: &'a [Instance],
    pub(super) license: &'a CStr,
    pub(super) counting: bool,
    pub(super) kernel: &'a Kernel<'a, 's>,
}

/// What came of loading a program with counting put in.
enum Counting {
    /// It is loaded.
    Done(OwnedFd, Counter),
    /// There is nothing to count, or it cannot be.
    Not(Counter),
    /// The kernel refused it; the map must outlive the code that names its descriptor.
    Refused(Lowered, Map, Layout),
}

impl Loader<'_, '_> {
    /// Lends the program as it is for this kernel.
    pub(super) fn attempt<T>(
        &self,
        spec: &ProgramSpec,
        attempt: impl FnOnce(&Attempt<'_, '_, '_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Some(prog_type) = spec.prog_type() else {
            return Err(Error::UnknownSection { program: spec.name.clone(), section: spec.section.clone() });
        };
        let named = named(spec, prog_type, self.kernel, self.instances)?;
        let relocated = self.relocated(spec)?;
        let (spec, poisoned) = relocated.as_ref().map_or((spec, &[][..]), |r| (&r.program, &r.poisoned));
        attempt(&Attempt { loader: self, spec, prog_type, named, poisoned })
    }

    pub(super) fn load(&self, spec: &ProgramSpec) -> Result<Slot, Error> {
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
            Counting::Refused(mut lowered, map, layout) => {
                // When the untouched program is refused too, that verdict is the one that counts.
                let fd = attempt.plain()?;
                // What the plain one taught of the kernel may be all that was missing.
                older::code(&mut lowered, self.features);
                let (refused, log) = attempt.with_log(&lowered, STATS, *LOG_SIZES.start());
                match refused {
                    Ok(fd) => (fd, Counter::Map(map, layout)),
                    Err(errno) => {
                        let why = reject::message(&log).map_or_else(|| words(errno), str::to_owned);
                        (fd, Counter::Failed(format!("the verifier refuses the counting instructions: {why}")))
                    }
                }
            }
        };
        let program = Program::new(fd, spec.name.clone(), Some(prog_type));
        Ok(Slot { program, counter, records: Records::of(spec) })
    }
}

impl Loader<'_, '_> {
    /// The program for this kernel; `None` for one that does not depend on the kernel's types.
    fn relocated(&self, spec: &ProgramSpec) -> Result<Option<Relocated>, Error> {
        let Some(resolver) = self.kernel.resolver().filter(|_| spec.needs_kernel_types()) else { return Ok(None) };
        let string = |offset| self.object.btf.as_ref().and_then(|btf| btf.string(offset));
        spec.relocate(resolver, string).map(Some).map_err(Error::Object)
    }

    /// What the kernel has that is near what an instruction asks for.
    fn near(&self, missing: &Missing) -> Vec<String> {
        self.kernel.resolver().map(|resolver| resolver.near(missing)).unwrap_or_default()
    }
}

/// The ways one program is tried.
pub(super) struct Attempt<'p, 'a, 's> {
    loader: &'p Loader<'a, 's>,
    spec: &'p ProgramSpec,
    prog_type: ProgType,
    named: Named<'a>,
    poisoned: &'p [Poisoned],
}

/// Levels of a log: what was counted, and the walk. Both tell why a program is refused.
const STATS: u32 = 4;
const WALK: u32 = 1;

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
        let parts = Parts { features: Some(self.loader.features), ..Parts::default() };
        let map = match Map::with_parts(&counter_map(&layout), &parts) {
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
        let lowered = self.lower(&spec)?;
        match self.once(&lowered) {
            Ok(fd) => Ok(Counting::Done(fd, Counter::Map(map, layout))),
            Err(_) => Ok(Counting::Refused(lowered, map, layout)),
        }
    }

    pub(super) fn lowered(&self) -> Result<Lowered, Error> {
        self.lower(self.spec)
    }

    fn lower(&self, spec: &ProgramSpec) -> Result<Lowered, Error> {
        let Loader { maps, externs, types, features, .. } = self.loader;
        let mut lowered = lower(spec, maps, externs, types.is_some())?;
        older::code(&mut lowered, features);
        Ok(lowered)
    }

    /// Untouched; with a log when it is refused without.
    fn plain(&self) -> Result<OwnedFd, Error> {
        let mut lowered = self.lowered()?;
        if let Ok(fd) = self.once(&lowered) {
            return Ok(fd);
        }
        let (loaded, log) = self.judged(&mut lowered);
        loaded.map_err(|errno| self.refusal(errno, log))
    }

    /// Loads, and has the verifier tell: of an accepted program what was counted, of a refused one the whole walk. A walk takes
    /// long to write and much room, so it is asked for only then, and at once in all the room there may be, for every try is a
    /// walk of its own. Of one that no log can hold, the end is told.
    pub(super) fn judged(&self, lowered: &mut Lowered) -> (Result<OwnedFd, Errno>, String) {
        let (loaded, log) = self.told(lowered, STATS, *LOG_SIZES.start());
        if loaded.is_ok() {
            return (loaded, log);
        }
        let (again, whole) = self.told(lowered, STATS | WALK, *LOG_SIZES.end());
        if again.as_ref().is_err_and(|errno| *errno == Errno::NOSPC) { (loaded, log) } else { (again, whole) }
    }

    /// Loads with a log of this level and size; without function and line records, which are for comfort too, where the
    /// kernel refuses those.
    fn told(&self, lowered: &mut Lowered, level: u32, size: usize) -> (Result<OwnedFd, Errno>, String) {
        let features = self.loader.features;
        let (mut loaded, mut log) = self.with_log(lowered, level, size);
        if loaded.as_ref().is_err_and(|errno| older::program_may_load(*errno, &log, lowered, features)) {
            older::code(lowered, features);
            (loaded, log) = self.with_log(lowered, level, size);
        }
        if loaded.is_ok() || !["func_info", "line_info"].iter().any(|what| log.contains(what)) {
            return (loaded, log);
        }
        lowered.funcs.clear();
        lowered.lines.clear();
        self.with_log(lowered, level, size)
    }

    /// Loads with a log that grows from this size until it holds all the verifier writes.
    fn with_log(&self, lowered: &Lowered, level: u32, mut size: usize) -> (Result<OwnedFd, Errno>, String) {
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
            expected_attach_type: self.named.place,
            prog_btf_fd: self.loader.types.filter(|_| records).map_or(0, sys::number),
            attach_btf_id: self.named.type_id,
            attach_fd: self.named.of.map_or(0, sys::number),
            log_level,
            ..Default::default()
        };
        let Lowered { code, funcs, lines } = lowered;
        let (license, modules) = (self.loader.license, self.loader.externs.modules());
        let features = self.loader.features;
        let attr = token::program(older::program(attr, features), features.token());
        sys::prog_load(&attr, &sys::ProgramParts { code, license, funcs, lines, modules }, log)
    }

    /// What a refusal means: the verifier's verdict when it wrote one, else privilege, else a failed call.
    pub(super) fn refusal(&self, errno: Errno, log: String) -> Error {
        let btf = self.loader.object.btf.as_ref();
        let string = |offset| btf.and_then(|btf: &Btf| btf.string(offset));
        let poison = reject::Poison { slots: self.poisoned, near: &|missing| self.loader.near(missing) };
        if let Some(diagnostic) = reject::diagnose(self.spec, string, &log, &poison) {
            return Error::Rejected { diagnostic: Box::new(diagnostic), log };
        }
        let call = Command::ProgLoad.constant();
        let object = format!("program `{}` of type {}", self.spec.name, self.prog_type);
        match errno {
            Errno::PERM | Errno::ACCESS => {
                Error::not_permitted(call, object, needs(self.prog_type), errno, self.loader.features)
            }
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
    MapSpec::new("skep_counts", MapType::Array, 4, layout.value_size(), 1)
}
