//! The examples over the shipped capture, against counts of a reader that shares no code with skep: etherparse for the
//! packets, a few lines here for the file.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use etherparse::{IpNumber, Ipv4Header, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use skep::{Engine, Loaded, Object};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// The frames of a little-endian pcap file.
fn frames(path: &Path) -> Vec<Vec<u8>> {
    let file = std::fs::read(path).expect("a capture");
    assert!([[0xd4, 0xc3, 0xb2, 0xa1], [0x4d, 0x3c, 0xb2, 0xa1]].contains(&file[..4].try_into().expect("four bytes")));
    let mut rest = &file[24..];
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let kept = u32::from_le_bytes(rest[8..12].try_into().expect("four bytes")) as usize;
        frames.push(rest[16..16 + kept].to_vec());
        rest = &rest[16 + kept..];
    }
    assert!(!frames.is_empty());
    frames
}

fn capture() -> Vec<Vec<u8>> {
    frames(&examples().join("capture.pcap"))
}

fn read(frame: &[u8]) -> LaxSlicedPacket<'_> {
    LaxSlicedPacket::from_ethernet(frame).expect("an Ethernet header")
}

/// An example's program over the capture in the vm; the frames that went on.
fn run(example: &str, prepare: impl FnOnce(&Loaded)) -> (Loaded, Vec<Vec<u8>>) {
    let object = Object::open(examples().join(format!("{example}/{example}.bpf.o"))).expect("the example's object");
    let mut loaded = Engine::Vm.load(&object).expect("loads");
    prepare(&loaded);
    let written = std::env::temp_dir().join(format!("skep-independent-{example}-{}.pcap", std::process::id()));
    loaded.write_frames(&written.display().to_string()).expect("a file");
    let program = object.spec().programs[0].name.clone();
    let hook = format!("pcap:{}", examples().join("capture.pcap").display());
    loaded.program(&program).expect("the program").attach(&hook).expect("attaches");
    loaded.run(|record| panic!("{record:?}")).expect("runs");
    let after = frames(&written);
    std::fs::remove_file(&written).expect("removed");
    (loaded, after)
}

fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    assert_eq!(bytes.len(), 8 * N);
    std::array::from_fn(|at| u64::from_le_bytes(bytes[8 * at..8 * at + 8].try_into().expect("eight bytes")))
}

/// A map of numbers, ordered by its keys' bytes.
fn map<const N: usize>(loaded: &Loaded, name: &str) -> BTreeMap<Vec<u8>, [u64; N]> {
    let entries = loaded.map_named(name).and_then(|m| m.entries_bytes()).expect("a map");
    entries.into_iter().map(|(key, value)| (key, words(&value))).collect()
}

/// `enum protocol` of the example.
fn protocol(packet: &LaxSlicedPacket<'_>) -> u32 {
    match &packet.net {
        None => 0,
        Some(LaxNetSlice::Arp(_)) => 1,
        Some(LaxNetSlice::Ipv4(ip)) => match IpNumber(ip.header().protocol().0) {
            IpNumber::ICMP => 2,
            IpNumber::TCP => 4,
            IpNumber::UDP => 5,
            _ => 6,
        },
        // Behind all extension headers.
        Some(LaxNetSlice::Ipv6(ip)) => match ip.payload().ip_number {
            IpNumber::IPV6_ICMP => 3,
            IpNumber::TCP => 4,
            IpNumber::UDP => 5,
            _ => 7,
        },
    }
}

fn source(packet: &LaxSlicedPacket<'_>) -> Option<IpAddr> {
    match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => Some(ip.header().source_addr().into()),
        Some(LaxNetSlice::Ipv6(ip)) => Some(ip.header().source_addr().into()),
        _ => None,
    }
}

#[test]
fn protocols_counts_what_an_independent_reader_counts() {
    let (mut protocols, mut talkers4, mut talkers6) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let frames = capture();
    for frame in &frames {
        let packet = read(frame);
        let count = |counts: &mut BTreeMap<Vec<u8>, [u64; 2]>, key: &[u8]| {
            let [packets, bytes] = counts.entry(key.to_vec()).or_default();
            *packets += 1;
            *bytes += frame.len() as u64;
        };
        count(&mut protocols, &protocol(&packet).to_le_bytes());
        match source(&packet) {
            Some(IpAddr::V4(address)) => count(&mut talkers4, &address.octets()),
            Some(IpAddr::V6(address)) => count(&mut talkers6, &address.octets()),
            None => {}
        }
    }
    let (loaded, after) = run("protocols", |_| {});
    assert_eq!(map(&loaded, "protocols"), protocols);
    assert_eq!(map(&loaded, "talkers4"), talkers4);
    assert_eq!(map(&loaded, "talkers6"), talkers6);
    assert!(protocols.len() >= 5 && talkers4.len() >= 4 && talkers6.len() >= 2, "the capture holds a bit of each");
    assert!(frames.iter().any(|f| read(f).vlan().is_some()), "and tagged frames");
    assert_eq!(after, frames, "all pass as they are");
}

/// The destination the filter counts: TCP or UDP in an untagged frame that holds the ports, without extension headers.
fn destination(packet: &LaxSlicedPacket<'_>) -> Option<(u32, u32)> {
    let payload = match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) if ip.header().fragments_offset().value() == 0 => ip.payload(),
        Some(LaxNetSlice::Ipv6(ip)) if ip.header().next_header() == ip.payload().ip_number => ip.payload(),
        _ => return None,
    };
    if !packet.link_exts.is_empty() || ![IpNumber::TCP, IpNumber::UDP].contains(&payload.ip_number) {
        return None;
    }
    let port = match &packet.transport {
        Some(TransportSlice::Tcp(tcp)) => tcp.destination_port(),
        Some(TransportSlice::Udp(udp)) => udp.destination_port(),
        // The reader does not look into fragments; the first begins with the ports.
        _ => u16::from_be_bytes(*payload.payload.get(2..)?.first_chunk()?),
    };
    Some((payload.ip_number.0.into(), port.into()))
}

