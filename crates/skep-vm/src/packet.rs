//! A packet as programs see it: one fixed buffer with room before and after the frame, and what the device knows of it.
//!
//! Offsets in the buffer are the low halves of packet pointers, so moving `data` or `end` needs no invalidation: an
//! old pointer is checked against the new bounds.

use crate::context::Kind;
use crate::machine::Refused;

/// Room before the frame, as XDP has it (`XDP_PACKET_HEADROOM`).
pub(crate) const HEADROOM: usize = 256;
/// What the kernel keeps for itself at the front of an XDP frame's room (`struct xdp_frame`, Linux 6.18).
pub(crate) const XDP_RESERVED: usize = 40;
/// Bytes from an XDP frame's start of room to where its tail may grow: a page less `struct skb_shared_info`.
const XDP_HARD_END: usize = 4096 - 320;
/// Longest frame an skb of the kernel's test run takes: a page less 64 bytes before and 320 after it.
const TEST_RUN_SKB: usize = 4096 - 64 - 320;
/// Bytes of an Ethernet header.
pub(crate) const ETH: usize = 14;
/// EtherType of IPv4.
pub(crate) const IPV4: u16 = 0x0800;
/// EtherType of IPv6.
pub(crate) const IPV6: u16 = 0x86dd;
/// EtherType of an 802.1Q tag.
pub(crate) const VLAN_Q: u16 = 0x8100;
/// EtherType of an 802.1ad tag.
pub(crate) const VLAN_AD: u16 = 0x88a8;

/// What is known of a frame besides its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketInfo {
    /// Number of the device the frame is on.
    pub ifindex: u32,
    /// Number of the device it came in by, 0 for none (`__sk_buff` only; `xdp_md` gives `ifindex`).
    pub ingress_ifindex: u32,
    /// Receive queue (`xdp_md`).
    pub rx_queue: u32,
    /// Queue of an skb.
    pub queue_mapping: u16,
    /// Mark of an skb.
    pub mark: u32,
    /// Priority of an skb.
    pub priority: u32,
    /// Time stamp in nanoseconds, 0 for none.
    pub tstamp: u64,
    /// Length of the frame on the wire where the capture cut it, else `None`.
    pub wire_len: Option<u32>,
    /// Tag the device took out of the frame: protocol (0x8100 or 0x88a8) and control information.
    pub vlan: Option<(u16, u16)>,
}

impl Default for PacketInfo {
    fn default() -> PacketInfo {
        PacketInfo {
            ifindex: 1,
            ingress_ifindex: 0,
            rx_queue: 0,
            queue_mapping: 0,
            mark: 0,
            priority: 0,
            tstamp: 0,
            wire_len: None,
            vlan: None,
        }
    }
}

/// Where a program sent a packet, or a copy of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Number of the device, or key in `map`.
    pub target: u32,
    /// Index of the map the target stands in.
    pub map: Option<usize>,
    /// Flags as given.
    pub flags: u64,
    /// The copy sent by `clone_redirect`; `None` when the packet itself goes.
    pub copy: Option<Vec<u8>>,
}

/// A key for a tunnel, as `skb_set_tunnel_key` was given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TunnelKey {
    /// `struct bpf_tunnel_key`; an older and shorter form of it with zeros behind.
    pub bytes: [u8; 44],
    /// Flags as given.
    pub flags: u64,
}

/// Fields programs read and write by the context.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) ifindex: u32,
    pub(crate) ingress_ifindex: u32,
    pub(crate) rx_queue: u32,
    pub(crate) queue_mapping: u16,
    pub(crate) mark: u32,
    pub(crate) priority: u32,
    pub(crate) pkt_type: u8,
    /// EtherType, in host order.
    pub(crate) protocol: u16,
    pub(crate) vlan: Option<(u16, u16)>,
    pub(crate) tc_index: u16,
    pub(crate) tc_classid: u16,
    pub(crate) cb: [u8; 20],
    pub(crate) hash: u32,
    pub(crate) tstamp: u64,
    pub(crate) tstamp_type: u8,
    pub(crate) wire_len: u32,
    /// How many sums the device has confirmed, less one; `None` for none.
    pub(crate) csum_level: Option<u8>,
}

/// One frame with room around it; kept and refilled from run to run.
///
/// ```
/// let mut packet = skep_vm::Packet::new();
/// packet.set_frame(&[0xff; 60]);
/// assert_eq!(packet.frame(), [0xff; 60]);
/// ```
#[derive(Clone, Debug)]
pub struct Packet {
    pub(crate) buffer: Vec<u8>,
    /// First byte programs may reach: metadata, or `data` without any.
    pub(crate) meta: usize,
    /// First byte of the frame.
    pub(crate) data: usize,
    /// End of what programs may reach.
    pub(crate) end: usize,
    /// End of the frame; behind `end` only where the kernel would keep the rest in other buffers.
    pub(crate) tail: usize,
    /// Where the link-layer header begins.
    pub(crate) mac: usize,
    /// Where the network header begins.
    pub(crate) network: usize,
    pub(crate) writable: bool,
    pub(crate) state: State,
    /// What is known of the frame; each run starts from it.
    pub info: PacketInfo,
    /// What the last run redirected, in order.
    pub redirects: Vec<Redirect>,
    /// The key that the last run set for the tunnel the packet leaves by.
    pub tunnel_key: Option<TunnelKey>,
}

