//! Packet sockets, as far as rustix does not have them.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;

use super::bpf::last_errno;

/// `ETH_P_ALL`: frames of every protocol.
const EVERY_PROTOCOL: u16 = 3;

/// A raw packet socket that receives nothing until it is bound.
pub(crate) fn packet_socket() -> Result<OwnedFd, Errno> {
    // SAFETY: socket(2) takes three numbers.
    let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(last_errno());
    }
    // SAFETY: the kernel just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes a program the socket's filter: `SO_ATTACH_BPF`.
pub(crate) fn attach_filter(socket: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Result<(), Errno> {
    set(socket, libc::SO_ATTACH_BPF, program.as_raw_fd())
}

/// Makes a program the one that picks a socket of this one's group: `SO_ATTACH_REUSEPORT_EBPF`.
pub(crate) fn attach_reuseport(socket: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Result<(), Errno> {
    set(socket, libc::SO_REUSEPORT, 1)?;
    set(socket, libc::SO_ATTACH_REUSEPORT_EBPF, program.as_raw_fd())
}

fn set(socket: BorrowedFd<'_>, option: libc::c_int, number: i32) -> Result<(), Errno> {
    let at = (&raw const number).cast();
    // SAFETY: the option's value is one int, which outlives the call.
    let out = unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, at, 4) };
    if out < 0 { Err(last_errno()) } else { Ok(()) }
}

/// Binds a packet socket to every protocol of one device.
pub(crate) fn bind_device(socket: BorrowedFd<'_>, ifindex: u32) -> Result<(), Errno> {
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET.cast_unsigned() as u16,
        sll_protocol: EVERY_PROTOCOL.to_be(),
        sll_ifindex: i32::try_from(ifindex).map_err(|_| Errno::NODEV)?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let size = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: `address` is a whole sockaddr_ll of that size and outlives the call.
    let out = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size) };
    if out < 0 { Err(last_errno()) } else { Ok(()) }
}
