//! Counting what the kernel does not: a few instructions put into a program's code. Code in, code out; no kernel here.
//!
//! Two things are counted in the one value of an array map, addressed directly:
//! - at each `exit` of the main function, its result, in a stripe of the value chosen by CPU;
//! - after each ring-buffer call that can fail, a lost record, in the value's first word.
//!
//! A reserved record's loss is counted where the program's own null check finds it, other losses behind the call.
//!
//! The inserted code uses no stack. At the main function's exit all registers but `r0` are dead; after a call `r1`–`r5`
//! are. A program left by a tail call returns nothing, so its result counts where the called program exits.

mod insert;
mod null_check;

use std::collections::HashSet;

use skep_isa::Insn;
use skep_isa::insn::{LD_IMM64, PSEUDO_CALL, PSEUDO_FUNC, PSEUDO_MAP_VALUE};
use skep_isa::spec::result::{DROP, KEEP, OTHER};
use skep_isa::spec::{ProgType, result};
use skep_object::ProgramSpec;

use insert::Insertions;

/// How the value of the counting map is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// How the number of a result is found.
    buckets: Buckets,
    /// Bytes of one CPU's stripe, a power of two.
    stride: u32,
    /// Number of stripes, a power of two.
    stripes: u32,
}

/// How results are sorted into buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Buckets {
    /// Results are not counted.
    None,
    /// One for each number from `first` up, then one for all others.
    Named { first: i32, names: Vec<&'static str> },
    /// One for 0, one for all else.
    Length,
}

/// Bytes before the first stripe: the count of lost records, alone in its cache line.
const HEADER: u32 = 64;

impl Layout {
    /// The layout for programs of a type on a machine with this many CPUs.
    pub(crate) fn new(prog_type: ProgType, cpus: usize) -> Layout {
        let buckets = match result::of(prog_type) {
            result::Results::Named(rows) => named(rows),
            result::Results::Length => Buckets::Length,
            result::Results::Unused => Buckets::None,
        };
        let mut layout = Layout { buckets, stride: 0, stripes: 0 };
        if layout.names().next().is_some() {
            let bytes = u32::try_from(layout.names().count() * 8).unwrap_or(u32::MAX / 2);
            layout.stride = bytes.next_power_of_two().max(HEADER);
            layout.stripes = u32::try_from(cpus).unwrap_or(1).clamp(1, 4096).next_power_of_two();
        }
        layout
    }

    /// Bytes of the map's value.
    pub(crate) fn value_size(&self) -> u32 {
        HEADER + self.stride * self.stripes
    }

    /// Names of the buckets in order; none when results are not counted.
    fn names(&self) -> impl Iterator<Item = &'static str> {
        let (names, last): (&[&str], _) = match &self.buckets {
            Buckets::None => (&[], None),
            Buckets::Named { names, .. } => (names, Some(OTHER)),
            Buckets::Length => (&[DROP], Some(KEEP)),
        };
        names.iter().copied().chain(last)
    }

    /// Lost records in a value of the map.
    pub(crate) fn lost(value: &[u8]) -> u64 {
        word(value, 0)
    }

    /// Results in a value of the map, summed over CPUs; `None` when they are not counted.
    pub(crate) fn results(&self, value: &[u8]) -> Option<Vec<(&'static str, u64)>> {
        if self.buckets == Buckets::None {
            return None;
        }
        let at = |stripe: u32, bucket: usize| HEADER as usize + (stripe * self.stride) as usize + bucket * 8;
        let sum = |bucket| (0..self.stripes).map(|s| word(value, at(s, bucket))).sum();
        Some(self.names().enumerate().map(|(bucket, name)| (name, sum(bucket))).collect())
    }
}

/// Buckets for named results, when their numbers stand without gaps.
fn named(rows: &[result::Row]) -> Buckets {
    let first = rows.first().map_or(0, |row| row.value);
    let dense = rows.iter().zip(first..).all(|(row, value)| row.value == value);
    match dense {
        true => Buckets::Named { first, names: rows.iter().map(|row| row.name).collect() },
        false => Buckets::None,
    }
}

fn word(value: &[u8], at: usize) -> u64 {
    value.get(at..).and_then(|v| v.first_chunk()).map_or(0, |b| u64::from_ne_bytes(*b))
}

/// A program with counting put in.
#[derive(Debug)]
pub(crate) struct Counted {
    /// The program; what it says of slots has moved along.
    pub(crate) spec: ProgramSpec,
    /// First slots of the `ld_imm64` that want the counting map's descriptor.
    pub(crate) map_slots: Vec<usize>,
}

