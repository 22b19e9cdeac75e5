//! The registry of codes: each message has one, a code is never reused.
//!
//! Letters: `A` assembly, `O` objects, `S` settings of objects, `L` linking, `B` types, `H` hooks, `M` maps and records, `P` packets, `V` verifier and vm, `K` kernel.

/// The code of a registered message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Code(&'static str);

impl Code {
    /// The code itself, `O0001`.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The registered row.
    pub fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.code == self)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// One row of the registry.
#[derive(Debug)]
pub struct Row {
    /// The code.
    pub code: Code,
    /// What messages with this code say.
    pub what: &'static str,
    /// Status the command ends with: 1 a negative answer, 2 wrong use or bad input, 3 the system refused.
    pub status: u8,
}

macro_rules! codes {
    ($($name:ident $code:literal $status:literal $what:literal;)*) => {
        $(#[doc = $what] pub const $name: Code = Code($code);)*

        /// All codes.
        pub const TABLE: &[Row] = &[$(Row { code: $name, what: $what, status: $status }),*];
    };
}

codes! {
    ASM_SYNTAX "A0001" 2 "A line of assembly is no instruction, label or directive.";
    ASM_OPERAND "A0002" 2 "An operand cannot stand where it does in an instruction.";
    ASM_RANGE "A0003" 2 "A number or a distance does not fit its field.";
    ASM_NAME "A0004" 2 "Assembly names a label, function, map or helper that there is not.";
    ASM_TWICE "A0005" 2 "Assembly gives something twice.";
    ASM_DIRECTIVE "A0006" 2 "A directive is not known, or not written as it is.";
    ASM_PLACE "A0007" 2 "An instruction, label or directive stands where it cannot.";
    NO_FILE "O0001" 2 "A file could not be opened or read.";
    NOT_ELF "O0002" 2 "A file is not an ELF object, or is cut short.";
    NOT_BPF "O0003" 2 "An ELF object is for another machine than eBPF.";
    NO_BTF "O0004" 2 "An object has no BTF although something asked for needs it.";
    UNKNOWN_SECTION "O0005" 2 "A program stands in a section whose name says nothing about its type.";
    BAD_RELOCATION "O0006" 2 "A relocation of an object cannot be applied.";
    BAD_MAP "O0007" 2 "A map's definition is incomplete or contradictory.";
    NO_PROGRAM "O0008" 2 "An object has no such program, or none at all.";
    UNSUPPORTED_OBJECT "O0009" 2 "An object uses something skep does not load yet.";
    BAD_CODE "O0010" 2 "A program's bytes are not valid instructions.";
    LINK_TWICE "L0001" 2 "Two files that are linked define one name, and neither definition is weak.";
    LINK_DIFFER "L0002" 2 "Files that are linked say different things of one name, section or licence.";
    BAD_SETTING "S0001" 2 "A map's field or a variable does not take the value it is given.";
    NO_VARIABLE "S0002" 2 "An object has no such variable, or the variable no such part.";
    BAD_BTF "B0001" 2 "Type information is damaged.";
    NO_TYPE "B0002" 2 "No such type stands in the object's BTF.";
    BAD_CORE "B0003" 2 "A relocation to the kernel's types (CO-RE) does not fit its instruction or the types.";
    NO_SUCH_TYPE "B0004" 1 "No type, function or variable bears this name.";
    UNKNOWN_HOOK "H0001" 2 "A hook's kind is not known.";
    BAD_HOOK "H0002" 2 "A hook's text is not written as hooks of its kind are.";
    HOOK_MISMATCH "H0003" 2 "A program of this type does not run at this hook.";
    NO_HOOK "H0004" 2 "A program says nothing about where to run, and no hook was given.";
    HOOK_ENGINE "H0005" 2 "This engine does not provide this hook.";
    NO_DEVICE "H0006" 3 "There is no such network device.";
    NO_TRACEPOINT "H0007" 3 "This kernel has no such tracepoint.";
    HOOK_BUSY "H0008" 3 "Something else is attached there already.";
    NO_MAP "M0001" 2 "There is no such map.";
    MAP_TOO_LARGE "M0002" 3 "A map is larger than the engine can hold.";
    MAP_TYPE "M0003" 2 "A map is used as something it is not.";
    MAP_CREATE "M0004" 3 "The kernel did not create a map.";
    BAD_PCAP "P0001" 2 "A file is not a packet capture.";
    CUT_PCAP "P0002" 2 "A packet capture ends in the middle of a packet.";
    LINK_TYPE "P0003" 2 "A capture's packets are of a link type the program cannot read.";
    WRITE_FILE "P0004" 3 "A file could not be written.";
    UNSUPPORTED_VM "V0001" 2 "The vm does not have a helper, map or program type yet.";
    FAULT "V0002" 1 "A program broke a rule while it ran in the vm.";
    REJECTED "K0001" 1 "The kernel's verifier rejected a program.";
    NO_PRIVILEGE "K0002" 3 "The kernel refused for lack of privilege.";
    KERNEL_CALL "K0003" 3 "A call of the kernel failed.";
    NO_KERNEL "K0004" 3 "This system is not Linux, or its kernel has no eBPF.";
    ATTACH "K0005" 3 "The kernel did not attach a program.";
    MISSING "K0006" 1 "A program uses a type, field or constant that this kernel does not have.";
    NO_TYPES "K0007" 3 "The kernel shows no types (BTF), or damaged ones.";
    NO_SYMBOL "K0008" 3 "The kernel has no option, variable or function that a program names.";
    USAGE "C0001" 2 "The command line asks for something that cannot be.";
    INTERNAL "C0002" 2 "Output could not be made.";
    NO_ROW "C0003" 2 "No table has a row of this name, or no noun is spelled so.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_stands_twice() {
        for (at, row) in TABLE.iter().enumerate() {
            assert!(TABLE.iter().skip(at + 1).all(|other| other.code != row.code), "{}", row.code);
            assert!((1..=3).contains(&row.status));
        }
    }
}
