//! Kinds of hooks: how they are spelled, what they take, which programs run there.

use super::prog_type::ProgType as P;
use super::{Version, v};

/// A kind of place where programs run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum HookKind {
    /// `tracepoint:CATEGORY:NAME`: a kernel tracepoint.
    Tracepoint,
    /// `rawtracepoint:NAME`: a kernel tracepoint without its record made up.
    RawTracepoint,
    /// `tp_btf:NAME`: a kernel tracepoint with typed arguments.
    TpBtf,
    /// `kprobe:FUNCTION[+OFFSET]`: entry of a kernel function.
    Kprobe,
    /// `kretprobe:FUNCTION`: return of a kernel function.
    Kretprobe,
    /// `fentry:FUNCTION`: entry of a kernel function, by trampoline.
    Fentry,
    /// `fexit:FUNCTION`: return of a kernel function, by trampoline.
    Fexit,
    /// `lsm:HOOK`: a security decision of the kernel.
    Lsm,
    /// `iter:KIND`: a walk over the kernel's own lists.
    Iter,
    /// `uprobe:BINARY:SYMBOL`: entry of a function of a user program.
    Uprobe,
    /// `uretprobe:BINARY:SYMBOL`: return of a function of a user program.
    Uretprobe,
    /// `usdt:BINARY:PROVIDER:NAME`: a static probe of a user program.
    Usdt,
    /// `profile:hz:RATE`: every CPU, at a rate.
    Profile,
    /// `xdp:DEVICE`: each frame a device receives, before the kernel makes a packet of it.
    Xdp,
    /// `tc:DEVICE:ingress or tc:DEVICE:egress`: each packet of a device, as a clsact filter (netlink).
    Tc,
    /// `tcx:DEVICE:ingress or tcx:DEVICE:egress`: each packet of a device, by link.
    Tcx,
    /// `netkit:DEVICE:primary`: each packet of a netkit device.
    Netkit,
    /// `socket:DEVICE`: a copy of each packet of a device.
    Socket,
    /// `cgroup:PATH:HOOK`: the sockets of a group of processes.
    Cgroup,
    /// `pcap:FILE`: the frames of a capture file.
    Pcap,
}

/// One row of [`TABLE`].
#[derive(Debug)]
pub struct Row {
    /// The kind.
    pub kind: HookKind,
    /// The word before the first `:`; ours first, then bpftrace's, the kernel's and libbpf's.
    pub spellings: &'static [&'static str],
    /// The whole form, for help and diagnostics.
    pub form: &'static str,
    /// What the hook is, in a few words.
    pub what: &'static str,
    /// Types of the programs that run there.
    pub prog_types: &'static [P],
    /// First kernel that has it.
    pub since: Version,
}

