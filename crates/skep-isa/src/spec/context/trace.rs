//! Contexts of programs that watch the kernel and its processes, and of those whose context is memory or an array.

use super::field::*;
use super::{Context, P};
use crate::spec::v;

const REG: Type = Type("unsigned long", 8);
/// Arguments of a function that a program may see.
const MAX_ARGS: u16 = 12;
const ARG: Type = Type("unsigned long long", 8);

#[rustfmt::skip]
pub(super) const PERF_EVENT: Context = Context {
    name: "bpf_perf_event_data",
    is_struct: true,
    prog_types: &[P::PerfEvent],
    default_attach: None,
    size: 184,
    since: v(4, 9),
    what: "A sample of a perf event: the registers (x86_64's here), the period and the address.",
    fields: &[
        row(0, "regs", REG, v(4, 9)).times(21),
        row(168, "sample_period", U64, v(4, 9)).part(),
        row(176, "addr", U64, v(4, 17)).part(),
    ],
};

/// A register, whole or in part.
const fn reg(offset: u16, name: &'static str) -> Field {
    row(offset, name, REG, v(4, 1)).part()
}

#[rustfmt::skip]
pub(super) const PT_REGS: Context = Context {
    name: "pt_regs",
    is_struct: true,
    prog_types: &[P::Kprobe],
    default_attach: None,
    size: 168,
    since: v(4, 1),
    what: "The processor's registers at the probed instruction, in x86_64's layout.",
    fields: &[
        reg(0, "r15"), reg(8, "r14"), reg(16, "r13"), reg(24, "r12"), reg(32, "bp"), reg(40, "bx"), reg(48, "r11"),
        reg(56, "r10"), reg(64, "r9"), reg(72, "r8"), reg(80, "ax"), reg(88, "cx"), reg(96, "dx"), reg(104, "si"),
        reg(112, "di"), reg(120, "orig_ax"), reg(128, "ip"), reg(136, "csx"),
        row(136, "cs", U16, v(4, 1)).part(), reg(144, "flags"), reg(152, "sp"),
        reg(160, "ssx"),
        row(160, "ss", U16, v(4, 1)).part(),
    ],
};

#[rustfmt::skip]
pub(super) const RAW_TRACEPOINT: Context = Context {
    name: "bpf_raw_tracepoint_args",
    is_struct: false,
    prog_types: &[P::RawTracepoint, P::RawTracepointWritable],
    default_attach: None,
    size: 8 * MAX_ARGS as u32,
    since: v(4, 17),
    what: "The arguments of a tracepoint as the kernel passes them, without types.",
    fields: &[
        row(0, "args", U64, v(4, 17)).times(MAX_ARGS).part().read(Who::Types(&[P::RawTracepoint])),
        row(0, "buffer", U64, v(5, 2)).kind(Kind::Buffer).read(Who::Types(&[P::RawTracepointWritable])),
        row(0, "parts of the buffer's address", U64, v(5, 2)).load(Width::Tail)
            .read(Who::Types(&[P::RawTracepointWritable])),
        row(8, "args behind the buffer", U64, v(5, 2)).times(MAX_ARGS - 1).part()
            .read(Who::Types(&[P::RawTracepointWritable])),
    ],
};

#[rustfmt::skip]
pub(super) const TRACEPOINT: Context = Context {
    name: "tracepoint_record",
    is_struct: false,
    prog_types: &[P::Tracepoint],
    default_attach: None,
    size: 8192,
    since: v(4, 7),
    what: "A tracepoint's record; its fields are those of the event's format file, its first 8 bytes are not readable.",
    fields: &[
        row(0, "common fields", U8, v(4, 7)).times(8).read(Who::Nobody),
        row(8, "the event's own fields", U8, v(4, 7)).times(8192 - 8).load(Width::Inside),
    ],
};

#[rustfmt::skip]
pub(super) const SYSCALL: Context = Context {
    name: "syscall_arguments",
    is_struct: false,
    prog_types: &[P::Syscall],
    default_attach: None,
    size: 65535,
    since: v(5, 14),
    what: "A copy of the memory that the caller of BPF_PROG_RUN handed over, at most 65535 bytes.",
    fields: &[row(0, "the caller's bytes", U8, v(5, 14)).times(65535).width(Width::Begins).write(Who::All)],
};

#[rustfmt::skip]
pub(super) const LIRC_MODE2: Context = Context {
    name: "lirc_mode2",
    is_struct: false,
    prog_types: &[P::LircMode2],
    default_attach: None,
    size: 4,
    since: v(4, 18),
    what: "One sample of an infrared receiver: its kind in the upper 8 bits, its length in microseconds below.",
    fields: &[row(0, "sample", Type("unsigned int", 4), v(4, 18))],
};

#[rustfmt::skip]
pub(super) const ARGUMENTS: Context = Context {
    name: "btf_arguments",
    is_struct: false,
    prog_types: &[P::Tracing, P::StructOps, P::Lsm],
    default_attach: None,
    size: 8 * MAX_ARGS as u32,
    since: v(5, 5),
    what: "The arguments of the function, tracepoint, iterator, security hook or table member, with their types; at a function's exit and at a security hook the result behind them.",
    fields: &[row(0, "args", ARG, v(5, 5)).times(MAX_ARGS).width(Width::Slot).write(Who::Types(&[P::Lsm])).kind(Kind::Argument)],
};
