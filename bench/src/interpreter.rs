//! Nanoseconds an instruction, on the programs of `programs/interpreter.bpf.c`, beside rbpf's interpreter.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rbpf::EbpfVmMbuff;
use skep_object::Object;
use skep_vm::{Outcome, Packet};

use crate::{SAMPLES, machine, row};

/// Nanoseconds of one side of a sample, about.
const SAMPLE_NS: f64 = 20e6;

pub(crate) fn run(path: &str) -> Result<()> {
    let object = Object::parse("interpreter", &std::fs::read(path)?)?;
    let mut machine = machine(&object)?;
    let mut packet = Packet::new();
    packet.set_frame(&[1; 1500]);
    for (index, program) in object.programs.iter().enumerate() {
        let mut ours = || match machine.run(index, &mut packet) {
            Outcome::Ran { result, insns } => Ok((result, insns)),
            other => anyhow::bail!("{}: {other:?}", program.name),
        };
        let (result, insns) = ours()?;
        let started = Instant::now();
        ours()?;
        let runs = (SAMPLE_NS / started.elapsed().as_nanos().max(1) as f64).ceil() as u32;
        let per_insn = |started: Instant| started.elapsed().as_secs_f64() * 1e9 / f64::from(runs) / insns as f64;
        let bytes: Vec<u8> = program.code.iter().flat_map(|insn| insn.to_bytes()).collect();
        let portable = program.relocs.is_empty() && program.name != "packet";
        let peer = if portable { Some(EbpfVmMbuff::new(Some(&bytes)).context("rbpf")?) } else { None };
        let context = [0_u8; 64];
        let (mut fast, mut slow) = (Vec::new(), Vec::new());
        for _ in 0..SAMPLES {
            let started = Instant::now();
            for _ in 0..runs {
                black_box(ours()?);
            }
            fast.push(per_insn(started));
            let Some(peer) = &peer else { continue };
            let theirs = || peer.execute_program(&[], black_box(&context)).context("rbpf");
            ensure!(theirs()? as i32 == result, "{}: rbpf has another result", program.name);
            let started = Instant::now();
            for _ in 0..runs {
                black_box(theirs()?);
            }
            slow.push(per_insn(started));
        }
        let beside = peer.is_some().then_some(("rbpf 0.4.1", slow.as_slice()));
        row("interpreter", &format!("{}, {insns} instructions", program.name), "ns/instruction", &fast, beside);
    }
    Ok(())
}