impl Default for Packet {
    fn default() -> Packet {
        Packet::new()
    }
}

impl Packet {
    /// An empty packet.
    pub fn new() -> Packet {
        Packet {
            buffer: vec![0; XDP_HARD_END],
            meta: HEADROOM,
            data: HEADROOM,
            end: HEADROOM,
            tail: HEADROOM,
            mac: HEADROOM,
            network: HEADROOM,
            writable: true,
            state: State::default(),
            info: PacketInfo::default(),
            redirects: Vec::new(),
            tunnel_key: None,
        }
    }

    /// Puts a frame in, from its link-layer header on. [`Packet::info`] stays as it is.
    pub fn set_frame(&mut self, frame: &[u8]) {
        let end = HEADROOM + frame.len();
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        (self.meta, self.data, self.end, self.tail) = (HEADROOM, HEADROOM, end, end);
        // A run must not see what the run before left in the room, nor depend on it.
        if let Some(room) = self.buffer.get_mut(..HEADROOM) {
            room.fill(0);
        }
        if let Some(room) = self.buffer.get_mut(HEADROOM..end) {
            room.copy_from_slice(frame);
        }
    }

    /// The frame: as it was put in, or as the last program left it.
    pub fn frame(&self) -> &[u8] {
        self.buffer.get(self.data..self.tail).unwrap_or_default()
    }

    /// True where the program may reach `size` bytes at a place in the buffer.
    #[inline(always)]
    pub(crate) fn holds(&self, at: usize, size: usize) -> bool {
        at >= self.meta && at + size <= self.end
    }

    /// Bytes of the frame, from where the program sees it.
    pub(crate) fn len(&self) -> usize {
        self.tail.saturating_sub(self.data)
    }

    /// Sets the packet up for a run, as a driver, or with `like_kernel` as the kernel's test run.
    pub(crate) fn prepare(&mut self, kind: Kind, like_kernel: bool) -> Result<(), Refused> {
        let len = self.tail - self.data;
        self.meta = self.data;
        self.end = self.tail;
        self.mac = self.data;
        self.network = (self.data + ETH).min(self.tail);
        self.writable = !matches!(kind, Kind::Socket | Kind::Cgroup | Kind::Seccomp);
        self.redirects.clear();
        self.tunnel_key = None;
        if matches!(kind, Kind::Seccomp | Kind::Memory) {
            return Ok(());
        }
        if like_kernel && len < ETH {
            return Err(Refused::TooShort { len, least: ETH });
        }
        if kind == Kind::Xdp {
            self.state.ingress_ifindex = self.info.ifindex;
            self.state.rx_queue = self.info.rx_queue;
            if like_kernel {
                self.end = self.tail.min(XDP_HARD_END);
            }
            return Ok(());
        }
        let protocol = self.protocol_at(12);
        if like_kernel {
            let least = match protocol {
                IPV4 => ETH + 20,
                IPV6 => ETH + 40,
                _ => ETH,
            };
            if len < least {
                return Err(Refused::TooShort { len, least });
            }
            if len > TEST_RUN_SKB {
                return Err(Refused::TooLong { len, most: TEST_RUN_SKB });
            }
        }
        let pkt_type = self.pkt_type(like_kernel);
        let info = &self.info;
        self.state = State {
            ifindex: info.ifindex,
            ingress_ifindex: info.ingress_ifindex,
            queue_mapping: info.queue_mapping,
            mark: info.mark,
            priority: info.priority,
            tstamp: info.tstamp,
            vlan: info.vlan,
            // The test run sets none.
            wire_len: info.wire_len.unwrap_or(if like_kernel { 0 } else { len as u32 }),
            pkt_type,
            protocol,
            ..State::default()
        };
        if kind == Kind::Cgroup || (kind == Kind::Socket && like_kernel) {
            self.data = self.network;
            self.meta = self.data;
        }
        Ok(())
    }

    /// Leaves the frame as it goes on: the link-layer header in front, a tag the device holds back in its place. With
    /// `like_kernel` as the test run hands it out: a new header of zeros, no held tag.
    pub(crate) fn finish(&mut self, kind: Kind, like_kernel: bool) {
        match kind {
            Kind::Xdp | Kind::Seccomp | Kind::Memory => {}
            Kind::Socket | Kind::Cgroup if self.data != self.mac => {
                self.data = self.mac;
                if like_kernel && let Some(header) = self.buffer.get_mut(self.mac..self.network) {
                    header.fill(0);
                }
            }
            _ if !like_kernel => {
                if let Some((protocol, tci)) = self.state.vlan.take() {
                    self.insert_tag(protocol, tci);
                }
            }
            _ => {}
        }
        self.meta = self.data;
        self.end = self.tail;
    }

