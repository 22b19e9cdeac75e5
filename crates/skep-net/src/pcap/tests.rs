//! Round trips, the corners of both formats, and hostile bytes.

use proptest::prelude::*;

use super::*;

fn frame(data: &[u8], timestamp_ns: u64, link_type: LinkType) -> Frame<'_> {
    Frame { data, original_len: data.len() as u32, timestamp_ns: Some(timestamp_ns), link_type }
}

fn written(format: Format, frames: &[Frame<'_>]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), format).expect("memory takes all");
    for frame in frames {
        writer.write(frame).expect("memory takes all");
    }
    writer.finish().expect("memory takes all")
}

fn read(bytes: &[u8]) -> (Vec<Frame<'_>>, Option<Error>) {
    let mut frames = Vec::new();
    for frame in Reader::new(bytes).expect("a capture") {
        match frame {
            Ok(frame) => frames.push(frame),
            Err(error) => return (frames, Some(error)),
        }
    }
    (frames, None)
}

/// A block of big-endian pcapng.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len().next_multiple_of(4) + 12) as u32;
    let mut out = [kind.to_be_bytes(), length.to_be_bytes()].concat();
    out.extend(body);
    out.resize(length as usize - 4, 0);
    out.extend(length.to_be_bytes());
    out
}

fn big_section() -> Vec<u8> {
    block(0x0a0d_0d0a, &[0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255])
}

fn big_packet(interface: u32, time: u64, data: &[u8]) -> Vec<u8> {
    let mut body = interface.to_be_bytes().to_vec();
    body.extend(time.to_be_bytes());
    body.extend((data.len() as u32).to_be_bytes());
    body.extend(1500u32.to_be_bytes());
    body.extend(data);
    block(6, &body)
}

#[test]
fn pcap_is_read_in_both_orders_and_both_resolutions() {
    let expected = 7_000_000_005_u64;
    for (magic, unit) in [(0xa1b2_c3d4_u32, 1000), (0xa1b2_3c4d, 1)] {
        let fields = [magic, 0x0002_0004, 0, 0, 64, 101, 7, 5, 3, 1500];
        let big: Vec<u8> = fields.iter().flat_map(|field| field.to_be_bytes()).chain([1, 2, 3]).collect();
        let little: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).chain([1, 2, 3]).collect();
        for file in [big, little] {
            let (frames, error) = read(&file);
            assert!(error.is_none());
            let timestamp_ns = Some(7_000_000_000 + 5 * unit);
            // Longer on the wire than the snapshot length: in order.
            assert_eq!(
                frames,
                [Frame { data: &[1, 2, 3], original_len: 1500, timestamp_ns, link_type: LinkType::RAW }]
            );
            assert!(unit != 1 || timestamp_ns == Some(expected));
        }
    }
}

#[test]
fn pcapng_sections_begin_anew_in_their_own_byte_order() {
    let first = frame(&[1; 61], 5, LinkType::ETHERNET);
    let mut file = written(Format::PcapNg, &[first]);
    file.extend(big_section());
    file.extend(block(1, &[0, 101, 0, 0, 0, 0, 0, 0]));
    file.extend(big_packet(0, 3, &[9; 5]));
    let (frames, error) = read(&file);
    assert!(error.is_none(), "{error:?}");
    let second = Frame { data: &[9; 5], original_len: 1500, timestamp_ns: Some(3000), link_type: LinkType::RAW };
    assert_eq!(frames, [first, second]);
}

#[test]
fn pcapng_times_follow_the_resolution_and_offset_of_their_interface() {
    // (options, time in the file, nanoseconds)
    let cases: &[(&[u8], u64, Option<u64>)] = &[
        (&[], 1, Some(1000)),
        (&[0, 9, 0, 1, 3, 0, 0, 0], 2, Some(2_000_000)),
        (&[0, 9, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0], 2, Some(2)),
        (&[0, 9, 0, 1, 12, 0, 0, 0], 2500, Some(2)),
        (&[0, 9, 0, 1, 0x8a, 0, 0, 0], 512, Some(500_000_000)),
        (&[0, 9, 0, 1, 0xff, 0, 0, 0], u64::MAX, Some(0)),
        (&[0, 9, 0, 1, 0x7f, 0, 0, 0], u64::MAX, Some(0)),
        (&[0, 9, 0, 1, 0, 0, 0, 0], u64::MAX, None),
        (&[0, 14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 2], 1, Some(2_000_001_000)),
        // A time zone, a comment that is not UTF-8, no end mark.
        (&[0, 10, 0, 4, 0, 0, 0, 1, 0, 1, 0, 2, 0xff, 0xfe, 0, 0], 1, Some(1000)),
    ];
    for (options, time, expected) in cases {
        let mut file = big_section();
        file.extend(block(1, &[&[0, 1, 0, 0, 0, 0, 0, 0], *options].concat()));
        file.extend(big_packet(0, *time, &[1]));
        let (frames, error) = read(&file);
        assert!(error.is_none(), "{error:?}");
        assert_eq!(frames.first().map(|frame| frame.timestamp_ns), Some(*expected), "{options:?}");
    }
}

