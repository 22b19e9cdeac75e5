//! Hooks of network devices that need no netlink: XDP, tcx, packet sockets. Devices by name, in the network namespace
//! of the calling thread.

use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice, socket_with};
use skep_isa::spec::{self, AttachType, HookKind};
use skep_object::Direction;

use super::{Held, LINK_CREATE, Site, netlink, tc};
use crate::error::{Error, words};
use crate::feature::kernel_version;
use crate::sys;

/// `XDP_FLAGS_SKB_MODE`: after the kernel has made a socket buffer.
const XDP_GENERIC: u32 = 1 << 1;
/// `XDP_FLAGS_DRV_MODE`: in the device's driver.
const XDP_NATIVE: u32 = 1 << 2;

/// Bytes asked for as a socket's receive buffer; the kernel makes it its smallest.
const SMALLEST_BUFFER: usize = 1;

/// The number of the device with this name.
pub(super) fn index(name: &str) -> Result<u32, Error> {
    let failed = |call, errno| Error::call(call, format!("device `{name}`"), errno);
    let any = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
        .map_err(|e| failed("socket", e))?;
    match netdevice::name_to_index(&any, name) {
        Ok(index) => Ok(index),
        Err(Errno::NODEV | Errno::NXIO | Errno::NAMETOOLONG | Errno::INVAL) => {
            let known: Vec<String> = netlink::devices().unwrap_or_default().into_iter().map(|d| d.name).collect();
            let near = spec::nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
            Err(Error::NoDevice { name: name.to_owned(), near, known })
        }
        Err(e) => Err(failed("SIOCGIFINDEX", e)),
    }
}

/// True while a device has this number; also where that cannot be asked.
pub(super) fn exists(index: u32) -> bool {
    let any = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
    !any.is_ok_and(|any| matches!(netdevice::index_to_name(&any, index), Err(Errno::NODEV | Errno::NXIO)))
}

/// XDP in the driver, or after it where the driver has no XDP.
pub(super) fn xdp(site: &Site<'_>, device: &str) -> Result<(String, Held), Error> {
    let ifindex = index(device)?;
    match site.link(ifindex, AttachType::Xdp, XDP_NATIVE) {
        Ok(link) => Ok(("xdp native".to_owned(), Held::Descriptors(vec![link]))),
        Err(e @ (Errno::PERM | Errno::ACCESS | Errno::BUSY | Errno::EXIST)) => Err(site.failed(LINK_CREATE, e)),
        Err(native) => {
            let link = site.link(ifindex, AttachType::Xdp, XDP_GENERIC).map_err(|e| site.failed(LINK_CREATE, e))?;
            let used = match native {
                Errno::OPNOTSUPP => "xdp generic: the driver has no native XDP".to_owned(),
                other => format!("xdp generic: the driver refused native XDP, {}", words(other)),
            };
            Ok((used, Held::Descriptors(vec![link])))
        }
    }
}

/// tcx, or a tc filter on kernels without it.
pub(super) fn tcx(site: &Site<'_>, device: &str, direction: Direction) -> Result<(String, Held), Error> {
    let attach_type = match direction {
        Direction::Ingress => AttachType::TcxIngress,
        Direction::Egress => AttachType::TcxEgress,
    };
    match site.link(index(device)?, attach_type, 0) {
        Ok(link) => Ok(("tcx".to_owned(), Held::Descriptors(vec![link]))),
        // What a kernel says to an attach type it does not know.
        Err(Errno::INVAL) => {
            let filter = tc::attach(site, device, direction)?;
            let since = HookKind::Tcx.row().since;
            let why = match kernel_version() {
                Some(version) if version >= since => format!("tcx was refused ({})", Errno::INVAL),
                _ => "this kernel has no tcx".to_owned(),
            };
            Ok((format!("tc: {why}"), filter))
        }
        Err(e) => Err(site.failed(LINK_CREATE, e)),
    }
}

/// A packet socket with the program as its filter. Nothing is read from it: the filter runs for each packet anyway.
pub(super) fn socket(site: &Site<'_>, device: &str) -> Result<(String, Held), Error> {
    let ifindex = index(device)?;
    let socket = sys::packet_socket().map_err(|e| site.failed("socket", e))?;
    rustix::net::sockopt::set_socket_recv_buffer_size(&socket, SMALLEST_BUFFER)
        .map_err(|e| site.failed("SO_RCVBUF", e))?;
    sys::attach_filter(socket.as_fd(), site.program.as_fd()).map_err(|e| site.failed("SO_ATTACH_BPF", e))?;
    sys::bind_device(socket.as_fd(), ifindex).map_err(|e| site.failed("bind", e))?;
    Ok(("packet socket".to_owned(), Held::Descriptors(vec![socket])))
}
