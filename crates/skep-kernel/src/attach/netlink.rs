//! Requests to the kernel's routing netlink, and the list of network devices.

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use rustix::io::Errno;

/// A socket of the network namespace in which it was opened, whichever thread uses it later.
#[derive(Debug)]
pub(super) struct Netlink {
    socket: Socket,
    sequence: u32,
}

/// A network device.
pub(super) struct Device {
    pub(super) index: u32,
    pub(super) name: String,
}

impl Netlink {
    pub(super) fn open() -> Result<Netlink, Errno> {
        let mut socket = Socket::new(NETLINK_ROUTE).map_err(errno)?;
        socket.bind_auto().map_err(errno)?;
        socket.connect(&SocketAddr::new(0, 0)).map_err(errno)?;
        Ok(Netlink { socket, sequence: 0 })
    }

    /// Asks for a list.
    pub(super) fn dump(&mut self, message: RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>, Errno> {
        self.exchange(message, NLM_F_DUMP)
    }

    /// Asks for a change, with more flags such as `NLM_F_CREATE`.
    pub(super) fn change(&mut self, message: RouteNetlinkMessage, flags: u16) -> Result<(), Errno> {
        self.exchange(message, NLM_F_ACK | flags).map(drop)
    }

    fn exchange(&mut self, message: RouteNetlinkMessage, flags: u16) -> Result<Vec<RouteNetlinkMessage>, Errno> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST | flags;
        request.header.sequence_number = self.sequence;
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map_err(errno)?;
        let mut answers = Vec::new();
        loop {
            let (datagram, _) = self.socket.recv_from_full().map_err(errno)?;
            let mut rest = datagram.as_slice();
            if rest.is_empty() {
                return Err(Errno::BADMSG);
            }
            while let Some(len) = rest.first_chunk().map(|len| u32::from_ne_bytes(*len) as usize) {
                let Some(one) = rest.get(..len).filter(|one| one.len() >= 16) else { break };
                // Messages of kinds this reader cannot take apart are not ours: they are left out.
                if let Ok(answer) = NetlinkMessage::<RouteNetlinkMessage>::deserialize(one)
                    && answer.header.sequence_number == self.sequence
                {
                    match answer.payload {
                        NetlinkPayload::InnerMessage(message) => answers.push(message),
                        NetlinkPayload::Done(_) => return Ok(answers),
                        NetlinkPayload::Error(error) => {
                            return match error.code {
                                None => Ok(answers),
                                Some(code) => Err(Errno::from_raw_os_error(code.get().saturating_neg())),
                            };
                        }
                        NetlinkPayload::Overrun(_) => return Err(Errno::OVERFLOW),
                        _ => {}
                    }
                }
                rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
            }
        }
    }
}

/// Makes a pair of netkit devices in the calling thread's namespace and answers the number of its primary end.
pub(crate) fn netkit() -> Result<u32, Errno> {
    const NAME: &str = "skep-trial";
    let mut link = LinkMessage::default();
    let kind = LinkInfo::Kind(InfoKind::Other("netkit".to_owned()));
    link.attributes = vec![LinkAttribute::IfName(NAME.to_owned()), LinkAttribute::LinkInfo(vec![kind])];
    Netlink::open()?.change(RouteNetlinkMessage::NewLink(link), NLM_F_CREATE | NLM_F_EXCL)?;
    devices()?.into_iter().find(|d| d.name == NAME).map(|d| d.index).ok_or(Errno::NODEV)
}

/// All network devices of the calling thread's namespace.
pub(super) fn devices() -> Result<Vec<Device>, Errno> {
    let answers = Netlink::open()?.dump(RouteNetlinkMessage::GetLink(LinkMessage::default()))?;
    let device = |message| match message {
        RouteNetlinkMessage::NewLink(link) => {
            let index = link.header.index;
            let name = link.attributes.into_iter().find_map(|a| match a {
                LinkAttribute::IfName(name) => Some(name),
                _ => None,
            });
            name.map(|name| Device { index, name })
        }
        _ => None,
    };
    Ok(answers.into_iter().filter_map(device).collect())
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}
