//! A loaded object: programs to attach, maps to read, records as they come.

use std::sync::Arc;
use std::time::{Duration, Instant};

use skep_diag::{Diagnostic, code};
use skep_isa::spec;
use skep_object::{Hook, Object as Spec};

use crate::attached::{Attached, Tally};
use crate::capture::{Capture, Output};
use crate::engine::{Engine, Options};
use crate::error::Error;
use crate::host::Printed;
use crate::map::Map;
use crate::object::Object;
use crate::place::Place;
use crate::plan::fits;
use crate::record::{Record, Schema};
use crate::report::{ProgramReport, Report};
use crate::typed::View;

/// An object on an engine. Dropping it detaches everything and frees programs and maps.
pub struct Loaded {
    engine: Engine,
    spec: Arc<Spec>,
    place: Place,
    programs: Vec<usize>,
    schemas: Vec<(usize, Schema)>,
    links: Vec<Attached>,
    output: Option<Output>,
    delivered: u64,
    /// When live hooks were last found standing.
    checked: Instant,
}

/// How far [`Loaded::poll`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Frames of captures that have been fed.
    pub frames: u64,
    /// Frames there are in all.
    pub of: u64,
    /// False when nothing more will happen: every capture is at its end and no live hook is attached.
    pub more: bool,
}

impl Loaded {
    pub(crate) fn new(engine: Engine, object: &Object, options: &Options) -> Result<Loaded, Error> {
        let spec = object.shared();
        let schemas = Schema::all(&spec, &options.record_types)?;
        let programs = options.programs.clone().unwrap_or_else(|| (0..spec.programs.len()).collect());
        let place = Place::load(engine, &spec, options)?;
        Ok(Loaded {
            engine,
            spec,
            place,
            programs,
            schemas,
            links: Vec::new(),
            output: None,
            delivered: 0,
            checked: Instant::now(),
        })
    }

