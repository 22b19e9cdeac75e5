//! Writing: little-endian, nanoseconds.

use std::io::Write;

use super::{Error, Format, Frame, LinkType};

/// Longest frame a written file announces, as tcpdump does.
const SNAP_LEN: u32 = 262_144;

/// Writes frames one by one.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    format: Format,
    packets: u64,
    /// pcap: the one link type, once known; pcapng: that of each interface described so far.
    link_types: Vec<LinkType>,
}

impl<W: Write> Writer<W> {
    /// Begins a file. `out` should be buffered.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn new(out: W, format: Format) -> Result<Writer<W>, Error> {
        let mut writer = Writer { out, format, packets: 0, link_types: Vec::new() };
        if format == Format::PcapNg {
            // Byte order, version 1.0, length of the section unknown.
            let mut body = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
            body.extend([1, 0, 0, 0]);
            body.extend([0xff; 8]);
            writer.block(0x0a0d_0d0a, &[&body])?;
        }
        Ok(writer)
    }

    /// Writes a frame. One without a time is written with the time 0.
    ///
    /// # Errors
    /// [`Error::Write`]; [`Error::Unfit`] when the frame has another link type than the file, a time beyond its
    /// range or more bytes than it can hold.
    pub fn write(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let unfit = |why| Error::Unfit { packet: self.packets + 1, why };
        let kept = u32::try_from(frame.data.len()).ok().filter(|kept| *kept < u32::MAX - 64);
        let kept = kept.ok_or_else(|| unfit("it has 4 GiB or more"))?;
        let time = frame.timestamp_ns.unwrap_or(0);
        match self.format {
            Format::Pcap => {
                let seconds = u32::try_from(time / 1_000_000_000)
                    .map_err(|_| unfit("its time is after the year 2106, which pcap cannot hold"))?;
                if self.link_types.first().is_some_and(|first| *first != frame.link_type) {
                    return Err(unfit("its link type is not that of the first packet, and pcap holds only one"));
                }
                if self.link_types.is_empty() {
                    self.pcap_header(frame.link_type)?;
                }
                self.fields(&[seconds, (time % 1_000_000_000) as u32, kept, frame.original_len])?;
                self.out.write_all(frame.data)?;
            }
            Format::PcapNg => {
                let interface = self.interface(frame.link_type)?;
                let mut head = [0; 20];
                let fields = [interface, (time >> 32) as u32, time as u32, kept, frame.original_len];
                for (cell, field) in head.chunks_exact_mut(4).zip(fields) {
                    cell.copy_from_slice(&field.to_le_bytes());
                }
                self.block(6, &[&head, frame.data])?;
            }
        }
        self.packets += 1;
        Ok(())
    }

    /// Ends the file and gives the output back. A pcap file without frames gets the link type Ethernet.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn finish(mut self) -> Result<W, Error> {
        if self.format == Format::Pcap && self.link_types.is_empty() {
            self.pcap_header(LinkType::ETHERNET)?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn pcap_header(&mut self, link_type: LinkType) -> Result<(), Error> {
        self.link_types.push(link_type);
        // Version 2.4, no correction, no accuracy.
        self.fields(&[0xa1b2_3c4d, 0x0004_0002, 0, 0, SNAP_LEN, link_type.0.into()])
    }

    fn fields(&mut self, fields: &[u32]) -> Result<(), Error> {
        fields.iter().try_for_each(|field| self.out.write_all(&field.to_le_bytes())).map_err(Error::Write)
    }

    /// Number of the interface with this link type; described when it is new.
    fn interface(&mut self, link_type: LinkType) -> Result<u32, Error> {
        if let Some(at) = self.link_types.iter().position(|known| *known == link_type) {
            return Ok(at as u32);
        }
        let [low, high] = link_type.0.to_le_bytes();
        let [a, b, c, d] = SNAP_LEN.to_le_bytes();
        // Option 9, one byte: 10 to the minus 9; then the end of options.
        self.block(1, &[&[low, high, 0, 0, a, b, c, d], &[9, 0, 1, 0, 9, 0, 0, 0], &[0, 0, 0, 0]])?;
        self.link_types.push(link_type);
        Ok(self.link_types.len() as u32 - 1)
    }

    fn block(&mut self, kind: u32, parts: &[&[u8]]) -> Result<(), Error> {
        let body: usize = parts.iter().map(|part| part.len()).sum();
        let padding = body.next_multiple_of(4) - body;
        let length = (body + padding + 12) as u32;
        self.fields(&[kind, length])?;
        for part in parts {
            self.out.write_all(part)?;
        }
        self.out.write_all([0; 3].get(..padding).unwrap_or_default())?;
        self.fields(&[length])
    }
}
