//! libpcap as the oracle of classic BPF: its texts are ours, and its interpreter keeps the frames the vm keeps.
//! Needs tcpdump; `cargo test -p skep-vm --features corpus-tests`.
#![cfg(all(target_os = "linux", feature = "corpus-tests"))]
#![allow(unsafe_code, reason = "libpcap's printer has no safe form; this is test code")]

#[path = "support/classic.rs"]
mod filter;
mod support;

use std::process::{Command, Stdio};

use filter::Random;
use skep_isa::classic::{self, ClassicInsn, Refusal, Target, text};
use skep_net::pcap::{Format, Frame, LinkType, Reader, Writer};
use skep_vm::Packet;
use skep_vm::classic::Filter;
use support::Still;

/// Expressions whose programs run.
const EXPRESSIONS: &[&str] = &[
    "",
    "ip",
    "ip6",
    "arp",
    "rarp",
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "igmp",
    "sctp",
    "pim",
    "vrrp",
    "esp",
    "ah",
    "ip proto 47",
    "ip6 proto 17",
    "ip proto \\udp or ip6 proto \\tcp",
    "proto 6",
    "ether proto 0x88cc",
    "ether proto 0x600",
    "ether proto 3",
    "host 10.0.0.1",
    "src host 10.0.0.1 and dst host 10.0.0.2",
    "ip host 192.168.1.1",
    "arp host 10.0.0.1",
    "host 2001:db8::1",
    "ip6 net fe80::/10",
    "src net 2001:db8::/32",
    "net 10.0.0.0/8",
    "dst net 192.168.0.0 mask 255.255.0.0",
    "net 172.16/12 or net 224.0.0.0/4",
    "not net 10.0.0.0/9",
    "port 53",
    "src port 80",
    "dst port 443",
    "tcp port 80 or tcp port 443",
    "udp port 53 and not port 5353",
    "portrange 1-1023",
    "tcp dst portrange 8000-8080",
    "udp src portrange 50000-65535",
    "tcp src port 80 and dst portrange 1024-65535",
    "port 80 and host 10.0.0.1",
    "ether host 02:00:00:00:00:01",
    "ether src 02:00:00:00:00:01 or ether dst ff:ff:ff:ff:ff:ff",
    "ether broadcast",
    "ether multicast",
    "broadcast",
    "multicast",
    "ip broadcast",
    "ip multicast",
    "ip6 multicast",
    "not broadcast and not multicast",
    "less 60",
    "greater 1000",
    "len = 42 or len > 1400",
    "len & 1 != 0",
    "vlan",
    "vlan 5",
    "vlan and ip",
    "vlan and tcp port 80",
    "vlan 5 and vlan",
    "vlan or ip6",
    "mpls",
    "mpls 100",
    "mpls and ip host 10.0.0.1",
    "mpls 100 and mpls 200",
    "pppoed",
    "pppoes",
    "pppoes and ip",
    "pppoes 7 and tcp",
    "geneve",
    "llc",
    "llc u",
    "llc i",
    "stp",
    "isis",
    "iso proto \\isis",
    "atalk",
    "aarp",
    "ipx",
    "netbeui",
    "decnet host 1.2",
    "lat",
    "moprc",
    "ether[0] & 1 = 0",
    "ether[12:2] = 0x800",
    "ether[6:4] = 0x02000000 and ether[10:2] = 2",
    "ip[2:2] > 576",
    "ip[0] & 0xf != 5",
    "ip[6:2] & 0x1fff = 0",
    "ip[6] & 0x40 != 0",
    "ip[8] < 5",
    "ip[12:4] = 0x0a000001",
    "ip[9] = 6 or ip[9] = 17",
    "ip6[6] = 58 and ip6[40] = 135",
    "ip6[0] & 0xf0 = 0x60",
    "icmp[icmptype] = icmp-echo",
    "icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply",
    "icmp[icmpcode] > 0",
    "icmp6[icmp6type] = icmp6-neighborsolicit",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and not src and dst net 10",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "tcp[tcpflags] = tcp-syn",
    "tcp[13] & 2 = 2 and tcp[13] & 16 = 0",
    "tcp[(tcp[12] >> 2):4] = 0x47455420",
    "tcp[((tcp[12:1] & 0xf0) >> 2):2] != 0",
    "tcp port 80 and (((ip[2:2] - ((ip[0] & 0xf) << 2)) - ((tcp[12] & 0xf0) >> 2)) != 0)",
    "udp[4:2] > 100",
    "udp[8:2] & 0x8000 = 0",
    "ip[2:2] = len - 14",
    "ip[0] * 4 > ip[8] + 3",
    "ip[2:2] / ip[8] > 9",
    "ip[2:2] % 7 = 3",
    "ip[8] / (ip[1] & 3) = 1",
    "ip[2:2] % (ip[5] & 7) = 1",
    "(ip[8] | 1) ^ ip[9] > 60",
    "ip[8] << 2 > 255",
    "ip[10:2] >> 3 < 100",
    "(-ip[8]) = 0xffffffc0",
    "ip[4:4] - ip[12:4] > 0x80000000",
    "ip[12:4] > ip[16:4]",
    "ip[12:4] >= 0x80000000",
    "ether[6:4] <= ether[0:4]",
    "ip[ip[8]] = 0",
    "ip[ip[2:2] - 1] != 0",
    "ip[0xffff] = 1",
    "tcp or udp and not port 53",
    "not (tcp or udp) and ip",
    "(tcp or udp) and (port 53 or port 80 or port 443 or port 22)",
    "ip and not (host 10.0.0.1 or host 10.0.0.2 or net 192.168.0.0/16)",
    "tcp and (host 10.0.0.1 or host 10.0.0.2) and portrange 1-100 and greater 64 and not ether broadcast",
];

