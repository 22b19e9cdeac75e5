//! Contexts: what loads from and stores to `xdp_md` and `__sk_buff` mean.
//!
//! Where a field lies and who may load and store it is [`skep_isa::spec::context`]'s word; here stands what is behind
//! each.

use crate::memory::{packet_pointer, read_le};
use crate::packet::Packet;
use skep_isa::spec::context::{Context, Op};
use skep_isa::spec::{AttachType, ProgType};

/// What a context is, and so which helpers and fields a program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `xdp_md`.
    Xdp,
    /// `__sk_buff` of a tc classifier or action.
    Tc,
    /// `__sk_buff` of a socket filter.
    Socket,
    /// `__sk_buff` of a cgroup's packet filter.
    Cgroup,
    /// `struct seccomp_data`, put in as a frame, of a translated seccomp filter; no program type has it.
    Seccomp,
    /// No context: r1 points to a piece of memory, put in as a frame, and r2 is its length.
    Memory,
}

impl Kind {
    pub(crate) fn of(prog_type: ProgType) -> Option<Kind> {
        match prog_type {
            ProgType::Xdp => Some(Kind::Xdp),
            ProgType::SchedCls | ProgType::SchedAct => Some(Kind::Tc),
            ProgType::SocketFilter => Some(Kind::Socket),
            ProgType::CgroupSkb => Some(Kind::Cgroup),
            _ => None,
        }
    }