/// Why a program cannot be counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum GiveUp {
    /// A jump would have to go further than its 16 bits reach.
    #[error("a jump would become too long")]
    TooFar,
    /// A packet load ends the program by itself when it fails, and so without an `exit`.
    #[error("it has packet loads (`LD_ABS`) that may end it early")]
    PacketLoad,
    /// A jump goes where only the running program knows.
    #[error("it has a computed jump")]
    Computed,
    /// A jump or call leaves the code.
    #[error("a jump leaves the program")]
    Wild,
}

/// Puts counting into a program; `None` when there is nothing to count.
pub(crate) fn instrument(spec: &ProgramSpec, layout: &Layout) -> Result<Option<Counted>, GiveUp> {
    let main_end = main_end(spec);
    let targets = targets(&spec.code)?;
    let mut insertions = Insertions::default();
    for (slot, insn) in instructions(&spec.code) {
        if is_packet_load(insn) && layout.buckets != Buckets::None {
            return Err(GiveUp::PacketLoad);
        }
        if insn.is_exit() && slot < main_end && layout.buckets != Buckets::None {
            insertions.before(slot, count_result(layout));
        } else if insn.is_helper_call()
            && let Some(success) = success(insn.imm)
        {
            match null_check::find(&spec.code, slot, |slot| targets.contains(&slot)) {
                Some(check) if insn.imm == RESERVE && check.jumps => {
                    insertions.on_jump(check.slot, count_lost(check.free));
                }
                Some(check) if insn.imm == RESERVE => insertions.after(check.slot, count_lost(check.free)),
                _ => insertions.after(slot, count_loss(success)),
            }
        }
    }
    if insertions.is_empty() {
        return Ok(None);
    }
    insertions.apply(spec).map(Some)
}

/// Instructions with their slots; second halves of wide loads are left out.
fn instructions(code: &[Insn]) -> impl Iterator<Item = (usize, Insn)> {
    let mut second_half = false;
    code.iter().enumerate().filter_map(move |(slot, insn)| {
        let skip = second_half;
        second_half = !skip && insn.is_wide();
        (!skip).then_some((slot, *insn))
    })
}

/// `LD_ABS` and `LD_IND`, which classic BPF left behind.
fn is_packet_load(insn: Insn) -> bool {
    insn.class() == 0 && matches!(insn.code & 0xe0, 0x20 | 0x40)
}

/// Where the main function ends: at the first other function known, called, or pointed to.
fn main_end(spec: &ProgramSpec) -> usize {
    let known = spec.funcs.iter().map(|f| i64::from(f.slot));
    let used = instructions(&spec.code).filter_map(|(slot, insn)| {
        let refers = insn.is_local_call() || (insn.is_wide() && insn.src == PSEUDO_FUNC);
        refers.then_some(slot as i64 + 1 + i64::from(insn.imm))
    });
    let end = known.chain(used).filter(|slot| *slot > 0).min();
    end.and_then(|slot| usize::try_from(slot).ok()).unwrap_or(spec.code.len())
}

// Codes of the inserted instructions, as `class | operation | source`.
const MOV_IMM: u8 = 0xb7;
const MOV: u8 = 0xbf;
const MOV32: u8 = 0xbc;
const MOV32_IMM: u8 = 0xb4;
const ADD: u8 = 0x0f;
const ADD32_IMM: u8 = 0x04;
const AND_IMM: u8 = 0x57;
const LSH_IMM: u8 = 0x67;
const JEQ_IMM: u8 = 0x15;
const JNE_IMM: u8 = 0x55;
const JSGE_IMM: u8 = 0x75;
const JLE32_IMM: u8 = 0xb6;
const JEQ32_IMM: u8 = 0x16;
const ATOMIC_ADD: u8 = 0xdb;
const CALL: u8 = skep_isa::insn::CALL;

/// `bpf_get_smp_processor_id`.
const GET_CPU: i32 = 8;

/// `bpf_ringbuf_reserve`.
const RESERVE: i32 = 131;

/// The test that a ring-buffer call's `r0` passes when nothing was lost; `None` for other helpers.
fn success(helper: i32) -> Option<u8> {
    match helper {
        130 => Some(JSGE_IMM),    // bpf_ringbuf_output: 0 or a negative error
        RESERVE => Some(JNE_IMM), // bpf_ringbuf_reserve: an address or null
        198 => Some(JEQ_IMM),     // bpf_ringbuf_reserve_dynptr: 0 or a negative error
        _ => None,
    }
}

/// Where a program's records go, and so who can count their loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Records {
    /// It sends none.
    None,
    /// Ring buffers alone: the inserted instructions count.
    Ring,
    /// Perf buffers too, whose losses only their reader sees.
    Perf,
}