/// Expressions that libpcap compiles only for a device, or to a loop, which no kernel takes.
const TEXT_ONLY: &[&str] =
    &["inbound", "outbound and tcp", "ifindex 3", "ip protochain 6", "ip6 protochain 17", "protochain 51 and port 53"];

fn tcpdump(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("tcpdump")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("tcpdump is needed: {error}"));
    assert!(output.status.success(), "tcpdump {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The program of an expression, its three texts compared on the way; with `-O` not optimised.
fn compiled(expression: &str, optimised: bool) -> Vec<ClassicInsn> {
    let program = |form| {
        let mut arguments = vec!["-y", "EN10MB", form];
        arguments.extend((!optimised).then_some("-O"));
        arguments.push(expression);
        String::from_utf8(tcpdump(&arguments)).expect("text")
    };
    let [listing, c, decimal] = ["-d", "-dd", "-ddd"].map(program);
    let parsed = |text| classic::parse(text).unwrap_or_else(|error| panic!("{expression}: {error}\n{text}"));
    let program = parsed(&decimal);
    // libpcap leaves numbers in fields that an operation does not use; a listing does not show them.
    let shown = |insn: &ClassicInsn| classic::decode(*insn).map(|op| op.encode(insn.jt, insn.jf, insn.k));
    assert_eq!(Some(parsed(&listing)), program.iter().map(shown).collect(), "{expression}");
    assert_eq!(parsed(&c), program, "{expression}");
    assert_eq!(text::listing(&program), listing, "{expression}");
    assert_eq!(text::c(&program), c, "{expression}");
    assert_eq!(text::decimal(&program), decimal, "{expression}");
    program
}

/// A frame like another, with what filters look at changed, and often cut.
fn mutated(frame: &[u8], random: &mut Random) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let put = |frame: &mut Vec<u8>, at: usize, bytes: &[u8]| {
        if let Some(place) = frame.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    for _ in 0..=random.below(3) {
        let ipv6 = frame.get(12..14) == Some(&[0x86, 0xdd]);
        match random.below(11) {
            0 => {
                let types = [
                    0x800_u16, 0x86dd, 0x806, 0x8035, 0x8100, 0x8847, 0x8863, 0x8864, 0x88cc, 0x600, 0x6004, 0x6002,
                    40, 1500,
                ];
                put(&mut frame, 12, &random.of(&types).to_be_bytes());
            }
            1 => {
                let protocols = [6_u8, 17, 1, 58, 2, 132, 47, 50, 51, 103, 112, 44, 0];
                put(&mut frame, if ipv6 { 20 } else { 23 }, &[random.of(&protocols)]);
            }
            2 => {
                let at = random.of(&[34, 36, 54, 56]);
                put(
                    &mut frame,
                    at,
                    &random.of(&[53_u16, 80, 443, 22, 8000, 8080, 1023, 5353, 6081, 65535]).to_be_bytes(),
                );
            }
            3 => {
                let addresses =
                    [[10, 0, 0, 1], [10, 0, 0, 2], [192, 168, 1, 1], [172, 16, 0, 9], [224, 0, 0, 1], [255; 4]];
                let at = random.of(&[26, 30, 28, 38]);
                put(&mut frame, at, &random.of(&addresses));
            }
            4 => {
                let stations =
                    [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], [255; 6], [1, 0, 0x5e, 0, 0, 1], [0xab, 0, 0, 2, 0, 0]];
                let at = random.of(&[0, 6]);
                put(&mut frame, at, &random.of(&stations));
            }
            5 if frame.len() >= 12 => {
                let tags =
                    [[0x81, 0, 0, 5], [0x81, 0, 0x20, 6], [0x88, 0xa8, 0, 5], [0x88, 0x47, 0, 6], [0x91, 0, 0, 5]];
                frame.splice(12..12, random.of(&tags));
            }
            6 if frame.len() >= 14 => {
                let inserted = random.of::<&[u8]>(&[
                    &[0x88, 0x47, 0, 6, 0x41, 0x40],
                    &[0x88, 0x47, 0, 6, 0x40, 0x40, 0, 0xc, 0x81, 0x40],
                    &[0x88, 0x64, 0x11, 0, 0, 7, 0, 40, 0, 0x21],
                    &[0, 40, 0x42, 0x42, 3],
                    &[0, 40, 0xfe, 0xfe, 3, 0x83],
                    &[0, 40, 0xaa, 0xaa, 3, 8, 0, 7, 0x80, 0x9b],
                    &[0, 40, 0xe0, 0xe0, 3],
                    &[0, 40, 0xf0, 0xf0, 2],
                ]);
                frame.splice(12..14, inserted.iter().copied());
            }
            7 => {
                let at = 14 + random.below(60);
                let byte = random.of(&[0, 1, 2, 0x10, 0x40, 0x45, 0x46, 0x4f, 0x60, 0x80, 0xff]);
                put(&mut frame, at, &[byte]);
            }
            8 => {
                let (at, byte) = (random.below(frame.len()), random.next() as u8);
                put(&mut frame, at, &[byte]);
            }
            9 => frame.truncate(random.below(80)),
            10 => {
                let extra = random.below(1500);
                frame.resize(frame.len() + extra, 0x47);
            }
            _ => {}
        }
    }
    frame
}

