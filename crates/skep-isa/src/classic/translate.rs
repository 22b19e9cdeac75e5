//! Classic programs as eBPF, by [`translate`]: what the kernel does inside when a filter is attached, but with nothing
//! that a user's program could not do, so that `BPF_PROG_LOAD` takes a translated socket filter too.
//!
//! A is r0, X is r7, the context r6, cell M[i] the word at r10 - 4 * (i + 1); r2 and r8 hold what one instruction
//! needs. Upper halves of A and X stay 0. Instructions nothing leads to are left out: eBPF forbids them.

use super::{ClassicInsn, Kind, Refusal, Register, Target, check, decode};
use crate::insn::Insn;
use crate::opcode::{self, Alu, Callee, Cond, Operand, Order, Size, Width};
use crate::spec::context::Context;
use crate::spec::{ProgType, ancillary, helper, seccomp};

/// Why a program is not translated. Instructions are numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untranslatable {
    /// The kernel does not take it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It loads ancillary data that neither a field nor a helper gives an eBPF program.
    #[error("instruction {at}: only the kernel has `{name}` ({constant}); no eBPF program can load it")]
    Ancillary {
        /// The instruction.
        at: usize,
        /// Name of the data.
        name: &'static str,
        /// The kernel's constant.
        constant: &'static str,
    },
    /// A jump becomes longer than eBPF's offsets are.
    #[error("instruction {at}: its jump becomes {distance} instructions long, more than eBPF's 16 bits can say")]
    Distance {
        /// The instruction.
        at: usize,
        /// The distance.
        distance: usize,
    },
}

const A: u8 = 0;
const CONTEXT_GIVEN: u8 = 1;
const SCRATCH: u8 = 2;
/// Where eBPF's packet loads expect the context.
const CONTEXT: u8 = 6;
const X: u8 = 7;
const SAVED: u8 = 8;
const FRAME: u8 = opcode::FRAME_POINTER;

/// Translates a program that [`check`](super::check()) takes. For xt_bpf it is that of a socket filter.
///
/// The result of the translated program is the classic one's, with the kernel's meaning: a load from where the packet has
/// no bytes and a division by an X of 0 end it with 0, shifts by X count modulo 32. For seccomp the context is
/// `struct seccomp_data`; no eBPF program type has that one, so only the vm runs it.
///
/// # Errors
/// An [`Untranslatable`].
///
/// ```
/// use skep_isa::classic::{self, Target};
/// let ipv4 = classic::parse("4,40 0 0 12,21 0 1 2048,6 0 0 65535,6 0 0 0").unwrap();
/// let code = classic::translate(&ipv4, Target::Socket).unwrap();
/// assert!(code.iter().all(|insn| skep_isa::opcode::decode(*insn).is_ok()));
/// ```
pub fn translate(program: &[ClassicInsn], target: Target) -> Result<Vec<Insn>, Untranslatable> {
    check(program, target)?;
    let mut out = Out { code: Vec::with_capacity(program.len() * 2 + 3), jumps: Vec::new() };
    out.alu(Alu::Mov, Width::W64, CONTEXT, CONTEXT_GIVEN);
    out.set(A, 0);
    out.set(X, 0);
    let reached = reached(program);
    let mut begins = Vec::with_capacity(program.len());
    for (at, (insn, reached)) in program.iter().zip(reached).enumerate() {
        begins.push(out.code.len());
        if let (true, Some(op)) = (reached, decode(*insn)) {
            out.instruction(op.kind, *insn, at, target)?;
        }
    }
    let Out { mut code, jumps } = out;
    for Jump { slot, at, to } in jumps {
        let (Some(begin), Some(insn)) = (begins.get(to), code.get_mut(slot)) else { continue };
        // Forward only, and so behind the slot.
        let distance = begin.saturating_sub(slot + 1);
        insn.off = i16::try_from(distance).map_err(|_| Untranslatable::Distance { at, distance })?;
    }
    Ok(code)
}

