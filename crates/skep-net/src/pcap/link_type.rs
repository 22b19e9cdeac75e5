//! Link types: what a frame begins with.

/// What a frame begins with, by its number in capture files (the registry of tcpdump.org).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct LinkType(pub u16);

macro_rules! link_types {
    ($($constant:ident $number:literal $name:literal $what:literal;)*) => {
        impl LinkType {
            $(#[doc = $what] pub const $constant: LinkType = LinkType($number);)*
        }

        /// Numbers and names, in ascending order.
        const TABLE: &[(LinkType, &str)] = &[$((LinkType::$constant, $name)),*];
    };
}

link_types! {
    NULL 0 "null" "BSD loopback: address family in the host's byte order, then the packet.";
    ETHERNET 1 "ethernet" "An Ethernet header.";
    PPP 9 "ppp" "A PPP header.";
    RAW 101 "raw" "An IPv4 or IPv6 header.";
    IEEE802_11 105 "ieee802_11" "A wireless LAN header.";
    LOOP 108 "loop" "OpenBSD loopback: address family in network byte order, then the packet.";
    LINUX_SLL 113 "linux_sll" "Linux `any` device: a header of 16 bytes, then the packet.";
    IEEE802_11_RADIOTAP 127 "ieee802_11_radiotap" "Radio information, then a wireless LAN header.";
    USER0 147 "user0" "Whatever its maker meant.";
    BLUETOOTH_HCI_H4 187 "bluetooth_hci_h4" "A Bluetooth HCI packet.";
    USB_LINUX 189 "usb_linux" "A Linux USB request, header of 48 bytes.";
    USB_LINUX_MMAPPED 220 "usb_linux_mmapped" "A Linux USB request, header of 64 bytes.";
    IPV4 228 "ipv4" "An IPv4 header.";
    IPV6 229 "ipv6" "An IPv6 header.";
    NFLOG 239 "nflog" "A message of Linux NFLOG.";
    NETLINK 253 "netlink" "A message of Linux netlink, header of 16 bytes.";
    LINUX_SLL2 276 "linux_sll2" "Linux `any` device: a header of 20 bytes, then the packet.";
}

impl LinkType {
    /// Its name in lower case; `None` for a number not in the table.
    pub fn name(self) -> Option<&'static str> {
        TABLE.iter().find(|(link_type, _)| *link_type == self).map(|(_, name)| *name)
    }
}

impl std::fmt::Display for LinkType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "link type {}", self.0),
        }
    }
}
