//! docs/performance.md: tables of medians, what each row means, what is still missed.

use std::fmt::Write;

use anyhow::Result;

use super::Row;

/// A table: its rows' group, title, and what stands under the title.
struct Group {
    id: &'static str,
    title: &'static str,
    about: &'static str,
    /// Whether the geometric mean of its rows says something.
    mean: bool,
}

const GROUPS: &[Group] = &[
    Group {
        id: "process",
        title: "Processes",
        about: "Whole processes from `fork` to `exit`, output thrown away. The large object is generated C, compiled with \
                types and line information; `llvm-objdump` prints no types. Pages of `explain` include what is tried on this machine, by root: \
                loading, attaching, making maps.",
        mean: false,
    },
    Group {
        id: "load",
        title: "Loading",
        about: "The objects inside Debian's packages, opened and loaded into the kernel as wholes in library calls: bytes, \
                maps, adaption to this kernel's types, the verifier. Of each object the programs are loaded that both sides \
                have accepted alone; objects that one side does not load so are left out. Nothing is put into programs \
                (`--verbatim`). The kernel's part is the same for both; the last row is what either computes itself.",
        mean: false,
    },
    Group {
        id: "interpreter",
        title: "Interpreter",
        about: "The vm on the programs of `bench/programs`, all checks on: bounds of each access, fuel, call depth. The \
                entry is part of a run. Both sides' results are compared. rbpf has neither maps nor `xdp_md`.",
        mean: true,
    },
    Group {
        id: "maps",
        title: "Entry and maps",
        about: "A run of a program that does nothing, and one `bpf_map_lookup_elem` with keys of four bytes in scattered \
                order: a loop with the call less the same loop without it.",
        mean: false,
    },
    Group {
        id: "packets",
        title: "Packets",
        about: "The packet examples over `examples/capture.pcap` in memory, as many rounds as take over a second in all. \
                The vm's time includes copying the frame in; the kernel's is the `duration` of `BPF_PROG_TEST_RUN`, compiled \
                code without the system call around it. The list of `blocklist` is empty on both sides.",
        mean: true,
    },
];

/// What must be reached (the name of a row begins so, or the geometric mean of a group), and how much.
const TARGETS: &[(&str, &str, f64)] = &[
    ("process", "`--version`", 5.0),
    ("process", "disassembly", 20.0),
    ("process", "explain, slowest", 20.0),
    ("interpreter", "geometric mean", 2.0),
    ("maps", "a run", 10.0),
    ("maps", "lookup, array", 1.0),
    ("maps", "lookup, hash of 1 Ki", 5.0),
    ("maps", "lookup, hash of 64 Ki", 10.0),
    ("packets", "protocols", 1000.0),
];

/// What a line of a table shows: name, unit, our figure, the peer's name and figure.
type Line<'a> = (&'a str, &'a str, f64, Option<(&'a str, f64)>);

pub(super) fn text(rows: &[Row], binary: &str) -> Result<String> {
    let mut out = String::from("# Performance\n\n");
    writeln!(out, "Made by `cargo xtask bench --write` on {}, Linux {}.", cpu(), kernel())?;
    out.push_str(
        "Each figure is a median; skep and its peer take turns, sample by sample, so that both see the same machine.\n",
    );
    out.push_str("The ratio is the peer's time to ours: above 1 skep is faster. Absolute times shift with the machine, ratios hold.\n\n");
    writeln!(out, "{binary}")?;
    let (tables, missed) = tables(rows)?;
    out.push_str(&tables);
    out.push_str("\n## What falls short\n\n");
    out.push_str(&if missed.is_empty() { "Nothing that is measured here.".to_owned() } else { missed.join("\n") });
    out.push_str("\n\nNot measured yet: compiled code, the verifier, tracing; skep does not have them yet.\n");
    Ok(out)
}

/// A table for each group that has rows, and a line for each target that is missed.
pub(super) fn tables(rows: &[Row]) -> Result<(String, Vec<String>)> {
    let (mut out, mut missed) = (String::new(), Vec::new());
    for group in GROUPS {
        let of: Vec<&Row> = rows.iter().filter(|row| row.group == group.id).collect();
        if of.is_empty() {
            continue;
        }
        writeln!(out, "\n## {}\n\n{}\n", group.title, group.about)?;
        out.push_str("| row | skep | peer | ratio |\n|---|---:|---:|---:|\n");
        let mut all: Vec<Line<'_>> = of
            .iter()
            .map(|row| {
                (row.name.as_str(), row.unit.as_str(), row.ours, row.peer.as_ref().map(|(p, v)| (p.as_str(), *v)))
            })
            .collect();
        let both: Vec<(f64, f64)> = all.iter().filter_map(|row| Some((row.2, row.3?.1))).collect();
        if let (true, Some(first)) = (group.mean, of.first()) {
            let peer = first.peer.as_ref().map_or("peer", |(name, _)| name);
            let theirs = Some((peer, geomean(both.iter().map(|b| b.1))));
            let all_have_peers = both.len() == of.len();
            let mean = geomean(of.iter().map(|row| row.ours));
            all.push(("geometric mean", &first.unit, mean, theirs.filter(|_| all_have_peers)));
            if !both.is_empty() && !all_have_peers {
                all.push(("geometric mean where both ran", &first.unit, geomean(both.iter().map(|b| b.0)), theirs));
            }
        }
        for (name, unit, ours, peer) in all {
            let beside = peer.map_or(String::new(), |(peer, theirs)| format!("{} ({peer})", figure(theirs, unit)));
            let ratio = peer.map_or(String::new(), |(_, theirs)| format!("{:.2}", theirs / ours));
            writeln!(out, "| {name} | {} | {beside} | {ratio} |", figure(ours, unit))?;
            let target = TARGETS.iter().find(|(id, begin, _)| *id == group.id && name.starts_with(begin));
            if group.id == "load" && peer.is_some_and(|(_, theirs)| ours > theirs) {
                missed.push(format!("- {name}: {}, slower than {beside}.", figure(ours, unit)));
            }
            if let Some((.., most)) = target.filter(|(.., most)| ours > *most) {
                missed.push(format!("- {name}: {}, wanted at most {} {unit}.", figure(ours, unit), most));
            }
        }
    }
    Ok((out, missed))
}

/// A figure with three digits, and for packets the rate beside it.
fn figure(value: f64, unit: &str) -> String {
    let digits = match value {
        v if v < 10.0 => 2,
        v if v < 100.0 => 1,
        _ => 0,
    };
    match unit {
        "ns/packet" => format!("{value:.digits$} {unit}, {:.2} M/s", 1e3 / value),
        _ => format!("{value:.digits$} {unit}"),
    }
}

fn geomean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value.ln(), count + 1.0));
    f64::exp(sum / count)
}

fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let count = info.lines().filter(|line| line.starts_with("processor")).count();
    format!("{} ({count} CPUs)", model.map_or("an unknown CPU", |(_, name)| name))
}

fn kernel() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    // Version numbers only: what follows may name a machine.
    let end = release.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(release.len());
    release.get(..end).unwrap_or_default().to_owned()
}
