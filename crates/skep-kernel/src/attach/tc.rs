//! tc filters by netlink: a clsact qdisc on the device, and in it a bpf filter whose verdict is final (direct action).
//!
//! A filter outlives its maker. Each carries a [`Cookie`]; attaching to a device first removes filters whose maker is
//! gone, and [`sweep_tc`] does so on all devices.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::tc::{TcAttribute, TcBpfFlags, TcFilterBpfOption, TcHandle, TcMessage, TcOption};
use rustix::io::Errno;
use skep_object::Direction;

use super::cookie::Cookie;
use super::netlink::{Netlink, devices};
use super::{Held, Site, device};
use crate::error::Error;

/// `TC_H_CLSACT` as a parent.
const CLSACT: u32 = 0xffff_fff1;
/// The handle of a clsact qdisc.
const CLSACT_HANDLE: u32 = 0xffff_0000;
/// Filters of packets received, in clsact.
const INGRESS: u32 = 0xffff_fff2;
/// Filters of packets sent, in clsact.
const EGRESS: u32 = 0xffff_fff3;
/// `ETH_P_ALL` as the lower half of a filter's `info` carries it.
const EVERY_PROTOCOL: u32 = 3_u16.to_be() as u32;

/// A filter of ours in the kernel; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Filter {
    /// Opened in the device's namespace, and kept for the removal.
    netlink: Netlink,
    found: Found,
    made_qdisc: bool,
}

/// A filter as the kernel lists it.
#[derive(Clone, Debug)]
struct Found {
    ifindex: i32,
    parent: u32,
    handle: u32,
    info: u32,
    cookie: Cookie,
}

/// Adds a filter to a device, and the qdisc where there is none.
pub(super) fn attach(site: &Site<'_>, device: &str, direction: Direction) -> Result<Held, Error> {
    let ifindex = i32::try_from(device::index(device)?).map_err(|_| site.failed("RTM_NEWTFILTER", Errno::NODEV))?;
    let mut netlink = Netlink::open().map_err(|e| site.failed("socket(NETLINK_ROUTE)", e))?;
    sweep_device(&mut netlink, ifindex).map_err(|e| site.failed("RTM_GETTFILTER", e))?;
    let made_qdisc = match netlink.change(Message::NewQueueDiscipline(qdisc(ifindex)), NLM_F_CREATE | NLM_F_EXCL) {
        Ok(()) => true,
        Err(Errno::EXIST) => made_by_ours(&mut netlink, ifindex).map_err(|e| site.failed("RTM_GETTFILTER", e))?,
        Err(e) => return Err(site.failed("RTM_NEWQDISC", e)),
    };
    let added = add(site, &mut netlink, ifindex, direction, made_qdisc);
    match added {
        Ok(found) => Ok(Held::Filter(Filter { netlink, found, made_qdisc })),
        Err((call, errno)) => {
            if made_qdisc {
                remove_empty_qdisc(&mut netlink, ifindex);
            }
            Err(site.failed(call, errno))
        }
    }
}

/// True when the device's qdisc was made for a filter of ours that still stands: whoever goes last takes it along.
fn made_by_ours(netlink: &mut Netlink, ifindex: i32) -> Result<bool, Errno> {
    let mut all = ours(netlink, ifindex, INGRESS)?;
    all.extend(ours(netlink, ifindex, EGRESS)?);
    Ok(all.iter().any(|filter| filter.cookie.made_qdisc))
}

fn add(
    site: &Site<'_>,
    netlink: &mut Netlink,
    ifindex: i32,
    direction: Direction,
    made_qdisc: bool,
) -> Result<Found, (&'static str, Errno)> {
    let parent = match direction {
        Direction::Ingress => INGRESS,
        Direction::Egress => EGRESS,
    };
    let name = site.program.name();
    let cookie = Cookie::of_this_process(name, made_qdisc).ok_or(("reading /proc/self", Errno::NOENT))?;
    let message = filter(ifindex, parent, site.program.as_fd(), cookie.to_string());
    netlink.change(Message::NewTrafficFilter(message), NLM_F_CREATE | NLM_F_EXCL).map_err(|e| ("RTM_NEWTFILTER", e))?;
    // The kernel chose priority and handle; the cookie tells which filter is ours.
    let all = ours(netlink, ifindex, parent).map_err(|e| ("RTM_GETTFILTER", e))?;
    all.into_iter().find(|f| f.cookie == cookie).ok_or(("RTM_GETTFILTER", Errno::NOENT))
}

/// The request for a filter.
fn filter(ifindex: i32, parent: u32, program: BorrowedFd<'_>, name: String) -> TcMessage {
    let mut message = TcMessage::with_index(ifindex);
    message.header.parent = TcHandle::from(parent);
    // Priority 0 lets the kernel choose one that no other filter has.
    message.header.info = EVERY_PROTOCOL;
    message.attributes = vec![
        TcAttribute::Kind("bpf".to_owned()),
        TcAttribute::Options(vec![
            TcOption::Bpf(TcFilterBpfOption::ProgFd(program.as_raw_fd().cast_unsigned())),
            TcOption::Bpf(TcFilterBpfOption::ProgName(name)),
            TcOption::Bpf(TcFilterBpfOption::Flags(TcBpfFlags::DirectAction)),
        ]),
    ];
    message
}

