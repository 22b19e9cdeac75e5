//! Any pcapng file: frames that lie in it, then the end or one error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep_net::pcap::{Format, Reader, Writer};

const MAGIC: [[u8; 4]; 1] = [[0x0a, 0x0d, 0x0d, 0x0a]];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let magic = MAGIC[usize::from(*choice) % MAGIC.len()];
    let file = [&magic, rest].concat();
    let Ok(reader) = Reader::new(&file) else { return };
    let mut writer = Writer::new(Vec::new(), Format::PcapNg).expect("memory takes all");
    let mut frames = Vec::new();
    for frame in reader {
        match frame {
            Ok(frame) => {
                writer.write(&frame).expect("memory takes all");
                frames.push(frame);
            }
            Err(error) => assert!(!error.diagnostic("fuzz").to_string().is_empty()),
        }
    }
    assert!(frames.len() <= file.len() / 12);
    // What was read can be written and read again.
    let copy = writer.finish().expect("memory takes all");
    let again: Vec<_> = Reader::new(&copy).expect("a capture").map(|frame| frame.expect("a frame")).collect();
    assert_eq!(again.len(), frames.len());
    for (frame, again) in frames.iter().zip(&again) {
        assert_eq!(
            (frame.data, frame.original_len, frame.link_type),
            (again.data, again.original_len, again.link_type)
        );
        assert_eq!(frame.timestamp_ns.unwrap_or(0), again.timestamp_ns.unwrap_or(0));
    }
});
