//! The kernel as the oracle of what a classic filter sees of a device: the frame from its link-layer header on, places
//! counted from headers, the tag the device took out, the number and mark of `Packet::info`. In a network namespace of
//! its own. Needs root; `cargo test -p skep-vm --features kernel-tests`.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]
#![allow(unsafe_code, reason = "packet sockets and namespaces have no safe form here; this is test code")]

#[path = "support/classic.rs"]
mod filter;
mod support;

use filter::{Random, attach, errno};
use skep_isa::classic::{self, ClassicInsn, Kind, Target};
use skep_isa::spec::ancillary;
use skep_vm::Packet;
use skep_vm::classic::Filter;
use support::Still;

const MARK: u32 = 0x8000_0001;
/// The loopback device is the first of a namespace.
const LOOPBACK: u32 = 1;

/// A packet socket of the loopback device.
struct Socket(libc::c_int);

impl Socket {
    fn new() -> Socket {
        let all = libc::c_int::from((libc::ETH_P_ALL as u16).to_be());
        // SAFETY: makes a descriptor of ours.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, all) };
        assert!(fd >= 0, "socket: errno {}", errno());
        let socket = Socket(fd);
        // Each frame is seen once, as it comes in.
        const PACKET_IGNORE_OUTGOING: libc::c_int = 23;
        socket.set(libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
        socket
    }

    fn set(&self, level: libc::c_int, name: libc::c_int, value: u32) {
        let size = size_of_val(&value) as libc::socklen_t;
        // SAFETY: the option is a live number of that size.
        let set = unsafe { libc::setsockopt(self.0, level, name, (&raw const value).cast(), size) };
        assert_eq!(set, 0, "setsockopt {level} {name}: errno {}", errno());
    }

    fn send(&self, frame: &[u8]) {
        // SAFETY: all fields are numbers, for which 0 is a value.
        let mut to: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        to.sll_family = libc::AF_PACKET as u16;
        to.sll_ifindex = LOOPBACK as i32;
        let size = size_of_val(&to) as libc::socklen_t;
        // SAFETY: the buffer and the address have those sizes.
        let sent = unsafe { libc::sendto(self.0, frame.as_ptr().cast(), frame.len(), 0, (&raw const to).cast(), size) };
        assert_eq!(sent, frame.len() as isize, "send: errno {}", errno());
    }

    /// The next frame; waits a second at most, or not at all.
    fn receive(&self, wait: bool) -> Option<Vec<u8>> {
        let mut poll = libc::pollfd { fd: self.0, events: libc::POLLIN, revents: 0 };
        // SAFETY: one live struct.
        unsafe { libc::poll(&raw mut poll, 1, if wait { 1000 } else { 0 }) };
        let mut room = vec![0_u8; 4096];
        // SAFETY: the buffer has that many bytes.
        let got = unsafe { libc::recv(self.0, room.as_mut_ptr().cast(), room.len(), libc::MSG_DONTWAIT) };
        room.truncate(usize::try_from(got).ok()?);
        Some(room)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours and is closed once.
        unsafe { libc::close(self.0) };
    }
}

/// Puts this thread into a new network namespace, and its loopback device up. The namespace ends with the thread.
fn own_network() {
    // SAFETY: concerns this thread alone.
    let left = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(left, 0, "unshare: errno {}", errno());
    // SAFETY: makes a descriptor of ours.
    let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0) };
    let control = Socket(fd);
    // SAFETY: all fields are numbers, for which 0 is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
    // SAFETY: a live struct with a device's name.
    let up = unsafe { libc::ioctl(control.0, libc::SIOCSIFFLAGS, &raw const request) };
    assert_eq!(up, 0, "the loopback device: errno {}", errno());
}

