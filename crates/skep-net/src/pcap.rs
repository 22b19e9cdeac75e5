//! Capture files: pcap (both byte orders, microseconds and nanoseconds) and pcapng, read and written.
//!
//! Enter at [`Reader::new`] with the bytes of a whole file, and at [`Writer::new`]. Frames are borrowed from the bytes;
//! nothing is copied and memory does not depend on what the file claims. The layouts are those of
//! draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
//!
//! This is our own reader because pcap-file 2.0, though free of panics, refuses files that are in order: frames that
//! were longer than the snapshot length, interface options without an end mark or with a time zone, comments that are
//! not UTF-8; and it keeps the padding of simple packet blocks as data.

mod link_type;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use skep_diag::{Diagnostic, code};

pub use link_type::LinkType;
pub use reader::Reader;
pub use writer::Writer;

/// One captured frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The bytes that were kept.
    pub data: &'a [u8],
    /// Length in bytes on the wire; more than `data` has when the capture kept only the beginning.
    pub original_len: u32,
    /// When it was captured, in nanoseconds since 1970; `None` when the file does not say.
    pub timestamp_ns: Option<u64>,
    /// What `data` begins with.
    pub link_type: LinkType,
}

/// The two kinds of capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One link type, no options.
    Pcap,
    /// Blocks; several link types.
    PcapNg,
}

impl Format {
    /// The format a file of this name should have: pcap for `.pcap` and `.cap`, else pcapng.
    pub fn of_name(name: &str) -> Format {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let pcap = ending.eq_ignore_ascii_case("pcap") || ending.eq_ignore_ascii_case("cap");
        if pcap { Format::Pcap } else { Format::PcapNg }
    }
}

/// Why a capture could not be read or written. Packets count from 1, offsets from the beginning of the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes begin as no capture does.
    #[error("not a packet capture: {}", beginning(.start))]
    NotCapture {
        /// Its first bytes, four at most.
        start: Vec<u8>,
    },
    /// The file ends before a packet does.
    #[error(
        "the capture ends in the middle of packet {packet}, which begins at byte {offset}; the file has {size} bytes"
    )]
    Cut {
        /// The packet that is incomplete.
        packet: u64,
        /// Where its record begins.
        offset: u64,
        /// Length of the file.
        size: u64,
    },
    /// A record contradicts itself.
    #[error("the capture is damaged at byte {offset}, before or in packet {packet}: {why}")]
    Damaged {
        /// The packet that would have come next.
        packet: u64,
        /// Where the record begins.
        offset: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A frame does not fit the file that is written.
    #[error("packet {packet} cannot be written: {why}")]
    Unfit {
        /// The packet.
        packet: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The output failed.
    #[error("the capture could not be written: {}", skep_diag::words(.0))]
    Write(#[from] std::io::Error),
}

/// How a file begins, in words.
fn beginning(start: &[u8]) -> String {
    match start {
        [] => "the file is empty".to_owned(),
        _ => format!("it begins with {}", start.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")),
    }
}

impl Error {
    /// The message to the user about the file of this name.
    pub fn diagnostic(&self, path: &str) -> Diagnostic {
        let title = format!("`{path}`: {self}");
        match self {
            Error::NotCapture { start } => Diagnostic::error(code::BAD_PCAP, title).help(match start.as_slice() {
                [0x1f, 0x8b, ..] => "it is compressed by gzip: decompress it first",
                [0x28, 0xb5, 0x2f, 0xfd] => "it is compressed by zstd: decompress it first",
                _ => "give a file in pcap or pcapng format, as tcpdump and Wireshark write",
            }),
            Error::Cut { .. } => Diagnostic::error(code::CUT_PCAP, title)
                .note("the packets before it are complete and were read")
                .help("the capture may still be running, or a copy was interrupted"),
            Error::Damaged { .. } => Diagnostic::error(code::BAD_PCAP, title)
                .help("the packets before it were read; write the capture anew, or mend it with `editcap`"),
            Error::Unfit { .. } => {
                Diagnostic::error(code::WRITE_FILE, title).help("write to a file that ends in .pcapng")
            }
            Error::Write(_) => {
                Diagnostic::error(code::WRITE_FILE, title).help("is there room, and may you write there?")
            }
        }
    }
}