/// Tries a filter on a device of a namespace that is about to end, and the filter with it.
pub(crate) fn try_clsact(program: BorrowedFd<'_>, ifindex: u32) -> Result<(), Errno> {
    let ifindex = i32::try_from(ifindex).map_err(|_| Errno::NODEV)?;
    let mut netlink = Netlink::open()?;
    netlink.change(Message::NewQueueDiscipline(qdisc(ifindex)), NLM_F_CREATE | NLM_F_EXCL)?;
    let message = filter(ifindex, INGRESS, program, "skep trial".to_owned());
    netlink.change(Message::NewTrafficFilter(message), NLM_F_CREATE | NLM_F_EXCL)
}

impl Drop for Filter {
    fn drop(&mut self) {
        // The device may be gone, and the filter with it: then there is nothing left to do.
        let _ = remove(&mut self.netlink, &self.found);
        if self.made_qdisc {
            remove_empty_qdisc(&mut self.netlink, self.found.ifindex);
        }
    }
}

/// Removes the tc filters of skep processes that are gone, on all devices of this network namespace. Returns how many.
///
/// # Errors
/// [`Error::NoPrivilege`] or [`Error::Call`].
pub fn sweep_tc() -> Result<usize, Error> {
    let failed = |call| move |e| Error::call(call, "tc filters", e);
    let mut netlink = Netlink::open().map_err(failed("socket(NETLINK_ROUTE)"))?;
    let mut removed = 0;
    for device in devices().map_err(failed("RTM_GETLINK"))? {
        if let Ok(ifindex) = i32::try_from(device.index) {
            removed += sweep_device(&mut netlink, ifindex).map_err(failed("RTM_DELTFILTER"))?;
        }
    }
    Ok(removed)
}

fn sweep_device(netlink: &mut Netlink, ifindex: i32) -> Result<usize, Errno> {
    let mut removed = 0;
    let mut made_qdisc = false;
    for parent in [INGRESS, EGRESS] {
        for orphan in ours(netlink, ifindex, parent)?.into_iter().filter(|f| f.cookie.is_orphan()) {
            match remove(netlink, &orphan) {
                Ok(()) => removed += 1,
                // Somebody else was faster.
                Err(Errno::NOENT) => {}
                Err(e) => return Err(e),
            }
            made_qdisc |= orphan.cookie.made_qdisc;
        }
    }
    if made_qdisc {
        remove_empty_qdisc(netlink, ifindex);
    }
    Ok(removed)
}

/// Filters under a parent that carry a cookie.
fn ours(netlink: &mut Netlink, ifindex: i32, parent: u32) -> Result<Vec<Found>, Errno> {
    Ok(filters(netlink, ifindex, parent)?.iter().filter_map(found).collect())
}

/// All filters under a parent.
fn filters(netlink: &mut Netlink, ifindex: i32, parent: u32) -> Result<Vec<TcMessage>, Errno> {
    let mut message = TcMessage::with_index(ifindex);
    message.header.parent = TcHandle::from(parent);
    let answers = netlink.dump(Message::GetTrafficFilter(message))?;
    let filter = |answer| match answer {
        Message::NewTrafficFilter(message) => Some(message),
        _ => None,
    };
    Ok(answers.into_iter().filter_map(filter).collect())
}

fn found(message: &TcMessage) -> Option<Found> {
    let options = message.attributes.iter().filter_map(|a| match a {
        TcAttribute::Options(options) => Some(options),
        _ => None,
    });
    let cookie = options.flatten().find_map(|option| match option {
        TcOption::Bpf(TcFilterBpfOption::ProgName(name)) => Cookie::parse(name),
        _ => None,
    })?;
    let header = &message.header;
    let (parent, handle) = (header.parent.into(), header.handle.into());
    Some(Found { ifindex: header.index, parent, handle, info: header.info, cookie })
}

fn remove(netlink: &mut Netlink, filter: &Found) -> Result<(), Errno> {
    let mut message = TcMessage::with_index(filter.ifindex);
    message.header.parent = TcHandle::from(filter.parent);
    message.header.handle = TcHandle::from(filter.handle);
    message.header.info = filter.info;
    message.attributes = vec![TcAttribute::Kind("bpf".to_owned())];
    netlink.change(Message::DelTrafficFilter(message), 0)
}

/// Removes a clsact qdisc without filters; one in use, or none, is left as it is.
fn remove_empty_qdisc(netlink: &mut Netlink, ifindex: i32) {
    let used = |netlink: &mut Netlink, parent| filters(netlink, ifindex, parent).map_or(true, |f| !f.is_empty());
    if !used(netlink, INGRESS) && !used(netlink, EGRESS) {
        let _ = netlink.change(Message::DelQueueDiscipline(qdisc(ifindex)), 0);
    }
}

fn qdisc(ifindex: i32) -> TcMessage {
    let mut message = TcMessage::with_index(ifindex);
    message.header.parent = TcHandle::from(CLSACT);
    message.header.handle = TcHandle::from(CLSACT_HANDLE);
    message.attributes = vec![TcAttribute::Kind("clsact".to_owned())];
    message
}