/// A frame, and the tag it has, which the kernel takes out before filters see it.
fn frame(random: &mut Random) -> (Vec<u8>, Option<(u16, u16)>) {
    // To the device itself or to many: what is for others depends on the device's address, and this device has none for
    // broadcasts.
    let mut frame = random.of(&[[0_u8; 6], [1, 0, 0x5e, 0, 0, 1]]).to_vec();
    frame.extend([2, 0, 0, 0, 0, 9]);
    frame.extend(random.of(&[0x88b5_u16, 0x0806, 0x0040, 0x0600]).to_be_bytes());
    // The kernel drops a tagged frame with less than two bytes behind the tag.
    let size = 2 + random.below(120);
    frame.extend((0..size).map(|_| random.next() as u8));
    let tag = (random.below(3) == 0).then(|| (random.of(&[0x8100, 0x88a8]), random.next() as u16 & 0x0fff | 0x1000));
    (frame, tag)
}

fn run() {
    own_network();
    let sender = Socket::new();
    sender.set(libc::SOL_SOCKET, libc::SO_MARK, MARK);
    // What was made later is served first: once the witness has a frame, the filter has had it.
    let witness = Socket::new();
    let filtered = Socket::new();
    let mut random = Random(0x9999_aaaa_bbbb_cccc);
    let (mut programs, mut kept, mut dropped, mut asked) = (0, 0, 0, std::collections::BTreeSet::new());
    // First each kind of ancillary data alone, then what is random.
    let names = ["proto", "type", "ifidx", "mark", "queue", "xor_x", "vlan_tci", "vlanp", "vlan_tpid"];
    let alone = names.map(|name| {
        let text = format!("ld #0x7\nldx #0x3\nld [{name}]\nand #0xffff\nadd #1\nret");
        classic::parse(&text).expect("a listing")
    });
    let mut alone = alone.into_iter();
    while programs < 150 {
        let mut program: Vec<ClassicInsn> = alone.next().unwrap_or_else(|| random.program(Target::Socket, 0));
        for insn in &mut program {
            let absolute = matches!(classic::decode(*insn).map(|op| op.kind), Some(Kind::LoadAbs(_)));
            if absolute && insn.k < ancillary::LINK && random.below(3) == 0 {
                insn.k += random.of(&[ancillary::LINK, ancillary::NETWORK]);
            }
        }
        let rows = program.iter().filter_map(|insn| ancillary::at(insn.k).map(|row| row.name));
        let rows: Vec<&str> = rows.collect();
        if rows.iter().any(|name| !names.contains(name)) {
            continue;
        }
        let Ok(mut filter) = Filter::new(&program, Box::new(Still::default())) else { continue };
        asked.extend(rows);
        assert_eq!(attach(filtered.0, &program), Ok(()));
        programs += 1;
        for _ in 0..6 {
            let (frame, tag) = frame(&mut random);
            let mut sent = frame.clone();
            if let Some((protocol, tci)) = tag {
                let [a, b] = protocol.to_be_bytes();
                let [c, d] = tci.to_be_bytes();
                sent.splice(12..12, [a, b, c, d]);
            }
            sender.send(&sent);
            assert_eq!(witness.receive(true).as_ref(), Some(&frame), "the frame comes in without its tag");
            let mut packet = Packet::new();
            packet.info.ifindex = LOOPBACK;
            packet.info.mark = MARK;
            packet.info.vlan = tag;
            packet.set_frame(&frame);
            let verdict = filter.run(&mut packet).unwrap_or_else(|fault| panic!("{fault}: {program:?}"));
            let wanted = (verdict != 0).then(|| frame[..frame.len().min(verdict as usize)].to_vec());
            let arrived = filtered.receive(false);
            let listing = classic::text::listing(&program);
            assert_eq!(arrived, wanted, "{verdict} {tag:x?}\n{listing}\n{frame:02x?}");
            *(if arrived.is_some() { &mut kept } else { &mut dropped }) += 1;
        }
    }
    assert!(kept > 200 && dropped > 200 && asked.len() == names.len(), "{kept} {dropped} {asked:?}");
}

#[test]
fn a_device_s_frames_are_seen_as_in_the_vm() {
    let ran = std::thread::spawn(run).join();
    assert!(ran.is_ok(), "see above");
}
