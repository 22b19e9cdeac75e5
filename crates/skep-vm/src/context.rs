//! Contexts: the tables of `xdp_md` and `__sk_buff` fields, and what loads from and stores to them mean.
//!
//! Offsets and sizes are those of `include/uapi/linux/bpf.h`; who may read and write a field is what Linux 6.18's
//! verifier accepts.

use crate::memory::{packet_pointer, read_le};
use crate::packet::Packet;
use skep_isa::spec::ProgType;

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

    /// The bit of this kind in an [`Access`].
    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }

    fn table(self) -> &'static [Field] {
        match self {
            Kind::Xdp => XDP,
            // Words of the frame, not fields.
            Kind::Seccomp => &[],
            _ => SKB,
        }
    }
}

/// Which kinds of program may do something, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access(u8);

impl Access {
    /// No program.
    pub const NONE: Access = Access(0);
    /// XDP programs.
    pub const XDP: Access = Access(Kind::Xdp.bit());
    /// tc classifiers and actions.
    pub const TC: Access = Access(Kind::Tc.bit());
    /// Socket filters.
    pub const SOCKET: Access = Access(Kind::Socket.bit());
    /// Packet filters of cgroups.
    pub const CGROUP: Access = Access(Kind::Cgroup.bit());
    /// Every program with an `__sk_buff`.
    pub const ANY_SKB: Access = Access::TC.and(Access::SOCKET).and(Access::CGROUP);
    /// Every program.
    pub const ALL: Access = Access::ANY_SKB.and(Access::XDP);

    /// Both sets together.
    pub const fn and(self, other: Access) -> Access {
        Access(self.0 | other.0)
    }

    pub(crate) const fn has(self, kind: Kind) -> bool {
        self.0 & kind.bit() != 0
    }
}

