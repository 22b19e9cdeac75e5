//! What operations do, as sentences.

use super::{Alu, Atomic, Callee, Cond, Kind, Order, Source, Width};

impl Width {
    const fn bits(self) -> u32 {
        match self {
            Width::W32 => 32,
            Width::W64 => 64,
        }
    }
}

impl Kind {
    /// What the operation does, in one sentence.
    pub fn words(self) -> String {
        match self {
            Kind::Alu { op, width, .. } => format!("{}{}.", alu(op), upper(width)),
            Kind::Neg(width) => format!("Negates dst{}.", upper(width)),
            Kind::MovSx { width, from } => {
                format!("Copies the low {} bits of src to dst, with their sign extended to {} bits.", from.bits(), width.bits())
            }
            Kind::Swap { order: Order::Little, size } => {
                format!("Brings the low {} bits of dst from or to little-endian order and clears the bits above.", size.bits())
            }
            Kind::Swap { order: Order::Big, size } => {
                format!("Brings the low {} bits of dst from or to big-endian order and clears the bits above.", size.bits())
            }
            Kind::Swap { order: Order::Reverse, size } => {
                format!("Reverses the order of the low {} bits' bytes of dst and clears the bits above.", size.bits())
            }
            Kind::AddrSpaceCast => {
                "Makes a pointer of one address space one of another: imm has the new space in its low half, the old in its high.".to_owned()
            }
            // One mnemonic for all sources: the forms tell which.
            Kind::LoadImm(_) => format!(
                "Loads 64 bits from two slots: {}.",
                [Source::Const, Source::MapFd, Source::MapValue, Source::BtfId, Source::Func, Source::MapIdx, Source::MapIdxValue]
                    .map(source)
                    .join(", ")
            ),
            Kind::Load { size, signed } => {
                format!("Loads {} bytes from memory at src + off, {}.", size.bytes(), if signed { "with their sign extended" } else { "and clears the bits above" })
                    .replace("1 bytes", "1 byte")
            }
            Kind::Store { size, .. } => {
                format!("Stores {} bytes to memory at dst + off.", size.bytes()).replace("1 bytes", "1 byte")
            }
            Kind::LoadPacketAbs(size) => {
                format!("Loads {} bits of the packet, in network order, at imm into r0; beyond the packet's end the program ends with 0. r6 must hold the context.", size.bits())
            }
            Kind::LoadPacketInd(size) => {
                format!("Loads {} bits of the packet, in network order, at src + imm into r0; beyond the packet's end the program ends with 0. r6 must hold the context.", size.bits())
            }
            Kind::Atomic { op, size, fetch } => format!("{} in one step{}.", atomic(op, size.bits()), old(op, fetch)),
            Kind::LoadAcquire(size) => format!("Loads {} bits from memory at src + off, before any later access.", size.bits()),
            Kind::StoreRelease(size) => format!("Stores the low {} bits of src to memory at dst + off, after any earlier access.", size.bits()),
            Kind::Goto(Width::W64) => "Jumps by off slots, counted from the next one.".to_owned(),
            Kind::Goto(Width::W32) => "Jumps by imm slots, counted from the next one: further than off can tell.".to_owned(),
            Kind::GotoReg => "Jumps to the address in dst, which was read from an instruction array.".to_owned(),
            Kind::If { cond, width, .. } => format!("Jumps by off slots if {}, as {} bits.", comparison(cond), width.bits()),
            Kind::MayGoto => "Jumps by off slots once the program has run long enough, else goes on: a loop with it ends for certain.".to_owned(),
            Kind::Call(_) => format!("Calls what imm names: {}.", [Callee::Helper, Callee::Local, Callee::Kfunc].map(callee).join(", ")),
            Kind::CallReg => "Calls the function whose address is in dst; compilers emit it, no kernel takes it.".to_owned(),
            Kind::Exit => "Returns r0 to the caller, or ends the program with it.".to_owned(),
        }
    }
}

