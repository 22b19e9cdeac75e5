//! The instruction budget is exact: what a run took is what a count of one instruction after the other says, and a run
//! is stopped when, and only when, it takes more than it may.

mod support;

use proptest::prelude::*;
use skep_isa::Insn;
use skep_vm::{Config, Fault, FaultKind, Machine, Outcome, Packet, Routine, Still as Quiet};
use support::*;

/// Most instructions a case may take.
const MOST: u64 = 3000;

/// Instructions of a program that jumps, calls and counts on registers, one by one; `None` when they are more than
/// [`MOST`], or calls nest too deep.
fn count(code: &[Insn]) -> Option<u64> {
    let (mut regs, mut at, mut taken) = ([0_u64; 11], 0_usize, 0);
    let mut callers: Vec<(usize, [u64; 4])> = Vec::new();
    loop {
        let insn = code[at];
        (at, taken) = (at + 1, taken + 1);
        if taken > MOST {
            return None;
        }
        let (dst, src) = (insn.dst as usize, insn.src as usize);
        let right = if insn.code & 8 == 0 { i64::from(insn.imm) as u64 } else { regs[src] };
        let goes = match insn.code {
            0xb7 | 0xbf => {
                regs[dst] = right;
                false
            }
            0x07 | 0x0f => {
                regs[dst] = regs[dst].wrapping_add(right);
                false
            }
            0xa7 | 0xaf => {
                regs[dst] ^= right;
                false
            }
            0x18 => {
                regs[dst] = u64::from(insn.imm as u32);
                at += 1;
                false
            }
            0x05 => true,
            0x15 | 0x1d => regs[dst] == right,
            0x55 | 0x5d => regs[dst] != right,
            0x25 | 0x2d => regs[dst] > right,
            0xa5 | 0xad => regs[dst] < right,
            0x85 => {
                callers.push((at, [regs[6], regs[7], regs[8], regs[9]]));
                if callers.len() == 8 {
                    return None;
                }
                at = (at as i64 + i64::from(insn.imm)) as usize;
                false
            }
            _ => {
                let Some((back, saved)) = callers.pop() else { return Some(taken) };
                at = back;
                regs[6..10].copy_from_slice(&saved);
                false
            }
        };
        if goes {
            at = (at as i64 + i64::from(insn.off)) as usize;
        }
    }
}

fn insn() -> impl Strategy<Value = Insn> {
    let code = prop_oneof![
        4 => prop::sample::select(vec![0xb7_u8, 0xbf, 0x07, 0x0f, 0xa7, 0xaf]),
        3 => prop::sample::select(vec![0x15_u8, 0x1d, 0x55, 0x5d, 0x25, 0x2d, 0xa5, 0xad, 0x05]),
        1 => prop::sample::select(vec![0x18_u8, 0x85, 0x95]),
    ];
    (code, 0..10_u8, 0..10_u8, -8..10_i16, -3..20_i32).prop_map(|(code, dst, src, off, imm)| {
        let by_register = code & 8 != 0 && code != 0x95;
        let (src, imm) = if by_register { (src, 0) } else { (0, imm) };
        match code {
            0x95 => exit(),
            0x18 => i(code, dst, 0, 0, imm),
            0x85 => i(code, 0, 1, 0, i32::from(off)),
            0x05 => i(code, 0, 0, off, 0),
            _ if code & 7 == 5 => i(code, dst, src, off, imm),
            _ => i(code, dst, src, 0, imm),
        }
    })
}

/// The instructions with every jump and call landing on one, and an end.
fn whole(parts: Vec<Insn>) -> Vec<Insn> {
    let mut code = Vec::new();
    for part in parts {
        code.push(part);
        if part.code == 0x18 {
            code.push(Insn::default());
        }
    }
    code.push(exit());
    let starts: Vec<bool> = code.iter().map(|insn| insn.code != 0).collect();
    let len = code.len() as i64;
    for (at, insn) in code.iter_mut().enumerate() {
        let distance = if insn.code == 0x85 { i64::from(insn.imm) } else { i64::from(insn.off) };
        let target = (at as i64 + 1 + distance).clamp(0, len - 1) as usize;
        let target = if starts[target] { target } else { target - 1 };
        let distance = target as i64 - at as i64 - 1;
        match insn.code {
            0x85 => insn.imm = distance as i32,
            code if code & 7 == 5 && code != 0x95 => insn.off = distance as i16,
            _ => {}
        }
    }
    code
}

fn xdp(code: &[Insn], fuel: u64) -> Outcome {
    let config = Config { fuel, ..Config::default() };
    let made = Machine::new(&object("xdp", code, &[]), None, config, Box::new(Quiet));
    let mut machine = made.unwrap_or_else(|error| panic!("{error}"));
    let mut packet = Packet::new();
    packet.set_frame(&[0; 64]);
    machine.run(0, &mut packet)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn a_run_takes_what_a_naive_count_says(parts in prop::collection::vec(insn(), 1..30), less in 0..4_u64) {
        // r1 is the context's address in the vm, and 0 in the count.
        let code = whole([vec![mov(1, 0), mov(0, 0)], parts].concat());
        let Some(taken) = count(&code) else { return Ok(()) };
        match xdp(&code, taken) {
            Outcome::Ran { insns, .. } => prop_assert_eq!(insns, taken),
            other => prop_assert!(false, "{:?} after {} of {} in {:?}", other, taken, taken, code),
        }
        if less > 0 && less < taken {
            let limit = taken - less;
            let stopped = matches!(xdp(&code, limit), Outcome::Fault(Fault { kind: FaultKind::Fuel { limit: l }, .. }) if l == limit);
            prop_assert!(stopped, "{} of {} in {:?}", limit, taken, code);
        }
    }
}

#[test]
fn a_fault_counts_the_instructions_up_to_it() {
    let code = vec![mov(0, 1), mov(2, 0), ldx(8, 0, 2, 0), mov(0, 3), exit()];
    let mut routine = Routine::of_code(code, Vec::new()).expect("a good program");
    assert!(routine.run(&mut []).is_err());
    assert_eq!(routine.insns(), 3);
}

#[test]
fn callbacks_count_as_the_instructions_they_take() {
    // bpf_loop(10, { r0 = 0; exit }): six to the call, ten times two, one to the end.
    let code = [
        &[mov(1, 10), i(0x18, 2, 4, 0, 5), i(0, 0, 0, 0, 0), mov(3, 0), mov(4, 0), call(181), exit()][..],
        &[mov(0, 0), exit()],
    ];
    assert_eq!(xdp(&code.concat(), 100), Outcome::Ran { result: 10, insns: 5 + 20 + 1 });
    assert!(matches!(xdp(&code.concat(), 25), Outcome::Fault(Fault { kind: FaultKind::Fuel { .. }, .. })));
}