#[test]
fn sockets_counts_and_keeps_what_an_independent_reader_does() {
    let mut ports: BTreeMap<Vec<u8>, [u64; 1]> = BTreeMap::new();
    let mut kept = Vec::new();
    for frame in capture() {
        let Some((transport, port)) = destination(&read(&frame)) else { continue };
        let key = [transport.to_le_bytes(), port.to_le_bytes()].concat();
        ports.entry(key).or_default()[0] += 1;
        if port == 80 {
            kept.push(frame);
        }
    }
    let (loaded, after) = run("sockets", |_| {});
    assert_eq!(map(&loaded, "ports"), ports);
    assert!(ports.len() > 20 && !kept.is_empty());
    assert_eq!(after, kept);
}

#[test]
fn blocklist_drops_what_an_independent_reader_finds_on_the_list() {
    let within = |network: IpAddr, bits: u32, address: IpAddr| match (network, address) {
        (IpAddr::V4(n), IpAddr::V4(a)) => u64::from(n.to_bits() ^ a.to_bits()) >> (32 - bits) == 0,
        (IpAddr::V6(n), IpAddr::V6(a)) => (n.to_bits() ^ a.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0,
        _ => false,
    };
    // The longest comes first, and is the one that counts.
    let list: [(IpAddr, u32); 4] = [
        (Ipv4Addr::new(10, 77, 0, 2).into(), 32),
        (Ipv4Addr::new(10, 77, 0, 0).into(), 16),
        (Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 1).into(), 128),
        (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0).into(), 10),
    ];
    let mut dropped = [0_u64; 4];
    let mut passed = Vec::new();
    for frame in capture() {
        let packet = read(&frame);
        // The program reads no further than a tag.
        let source = source(&packet).filter(|_| packet.link_exts.is_empty());
        let found = source.and_then(|source| list.iter().position(|(network, bits)| within(*network, *bits, source)));
        match found {
            Some(at) => dropped[at] += 1,
            None => passed.push(frame.clone()),
        }
    }
    let fill = |loaded: &Loaded| {
        for (network, bits) in list {
            let map = if network.is_ipv4() { "blocked4" } else { "blocked6" };
            let text = format!("{network}/{bits}");
            loaded.map_named(map).and_then(|m| m.update_text(&text, None)).expect("a prefix");
        }
    };
    let (loaded, after) = run("blocklist", fill);
    let counts = |name| map::<1>(&loaded, name);
    let (four, six) = (counts("blocked4"), counts("blocked6"));
    let found = list.map(|(network, bits)| {
        let address = match network {
            IpAddr::V4(a) => a.octets().to_vec(),
            IpAddr::V6(a) => a.octets().to_vec(),
        };
        let key = [&bits.to_le_bytes()[..], &address].concat();
        four.get(&key).or(six.get(&key)).map_or(0, |[n]| *n)
    });
    assert_eq!(found, dropped);
    assert!(dropped.iter().all(|n| *n > 0), "each line of the list is tried: {dropped:?}");
    assert_eq!(after, passed);
}

/// What makes a frame the same apart from tag, traffic class and checksum.
fn essence(frame: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let packet = read(frame);
    let link_end = 14 + 4 * packet.link_exts.len();
    let mut rest = frame[link_end..].to_vec();
    if matches!(packet.net, Some(LaxNetSlice::Ipv4(_))) {
        rest[1] = 0;
        rest[10..12].fill(0);
    }
    (frame[..12].to_vec(), rest)
}

#[test]
fn vlan_writes_frames_an_independent_reader_finds_in_order() {
    let before = capture();
    let (loaded, after) = run("vlan", |_| {});
    assert_eq!(after.len(), before.len(), "all pass");
    let (mut popped, mut pushed, mut untouched) = (0, 0, 0);
    for (old, new) in before.iter().zip(&after) {
        let (was, is) = (read(old), read(new));
        assert_eq!(essence(old), essence(new));
        let tags: Vec<u16> = is.vlan_ids().iter().map(|id| id.value()).collect();
        match (&was.net, was.link_exts.is_empty()) {
            (_, false) => {
                popped += 1;
                assert_eq!(tags, [], "the tag is gone");
            }
            (Some(LaxNetSlice::Ipv4(_)), true) => {
                pushed += 1;
                assert_eq!(tags, [42]);
                assert_eq!(new.len(), old.len() + 4);
            }
            _ => {
                untouched += 1;
                assert_eq!(old, new);
            }
        }
        if let Some(LaxNetSlice::Ipv4(ip)) = &is.net {
            let header: Ipv4Header = ip.header().to_header();
            assert_eq!(header.header_checksum, header.calc_header_checksum());
            if !tags.is_empty() {
                assert_eq!(header.dscp.value() << 2 | header.ecn.value(), 0x28, "the traffic class");
            }
        }
    }
    let counts = map::<4>(&loaded, "vlan.bss").into_values().next();
    assert_eq!(counts, Some([popped, pushed, untouched, 0]));
    assert!(popped > 0 && pushed > 0 && untouched > 0);
}
