//! Reading: an iterator over the frames of a file in memory.

use super::{Error, Format, Frame, LinkType};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
/// Length of the type, the length, and the length again that a block has around its body.
const AROUND_BODY: usize = 12;

const OPTION_RESOLUTION: u16 = 9;
const OPTION_OFFSET: u16 = 14;

/// The frames of a capture. After an error it ends.
///
/// ```
/// use skep_net::pcap::{Format, Frame, LinkType, Reader, Writer};
/// let frame = Frame { data: &[1; 60], original_len: 60, timestamp_ns: Some(5), link_type: LinkType::ETHERNET };
/// let mut writer = Writer::new(Vec::new(), Format::PcapNg)?;
/// writer.write(&frame)?;
/// let file = writer.finish()?;
/// let frames: Vec<Frame> = Reader::new(&file)?.collect::<Result<_, _>>()?;
/// assert_eq!(frames, [frame]);
/// # Ok::<(), skep_net::pcap::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    /// Where the next record begins.
    at: usize,
    /// Packets read so far.
    packets: u64,
    ended: bool,
    order: Order,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Pcap { link_type: LinkType, fraction_ns: u64 },
    PcapNg { interfaces: Vec<Interface> },
}

#[derive(Clone, Debug)]
struct Interface {
    link_type: LinkType,
    /// Bytes kept of a frame at most; 0 means all.
    snap_len: u32,
    resolution: Resolution,
    /// Seconds to add to every time.
    offset_s: i64,
}

/// Units of time in a second.
#[derive(Clone, Copy, Debug)]
enum Resolution {
    /// 10 to this power.
    Decimal(u32),
    /// 2 to this power.
    Binary(u32),
}

impl Interface {
    /// Nanoseconds since 1970; `None` for a time outside 64 bits.
    fn time(&self, units: u64) -> Option<u64> {
        let units = u128::from(units);
        let ns = match self.resolution {
            Resolution::Decimal(power) => match 9u32.checked_sub(power) {
                Some(more) => units * 10u128.pow(more),
                None => 10u128.checked_pow(power - 9).map_or(0, |unit| units / unit),
            },
            Resolution::Binary(power) => (units * 1_000_000_000) >> power,
        };
        let offset = i128::from(self.offset_s) * 1_000_000_000;
        u64::try_from(i128::try_from(ns).ok()? + offset).ok()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if self == Order::Little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if self == Order::Little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if self == Order::Little { u64::from_le_bytes(bytes) } else { u64::from_be_bytes(bytes) })
    }
}

