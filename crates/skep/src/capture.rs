//! Captures: frames out of a file, and frames into one.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use skep_diag::{Diagnostic, code};
use skep_net::pcap::{Format, Frame, LinkType, Reader, Writer};

use crate::error::Error;
use crate::object::read;

/// A capture file held in memory, and how far it has been fed to a program.
#[derive(Debug)]
pub(crate) struct Capture {
    bytes: Vec<u8>,
    frames: Vec<Place>,
    next: usize,
    /// What is wrong with the file after its last whole frame; told once every frame before it has run.
    pub(crate) cut: Option<Error>,
}

/// Where a frame stands in the file.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    len: usize,
    original_len: u32,
    timestamp_ns: Option<u64>,
}

impl Capture {
    /// Reads a file of Ethernet frames; one that is cut short gives the frames before the cut.
    pub(crate) fn open(path: &str) -> Result<Capture, Error> {
        let bytes = read(Path::new(path))?;
        let damaged = |error| Error::Capture { path: path.to_owned(), error };
        let mut frames = Vec::new();
        let mut cut = None;
        let first = bytes.as_ptr().addr();
        for frame in Reader::new(&bytes).map_err(damaged)? {
            match frame {
                Ok(frame) => {
                    if frame.link_type != LinkType::ETHERNET {
                        return Err(link_type(path, frames.len() + 1, frame.link_type));
                    }
                    frames.push(Place {
                        start: frame.data.as_ptr().addr().wrapping_sub(first),
                        len: frame.data.len(),
                        original_len: frame.original_len,
                        timestamp_ns: frame.timestamp_ns,
                    });
                }
                Err(error) => {
                    cut = Some(damaged(error));
                    break;
                }
            }
        }
        Ok(Capture { bytes, frames, next: 0, cut })
    }

    /// The next frame, `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Frame<'_>> {
        let place = *self.frames.get(self.next)?;
        self.next += 1;
        let data = self.bytes.get(place.start..place.start.checked_add(place.len)?)?;
        Some(Frame {
            data,
            original_len: place.original_len,
            timestamp_ns: place.timestamp_ns,
            link_type: LinkType::ETHERNET,
        })
    }

    /// Frames fed, and frames in all.
    pub(crate) fn progress(&self) -> (usize, usize) {
        (self.next, self.frames.len())
    }
}

fn link_type(path: &str, number: usize, link: LinkType) -> Error {
    Diagnostic::error(code::LINK_TYPE, format!("the packets of {path} are not Ethernet frames"))
        .note(format!("packet {number} is of link type {link}; XDP, tc and socket programs read Ethernet"))
        .help("capture on an Ethernet device (`tcpdump -i eth0`, not `-i any`)")
        .into()
}

/// A capture file being written: pcap when its name ends in `.pcap` or `.cap`, else pcapng.
pub(crate) struct Output {
    path: String,
    /// `None` once the file is finished.
    writer: Option<Writer<BufWriter<File>>>,
}

impl Output {
    pub(crate) fn create(path: &str) -> Result<Output, Error> {
        let file = File::create(path).map_err(|error| Error::File { action: "write", path: path.to_owned(), error })?;
        let writer = Writer::new(BufWriter::with_capacity(1 << 16, file), Format::of_name(path));
        let writer = writer.map_err(|error| Error::Capture { path: path.to_owned(), error })?;
        Ok(Output { path: path.to_owned(), writer: Some(writer) })
    }

    /// Writes `data` with the time and length of the frame it was made of.
    pub(crate) fn write(&mut self, timestamp_ns: Option<u64>, data: &[u8]) -> Result<(), Error> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let original_len = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let frame = Frame { data, original_len, timestamp_ns, link_type: LinkType::ETHERNET };
        writer.write(&frame).map_err(|error| Error::Capture { path: self.path.clone(), error })
    }

    /// Ends the file; nothing is written after.
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        writer.finish().map_err(|error| Error::Capture { path: self.path.clone(), error })?;
        Ok(())
    }
}
