//! The rows of helpers, in the order of their numbers.

use super::Gives;
use super::kind::ArgKind::*;
use super::{Arg, Helper, Later, Variant, arg, row};
use crate::spec::place::PlaceSet;
use crate::spec::place::common::*;
use crate::spec::{MapType, v};

const fn any(sets: &[PlaceSet]) -> PlaceSet {
    PlaceSet::any(sets)
}

/// Offered from a version on.
const fn from(major: u8, minor: u8, places: PlaceSet) -> Later {
    Later { places, by: v(major, minor), is_exact: true }
}

/// Offered by a version, and not by the one of [`super::COMPARED`] before it.
const fn by(major: u8, minor: u8, places: PlaceSet) -> Later {
    Later { places, by: v(major, minor), is_exact: false }
}

const fn at(places: PlaceSet, args: &'static [Arg]) -> Variant {
    Variant { places, args }
}

/// All helpers, from 1. The kernel adds no more: newer functions are kfuncs.
#[rustfmt::skip]
pub(super) const TABLE: &[Helper] = &[
    row(1, "map_lookup_elem", v(3, 19), "Finds the value of a key in a map.")
        .takes(&[arg("map", ConstMap), arg("key", MapKey)])
        .gives(Gives::MapValueOrNull)
        .with(&[
            MapType::Hash, MapType::Array, MapType::PercpuHash, MapType::PercpuArray, MapType::LruHash,
            MapType::LruPercpuHash, MapType::LpmTrie, MapType::ArrayOfMaps, MapType::HashOfMaps, MapType::Devmap,
            MapType::Sockmap, MapType::Xskmap, MapType::Sockhash, MapType::DevmapHash,
        ])
        .at(any(&[EVERYWHERE, LIRC]))
        .fails(&["null when the map has no such key"]),
    row(2, "map_update_elem", v(3, 19), "Sets the value of a key in a map.")
        .takes(&[arg("map", ConstMap), arg("key", MapKey), arg("value", MapValue), arg("flags", Anything)])
        .with(&[
            MapType::Hash, MapType::Array, MapType::PercpuHash, MapType::PercpuArray, MapType::LruHash,
            MapType::LruPercpuHash, MapType::LpmTrie, MapType::Sockmap, MapType::Sockhash,
        ])
        .at(any(&[EVERYWHERE, LIRC]))
        .fails(&[
            "-EEXIST when BPF_NOEXIST and the key is there", "-ENOENT when BPF_EXIST and it is not",
            "-E2BIG when the map is full", "-ENOMEM", "-EBUSY when a lock is held by this CPU",
        ]),
    row(3, "map_delete_elem", v(3, 19), "Removes a key and its value from a map.")
        .takes(&[arg("map", ConstMap), arg("key", MapKey)])
        .with(&[
            MapType::Hash, MapType::Array, MapType::PercpuHash, MapType::PercpuArray, MapType::LruHash,
            MapType::LruPercpuHash, MapType::LpmTrie, MapType::Sockmap, MapType::Sockhash,
        ])
        .at(any(&[EVERYWHERE, LIRC]))
        .fails(&[
            "-ENOENT when the map has no such key", "-EINVAL for arrays, whose entries stay",
            "-EBUSY when a lock is held by this CPU",
        ]),
    row(4, "probe_read", v(4, 1), "Reads memory at an address of the kernel or, where the two do not overlap, of the \
        user.")
        .takes(&[arg("dst", MemOut), arg("size", SizeOrZero), arg("address", Anything)])
        .gpl()
        .at(TRACE)
        .needs("CONFIG_ARCH_HAS_NON_OVERLAPPING_ADDRESS_SPACE")
        .fails(&["-EFAULT when the address cannot be read", "the buffer is then zero"]),
    row(5, "ktime_get_ns", v(4, 1), "Nanoseconds since boot, time asleep not counted.")
        .at(any(&[EVERYWHERE, LIRC])),
    row(6, "trace_printk", v(4, 1), "Writes a formatted line to the kernel's trace_pipe.")
        .takes(&[
            arg("format", MemIn), arg("format_size", Size), arg("arg1", Unchecked), arg("arg2", Unchecked),
            arg("arg3", Unchecked),
        ])
        .gpl()
        .at(any(&[EVERYWHERE, LIRC]))
        .fails(&[
            "the length", "-EINVAL for formats or arguments that it does not take",
            "-EBUSY when the buffers are in use",
        ]),
    row(7, "get_prandom_u32", v(4, 1), "A pseudo-random number of 32 bits.")
        .at(any(&[EVERYWHERE, LIRC])),
    row(8, "get_smp_processor_id", v(4, 1), "The number of the CPU that the program runs on.")
        .fastcall()
        .at(EVERYWHERE),
    row(9, "skb_store_bytes", v(4, 1), "Writes bytes into a packet, on request with its checksum and hash kept \
        right.")
        .takes(&[
            arg("ctx", Context), arg("offset", Anything), arg("from", MemIn), arg("len", Size),
            arg("flags", Anything),
        ])
        .moves_packet()
        .at(any(&[TC, LWT_XMIT, SK_SKB]))
        .fails(&[
            "-EINVAL for unknown flags",
            "-EFAULT when the offset is too large or the packet is too short or cannot be written",
        ]),
    row(10, "l3_csum_replace", v(4, 1), "Corrects the checksum of an IP header for a changed field.")
        .takes(&[
            arg("ctx", Context), arg("offset", Anything), arg("from", Anything), arg("to", Anything),
            arg("size", Anything),
        ])
        .moves_packet()
        .at(any(&[TC, LWT_XMIT]))
        .fails(&[
            "-EINVAL for unknown flags or sizes", "-EFAULT when the offset is odd, too large or beyond the packet",
        ]),
    row(11, "l4_csum_replace", v(4, 1), "Corrects the checksum of a TCP, UDP or ICMP header for a changed field.")
        .takes(&[
            arg("ctx", Context), arg("offset", Anything), arg("from", Anything), arg("to", Anything),
            arg("flags", Anything),
        ])
        .moves_packet()
        .at(any(&[TC, LWT_XMIT]))
        .fails(&[
            "-EINVAL for unknown flags or sizes", "-EFAULT when the offset is odd, too large or beyond the packet",
        ]),
    row(12, "tail_call", v(4, 2), "Goes on in another program of a program array and does not come back.")
        .takes(&[arg("ctx", Context), arg("map", ConstMap), arg("index", Anything)])
        .gives(Gives::Void)
        .with(&[MapType::ProgArray])
        .at(any(&[EVERYWHERE, LIRC]))
        .fails(&["returns only when it fails: no such index, an empty slot, or 33 calls in a row"]),
    row(13, "clone_redirect", v(4, 2), "Sends a copy of the packet to a device, out or in.")
        .takes(&[arg("ctx", Context), arg("ifindex", Anything), arg("flags", Anything)])
        .moves_packet()
        .at(any(&[TC, LWT_XMIT]))
        .fails(&[
            "-EINVAL for unknown flags or no such device", "-EBADMSG for a packet of segments of no kind",
            "-ENOMEM when there is no copy", "what sending answers",
        ]),
    row(14, "get_current_pid_tgid", v(4, 2), "Process and thread id of the running task, in the upper and the lower \
        half.")
        .at(any(&[TRACE, CGROUP_TASK, SK_MSG]))
        .later(&[from(6, 10, EVERYWHERE)])
        .fails(&["-EINVAL when there is no task"]),
    row(15, "get_current_uid_gid", v(4, 2), "Group and user id of the running task, in the upper and the lower half.")
        .at(any(&[TRACE, CGROUP_TASK, SK_MSG]))
        .later(&[from(6, 16, EVERYWHERE)])
        .fails(&["-EINVAL when there is no task"]),
    row(16, "get_current_comm", v(4, 2), "Copies the name of the running task into a buffer.")
        .takes(&[arg("buf", MemOut), arg("size", Size)])
        .at(any(&[TRACE, CGROUP_TASK]))
        .later(&[from(6, 16, EVERYWHERE)])
        .fails(&["-EINVAL when there is no task", "the buffer is then zero"]),
    row(17, "get_cgroup_classid", v(4, 3), "The net_cls class of the task or, for packets, of the socket they are \
        sent from.")
        .takes(&[arg("ctx", Context)])
        .otherwise(&[at(EVERYWHERE.but(any(&[TC, LWT])), &[])])
        .at(any(&[TC, LWT, CGROUP_TASK, SK_MSG]))
        .later(&[from(6, 16, EVERYWHERE)])
        .needs("CONFIG_CGROUP_NET_CLASSID")
        .fails(&["0 when there is none"]),
    row(18, "skb_vlan_push", v(4, 3), "Puts a VLAN tag on a packet, by 802.1Q when the protocol is no other of \
        VLANs.")
        .takes(&[arg("ctx", Context), arg("vlan_proto", Anything), arg("vlan_tci", Anything)])
        .moves_packet()
        .at(TC)
        .fails(&["-ENOMEM"]),
    row(19, "skb_vlan_pop", v(4, 3), "Takes the outermost VLAN tag off a packet.")
        .takes(&[arg("ctx", Context)])
        .moves_packet()
        .at(TC)
        .fails(&["-ENOMEM"]),
    row(20, "skb_get_tunnel_key", v(4, 3), "Reads the tunnel metadata of a packet.")
        .takes(&[arg("ctx", Context), arg("key", MemOut), arg("size", Size), arg("flags", Anything)])
        .at(any(&[TC, LWT_XMIT]))
        .fails(&[
            "-EINVAL without metadata or for unknown flags or sizes",
            "-EPROTO when the tunnel's family is not the one asked for", "the buffer is then zero",
        ]),
    row(21, "skb_set_tunnel_key", v(4, 3), "Sets the tunnel metadata that a tunnel device will send a packet with.")
        .takes(&[arg("ctx", Context), arg("key", MemIn), arg("size", Size), arg("flags", Anything)])
        .at(any(&[TC, LWT_XMIT]))
        .fails(&["-EINVAL for unknown flags, sizes or labels"]),
    row(22, "perf_event_read", v(4, 3), "Reads the counter of a perf event in a map.")
        .takes(&[arg("map", ConstMap), arg("flags", Anything)])
        .gpl()
        .with(&[MapType::PerfEventArray])
        .at(TRACE)
        .later(&[from(6, 16, EVERYWHERE)])
        .fails(&[
            "-EINVAL for unknown flags or an event that cannot be read here", "-E2BIG for an index beyond the map",
            "-ENOENT when no event stands there",
        ]),
    row(23, "redirect", v(4, 4), "Sends the packet to another device when the program returns what redirect gave.")
        .takes(&[arg("ifindex", Anything), arg("flags", Anything)])
        .at(any(&[TC, XDP, LWT_XMIT]))
        .fails(&["TC_ACT_SHOT or XDP_ABORTED for unknown flags"]),
    row(24, "get_route_realm", v(4, 4), "The routing realm of a packet's destination.")
        .takes(&[arg("ctx", Context)])
        .at(any(&[TC, LWT]))
        .fails(&["0 when there is none"]),
    row(25, "perf_event_output", v(4, 4), "Writes a record into the buffer of a perf event in a map, on request with \
        a piece of the packet.")
        .takes(&[
            arg("ctx", Context), arg("map", ConstMap), arg("flags", Anything), arg("data", MemIn),
            arg("size", SizeOrZero),
        ])
        .gpl()
        .with(&[MapType::PerfEventArray])
        .at(EVERYWHERE.but(any(&[SK_REUSEPORT, FLOW_DISSECTOR, STRUCT_OPS, NETFILTER])))
        .fails(&[
            "-EINVAL for unknown flags or an event of another kind", "-E2BIG for an index beyond the map",
            "-ENOENT when no event stands there", "-EOPNOTSUPP when the event is of another CPU",
            "-ENOSPC when the buffer is full", "-EFAULT when the packet is too short",
            "-EBUSY when calls nest too deep",
        ]),
    row(26, "skb_load_bytes", v(4, 5), "Copies bytes of a packet to memory.")
        .takes(&[arg("ctx", Context), arg("offset", Anything), arg("to", MemOut), arg("len", Size)])
        .at(any(&[SOCKET_FILTER, TC, CGROUP_SKB, LWT, SK_SKB, SK_REUSEPORT, FLOW_DISSECTOR]))
        .fails(&["-EFAULT when the packet is too short", "the buffer is then zero"]),
    row(27, "get_stackid", v(4, 6), "Puts the present call stack into a stack map and gives its number there.")
        .takes(&[arg("ctx", Context), arg("map", ConstMap), arg("flags", Anything)])
        .gpl_at(TRACE.but(PERF_EVENT))
        .with(&[MapType::StackTrace])
        .at(TRACE)
        .fails(&[
            "-EINVAL for unknown flags", "-EFAULT when there is no stack to be had",
            "-EEXIST when the slot has another stack", "-ENOMEM",
        ]),
    row(28, "csum_diff", v(4, 6), "The difference that changed bytes make to a checksum.")
        .takes(&[
            arg("from", MemInOrNull), arg("from_size", SizeOrZero), arg("to", MemInOrNull),
            arg("to_size", SizeOrZero), arg("seed", Anything),
        ])
        .at(any(&[TC, XDP, LWT]))
        .fails(&["-EINVAL when a size is no multiple of four or, up to 6.12, both are more than 512 bytes"]),
    row(29, "skb_get_tunnel_opt", v(4, 6), "Reads the options of the tunnel a packet came from.")
        .takes(&[arg("ctx", Context), arg("opt", MemOut), arg("size", Size)])
        .at(any(&[TC, LWT_XMIT]))
        .fails(&["the length", "-ENOENT without metadata or options", "-ENOMEM when the buffer is too small"]),
    row(30, "skb_set_tunnel_opt", v(4, 6), "Sets the options of the tunnel that a packet will be sent through.")
        .takes(&[arg("ctx", Context), arg("opt", MemIn), arg("size", Size)])
        .at(any(&[TC, LWT_XMIT]))
        .fails(&[
            "-EINVAL without tunnel metadata or for a size that is no multiple of four",
            "-ENOMEM when they are too long",
        ]),
    row(31, "skb_change_proto", v(4, 8), "Changes a packet from IPv4 to IPv6 or back, without writing the new \
        header.")
        .takes(&[arg("ctx", Context), arg("proto", Anything), arg("flags", Anything)])
        .moves_packet()
        .at(TC)
        .fails(&["-EINVAL for unknown flags", "-ENOTSUPP for other protocols", "-ENOMEM"]),
    row(32, "skb_change_type", v(4, 8), "Changes whether a packet counts as for this host, broadcast, multicast or \
        for another host.")
        .takes(&[arg("ctx", Context), arg("type", Anything)])
        .at(TC)
        .fails(&["-EINVAL when either type is another"]),
    row(33, "skb_under_cgroup", v(4, 8), "Whether the socket of a packet is in a cgroup of a map or below it.")
        .takes(&[arg("ctx", Context), arg("map", ConstMap), arg("index", Anything)])
        .with(&[MapType::CgroupArray])
        .at(any(&[TC, LWT]))
        .fails(&[
            "0 or 1", "-ENOENT without a full socket", "-E2BIG for an index beyond the map",
            "-EAGAIN when the slot is empty",
        ]),
    row(34, "get_hash_recalc", v(4, 8), "The hash of a packet, computed when it has none.")
        .takes(&[arg("ctx", Context)])
        .at(any(&[TC, LWT])),
    row(35, "get_current_task", v(4, 8), "The address of the running task's task_struct, as a number.")
        .gpl()
        .at(EVERYWHERE),
    row(36, "probe_write_user", v(4, 8), "Writes into the memory of the running task's process.")
        .takes(&[arg("dst", Anything), arg("src", MemIn), arg("len", Size)])
        .gpl()
        .at(TRACE)
        .needs("no lockdown of the kernel")
        .fails(&[
            "-EPERM in a kernel thread, an exiting task or an interrupt",
            "-EFAULT when the address cannot be written",
        ]),
    row(37, "current_task_under_cgroup", v(4, 9), "Whether the running task is in a cgroup of a map or below it.")
        .takes(&[arg("map", ConstMap), arg("index", Anything)])
        .with(&[MapType::CgroupArray])
        .at(TRACE)
        .later(&[by(6, 12, CGROUP_TASK), from(6, 16, EVERYWHERE)])
        .needs("CONFIG_CGROUPS")
        .fails(&["0 or 1", "-E2BIG for an index beyond the map", "-EAGAIN when the slot is empty"]),
    row(38, "skb_change_tail", v(4, 9), "Makes a packet longer or shorter at its end.")
        .takes(&[arg("ctx", Context), arg("len", Anything), arg("flags", Anything)])
        .moves_packet()
        .at(any(&[TC, LWT_XMIT, SK_SKB]))
        .fails(&["-EINVAL for unknown flags or lengths beyond what the device takes", "-ENOMEM"]),
    row(39, "skb_pull_data", v(4, 9), "Makes the first bytes of a packet directly readable and writable.")
        .takes(&[arg("ctx", Context), arg("len", Anything)])
        .moves_packet()
        .at(any(&[TC, LWT_PLAIN, SK_SKB]))
        .later(&[by(6, 18, LWT_SEG6LOCAL)])
        .fails(&["-ENOMEM, also when the packet is shorter"]),
    row(40, "csum_update", v(4, 9), "Adds a sum to the checksum of a packet that the device has computed in full.")
        .takes(&[arg("ctx", Context), arg("csum", Anything)])
        .at(any(&[TC, LWT_XMIT]))
        .fails(&["the new sum", "-ENOTSUPP when the packet has no such checksum"]),
    row(41, "set_hash_invalid", v(4, 9), "Forgets the hash of a packet, so that it is computed anew.")
        .takes(&[arg("ctx", Context)])
        .at(any(&[TC, LWT_XMIT])),
    row(42, "get_numa_node_id", v(4, 10), "The number of the NUMA node that the program runs on.")
        .at(EVERYWHERE),
    row(43, "skb_change_head", v(4, 10), "Makes room before the first byte of a packet.")
        .takes(&[arg("ctx", Context), arg("len", Anything), arg("flags", Anything)])
        .moves_packet()
        .at(any(&[TC, LWT_XMIT, SK_SKB]))
        .fails(&["-EINVAL for unknown flags or too long a packet", "-ENOMEM"]),
    row(44, "xdp_adjust_head", v(4, 10), "Moves the first byte of a frame, to make room or to cut.")
        .takes(&[arg("ctx", Context), arg("delta", Anything)])
        .moves_packet()
        .at(XDP)
        .fails(&["-EINVAL when there is no such room, or less than an Ethernet header would be left"]),
    row(45, "probe_read_str", v(4, 11), "Copies a string that ends in zero from an address of the kernel or of the \
        user.")
        .takes(&[arg("dst", MemOut), arg("size", SizeOrZero), arg("address", Anything)])
        .gpl()
        .at(TRACE)
        .needs("CONFIG_ARCH_HAS_NON_OVERLAPPING_ADDRESS_SPACE")
        .fails(&["the length with its zero", "-EFAULT when the address cannot be read", "the buffer is then zero"]),
    row(46, "get_socket_cookie", v(4, 12), "A number that is the same for a socket as long as it lives, and for no \
        other.")
        .takes(&[arg("ctx", Context)])
        .otherwise(&[
            at(any(&[SK_REUSEPORT, TYPED]), &[arg("sk", SockOrNull)]),
        ])
        .at(any(&[SOCKET_FILTER, TC, CGROUP_SKB, CGROUP_SOCK, SOCK_OPS, SK_SKB, SOCK_ADDR, SK_REUSEPORT, TYPED]))
        .fails(&["0 without a socket"]),
    row(47, "get_socket_uid", v(4, 12), "The user id that owns the socket of a packet.")
        .takes(&[arg("ctx", Context)])
        .at(any(&[SOCKET_FILTER, TC, CGROUP_SKB, SK_SKB]))
        .fails(&["the overflow id 65534 without a full socket"]),
    row(48, "set_hash", v(4, 13), "Sets the hash of a packet.")
        .takes(&[arg("ctx", Context), arg("hash", Anything)])
        .at(TC),
    row(49, "setsockopt", v(4, 13), "Sets an option of a socket, as setsockopt(2) does.")
        .takes(&[
            arg("ctx", Context), arg("level", Anything), arg("optname", Anything), arg("optval", MemIn),
            arg("optlen", Size),
        ])
        .otherwise(&[
            at(any(&[SETSOCKOPT, SOCKET_ITER, TCP_CONGESTION, LSM_SOCKOPT]), &[
                arg("sk", Sock), arg("level", Anything), arg("optname", Anything), arg("optval", MemIn),
                arg("optlen", Size),
            ]),
        ])
        .at(any(&[SOCK_OPS, SOCK_ADDR_OPTIONS, SETSOCKOPT, SOCKET_ITER, TCP_CONGESTION.but(TCP_RELEASE), LSM_SOCKOPT]))
        .later(&[by(6, 18, SOCK_ADDR)])
        .fails(&["-EINVAL for options, sizes or sockets that it does not take", "what the option answers"]),
    row(50, "skb_adjust_room", v(4, 13), "Makes or removes room between two headers of a packet.")
        .takes(&[arg("ctx", Context), arg("len_diff", Anything), arg("mode", Anything), arg("flags", Anything)])
        .moves_packet()
        .at(any(&[TC, SK_SKB]))
        .fails(&[
            "-EINVAL for unknown flags", "-EFAULT for more than 4095 bytes or too short a packet",
            "-ENOTSUPP for packets that are not IP, unknown modes or segments that would not fit", "-ENOMEM",
        ]),
    row(51, "redirect_map", v(4, 14), "Sends the frame to what a device, CPU or socket map has at a key.")
        .takes(&[arg("map", ConstMap), arg("key", Anything), arg("flags", Anything)])
        .with(&[MapType::Devmap, MapType::Cpumap, MapType::Xskmap, MapType::DevmapHash])
        .at(XDP)
        .fails(&[
            "the result in the lower bits of flags when the map has no such key", "XDP_ABORTED for unknown flags",
        ]),
    row(52, "sk_redirect_map", v(4, 14), "Passes a message of a stream to a socket of a socket map.")
        .takes(&[arg("ctx", Context), arg("map", ConstMap), arg("key", Anything), arg("flags", Anything)])
        .with(&[MapType::Sockmap])
        .at(SK_SKB)
        .fails(&["SK_DROP for unknown flags or when no socket stands there"]),
    row(53, "sock_map_update", v(4, 14), "Puts the socket into a socket map.")
        .takes(&[arg("ctx", Context), arg("map", ConstMap), arg("key", MapKey), arg("flags", Anything)])
        .with(&[MapType::Sockmap])
        .at(SOCK_OPS)
        .fails(&[
            "-EINVAL for unknown flags", "-EOPNOTSUPP when the socket is of another kind or in another state",
            "-E2BIG for a key beyond the map", "-EEXIST or -ENOENT as the flags ask",
        ]),
    row(54, "xdp_adjust_meta", v(4, 15), "Makes or removes room for metadata before a frame.")
        .takes(&[arg("ctx", Context), arg("delta", Anything)])
        .moves_packet()
        .at(XDP)
        .fails(&[
            "-ENOTSUPP when the driver keeps none",
            "-EACCES when it would be longer than 252 bytes or its length is no multiple of four",
            "-EINVAL when it lies beyond the frame",
        ]),
    row(55, "perf_event_read_value", v(4, 15), "Reads a counter of a perf event in a map with the times it was on \
        and running.")
        .takes(&[arg("map", ConstMap), arg("flags", Anything), arg("buf", MemOut), arg("buf_size", Size)])
        .gpl()
        .with(&[MapType::PerfEventArray])
        .at(TRACE)
        .later(&[from(6, 16, EVERYWHERE)])
        .fails(&[
            "-EINVAL for unknown flags, sizes or an event that cannot be read here",
            "-E2BIG for an index beyond the map", "-ENOENT when no event stands there", "the buffer is then zero",
        ]),
    row(56, "perf_prog_read_value", v(4, 15), "Reads the counter of the event that runs the program with the times \
        it was on and running.")
        .takes(&[arg("ctx", Context), arg("buf", MemOut), arg("buf_size", Size)])
        .gpl()
        .at(PERF_EVENT)
        .fails(&["-EINVAL for another size", "what reading answers", "the buffer is then zero"]),
    row(57, "getsockopt", v(4, 15), "Reads an option of a socket, as getsockopt(2) does.")
        .takes(&[
            arg("ctx", Context), arg("level", Anything), arg("optname", Anything), arg("optval", MemOut),
            arg("optlen", Size),
        ])
        .otherwise(&[
            at(any(&[SETSOCKOPT, SOCKET_ITER, TCP_CONGESTION, LSM_SOCKOPT]), &[
                arg("sk", Sock), arg("level", Anything), arg("optname", Anything), arg("optval", MemOut),
                arg("optlen", Size),
            ]),
        ])
        .at(any(&[SOCK_OPS, SOCK_ADDR_OPTIONS, SETSOCKOPT, SOCKET_ITER, TCP_CONGESTION.but(TCP_RELEASE), LSM_SOCKOPT]))
        .later(&[by(6, 18, SOCK_ADDR)])
        .fails(&[
            "-EINVAL for options, sizes or sockets that it does not take",
            "-ENOSPC when the buffer is too small for a kept SYN", "what the option answers",
            "the rest of the buffer is zero",
        ]),
    row(58, "override_return", v(4, 16), "Makes the probed function return at once with a value, where it allows \
        that.")
        .takes(&[arg("ctx", Context), arg("rc", Anything)])
        .gpl()
        .at(KPROBE)
        .needs("CONFIG_BPF_KPROBE_OVERRIDE"),
    row(59, "sock_ops_cb_flags_set", v(4, 16), "Chooses which events of a TCP connection call the program.")
        .takes(&[arg("ctx", Context), arg("argval", Anything)])
        .at(SOCK_OPS)
        .fails(&[
            "-EINVAL when the socket is no full TCP socket",
            "else the bits of the argument that the kernel does not know",
        ]),
    row(60, "msg_redirect_map", v(4, 17), "Passes a message to a socket of a socket map.")
        .takes(&[arg("ctx", Context), arg("map", ConstMap), arg("key", Anything), arg("flags", Anything)])
        .with(&[MapType::Sockmap])
        .at(SK_MSG)
        .fails(&["SK_DROP for unknown flags or when no socket stands there"]),
    row(61, "msg_apply_bytes", v(4, 17), "Applies the verdict to the next bytes of a message only.")
        .takes(&[arg("ctx", Context), arg("bytes", Anything)])
        .at(SK_MSG),
    row(62, "msg_cork_bytes", v(4, 17), "Holds a message back until so many bytes have come.")
        .takes(&[arg("ctx", Context), arg("bytes", Anything)])
        .at(SK_MSG),
    row(63, "msg_pull_data", v(4, 17), "Makes bytes of a message directly readable and writable.")
        .takes(&[arg("ctx", Context), arg("start", Anything), arg("end", Anything), arg("flags", Anything)])
        .moves_packet()
        .at(SK_MSG)
        .fails(&["-EINVAL for unknown flags or a piece beyond the message", "-ENOMEM"]),
    row(64, "bind", v(4, 17), "Binds the socket to a local address before it connects.")
        .takes(&[arg("ctx", Context), arg("addr", MemIn), arg("addr_len", Size)])
        .at(SOCK_ADDR_CONNECT)
        .fails(&["-EINVAL for short addresses", "-EAFNOSUPPORT for other families", "what binding answers"]),
    row(65, "xdp_adjust_tail", v(4, 18), "Moves the end of a frame, to cut or to grow.")
        .takes(&[arg("ctx", Context), arg("delta", Anything)])
        .moves_packet()
        .at(XDP)
        .fails(&["-EINVAL when there is no such room, or less than an Ethernet header would be left"]),
    row(66, "skb_get_xfrm_state", v(4, 18), "Reads one state of the IPsec path that a packet came through.")
        .takes(&[
            arg("ctx", Context), arg("index", Anything), arg("xfrm_state", MemOut), arg("size", Size),
            arg("flags", Anything),
        ])
        .at(TC)
        .needs("CONFIG_XFRM")
        .fails(&[
            "-EINVAL without a path, for an index beyond it, for unknown flags or another size",
            "the buffer is then zero",
        ]),
    row(67, "get_stack", v(4, 18), "Copies the present call stack, of the kernel or of the user, into a buffer.")
        .takes(&[arg("ctx", Context), arg("buf", MemOut), arg("size", SizeOrZero), arg("flags", Anything)])
        .gpl()
        .at(TRACE)
        .fails(&[
            "the bytes that were written", "-EINVAL for unknown flags or a size that is no multiple of an entry",
            "-EFAULT when there is no stack to be had", "the rest of the buffer is zero",
        ]),
    row(68, "skb_load_bytes_relative", v(4, 18), "Copies bytes of a packet to memory, counted from its MAC or its \
        network header.")
        .takes(&[
            arg("ctx", Context), arg("offset", Anything), arg("to", MemOut), arg("len", Size),
            arg("start_header", Anything),
        ])
        .at(any(&[SOCKET_FILTER, TC, CGROUP_SKB, SK_REUSEPORT]))
        .fails(&["-EFAULT when the packet is too short or has no such header", "the buffer is then zero"]),
    row(69, "fib_lookup", v(4, 18), "Looks a destination up in the routing table and the neighbour table.")
        .takes(&[arg("ctx", Context), arg("params", MemInOut), arg("plen", Size), arg("flags", Anything)])
        .gpl()
        .at(any(&[TC, XDP]))
        .fails(&[
            "-EINVAL for a short structure or unknown flags", "-EAFNOSUPPORT for other families",
            "else a BPF_FIB_LKUP_RET_* number, 0 when it was found",
        ]),
    row(70, "sock_hash_update", v(4, 18), "Puts the socket into a socket hash.")
        .takes(&[arg("ctx", Context), arg("map", ConstMap), arg("key", MapKey), arg("flags", Anything)])
        .with(&[MapType::Sockhash])
        .at(SOCK_OPS)
        .fails(&[
            "-EINVAL for unknown flags", "-EOPNOTSUPP when the socket is of another kind or in another state",
            "-E2BIG when the map is full", "-EEXIST or -ENOENT as the flags ask",
        ]),
    row(71, "msg_redirect_hash", v(4, 18), "Passes a message to a socket of a socket hash.")
        .takes(&[arg("ctx", Context), arg("map", ConstMap), arg("key", MapKey), arg("flags", Anything)])
        .with(&[MapType::Sockhash])
        .at(SK_MSG)
        .fails(&["SK_DROP for unknown flags or when no socket stands there"]),
    row(72, "sk_redirect_hash", v(4, 18), "Passes a message of a stream to a socket of a socket hash.")
        .takes(&[arg("ctx", Context), arg("map", ConstMap), arg("key", MapKey), arg("flags", Anything)])
        .with(&[MapType::Sockhash])
        .at(SK_SKB)
        .fails(&["SK_DROP for unknown flags or when no socket stands there"]),
    row(73, "lwt_push_encap", v(4, 18), "Puts an outer header before a packet of a route.")
        .takes(&[arg("ctx", Context), arg("type", Anything), arg("hdr", MemIn), arg("len", Size)])
        .moves_packet()
        .at(any(&[LWT_IN, LWT_XMIT]))
        .fails(&["-EINVAL for unknown types or bad headers", "-ENOMEM"]),
    row(74, "lwt_seg6_store_bytes", v(4, 18), "Writes bytes into the segment routing header of a packet.")
        .takes(&[arg("ctx", Context), arg("offset", Anything), arg("from", MemIn), arg("len", Size)])
        .moves_packet()
        .at(LWT_SEG6LOCAL)
        .needs("CONFIG_IPV6_SEG6_BPF")
        .fails(&["-EINVAL without such a header", "-EFAULT when the bytes may not be changed"]),
    row(75, "lwt_seg6_adjust_srh", v(4, 18), "Makes or removes room in the segment routing header of a packet.")
        .takes(&[arg("ctx", Context), arg("offset", Anything), arg("delta", Anything)])
        .moves_packet()
        .at(LWT_SEG6LOCAL)
        .needs("CONFIG_IPV6_SEG6_BPF")
        .fails(&["-EINVAL without such a header", "-EFAULT when the place is not between its records", "-ENOMEM"]),
    row(76, "lwt_seg6_action", v(4, 18), "Applies an action of segment routing to a packet.")
        .takes(&[arg("ctx", Context), arg("action", Anything), arg("param", MemIn), arg("param_len", Size)])
        .moves_packet()
        .at(LWT_SEG6LOCAL)
        .needs("CONFIG_IPV6_SEG6_BPF")
        .fails(&["-EINVAL for unknown actions or parameters of another size", "-EBADMSG without a valid header"]),
    row(77, "rc_repeat", v(4, 18), "Says that the last key of a remote control was repeated.")
        .takes(&[arg("ctx", Context)])
        .gpl()
        .at(LIRC),
    row(78, "rc_keydown", v(4, 18), "Says that a key of a remote control was pressed.")
        .takes(&[arg("ctx", Context), arg("protocol", Anything), arg("scancode", Anything), arg("toggle", Anything)])
        .gpl()
        .at(LIRC),
    row(79, "skb_cgroup_id", v(4, 18), "The cgroup id of the socket of a packet.")
        .takes(&[arg("ctx", Context)])
        .at(any(&[TC, CGROUP_SKB]))
        .needs("CONFIG_SOCK_CGROUP_DATA")
        .fails(&["0 without a full socket"]),
    row(80, "get_current_cgroup_id", v(4, 18), "The cgroup id of the running task.")
        .at(any(&[TRACE, CGROUP_TASK, SK_MSG]))
        .later(&[by(6, 12, EVERYWHERE)])
        .needs("CONFIG_CGROUPS"),
    row(81, "get_local_storage", v(4, 19), "The storage that the cgroup keeps for the program.")
        .takes(&[arg("map", ConstMap), arg("flags", Anything)])
        .gives(Gives::MapValue)
        .with(&[MapType::CgroupStorage, MapType::PercpuCgroupStorage])
        .at(any(&[CGROUP, LSM_CGROUP])),
    row(82, "sk_select_reuseport", v(4, 19), "Chooses a socket of a map for the packet.")
        .takes(&[arg("ctx", Context), arg("map", ConstMap), arg("key", MapKey), arg("flags", Anything)])
        .with(&[MapType::ReuseportSockarray, MapType::Sockmap, MapType::Sockhash])
        .at(SK_REUSEPORT)
        .fails(&[
            "-ENOENT when no socket stands there or it left its group",
            "-EINVAL when a socket of a socket map has no group", "-EBADFD when it is of another group",
            "-EPROTOTYPE or -EAFNOSUPPORT when it is of another kind",
        ]),
    row(83, "skb_ancestor_cgroup_id", v(4, 19), "The id of an ancestor of the cgroup of a packet's socket, by its \
        depth.")
        .takes(&[arg("ctx", Context), arg("ancestor_level", Anything)])
        .at(any(&[TC, CGROUP_SKB]))
        .needs("CONFIG_SOCK_CGROUP_DATA")
        .fails(&["0 without a full socket or such an ancestor"]),
    row(84, "sk_lookup_tcp", v(4, 20), "Finds the TCP socket for a pair of addresses and takes a reference to it.")
        .takes(&[
            arg("ctx", Context), arg("tuple", MemIn), arg("tuple_size", SizeOrZero), arg("netns", Anything),
            arg("flags", Anything),
        ])
        .gives(Gives::SocketOrNull).acquires()
        .at(any(&[TC, XDP, CGROUP_SKB, SK_SKB, SOCK_ADDR]))
        .fails(&["null when there is none"]),
    row(85, "sk_lookup_udp", v(4, 20), "Finds the UDP socket for a pair of addresses and takes a reference to it.")
        .takes(&[
            arg("ctx", Context), arg("tuple", MemIn), arg("tuple_size", SizeOrZero), arg("netns", Anything),
            arg("flags", Anything),
        ])
        .gives(Gives::SocketOrNull).acquires()
        .at(any(&[TC, XDP, CGROUP_SKB, SK_SKB, SOCK_ADDR]))
        .fails(&["null when there is none"]),
    row(86, "sk_release", v(4, 20), "Gives back the reference to a socket.")
        .takes(&[arg("sk", Sock).released()])
        .at(any(&[TC, XDP, CGROUP_SKB, SK_SKB, SOCK_ADDR, SK_LOOKUP])),
    row(87, "map_push_elem", v(4, 20), "Puts a value into a queue, a stack or a bloom filter.")
        .takes(&[arg("map", ConstMap), arg("value", MapValue), arg("flags", Anything)])
        .with(&[MapType::Queue, MapType::Stack, MapType::BloomFilter])
        .at(any(&[EVERYWHERE, LIRC]))
        .fails(&["-E2BIG when it is full", "-EINVAL for unknown flags", "-EBUSY when the lock is held by this CPU"]),
    row(88, "map_pop_elem", v(4, 20), "Takes the next value out of a queue or a stack.")
        .takes(&[arg("map", ConstMap), arg("value", MapValueOut)])
        .with(&[MapType::Queue, MapType::Stack])
        .at(any(&[EVERYWHERE, LIRC]))
        .fails(&["-ENOENT when it is empty", "the value is then zero", "-EBUSY when the lock is held by this CPU"]),
    row(89, "map_peek_elem", v(4, 20), "Reads the next value of a queue or a stack and leaves it there; asks a bloom \
        filter for a value.")
        .takes(&[arg("map", ConstMap), arg("value", MapValueOut)])
        .with(&[MapType::Queue, MapType::Stack, MapType::BloomFilter])
        .at(any(&[EVERYWHERE, LIRC]))
        .fails(&[
            "-ENOENT when it is empty or the value was never put in", "-EBUSY when the lock is held by this CPU",
        ]),
    row(90, "msg_push_data", v(4, 20), "Puts room into a message.")
        .takes(&[arg("ctx", Context), arg("start", Anything), arg("len", Anything), arg("flags", Anything)])
        .moves_packet()
        .at(SK_MSG)
        .fails(&["-EINVAL for unknown flags or a place beyond the message", "-ENOMEM"]),
    row(91, "msg_pop_data", v(5, 0), "Takes bytes out of a message.")
        .takes(&[arg("ctx", Context), arg("start", Anything), arg("len", Anything), arg("flags", Anything)])
        .moves_packet()
        .at(SK_MSG)
        .fails(&["-EINVAL for unknown flags or a piece beyond the message", "-ENOMEM"]),
    row(92, "rc_pointer_rel", v(5, 0), "Says that the pointer of a remote control moved.")
        .takes(&[arg("ctx", Context), arg("rel_x", Anything), arg("rel_y", Anything)])
        .gpl()
        .at(LIRC),
    row(93, "spin_lock", v(5, 1), "Takes the lock in a map value, and waits for it.")
        .takes(&[arg("lock", SpinLock)])
        .gives(Gives::Void)
        .at(EVERYWHERE),
    row(94, "spin_unlock", v(5, 1), "Gives the lock in a map value back.")
        .takes(&[arg("lock", SpinLock)])
        .gives(Gives::Void)
        .at(EVERYWHERE),
    row(95, "sk_fullsock", v(5, 1), "A socket with all its fields, from one with the common ones.")
        .takes(&[arg("sk", SockCommon)])
        .gives(Gives::SocketOrNull)
        .at(any(&[TC, CGROUP_SKB]))
        .fails(&["null when the socket is a request or in time-wait"]),
    row(96, "tcp_sock", v(5, 1), "The TCP fields of a socket.")
        .takes(&[arg("sk", SockCommon)])
        .gives(Gives::TcpSockOrNull)
        .at(any(&[TC, CGROUP_SKB, SOCK_OPS, CGROUP_SOCKOPT]))
        .fails(&["null when it is no full TCP socket"]),
    row(97, "skb_ecn_set_ce", v(5, 1), "Marks a packet as having met congestion, when its sender knows of that.")
        .takes(&[arg("ctx", Context)])
        .at(any(&[TC, CGROUP_SKB]))
        .fails(&["0 when it was not marked, 1 when it was or is"]),
    row(98, "get_listener_sock", v(5, 1), "The listening socket that a socket belongs to.")
        .takes(&[arg("sk", SockCommon)])
        .gives(Gives::SocketOrNull)
        .at(any(&[TC, CGROUP_SKB]))
        .fails(&["null when it does not listen"]),
    row(99, "skc_lookup_tcp", v(5, 2), "Finds the TCP socket for a pair of addresses, also one not yet or no longer \
        full, and takes a reference to it.")
        .takes(&[
            arg("ctx", Context), arg("tuple", MemIn), arg("tuple_size", SizeOrZero), arg("netns", Anything),
            arg("flags", Anything),
        ])
        .gives(Gives::SockCommonOrNull).acquires()
        .at(any(&[TC, XDP, CGROUP_SKB, SK_SKB, SOCK_ADDR]))
        .fails(&["null when there is none"]),
    row(100, "tcp_check_syncookie", v(5, 2), "Whether the headers carry a valid SYN cookie for a listening socket.")
        .takes(&[arg("sk", Sock), arg("iph", MemIn), arg("iph_len", Size), arg("th", MemIn), arg("th_len", Size)])
        .gpl()
        .at(any(&[TC, XDP]))
        .fails(&[
            "0 when they do", "-ENOENT when the cookie is wrong or none is expected",
            "-EINVAL for sockets or headers that do not fit", "-EPROTONOSUPPORT for other IP versions",
            "-ENOTSUPP without CONFIG_SYN_COOKIES",
        ]),
    row(101, "sysctl_get_name", v(5, 2), "Copies the name of the sysctl that is read or written.")
        .takes(&[arg("ctx", Context), arg("buf", MemInOut), arg("buf_len", Size), arg("flags", Anything)])
        .at(CGROUP_SYSCTL)
        .fails(&["the length", "-E2BIG when the buffer is too small"]),
    row(102, "sysctl_get_current_value", v(5, 2), "Copies the value that the sysctl has.")
        .takes(&[arg("ctx", Context), arg("buf", MemOut), arg("buf_len", Size)])
        .at(CGROUP_SYSCTL)
        .fails(&["the length", "-E2BIG when the buffer is too small", "-EINVAL when it could not be read"]),
    row(103, "sysctl_get_new_value", v(5, 2), "Copies the value that is about to be written to the sysctl.")
        .takes(&[arg("ctx", Context), arg("buf", MemOut), arg("buf_len", Size)])
        .at(CGROUP_SYSCTL)
        .fails(&["the length", "-E2BIG when the buffer is too small", "-EINVAL when the sysctl is read"]),
    row(104, "sysctl_set_new_value", v(5, 2), "Replaces the value that is about to be written to the sysctl.")
        .takes(&[arg("ctx", Context), arg("buf", MemIn), arg("buf_len", Size)])
        .at(CGROUP_SYSCTL)
        .fails(&["-E2BIG when it is too long", "-EINVAL when the sysctl is read"]),
    row(105, "strtol", v(5, 2), "Reads a signed number from text.")
        .takes(&[arg("buf", MemIn), arg("buf_len", Size), arg("flags", Anything), arg("res", FixedOut(8))])
        .at(EVERYWHERE)
        .fails(&[
            "the characters that were read", "-EINVAL without digits or for a bad base",
            "-ERANGE when it does not fit",
        ]),
    row(106, "strtoul", v(5, 2), "Reads an unsigned number from text.")
        .takes(&[arg("buf", MemIn), arg("buf_len", Size), arg("flags", Anything), arg("res", FixedOut(8))])
        .at(EVERYWHERE)
        .fails(&[
            "the characters that were read", "-EINVAL without digits or for a bad base",
            "-ERANGE when it does not fit",
        ]),
    row(107, "sk_storage_get", v(5, 2), "The storage that a map keeps for a socket, made on request.")
        .takes(&[arg("map", ConstMap), arg("sk", Sock), arg("value", MapValueOrNull), arg("flags", Anything)])
        .otherwise(&[
            at(CGROUP_SOCK, &[
                arg("map", ConstMap), arg("ctx", Context), arg("value", MapValueOrNull), arg("flags", Anything),
            ]),
            at(TRACE_SK_STORAGE, &[
                arg("map", ConstMap), arg("sk", BtfOrNull("sock_common")), arg("value", MapValueOrNull),
                arg("flags", Anything),
            ]),
        ])
        .gives(Gives::MapValueOrNull)
        .with(&[MapType::SkStorage])
        .at(any(&[TC, CGROUP_SKB, CGROUP_SOCK, SOCK_OPS, SK_MSG, SOCK_ADDR, CGROUP_SOCKOPT, TRACE_SK_STORAGE, LSM, TCP_CONGESTION]))
        .fails(&["null when there is none and none was asked for or could be made"]),
    row(108, "sk_storage_delete", v(5, 2), "Removes the storage that a map keeps for a socket.")
        .takes(&[arg("map", ConstMap), arg("sk", Sock)])
        .otherwise(&[
            at(TRACE_SK_STORAGE, &[arg("map", ConstMap), arg("sk", BtfOrNull("sock_common"))]),
        ])
        .with(&[MapType::SkStorage])
        .at(any(&[TC, CGROUP_SKB, SOCK_OPS, SK_MSG, SOCK_ADDR, CGROUP_SOCKOPT, TRACE_SK_STORAGE, LSM, TCP_CONGESTION]))
        .fails(&["-ENOENT when there is none", "-EINVAL without a socket"]),
    row(109, "send_signal", v(5, 3), "Sends a signal to the process of the running task.")
        .takes(&[arg("sig", Anything)])
        .at(TRACE)
        .later(&[from(6, 16, EVERYWHERE)])
        .fails(&[
            "-EINVAL for no such signal", "-EPERM in a kernel thread, an exiting task or init",
            "-EBUSY when it cannot be queued",
        ]),
    row(110, "tcp_gen_syncookie", v(5, 4), "Makes the SYN cookie with which a listening socket would answer the \
        headers.")
        .takes(&[arg("sk", Sock), arg("iph", MemIn), arg("iph_len", Size), arg("th", MemIn), arg("th_len", Size)])
        .gpl()
        .at(any(&[TC, XDP]))
        .fails(&[
            "the cookie and above it the segment size", "-EINVAL for sockets or headers that do not fit",
            "-ENOENT when none is due", "-EOPNOTSUPP without the kernel option",
            "-EPROTONOSUPPORT for other IP versions",
        ]),
    row(111, "skb_output", v(5, 5), "Writes a record and a piece of a packet into the buffer of a perf event in a \
        map, from its sk_buff.")
        .takes(&[
            arg("ctx", Btf("sk_buff")), arg("map", ConstMap), arg("flags", Anything), arg("data", MemIn),
            arg("size", SizeOrZero),
        ])
        .gpl()
        .with(&[MapType::PerfEventArray])
        .at(TYPED)
        .fails(&["as perf_event_output"]),
    row(112, "probe_read_user", v(5, 5), "Copies memory of the running task's process.")
        .takes(&[arg("dst", MemOut), arg("size", SizeOrZero), arg("address", Anything)])
        .gpl()
        .at(EVERYWHERE)
        .fails(&["-EFAULT when the address cannot be read", "the buffer is then zero"]),
    row(113, "probe_read_kernel", v(5, 5), "Copies memory of the kernel.")
        .takes(&[arg("dst", MemOut), arg("size", SizeOrZero), arg("address", Anything)])
        .gpl()
        .at(EVERYWHERE)
        .fails(&["-EFAULT when the address cannot be read", "the buffer is then zero"]),
    row(114, "probe_read_user_str", v(5, 5), "Copies a string that ends in zero from the running task's process.")
        .takes(&[arg("dst", MemOut), arg("size", SizeOrZero), arg("address", Anything)])
        .gpl()
        .at(EVERYWHERE)
        .fails(&["the length with its zero", "-EFAULT when the address cannot be read", "the buffer is then zero"]),
    row(115, "probe_read_kernel_str", v(5, 5), "Copies a string that ends in zero from the kernel.")
        .takes(&[arg("dst", MemOut), arg("size", SizeOrZero), arg("address", Anything)])
        .gpl()
        .at(EVERYWHERE)
        .fails(&["the length with its zero", "-EFAULT when the address cannot be read", "the buffer is then zero"]),
    row(116, "tcp_send_ack", v(5, 6), "Sends a TCP acknowledgement.")
        .takes(&[arg("tp", Btf("tcp_sock")), arg("rcv_nxt", Anything)])
        .at(TCP_CONGESTION),
    row(117, "send_signal_thread", v(5, 6), "Sends a signal to the running thread.")
        .takes(&[arg("sig", Anything)])
        .at(TRACE)
        .later(&[from(6, 16, EVERYWHERE)])
        .fails(&[
            "-EINVAL for no such signal", "-EPERM in a kernel thread, an exiting task or init",
            "-EBUSY when it cannot be queued",
        ]),
    row(118, "jiffies64", v(5, 6), "The kernel's count of timer ticks.")
        .at(EVERYWHERE),
    row(119, "read_branch_records", v(5, 7), "Copies the branch records of the sample, or tells their size.")
        .takes(&[arg("ctx", Context), arg("buf", MemInOutOrNull), arg("size", SizeOrZero), arg("flags", Anything)])
        .gpl()
        .at(PERF_EVENT)
        .fails(&[
            "the bytes", "-EINVAL for unknown flags or a size that is no multiple of a record",
            "-ENOENT when the sample has none or the CPU keeps none",
        ]),
    row(120, "get_ns_current_pid_tgid", v(5, 7), "Process and thread id of the running task as a given PID namespace \
        counts them.")
        .takes(&[arg("dev", Anything), arg("ino", Anything), arg("nsdata", MemOut), arg("size", Size)])
        .at(TRACE)
        .later(&[from(6, 10, EVERYWHERE)])
        .fails(&[
            "-EINVAL when the namespace is not that of the task or the size is wrong",
            "-ENOENT when the task has no namespace any more", "the buffer is then zero",
        ]),
    row(121, "xdp_output", v(5, 7), "Writes a record and a piece of a frame into the buffer of a perf event in a \
        map, from its xdp_buff.")
        .takes(&[
            arg("ctx", Btf("xdp_buff")), arg("map", ConstMap), arg("flags", Anything), arg("data", MemIn),
            arg("size", SizeOrZero),
        ])
        .gpl()
        .with(&[MapType::PerfEventArray])
        .at(TYPED)
        .fails(&["as perf_event_output"]),
    row(122, "get_netns_cookie", v(5, 7), "A number that is the same for a network namespace as long as it lives, \
        and for no other.")
        .takes(&[arg("ctx", ContextOrNull)])
        .at(any(&[CGROUP_SOCK, SOCK_OPS, SK_MSG, SOCK_ADDR, CGROUP_SOCKOPT]))
        .later(&[from(6, 15, any(&[SOCKET_FILTER, TC, CGROUP_SKB]))])
        .fails(&["without a context, the number of the first namespace"]),
    row(123, "get_current_ancestor_cgroup_id", v(5, 7), "The id of an ancestor of the running task's cgroup, by its \
        depth.")
        .takes(&[arg("ancestor_level", Anything)])
        .at(any(&[TRACE, CGROUP_TASK, SK_MSG]))
        .later(&[by(6, 12, EVERYWHERE)])
        .needs("CONFIG_CGROUPS")
        .fails(&["0 when there is no such ancestor"]),
    row(124, "sk_assign", v(5, 7), "Chooses the socket that gets the packet.")
        .takes(&[arg("ctx", Context), arg("sk", Sock), arg("flags", Anything)])
        .otherwise(&[
            at(SK_LOOKUP, &[arg("ctx", Context), arg("sk", SocketOrNull), arg("flags", Anything)]),
        ])
        .at(any(&[TC, SK_LOOKUP]))
        .fails(&[
            "-EINVAL for unknown flags", "-ENOENT when the socket went away",
            "-ENETUNREACH for one of another namespace", "-EOPNOTSUPP outside of ingress",
            "in a lookup, -ESOCKTNOSUPPORT, -EPROTOTYPE or -EAFNOSUPPORT when it does not fit and -EEXIST when one is chosen",
        ]),
    row(125, "ktime_get_boot_ns", v(5, 8), "Nanoseconds since boot, time asleep counted.")
        .at(any(&[EVERYWHERE, LIRC])),
    row(126, "seq_printf", v(5, 8), "Writes formatted text to the file that the iterator fills.")
        .takes(&[
            arg("m", Btf("seq_file")), arg("format", MemIn), arg("format_size", Size), arg("data", MemInOrNull),
            arg("data_len", SizeOrZero),
        ])
        .gpl()
        .at(ITERS)
        .fails(&[
            "-EOVERFLOW when it did not fit and will be asked for again",
            "-EINVAL for formats or arguments that it does not take", "-EBUSY when the buffers are in use",
        ]),
    row(127, "seq_write", v(5, 8), "Writes bytes to the file that the iterator fills.")
        .takes(&[arg("m", Btf("seq_file")), arg("data", MemIn), arg("len", SizeOrZero)])
        .gpl()
        .at(ITERS)
        .fails(&["-EOVERFLOW when they did not fit and will be asked for again"]),
    row(128, "sk_cgroup_id", v(5, 8), "The cgroup id of a socket.")
        .takes(&[arg("sk", Sock)])
        .at(CGROUP_SKB)
        .needs("CONFIG_SOCK_CGROUP_DATA")
        .fails(&["0 when the socket is not full"]),
    row(129, "sk_ancestor_cgroup_id", v(5, 8), "The id of an ancestor of a socket's cgroup, by its depth.")
        .takes(&[arg("sk", Sock), arg("ancestor_level", Anything)])
        .at(CGROUP_SKB)
        .needs("CONFIG_SOCK_CGROUP_DATA")
        .fails(&["0 when the socket is not full or there is no such ancestor"]),
    row(130, "ringbuf_output", v(5, 8), "Copies a record into a ring buffer.")
        .takes(&[arg("map", ConstMap), arg("data", MemIn), arg("size", SizeOrZero), arg("flags", Anything)])
        .with(&[MapType::Ringbuf])
        .at(EVERYWHERE)
        .fails(&["-EAGAIN when there is no room", "-EINVAL for unknown flags"]),
    row(131, "ringbuf_reserve", v(5, 8), "Makes room for a record in a ring buffer.")
        .takes(&[arg("map", ConstMap), arg("size", AllocSize), arg("flags", Anything)])
        .gives(Gives::RingbufRecordOrNull).acquires()
        .with(&[MapType::Ringbuf])
        .at(EVERYWHERE)
        .fails(&["null when there is no room or for unknown flags"]),
    row(132, "ringbuf_submit", v(5, 8), "Hands a record of a ring buffer over to its reader.")
        .takes(&[arg("data", RingbufRecord).released(), arg("flags", Anything)])
        .gives(Gives::Void)
        .at(EVERYWHERE),
    row(133, "ringbuf_discard", v(5, 8), "Throws a record of a ring buffer away.")
        .takes(&[arg("data", RingbufRecord).released(), arg("flags", Anything)])
        .gives(Gives::Void)
        .at(EVERYWHERE),
    row(134, "ringbuf_query", v(5, 8), "One figure of a ring buffer: unread bytes, size, or the position of reader \
        or writer.")
        .takes(&[arg("map", ConstMap), arg("flags", Anything)])
        .with(&[MapType::Ringbuf])
        .at(EVERYWHERE)
        .fails(&["0 for unknown flags"]),
    row(135, "csum_level", v(5, 8), "Changes or reads how many checksums of a packet the device has confirmed.")
        .takes(&[arg("ctx", Context), arg("level", Anything)])
        .at(any(&[TC, LWT_XMIT]))
        .fails(&["-EINVAL for unknown levels", "when asked for the level, -EACCES without any"]),
    row(136, "skc_to_tcp6_sock", v(5, 9), "The socket as a TCP socket over IPv6.")
        .takes(&[arg("sk", Sock)])
        .gives(Gives::BtfOrNull("tcp6_sock"))
        .at(any(&[SK_BASE, TYPED]))
        .fails(&["null when it is none"]),
    row(137, "skc_to_tcp_sock", v(5, 9), "The socket as a TCP socket.")
        .takes(&[arg("sk", Sock)])
        .gives(Gives::BtfOrNull("tcp_sock"))
        .at(any(&[SK_BASE, TYPED]))
        .fails(&["null when it is none"]),
    row(138, "skc_to_tcp_timewait_sock", v(5, 9), "The socket as a TCP socket in time-wait.")
        .takes(&[arg("sk", Sock)])
        .gives(Gives::BtfOrNull("tcp_timewait_sock"))
        .at(any(&[SK_BASE, TYPED]))
        .fails(&["null when it is none"]),
    row(139, "skc_to_tcp_request_sock", v(5, 9), "The socket as a TCP connection request.")
        .takes(&[arg("sk", Sock)])
        .gives(Gives::BtfOrNull("tcp_request_sock"))
        .at(any(&[SK_BASE, TYPED]))
        .fails(&["null when it is none"]),
    row(140, "skc_to_udp6_sock", v(5, 9), "The socket as a UDP socket over IPv6.")
        .takes(&[arg("sk", Sock)])
        .gives(Gives::BtfOrNull("udp6_sock"))
        .at(any(&[SK_BASE, TYPED]))
        .fails(&["null when it is none"]),
    row(141, "get_task_stack", v(5, 9), "Copies the call stack of a task, of the kernel or of the user, into a \
        buffer.")
        .takes(&[
            arg("task", Btf("task_struct")), arg("buf", MemOut), arg("size", SizeOrZero), arg("flags", Anything),
        ])
        .at(TRACE)
        .later(&[from(6, 16, EVERYWHERE)])
        .fails(&[
            "the bytes that were written", "-EINVAL for unknown flags or a size that is no multiple of an entry",
            "-EOPNOTSUPP for the user stack of another task", "-EFAULT when there is no stack to be had",
        ]),
    row(142, "load_hdr_opt", v(5, 10), "Finds an option of the TCP header and copies it.")
        .takes(&[arg("ctx", Context), arg("searchby_res", MemInOut), arg("len", Size), arg("flags", Anything)])
        .at(SOCK_OPS)
        .fails(&[
            "the length", "-ENOMSG when there is none", "-ENOSPC when the buffer is too small",
            "-EINVAL for unknown flags or a bad question", "-EFAULT when the header is broken",
            "-EPERM at callbacks without a header",
        ]),
    row(143, "store_hdr_opt", v(5, 10), "Writes an option into the TCP header that is sent.")
        .takes(&[arg("ctx", Context), arg("from", MemIn), arg("len", Size), arg("flags", Anything)])
        .moves_packet()
        .at(SOCK_OPS)
        .fails(&[
            "-ENOSPC without room", "-EEXIST when the option is there", "-EINVAL for a bad option or unknown flags",
            "-EPERM at other callbacks", "-EFAULT when the header is broken",
        ]),
    row(144, "reserve_hdr_opt", v(5, 10), "Asks for room in the TCP header that will be sent.")
        .takes(&[arg("ctx", Context), arg("len", Anything), arg("flags", Anything)])
        .at(SOCK_OPS)
        .fails(&["-EINVAL for unknown flags or a short length", "-ENOSPC without room", "-EPERM at other callbacks"]),
    row(145, "inode_storage_get", v(5, 10), "The storage that a map keeps for an inode, made on request.")
        .takes(&[
            arg("map", ConstMap), arg("inode", BtfOrNull("inode")), arg("value", MapValueOrNull),
            arg("flags", Anything),
        ])
        .gives(Gives::MapValueOrNull)
        .with(&[MapType::InodeStorage])
        .at(LSM)
        .fails(&["null when there is none and none was asked for or could be made"]),
    row(146, "inode_storage_delete", v(5, 10), "Removes the storage that a map keeps for an inode.")
        .takes(&[arg("map", ConstMap), arg("inode", BtfOrNull("inode"))])
        .with(&[MapType::InodeStorage])
        .at(LSM)
        .fails(&["-ENOENT when there is none", "-EINVAL without an inode"]),
    row(147, "d_path", v(5, 10), "Writes the full path of a file as text.")
        .takes(&[arg("path", Btf("path")), arg("buf", MemInOut), arg("sz", SizeOrZero)])
        .at(D_PATH)
        .by_target(TRAMPOLINE.and(LSM))
        .fails(&["the length with its zero", "-ENAMETOOLONG when the buffer is too small"]),
    row(148, "copy_from_user", v(5, 10), "Copies memory of the running task's process, and waits until it is there.")
        .takes(&[arg("dst", MemOut), arg("size", SizeOrZero), arg("address", Anything)])
        .sleeps()
        .at(TRACE)
        .later(&[from(6, 16, EVERYWHERE)])
        .fails(&["-EFAULT when the address cannot be read", "the buffer is then zero"]),
    row(149, "snprintf_btf", v(5, 10), "Writes a value as text, by its type in the kernel's BTF.")
        .takes(&[
            arg("str", MemInOut), arg("str_size", Size), arg("ptr", MemIn), arg("ptr_size", Size),
            arg("flags", Anything),
        ])
        .at(EVERYWHERE)
        .fails(&["the length, as if there had been room", "-EINVAL for unknown flags, types or sizes"]),
    row(150, "seq_printf_btf", v(5, 10), "Writes a value as text to the file that the iterator fills, by its type in \
        the kernel's BTF.")
        .takes(&[arg("m", Btf("seq_file")), arg("ptr", MemIn), arg("ptr_size", SizeOrZero), arg("flags", Anything)])
        .gpl()
        .at(ITERS)
        .fails(&["-EINVAL for unknown flags, types or sizes"]),
    row(151, "skb_cgroup_classid", v(5, 10), "The net_cls class of the socket that a packet is sent from.")
        .takes(&[arg("ctx", Context)])
        .at(TC)
        .needs("CONFIG_CGROUP_NET_CLASSID")
        .fails(&["0 without a full socket"]),
    row(152, "redirect_neigh", v(5, 10), "Sends the packet to another device and has its neighbour's address filled \
        in.")
        .takes(&[
            arg("ifindex", Anything), arg("params", MemInOrNull), arg("plen", SizeOrZero), arg("flags", Anything),
        ])
        .at(TC)
        .fails(&["TC_ACT_SHOT for unknown flags or a bad size"]),
    row(153, "per_cpu_ptr", v(5, 10), "The copy of a per-CPU variable on a CPU.")
        .takes(&[arg("percpu_ptr", PerCpu), arg("cpu", Anything)])
        .gives(Gives::PerCpuOrNull)
        .at(EVERYWHERE)
        .fails(&["null when there is no such CPU"]),
    row(154, "this_cpu_ptr", v(5, 10), "The copy of a per-CPU variable on this CPU.")
        .takes(&[arg("percpu_ptr", PerCpu)])
        .gives(Gives::PerCpu)
        .at(EVERYWHERE),
    row(155, "redirect_peer", v(5, 10), "Sends the packet to the device at the other end, in another namespace, \
        without a queue between.")
        .takes(&[arg("ifindex", Anything), arg("flags", Anything)])
        .at(TC)
        .fails(&["TC_ACT_SHOT for unknown flags"]),
    row(156, "task_storage_get", v(5, 11), "The storage that a map keeps for a task, made on request.")
        .takes(&[
            arg("map", ConstMap), arg("task", BtfOrNull("task_struct")), arg("value", MapValueOrNull),
            arg("flags", Anything),
        ])
        .gives(Gives::MapValueOrNull)
        .with(&[MapType::TaskStorage])
        .at(any(&[TRACE, SCHED_EXT]))
        .later(&[from(6, 16, EVERYWHERE)])
        .fails(&["null when there is none and none was asked for or could be made"]),
    row(157, "task_storage_delete", v(5, 11), "Removes the storage that a map keeps for a task.")
        .takes(&[arg("map", ConstMap), arg("task", BtfOrNull("task_struct"))])
        .with(&[MapType::TaskStorage])
        .at(any(&[TRACE, SCHED_EXT]))
        .later(&[from(6, 16, EVERYWHERE)])
        .fails(&["-ENOENT when there is none", "-EINVAL without a task", "-EBUSY when the map is in use by this CPU"]),
    row(158, "get_current_task_btf", v(5, 11), "The running task, as a pointer by type.")
        .gives(Gives::Trusted("task_struct")).gpl()
        .at(EVERYWHERE),
    row(159, "bprm_opts_set", v(5, 11), "Sets whether a program that is being executed gets a clean environment.")
        .takes(&[arg("bprm", Btf("linux_binprm")), arg("flags", Anything)])
        .at(LSM)
        .fails(&["-EINVAL for unknown flags"]),
    row(160, "ktime_get_coarse_ns", v(5, 11), "Nanoseconds since boot as of the last tick, time asleep not counted.")
        .at(any(&[SK_BASE, CGROUP_SOCK, SK_REUSEPORT, CGROUP_SYSCTL, TCP_CONGESTION])),
    row(161, "ima_inode_hash", v(5, 11), "The hash that the integrity measurement has of an inode.")
        .takes(&[arg("inode", Btf("inode")), arg("dst", MemOut), arg("size", Size)])
        .sleeps()
        .at(LSM)
        .by_target(LSM)
        .fails(&["the algorithm", "-EOPNOTSUPP when it measures nothing or has no hash"]),
    row(162, "sock_from_file", v(5, 11), "The socket of an open file.")
        .takes(&[arg("file", Btf("file"))])
        .gives(Gives::BtfOrNull("socket"))
        .at(TYPED)
        .fails(&["null when the file is no socket"]),
    row(163, "check_mtu", v(5, 12), "Whether a packet fits through a device, or what the device takes.")
        .takes(&[
            arg("ctx", Context), arg("ifindex", Anything), arg("mtu_len", FixedInOut(4)), arg("len_diff", Anything),
            arg("flags", Anything),
        ])
        .gpl()
        .at(any(&[TC, XDP]))
        .fails(&[
            "0 when it fits", "BPF_MTU_CHK_RET_* when it does not", "-EINVAL for unknown flags",
            "-ENODEV for no such device",
        ]),
    row(164, "for_each_map_elem", v(5, 13), "Calls a function for each entry of a map.")
        .takes(&[
            arg("map", ConstMap), arg("callback", Callback), arg("context", StackOrNull), arg("flags", Anything),
        ])
        .with(&[
            MapType::Hash, MapType::Array, MapType::PercpuHash, MapType::PercpuArray, MapType::LruHash,
            MapType::LruPercpuHash,
        ])
        .at(EVERYWHERE)
        .fails(&["the number of entries called for", "-EINVAL for unknown flags or map types"]),
    row(165, "snprintf", v(5, 13), "Writes formatted text into a buffer.")
        .takes(&[
            arg("str", MemInOutOrNull), arg("str_size", SizeOrZero), arg("format", ConstString),
            arg("data", MemInOrNull), arg("data_len", SizeOrZero),
        ])
        .gpl()
        .at(EVERYWHERE)
        .fails(&[
            "the length with its zero, as if there had been room", "-EINVAL for arguments that do not fit",
            "-EBUSY when the buffers are in use",
        ]),
    row(166, "sys_bpf", v(5, 14), "Calls bpf(2) for some of its commands.")
        .takes(&[arg("cmd", Anything), arg("attr", MemIn), arg("attr_size", Size)])
        .sleeps()
        .at(SYSCALL)
        .fails(&["-EINVAL for other commands or a short structure", "what the command answers"]),
    row(167, "btf_find_by_name_kind", v(5, 14), "Finds a type by name and kind in the BTF of the kernel and its \
        modules.")
        .takes(&[arg("name", MemIn), arg("name_sz", Size), arg("kind", Anything), arg("flags", Anything)])
        .sleeps()
        .at(SYSCALL)
        .fails(&[
            "the type, and above it the module's descriptor", "-ENOENT when there is none",
            "-EINVAL for unknown flags or names",
        ]),
    row(168, "sys_close", v(5, 14), "Closes a descriptor.")
        .takes(&[arg("fd", Anything)])
        .sleeps()
        .at(SYSCALL)
        .fails(&["-EBADF when there is none"]),
    row(169, "timer_init", v(5, 15), "Prepares the timer in a map value.")
        .takes(&[arg("timer", Timer), arg("map", ConstMap), arg("flags", Anything)])
        .gpl()
        .with(&[MapType::Hash, MapType::Array, MapType::LruHash])
        .at(EVERYWHERE)
        .fails(&[
            "-EBUSY when it is prepared", "-EINVAL for unknown clocks or flags", "-EPERM when nothing holds the map",
            "-EOPNOTSUPP in an NMI",
        ]),
    row(170, "timer_set_callback", v(5, 15), "Sets the function that the timer calls.")
        .takes(&[arg("timer", Timer), arg("callback", Callback)])
        .gpl()
        .at(EVERYWHERE)
        .fails(&["-EINVAL when the timer is not prepared", "-EPERM when nothing holds the map"]),
    row(171, "timer_start", v(5, 15), "Starts the timer.")
        .takes(&[arg("timer", Timer), arg("nsecs", Anything), arg("flags", Anything)])
        .gpl()
        .at(EVERYWHERE)
        .fails(&["-EINVAL when the timer has no function or for unknown flags", "-EOPNOTSUPP in an NMI"]),
    row(172, "timer_cancel", v(5, 15), "Stops the timer and waits for its function.")
        .takes(&[arg("timer", Timer)])
        .gpl()
        .at(EVERYWHERE)
        .fails(&[
            "1 when it was running, 0 when not", "-EINVAL when the timer is not prepared",
            "-EDEADLK from its own function or one that waits for it", "-EOPNOTSUPP in an NMI",
        ]),
    row(173, "get_func_ip", v(5, 15), "The address of the traced function, or of the user's one in a uprobe.")
        .takes(&[arg("ctx", Context)])
        .gpl_at(TRAMPOLINE.and(KPROBE_PLAIN))
        .at(any(&[KPROBE, TRAMPOLINE]))
        .fails(&["0 when the probe is not at a function's first instruction"]),
    row(174, "get_attach_cookie", v(5, 15), "The number that was given when the program was attached.")
        .takes(&[arg("ctx", Context)])
        .at(any(&[KPROBE, TRACEPOINT, PERF_EVENT, TRAMPOLINE, LSM_MAC]))
        .later(&[from(6, 10, RAW_TP)])
        .fails(&["0 when none was given"]),
    row(175, "task_pt_regs", v(5, 15), "The user registers of a task.")
        .takes(&[arg("task", Btf("task_struct"))])
        .gives(Gives::Btf("pt_regs")).gpl()
        .at(EVERYWHERE),
    row(176, "get_branch_snapshot", v(5, 16), "Copies the last branches that the CPU took.")
        .takes(&[arg("entries", MemOut), arg("size", SizeOrZero), arg("flags", Unchecked)])
        .gpl()
        .at(TRACE)
        .later(&[from(6, 16, EVERYWHERE)])
        .fails(&["the bytes", "-EINVAL for unknown flags", "-ENOENT when the CPU keeps none"]),
    row(177, "trace_vprintk", v(5, 16), "Writes a formatted line with many arguments to the kernel's trace_pipe.")
        .takes(&[
            arg("format", MemIn), arg("format_size", Size), arg("data", MemInOrNull), arg("data_len", SizeOrZero),
        ])
        .gpl()
        .at(EVERYWHERE)
        .fails(&[
            "the length", "-EINVAL for formats or arguments that it does not take",
            "-EBUSY when the buffers are in use",
        ]),
    row(178, "skc_to_unix_sock", v(5, 16), "The socket as a Unix socket.")
        .takes(&[arg("sk", Sock)])
        .gives(Gives::BtfOrNull("unix_sock"))
        .at(any(&[SK_BASE, TYPED]))
        .fails(&["null when it is none"]),
    row(179, "kallsyms_lookup_name", v(5, 16), "The address of a kernel symbol.")
        .takes(&[arg("name", MemIn), arg("name_sz", SizeOrZero), arg("flags", Anything), arg("res", FixedOut(8))])
        .at(SYSCALL)
        .fails(&[
            "-EINVAL for unknown flags or names without a zero", "-ENOENT when there is none",
            "-EPERM when addresses are hidden",
        ]),
    row(180, "find_vma", v(5, 17), "Calls a function for the memory mapping of a task that holds an address.")
        .takes(&[
            arg("task", Btf("task_struct")), arg("addr", Anything), arg("callback", Callback),
            arg("context", StackOrNull), arg("flags", Anything),
        ])
        .at(TRACE)
        .later(&[from(6, 16, EVERYWHERE)])
        .fails(&["-ENOENT when there is none", "-EBUSY when the mappings are locked", "-EINVAL for unknown flags"]),
    row(181, "loop", v(5, 17), "Calls a function so many times, or until it returns 1.")
        .takes(&[
            arg("nr_loops", Anything), arg("callback", Callback), arg("context", StackOrNull),
            arg("flags", Anything),
        ])
        .at(EVERYWHERE)
        .fails(&["the number of calls", "-EINVAL for unknown flags", "-E2BIG beyond 8388608"]),
    row(182, "strncmp", v(5, 17), "Compares a string with a constant one.")
        .takes(&[arg("s1", MemIn), arg("s1_sz", Size), arg("s2", ConstString)])
        .at(EVERYWHERE)
        .fails(&["as strncmp(3)"]),
    row(183, "get_func_arg", v(5, 17), "An argument of the traced function.")
        .takes(&[arg("ctx", Context), arg("n", Anything), arg("value", FixedOut(8))])
        .at(TRAMPOLINE_LSM)
        .fails(&["-EINVAL when it has no such argument"]),
    row(184, "get_func_ret", v(5, 17), "What the traced function returned.")
        .takes(&[arg("ctx", Context), arg("value", FixedOut(8))])
        .at(TRAMPOLINE_LSM)
        .fails(&["-EOPNOTSUPP before it has returned"]),
    row(185, "get_func_arg_cnt", v(5, 17), "The number of arguments of the traced function.")
        .takes(&[arg("ctx", Context)])
        .at(TRAMPOLINE_LSM),
    row(186, "get_retval", v(5, 18), "What the system call will return, as far as the programs have decided.")
        .at(any(&[CGROUP_RETVAL, LSM_CGROUP])),
    row(187, "set_retval", v(5, 18), "Sets what the system call will return.")
        .takes(&[arg("retval", Anything)])
        .at(any(&[CGROUP_RETVAL, LSM_CGROUP])),
    row(188, "xdp_get_buff_len", v(5, 18), "The length of a frame with all its fragments.")
        .takes(&[arg("ctx", Context)])
        .otherwise(&[
            at(TYPED, &[arg("xdp_md", Btf("xdp_buff"))]),
        ])
        .at(any(&[XDP, TYPED])),
    row(189, "xdp_load_bytes", v(5, 18), "Copies bytes of a frame to memory, across fragments.")
        .takes(&[arg("ctx", Context), arg("offset", Anything), arg("buf", MemOut), arg("len", Size)])
        .at(XDP)
        .fails(&["-EFAULT when the offset is too large", "-EINVAL when the frame is too short"]),
    row(190, "xdp_store_bytes", v(5, 18), "Writes bytes into a frame, across fragments.")
        .takes(&[arg("ctx", Context), arg("offset", Anything), arg("buf", MemIn), arg("len", Size)])
        .at(XDP)
        .fails(&["-EFAULT when the offset is too large", "-EINVAL when the frame is too short"]),
    row(191, "copy_from_user_task", v(5, 18), "Copies memory of another process, and waits until it is there.")
        .takes(&[
            arg("dst", MemOut), arg("size", SizeOrZero), arg("address", Anything), arg("task", Btf("task_struct")),
            arg("flags", Anything),
        ])
        .gpl().sleeps()
        .at(TRACE)
        .later(&[from(6, 16, EVERYWHERE)])
        .fails(&["-EFAULT when the address cannot be read", "-EINVAL for unknown flags", "the buffer is then zero"]),
    row(192, "skb_set_tstamp", v(5, 18), "Sets the time stamp of a packet and which clock it is of.")
        .takes(&[arg("ctx", Context), arg("tstamp", Anything), arg("tstamp_type", Anything)])
        .at(TC)
        .fails(&[
            "-EINVAL for unknown clocks or a stamp that the clock does not take", "-EOPNOTSUPP for other protocols",
        ]),
    row(193, "ima_file_hash", v(5, 18), "The hash that the integrity measurement has of an open file, computed when \
        there is none.")
        .takes(&[arg("file", Btf("file")), arg("dst", MemOut), arg("size", Size)])
        .sleeps()
        .at(LSM)
        .by_target(LSM)
        .fails(&["the algorithm", "-EOPNOTSUPP when it measures nothing or has no hash"]),
    row(194, "kptr_xchg", v(5, 19), "Puts a pointer into a map value and takes out the one that was there.")
        .takes(&[arg("map_value", KptrSlot), arg("ptr", KptrOrNull).released()])
        .gives(Gives::KptrOrNull).acquires()
        .at(EVERYWHERE)
        .fails(&["null when none was there"]),
    row(195, "map_lookup_percpu_elem", v(5, 19), "Finds the value of a key in a per-CPU map, for any CPU.")
        .takes(&[arg("map", ConstMap), arg("key", MapKey), arg("cpu", Anything)])
        .gives(Gives::MapValueOrNull)
        .with(&[MapType::PercpuHash, MapType::PercpuArray, MapType::LruPercpuHash])
        .at(EVERYWHERE)
        .fails(&["null when there is no such key or CPU"]),
    row(196, "skc_to_mptcp_sock", v(5, 19), "The socket as an MPTCP socket.")
        .takes(&[arg("sk", SockCommon)])
        .gives(Gives::BtfOrNull("mptcp_sock"))
        .at(any(&[SK_BASE, TYPED]))
        .fails(&["null when it is none"]),
    row(197, "dynptr_from_mem", v(5, 19), "Makes a dynptr of memory.")
        .takes(&[arg("data", MemOut), arg("size", SizeOrZero), arg("flags", Anything), arg("ptr", DynptrOut)])
        .at(EVERYWHERE)
        .fails(&["-E2BIG when it is too large", "-EINVAL for unknown flags"]),
    row(198, "ringbuf_reserve_dynptr", v(5, 19), "Makes room for a record in a ring buffer and a dynptr of it.")
        .takes(&[arg("map", ConstMap), arg("size", Anything), arg("flags", Anything), arg("ptr", RingbufDynptrOut)])
        .with(&[MapType::Ringbuf])
        .at(EVERYWHERE)
        .fails(&[
            "-EINVAL without room or for unknown flags", "-E2BIG when it is too large",
            "the dynptr must be given back all the same",
        ]),
    row(199, "ringbuf_submit_dynptr", v(5, 19), "Hands the record of a dynptr over to the ring buffer's reader.")
        .takes(&[arg("ptr", RingbufDynptr).released(), arg("flags", Anything)])
        .gives(Gives::Void)
        .at(EVERYWHERE),
    row(200, "ringbuf_discard_dynptr", v(5, 19), "Throws the record of a dynptr away.")
        .takes(&[arg("ptr", RingbufDynptr).released(), arg("flags", Anything)])
        .gives(Gives::Void)
        .at(EVERYWHERE),
    row(201, "dynptr_read", v(5, 19), "Copies from a dynptr to memory.")
        .takes(&[
            arg("dst", MemOut), arg("len", SizeOrZero), arg("src", Dynptr), arg("offset", Anything),
            arg("flags", Anything),
        ])
        .at(EVERYWHERE)
        .fails(&["-E2BIG beyond its end", "-EINVAL for an invalid dynptr or unknown flags"]),
    row(202, "dynptr_write", v(5, 19), "Copies from memory to a dynptr.")
        .takes(&[
            arg("dst", Dynptr), arg("offset", Anything), arg("src", MemIn), arg("len", SizeOrZero),
            arg("flags", Anything),
        ])
        .at(EVERYWHERE)
        .fails(&["-E2BIG beyond its end", "-EINVAL for an invalid or read-only dynptr or unknown flags"]),
    row(203, "dynptr_data", v(5, 19), "A pointer to bytes of a dynptr.")
        .takes(&[arg("ptr", Dynptr), arg("offset", Anything), arg("len", AllocSize)])
        .gives(Gives::DynptrDataOrNull)
        .at(EVERYWHERE)
        .fails(&["null beyond its end, for an invalid or read-only dynptr, and for packets"]),
    row(204, "tcp_raw_gen_syncookie_ipv4", v(6, 0), "Makes a SYN cookie for IPv4 headers, without a socket.")
        .takes(&[arg("iph", FixedIn(20)), arg("th", MemIn), arg("th_len", SizeOrZero)])
        .gpl()
        .at(any(&[TC, XDP]))
        .needs("CONFIG_SYN_COOKIES")
        .fails(&["the cookie and above it the segment size", "-EINVAL for a bad length"]),
    row(205, "tcp_raw_gen_syncookie_ipv6", v(6, 0), "Makes a SYN cookie for IPv6 headers, without a socket.")
        .takes(&[arg("iph", FixedIn(40)), arg("th", MemIn), arg("th_len", SizeOrZero)])
        .gpl()
        .at(any(&[TC, XDP]))
        .needs("CONFIG_SYN_COOKIES")
        .fails(&[
            "the cookie and above it the segment size", "-EINVAL for a bad length",
            "-EPROTONOSUPPORT without the kernel option",
        ]),
    row(206, "tcp_raw_check_syncookie_ipv4", v(6, 0), "Whether a TCP header over IPv4 carries a valid SYN cookie, \
        without a socket.")
        .takes(&[arg("iph", FixedIn(20)), arg("th", FixedIn(20))])
        .gpl()
        .at(any(&[TC, XDP]))
        .needs("CONFIG_SYN_COOKIES")
        .fails(&["0 when it does", "-EACCES when it does not"]),
    row(207, "tcp_raw_check_syncookie_ipv6", v(6, 0), "Whether a TCP header over IPv6 carries a valid SYN cookie, \
        without a socket.")
        .takes(&[arg("iph", FixedIn(40)), arg("th", FixedIn(20))])
        .gpl()
        .at(any(&[TC, XDP]))
        .needs("CONFIG_SYN_COOKIES")
        .fails(&["0 when it does", "-EACCES when it does not", "-EPROTONOSUPPORT without the kernel option"]),
    row(208, "ktime_get_tai_ns", v(6, 1), "Nanoseconds of international atomic time.")
        .at(EVERYWHERE),
    row(209, "user_ringbuf_drain", v(6, 1), "Calls a function for each record that the user has put into a ring \
        buffer.")
        .takes(&[
            arg("map", ConstMap), arg("callback", Callback), arg("context", StackOrNull), arg("flags", Anything),
        ])
        .with(&[MapType::UserRingbuf])
        .at(EVERYWHERE)
        .fails(&[
            "the number of records", "-EBUSY when another drains it", "-EINVAL for unknown flags or a broken record",
            "-E2BIG for a record beyond the buffer",
        ]),
    row(210, "cgrp_storage_get", v(6, 2), "The storage that a map keeps for a cgroup, made on request.")
        .takes(&[
            arg("map", ConstMap), arg("cgroup", BtfOrNull("cgroup")), arg("value", MapValueOrNull),
            arg("flags", Anything),
        ])
        .gives(Gives::MapValueOrNull)
        .with(&[MapType::CgrpStorage])
        .at(EVERYWHERE)
        .needs("CONFIG_CGROUPS")
        .fails(&["null when there is none and none was asked for or could be made"]),
    row(211, "cgrp_storage_delete", v(6, 2), "Removes the storage that a map keeps for a cgroup.")
        .takes(&[arg("map", ConstMap), arg("cgroup", BtfOrNull("cgroup"))])
        .with(&[MapType::CgrpStorage])
        .at(EVERYWHERE)
        .needs("CONFIG_CGROUPS")
        .fails(&[
            "-ENOENT when there is none", "-EINVAL without a cgroup", "-EBUSY when the map is in use by this CPU",
        ]),
];