#[test]
fn simple_packets_have_no_time_and_no_padding() {
    let mut file = big_section();
    file.extend(block(1, &[0, 1, 0, 0, 0, 0, 0, 3]));
    file.extend(block(3, &[0, 0, 0, 2, 7, 8]));
    file.extend(block(3, &[0, 0, 0, 9, 7, 8, 9]));
    let (frames, error) = read(&file);
    assert!(error.is_none(), "{error:?}");
    let data: Vec<_> = frames.iter().map(|frame| (frame.data, frame.original_len, frame.timestamp_ns)).collect();
    assert_eq!(data, [(&[7, 8][..], 2, None), (&[7, 8, 9][..], 9, None)]);
}

#[test]
fn a_cut_file_gives_the_frames_before_the_cut_and_says_where_it_is() {
    for (format, second) in [(Format::Pcap, 24 + 16 + 60), (Format::PcapNg, 28 + 32 + 92)] {
        let mut file = written(format, &[frame(&[1; 60], 1, LinkType::ETHERNET); 2]);
        file.truncate(file.len() - 5);
        let (frames, error) = read(&file);
        assert_eq!(frames.len(), 1);
        let Some(error @ Error::Cut { packet: 2, offset, .. }) = error else { panic!("{error:?}") };
        assert_eq!(offset, second);
        assert!(
            error.diagnostic("x.pcap").to_string().starts_with("error[P0002]: `x.pcap`: the capture ends in the mid")
        );
    }
}

#[test]
fn a_packet_of_an_unknown_interface_is_an_error_not_a_guess() {
    let mut file = big_section();
    file.extend(big_packet(0, 1, &[1]));
    assert!(matches!(read(&file).1, Some(Error::Damaged { packet: 1, offset: 28, .. })));
}

#[test]
fn other_files_are_refused_with_advice() {
    let advice = |bytes: &[u8]| Reader::new(bytes).expect_err("no capture").diagnostic("x").to_string();
    assert!(advice(b"").contains("error[P0001]"));
    assert!(advice(b"\x1f\x8b\x08\0").contains("gzip"));
    assert!(advice(b"hello, world").contains("pcapng"));
    assert!(advice(&[0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0]).contains("error[P0002]"));
    assert!(advice(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0]).contains("error[P0002]"));
}

#[test]
fn pcap_holds_one_link_type_and_pcapng_many() {
    let frames =
        [frame(&[1], 1, LinkType::ETHERNET), frame(&[2], 2, LinkType::RAW), frame(&[3], 3, LinkType::ETHERNET)];
    assert_eq!(read(&written(Format::PcapNg, &frames)).0, frames);
    let mut writer = Writer::new(Vec::new(), Format::Pcap).expect("memory takes all");
    writer.write(&frames[0]).expect("memory takes all");
    assert!(matches!(writer.write(&frames[1]), Err(Error::Unfit { packet: 2, .. })));
}

#[test]
fn names_choose_the_format() {
    assert_eq!(Format::of_name("a/b.PCAP"), Format::Pcap);
    assert_eq!(Format::of_name("b.pcapng"), Format::PcapNg);
    assert_eq!(Format::of_name("b"), Format::PcapNg);
    assert_eq!(LinkType(113).to_string(), "linux_sll");
    assert_eq!(LinkType(9999).to_string(), "link type 9999");
}

/// Reads to the end; more frames than the file could hold would be a loop.
fn read_hostile(bytes: &[u8]) {
    if let Ok(reader) = Reader::new(bytes) {
        let frames = reader.filter(Result::is_ok).count();
        assert!(frames <= bytes.len() / 12);
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        frames in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..200), any::<u32>(), 0..u64::from(u32::MAX) * 1_000_000_000),
            0..20,
        ),
    ) {
        let frames: Vec<Frame<'_>> = frames.iter().map(|(data, original_len, ns)| Frame {
            data, original_len: *original_len, timestamp_ns: Some(*ns), link_type: LinkType::LINUX_SLL,
        }).collect();
        for format in [Format::Pcap, Format::PcapNg] {
            let file = written(format, &frames);
            let (back, error) = read(&file);
            prop_assert!(error.is_none());
            prop_assert_eq!(&back, &frames);
        }
    }

    #[test]
    fn damaged_captures_end_without_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        format in prop::sample::select(vec![Format::Pcap, Format::PcapNg]),
    ) {
        let frames = [frame(&[1; 61], 1, LinkType::ETHERNET), frame(&[2; 14], 2, LinkType::ETHERNET)];
        let mut file = written(format, &frames);
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        file.truncate(cut.index(file.len() + 1));
        read_hostile(&file);
    }

    #[test]
    fn any_bytes_after_a_magic_end_without_panic(
        magic in prop::sample::select(vec![
            vec![0xa1, 0xb2, 0xc3, 0xd4], vec![0x4d, 0x3c, 0xb2, 0xa1],
            vec![0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d],
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        read_hostile(&[magic, bytes].concat());
    }
}