    /// The type word at an offset of the frame as `eth_type_trans` reads it: lengths become 802.2 (4) or 802.3 (1).
    pub(crate) fn protocol_at(&self, offset: usize) -> u16 {
        let word = |at: usize| {
            let bytes = self.buffer.get(self.data + at..self.data + at + 2)?;
            (self.data + at + 2 <= self.tail).then_some(u16::from_be_bytes([bytes[0], bytes[1]]))
        };
        match word(offset) {
            Some(protocol) if protocol >= 0x600 => protocol,
            Some(_) if word(offset + 2) == Some(0xffff) => 1,
            Some(_) => 4,
            None => 0,
        }
    }

    /// `PACKET_HOST` 0, `BROADCAST` 1, `MULTICAST` 2, `OTHERHOST` 3. The test run's device has an address of zeros, and
    /// no address for broadcasts.
    fn pkt_type(&self, like_kernel: bool) -> u8 {
        match self.buffer.get(self.data..self.data + 6) {
            Some([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]) if !like_kernel => 1,
            Some([first, ..]) if first & 1 == 1 => 2,
            Some(bytes) if like_kernel && bytes.iter().any(|b| *b != 0) => 3,
            _ => 0,
        }
    }

    /// `size` bytes at an offset from `data`, inside what the program may reach.
    pub(crate) fn bytes(&self, offset: usize, size: usize) -> Option<&[u8]> {
        self.absolute(self.data.checked_add(offset)?, size)
    }

    /// `size` bytes at a place in the buffer, not past the end.
    pub(crate) fn absolute(&self, at: usize, size: usize) -> Option<&[u8]> {
        let end = at.checked_add(size).filter(|end| *end <= self.end)?;
        self.buffer.get(at..end)
    }

    /// `size` bytes at an offset from `data`, to write.
    pub(crate) fn bytes_mut(&mut self, offset: usize, size: usize) -> Option<&mut [u8]> {
        let at = self.data.checked_add(offset)?;
        let end = at.checked_add(size).filter(|end| *end <= self.end)?;
        self.buffer.get_mut(at..end)
    }

    /// A classic packet load: network order; a negative place counts from the network header (from -0x100000) or the
    /// link-layer header (from -0x200000).
    pub(crate) fn load_classic(&self, place: i32, size: usize) -> Option<u64> {
        const NET: i32 = -0x10_0000;
        const LINK: i32 = -0x20_0000;
        let (base, offset) = match place {
            0.. => (self.data, place),
            NET.. => (self.network, place - NET),
            LINK.. => (self.mac, place - LINK),
            _ => return None,
        };
        let bytes = self.absolute(base.checked_add(usize::try_from(offset).ok()?)?, size)?;
        Some(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Moves `data` back by `size`, over zeros; makes room where there is none.
    pub(crate) fn push(&mut self, size: usize) {
        if self.data < size {
            let more = size + HEADROOM;
            self.buffer.splice(0..0, std::iter::repeat_n(0, more));
            for place in [&mut self.data, &mut self.end, &mut self.tail, &mut self.mac, &mut self.network] {
                *place += more;
            }
        }
        self.data -= size;
        self.meta = self.data;
        if let Some(new) = self.buffer.get_mut(self.data..self.data + size) {
            new.fill(0);
        }
    }

    /// Inserts zeros after the first `after` bytes by moving those to the front.
    pub(crate) fn insert(&mut self, after: usize, size: usize) {
        self.push(size);
        let from = self.data + size;
        if from + after <= self.tail {
            self.buffer.copy_within(from..from + after, self.data);
            if let Some(new) = self.buffer.get_mut(self.data + after..self.data + after + size) {
                new.fill(0);
            }
        }
        self.mac = self.data;
    }

    /// Takes `size` bytes out after the first `after`.
    pub(crate) fn remove(&mut self, after: usize, size: usize) {
        if self.data + after + size <= self.end {
            self.buffer.copy_within(self.data..self.data + after, self.data + size);
            self.data += size;
            self.meta = self.data;
            self.mac = self.data;
        }
    }

    /// Puts a VLAN tag behind the addresses.
    pub(crate) fn insert_tag(&mut self, protocol: u16, tci: u16) {
        if self.len() < 12 {
            return;
        }
        self.insert(12, 4);
        let tag = u32::from(protocol) << 16 | u32::from(tci);
        if let Some(bytes) = self.bytes_mut(12, 4) {
            bytes.copy_from_slice(&tag.to_be_bytes());
        }
    }

    /// Moves the end; new bytes are zeros.
    pub(crate) fn set_len(&mut self, len: usize) {
        let end = self.data + len;
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        if let Some(new) = self.buffer.get_mut(self.end.min(end)..end) {
            new.fill(0);
        }
        (self.end, self.tail) = (end, end);
    }

    /// Furthest place an XDP program may move the end to.
    pub(crate) fn xdp_limit(&self) -> usize {
        XDP_HARD_END
    }
}
