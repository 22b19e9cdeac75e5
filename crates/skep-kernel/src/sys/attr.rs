//! What `bpf(2)` takes: one zeroed structure for each command's part of `union bpf_attr`.
//!
//! Layouts are those of the kernel's `include/uapi/linux/bpf.h`; each ends with the last field skep sets, since the
//! kernel reads what lies beyond as zero. Pointers are 64-bit numbers on every architecture. The tests below compare
//! every offset with the running kernel's BTF where there is one.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Declares one structure of plain numbers, all zero by default.
macro_rules! attrs {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $ty:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
            #[repr(C)]
            pub(crate) struct $name { $(pub(crate) $field: $ty),* }
        )*
    };
}

attrs! {
    /// `BPF_MAP_CREATE`.
    MapCreate {
        map_type: u32, key_size: u32, value_size: u32, max_entries: u32, map_flags: u32, inner_map_fd: u32,
        numa_node: u32, map_name: [u8; 16], map_ifindex: u32, btf_fd: u32, btf_key_type_id: u32,
        btf_value_type_id: u32, btf_vmlinux_value_type_id: u32, map_extra: u64, value_type_btf_fd: u32, token_fd: u32,
    }
    /// `BPF_MAP_*_ELEM` and `BPF_MAP_GET_NEXT_KEY` (where `value` is the next key).
    Elem { map_fd: u32, pad: u32, key: u64, value: u64, flags: u64 }
    /// `BPF_MAP_FREEZE`.
    Freeze { map_fd: u32 }
    /// `BPF_PROG_LOAD`.
    ProgLoad {
        prog_type: u32, insn_cnt: u32, insns: u64, license: u64, log_level: u32, log_size: u32, log_buf: u64,
        kern_version: u32, prog_flags: u32, prog_name: [u8; 16], prog_ifindex: u32, expected_attach_type: u32,
        prog_btf_fd: u32, func_info_rec_size: u32, func_info: u64, func_info_cnt: u32, line_info_rec_size: u32,
        line_info: u64, line_info_cnt: u32, attach_btf_id: u32, attach_fd: u32, core_relo_cnt: u32, fd_array: u64,
        core_relos: u64, core_relo_rec_size: u32, log_true_size: u32, token_fd: u32, fd_array_cnt: u32,
    }
    /// `BPF_OBJ_PIN` and `BPF_OBJ_GET`.
    Pin { path: u64, fd: u32, flags: u32 }
    /// `BPF_PROG_TEST_RUN`.
    TestRun {
        prog_fd: u32, retval: u32, data_size_in: u32, data_size_out: u32, data_in: u64, data_out: u64,
        repeat: u32, duration: u32, ctx_size_in: u32, ctx_size_out: u32, ctx_in: u64, ctx_out: u64,
        flags: u32, cpu: u32,
    }
    /// `BPF_*_GET_NEXT_ID` and `BPF_*_GET_FD_BY_ID`.
    Id { id: u32, next_id: u32, open_flags: u32 }
    /// `BPF_OBJ_GET_INFO_BY_FD`.
    Info { bpf_fd: u32, info_len: u32, info: u64 }
    /// `BPF_RAW_TRACEPOINT_OPEN`.
    RawTracepoint { name: u64, prog_fd: u32, pad: u32 }
    /// `BPF_BTF_LOAD`.
    BtfLoad {
        btf: u64, btf_log_buf: u64, btf_size: u32, btf_log_size: u32, btf_log_level: u32, btf_log_true_size: u32,
        btf_flags: u32, token_fd: u32,
    }
    /// `BPF_TOKEN_CREATE`.
    TokenCreate { flags: u32, bpffs_fd: u32 }
    /// `BPF_LINK_CREATE` for a device or a perf event.
    LinkCreate { prog_fd: u32, target: u32, attach_type: u32, flags: u32, cookie: u64 }
    /// `BPF_LINK_CREATE` for many kernel functions, by the addresses of their names.
    LinkKprobes {
        prog_fd: u32, target: u32, attach_type: u32, flags: u32, multi_flags: u32, count: u32, names: u64,
        addresses: u64, cookies: u64,
    }
    /// `BPF_LINK_CREATE` for many places of a user program.
    LinkUprobes {
        prog_fd: u32, target: u32, attach_type: u32, flags: u32, path: u64, offsets: u64, counters: u64, cookies: u64,
        count: u32, multi_flags: u32, pid: u32, pad: u32,
    }
    /// `BPF_LINK_CREATE` for a netfilter hook.
    LinkNetfilter {
        prog_fd: u32, target: u32, attach_type: u32, flags: u32, family: u32, hook: u32, priority: i32, hook_flags: u32,
    }
    /// `BPF_PROG_ATTACH`, and `BPF_PROG_DETACH` of this program.
    ProgAttach { target: u32, prog_fd: u32, attach_type: u32, flags: u32 }
    /// `BPF_ITER_CREATE`.
    IterCreate { link_fd: u32, flags: u32 }
    /// `BPF_ENABLE_STATS`.
    EnableStats { kind: u32 }

    /// What the kernel says of a map: `struct bpf_map_info`.
    MapInfoRaw {
        map_type: u32, id: u32, key_size: u32, value_size: u32, max_entries: u32, map_flags: u32, name: [u8; 16],
        ifindex: u32, btf_vmlinux_value_type_id: u32, netns_dev: u64, netns_ino: u64, btf_id: u32,
        btf_key_type_id: u32, btf_value_type_id: u32, btf_vmlinux_id: u32, map_extra: u64,
    }
    /// What the kernel says of a program: `struct bpf_prog_info`.
    ProgInfoRaw {
        prog_type: u32, id: u32, tag: [u8; 8], jited_prog_len: u32, xlated_prog_len: u32, jited_prog_insns: u64,
        xlated_prog_insns: u64, load_time: u64, created_by_uid: u32, nr_map_ids: u32, map_ids: u64, name: [u8; 16],
        ifindex: u32, gpl_compatible: u32, netns_dev: u64, netns_ino: u64, nr_jited_ksyms: u32,
        nr_jited_func_lens: u32, jited_ksyms: u64, jited_func_lens: u64, btf_id: u32, func_info_rec_size: u32,
        func_info: u64, nr_func_info: u32, nr_line_info: u32, line_info: u64, jited_line_info: u64,
        nr_jited_line_info: u32, line_info_rec_size: u32, jited_line_info_rec_size: u32, nr_prog_tags: u32,
        prog_tags: u64, run_time_ns: u64, run_cnt: u64, recursion_misses: u64, verified_insns: u32,
        attach_btf_obj_id: u32, attach_btf_id: u32, pad: u32,
    }
    /// What the kernel says of types: `struct bpf_btf_info`.
    BtfInfoRaw { btf: u64, btf_size: u32, id: u32, name: u64, name_len: u32, kernel_btf: u32 }

    /// `struct perf_event_attr` up to `config2` (`PERF_ATTR_SIZE_VER1`).
    PerfEvent {
        kind: u32, size: u32, config: u64, sample: u64, sample_type: u64, read_format: u64, flags: u64,
        wakeup: u32, bp_type: u32, config1: u64, config2: u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::{offset_of, size_of};

    /// Offsets as `union bpf_attr` of Linux 6.18 has them.
    #[test]
    fn fields_lie_where_the_kernel_reads_them() {
        assert_eq!(offset_of!(MapCreate, map_name), 28);
        assert_eq!(offset_of!(MapCreate, btf_fd), 48);
        assert_eq!((offset_of!(MapCreate, map_extra), size_of::<MapCreate>()), (64, 80));
        assert_eq!(offset_of!(MapCreate, token_fd), 76);
        assert_eq!((offset_of!(Elem, key), offset_of!(Elem, flags)), (8, 24));
        assert_eq!((offset_of!(ProgLoad, license), offset_of!(ProgLoad, log_buf)), (16, 32));
        assert_eq!((offset_of!(ProgLoad, prog_name), offset_of!(ProgLoad, expected_attach_type)), (48, 68));
        assert_eq!((offset_of!(ProgLoad, func_info), offset_of!(ProgLoad, line_info)), (80, 96));
        assert_eq!((offset_of!(ProgLoad, attach_btf_id), offset_of!(ProgLoad, fd_array)), (108, 120));
        assert_eq!((offset_of!(ProgLoad, token_fd), size_of::<ProgLoad>()), (144, 152));
        assert_eq!((offset_of!(TestRun, data_in), offset_of!(TestRun, repeat)), (16, 32));
        assert_eq!((offset_of!(TestRun, ctx_in), offset_of!(TestRun, cpu)), (48, 68));
        assert_eq!(offset_of!(Info, info), 8);
        assert_eq!((offset_of!(BtfLoad, btf_size), offset_of!(BtfLoad, token_fd)), (16, 36));
        assert_eq!((offset_of!(TokenCreate, bpffs_fd), size_of::<TokenCreate>()), (4, 8));
        assert_eq!(offset_of!(LinkCreate, cookie), 16);
        assert_eq!((offset_of!(LinkKprobes, multi_flags), offset_of!(LinkKprobes, names)), (16, 24));
        assert_eq!((offset_of!(LinkUprobes, path), offset_of!(LinkUprobes, count)), (16, 48));
        assert_eq!((offset_of!(LinkNetfilter, family), size_of::<LinkNetfilter>()), (16, 32));
        assert_eq!((offset_of!(MapInfoRaw, btf_id), offset_of!(MapInfoRaw, map_extra)), (64, 80));
        assert_eq!((offset_of!(ProgInfoRaw, name), offset_of!(ProgInfoRaw, netns_dev)), (64, 88));
        assert_eq!((offset_of!(ProgInfoRaw, btf_id), offset_of!(ProgInfoRaw, run_time_ns)), (128, 192));
        assert_eq!(offset_of!(ProgInfoRaw, verified_insns), 216);
        assert_eq!((offset_of!(PerfEvent, flags), size_of::<PerfEvent>()), (40, 72));
    }
}