    /// The engine it lives on.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// A program by its name.
    ///
    /// # Errors
    /// `O0008` when the object has none of this name, or it was not loaded.
    pub fn program(&mut self, name: &str) -> Result<Program<'_>, Error> {
        let of_name = |at: &&usize| self.spec.programs.get(**at).is_some_and(|p| p.name == name);
        let Some(index) = self.programs.iter().find(of_name).copied() else {
            let names = self.programs.iter().filter_map(|at| self.spec.programs.get(*at)).map(|p| p.name.as_str());
            let names: Vec<_> = names.collect();
            return Err(Diagnostic::error(code::NO_PROGRAM, format!("no program `{name}` is loaded"))
                .note(format!("loaded: {}", names.join(", ")))
                .into());
        };
        Ok(Program { loaded: self, index })
    }

    /// Attaches the program of this index in the object.
    ///
    /// # Errors
    /// A hook of another program type (`H0003`), one this engine does not have (`H0005`), a capture that cannot be read,
    /// or what the kernel refuses.
    pub fn attach(&mut self, program: usize, hook: &Hook) -> Result<(), Error> {
        let Some(spec) = self.spec.programs.get(program) else {
            return Err(Diagnostic::error(code::NO_PROGRAM, format!("there is no program {program}")).into());
        };
        if !fits(spec, hook.kind()) {
            let is = spec.prog_type().map_or("of no known type", |t| t.name());
            return Err(Diagnostic::error(
                code::HOOK_MISMATCH,
                format!("program `{}` does not run at {hook}", spec.name),
            )
            .note(format!("it is {is}"))
            .into());
        }
        let (capture, way) = match hook {
            Hook::Pcap { path } => (Some(Capture::open(path)?), self.pcap_way()),
            _ => (None, self.place.attach(program, hook)?),
        };
        self.links.push(Attached { program, hook: hook.clone(), way, capture, tally: Tally::default() });
        Ok(())
    }

    fn pcap_way(&self) -> Option<String> {
        match self.engine {
            Engine::Vm => None,
            Engine::Kernel => Some("test run".to_owned()),
        }
    }

    /// Writes the frames that go on (those a program passes, sends back or redirects), as it left them, to a capture file:
    /// pcap when its name ends in `.pcap`, else pcapng.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn write_frames(&mut self, path: &str) -> Result<(), Error> {
        self.output = Some(Output::create(path)?);
        Ok(())
    }

    /// A map by its name, through a typed view: `map::<HashMap<u32, u64>>("count")`.
    ///
    /// # Errors
    /// No such map (`M0001`), or a map of another shape (`M0003`).
    pub fn map<'l, V: View<'l>>(&'l self, name: &str) -> Result<V, Error> {
        V::of(self.map_named(name)?)
    }

    /// A map by its name.
    ///
    /// # Errors
    /// No such map (`M0001`).
    pub fn map_named(&self, name: &str) -> Result<Map<'_>, Error> {
        self.maps().find(|m| m.name() == name).ok_or_else(|| {
            let names: Vec<&str> = self.spec.maps.iter().map(|m| m.name.as_str()).collect();
            let d = Diagnostic::error(code::NO_MAP, format!("object `{}` has no map `{name}`", self.spec.name));
            match spec::nearest(name, names.iter().copied()) {
                Some(near) => d.help(format!("did you mean `{near}`?")).into(),
                None => d.note(format!("its maps: {}", names.join(", "))).into(),
            }
        })
    }

    /// All maps, in the object's order.
    pub fn maps(&self) -> impl Iterator<Item = Map<'_>> {
        self.spec.maps.iter().enumerate().map(|(index, spec)| Map {
            spec,
            index,
            btf: self.spec.btf.as_ref(),
            place: &self.place,
        })
    }

    /// Lets things happen for at most about `timeout`: feeds frames of captures to their programs, or waits for live
    /// hooks to send records. Every record goes to `each`.
    ///
    /// # Errors
    /// A capture that is cut short (told after the frames before the cut), a file that cannot be written, or what the
    /// kernel refuses.
    pub fn poll(&mut self, timeout: Duration, each: &mut dyn FnMut(Record)) -> Result<Progress, Error> {
        let deadline = Instant::now() + timeout;
        let fed = self.feed(deadline, each)?;
        self.drain(each)?;
        let live = self.links.iter().any(|l| l.capture.is_none());
        if !fed && live {
            self.wait(deadline)?;
            self.drain(each)?;
            self.check_links()?;
        }
        let (mut frames, mut of) = (0, 0);
        for (done, all) in self.links.iter().filter_map(|l| l.capture.as_ref()).map(Capture::progress) {
            frames += done as u64;
            of += all as u64;
        }
        if frames == of {
            if let Some(output) = &mut self.output {
                output.finish()?;
            }
            if let Some(error) = self.links.iter_mut().find_map(|l| l.capture.as_mut()?.cut.take()) {
                return Err(error);
            }
        }
        Ok(Progress { frames, of, more: live || frames < of })
    }

    /// Ends it: detaches live hooks, so that nothing more happens, hands every record that is still there to `each`, and ends
    /// the written capture. What is read afterwards is of one moment.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn stop(&mut self, each: &mut dyn FnMut(Record)) -> Result<(), Error> {
        #[cfg(target_os = "linux")]
        if let Place::Kernel(kernel) = &mut self.place {
            kernel.detach();
        }
        self.drain(each)?;
        match &mut self.output {
            Some(output) => output.finish(),
            None => Ok(()),
        }
    }

    /// Feeds every capture to its end and hands each record to `each`. Returns at once when only live hooks are attached.
    ///
    /// # Errors
    /// As [`Loaded::poll`].
    pub fn run(&mut self, mut each: impl FnMut(Record)) -> Result<(), Error> {
        loop {
            let progress = self.poll(Duration::from_millis(100), &mut each)?;
            if progress.frames == progress.of {
                return Ok(());
            }
        }
    }

    /// Records of one ring buffer that have come in so far.
    ///
    /// # Errors
    /// No such ring buffer (`M0001`), or what the kernel refuses.
    pub fn records(&mut self, map: &str) -> Result<Vec<Record>, Error> {
        let index = self.map_named(map)?.index;
        let mut records = Vec::new();
        let btf = self.spec.btf.as_ref();
        if let Some((_, schema)) = self.schemas.iter_mut().find(|(at, _)| *at == index) {
            self.place.drain(index, |bytes| records.push(schema.record(btf, bytes)))?;
        }
        self.delivered += records.len() as u64;
        Ok(records)
    }

    fn drain(&mut self, each: &mut dyn FnMut(Record)) -> Result<(), Error> {
        let btf = self.spec.btf.as_ref();
        for (at, schema) in &mut self.schemas {
            let delivered = &mut self.delivered;
            self.place.drain(*at, |bytes| {
                *delivered += 1;
                each(schema.record(btf, bytes));
            })?;
        }
        Ok(())
    }

    #[cfg_attr(not(target_os = "linux"), allow(unused_variables, reason = "only the kernel has live hooks"))]
    fn wait(&self, deadline: Instant) -> Result<(), Error> {
        match &self.place {
            Place::Vm(_) => Ok(()),
            #[cfg(target_os = "linux")]
            Place::Kernel(kernel) => kernel.wait(deadline.saturating_duration_since(Instant::now())),
        }
    }

    /// Once a second: whether live hooks still stand.
    fn check_links(&mut self) -> Result<(), Error> {
        #[cfg(target_os = "linux")]
        if let Place::Kernel(kernel) = &self.place
            && self.checked.elapsed() >= Duration::from_secs(1)
        {
            self.checked = Instant::now();
            kernel.check_links()?;
        }
        Ok(())
    }

    /// Feeds frames until the deadline; false when there were none.
    fn feed(&mut self, deadline: Instant, each: &mut dyn FnMut(Record)) -> Result<bool, Error> {
        #[cfg(target_os = "linux")]
        let _cpu = match self.place {
            Place::Kernel(_) => Some(skep_kernel::FirstCpu::hold()),
            Place::Vm(_) => None,
        };
        // Short enough for the deadline, long enough that the clock costs nothing; records are drained after each frame, so
        // that no buffer fills up only because frames come faster than on a wire.
        let most = if self.schemas.is_empty() { 256 } else { 1 };
        let mut fed = false;
        for at in 0..self.links.len() {
            while let Some(link) = self.links.get_mut(at) {
                let ran = link.feed(&mut self.place, &self.spec, self.output.as_mut(), most)?;
                fed |= ran > 0;
                if !self.schemas.is_empty() {
                    self.drain(each)?;
                }
                if ran == 0 || Instant::now() >= deadline {
                    break;
                }
            }
        }
        Ok(fed)
    }

    /// What programs on the vm printed with `bpf_trace_printk` since the last call. On the kernel engine it is always
    /// empty: there the text goes to the trace pipe that all programs of the machine share
    /// (`/sys/kernel/tracing/trace_pipe`), which skep does not read.
    pub fn take_printed(&mut self) -> Printed {
        self.place.take_printed()
    }

    /// What the engine did otherwise than the object says, in one sentence each.
    pub fn notes(&self) -> Vec<String> {
        match &self.place {
            #[cfg(target_os = "linux")]
            Place::Kernel(kernel) => types_note(kernel.loaded.types()).into_iter().collect(),
            Place::Vm(_) => Vec::new(),
        }
    }

    /// The first rule of the vm that each program broke, if any did.
    pub fn faults(&self) -> impl Iterator<Item = &Diagnostic> {
        self.links.iter().filter_map(|l| l.tally.first_fault.as_ref())
    }

    /// What it came to so far.
    ///
    /// # Errors
    /// When the kernel's counters cannot be read.
    pub fn report(&self) -> Result<Report, Error> {
        let programs = self.programs.iter().map(|at| self.program_report(*at)).collect::<Result<_, _>>()?;
        Ok(Report { programs, records_delivered: self.delivered, records_lost: self.place.records_lost()? })
    }

    fn program_report(&self, index: usize) -> Result<ProgramReport, Error> {
        let Some(spec) = self.spec.programs.get(index) else { return Ok(ProgramReport::default()) };
        let links: Vec<&Attached> = self.links.iter().filter(|l| l.program == index).collect();
        let join = |parts: Vec<String>| (!parts.is_empty()).then(|| parts.join(", "));
        let mut report = ProgramReport {
            name: spec.name.clone(),
            prog_type: spec.prog_type().map_or("unspec", |t| t.name()),
            hook: join(links.iter().map(|l| l.hook.to_string()).collect()),
            way: join(links.iter().filter_map(|l| l.way.clone()).collect()),
            ..ProgramReport::default()
        };
        let mut tally = Tally::default();
        links.iter().for_each(|l| tally.add(&l.tally));
        (report.refused, report.faults) = (tally.refused, tally.faults);
        if links.iter().all(|l| l.capture.is_some()) {
            report.runs = Some(tally.runs);
            report.ns_per_run = (tally.runs > 0).then(|| tally.ns as f64 / tally.runs as f64);
            report.verdicts = Some(tally.results);
            return Ok(report);
        }
        #[cfg(target_os = "linux")]
        if let Place::Kernel(kernel) = &self.place {
            let counts = kernel.loaded.counts(index)?;
            report.runs = counts.runs;
            report.verdicts = counts.results.map(|r| r.into_iter().filter(|(_, n)| *n > 0).collect());
            let ran = counts.runs.filter(|n| *n > 0);
            report.ns_per_run = ran.zip(counts.run_time_ns).map(|(n, ns)| ns as f64 / n as f64);
            report.not_counted = kernel.loaded.uncounted(index).map(str::to_owned);
        }
        Ok(report)
    }
}

