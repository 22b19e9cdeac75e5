//! `skep bench vm`: one program on every engine, timed, with what it returns on each.

use std::time::{Duration, Instant};

use serde::Serialize;
use skep_diag::{Diagnostic, code};
use skep_isa::Insn;
use skep_object::Object;
use skep_vm::{Config, Machine, Outcome, Packet, Routine, Still};

use crate::args::BenchVm;
use crate::failure::Failure;

/// How long the runs of one engine take together, about.
const TIME: Duration = Duration::from_millis(200);
/// Parts they are divided into; the median counts.
const PARTS: usize = 9;

/// What one engine made of the program.
#[derive(Serialize, Default)]
struct Row {
    engine: &'static str,
    mode: &'static str,
    ns_per_run: Option<f64>,
    /// Instructions that a run takes.
    insns: Option<u64>,
    /// Slots of the program.
    prog_insns: usize,
    ns_per_insn: Option<f64>,
    /// Until the program could run: decoding, or the whole load.
    compile_us: Option<f64>,
    /// Machine code; 0 where none is made.
    code_bytes: Option<u32>,
    r0: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What is timed.
enum Program {
    Raw(Vec<Insn>),
    Object(Box<Object>),
}

impl Program {
    fn slots(&self) -> usize {
        match self {
            Program::Raw(code) => code.len(),
            Program::Object(object) => object.programs.first().map_or(0, |program| program.code.len()),
        }
    }
}

/// Times the program on each engine.
pub(crate) fn vm(args: &BenchVm) -> Result<(), Failure> {
    let input = args.input.as_deref().map(read).transpose()?.unwrap_or_default();
    let program = match (&args.raw, &args.object) {
        (Some(path), _) => {
            let bytes = read(path)?;
            if bytes.is_empty() || !bytes.len().is_multiple_of(8) {
                let title = format!("{path} has {} bytes, and an instruction has 8", bytes.len());
                return Err(Diagnostic::error(code::BAD_CODE, title).into());
            }
            Program::Raw(Insn::slots(&bytes))
        }
        (None, path) => {
            let path = path.as_deref().unwrap_or_default();
            Program::Object(Box::new(Object::parse(path, &read(path)?)?))
        }
    };
    let mut rows = vec![row(&program, ("interp", "sandbox"), None, || interpret(&program, &input))];
    #[cfg(target_os = "linux")]
    {
        let insns = rows.first().and_then(|row| row.insns);
        rows.push(row(&program, ("kernel", "verified"), insns, || kernel::time(&program, &input)));
    }
    if args.json {
        return super::print_json(&rows);
    }
    let mut table = crate::table::new(
        ["engine", "mode", "ns/run", "instructions", "ns/instruction", "load", "r0"].map(str::to_owned),
    );
    for row in &rows {
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.2}"));
        let result = row.r0.clone().or(row.error.clone()).unwrap_or_default();
        table.add_row([
            row.engine.to_owned(),
            row.mode.to_owned(),
            number(row.ns_per_run),
            row.insns.map_or("-".to_owned(), |insns| insns.to_string()),
            number(row.ns_per_insn),
            row.compile_us.map_or("-".to_owned(), |us| format!("{us:.1} us")),
            result,
        ]);
    }
    super::print_table(&table, rows.len(), "engines")
}

fn read(path: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error| skep::Error::File { action: "read", path: path.to_owned(), error };
    Ok(std::fs::read(path).map_err(failed)?)
}

/// What an engine measured.
struct Measured {
    ns_per_run: f64,
    insns: Option<u64>,
    compile: Duration,
    code_bytes: u32,
    r0: u64,
}

fn row(
    program: &Program,
    (engine, mode): (&'static str, &'static str),
    insns: Option<u64>,
    time: impl FnOnce() -> Result<Measured, String>,
) -> Row {
    let row = Row { engine, mode, prog_insns: program.slots(), ..Row::default() };
    match time() {
        Ok(measured) => {
            let insns = measured.insns.or(insns);
            Row {
                ns_per_run: Some(measured.ns_per_run),
                insns,
                ns_per_insn: insns.map(|insns| measured.ns_per_run / insns as f64),
                compile_us: Some(measured.compile.as_secs_f64() * 1e6),
                code_bytes: Some(measured.code_bytes),
                r0: Some(format!("{:#x}", measured.r0)),
                ..row
            }
        }
        Err(error) => Row { error: Some(error), ..row },
    }
}

fn interpret(program: &Program, input: &[u8]) -> Result<Measured, String> {
    let started = Instant::now();
    match program {
        Program::Raw(code) => {
            let mut routine = Routine::of_code(code.clone(), Vec::new()).map_err(|error| error.to_string())?;
            let compile = started.elapsed();
            let r0 = routine.run(&mut input.to_vec()).map_err(|fault| fault.to_string())?;
            let insns = Some(routine.insns());
            let ns_per_run = timed(|| routine.again().map(|_| ()).map_err(|fault| fault.to_string()))?;
            Ok(Measured { ns_per_run, insns, compile, code_bytes: 0, r0 })
        }
        Program::Object(object) => {
            let machine = Machine::new(object, Some(&[0]), Config::default(), Box::new(Still));
            let mut machine = machine.map_err(|error| error.to_string())?;
            let compile = started.elapsed();
            let mut packet = Packet::new();
            packet.set_frame(input);
            let mut run = || match machine.run(0, &mut packet) {
                Outcome::Ran { result, insns } => Ok((result, insns)),
                Outcome::Fault(fault) => Err(fault.to_string()),
                Outcome::Refused(why) => Err(why.to_string()),
            };
            let (result, insns) = run()?;
            let ns_per_run = timed(|| run().map(|_| ()))?;
            Ok(Measured { ns_per_run, insns: Some(insns), compile, code_bytes: 0, r0: (result as u32).into() })
        }
    }
}

