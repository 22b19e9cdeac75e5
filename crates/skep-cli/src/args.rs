//! The command line, described once: parser, help, completion and man pages come from here.

mod run;
mod vm;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use skep_isa::asm::DIRECTIVES;
use skep_isa::explain::NOUNS;

pub(crate) use run::{Run, Settings};
pub(crate) use vm::{Bench, BenchVm, Vm, VmExec};

/// The whole of eBPF in one program.
#[derive(Parser, Debug)]
#[command(
    name = "skep",
    version,
    about,
    propagate_version = true,
    after_help = "Examples:\n  \
        skep run count.bpf.o --on pcap:traffic.pcap     run over a capture, without root\n  \
        sudo skep run count.bpf.o --on xdp:eth0         run on a device\n  \
        skep dis count.bpf.o                            show the instructions\n  \
        skep asm count.s -o count.o                     make an object of instructions\n\n\
        Exit status: 0 success, 1 a negative answer, 2 wrong use or bad input, 3 the system refused."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Say nothing but results and errors.
    #[arg(long, short, global = true, display_order = 100)]
    pub(crate) quiet: bool,
}

/// The verbs.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Load an object, attach its programs, show records and maps.
    Run(Run),
    /// Ask the verifier about each program of objects, without attaching any.
    Check(Check),
    /// Print an object's instructions, as llvm-objdump -d does.
    Dis(Dis),
    /// Assemble a file of instructions into an object.
    Asm(Asm),
    /// Make files of objects.
    #[command(subcommand)]
    Gen(Gen),
    /// Programs in the kernel.
    #[command(subcommand)]
    Prog(Prog),
    /// Maps in the kernel.
    #[command(subcommand)]
    Map(Map),
    /// Types of objects, of the kernel and of its modules.
    #[command(subcommand)]
    Btf(Btf),
    /// Explain any row of any table, and whether it works here.
    Explain(Explain),
    /// Show every kind of hook: whether it works here, why not, what the vm has for it.
    Hooks(Hooks),
    /// Show what eBPF this kernel can do, by trying.
    Feature(Feature),
    /// The vm by itself.
    #[command(subcommand)]
    Vm(Vm),
    /// Time a program on the engines.
    #[command(subcommand)]
    Bench(Bench),
    /// Print a shell's completion script.
    #[command(after_help = "Example:\n  skep completion bash > /etc/bash_completion.d/skep")]
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder.
    #[command(after_help = "Example:\n  skep man /usr/local/share/man/man1")]
    Man {
        /// The folder.
        #[arg(value_hint = ValueHint::DirPath)]
        folder: std::path::PathBuf,
    },
}

/// `skep check`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sudo skep check --engine kernel examples/protocols/protocols.bpf.o\n  \
    sudo skep check --engine kernel offcpu.bpf.o --map stackmap:value_size=1016,max_entries=1024 --set min_us=10\n\n\
    A verdict is the verifier's: accept or reject. What keeps a program from it is undecided: a policy of the host, \
    something that this kernel or skep does not have, an object that cannot be read.")]
pub(crate) struct Check {
    /// The objects.
    #[arg(required = true, value_name = "OBJ", value_hint = ValueHint::FilePath)]
    pub(crate) objects: Vec<String>,
    /// Whose verifier: the running kernel's.
    #[arg(long, value_enum)]
    pub(crate) engine: Judge,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Only this program (may be given more than once).
    #[arg(long, value_name = "NAME")]
    pub(crate) prog: Vec<String>,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the verifier's whole log of each rejected program.
    #[arg(long, conflicts_with = "json")]
    pub(crate) log: bool,
}

/// `skep check --engine`.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum Judge {
    /// The running kernel.
    Kernel,
}

/// `skep dis`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  skep dis protocols.bpf.o")]
pub(crate) struct Dis {
    /// The object.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) object: String,
}

/// `skep asm`.
#[derive(Args, Debug)]
#[command(after_help = asm_help())]
pub(crate) struct Asm {
    /// The assembly, in LLVM's spelling or the kernel's; `-` reads standard input.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: String,
    /// The object.
    #[arg(long, short, value_name = "OBJ", value_hint = ValueHint::FilePath)]
    pub(crate) output: String,
    /// The file is a classic program, as tcpdump -d, -dd or -ddd prints it: it becomes a socket filter.
    #[arg(long)]
    pub(crate) classic: bool,
}

/// `skep gen`.
#[derive(Subcommand, Debug)]
pub(crate) enum Gen {
    /// Link objects into one: sections joined, names resolved, each type once.
    #[command(after_help = "Example:\n  skep gen object app.bpf.o main.bpf.o library.bpf.o\n\n\
        What one file declares `extern` and another defines is one thing afterwards; of several definitions the one that is \
        not `__weak` stands. What none defines stays `extern`.")]
    Object {
        /// The object that is made.
        #[arg(value_hint = ValueHint::FilePath)]
        out: String,
        /// The objects that are linked.
        #[arg(required = true, value_name = "IN", value_hint = ValueHint::FilePath)]
        inputs: Vec<String>,
    },
}