/// For each instruction, whether some path leads to it.
fn reached(program: &[ClassicInsn]) -> Vec<bool> {
    let mut reached = vec![false; program.len()];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for (at, insn) in program.iter().enumerate() {
        if reached.get(at) != Some(&true) {
            continue;
        }
        let (a, b) = match decode(*insn).map(|op| op.kind) {
            Some(Kind::ReturnImm | Kind::ReturnA) => continue,
            Some(Kind::Goto) => (insn.k, insn.k),
            Some(Kind::If { .. }) => (insn.jt.into(), insn.jf.into()),
            _ => (0, 0),
        };
        for distance in [a, b] {
            if let Some(target) = reached.get_mut((at + 1).saturating_add(distance as usize)) {
                *target = true;
            }
        }
    }
    reached
}

/// A jump whose distance is not known yet.
struct Jump {
    slot: usize,
    at: usize,
    to: usize,
}

struct Out {
    code: Vec<Insn>,
    jumps: Vec<Jump>,
}

impl Out {
    fn push(&mut self, kind: opcode::Kind, [dst, src]: [u8; 2], off: i16, imm: i32) {
        let row = opcode::TABLE.iter().find(|op| op.kind == kind).expect("each kind that is emitted has a row");
        self.code.push(row.encode(dst, src, off, imm).expect("each operand that is emitted fits its row"));
    }

    fn alu(&mut self, op: Alu, width: Width, dst: u8, src: u8) {
        self.push(opcode::Kind::Alu { op, width, operand: Operand::Reg }, [dst, src], 0, 0);
    }

    fn alu_imm(&mut self, op: Alu, dst: u8, value: u32) {
        let kind = opcode::Kind::Alu { op, width: Width::W32, operand: Operand::Imm };
        self.push(kind, [dst, 0], 0, value as i32);
    }

    /// A register becomes a constant of 32 bits.
    fn set(&mut self, register: u8, value: u32) {
        self.alu_imm(Alu::Mov, register, value);
    }

    fn copy(&mut self, to: u8, from: u8) {
        self.alu(Alu::Mov, Width::W32, to, from);
    }

    fn load(&mut self, to: u8, base: u8, off: i16) {
        self.push(opcode::Kind::Load { size: Size::W, signed: false }, [to, base], off, 0);
    }

    fn exit(&mut self) {
        self.push(opcode::Kind::Exit, [0, 0], 0, 0);
    }

    /// Skips a few of the next instructions unless a register is 0.
    fn skip_unless_zero(&mut self, register: u8, count: i16) {
        let kind = opcode::Kind::If { cond: Cond::Ne, width: Width::W64, operand: Operand::Imm };
        self.push(kind, [register, 0], count, 0);
    }

    fn goto(&mut self, at: usize, distance: u32) {
        self.jumps.push(Jump { slot: self.code.len(), at, to: (at + 1).saturating_add(distance as usize) });
        self.push(opcode::Kind::Goto(Width::W64), [0, 0], 0, 0);
    }

    fn instruction(&mut self, kind: Kind, insn: ClassicInsn, at: usize, target: Target) -> Result<(), Untranslatable> {
        let k = insn.k;
        match kind {
            // The check leaves places within the struct only.
            Kind::LoadAbs(_) if target == Target::Seccomp => self.load(A, CONTEXT, k as i16),
            Kind::LoadAbs(size) => match ancillary::at(k) {
                Some(row) => self.ancillary(row, at)?,
                None => self.push(opcode::Kind::LoadPacketAbs(size), [0, 0], 0, k as i32),
            },
            Kind::LoadInd(size) => self.push(opcode::Kind::LoadPacketInd(size), [0, X], 0, k as i32),
            Kind::LoadHeaderLen => {
                self.copy(SAVED, A);
                self.push(opcode::Kind::LoadPacketAbs(Size::B), [0, 0], 0, k as i32);
                self.alu_imm(Alu::And, A, 0xf);
                self.alu_imm(Alu::Lsh, A, 2);
                self.copy(X, A);
                self.copy(A, SAVED);
            }
            Kind::LoadLen(register) if target == Target::Seccomp => self.set(number(register), seccomp::SIZE),
            Kind::LoadLen(register) => self.load(number(register), CONTEXT, skb("len")),
            Kind::LoadImm(register) => self.set(number(register), k),
            Kind::LoadCell(register) => self.load(number(register), FRAME, cell(k)),
            Kind::StoreCell(register) => {
                let store = opcode::Kind::Store { size: Size::W, operand: Operand::Reg };
                self.push(store, [FRAME, number(register)], cell(k), 0);
            }
            Kind::Alu { op, operand: Operand::Imm } => self.alu_imm(op, A, k),
            Kind::Alu { op, operand: Operand::Reg } => {
                if matches!(op, Alu::Div | Alu::Mod) {
                    self.skip_unless_zero(X, 2);
                    self.set(A, 0);
                    self.exit();
                }
                self.alu(op, Width::W32, A, X);
            }
            Kind::Neg => self.push(opcode::Kind::Neg(Width::W32), [A, 0], 0, 0),
            Kind::Goto => self.goto(at, k),
            Kind::If { cond, operand } => self.condition(cond, operand, insn, at),
            Kind::ReturnImm => {
                self.set(A, k);
                self.exit();
            }
            Kind::ReturnA => self.exit(),
            Kind::Copy(Register::A) => self.copy(A, X),
            Kind::Copy(Register::X) => self.copy(X, A),
        }
        Ok(())
    }