/// The frames of the capture, and 10,000 that are mutated.
fn frames() -> Vec<Vec<u8>> {
    let capture =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/capture.pcap")).expect("the capture");
    let reader = Reader::new(&capture).expect("a capture");
    let mut frames: Vec<Vec<u8>> = reader.map(|frame| frame.expect("a whole frame").data.to_vec()).collect();
    // A frame of every kind that filters name; most are not in the capture.
    let (real, mut random) = (frames.len(), Random(0x5eed_5eed_5eed_5eed));
    for _ in 0..10_000 {
        let base = random.below(real);
        let mut frame = mutated(&frames[base], &mut random);
        frame.truncate(60_000);
        frames.push(frame);
    }
    frames
}

#[test]
fn text_and_verdicts_are_those_of_tcpdump() {
    let frames = frames();
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("classic-{}.pcap", std::process::id()));
    let mut writer = Writer::new(Vec::new(), Format::Pcap).expect("memory takes all");
    for (index, data) in frames.iter().enumerate() {
        // The time tells which frame it is.
        let timestamp_ns = Some(index as u64 * 1_000_000_000);
        let frame = Frame { data, original_len: data.len() as u32, timestamp_ns, link_type: LinkType::ETHERNET };
        writer.write(&frame).expect("memory takes all");
    }
    std::fs::write(&path, writer.finish().expect("memory takes all")).expect("a file");
    let file = path.to_str().expect("a path of text");
    let mut both = 0;
    for expression in EXPRESSIONS {
        for optimised in [true, false] {
            let program = compiled(expression, optimised);
            let flags: &[&str] = if optimised { &[] } else { &["-O"] };
            let kept = tcpdump(&[&["-r", file, "-w", "-"], flags, &[expression]].concat());
            let mut wanted = vec![false; frames.len()];
            for frame in Reader::new(&kept).expect("a capture") {
                wanted[(frame.expect("a frame").timestamp_ns.expect("a time") / 1_000_000_000) as usize] = true;
            }
            both += usize::from(optimised && wanted.contains(&true) && wanted.contains(&false));
            let mut filter = Filter::new(&program, Box::new(Still::default()))
                .unwrap_or_else(|error| panic!("{expression}: {error}"));
            let mut packet = Packet::new();
            for (index, (frame, wanted)) in frames.iter().zip(&wanted).enumerate() {
                packet.set_frame(frame);
                let verdict = filter.run(&mut packet).unwrap_or_else(|fault| panic!("{expression}: {fault}"));
                let shown = || format!("`{expression}`, optimised {optimised}, frame {index}: {frame:02x?}");
                assert_eq!(verdict != 0, *wanted, "{}", shown());
                assert!(matches!(verdict, 0 | 262_144), "{}", shown());
            }
        }
    }
    std::fs::remove_file(&path).expect("it was written");
    // A filter that keeps all or nothing of the frames would hardly be tested.
    println!("{} expressions, {both} of which keep some of {} frames and drop others", EXPRESSIONS.len(), frames.len());
    assert!(both >= EXPRESSIONS.len() - 12, "{both} of {}", EXPRESSIONS.len());
}