/// What became of an object's types in the kernel, where it is worth telling.
#[cfg(target_os = "linux")]
fn types_note(types: &skep_kernel::ObjectTypes) -> Option<String> {
    use skep_kernel::ObjectTypes;
    match types {
        ObjectTypes::None | ObjectTypes::Whole => None,
        ObjectTypes::Changed(changes) => {
            Some(format!("this kernel has the object's types with changes: {}", changes.join("; ")))
        }
        ObjectTypes::Refused(why) => Some(format!(
            "this kernel refuses the object's types ({why}); its programs have no records of functions and lines"
        )),
    }
}

/// A program of a loaded object.
pub struct Program<'l> {
    loaded: &'l mut Loaded,
    index: usize,
}

impl Program<'_> {
    /// Attaches it to a hook, written as everywhere: `xdp:eth0`, `pcap:FILE`, `tracepoint:sched:sched_switch`.
    ///
    /// # Errors
    /// Text that is no hook (`H0001`, `H0002`), and as [`Loaded::attach`].
    pub fn attach(&mut self, hook: &str) -> Result<(), Error> {
        let hook = Hook::parse(hook)?;
        self.loaded.attach(self.index, &hook)
    }

    /// What it has done so far.
    ///
    /// # Errors
    /// When the kernel's counters cannot be read.
    pub fn report(&self) -> Result<ProgramReport, Error> {
        self.loaded.program_report(self.index)
    }
}
