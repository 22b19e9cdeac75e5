//! The packet examples over the capture, its frames in memory, beside the kernel's test run of the same programs.

use std::time::Instant;

use anyhow::{Context, Result};
use skep::{Engine, Hook, Options};
use skep_net::pcap::Reader;
use skep_object::Object;
use skep_vm::{Outcome, Packet};

use crate::{SAMPLES, machine, row};

const EXAMPLES: &[&str] = &["protocols", "blocklist", "vlan", "sockets"];
/// Times the capture is run over for all samples together, so that they take more than a second.
const ROUNDS: u32 = 2400;

pub(crate) fn run(folder: &str) -> Result<()> {
    let capture = format!("{folder}/capture.pcap");
    let bytes = std::fs::read(&capture)?;
    let frames: Vec<&[u8]> = Reader::new(&bytes)?.map(|frame| Ok(frame?.data)).collect::<Result<_>>()?;
    for name in EXAMPLES {
        let path = format!("{folder}/{name}/{name}.bpf.o");
        let object = Object::parse(name, &std::fs::read(&path)?)?;
        let mut machine = machine(&object)?;
        let mut packet = Packet::new();
        let mut ours = || {
            let (mut ran, started) = (0_u32, Instant::now());
            for _ in 0..ROUNDS / SAMPLES as u32 {
                for frame in &frames {
                    packet.set_frame(frame);
                    ran += u32::from(matches!(machine.run(0, &mut packet), Outcome::Ran { .. }));
                }
            }
            started.elapsed().as_secs_f64() * 1e9 / f64::from(ran)
        };
        let (mut vm, mut kernel) = (Vec::new(), Vec::new());
        for _ in 0..SAMPLES {
            vm.push(ours());
            kernel.extend(test_run(&path, &capture)?);
        }
        let beside = (!kernel.is_empty()).then_some(("kernel, test run", kernel.as_slice()));
        row("packets", name, "ns/packet", &vm, beside);
    }
    Ok(())
}

/// Mean time of a run on the kernel, by its own measure; `None` without the privilege.
fn test_run(object: &str, capture: &str) -> Result<Option<f64>> {
    let object = skep::Object::open(object)?;
    let options = Options { verbatim: true, ..Options::default() };
    let mut loaded = match Engine::Kernel.load_with(&object, &options) {
        Ok(loaded) => loaded,
        Err(error) if error.code().as_str() == "K0002" => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    loaded.attach(0, &Hook::Pcap { path: capture.to_owned() })?;
    loaded.run(|_| ())?;
    let report = loaded.report()?;
    Ok(report.programs.first().context("a program")?.ns_per_run)
}
