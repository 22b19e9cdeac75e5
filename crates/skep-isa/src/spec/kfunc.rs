//! Rules of kfuncs: what the ending of an argument's name and a flag of the function ask of the caller.
//!
//! The functions themselves are known only to the running kernel's BTF, where they bear the declaration tag `bpf_kfunc`.

use super::{Version, v};

/// What a rule is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum On {
    /// An argument, by the ending of its name in BTF.
    Argument,
    /// The function, by a flag of the kernel's set it is in.
    Function,
    /// Functions or types by their name.
    Name,
}

impl On {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            On::Argument => "an argument, by the ending of its name",
            On::Function => "the function, by a flag",
            On::Name => "the function, by its name",
        }
    }
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// The ending, flag or prefix.
    pub name: &'static str,
    /// What it is on.
    pub on: On,
    /// First kernel that has it.
    pub since: Version,
    /// What it asks of the caller, in one sentence.
    pub what: &'static str,
}

const fn row(name: &'static str, on: On, since: Version, what: &'static str) -> Rule {
    Rule { name, on, since, what }
}

/// All rules. Facts are those of `Documentation/bpf/kfuncs.rst` and of the verifier (6.12, 6.18).
#[rustfmt::skip]
pub static TABLE: &[Rule] = &[
    row("__sz", On::Argument, v(5, 18), "The size of the memory that the argument before it points to; the verifier checks that so much can be accessed."),
    row("__szk", On::Argument, v(6, 4), "As __sz, and the size must be a constant known to the verifier."),
    row("__k", On::Argument, v(6, 2), "A constant known to the verifier, such as the id of a type of the program."),
    row("__uninit", On::Argument, v(6, 4), "Memory that the function fills; it need not be written before."),
    row("__alloc", On::Argument, v(6, 2), "A pointer to an object of the program's own, from bpf_obj_new."),
    row("__refcounted_kptr", On::Argument, v(6, 4), "A pointer to an object of the program's own that counts its references."),
    row("__ign", On::Argument, v(6, 2), "The verifier does not look at it."),
    row("__opt", On::Argument, v(6, 5), "A buffer that may be null, with its size after it."),
    row("__nullable", On::Argument, v(6, 7), "A pointer that may be null."),
    row("__str", On::Argument, v(6, 8), "A constant string in a read-only map."),
    row("__iter", On::Argument, v(6, 12), "An iterator's state on the stack, that its new, next or destroy function has made valid."),
    row("__map", On::Argument, v(6, 9), "A map the program refers to."),
    row("__prog", On::Argument, v(6, 16), "Nothing the caller gives: the kernel puts the calling program's own state there."),
    row("__irq_flag", On::Argument, v(6, 14), "A slot of the stack in which saved interrupt flags are kept."),
    row("KF_ACQUIRE", On::Function, v(6, 0), "Gives a reference that must be released, or stored in a map, before the program ends."),
    row("KF_RELEASE", On::Function, v(6, 0), "Takes a reference back; the pointer and all its copies are invalid after it."),
    row("KF_RET_NULL", On::Function, v(6, 0), "May give null: the result must be compared with 0 before use."),
    row("KF_TRUSTED_ARGS", On::Function, v(6, 0), "Takes only pointers that are trusted: given by the kernel as valid, acquired, or read under RCU where that is said; always on since 7.0."),
    row("KF_RCU", On::Function, v(6, 2), "Takes pointers that are trusted or protected by an RCU read section; they are valid but may have no references left."),
    row("KF_RCU_PROTECTED", On::Function, v(6, 7), "Can be called only within an RCU read section; until 6.17 the verifier kept to it for iterators alone."),
    row("KF_SLEEPABLE", On::Function, v(6, 1), "May sleep: only programs that may sleep call it, outside locks and RCU read sections."),
    row("KF_DESTRUCTIVE", On::Function, v(6, 1), "Can break the machine: the loader needs CAP_SYS_BOOT."),
    row("KF_ITER_NEW", On::Function, v(6, 4), "Begins an iterator: its state must be destroyed before the program ends."),
    row("KF_ITER_NEXT", On::Function, v(6, 4), "Gives an iterator's next element, or null at the end; the verifier takes the loop around it for finite."),
    row("KF_ITER_DESTROY", On::Function, v(6, 4), "Ends an iterator."),
    row("KF_FASTCALL", On::Function, v(6, 13), "Spares registers r1 to r5, so that compilers need not save them."),
    row("KF_ARENA_RET", On::Function, v(6, 15), "Gives a pointer into the program's arena."),
    row("KF_ARENA_ARG1", On::Function, v(6, 15), "Takes a pointer into the program's arena first."),
    row("KF_ARENA_ARG2", On::Function, v(6, 15), "Takes a pointer into the program's arena second."),
    row("KF_IMPLICIT_ARGS", On::Function, v(7, 0), "The verifier gives the last arguments itself; programs declare and call the function without them."),
    row("bpf_iter_*_new", On::Name, v(6, 4), "Functions of an open-coded iterator bear these names: bpf_iter_NAME_new, _next and _destroy, over a struct bpf_iter_NAME on the stack."),
];
