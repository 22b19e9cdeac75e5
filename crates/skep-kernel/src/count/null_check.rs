//! Finding the program's own null check of what `bpf_ringbuf_reserve` returned.
//!
//! A second check put in front of it would do for new verifiers. Older ones (6.1 was tried) forget that a record's address was
//! checked, follow the program's own check into both branches, and miss a release in the impossible one.

use skep_isa::Insn;
use skep_isa::insn::CALL;

use super::{JEQ_IMM, JNE_IMM, MOV};

/// The check of a reserved record, and two registers that hold nothing when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NullCheck {
    /// Slot of the conditional jump.
    pub(super) slot: usize,
    /// True when it jumps with null (`if r0 == 0 goto`), false when it falls through with null.
    pub(super) jumps: bool,
    /// Registers that are dead on the way that null takes.
    pub(super) free: [u8; 2],
}

/// Looks along the straight line behind a call for the check of its result or of a copy of it.
///
/// `is_target` tells the slots that jumps go to: behind one the registers are not known.
pub(super) fn find(code: &[Insn], call: usize, is_target: impl Fn(usize) -> bool) -> Option<NullCheck> {
    // The call left its result in r0 and nothing readable in r1 to r5.
    let mut holds = [false; 16];
    holds[0] = true;
    let mut free: Vec<u8> = (1..=5).collect();
    let mut second_half = false;
    for (slot, insn) in code.iter().enumerate().skip(call + 1) {
        if std::mem::take(&mut second_half) {
            continue;
        }
        if is_target(slot) {
            return None;
        }
        let (dst, src) = (usize::from(insn.dst & 15), usize::from(insn.src & 15));
        match insn.code {
            JEQ_IMM | JNE_IMM if holds[dst] && insn.imm == 0 => {
                let free = free.first_chunk().copied()?;
                return Some(NullCheck { slot, jumps: insn.code == JEQ_IMM, free });
            }
            MOV if insn.off == 0 => holds[dst] = holds[src],
            CALL => return None,
            // Jumps end the line, and so do atomic operations, which may write other registers than their first.
            _ if matches!(insn.class(), 5 | 6) || insn.class() == 3 && insn.code & 0xe0 == 0xc0 => return None,
            // Stores write no register.
            _ if matches!(insn.class(), 2 | 3) => continue,
            _ => holds[dst] = false,
        }
        free.retain(|r| *r != insn.dst);
        second_half = insn.is_wide();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: u8 = 0x7b;

    fn reserve() -> Insn {
        Insn::new(CALL, 0, 0, 0, 131)
    }

    #[test]
    fn the_check_is_found_behind_copies_and_stores() {
        let code = [
            reserve(),
            Insn::new(MOV, 7, 0, 0, 0),
            Insn::new(0xb7, 1, 0, 0, 9),
            Insn::new(STORE, 10, 1, -8, 0),
            Insn::new(JEQ_IMM, 7, 0, 3, 0),
        ];
        assert_eq!(find(&code, 0, |_| false), Some(NullCheck { slot: 4, jumps: true, free: [2, 3] }));
        assert_eq!(find(&code, 0, |slot| slot == 3), None);
    }

    #[test]
    fn an_overwritten_result_or_another_call_ends_the_search() {
        let overwritten = [reserve(), Insn::new(0xb7, 0, 0, 0, 1), Insn::new(JNE_IMM, 0, 0, 1, 0)];
        assert_eq!(find(&overwritten, 0, |_| false), None);
        let called = [reserve(), Insn::new(CALL, 0, 0, 0, 5), Insn::new(JNE_IMM, 0, 0, 1, 0)];
        assert_eq!(find(&called, 0, |_| false), None);
        let compared = [reserve(), Insn::new(JNE_IMM, 0, 0, 1, 7)];
        assert_eq!(find(&compared, 0, |_| false), None);
    }
}
