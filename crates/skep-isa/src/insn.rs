//! One instruction slot: eight bytes, five fields. Meaning is given by [`crate::opcode`].

/// One 8-byte instruction slot, its fields as the kernel's `struct bpf_insn` has them.
///
/// A wide load (`ld_imm64`) takes two slots; the second has code 0 and carries the upper half of the immediate.
///
/// ```
/// use skep_isa::Insn;
/// let insn = Insn::from_bytes([0xb7, 0x01, 0, 0, 42, 0, 0, 0]);
/// assert_eq!((insn.code, insn.dst, insn.imm), (0xb7, 1, 42));
/// assert_eq!(insn.to_bytes(), [0xb7, 0x01, 0, 0, 42, 0, 0, 0]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Insn {
    /// Operation code: class in the low three bits.
    pub code: u8,
    /// Destination register number, 0–15 as encoded (valid programs use 0–10).
    pub dst: u8,
    /// Source register number or pseudo source, 0–15 as encoded.
    pub src: u8,
    /// Signed offset: bytes for memory, slots for jumps.
    pub off: i16,
    /// Signed immediate.
    pub imm: i32,
}

impl Insn {
    /// Bytes of one slot.
    pub const SIZE: usize = 8;

    /// Makes a slot from its fields.
    pub const fn new(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Insn {
        Insn { code, dst, src, off, imm }
    }

    /// Reads one little-endian slot. Every bit pattern is some `Insn`; whether it means anything is asked of
    /// [`crate::opcode`].
    pub const fn from_bytes(b: [u8; 8]) -> Insn {
        Insn {
            code: b[0],
            dst: b[1] & 0x0f,
            src: b[1] >> 4,
            off: i16::from_le_bytes([b[2], b[3]]),
            imm: i32::from_le_bytes([b[4], b[5], b[6], b[7]]),
        }
    }

    /// Writes the slot in little-endian form.
    pub const fn to_bytes(self) -> [u8; 8] {
        let off = self.off.to_le_bytes();
        let imm = self.imm.to_le_bytes();
        [self.code, (self.dst & 0x0f) | (self.src << 4), off[0], off[1], imm[0], imm[1], imm[2], imm[3]]
    }

    /// Reads a whole section; bytes after the last full slot are left out.
    pub fn slots(bytes: &[u8]) -> Vec<Insn> {
        let (slots, _) = bytes.as_chunks::<8>();
        slots.iter().map(|b| Insn::from_bytes(*b)).collect()
    }

    /// Instruction class: the low three bits of the code.
    pub const fn class(self) -> u8 {
        self.code & 0x07
    }

    /// True for the first slot of a 16-byte `ld_imm64`.
    pub const fn is_wide(self) -> bool {
        self.code == LD_IMM64
    }

    /// True for a call of a bpf-to-bpf function (`imm` is the slot distance).
    pub const fn is_local_call(self) -> bool {
        self.code == CALL && self.src == PSEUDO_CALL
    }

    /// True for a call of a helper (`imm` is its id).
    pub const fn is_helper_call(self) -> bool {
        self.code == CALL && self.src == 0
    }

    /// True for the `exit` instruction.
    pub const fn is_exit(self) -> bool {
        self.code == EXIT
    }
}

/// Code of the 16-byte immediate load.
pub const LD_IMM64: u8 = 0x18;
/// Code of every direct call.
pub const CALL: u8 = 0x85;
/// Code of `exit`.
pub const EXIT: u8 = 0x95;

/// `ld_imm64` source: the immediate is a map's descriptor.
pub const PSEUDO_MAP_FD: u8 = 1;
/// `ld_imm64` source: the address of a byte inside an array map's first value.
pub const PSEUDO_MAP_VALUE: u8 = 2;
/// `ld_imm64` source: the address of a kernel variable, by BTF id.
pub const PSEUDO_BTF_ID: u8 = 3;
/// `ld_imm64` source: the address of a function of this program, as a slot distance.
pub const PSEUDO_FUNC: u8 = 4;
/// `call` source: a function of this program, as a slot distance.
pub const PSEUDO_CALL: u8 = 1;
/// `call` source: a kernel function, by BTF id.
pub const PSEUDO_KFUNC_CALL: u8 = 2;
