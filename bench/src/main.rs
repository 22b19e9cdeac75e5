//! Measures inside one process, for `cargo xtask bench`: prints one line of JSON for each row, with every sample.
//!
//! `skep-bench PROGRAMS.bpf.o LARGE.bpf.o EXAMPLES-FOLDER`, or `skep-bench --load ORACLE CORPUS-FOLDER LIST` for what loading
//! objects costs: in a process of its own, so that its CPU time is that alone.

mod interpreter;
mod load;
mod maps;
mod packets;

use std::time::Instant;

use anyhow::{Result, bail};
use skep_isa::Insn;
use skep_isa::spec::section;
use skep_object::{MapSpec, Object, ProgramSpec, Reloc, RelocTarget};
use skep_vm::{Config, Host, Machine};

/// Samples of each side of a row.
const SAMPLES: usize = 15;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, oracle, folder, list] = args.as_slice()
        && flag == "--load"
    {
        return load::run(oracle, folder, list);
    }
    let [programs, large, examples] = args.as_slice() else {
        bail!("wanted: the programs' object, a large object, the folder of examples");
    };
    open(large)?;
    interpreter::run(programs)?;
    maps::run()?;
    packets::run(examples)
}

/// Opening: file, ELF, types, relocations, lines.
fn open(path: &str) -> Result<()> {
    let samples: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let started = Instant::now();
            let object = skep::Object::open(path).map(|object| object.spec().programs.len())?;
            anyhow::ensure!(object > 0, "{path} has no program");
            Ok(started.elapsed().as_secs_f64() * 1e3)
        })
        .collect::<Result<_>>()?;
    row("process", "open and parse the same object, in a library call", "ms", &samples, None);
    Ok(())
}

/// Prints a row: our samples, and a peer's.
fn row(group: &str, name: &str, unit: &str, ours: &[f64], peer: Option<(&str, &[f64])>) {
    let (peer, theirs) = match peer {
        Some((peer, theirs)) => (format!("\"{peer}\""), theirs),
        None => ("null".to_owned(), &[][..]),
    };
    println!(
        "{{\"group\":\"{group}\",\"name\":\"{name}\",\"unit\":\"{unit}\",\"ours\":{ours:?},\"peer\":{peer},\"theirs\":{theirs:?}}}"
    );
}

/// A host for programs that ask nothing of it but the time.
struct Clock(Instant);

impl Host for Clock {
    fn now_ns(&mut self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
    fn boot_ns(&mut self) -> u64 {
        self.now_ns()
    }
    fn random_u32(&mut self) -> u32 {
        0x9e37_79b9
    }
    fn print(&mut self, _: &str) {}
}

fn machine(object: &Object) -> Result<Machine> {
    let config = Config { like_kernel: true, ..Config::default() };
    Ok(Machine::new(object, None, config, Box::new(Clock(Instant::now())))?)
}

/// An object of one XDP program whose wide loads with source 1 are of the one map.
fn object(code: Vec<Insn>, maps: Vec<MapSpec>) -> Object {
    let loads = code.iter().enumerate().filter(|(_, insn)| insn.is_wide() && insn.src == 1);
    let relocs = loads.map(|(slot, _)| Reloc { slot: slot as u32, target: RelocTarget::Map(0) }).collect();
    let program = ProgramSpec {
        name: "bench".to_owned(),
        section: "xdp".to_owned(),
        kind: section::find("xdp").map(|(row, _)| row),
        hook: None,
        code,
        relocs,
        funcs: Vec::new(),
        lines: Vec::new(),
    };
    Object {
        name: "bench".to_owned(),
        license: "GPL".to_owned(),
        programs: vec![program],
        maps,
        externs: vec![],
        btf: None,
        big_endian: false,
    }
}