/// One field of a context.
#[derive(Debug)]
pub struct Field {
    /// Offset in bytes.
    pub offset: usize,
    /// Size in bytes.
    pub size: usize,
    /// Name in `xdp_md` or `__sk_buff`.
    pub name: &'static str,
    /// Programs that may load it.
    pub read: Access,
    /// Programs that may store to it.
    pub write: Access,
    id: Id,
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

const fn field(offset: usize, size: usize, name: &'static str, read: Access, write: Access, id: Id) -> Field {
    Field { offset, size, name, read, write, id }
}

const N: Access = Access::NONE;
const TC: Access = Access::TC;
const X: Access = Access::XDP;
const ANY: Access = Access::ANY_SKB;
const TC_CG: Access = Access::TC.and(Access::CGROUP);

/// Fields of `xdp_md`.
#[rustfmt::skip]
pub const XDP: &[Field] = &[
    field(0, 4, "data", X, N, Id::Data),
    field(4, 4, "data_end", X, N, Id::DataEnd),
    field(8, 4, "data_meta", X, N, Id::DataMeta),
    field(12, 4, "ingress_ifindex", X, N, Id::IngressIfindex),
    field(16, 4, "rx_queue_index", X, N, Id::RxQueue),
    field(20, 4, "egress_ifindex", X, N, Id::EgressIfindex),
];

/// Fields of `__sk_buff`.
#[rustfmt::skip]
pub const SKB: &[Field] = &[
    field(0, 4, "len", ANY, N, Id::Len),
    field(4, 4, "pkt_type", ANY, N, Id::PktType),
    field(8, 4, "mark", ANY, TC_CG, Id::Mark),
    field(12, 4, "queue_mapping", ANY, TC, Id::QueueMapping),
    field(16, 4, "protocol", ANY, N, Id::Protocol),
    field(20, 4, "vlan_present", ANY, N, Id::VlanPresent),
    field(24, 4, "vlan_tci", ANY, N, Id::VlanTci),
    field(28, 4, "vlan_proto", ANY, N, Id::VlanProto),
    field(32, 4, "priority", ANY, TC_CG, Id::Priority),
    field(36, 4, "ingress_ifindex", ANY, N, Id::IngressIfindex),
    field(40, 4, "ifindex", ANY, N, Id::Ifindex),
    field(44, 4, "tc_index", ANY, TC, Id::TcIndex),
    field(48, 20, "cb", ANY, ANY, Id::Cb),
    field(68, 4, "hash", ANY, N, Id::Hash),
    field(72, 4, "tc_classid", TC, TC, Id::TcClassid),
    field(76, 4, "data", TC_CG, N, Id::Data),
    field(80, 4, "data_end", TC_CG, N, Id::DataEnd),
    field(84, 4, "napi_id", ANY, N, Id::Zero),
    field(88, 4, "family", Access::CGROUP, N, Id::Zero),
    field(92, 4, "remote_ip4", Access::CGROUP, N, Id::Zero),
    field(96, 4, "local_ip4", Access::CGROUP, N, Id::Zero),
    field(100, 16, "remote_ip6", Access::CGROUP, N, Id::Zero),
    field(116, 16, "local_ip6", Access::CGROUP, N, Id::Zero),
    field(132, 4, "remote_port", Access::CGROUP, N, Id::Zero),
    field(136, 4, "local_port", Access::CGROUP, N, Id::Zero),
    field(140, 4, "data_meta", TC, N, Id::DataMeta),
    field(152, 8, "tstamp", TC_CG, TC_CG, Id::Tstamp),
    field(160, 4, "wire_len", TC, N, Id::WireLen),
    field(164, 4, "gso_segs", ANY, N, Id::Zero),
    field(168, 8, "sk", ANY, N, Id::Zero),
    field(176, 4, "gso_size", ANY, N, Id::Zero),
    field(180, 1, "tstamp_type", TC, N, Id::TstampType),
    field(184, 8, "hwtstamp", TC_CG, N, Id::Zero),
];

/// The field that holds all of `size` bytes at `offset`, and the offset inside it.
fn find(kind: Kind, offset: usize, size: usize) -> Option<(&'static Field, usize)> {
    let field = kind.table().iter().find(|f| offset >= f.offset && offset - f.offset < f.size)?;
    let inside = offset - field.offset;
    // Parts of a field may be accessed in an skb only, and of its time stamps never.
    let whole = kind == Kind::Xdp || field.size == 8;
    let fits = if whole { size == field.size } else { inside + size <= field.size && inside.is_multiple_of(size) };
    fits.then_some((field, inside))
}

/// Loads `size` bytes at `offset` of a context, `None` where the program may not.
pub(crate) fn load(kind: Kind, packet: &Packet, offset: usize, size: usize) -> Option<u64> {
    if kind == Kind::Seccomp {
        let aligned = size == 4 && offset.is_multiple_of(4);
        return packet.bytes(offset, size).filter(|_| aligned).map(read_le);
    }
    let (field, inside) = find(kind, offset, size)?;
    if !field.read.has(kind) {
        return None;
    }
    let s = &packet.state;
    let value = match field.id {
        Id::Data | Id::DataEnd | Id::DataMeta if size != 4 => return None,
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
    if size >= field.id.held() {
        return Some(value);
    }
    value.to_le_bytes().get(inside..inside + size).map(read_le)
}

/// Whether a store failed because the field may only be read, or because there is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    ReadOnly,
    NoField,
}

/// Stores the low `size` bytes of `value` at `offset` of a context.
pub(crate) fn store(kind: Kind, packet: &mut Packet, offset: usize, size: usize, value: u64) -> Result<(), Refusal> {
    let (field, inside) = find(kind, offset, size).ok_or(Refusal::NoField)?;
    if !field.write.has(kind) {
        return Err(Refusal::ReadOnly);
    }
    let s = &mut packet.state;
    if field.id == Id::Cb {
        let bytes = s.cb.get_mut(inside..inside + size).ok_or(Refusal::NoField)?;
        bytes.copy_from_slice(value.to_le_bytes().get(..size).ok_or(Refusal::NoField)?);
        return Ok(());
    }
    if size != field.size {
        return Err(Refusal::NoField);
    }
    match field.id {
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
    fn fields_stand_in_order_and_do_not_overlap() {
        for table in [XDP, SKB] {
            for pair in table.windows(2) {
                assert!(pair[0].offset + pair[0].size <= pair[1].offset, "{}", pair[1].name);
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
        for field in SKB {
            let stored = store(Kind::Socket, &mut packet, field.offset, 4, 1);
            assert_eq!(stored.is_ok(), field.name == "cb", "{}", field.name);
        }
    }
}
