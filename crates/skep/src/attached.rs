//! A program at a hook, and what came of the frames fed to it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use skep_diag::Diagnostic;
use skep_isa::spec::{ProgType, result};
use skep_object::{Hook, Object};

use crate::capture::{Capture, Output};
use crate::error::Error;
use crate::place::{FrameResult, Place};

/// How long one batch of frames may take.
const BATCH: Duration = Duration::from_millis(20);

/// A program at a hook.
pub(crate) struct Attached {
    /// Index of the program in its object.
    pub(crate) program: usize,
    pub(crate) hook: Hook,
    /// How the engine did it, where there is more than one way.
    pub(crate) way: Option<String>,
    /// Frames still to be fed, when the hook is a capture.
    pub(crate) capture: Option<Capture>,
    pub(crate) tally: Tally,
}

/// What came of the frames fed to a program.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) runs: u64,
    pub(crate) refused: u64,
    pub(crate) faults: u64,
    pub(crate) results: BTreeMap<&'static str, u64>,
    pub(crate) ns: u64,
    pub(crate) first_fault: Option<Diagnostic>,
}

impl Attached {
    /// Feeds at most `most` frames of the capture, and writes those that go on; how many were fed, 0 at its end.
    pub(crate) fn feed(
        &mut self,
        place: &mut Place,
        object: &Object,
        mut output: Option<&mut Output>,
        most: usize,
    ) -> Result<usize, Error> {
        let (Some(capture), Some(spec)) = (&mut self.capture, object.programs.get(self.program)) else { return Ok(0) };
        let results = result::of(spec.prog_type().unwrap_or(ProgType::Unspec));
        // A socket filter cannot change frames, and its test run hands back only a part.
        let unchanged = matches!(results, result::Results::Length);
        let mut modified = Vec::new();
        let tally = &mut self.tally;
        let started = Instant::now();
        let (mut fed, mut written, mut slow) = (0, Ok(()), false);
        while fed < most && written.is_ok() {
            // A program that runs long must not keep the caller from what else there is to do.
            if (slow || fed % 16 == 15) && started.elapsed() > BATCH {
                break;
            }
            let Some(frame) = capture.next() else { break };
            fed += 1;
            let out = output.is_some().then_some(&mut modified);
            let (outcome, ns) = place.run_frame(self.program, frame.data, frame.original_len, out)?;
            tally.ns += ns.unwrap_or(0);
            match outcome {
                FrameResult::Ran(value) => {
                    tally.runs += 1;
                    if let Some(name) = results.name(value) {
                        *tally.results.entry(name).or_default() += 1;
                    }
                    if let Some(output) = output.as_deref_mut().filter(|_| results.goes(value)) {
                        written = output.write(frame.timestamp_ns, if unchanged { frame.data } else { &modified });
                    }
                }
                FrameResult::Refused => tally.refused += 1,
                FrameResult::Fault(fault) => {
                    tally.runs += 1;
                    tally.faults += 1;
                    slow = true;
                    tally.first_fault.get_or_insert_with(|| fault.diagnostic(spec, object));
                }
            }
        }
        // The kernel times its own runs.
        if matches!(place, Place::Vm(_)) {
            tally.ns += started.elapsed().as_nanos() as u64;
        }
        written.map(|()| fed)
    }
}

impl Tally {
    /// Adds another one's numbers.
    pub(crate) fn add(&mut self, other: &Tally) {
        self.runs += other.runs;
        self.refused += other.refused;
        self.faults += other.faults;
        self.ns += other.ns;
        other.results.iter().for_each(|(name, n)| *self.results.entry(name).or_default() += n);
    }
}