impl Records {
    pub(crate) fn of(spec: &ProgramSpec) -> Records {
        let helpers = || instructions(&spec.code).filter(|(_, i)| i.is_helper_call()).map(|(_, i)| i.imm);
        // bpf_perf_event_output, bpf_skb_output, bpf_xdp_output
        if helpers().any(|id| matches!(id, 25 | 111 | 121)) {
            Records::Perf
        } else if helpers().any(|id| success(id).is_some()) {
            Records::Ring
        } else {
            Records::None
        }
    }
}

/// A stretch of inserted code, and the slot in it of the `ld_imm64` of the map's value.
struct Stretch {
    code: Vec<Insn>,
    map_at: usize,
}

/// Counts a loss unless `r0` passes the test.
fn count_loss(success: u8) -> Stretch {
    let Stretch { mut code, map_at } = count_lost([1, 2]);
    code.insert(0, Insn::new(success, 0, 0, 4, 0));
    Stretch { code, map_at: map_at + 1 }
}

/// Counts a loss, with two registers that are free.
fn count_lost([one, address]: [u8; 2]) -> Stretch {
    let code = vec![
        Insn::new(MOV_IMM, one, 0, 0, 1),
        Insn::new(LD_IMM64, address, PSEUDO_MAP_VALUE, 0, 0),
        Insn::new(0, 0, 0, 0, 0),
        Insn::new(ATOMIC_ADD, address, one, 0, 0),
    ];
    Stretch { code, map_at: 1 }
}

fn count_result(layout: &Layout) -> Stretch {
    let stride = layout.stride.trailing_zeros().cast_signed();
    let mut code = vec![
        Insn::new(MOV, 6, 0, 0, 0),
        Insn::new(CALL, 0, 0, 0, GET_CPU),
        Insn::new(AND_IMM, 0, 0, 0, layout.stripes.cast_signed() - 1),
        Insn::new(LSH_IMM, 0, 0, 0, stride),
        Insn::new(LD_IMM64, 1, PSEUDO_MAP_VALUE, 0, 0),
        Insn::new(0, 0, 0, 0, HEADER.cast_signed()),
        Insn::new(ADD, 1, 0, 0, 0),
        Insn::new(MOV32, 2, 6, 0, 0),
    ];
    match &layout.buckets {
        Buckets::None => {}
        Buckets::Named { first, names } => {
            let other = i32::try_from(names.len()).unwrap_or(i32::MAX);
            code.push(Insn::new(ADD32_IMM, 2, 0, 0, first.wrapping_neg()));
            code.push(Insn::new(JLE32_IMM, 2, 0, 1, other));
            code.push(Insn::new(MOV32_IMM, 2, 0, 0, other));
        }
        Buckets::Length => {
            code.push(Insn::new(JEQ32_IMM, 2, 0, 1, 0));
            code.push(Insn::new(MOV32_IMM, 2, 0, 0, 1));
        }
    }
    code.extend([
        Insn::new(LSH_IMM, 2, 0, 0, 3),
        Insn::new(ADD, 1, 2, 0, 0),
        Insn::new(MOV_IMM, 2, 0, 0, 1),
        Insn::new(ATOMIC_ADD, 1, 2, 0, 0),
        Insn::new(MOV, 0, 6, 0, 0),
    ]);
    Stretch { code, map_at: 4 }
}

/// Where the distance of a jump or call is kept.
enum Distance {
    Off,
    Imm,
}

/// The slot an instruction goes to or points at, with the place of its distance; `None` for all others.
fn target(slot: usize, insn: Insn) -> Result<Option<(i64, Distance)>, GiveUp> {
    const JMP: u8 = 0x05;
    const JMP32: u8 = 0x06;
    const FROM_REGISTER: u8 = 0x08;
    let from = slot as i64 + 1;
    let far = from + i64::from(insn.imm);
    let near = from + i64::from(insn.off);
    if insn.is_wide() && insn.src == PSEUDO_FUNC {
        return Ok(Some((far, Distance::Imm)));
    }
    if insn.class() != JMP && insn.class() != JMP32 {
        return Ok(None);
    }
    match insn.code & 0xf0 {
        0x80 if insn.code == CALL && insn.src == PSEUDO_CALL => Ok(Some((far, Distance::Imm))),
        0x80 | 0x90 => Ok(None), // other calls, exit
        0x00 if insn.code & FROM_REGISTER != 0 => Err(GiveUp::Computed),
        0x00 if insn.class() == JMP32 => Ok(Some((far, Distance::Imm))),
        _ => Ok(Some((near, Distance::Off))),
    }
}

/// All slots that jumps, calls and function addresses lead to.
fn targets(code: &[Insn]) -> Result<HashSet<usize>, GiveUp> {
    let mut slots = HashSet::new();
    for (slot, insn) in instructions(code) {
        if let Some((to, _)) = target(slot, insn)? {
            slots.insert(usize::try_from(to).map_err(|_| GiveUp::Wild)?);
        }
    }
    Ok(slots)
}

#[cfg(test)]
mod tests;
