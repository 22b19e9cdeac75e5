//! Section names: what an ELF section's name says about the program in it, as libbpf understands them (1.7, and the
//! sections that version 1.8 adds).

use super::attach_type::AttachType as A;
use super::hook::HookKind as H;
use super::prog_type::ProgType as P;
use super::{Version, v};

/// `BPF_PROG_LOAD` flag: the program may sleep.
pub const SLEEPABLE: u32 = 1 << 4;
/// `BPF_PROG_LOAD` flag: the XDP program understands frames in several buffers.
pub const XDP_FRAGS: u32 = 1 << 5;

/// Whether a name may carry more after the pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// The name is the pattern.
    Exact,
    /// The name may go on with `/` and a target, written so: `CATEGORY/NAME`.
    Detail(&'static str),
}

/// One section pattern.
#[derive(Debug)]
pub struct Section {
    /// The name, or what stands before `/`.
    pub pattern: &'static str,
    /// Whether a target may follow.
    pub form: Form,
    /// Type of the programs in it.
    pub prog_type: P,
    /// Where they are attached, when the name alone says so.
    pub attach_type: Option<A>,
    /// Flags of `BPF_PROG_LOAD`.
    pub flags: u32,
    /// Kind of the hook the name stands for.
    pub hook: Option<H>,
    /// First kernel for it, where that is not the later one of its program type and attach type.
    own: Option<Version>,
}

impl Section {
    /// The same row, from another kernel: from a later one for its flags, from an earlier one where the attach type
    /// need not be named at load.
    const fn from(mut self, since: Version) -> Section {
        self.own = Some(since);
        self
    }

    /// First kernel that takes such programs.
    pub fn since(&self) -> Version {
        let prog = self.prog_type.row().since;
        let at = |a: A| a.row().may_sleep.filter(|_| self.sleeps()).unwrap_or(a.row().since);
        self.own.unwrap_or_else(|| self.attach_type.map_or(prog, |a| at(a).max(prog)))
    }

    /// True where the programs may sleep.
    pub const fn sleeps(&self) -> bool {
        self.flags & SLEEPABLE != 0
    }
}

const fn row(
    pattern: &'static str,
    form: Form,
    prog_type: P,
    attach_type: Option<A>,
    flags: u32,
    hook: Option<H>,
) -> Section {
    Section { pattern, form, prog_type, attach_type, flags, hook, own: None }
}