/// All kinds, in the order of [`HookKind`].
pub static TABLE: &[Row] = &[
    Row {
        kind: HookKind::Tracepoint,
        spellings: &["tracepoint", "tp"],
        form: "tracepoint:CATEGORY:NAME",
        what: "a kernel tracepoint",
        prog_types: &[P::Tracepoint],
        since: v(4, 7),
    },
    Row {
        kind: HookKind::RawTracepoint,
        spellings: &["rawtracepoint", "raw_tracepoint", "raw_tp", "rt", "RawTracepoint"],
        form: "rawtracepoint:NAME",
        what: "a kernel tracepoint without its record made up",
        prog_types: &[P::RawTracepoint, P::RawTracepointWritable],
        since: v(4, 17),
    },
    Row {
        kind: HookKind::TpBtf,
        spellings: &["tp_btf"],
        form: "tp_btf:NAME",
        what: "a kernel tracepoint with typed arguments",
        prog_types: &[P::Tracing],
        since: v(5, 5),
    },
    Row {
        kind: HookKind::Kprobe,
        spellings: &["kprobe", "k"],
        form: "kprobe:FUNCTION[+OFFSET]",
        what: "entry of a kernel function",
        prog_types: &[P::Kprobe],
        since: v(4, 1),
    },
    Row {
        kind: HookKind::Kretprobe,
        spellings: &["kretprobe", "kr"],
        form: "kretprobe:FUNCTION",
        what: "return of a kernel function",
        prog_types: &[P::Kprobe],
        since: v(4, 1),
    },
    Row {
        kind: HookKind::Fentry,
        spellings: &["fentry", "f", "kfunc"],
        form: "fentry:FUNCTION",
        what: "entry of a kernel function, by trampoline",
        prog_types: &[P::Tracing],
        since: v(5, 5),
    },
    Row {
        kind: HookKind::Fexit,
        spellings: &["fexit", "fr", "kretfunc"],
        form: "fexit:FUNCTION",
        what: "return of a kernel function, by trampoline",
        prog_types: &[P::Tracing],
        since: v(5, 5),
    },
    Row {
        kind: HookKind::Lsm,
        spellings: &["lsm"],
        form: "lsm:HOOK",
        what: "a security decision of the kernel",
        prog_types: &[P::Lsm],
        since: v(5, 7),
    },
    Row {
        kind: HookKind::Iter,
        spellings: &["iter", "it"],
        form: "iter:KIND",
        what: "a walk over the kernel's own lists",
        prog_types: &[P::Tracing],
        since: v(5, 8),
    },
    Row {
        kind: HookKind::Uprobe,
        spellings: &["uprobe", "u"],
        form: "uprobe:BINARY:SYMBOL",
        what: "entry of a function of a user program",
        prog_types: &[P::Kprobe],
        since: v(4, 3),
    },
    Row {
        kind: HookKind::Uretprobe,
        spellings: &["uretprobe", "ur"],
        form: "uretprobe:BINARY:SYMBOL",
        what: "return of a function of a user program",
        prog_types: &[P::Kprobe],
        since: v(4, 3),
    },
    Row {
        kind: HookKind::Usdt,
        spellings: &["usdt", "U"],
        form: "usdt:BINARY:PROVIDER:NAME",
        what: "a static probe of a user program",
        prog_types: &[P::Kprobe],
        since: v(4, 3),
    },
    Row {
        kind: HookKind::Profile,
        spellings: &["profile", "p", "perf_event"],
        form: "profile:hz:RATE",
        what: "every CPU, at a rate",
        prog_types: &[P::PerfEvent],
        since: v(4, 9),
    },
    Row {
        kind: HookKind::Xdp,
        spellings: &["xdp"],
        form: "xdp:DEVICE",
        what: "each frame a device receives, before the kernel makes a packet of it",
        prog_types: &[P::Xdp],
        since: v(4, 8),
    },
    Row {
        kind: HookKind::Tc,
        spellings: &["tc", "clsact"],
        form: "tc:DEVICE:ingress or tc:DEVICE:egress",
        what: "each packet of a device, as a clsact filter (netlink)",
        prog_types: &[P::SchedCls],
        since: v(4, 5),
    },
    Row {
        kind: HookKind::Tcx,
        spellings: &["tcx"],
        form: "tcx:DEVICE:ingress or tcx:DEVICE:egress",
        what: "each packet of a device, by link",
        prog_types: &[P::SchedCls],
        since: v(6, 6),
    },
    Row {
        kind: HookKind::Netkit,
        spellings: &["netkit"],
        form: "netkit:DEVICE:primary",
        what: "each packet of a netkit device",
        prog_types: &[P::SchedCls],
        since: v(6, 7),
    },
    Row {
        kind: HookKind::Socket,
        spellings: &["socket", "sk_filter"],
        form: "socket:DEVICE",
        what: "a copy of each packet of a device",
        prog_types: &[P::SocketFilter],
        since: v(3, 19),
    },
    Row {
        kind: HookKind::Cgroup,
        spellings: &["cgroup"],
        form: "cgroup:PATH:HOOK",
        what: "the sockets of a group of processes",
        prog_types: &[
            P::CgroupSkb,
            P::CgroupSock,
            P::CgroupSockAddr,
            P::CgroupDevice,
            P::CgroupSysctl,
            P::CgroupSockopt,
            P::SockOps,
        ],
        since: v(4, 10),
    },
    Row {
        kind: HookKind::Pcap,
        spellings: &["pcap"],
        form: "pcap:FILE",
        what: "the frames of a capture file",
        prog_types: &[P::Xdp, P::SchedCls, P::SchedAct, P::SocketFilter],
        since: v(4, 12),
    },
];

impl HookKind {
    /// Its row.
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Our own spelling.
    pub fn name(self) -> &'static str {
        self.row().spellings.first().copied().unwrap_or_default()
    }

    /// The kind spelled so, upper and lower case alike.
    pub fn from_name(name: &str) -> Option<HookKind> {
        // One-letter spellings are told apart by case (`u` is a uprobe, `U` a usdt).
        let same = |s: &str| if name.len() == 1 { s == name } else { s.eq_ignore_ascii_case(name) };
        TABLE.iter().find(|row| row.spellings.iter().any(|s| same(s))).map(|row| row.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_names_its_own_row() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.kind as usize, at);
            for spelling in row.spellings {
                assert_eq!(HookKind::from_name(spelling), Some(row.kind), "{spelling}");
            }
        }
    }
}
