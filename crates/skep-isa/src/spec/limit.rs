//! Limits: numbers that a program, map or call cannot exceed.

use super::{Version, v};

/// One limit.
#[derive(Debug)]
pub struct Row {
    /// A short name of ours.
    pub name: &'static str,
    /// The kernel's constant, where it has one.
    pub constant: Option<&'static str>,
    /// The number.
    pub value: u64,
    /// What is counted.
    pub unit: &'static str,
    /// The kernel from which on this number holds.
    pub since: Version,
    /// What the limit is on and what happens beyond it, in one sentence.
    pub what: &'static str,
}

const fn row(
    name: &'static str,
    constant: Option<&'static str>,
    (value, unit): (u64, &'static str),
    since: Version,
    what: &'static str,
) -> Row {
    Row { name, constant, value, unit, since, what }
}

/// All limits, the program's first, then the verifier's, then those of maps and of names.
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    row("instructions", Some("BPF_COMPLEXITY_LIMIT_INSNS"), (1_000_000, "instructions"), v(5, 2), "A program loaded with CAP_BPF has at most so many instructions; the kernel answers E2BIG beyond."),
    row("instructions_unprivileged", Some("BPF_MAXINSNS"), (4096, "instructions"), v(3, 18), "A program loaded without CAP_BPF, and any classic one, has at most so many instructions."),
    row("xt_bpf_instructions", Some("XT_BPF_MAX_NUM_INSTR"), (64, "instructions"), v(3, 9), "A classic program in a rule of iptables has at most so many instructions."),
    row("classic_cells", Some("BPF_MEMWORDS"), (16, "cells"), v(2, 2), "A classic program has so many cells of memory, M[0] being the first."),
    row("processed", Some("BPF_COMPLEXITY_LIMIT_INSNS"), (1_000_000, "instructions"), v(5, 2), "The verifier follows at most so many instructions over all paths, then says the program is too large."),
    row("jumps", Some("BPF_COMPLEXITY_LIMIT_JMP_SEQ"), (8192, "states"), v(5, 3), "So many paths may wait to be followed at one time, then the sequence of jumps is too complex."),
    row("states", Some("BPF_COMPLEXITY_LIMIT_STATES"), (64, "states"), v(4, 20), "Without CAP_BPF the verifier keeps about so many states for one instruction, and no more after them."),
    row("stack", Some("MAX_BPF_STACK"), (512, "bytes"), v(3, 18), "The stack frames of a program and the subprograms it has called hold together at most so many bytes; since 6.13 each by itself in programs that trace, on machines where the kernel gives those a stack of their own (x86; arm64 since 6.17)."),
    row("frames", Some("MAX_CALL_FRAMES"), (8, "frames"), v(4, 16), "Calls of subprograms nest at most so deep, the main program counted."),
    row("subprograms", Some("BPF_MAX_SUBPROGS"), (256, "subprograms"), v(4, 16), "A program has at most so many functions, the main one counted."),
    row("arguments", Some("MAX_BPF_FUNC_REG_ARGS"), (5, "registers"), v(3, 18), "A call passes at most so many arguments, in r1 to r5."),
    row("tracing_arguments", Some("MAX_BPF_FUNC_ARGS"), (12, "arguments"), v(5, 5), "A kernel function with more arguments cannot be traced by trampoline (on x86 one with more than 6 before 6.6)."),
    row("tail_calls", Some("MAX_TAIL_CALL_CNT"), (33, "calls"), v(4, 2), "So many tail calls may follow one another in one run; the next one falls through (the constant was 32 before 5.17, the number 33 all the same)."),
    row("used_maps", Some("MAX_USED_MAPS"), (64, "maps"), v(3, 18), "A program refers to at most so many maps."),
    row("used_btfs", Some("MAX_USED_BTFS"), (64, "BTFs"), v(5, 12), "A program refers to the types of at most so many modules."),
    row("kfuncs", Some("MAX_KFUNC_DESCS"), (256, "functions"), v(5, 13), "A program calls at most so many different kernel functions."),
    row("variable_offset", Some("BPF_MAX_VAR_OFF"), (1 << 29, "bytes"), v(4, 15), "An offset added to a pointer stays below this number."),
    row("variable_size", Some("BPF_MAX_VAR_SIZ"), (1 << 29, "bytes"), v(4, 15), "A size given to a helper stays below this number."),
    row("packet_offset", Some("MAX_PACKET_OFF"), (0xffff, "bytes"), v(4, 7), "An offset into a packet stays at or below this number."),
    row("loop_iterations", Some("BPF_MAX_LOOPS"), (8 * 1024 * 1024, "iterations"), v(5, 17), "The helper bpf_loop runs its callback at most so often."),
    row("timed_may_goto", Some("BPF_MAX_TIMED_LOOPS"), (0xffff, "iterations"), v(6, 15), "A may_goto loop looks at the clock after so many iterations, and ends when a quarter of a second has gone."),
    row("may_goto", Some("BPF_MAX_LOOPS"), (8 * 1024 * 1024, "iterations"), v(6, 9), "A may_goto loop runs at most so often on kernels and machines that do not look at the clock."),
    row("log", None, ((u32::MAX >> 2) as u64, "bytes"), v(5, 2), "The buffer for the verifier's log is at most so large."),
    row("licence_length", None, (128, "bytes"), v(3, 18), "A licence text is cut at this length, its end mark included."),
    row("name", Some("BPF_OBJ_NAME_LEN"), (16, "bytes"), v(4, 15), "Names of programs and maps have room for so many bytes, the end mark included."),
    row("map_key", None, (512, "bytes"), v(3, 18), "Keys of maps are at most so long where programs use them, for they stand on the stack."),
    row("percpu_value", Some("PCPU_MIN_UNIT_SIZE"), (32 * 1024, "bytes"), v(4, 6), "A value of a per-CPU map is at most so long."),
    row("stack_depth", Some("PERF_MAX_STACK_DEPTH"), (127, "frames"), v(4, 6), "A stack trace holds at most so many frames by default (kernel.perf_event_max_stack)."),
    row("ringbuf_record", None, (u32::MAX as u64 / 4, "bytes"), v(5, 8), "A record of a ring buffer is at most so long."),
    row("printk_line", Some("MAX_BPRINTF_BUF"), (1024, "bytes"), v(5, 9), "What one call of bpf_trace_printk or bpf_trace_vprintk writes is cut to so many bytes, the end mark included."),
    row("printk_arguments", None, (3, "arguments"), v(4, 1), "The helper bpf_trace_printk takes at most so many arguments beside the format."),
    row("snprintf_arguments", Some("MAX_BPRINTF_VARARGS"), (12, "arguments"), v(5, 13), "The helpers bpf_snprintf, bpf_seq_printf and bpf_trace_vprintk take at most so many arguments."),
    row("dynptr", Some("DYNPTR_MAX_SIZE"), ((1 << 24) - 1, "bytes"), v(5, 19), "A dynptr reaches over at most so many bytes."),
    row("cgroup_programs", Some("BPF_CGROUP_MAX_PROGS"), (64, "programs"), v(4, 15), "At most so many programs stand at one hook of one cgroup."),
    row("mprog_programs", Some("BPF_MPROG_MAX"), (64, "programs"), v(6, 6), "At most so many programs stand at one end of a device (tcx, netkit)."),
    row("perf_event_programs", Some("BPF_TRACE_MAX_PROGS"), (64, "programs"), v(4, 15), "At most so many programs stand at one tracepoint or kprobe of tracefs."),
    row("trampoline_programs", Some("BPF_MAX_TRAMP_LINKS"), (38, "programs"), v(5, 12), "At most so many programs share one trampoline of a function (27 on s390x)."),
    row("uprobe_multi", Some("MAX_UPROBE_MULTI_CNT"), (1 << 20, "places"), v(6, 8), "One uprobe_multi link has at most so many places."),
    row("kprobe_multi", Some("MAX_KPROBE_MULTI_CNT"), (1 << 20, "functions"), v(6, 8), "One kprobe_multi link has at most so many functions."),
];

/// The number of a limit, for constants: a name that no row has does not compile.
pub(crate) const fn value(name: &str) -> u64 {
    let mut at = 0;
    while at < TABLE.len() {
        if same(TABLE[at].name.as_bytes(), name.as_bytes()) {
            return TABLE[at].value;
        }
        at += 1;
    }
    panic!("no row has the name");
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}