impl<'a> Reader<'a> {
    /// Recognises the format of a whole file by its first bytes.
    ///
    /// # Errors
    /// [`Error::NotCapture`], or [`Error::Cut`] when not even the file's header is complete.
    pub fn new(bytes: &'a [u8]) -> Result<Reader<'a>, Error> {
        let not_capture = || Error::NotCapture { start: bytes.iter().take(4).copied().collect() };
        let magic = bytes.first_chunk::<4>().ok_or_else(not_capture)?;
        let (order, fraction_ns) = match u32::from_be_bytes(*magic) {
            0xa1b2_c3d4 => (Order::Big, 1000),
            0xa1b2_3c4d => (Order::Big, 1),
            0xd4c3_b2a1 => (Order::Little, 1000),
            0x4d3c_b2a1 => (Order::Little, 1),
            // The first section header sets the order.
            SECTION_HEADER => (Order::Little, 0),
            _ => return Err(not_capture()),
        };
        let mut reader =
            Reader { bytes, at: 0, packets: 0, ended: false, order, state: State::PcapNg { interfaces: Vec::new() } };
        if fraction_ns != 0 {
            // The upper half of the field tells of frame check sequences.
            let network = order.u32(bytes, 20).ok_or_else(|| reader.cut())?;
            reader.at = 24;
            reader.state = State::Pcap { link_type: LinkType(network as u16), fraction_ns };
        } else if bytes.len() < 28 {
            return Err(reader.cut());
        } else if section_order(bytes).is_none() {
            return Err(not_capture());
        }
        Ok(reader)
    }

    /// Which of the two formats it is.
    pub fn format(&self) -> Format {
        match self.state {
            State::Pcap { .. } => Format::Pcap,
            State::PcapNg { .. } => Format::PcapNg,
        }
    }

    fn cut(&self) -> Error {
        Error::Cut { packet: self.packets + 1, offset: self.at as u64, size: self.bytes.len() as u64 }
    }

    fn damaged(&self, why: &'static str) -> Error {
        Error::Damaged { packet: self.packets + 1, offset: self.at as u64, why }
    }

    /// The next frame; `None` at the end of the file.
    fn read(&mut self) -> Result<Option<Frame<'a>>, Error> {
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(None);
            }
            let (frame, length) = match self.state {
                State::Pcap { link_type, fraction_ns } => self.record(rest, link_type, fraction_ns)?,
                State::PcapNg { .. } => self.block(rest)?,
            };
            self.at += length;
            if frame.is_some() {
                self.packets += 1;
                return Ok(frame);
            }
        }
    }

    /// One record of a pcap file and its length.
    fn record(&self, rest: &'a [u8], link_type: LinkType, unit: u64) -> Result<(Option<Frame<'a>>, usize), Error> {
        let field = |at| self.order.u32(rest, at);
        let (Some(seconds), Some(fraction), Some(kept), Some(original_len)) = (field(0), field(4), field(8), field(12))
        else {
            return Err(self.cut());
        };
        let kept = kept as usize;
        let data = rest.get(16..).and_then(|data| data.get(..kept)).ok_or_else(|| self.cut())?;
        let timestamp_ns = Some(u64::from(seconds) * 1_000_000_000 + u64::from(fraction) * unit);
        Ok((Some(Frame { data, original_len, timestamp_ns, link_type }), 16 + kept))
    }

    /// One block of a pcapng file and its length; most kinds hold no frame.
    fn block(&mut self, rest: &'a [u8]) -> Result<(Option<Frame<'a>>, usize), Error> {
        let kind = self.order.u32(rest, 0).ok_or_else(|| self.cut())?;
        if kind == SECTION_HEADER {
            if rest.len() < AROUND_BODY {
                return Err(self.cut());
            }
            self.order = section_order(rest).ok_or_else(|| self.damaged("a section's byte order is not told"))?;
        }
        let length = self.order.u32(rest, 4).ok_or_else(|| self.cut())? as usize;
        if length < AROUND_BODY || !length.is_multiple_of(4) {
            return Err(self.damaged("a block's length is less than 12 or not a multiple of 4"));
        }
        let block = rest.get(..length).ok_or_else(|| self.cut())?;
        if self.order.u32(block, length - 4) != Some(length as u32) {
            return Err(self.damaged("a block's two lengths differ"));
        }
        let body = block.get(8..length - 4).unwrap_or_default();
        let frame = match kind {
            SECTION_HEADER => self.section(body).map(|()| None),
            INTERFACE => self.interface(body).map(|()| None),
            ENHANCED_PACKET => self.packet(body, self.order.u32(body, 0)).map(Some),
            OLD_PACKET => self.packet(body, self.order.u16(body, 0).map(u32::from)).map(Some),
            SIMPLE_PACKET => self.simple_packet(body).map(Some),
            _ => Ok(None),
        };
        frame.map(|frame| (frame, length)).map_err(|why| self.damaged(why))
    }

    fn section(&mut self, body: &[u8]) -> Result<(), &'static str> {
        if self.order.u16(body, 4) != Some(1) {
            return Err("a section is of another version than 1");
        }
        self.state = State::PcapNg { interfaces: Vec::new() };
        Ok(())
    }

    fn interface(&mut self, body: &[u8]) -> Result<(), &'static str> {
        let order = self.order;
        let (Some(link_type), Some(snap_len)) = (order.u16(body, 0), order.u32(body, 4)) else {
            return Err("an interface's description is too short");
        };
        let resolution = Resolution::Decimal(6);
        let mut interface = Interface { link_type: LinkType(link_type), snap_len, resolution, offset_s: 0 };
        let mut options = body.get(8..).unwrap_or_default();
        while let (Some(option), Some(length)) = (order.u16(options, 0), order.u16(options, 2)) {
            let length = usize::from(length);
            let value = options.get(4..4 + length).ok_or("an interface's option is longer than its block")?;
            match (option, value) {
                (0, _) => break,
                (OPTION_RESOLUTION, [power]) => {
                    let exponent = u32::from(power & 0x7f);
                    let binary = power & 0x80 != 0;
                    interface.resolution =
                        if binary { Resolution::Binary(exponent) } else { Resolution::Decimal(exponent) };
                }
                (OPTION_OFFSET, _) => interface.offset_s = order.u64(value, 0).unwrap_or_default() as i64,
                _ => {}
            }
            options = options.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        }
        if let State::PcapNg { interfaces } = &mut self.state {
            interfaces.push(interface);
        }
        Ok(())
    }

    fn find(&self, id: u32) -> Result<&Interface, &'static str> {
        let State::PcapNg { interfaces } = &self.state else { return Err("a block stands in a pcap file") };
        interfaces.get(id as usize).ok_or("a packet names an interface that was not described")
    }

    /// An enhanced or an old packet block: they differ in the width of the interface's number only.
    fn packet(&self, body: &'a [u8], interface: Option<u32>) -> Result<Frame<'a>, &'static str> {
        let field = |at| self.order.u32(body, at);
        let (Some(interface), Some(high), Some(low), Some(kept), Some(original_len)) =
            (interface, field(4), field(8), field(12), field(16))
        else {
            return Err("a packet's block is too short");
        };
        let interface = self.find(interface)?;
        let data = body.get(20..).and_then(|data| data.get(..kept as usize));
        Ok(Frame {
            data: data.ok_or("a packet is longer than its block")?,
            original_len,
            timestamp_ns: interface.time(u64::from(high) << 32 | u64::from(low)),
            link_type: interface.link_type,
        })
    }

    /// A simple packet block: of interface 0, without a time; its length is not written but follows.
    fn simple_packet(&self, body: &'a [u8]) -> Result<Frame<'a>, &'static str> {
        let original_len = self.order.u32(body, 0).ok_or("a packet's block is too short")?;
        let interface = self.find(0)?;
        let kept = if interface.snap_len == 0 { original_len } else { original_len.min(interface.snap_len) };
        let data = body.get(4..).and_then(|data| data.get(..kept as usize));
        Ok(Frame {
            data: data.ok_or("a packet is longer than its block")?,
            original_len,
            timestamp_ns: None,
            link_type: interface.link_type,
        })
    }
}

/// The byte order that a section header tells.
fn section_order(block: &[u8]) -> Option<Order> {
    match Order::Big.u32(block, 8)? {
        0x1a2b_3c4d => Some(Order::Big),
        0x4d3c_2b1a => Some(Order::Little),
        _ => None,
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Frame<'a>, Error>;

    fn next(&mut self) -> Option<Result<Frame<'a>, Error>> {
        if self.ended {
            return None;
        }
        let next = self.read().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}