    /// What is behind the fields of its row, in their order.
    const fn ids(self) -> &'static [(&'static str, Id)] {
        match self {
            Kind::Xdp => XDP,
            // Words of the frame, not fields.
            Kind::Seccomp | Kind::Memory => &[],
            _ => SKB,
        }
    }

    /// The program type whose rights it has. XDP programs run as for a device map, and so see every field.
    const fn rights(self) -> Option<(ProgType, Option<AttachType>)> {
        match self {
            Kind::Xdp => Some((ProgType::Xdp, Some(AttachType::XdpDevmap))),
            Kind::Tc => Some((ProgType::SchedCls, None)),
            Kind::Socket => Some((ProgType::SocketFilter, None)),
            Kind::Cgroup => Some((ProgType::CgroupSkb, None)),
            Kind::Seccomp | Kind::Memory => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Id {
    Data,
    DataEnd,
    DataMeta,
    IngressIfindex,
    RxQueue,
    EgressIfindex,
    Len,
    PktType,
    Mark,
    QueueMapping,
    Protocol,
    VlanPresent,
    VlanTci,
    VlanProto,
    Priority,
    Ifindex,
    TcIndex,
    Cb,
    Hash,
    TcClassid,
    Tstamp,
    TstampType,
    WireLen,
    /// Nothing behind it in the vm: reads as 0, as for a packet without a socket or device of that kind.
    Zero,
}

impl Id {
    /// Bytes the kernel holds the field in. It cuts a load of fewer bytes out of them, and hands the whole value to any
    /// other load, wherever in the field that begins.
    const fn held(self) -> usize {
        match self {
            Id::PktType | Id::VlanPresent | Id::TstampType => 1,
            Id::QueueMapping | Id::Protocol | Id::VlanTci | Id::VlanProto | Id::TcIndex | Id::TcClassid => 2,
            Id::Tstamp => 8,
            _ => 4,
        }
    }
}

/// Behind the fields of `xdp_md`, in the order of its row.
const XDP: &[(&str, Id)] = &[
    ("data", Id::Data),
    ("data_end", Id::DataEnd),
    ("data_meta", Id::DataMeta),
    ("ingress_ifindex", Id::IngressIfindex),
    ("rx_queue_index", Id::RxQueue),
    ("egress_ifindex", Id::EgressIfindex),
];

/// Behind the fields of `__sk_buff`, in the order of its row.
const SKB: &[(&str, Id)] = &[
    ("len", Id::Len),
    ("pkt_type", Id::PktType),
    ("mark", Id::Mark),
    ("queue_mapping", Id::QueueMapping),
    ("protocol", Id::Protocol),
    ("vlan_present", Id::VlanPresent),
    ("vlan_tci", Id::VlanTci),
    ("vlan_proto", Id::VlanProto),
    ("priority", Id::Priority),
    ("ingress_ifindex", Id::IngressIfindex),
    ("ifindex", Id::Ifindex),
    ("tc_index", Id::TcIndex),
    ("cb", Id::Cb),
    ("hash", Id::Hash),
    ("tc_classid", Id::TcClassid),
    ("data", Id::Data),
    ("data_end", Id::DataEnd),
    ("napi_id", Id::Zero),
    ("family", Id::Zero),
    ("remote_ip4", Id::Zero),
    ("local_ip4", Id::Zero),
    ("remote_ip6", Id::Zero),
    ("local_ip6", Id::Zero),
    ("remote_port", Id::Zero),
    ("local_port", Id::Zero),
    ("data_meta", Id::DataMeta),
    ("flow_keys", Id::Zero),
    ("tstamp", Id::Tstamp),
    ("wire_len", Id::WireLen),
    ("gso_segs", Id::Zero),
    ("sk", Id::Zero),
    ("gso_size", Id::Zero),
    ("tstamp_type", Id::TstampType),
    ("hwtstamp", Id::Zero),
];

/// Bytes of the largest context.
const LARGEST: usize = match Context::of(ProgType::SchedCls) {
    Some(skb) => skb.size as usize,
    None => 0,
};

/// What the rows say of one byte of a context, worked out when the vm is compiled.
#[derive(Clone, Copy)]
struct Byte {
    id: Id,
    /// Where in its field it is.
    inside: u8,
    /// Sizes of loads that may begin here, one bit for each: a size is its own bit.
    loads: u8,
    /// Sizes of stores.
    stores: u8,
}

/// Each byte of a kind's context. No two fields of these contexts share one.
const fn layout(kind: Kind) -> [Byte; LARGEST] {
    let mut all = [Byte { id: Id::Zero, inside: 0, loads: 0, stores: 0 }; LARGEST];
    let Some((prog_type, attach)) = kind.rights() else { return all };
    let Some(row) = Context::of(prog_type) else { return all };
    let mut offset = 0;
    while offset < row.size {
        if let Some(at) = row.field_at(offset) {
            let field = &row.fields[at];
            let byte = &mut all[offset as usize];
            (byte.id, byte.inside) = (kind.ids()[at].1, (offset - field.offset as u32) as u8);
            let mut size = 1;
            while size <= 8 {
                if field.access(prog_type, attach, offset, size, Op::Load).is_ok() {
                    byte.loads |= size as u8;
                }
                if field.access(prog_type, attach, offset, size, Op::Store).is_ok() {
                    byte.stores |= size as u8;
                }
                size *= 2;
            }
        }
        offset += 1;
    }
    all
}

/// The layout of each kind, in the order of [`Kind`].
static LAYOUTS: [[Byte; LARGEST]; 5] =
    [layout(Kind::Xdp), layout(Kind::Tc), layout(Kind::Socket), layout(Kind::Cgroup), layout(Kind::Seccomp)];

/// What is behind the byte at `offset`.
fn byte(kind: Kind, offset: usize) -> Option<&'static Byte> {
    LAYOUTS.get(kind as usize)?.get(offset)
}

/// Loads `size` bytes (1, 2, 4 or 8) at `offset` of a context, `None` where the program may not.
pub(crate) fn load(kind: Kind, packet: &Packet, offset: usize, size: usize) -> Option<u64> {
    if kind == Kind::Seccomp {
        let aligned = size == 4 && offset.is_multiple_of(4);
        return packet.bytes(offset, size).filter(|_| aligned).map(read_le);
    }
    let &Byte { id, inside, loads, .. } = byte(kind, offset)?;
    if usize::from(loads) & size == 0 {
        return None;
    }
    let inside = usize::from(inside);
    let s = &packet.state;
    let value = match id {
        Id::Data => return Some(packet_pointer(packet.data)),
        Id::DataEnd => return Some(packet_pointer(packet.end)),
        Id::DataMeta => return Some(packet_pointer(packet.meta)),
        Id::Cb => return s.cb.get(inside..inside + size).map(read_le),
        // Wider than a number, and always 0.
        Id::Zero => return Some(0),
        Id::IngressIfindex => s.ingress_ifindex.into(),
        Id::RxQueue => s.rx_queue.into(),
        Id::EgressIfindex => 0,
        Id::Len => packet.len() as u64,
        Id::PktType => s.pkt_type.into(),
        Id::Mark => s.mark.into(),
        Id::QueueMapping => s.queue_mapping.into(),
        Id::Protocol => s.protocol.to_be().into(),
        Id::VlanPresent => s.vlan.is_some().into(),
        Id::VlanTci => s.vlan.map_or(0, |(_, tci)| tci).into(),
        Id::VlanProto => s.vlan.map_or(0, |(proto, _)| proto.to_be()).into(),
        Id::Priority => s.priority.into(),
        Id::Ifindex => s.ifindex.into(),
        Id::TcIndex => s.tc_index.into(),
        Id::Hash => s.hash.into(),
        Id::TcClassid => s.tc_classid.into(),
        Id::Tstamp => s.tstamp,
        Id::TstampType => s.tstamp_type.into(),
        Id::WireLen => s.wire_len.into(),
    };
    if size >= id.held() {
        return Some(value);
    }
    value.to_le_bytes().get(inside..inside + size).map(read_le)
}

pub(crate) use skep_isa::spec::context::Refusal;

/// Stores the low `size` bytes (1, 2, 4 or 8) of `value` at `offset` of a context.
pub(crate) fn store(kind: Kind, packet: &mut Packet, offset: usize, size: usize, value: u64) -> Result<(), Refusal> {
    let &Byte { id, inside, loads, stores } = byte(kind, offset).ok_or(Refusal::NoField)?;
    if usize::from(stores) & size == 0 {
        return Err(match (loads, stores) {
            (0, 0) => Refusal::NoField,
            (_, 0) => Refusal::ReadOnly,
            _ => Refusal::Size,
        });
    }
    let inside = usize::from(inside);
    let s = &mut packet.state;
    if id == Id::Cb {
        let bytes = s.cb.get_mut(inside..inside + size).ok_or(Refusal::NoField)?;
        bytes.copy_from_slice(value.to_le_bytes().get(..size).ok_or(Refusal::NoField)?);
        return Ok(());
    }
    match id {
        Id::Mark => s.mark = value as u32,
        // A queue the device cannot have is not stored (the kernel's NO_QUEUE_MAPPING).
        Id::QueueMapping if value as u32 >= 0xffff => {}
        Id::QueueMapping => s.queue_mapping = value as u16,
        Id::Priority => s.priority = value as u32,
        Id::TcIndex => s.tc_index = value as u16,
        Id::TcClassid => s.tc_classid = value as u16,
        Id::Tstamp => s.tstamp = value,
        _ => return Err(Refusal::ReadOnly),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_rows_has_something_behind_it() {
        for kind in [Kind::Xdp, Kind::Tc, Kind::Socket, Kind::Cgroup] {
            let (prog_type, _) = kind.rights().expect("not that of seccomp");
            let row = Context::of(prog_type).expect("a row");
            let names: Vec<_> = kind.ids().iter().map(|(name, _)| *name).collect();
            assert_eq!(names, row.fields.iter().map(|f| f.name).collect::<Vec<_>>());
        }
    }

    #[test]
    fn loads_and_stores_are_those_the_rows_allow() {
        let mut packet = Packet::new();
        for kind in [Kind::Xdp, Kind::Tc, Kind::Socket, Kind::Cgroup] {
            let (prog_type, attach) = kind.rights().expect("not that of seccomp");
            let row = Context::of(prog_type).expect("a row");
            for offset in 0..row.size + 8 {
                for size in [1, 2, 4, 8] {
                    let allowed = |op| row.access(prog_type, attach, offset, size, op).is_ok();
                    let (at, bytes) = (offset as usize, size as usize);
                    assert_eq!(load(kind, &packet, at, bytes).is_some(), allowed(Op::Load), "{kind:?} {at}+{bytes}");
                    let stored = store(kind, &mut packet, at, bytes, 0).is_ok();
                    assert_eq!(stored, allowed(Op::Store), "{kind:?} {at}+{bytes}");
                }
            }
        }
    }

    #[test]
    fn a_narrow_load_takes_part_of_a_field() {
        let mut packet = Packet::new();
        packet.state.mark = 0x1122_3344;
        assert_eq!(load(Kind::Tc, &packet, 8, 4), Some(0x1122_3344));
        assert_eq!(load(Kind::Tc, &packet, 9, 1), Some(0x33));
        assert_eq!(load(Kind::Tc, &packet, 10, 2), Some(0x1122));
        assert_eq!(load(Kind::Tc, &packet, 9, 2), None);
    }

    #[test]
    fn a_socket_filter_may_write_cb_only() {
        let mut packet = Packet::new();
        let row = Context::of(ProgType::SocketFilter).expect("a row");
        for field in row.fields {
            let stored = store(Kind::Socket, &mut packet, field.offset.into(), 4, 1);
            assert_eq!(stored.is_ok(), field.name == "cb", "{}", field.name);
        }
    }
}