#[test]
fn programs_that_do_not_run_have_tcpdump_s_text_and_loops_are_refused() {
    for expression in TEXT_ONLY {
        for optimised in [true, false] {
            let program = compiled(expression, optimised);
            let checked = classic::check(&program, Target::Socket);
            let refused = matches!(checked, Err(Refusal::Jump { name: "ja", .. }));
            assert_eq!(refused, expression.contains("protochain"), "{expression}: {checked:?}");
        }
    }
}

/// Every code with every corner, printed by libpcap's own function.
#[test]
fn each_code_has_libpcap_s_text() {
    // SAFETY: a library that is loaded and stays loaded; its constructors do nothing to this process.
    let library = unsafe { libc::dlopen(c"libpcap.so.0.8".as_ptr(), libc::RTLD_NOW) };
    assert!(!library.is_null(), "libpcap is needed");
    // SAFETY: the handle is that of a loaded library.
    let image = unsafe { libc::dlsym(library, c"bpf_image".as_ptr()) };
    assert!(!image.is_null(), "libpcap has `bpf_image`");
    type Image = unsafe extern "C" fn(*const [u8; 8], libc::c_int) -> *const libc::c_char;
    // SAFETY: libpcap declares it so: an instruction of eight bytes and its number, a string that lasts to the next call.
    let image = unsafe { std::mem::transmute::<*mut libc::c_void, Image>(image) };
    let ancillary = 0xffff_f000..=0xffff_f044;
    let corners = [0, 1, 12, 15, 16, 0x7fff_ffff, 0x8000_0000, 0xffe0_0000, 0xfff0_0000, u32::MAX];
    let constants: Vec<u32> = corners.into_iter().chain(ancillary).collect();
    for code in (0..=0x1ff).chain([0x8000, 0xff05, 0xffff]) {
        for &k in &constants {
            for (jt, jf, at) in [(0, 0, 0), (1, 255, 7), (255, 9, 4095)] {
                let insn = ClassicInsn::new(code, jt, jf, k);
                let bytes = insn.to_bytes();
                // SAFETY: the instruction outlives the call, and the string is copied before the next one.
                let text = unsafe { std::ffi::CStr::from_ptr(image(&raw const bytes, at)) };
                let ours = text::line(insn, at as usize);
                // The one operation of the kernel that libpcap does not print.
                if code == 0x81 {
                    assert!(ours.ends_with("ldx      #pktlen"), "{ours}");
                } else {
                    assert_eq!(ours, text.to_str().expect("text"), "{insn:?}");
                }
            }
        }
    }
}
