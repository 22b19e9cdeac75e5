//! Ancillary data: what a classic program of a socket loads that is no byte of the packet (`SKF_AD_*`).
//!
//! A load of any size from [`BASE`] and a row's offset is a load of that row. Names are those `tcpdump -d` prints.

use super::{Version, v};

/// Where ancillary data begins (`SKF_AD_OFF`).
pub const BASE: u32 = 0xffff_f000;

/// Where places begin that count from the network header (`SKF_NET_OFF`).
pub const NETWORK: u32 = 0xfff0_0000;

/// Where places begin that count from the link-layer header (`SKF_LL_OFF`).
pub const LINK: u32 = 0xffe0_0000;

/// One kind of ancillary data.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Its place, counted from [`BASE`].
    pub offset: u32,
    /// Name in `tcpdump -d`.
    pub name: &'static str,
    /// The kernel's constant.
    pub constant: &'static str,
    /// Where an eBPF program finds it.
    pub source: Source,
    /// First kernel that has it; 2.2 also stands for what is older, 2.6 for all of 2.6.
    pub since: Version,
    /// What it is, in one sentence.
    pub what: &'static str,
}

/// Where an eBPF socket filter finds what a classic one loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A field of `__sk_buff`.
    Field {
        /// Its name in [`super::context`].
        name: &'static str,
        /// Whether it is 16 bits in network order there.
        network_order: bool,
    },
    /// The device's number, in the field of this name; a packet without a device ends the classic program with A as it is.
    Device(&'static str),
    /// The result of a helper without arguments, by its name in [`super::helper`].
    Helper(&'static str),
    /// No data: the load is `A ^= X`.
    XorX,
    /// The kernel alone: neither a field nor a helper gives it.
    Kernel,
}

const fn field(name: &'static str, network_order: bool) -> Source {
    Source::Field { name, network_order }
}

const fn row(
    offset: u32,
    (name, constant): (&'static str, &'static str),
    source: Source,
    since: Version,
    what: &'static str,
) -> Row {
    Row { offset, name, constant, source, since, what }
}

/// All rows, in the order of their places.
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    row(0, ("proto", "SKF_AD_PROTOCOL"), field("protocol", true), v(2, 2),
        "The EtherType of the packet, without any VLAN tag the device took out."),
    row(4, ("type", "SKF_AD_PKTTYPE"), field("pkt_type", false), v(2, 2),
        "Whom the packet is for: 0 this host, 1 all, 2 many, 3 another host, 4 outgoing."),
    row(8, ("ifidx", "SKF_AD_IFINDEX"), Source::Device("ifindex"), v(2, 2),
        "The number of the device the packet is on."),
    row(12, ("nla", "SKF_AD_NLATTR"), Source::Kernel, v(2, 6),
        "The place of the first netlink attribute of type X at or after A, 0 for none."),
    row(16, ("nlan", "SKF_AD_NLATTR_NEST"), Source::Kernel, v(2, 6),
        "The place of the first netlink attribute of type X inside the attribute at A, 0 for none."),
    row(20, ("mark", "SKF_AD_MARK"), field("mark", false), v(2, 6),
        "The mark that rules of this host gave the packet."),
    row(24, ("queue", "SKF_AD_QUEUE"), field("queue_mapping", false), v(2, 6),
        "The number of the device's queue the packet is on."),
    row(28, ("hatype", "SKF_AD_HATYPE"), Source::Kernel, v(2, 6),
        "The hardware type of the packet's device (`ARPHRD_*`)."),
    row(32, ("rxhash", "SKF_AD_RXHASH"), field("hash", false), v(2, 6),
        "The hash of the packet's flow, 0 where none was computed yet."),
    row(36, ("cpu", "SKF_AD_CPU"), Source::Helper("get_smp_processor_id"), v(2, 6),
        "The number of the CPU the program runs on."),
    row(40, ("xor_x", "SKF_AD_ALU_XOR_X"), Source::XorX, v(3, 5),
        "Not data: A becomes A exclusive-or X, as `xor x` does since 3.7."),
    row(44, ("vlan_tci", "SKF_AD_VLAN_TAG"), field("vlan_tci", false), v(3, 8),
        "The control information of the VLAN tag the device took out."),
    row(48, ("vlanp", "SKF_AD_VLAN_TAG_PRESENT"), field("vlan_present", false), v(3, 8),
        "1 if the device took a VLAN tag out of the packet, else 0."),
    row(52, ("poff", "SKF_AD_PAY_OFFSET"), Source::Kernel, v(3, 10),
        "The place where the payload of the packet's innermost known header begins."),
    row(56, ("random", "SKF_AD_RANDOM"), Source::Helper("get_prandom_u32"), v(3, 16),
        "A random number."),
    row(60, ("vlan_tpid", "SKF_AD_VLAN_TPID"), field("vlan_proto", true), v(4, 1),
        "The protocol of the VLAN tag the device took out: 0x8100 or 0x88a8."),
];

/// The row a load from this place is a load of.
///
/// ```
/// use skep_isa::spec::ancillary;
/// assert_eq!(ancillary::at(0xffff_f014).map(|row| row.name), Some("mark"));
/// assert_eq!(ancillary::at(12), None);
/// ```
pub fn at(place: u32) -> Option<&'static Row> {
    let offset = place.checked_sub(BASE)?;
    TABLE.iter().find(|row| row.offset == offset)
}

/// The row with this name or constant.
pub fn named(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name || row.constant == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::context::Context;
    use crate::spec::{ProgType, helper};

    #[test]
    fn each_row_is_found_by_place_name_and_constant() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.offset as usize, index * 4, "{}", row.name);
            assert_eq!(at(BASE + row.offset), Some(row));
            assert_eq!(named(row.name), Some(row));
            assert_eq!(named(row.constant), Some(row));
            assert!(row.what.ends_with('.') && row.constant.starts_with("SKF_AD_"));
        }
        for place in [0, BASE - 1, BASE + 1, BASE + 64, u32::MAX] {
            assert_eq!(at(place), None, "{place:#x}");
        }
    }

    #[test]
    fn each_field_and_helper_that_is_named_exists() {
        let skb = Context::of(ProgType::SocketFilter).expect("socket filters have a context");
        for row in TABLE {
            let exists = match row.source {
                Source::Field { name, .. } | Source::Device(name) => skb.field(name).is_some(),
                Source::Helper(name) => helper::named(name).is_some(),
                Source::XorX | Source::Kernel => true,
            };
            assert!(exists, "{}", row.name);
        }
    }
}
