//! Packets and the files they are kept in.
//!
//! Enter at [`pcap`] for capture files. This crate knows nothing of eBPF, opens no file and no socket.
#![forbid(unsafe_code)]

pub mod pcap;