/// All patterns; an exact name stands before a shorter pattern it begins with.
#[rustfmt::skip]
pub static TABLE: &[Section] = &[
    row("socket", Form::Detail("ANYTHING"), P::SocketFilter, None, 0, Some(H::Socket)),
    row("sk_reuseport/migrate", Form::Exact, P::SkReuseport, Some(A::SkReuseportSelectOrMigrate), 0, None),
    row("sk_reuseport", Form::Exact, P::SkReuseport, Some(A::SkReuseportSelect), 0, None).from(v(4, 19)),
    row("kprobe", Form::Detail("FUNCTION[+OFFSET]"), P::Kprobe, None, 0, Some(H::Kprobe)),
    row("uprobe", Form::Detail("BINARY:SYMBOL[+OFFSET]"), P::Kprobe, None, 0, Some(H::Uprobe)).from(v(4, 3)),
    row("uprobe.s", Form::Detail("BINARY:SYMBOL[+OFFSET]"), P::Kprobe, None, SLEEPABLE, Some(H::Uprobe)).from(v(6, 0)),
    row("kretprobe", Form::Detail("FUNCTION"), P::Kprobe, None, 0, Some(H::Kretprobe)),
    row("uretprobe", Form::Detail("BINARY:SYMBOL[+OFFSET]"), P::Kprobe, None, 0, Some(H::Uretprobe)).from(v(4, 3)),
    row("uretprobe.s", Form::Detail("BINARY:SYMBOL[+OFFSET]"), P::Kprobe, None, SLEEPABLE, Some(H::Uretprobe)).from(v(6, 0)),
    row("kprobe.multi", Form::Detail("PATTERN"), P::Kprobe, Some(A::TraceKprobeMulti), 0, Some(H::Kprobe)),
    row("kretprobe.multi", Form::Detail("PATTERN"), P::Kprobe, Some(A::TraceKprobeMulti), 0, Some(H::Kretprobe)),
    row("kprobe.session", Form::Detail("PATTERN"), P::Kprobe, Some(A::TraceKprobeSession), 0, Some(H::Kprobe)),
    row("uprobe.multi", Form::Detail("BINARY:PATTERN"), P::Kprobe, Some(A::TraceUprobeMulti), 0, Some(H::Uprobe)),
    row("uretprobe.multi", Form::Detail("BINARY:PATTERN"), P::Kprobe, Some(A::TraceUprobeMulti), 0, Some(H::Uretprobe)),
    row("uprobe.session", Form::Detail("BINARY:PATTERN"), P::Kprobe, Some(A::TraceUprobeSession), 0, Some(H::Uprobe)),
    row("uprobe.multi.s", Form::Detail("BINARY:PATTERN"), P::Kprobe, Some(A::TraceUprobeMulti), SLEEPABLE, Some(H::Uprobe)),
    row("uretprobe.multi.s", Form::Detail("BINARY:PATTERN"), P::Kprobe, Some(A::TraceUprobeMulti), SLEEPABLE, Some(H::Uretprobe)),
    row("uprobe.session.s", Form::Detail("BINARY:PATTERN"), P::Kprobe, Some(A::TraceUprobeSession), SLEEPABLE, Some(H::Uprobe)),
    row("ksyscall", Form::Detail("SYSCALL"), P::Kprobe, None, 0, Some(H::Kprobe)),
    row("kretsyscall", Form::Detail("SYSCALL"), P::Kprobe, None, 0, Some(H::Kretprobe)),
    row("usdt", Form::Detail("BINARY:PROVIDER:NAME"), P::Kprobe, None, 0, Some(H::Usdt)).from(v(4, 3)),
    row("usdt.s", Form::Detail("BINARY:PROVIDER:NAME"), P::Kprobe, None, SLEEPABLE, Some(H::Usdt)).from(v(6, 0)),
    row("tc/ingress", Form::Exact, P::SchedCls, Some(A::TcxIngress), 0, Some(H::Tcx)).from(v(4, 1)),
    row("tc/egress", Form::Exact, P::SchedCls, Some(A::TcxEgress), 0, Some(H::Tcx)).from(v(4, 1)),
    row("tcx/ingress", Form::Exact, P::SchedCls, Some(A::TcxIngress), 0, Some(H::Tcx)),
    row("tcx/egress", Form::Exact, P::SchedCls, Some(A::TcxEgress), 0, Some(H::Tcx)),
    row("tc", Form::Exact, P::SchedCls, None, 0, Some(H::Tcx)),
    row("classifier", Form::Exact, P::SchedCls, None, 0, Some(H::Tcx)),
    row("action", Form::Exact, P::SchedAct, None, 0, None),
    row("netkit/primary", Form::Exact, P::SchedCls, Some(A::NetkitPrimary), 0, Some(H::Netkit)),
    row("netkit/peer", Form::Exact, P::SchedCls, Some(A::NetkitPeer), 0, Some(H::Netkit)),
    row("tracepoint", Form::Detail("CATEGORY/NAME"), P::Tracepoint, None, 0, Some(H::Tracepoint)),
    row("tp", Form::Detail("CATEGORY/NAME"), P::Tracepoint, None, 0, Some(H::Tracepoint)),
    row("tracepoint.s", Form::Detail("CATEGORY/NAME"), P::Tracepoint, None, SLEEPABLE, Some(H::Tracepoint)).from(v(7, 2)),
    row("tp.s", Form::Detail("CATEGORY/NAME"), P::Tracepoint, None, SLEEPABLE, Some(H::Tracepoint)).from(v(7, 2)),
    row("raw_tracepoint", Form::Detail("NAME"), P::RawTracepoint, None, 0, Some(H::RawTracepoint)),
    row("raw_tp", Form::Detail("NAME"), P::RawTracepoint, None, 0, Some(H::RawTracepoint)),
    row("raw_tracepoint.s", Form::Detail("NAME"), P::RawTracepoint, None, SLEEPABLE, Some(H::RawTracepoint)).from(v(7, 2)),
    row("raw_tp.s", Form::Detail("NAME"), P::RawTracepoint, None, SLEEPABLE, Some(H::RawTracepoint)).from(v(7, 2)),
    row("raw_tracepoint.w", Form::Detail("NAME"), P::RawTracepointWritable, None, 0, Some(H::RawTracepoint)),
    row("raw_tp.w", Form::Detail("NAME"), P::RawTracepointWritable, None, 0, Some(H::RawTracepoint)),
    row("tp_btf", Form::Detail("NAME"), P::Tracing, Some(A::TraceRawTp), 0, Some(H::TpBtf)),
    row("tp_btf.s", Form::Detail("NAME"), P::Tracing, Some(A::TraceRawTp), SLEEPABLE, Some(H::TpBtf)),
    row("fentry", Form::Detail("FUNCTION"), P::Tracing, Some(A::TraceFentry), 0, Some(H::Fentry)),
    row("fmod_ret", Form::Detail("FUNCTION"), P::Tracing, Some(A::ModifyReturn), 0, Some(H::Fentry)),
    row("fexit", Form::Detail("FUNCTION"), P::Tracing, Some(A::TraceFexit), 0, Some(H::Fexit)),
    row("fentry.s", Form::Detail("FUNCTION"), P::Tracing, Some(A::TraceFentry), SLEEPABLE, Some(H::Fentry)),
    row("fmod_ret.s", Form::Detail("FUNCTION"), P::Tracing, Some(A::ModifyReturn), SLEEPABLE, Some(H::Fentry)),
    row("fexit.s", Form::Detail("FUNCTION"), P::Tracing, Some(A::TraceFexit), SLEEPABLE, Some(H::Fexit)),
    row("fsession", Form::Detail("FUNCTION"), P::Tracing, Some(A::TraceFsession), 0, Some(H::Fentry)),
    row("fsession.s", Form::Detail("FUNCTION"), P::Tracing, Some(A::TraceFsession), SLEEPABLE, Some(H::Fentry)),
    row("fsession.multi", Form::Detail("PATTERN"), P::Tracing, Some(A::TraceFsessionMulti), 0, Some(H::Fentry)),
    row("fsession.multi.s", Form::Detail("PATTERN"), P::Tracing, Some(A::TraceFsessionMulti), SLEEPABLE, Some(H::Fentry)),
    row("fentry.multi", Form::Detail("PATTERN"), P::Tracing, Some(A::TraceFentryMulti), 0, Some(H::Fentry)),
    row("fentry.multi.s", Form::Detail("PATTERN"), P::Tracing, Some(A::TraceFentryMulti), SLEEPABLE, Some(H::Fentry)),
    row("fexit.multi", Form::Detail("PATTERN"), P::Tracing, Some(A::TraceFexitMulti), 0, Some(H::Fexit)),
    row("fexit.multi.s", Form::Detail("PATTERN"), P::Tracing, Some(A::TraceFexitMulti), SLEEPABLE, Some(H::Fexit)),
    row("freplace", Form::Detail("FUNCTION"), P::Ext, None, 0, None),
    row("lsm", Form::Detail("HOOK"), P::Lsm, Some(A::LsmMac), 0, Some(H::Lsm)),
    row("lsm.s", Form::Detail("HOOK"), P::Lsm, Some(A::LsmMac), SLEEPABLE, Some(H::Lsm)),
    row("lsm_cgroup", Form::Detail("HOOK"), P::Lsm, Some(A::LsmCgroup), 0, Some(H::Lsm)),
    row("iter", Form::Detail("KIND"), P::Tracing, Some(A::TraceIter), 0, Some(H::Iter)),
    row("iter.s", Form::Detail("KIND"), P::Tracing, Some(A::TraceIter), SLEEPABLE, Some(H::Iter)),
    row("syscall", Form::Exact, P::Syscall, None, SLEEPABLE, None),
    row("xdp.frags/devmap", Form::Exact, P::Xdp, Some(A::XdpDevmap), XDP_FRAGS, None).from(v(5, 18)),
    row("xdp/devmap", Form::Exact, P::Xdp, Some(A::XdpDevmap), 0, None),
    row("xdp.frags/cpumap", Form::Exact, P::Xdp, Some(A::XdpCpumap), XDP_FRAGS, None).from(v(5, 18)),
    row("xdp/cpumap", Form::Exact, P::Xdp, Some(A::XdpCpumap), 0, None),
    row("xdp.frags", Form::Exact, P::Xdp, Some(A::Xdp), XDP_FRAGS, Some(H::Xdp)).from(v(5, 18)),
    row("xdp", Form::Exact, P::Xdp, Some(A::Xdp), 0, Some(H::Xdp)).from(v(4, 8)),
    row("perf_event", Form::Exact, P::PerfEvent, None, 0, Some(H::Profile)),
    row("lwt_in", Form::Exact, P::LwtIn, None, 0, None),
    row("lwt_out", Form::Exact, P::LwtOut, None, 0, None),
    row("lwt_xmit", Form::Exact, P::LwtXmit, None, 0, None),
    row("lwt_seg6local", Form::Exact, P::LwtSeg6local, None, 0, None),
    row("sockops", Form::Exact, P::SockOps, Some(A::CgroupSockOps), 0, None),
    row("sk_skb/stream_parser", Form::Exact, P::SkSkb, Some(A::SkSkbStreamParser), 0, None),
    row("sk_skb/stream_verdict", Form::Exact, P::SkSkb, Some(A::SkSkbStreamVerdict), 0, None),
    row("sk_skb/verdict", Form::Exact, P::SkSkb, Some(A::SkSkbVerdict), 0, None),
    row("sk_skb", Form::Exact, P::SkSkb, None, 0, None),
    row("sk_msg", Form::Exact, P::SkMsg, Some(A::SkMsgVerdict), 0, None),
    row("lirc_mode2", Form::Exact, P::LircMode2, Some(A::LircMode2), 0, None),
    row("flow_dissector", Form::Exact, P::FlowDissector, Some(A::FlowDissector), 0, None),
    row("cgroup_skb/ingress", Form::Exact, P::CgroupSkb, Some(A::CgroupInetIngress), 0, Some(H::Cgroup)),
    row("cgroup_skb/egress", Form::Exact, P::CgroupSkb, Some(A::CgroupInetEgress), 0, Some(H::Cgroup)),
    row("cgroup/skb", Form::Exact, P::CgroupSkb, None, 0, Some(H::Cgroup)),
    row("cgroup/sock_create", Form::Exact, P::CgroupSock, Some(A::CgroupInetSockCreate), 0, Some(H::Cgroup)),
    row("cgroup/sock_release", Form::Exact, P::CgroupSock, Some(A::CgroupInetSockRelease), 0, Some(H::Cgroup)),
    row("cgroup/sock", Form::Exact, P::CgroupSock, Some(A::CgroupInetSockCreate), 0, Some(H::Cgroup)),
    row("cgroup/post_bind4", Form::Exact, P::CgroupSock, Some(A::CgroupInet4PostBind), 0, Some(H::Cgroup)),
    row("cgroup/post_bind6", Form::Exact, P::CgroupSock, Some(A::CgroupInet6PostBind), 0, Some(H::Cgroup)),
    row("cgroup/bind4", Form::Exact, P::CgroupSockAddr, Some(A::CgroupInet4Bind), 0, Some(H::Cgroup)),
    row("cgroup/bind6", Form::Exact, P::CgroupSockAddr, Some(A::CgroupInet6Bind), 0, Some(H::Cgroup)),
    row("cgroup/connect4", Form::Exact, P::CgroupSockAddr, Some(A::CgroupInet4Connect), 0, Some(H::Cgroup)),
    row("cgroup/connect6", Form::Exact, P::CgroupSockAddr, Some(A::CgroupInet6Connect), 0, Some(H::Cgroup)),
    row("cgroup/connect_unix", Form::Exact, P::CgroupSockAddr, Some(A::CgroupUnixConnect), 0, Some(H::Cgroup)),
    row("cgroup/sendmsg4", Form::Exact, P::CgroupSockAddr, Some(A::CgroupUdp4Sendmsg), 0, Some(H::Cgroup)),
    row("cgroup/sendmsg6", Form::Exact, P::CgroupSockAddr, Some(A::CgroupUdp6Sendmsg), 0, Some(H::Cgroup)),
    row("cgroup/sendmsg_unix", Form::Exact, P::CgroupSockAddr, Some(A::CgroupUnixSendmsg), 0, Some(H::Cgroup)),
    row("cgroup/recvmsg4", Form::Exact, P::CgroupSockAddr, Some(A::CgroupUdp4Recvmsg), 0, Some(H::Cgroup)),
    row("cgroup/recvmsg6", Form::Exact, P::CgroupSockAddr, Some(A::CgroupUdp6Recvmsg), 0, Some(H::Cgroup)),
    row("cgroup/recvmsg_unix", Form::Exact, P::CgroupSockAddr, Some(A::CgroupUnixRecvmsg), 0, Some(H::Cgroup)),
    row("cgroup/getpeername4", Form::Exact, P::CgroupSockAddr, Some(A::CgroupInet4Getpeername), 0, Some(H::Cgroup)),
    row("cgroup/getpeername6", Form::Exact, P::CgroupSockAddr, Some(A::CgroupInet6Getpeername), 0, Some(H::Cgroup)),
    row("cgroup/getpeername_unix", Form::Exact, P::CgroupSockAddr, Some(A::CgroupUnixGetpeername), 0, Some(H::Cgroup)),
    row("cgroup/getsockname4", Form::Exact, P::CgroupSockAddr, Some(A::CgroupInet4Getsockname), 0, Some(H::Cgroup)),
    row("cgroup/getsockname6", Form::Exact, P::CgroupSockAddr, Some(A::CgroupInet6Getsockname), 0, Some(H::Cgroup)),
    row("cgroup/getsockname_unix", Form::Exact, P::CgroupSockAddr, Some(A::CgroupUnixGetsockname), 0, Some(H::Cgroup)),
    row("cgroup/sysctl", Form::Exact, P::CgroupSysctl, Some(A::CgroupSysctl), 0, Some(H::Cgroup)),
    row("cgroup/getsockopt", Form::Exact, P::CgroupSockopt, Some(A::CgroupGetsockopt), 0, Some(H::Cgroup)),
    row("cgroup/setsockopt", Form::Exact, P::CgroupSockopt, Some(A::CgroupSetsockopt), 0, Some(H::Cgroup)),
    row("cgroup/dev", Form::Exact, P::CgroupDevice, Some(A::CgroupDevice), 0, Some(H::Cgroup)),
    row("struct_ops", Form::Detail("FUNCTION"), P::StructOps, None, 0, None),
    row("struct_ops.s", Form::Detail("FUNCTION"), P::StructOps, None, SLEEPABLE, None).from(v(6, 3)),
    row("sk_lookup", Form::Exact, P::SkLookup, Some(A::SkLookup), 0, None),
    row("netfilter", Form::Exact, P::Netfilter, Some(A::Netfilter), 0, None),
];

/// The row for a section's name and what follows the pattern (`""` when nothing does).
///
/// A leading `?` (libbpf: do not load by default) is not part of the name.
///
/// ```
/// let (row, detail) = skep_isa::spec::section::find("tracepoint/sched/sched_switch").expect("known");
/// assert_eq!((row.pattern, detail), ("tracepoint", "sched/sched_switch"));
/// assert!(skep_isa::spec::section::find("xdpp").is_none());
/// ```
pub fn find(name: &str) -> Option<(&'static Section, &str)> {
    let name = name.strip_prefix('?').unwrap_or(name);
    TABLE.iter().find_map(|row| {
        let rest = name.strip_prefix(row.pattern)?;
        match (row.form, rest.strip_prefix('/')) {
            _ if rest.is_empty() => Some((row, "")),
            (Form::Detail(_), Some(detail)) => Some((row, detail)),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_own_name() {
        for row in TABLE {
            let (found, detail) = find(row.pattern).expect(row.pattern);
            assert_eq!((found.pattern, detail), (row.pattern, ""));
        }
    }

    #[test]
    fn a_leading_question_mark_is_not_part_of_the_name() {
        assert_eq!(find("?xdp").expect("known").0.prog_type, P::Xdp);
    }
}