const fn upper(width: Width) -> &'static str {
    match width {
        Width::W32 => ", in the low 32 bits; the upper half of dst is cleared",
        Width::W64 => "",
    }
}

const fn alu(op: Alu) -> &'static str {
    match op {
        Alu::Add => "Adds the right side to dst",
        Alu::Sub => "Subtracts the right side from dst",
        Alu::Mul => "Multiplies dst by the right side",
        Alu::Div => "Divides dst by the right side, both without sign; by zero gives 0",
        Alu::Sdiv => "Divides dst by the right side, both with sign, towards zero; by zero gives 0",
        Alu::Mod => "Puts the remainder of dst by the right side, both without sign, in dst; by zero leaves dst",
        Alu::Smod => "Puts the remainder of dst by the right side, both with sign, in dst; by zero leaves dst",
        Alu::Or => "Sets in dst the bits of the right side",
        Alu::And => "Keeps in dst the bits that the right side has too",
        Alu::Xor => "Flips in dst the bits of the right side",
        Alu::Lsh => "Shifts dst left by the right side, modulo the width",
        Alu::Rsh => "Shifts dst right by the right side, modulo the width, filling with zeros",
        Alu::Arsh => "Shifts dst right by the right side, modulo the width, filling with the sign",
        Alu::Mov => "Copies the right side to dst",
    }
}

const fn source(source: Source) -> &'static str {
    match source {
        Source::Const => "a constant (src 0)",
        Source::MapFd => "a map by its descriptor (1)",
        Source::MapValue => "a byte of an array map's value by descriptor and offset (2)",
        Source::BtfId => "a kernel variable by its BTF id (3)",
        Source::Func => "a function of the program by its distance (4)",
        Source::MapIdx => "a map by its index in the load's list of descriptors (5)",
        Source::MapIdxValue => "a byte of an array map's value by index and offset (6)",
    }
}

fn atomic(op: Atomic, bits: u32) -> String {
    match op {
        Atomic::Add => format!("Adds src to the {bits} bits of memory at dst + off"),
        Atomic::Or => format!("Sets the bits of src in the {bits} bits of memory at dst + off"),
        Atomic::And => format!("Keeps the bits of src in the {bits} bits of memory at dst + off"),
        Atomic::Xor => format!("Flips the bits of src in the {bits} bits of memory at dst + off"),
        Atomic::Xchg => format!("Puts src in the place of the {bits} bits of memory at dst + off"),
        Atomic::Cmpxchg => format!("Puts src in the place of the {bits} bits of memory at dst + off if they equal r0"),
    }
}

const fn old(op: Atomic, fetch: bool) -> &'static str {
    match (op, fetch) {
        (Atomic::Cmpxchg, _) => "; the old value goes to r0",
        (_, true) => "; the old value goes to src",
        (_, false) => "",
    }
}

const fn comparison(cond: Cond) -> &'static str {
    match cond {
        Cond::Eq => "dst equals the right side",
        Cond::Ne => "dst differs from the right side",
        Cond::Gt => "dst is greater than the right side, without sign",
        Cond::Ge => "dst is greater than or equal to the right side, without sign",
        Cond::Lt => "dst is less than the right side, without sign",
        Cond::Le => "dst is less than or equal to the right side, without sign",
        Cond::Sgt => "dst is greater than the right side, with sign",
        Cond::Sge => "dst is greater than or equal to the right side, with sign",
        Cond::Slt => "dst is less than the right side, with sign",
        Cond::Sle => "dst is less than or equal to the right side, with sign",
        Cond::Set => "dst and the right side have a set bit in common",
    }
}

const fn callee(callee: Callee) -> &'static str {
    match callee {
        Callee::Helper => "a helper by its number (src 0)",
        Callee::Local => "a function of the program by its distance in slots (1)",
        Callee::Kfunc => "a kernel function by its BTF id (2)",
    }
}
