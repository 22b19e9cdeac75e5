//! From a row and its operands to an instruction: the way back of [`decode`](super::decode).

use super::{Field, Insn, Op, Refusal};

impl Op {
    /// The instruction that is this operation with these operands.
    ///
    /// Only the fields that carry an operand are given; those that select the row are filled in, and may be given as
    /// they are or as 0. The first slot of a wide load is encoded alone: [`Op::tail`] makes the second.
    ///
    /// # Errors
    /// The [`Refusal`] that [`decode`](super::decode) would answer for the fields as given.
    ///
    /// ```
    /// use skep_isa::{Insn, opcode};
    /// let sdiv = opcode::named("sdiv").next().unwrap();
    /// assert_eq!(sdiv.encode(1, 0, 0, 3), Ok(Insn::new(0x37, 1, 0, 1, 3)));
    /// assert!(sdiv.encode(11, 0, 0, 3).unwrap_err().to_string().contains("registers are 0 to 10"));
    /// ```
    pub fn encode(&self, dst: u8, src: u8, off: i16, imm: i32) -> Result<Insn, Refusal> {
        let selected = |field: Field, given: i32| match field {
            Field::Is(wanted) if given == 0 => wanted,
            _ => given,
        };
        let insn = Insn {
            code: self.code,
            dst: selected(self.dst, dst.into()) as u8,
            src: selected(self.src, src.into()) as u8,
            off: selected(self.off, off.into()) as i16,
            imm: selected(self.imm, imm),
        };
        for (place, field, value) in self.fields(insn) {
            if matches!(field, Field::Is(wanted) if wanted != value) {
                return Err(Refusal::Variant { code: self.code, name: self.name, place, value });
            }
        }
        self.check(insn).map(|()| insn)
    }

    /// The second slot of a wide load, with the upper half of its constant.
    pub const fn tail(high: i32) -> Insn {
        Insn::new(0, 0, 0, 0, high)
    }
}