/// Nanoseconds of a run: the median of [`PARTS`].
fn timed(mut run: impl FnMut() -> Result<(), String>) -> Result<f64, String> {
    let mut runs = 1_u32;
    // As many runs as make up a part.
    loop {
        let started = Instant::now();
        for _ in 0..runs {
            run()?;
        }
        if started.elapsed() * PARTS as u32 >= TIME || runs >= 1 << 28 {
            break;
        }
        runs *= 2;
    }
    let mut samples = [0.0; PARTS];
    for sample in &mut samples {
        let started = Instant::now();
        for _ in 0..runs {
            run()?;
        }
        *sample = started.elapsed().as_secs_f64() * 1e9 / f64::from(runs);
    }
    samples.sort_by(f64::total_cmp);
    Ok(samples[PARTS / 2])
}

#[cfg(target_os = "linux")]
mod kernel {
    //! The kernel's side: a test run. Raw instructions become a function that an XDP program calls with a map's value.

    use std::time::Instant;

    use skep_isa::Insn;
    use skep_isa::spec::{MapType, section};
    use skep_kernel::{Options, TestRun};
    use skep_object::{MapSpec, Object, ProgramSpec, Reloc, RelocTarget};

    use super::{Measured, Program};

    /// Runs of the measurement at most; the kernel says how long one of them took.
    const RUNS: u32 = 10_000;
    /// What they may take together.
    const TIME_NS: u32 = 200_000_000;
    /// The shortest frame that all test runs take.
    const FRAME: [u8; 64] = [0; 64];

    pub(super) fn time(program: &Program, input: &[u8]) -> Result<Measured, String> {
        let wrapped;
        let (object, frame) = match program {
            Program::Object(object) => (object.as_ref(), input),
            Program::Raw(code) => {
                wrapped = wrap(code, input.len() as u32);
                (&wrapped, &FRAME[..])
            }
        };
        let failed = |error: skep_kernel::Error| error.to_string();
        let options = Options { counting: false, programs: Some(vec![0]), ..Options::default() };
        let started = Instant::now();
        let loaded = skep_kernel::load(object, &options).map_err(failed)?;
        let compile = started.elapsed();
        let live = loaded.program(0).ok_or("the object has no program")?;
        let is_raw = matches!(program, Program::Raw(_));
        if let (true, false, Some(memory)) = (is_raw, input.is_empty(), loaded.map(0)) {
            memory.update(&[0; 4], input, 0).map_err(failed)?;
        }
        let run = |repeat| live.test_run(&TestRun { data: frame, ctx: &[], data_room: 0, no_data: false, repeat });
        let once = run(1).map_err(failed)?;
        let mut r0 = once.retval.into();
        if is_raw && let Some(result) = loaded.map(1) {
            let value = result.lookup(&[0; 4]).map_err(failed)?.unwrap_or_default();
            r0 = value.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        }
        let ns_per_run = run((TIME_NS / once.duration_ns.max(1)).clamp(1, RUNS)).map_err(failed)?.duration_ns.into();
        let code_bytes = live.info().map_err(failed)?.jited_len;
        Ok(Measured { ns_per_run, insns: None, compile, code_bytes, r0 })
    }

    /// `r1 = the memory; r2 = its length; call code; result = r0; return 0`, and the code.
    fn wrap(code: &[Insn], len: u32) -> Object {
        let wide = [Insn::new(0x18, 1, 0, 0, 0), Insn::default()];
        let call = [Insn::new(0xb7, 2, 0, 0, len as i32), Insn::new(0x85, 0, 1, 0, 5)];
        let end = [Insn::new(0x7b, 1, 0, 0, 0), Insn::new(0xb7, 0, 0, 0, 0), Insn::new(0x95, 0, 0, 0, 0)];
        let value = |slot, map| Reloc { slot, target: RelocTarget::MapValue { map, offset: 0 } };
        let relocs = if len == 0 { vec![value(4, 1)] } else { vec![value(0, 0), value(4, 1)] };
        let program = ProgramSpec {
            name: "bench".to_owned(),
            section: "xdp".to_owned(),
            kind: section::find("xdp").map(|(row, _)| row),
            hook: None,
            code: [&wide[..], &call, &wide, &end, code].concat(),
            relocs,
            funcs: Vec::new(),
            lines: Vec::new(),
        };
        let array = |name: &str, size| MapSpec::new(name.to_owned(), MapType::Array, 4, size, 1);
        Object {
            name: "bench".to_owned(),
            license: "GPL".to_owned(),
            programs: vec![program],
            maps: vec![array("memory", len.max(1)), array("result", 8)],
            externs: Vec::new(),
            btf: None,
            big_endian: false,
        }
    }
}
