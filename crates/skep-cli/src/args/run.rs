//! `skep run`, and the settings that other verbs share with it.

use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use skep::{Engine, Hook};

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

    #[test]
    fn times_are_read_with_their_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("5 parsecs").is_err() && duration("").is_err() && duration("-1s").is_err());
    }
}
