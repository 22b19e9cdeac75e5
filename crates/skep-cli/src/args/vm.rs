//! `skep vm` and `skep bench`.

use clap::{Args, Subcommand, ValueEnum, ValueHint};

/// `skep vm`.
#[derive(Subcommand, Debug)]
pub(crate) enum Vm {
    /// Run the program on standard input on a piece of memory, and print r0.
    Exec(VmExec),
}

/// `skep vm exec`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  echo 'b7 00 00 00 2a 00 00 00  95 00 00 00 00 00 00 00' | skep vm exec\n\n\
    r1 points to the memory and r2 is its length; helper 5 gives back its first argument. This is the protocol of the public \
    conformance suites' plugins.")]
pub(crate) struct VmExec {
    /// The memory, as hexadecimal bytes.
    #[arg(value_name = "MEMORY")]
    pub(crate) memory: Option<String>,
    /// Standard input is a whole object, not instructions alone.
    #[arg(long)]
    pub(crate) elf: bool,
    /// What runs it.
    #[arg(long, value_enum, default_value = "interp")]
    pub(crate) engine: VmEngine,
    /// What keeps it in its place: every access is checked.
    #[arg(long, value_enum, default_value = "sandbox")]
    pub(crate) mode: VmMode,
}

/// `skep bench`.
#[derive(Subcommand, Debug)]
pub(crate) enum Bench {
    /// Run a program again and again on the same input, on each engine that can.
    Vm(BenchVm),
}

/// `skep bench vm`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  skep bench vm count.bpf.o --input frame.bin\n  \
    skep bench vm --raw program.bin --input memory.bin --json\n\n\
    An object's first program runs on the input as its frame. Raw instructions get it as memory: r1 points to it and r2 is its \
    length. The kernel's row needs root.")]
pub(crate) struct BenchVm {
    /// The object, as clang made it.
    #[arg(value_hint = ValueHint::FilePath, required_unless_present = "raw", conflicts_with = "raw")]
    pub(crate) object: Option<String>,
    /// A file of instructions, eight bytes each.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) raw: Option<String>,
    /// What it runs on.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) input: Option<String>,
    /// Print one line of JSON: an array with an object for each engine.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `--engine` of `skep vm exec`.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum VmEngine {
    /// The interpreter.
    Interp,
}

/// `--mode` of `skep vm exec`.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum VmMode {
    /// Unverified programs: each access is checked when it happens.
    Sandbox,
}