/// `skep prog`.
#[derive(Subcommand, Debug)]
pub(crate) enum Prog {
    /// List the programs in the kernel.
    #[command(after_help = "Example:\n  sudo skep prog list --json")]
    List {
        /// JSON in bpftool's shape.
        #[arg(long)]
        json: bool,
    },
}

/// `skep map`.
#[derive(Subcommand, Debug)]
pub(crate) enum Map {
    /// List the maps in the kernel.
    #[command(after_help = "Example:\n  sudo skep map list")]
    List {
        /// JSON in bpftool's shape.
        #[arg(long)]
        json: bool,
    },
    /// Show a map's entries, by its types.
    #[command(after_help = "Example:\n  sudo skep map dump 17\n  sudo skep map dump protocols --json")]
    Dump {
        /// Id, or name when only one map has it.
        map: String,
        /// JSON in bpftool's shape.
        #[arg(long)]
        json: bool,
    },
}

/// `skep btf`.
#[derive(Subcommand, Debug)]
pub(crate) enum Btf {
    /// Print every type, as bpftool does.
    #[command(after_help = "Example:\n  skep btf dump protocols.bpf.o\n  skep btf dump vmlinux --json")]
    Dump {
        /// A file (an object, or bare types), `vmlinux`, or a module.
        #[arg(value_hint = ValueHint::FilePath)]
        source: String,
        /// JSON in bpftool's shape.
        #[arg(long)]
        json: bool,
    },
    /// Find types, functions and variables by name, in the kernel and its modules.
    #[command(after_help = "Example:\n  skep btf find task_struct bpf_task_acquire\n  \
        skep btf find protocol --in protocols.bpf.o")]
    Find {
        /// The names, without `struct`.
        #[arg(required = true)]
        names: Vec<String>,
        /// Look here instead: a file, `vmlinux`, or a module.
        #[arg(long = "in", value_name = "SOURCE", value_hint = ValueHint::FilePath)]
        within: Option<String>,
        /// One JSON document, types in bpftool's shape.
        #[arg(long)]
        json: bool,
    },
    /// Show what the running kernel has types of: files, sizes, numbers.
    #[command(after_help = "Example:\n  skep btf where")]
    Where {
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// `skep explain`.
#[derive(Args, Debug)]
#[command(after_help = explain_help())]
pub(crate) struct Explain {
    /// A noun and a name; without a noun all tables are searched, without a name the noun's names are listed.
    #[arg(value_name = "[NOUN] NAME")]
    pub(crate) words: Vec<String>,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `skep hooks`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  sudo skep hooks")]
pub(crate) struct Hooks {
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `skep feature`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  sudo skep feature")]
pub(crate) struct Feature {
    /// JSON with bpftool's names.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Examples, and the nouns from their table.
fn explain_help() -> String {
    let examples = "Examples:\n  \
        skep explain map_lookup_elem           a helper\n  \
        skep explain prog xdp                  a program type\n  \
        skep explain section uprobe.multi      a section name\n  \
        skep explain helpers                   all helpers, a line each\n  \
        sudo skep explain types                program type × attach type, and what works here";
    let width = NOUNS.iter().map(|row| row.noun.name().len()).max().unwrap_or(0);
    let nouns: Vec<String> = NOUNS.iter().map(|row| format!("  {:width$}  {}", row.noun.name(), row.what)).collect();
    format!("{examples}\n\nNouns:\n{}", nouns.join("\n"))
}

/// A program, and the directives from their table.
fn asm_help() -> String {
    let rows: Vec<String> = DIRECTIVES
        .iter()
        .filter(|row| !row.what.starts_with("Read over") && row.what != "The same.")
        .map(|row| format!("  {}\n      {}", row.form, row.what))
        .collect();
    let example = "Examples:\n  skep asm pass.s -o pass.o && skep run pass.o --on pcap:traffic.pcap\n  \
        tcpdump -y EN10MB -ddd 'tcp port 80' | skep asm --classic - -o http.o\n\n  \
        where pass.s says\n    \
            .license \"GPL\"\n    \
            .map counts array key=4 value=8 entries=1\n    \
            .section xdp\n    \
            pass:   *(u32 *)(r10 - 4) = 0   ; a comment\n    \
            \x20       r2 = r10\n    \
            \x20       r2 += -4\n    \
            \x20       r1 = counts ll\n    \
            \x20       call bpf_map_lookup_elem\n    \
            \x20       if r0 == 0 goto done\n    \
            \x20       r1 = 1\n    \
            \x20       lock *(u64 *)(r0 + 0) += r1\n    \
            done:   r0 = 2\n    \
            \x20       exit";
    format!("{example}\n\nDirectives:\n{}", rows.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
