//! The kernel as an engine: test runs for frames, links for live hooks.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use skep_diag::{Diagnostic, code};
use skep_kernel::{KernelTypes, Link, RingBuffer, Symbols};
use skep_object::{Hook, Object};

use crate::engine::Options;
use crate::error::Error;
use crate::place::FrameResult;

pub(crate) struct KernelPlace {
    // Fields drop in this order: nothing may fire once its program is gone.
    links: Vec<Link>,
    rings: Vec<(usize, RingBuffer)>,
    pub(crate) loaded: skep_kernel::Loaded,
    programs: Vec<usize>,
    /// Read when the first address is to be named.
    symbols: OnceCell<Symbols>,
}

impl KernelPlace {
    pub(crate) fn load(object: &Object, options: &Options) -> Result<KernelPlace, Error> {
        let types = options.types.as_deref().map(crate::types::of_file).transpose()?;
        let types = types.map(|bytes| Arc::new(KernelTypes::from_bytes(bytes)));
        let programs = options.programs.clone();
        let wanted = skep_kernel::Options { counting: !options.verbatim, programs, types, ..Default::default() };
        let loaded = skep_kernel::load(object, &wanted)?;
        let mut rings = Vec::new();
        for (at, spec) in object.maps.iter().enumerate() {
            if spec.map_type == skep_isa::spec::MapType::Ringbuf {
                let map = loaded.map(at).map(RingBuffer::new).transpose()?;
                rings.extend(map.map(|ring| (at, ring)));
            }
        }
        let programs = options.programs.clone().unwrap_or_else(|| (0..object.programs.len()).collect());
        Ok(KernelPlace { links: Vec::new(), rings, loaded, programs, symbols: OnceCell::new() })
    }

    pub(crate) fn run_frame(
        &mut self,
        program: usize,
        frame: &[u8],
        out: Option<&mut Vec<u8>>,
    ) -> Result<(FrameResult, Option<u64>), Error> {
        let Some(program) = self.loaded.program(program) else { return Ok((FrameResult::Refused, None)) };
        let Some(output) = program.test_frame(frame, out.is_some())? else { return Ok((FrameResult::Refused, None)) };
        if let Some(out) = out {
            *out = output.data;
        }
        Ok((FrameResult::Ran(output.retval as i32), Some(u64::from(output.duration_ns))))
    }

    pub(crate) fn drain(&mut self, map: usize, each: impl FnMut(&[u8])) -> Result<(), Error> {
        if let Some((_, ring)) = self.rings.iter_mut().find(|(at, _)| *at == map) {
            ring.drain(each);
        }
        Ok(())
    }

    pub(crate) fn wait(&self, timeout: Duration) -> Result<(), Error> {
        let rings: Vec<&RingBuffer> = self.rings.iter().map(|(_, ring)| ring).collect();
        skep_kernel::wait(&rings, Some(timeout))?;
        Ok(())
    }

    /// The kernel's name of a place in its code.
    pub(crate) fn symbol(&self, address: u64) -> Option<String> {
        self.symbols.get_or_init(Symbols::read).name(address).filter(|_| address != 0)
    }

    pub(crate) fn records_lost(&self) -> Result<Option<u64>, Error> {
        let mut lost = Some(0);
        for program in &self.programs {
            let counted = self.loaded.counts(*program)?.records_lost;
            lost = lost.zip(counted).map(|(a, b)| a + b);
        }
        Ok(lost)
    }

    pub(crate) fn attach(&mut self, program: usize, hook: &Hook) -> Result<String, Error> {
        let Some(program) = self.loaded.program(program) else { return Ok(String::new()) };
        let link = skep_kernel::attach(program, hook)?;
        let way = link.used().to_owned();
        self.links.push(link);
        Ok(way)
    }

    /// Takes all programs off their hooks.
    pub(crate) fn detach(&mut self) {
        self.links.clear();
    }

    /// A finding when a device is gone that a program was attached to.
    pub(crate) fn check_links(&self) -> Result<(), Error> {
        let Some(link) = self.links.iter().find(|l| l.is_gone()) else { return Ok(()) };
        Err(Diagnostic::error(code::NO_DEVICE, format!("the device of {} is gone", link.hook()))
            .note("it was removed, or moved to another network namespace")
            .into())
    }

    pub(crate) fn map(&self, index: usize) -> Result<&skep_kernel::Map, Error> {
        self.loaded.map(index).ok_or_else(|| Diagnostic::error(code::NO_MAP, format!("there is no map {index}")).into())
    }
}
