//! Inputs that are made, because a few lines say better than a binary file what is wrong with them.

use std::path::Path;

/// Makes all of them in a folder.
pub(crate) fn make(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("an input");
    let read = |name: &str| std::fs::read(folder.join(name)).expect("a committed input");

    let object = read("examples/protocols/protocols.bpf.o");
    write("cut.bpf.o", &object[..object.len() / 2]);
    write("start.bpf.o", &object[..10]);
    write("empty.bpf.o", b"");
    write("text.bpf.o", b"SEC(\"xdp\") int pass(void) { return 2; }\n");
    write("x86.o", &machine(&object, 62));
    write("executable.bpf.o", &elf_type(&object, 2));
    write("no_btf.bpf.o", &renamed(&object, b".BTF", b".XXX"));
    write("misspelled.bpf.o", &renamed(&object, b"xdp\0", b"xpd\0"));
    write("bad_btf.bpf.o", &without_btf_magic(&object));

    let capture = read("examples/capture.pcap");
    write("cut.pcap", &capture[..capture.len() / 100]);
    write("wifi.pcap", &link_type(&capture, 105));
    write("any.pcap", &link_type(&capture, 113));
    write("empty.pcap", b"");
    write("no_packets.pcap", &capture[..24]);
    write("packed.pcap.gz", b"\x1f\x8b\x08\0 not really");
    write("damaged.pcap", &with_packet_length(&capture, 0xffff_fff0));
    write("lengths.pcap", &frames(&[10, 14, 33, 34, 60, 4000]));
}

/// The object with another ELF machine.
fn machine(object: &[u8], machine: u16) -> Vec<u8> {
    patched(object, 18, &machine.to_le_bytes())
}

/// The object with another ELF type.
fn elf_type(object: &[u8], elf_type: u16) -> Vec<u8> {
    patched(object, 16, &elf_type.to_le_bytes())
}

/// The object with another name wherever this one stands.
fn renamed(object: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = object.to_vec();
    let places: Vec<usize> =
        object.windows(from.len()).enumerate().filter(|(_, w)| *w == from).map(|(i, _)| i).collect();
    assert!(!places.is_empty(), "{} does not stand in the object", String::from_utf8_lossy(from));
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

/// The object whose types do not begin as types do: both sections, `.BTF` and `.BTF.ext`, begin with `eb9f`, version 1.
fn without_btf_magic(object: &[u8]) -> Vec<u8> {
    renamed(object, &[0x9f, 0xeb, 1, 0], &[0, 0, 1, 0])
}

/// The capture with another link type.
fn link_type(capture: &[u8], number: u32) -> Vec<u8> {
    patched(capture, 20, &number.to_le_bytes())
}

/// The capture whose first packet claims this length.
fn with_packet_length(capture: &[u8], len: u32) -> Vec<u8> {
    patched(capture, 24 + 8, &len.to_le_bytes())
}

fn patched(bytes: &[u8], at: usize, patch: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + patch.len()].copy_from_slice(patch);
    bytes
}

/// A capture of IPv4 frames of these lengths, all zeros behind the Ethernet header and the version.
fn frames(lengths: &[u32]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x0004_0000, 1_u32] {
        file.extend(word.to_le_bytes());
    }
    for len in lengths {
        for word in [1, 0, *len, *len] {
            file.extend(word.to_le_bytes());
        }
        let mut frame = vec![0; *len as usize];
        if let Some(type_and_version) = frame.get_mut(12..15) {
            type_and_version.copy_from_slice(&[8, 0, 0x45]);
        }
        file.extend(frame);
    }
    file
}
