//! The command line, described once: parser, help, completion and man pages come from here.

use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use skep::{Engine, Hook};
use skep_isa::asm::DIRECTIVES;
use skep_isa::explain::NOUNS;

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

/// `skep run`.
#[derive(Args, Debug)]
#[command(after_help = run_help())]
pub(crate) struct Run {
    /// The object, as clang made it.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) object: String,
    /// Where programs run; without it, where their sections say.
    #[arg(long, value_name = "HOOK")]
    pub(crate) on: Vec<String>,
    /// Where programs live: by default the vm for captures, the kernel for everything else.
    #[arg(long, value_enum)]
    pub(crate) engine: Option<EngineName>,
    /// Only this program (may be given more than once).
    #[arg(long, value_name = "NAME")]
    pub(crate) prog: Vec<String>,
    /// Stop after this long: 500ms, 5s, 2m.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// Only JSON on stdout: records as they come, the summary last.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the frames that go on, as the program left them (pcap when the name ends in .pcap, else pcapng).
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) write: Option<String>,
    /// Read the records of a ring buffer as this type.
    #[arg(long, value_name = "MAP=TYPE", value_parser = pair)]
    pub(crate) record: Vec<(String, String)>,
    /// Fill a map before the start: a line for each entry, KEY or KEY VALUE, `#` begins a comment.
    #[arg(long, value_name = "MAP=FILE", value_parser = pair)]
    pub(crate) fill: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Adapt programs to the kernel types in this file, instead of the running kernel's.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) btf: Option<String>,
    /// Kernel: load programs untouched; what they do not count is then null.
    #[arg(long)]
    pub(crate) verbatim: bool,
    /// Kernel: when the verifier rejects a program, print its whole log too.
    #[arg(long)]
    pub(crate) log: bool,
    /// Vm: keep the limits of the kernel's test run, so that both engines give the same numbers.
    #[arg(long)]
    pub(crate) like_kernel: bool,
}

/// What the object leaves to whoever loads it.
#[derive(Args, Debug)]
pub(crate) struct Settings {
    /// Make a map with other sizes or flags than the object says: stacks:value_size=1016,max_entries=64.
    #[arg(long, value_name = "NAME:FIELD=N", value_parser = map_setting)]
    pub(crate) map: Vec<(String, String)>,
    /// Give a global variable, or a part of one, its first value: limit=5, ports[2]=80, config.mode=FAST.
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    pub(crate) set: Vec<(String, String)>,
    /// Take a program for one of another section: sock=xdp, probe=fentry/do_unlinkat.
    #[arg(long, value_name = "PROG=SECTION", value_parser = pair)]
    pub(crate) section: Vec<(String, String)>,
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

/// `--engine`.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum EngineName {
    /// skep's own engine in user space.
    Vm,
    /// The running kernel.
    Kernel,
}

impl Run {
    /// The engine asked for, or the one the hooks want: captures need no kernel.
    pub(crate) fn engine(&self, hooks: &[Hook]) -> Engine {
        match self.engine {
            Some(EngineName::Vm) => Engine::Vm,
            Some(EngineName::Kernel) => Engine::Kernel,
            None if hooks.iter().all(|h| matches!(h, Hook::Pcap { .. })) => Engine::Vm,
            None => Engine::Kernel,
        }
    }
}

/// Examples, and the hooks from their table.
fn run_help() -> String {
    let examples = "Examples:\n  \
        skep run protocols.bpf.o --on pcap:traffic.pcap\n  \
        skep run blocklist.bpf.o --on pcap:in.pcap --fill blocked4=networks.txt --write out.pcapng\n  \
        skep run vlan.bpf.o --on pcap:in.pcap --set vlan_id=7 --write tagged.pcapng\n  \
        sudo skep run protocols.bpf.o --on xdp:eth0 --for 10s --json\n  \
        sudo skep run opens.bpf.o                       hooks come from the object's sections";
    format!("{examples}\n\nHooks: {}", Hook::forms())
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

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((map, rest)) if !map.is_empty() && !rest.is_empty() => Ok((map.to_owned(), rest.to_owned())),
        _ => Err("expected MAP=…".to_owned()),
    }
}

fn map_setting(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((map, rest)) if !map.is_empty() && !rest.is_empty() => Ok((map.to_owned(), rest.to_owned())),
        _ => Err("expected NAME:FIELD=N, such as counts:max_entries=1024".to_owned()),
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, such as limit=5".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| "expected a time such as 500ms, 5s or 2m".to_owned())?;
    let scale = match unit.trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        unit => return Err(format!("`{unit}` is no unit of time; use ms, s, m or h")),
    };
    Duration::try_from_secs_f64(number * scale).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_are_read_with_their_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("5 parsecs").is_err() && duration("").is_err() && duration("-1s").is_err());
    }
}