    /// Comparisons are of 64 bits, older than those of 32: both sides have nothing but zeros above.
    fn condition(&mut self, cond: Cond, operand: Operand, insn: ClassicInsn, at: usize) {
        let (operand, src, imm) = match (operand, i32::try_from(insn.k)) {
            (Operand::Reg, _) => (Operand::Reg, X, 0),
            (Operand::Imm, Ok(imm)) => (Operand::Imm, 0, imm),
            // An immediate would be extended by its sign.
            (Operand::Imm, Err(_)) => {
                self.set(SCRATCH, insn.k);
                (Operand::Reg, SCRATCH, 0)
            }
        };
        // When only the other way jumps, the opposite comparison saves an instruction.
        let (cond, jump, other) = match (opposite(cond), insn.jt) {
            (Some(opposite), 0) => (opposite, insn.jf, 0),
            _ => (cond, insn.jt, insn.jf),
        };
        self.jumps.push(Jump { slot: self.code.len(), at, to: at + 1 + usize::from(jump) });
        self.push(opcode::Kind::If { cond, width: Width::W64, operand }, [A, src], 0, imm);
        if other != 0 {
            self.goto(at, other.into());
        }
    }

    fn ancillary(&mut self, row: &'static ancillary::Row, at: usize) -> Result<(), Untranslatable> {
        match row.source {
            ancillary::Source::Field { name, network_order } => {
                self.load(A, CONTEXT, skb(name));
                if network_order {
                    self.push(opcode::Kind::Swap { order: Order::Big, size: Size::H }, [A, 0], 0, 0);
                }
            }
            ancillary::Source::Device(name) => {
                self.load(SCRATCH, CONTEXT, skb(name));
                self.skip_unless_zero(SCRATCH, 1);
                self.exit();
                self.copy(A, SCRATCH);
            }
            ancillary::Source::Helper(name) => {
                let id = helper::named(name).expect("each helper that is named has a row").id;
                self.push(opcode::Kind::Call(Callee::Helper), [0, 0], 0, id as i32);
                // A result of 64 bits would leave more in A than A has.
                self.copy(A, A);
            }
            ancillary::Source::XorX => self.alu(Alu::Xor, Width::W32, A, X),
            ancillary::Source::Kernel => {
                return Err(Untranslatable::Ancillary { at, name: row.name, constant: row.constant });
            }
        }
        Ok(())
    }
}

const fn number(register: Register) -> u8 {
    match register {
        Register::A => A,
        Register::X => X,
    }
}

/// The offset of a cell from the frame pointer; the check leaves the first sixteen only.
const fn cell(k: u32) -> i16 {
    -4 * (k as i16 + 1)
}

/// The offset of a field of `__sk_buff`.
fn skb(name: &str) -> i16 {
    let field = Context::of(ProgType::SocketFilter).and_then(|skb| skb.field(name));
    field.expect("each field that is named has a row").offset as i16
}

/// The comparison that holds when this one does not, where there is one.
const fn opposite(cond: Cond) -> Option<Cond> {
    match cond {
        Cond::Eq => Some(Cond::Ne),
        Cond::Gt => Some(Cond::Le),
        Cond::Ge => Some(Cond::Lt),
        _ => None,
    }
}
