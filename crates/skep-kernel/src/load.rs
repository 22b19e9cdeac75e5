//! Loading an [`Object`]: its types, its maps, its programs. Nothing is attached; on an error all is dropped.

mod kernel;
mod maps;
mod named;
mod one;
mod program;
mod types;

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use skep_object::{Object, ProgramSpec};

use crate::btf::KernelTypes;
use crate::count::{Layout, Records};
use crate::error::Error;
use crate::externs::Externs;
use crate::feature::Features;
use crate::map::Map;
use crate::pin;
use crate::program::Program;
use crate::struct_ops::Instance;
use crate::sys;
use maps::Makes;
use program::Loader;
use types::Types;

pub(crate) use kernel::Kernel;
pub use one::{Checked, Verdict, load_one};
pub use types::ObjectTypes;

/// What to load, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Put counting into programs and measure their runs; false loads them untouched (`--verbatim`).
    pub counting: bool,
    /// Programs to load, as indices into `Object::programs`; `None` for all but the optional ones (`SEC("?xdp")`).
    pub programs: Option<Vec<usize>>,
    /// Types that programs are adapted to; `None` for the running kernel's.
    pub types: Option<Arc<KernelTypes>>,
    /// The folder, in a bpf file system, where maps are kept by their names (`LIBBPF_PIN_BY_NAME`).
    pub pins: PathBuf,
    /// The bpf file system that lends this process what it is not privileged for (`BPF_TOKEN_CREATE`); without one that of
    /// the variable `LIBBPF_BPF_TOKEN_PATH`, else `/sys/fs/bpf` if it lends any. An empty
    /// path is for none at all.
    pub token: Option<PathBuf>,
    /// What is known of the kernel; loads that share it ask only once, and share the token of the first.
    pub features: Arc<Features>,
}

impl Default for Options {
    /// All programs, with counting; maps are kept in `/sys/fs/bpf`.
    fn default() -> Options {
        let features = Arc::new(Features::new());
        Options { counting: true, programs: None, types: None, pins: PathBuf::from(pin::FOLDER), token: None, features }
    }
}

/// An object in the kernel.
#[derive(Debug)]
pub struct Loaded {
    types: ObjectTypes,
    /// In the order of `Object::maps`; those that nothing loaded needs are not made.
    maps: Vec<Option<Map>>,
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
    let run_stats = if options.counting { sys::enable_run_stats().ok() } else { None };
    let (types, maps, programs) = with_loader(object, options, |loader| {
        let programs = object.programs.iter().enumerate();
        programs.map(|(index, spec)| options.wants(index, spec).then(|| loader.load(spec)).transpose()).collect()
    })?;
    let loaded: Loaded = Loaded { types, maps, programs, run_stats };
    maps::fill_programs(object, &loaded)?;
    Ok(loaded)
}

impl Options {
    fn wants(&self, index: usize, spec: &ProgramSpec) -> bool {
        self.programs.as_ref().map_or(!spec.is_optional(), |list| list.contains(&index))
    }
}

/// Makes an object's maps, and lends all that its programs share.
fn with_loader<T>(
    object: &Object,
    options: &Options,
    load: impl FnOnce(&Loader<'_, '_>) -> Result<T, Error>,
) -> Result<(ObjectTypes, Vec<Option<Map>>, T), Error> {
    object.check_order().map_err(Error::Object)?;
    let features = &*options.features;
    features.take_token(options.token.as_deref())?;
    let types = Types::load(object.btf.as_ref(), features);
    let wanted = object.programs.iter().enumerate().filter(|(index, spec)| options.wants(*index, spec));
    let wanted: Vec<&ProgramSpec> = wanted.map(|(_, spec)| spec).collect();
    let (maps, loaded) = kernel::with_kernel(object, &wanted, options.types.as_deref(), |kernel| {
        let instances = Instance::all(object, &wanted, kernel)?;
        let makes = Makes { types: types.fd(), features, instances: &instances, pins: &options.pins };
        let maps = maps::create(object, &makes)?;
        let externs = Externs::resolve(object, &wanted, kernel)?;
        let license = license(&object.license);
        let loaded = load(&Loader {
            object,
            types: types.fd(),
            features,
            maps: &maps,
            externs: &externs,
            instances: &instances,
            license: &license,
            counting: options.counting,
            kernel,
        })?;
        Ok((maps, loaded))
    })?;
    Ok((types.state(), maps, loaded))
}

impl Loaded {
    /// What became of the object's types.
    pub fn types(&self) -> &ObjectTypes {
        &self.types
    }

    /// The map with this index in `Object::maps`; `None` also for a structure of functions that is optional and of whose
    /// programs none is loaded.
    pub fn map(&self, index: usize) -> Option<&Map> {
        self.maps.get(index)?.as_ref()
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

/// The licence as the kernel takes it, up to its first zero.
fn license(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}

#[cfg(all(test, feature = "kernel-tests"))]
mod tests;
