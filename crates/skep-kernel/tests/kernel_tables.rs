//! Program types, attach types, results, sections, links and commands: the rows against the running kernel and libbpf.
//!
//! All programs here are refused: none is compiled.
#![cfg(feature = "kernel-tests")]

use std::collections::BTreeMap;
use std::process::Command as Process;

use skep_btf::{Btf, Kind};
use skep_isa::Insn;
use skep_isa::insn::{CALL, EXIT};
use skep_isa::spec::prog_type::Sleep;
use skep_isa::spec::section::{self, Form};
use skep_isa::spec::{
    AttachType, LinkType, MapType, Place, ProgType, Version, attach_type, command, core_kind, licence, link_type,
    map_type, prog_type, result,
};
use skep_kernel::feature::{Prober, Refusal, kernel_version};

fn mov(value: i32) -> Insn {
    Insn::new(0xb7, 0, 0, 0, value)
}

/// True when the verifier walked the program.
fn is_walked(refusal: &Refusal) -> bool {
    refusal.log.contains("R9 !read_ok") || refusal.log.contains("At program exit")
}

fn here() -> Version {
    kernel_version().expect("a kernel that says its version")
}

/// Names and numbers of an enum of the kernel's types.
fn constants(btf: &Btf, name: &str) -> BTreeMap<String, i64> {
    let id = btf.find(name, |kind| matches!(kind, Kind::Enum { .. })).expect(name);
    let Some(Kind::Enum { values, .. }) = btf.get(id).map(|t| &t.kind) else { panic!("{name} is no enum") };
    values.iter().map(|v| (btf.string(v.name_off).expect("a name").to_owned(), v.value)).collect()
}

#[test]
fn numbers_and_names_are_the_kernel_s_in_both_directions() {
    let btf = Btf::parse(&std::fs::read("/sys/kernel/btf/vmlinux").expect("types")).expect("types");
    type Rows = Vec<(String, u32, Version)>;
    let tables: [(&str, Rows); 6] = [
        ("bpf_prog_type", prog_type::TABLE.iter().map(|r| (r.id.constant(), r.id.id(), r.since)).collect()),
        ("bpf_attach_type", attach_type::TABLE.iter().map(|r| (r.id.constant(), r.id.id(), r.since)).collect()),
        ("bpf_map_type", map_type::TABLE.iter().map(|r| (map_constant(r.id), r.id.id(), r.since)).collect()),
        ("bpf_link_type", link_type::TABLE.iter().map(|r| (r.id.constant(), r.id.id(), r.since)).collect()),
        ("bpf_core_relo_kind", core_kind::TABLE.iter().map(|r| (r.id.constant(), r.id.id(), r.since)).collect()),
        ("bpf_cmd", command::TABLE.iter().map(|r| (r.constant.to_owned(), r.id.id(), r.since)).collect()),
    ];
    let mut wrong = Vec::new();
    for (name, rows) in tables {
        let kernel = constants(&btf, name);
        for (constant, number, since) in &rows {
            match kernel.get(constant) {
                Some(value) if *value == i64::from(*number) => {}
                Some(value) => wrong.push(format!("{constant} is {value} here, the row says {number}")),
                None if *since > here() => {}
                None => wrong.push(format!("{constant} is not here, the row says since {since}")),
            }
        }
        for (constant, value) in &kernel {
            // Ends of enums, and second names.
            let second = ["BPF_PROG_RUN", "BPF_PERF_EVENT_OUTPUT", "BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED"]
                .contains(&constant.as_str())
                || constant.ends_with("_DEPRECATED")
                || constant.starts_with("__MAX")
                || constant.starts_with("MAX_");
            let known = rows.iter().find(|(_, number, _)| i64::from(*number) == *value);
            match known {
                _ if second => {}
                None => wrong.push(format!("{constant} = {value} of this kernel has no row")),
                // The name came before there were such links.
                Some(_) if constant == "BPF_LINK_TYPE_STRUCT_OPS" => {}
                Some((_, _, since)) if *since > here() => {
                    wrong.push(format!("{constant} is here, the row says since {since}"));
                }
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn map_constant(id: MapType) -> String {
    format!("BPF_MAP_TYPE_{}", id.name().to_uppercase())
}

#[test]
fn results_are_kept_to_the_range_of_their_row() {
    let prober = Prober::new();
    let mut wrong = Vec::new();
    let (mut asked, mut silent) = (0, Vec::new());
    // Kernels do not look at attach types of probes that they do not know.
    for place in Place::all().filter(|place| place.row().first() <= here()) {
        let row = place.row();
        let range = result::allowed(row.prog_type, row.attach_type).filter(|r| r.since <= here());
        for value in -2..=5 {
            // `r0` is unknown, so both ways are walked: first `return value`, then what is refused in any case.
            let code =
                [Insn::new(CALL, 0, 0, 0, 7), Insn::new(0x15, 0, 0, 2, 0), mov(value), Insn::new(EXIT, 0, 0, 0, 0)];
            let refusal = prober.refuse(place, &code, c"GPL");
            if !is_walked(&refusal) {
                silent.push(row.name);
                break;
            }
            asked += 1;
            let allowed = !refusal.log.contains("At program exit");
            let expected = match (row.prog_type, row.attach_type) {
                // What a security hook may return is the hook's own rule.
                (ProgType::Lsm, Some(AttachType::LsmMac)) => continue,
                _ => range.is_none_or(|r| (r.low..=r.high).contains(&value)),
            };
            if allowed != expected {
                wrong.push(format!("{}: {value} is {}allowed here", row.name, if allowed { "" } else { "not " }));
            }
        }
    }
    println!("{asked} results asked about; not walked here: {}", silent.join(", "));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked > 400, "only {asked} results could be asked about");
}

#[test]
fn programs_may_sleep_where_their_row_says() {
    let prober = Prober::new();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for place in Place::all() {
        let row = place.row();
        let plain = prober.refuse_as(place, false, &[], c"GPL");
        let sleeping = prober.refuse_as(place, true, &[], c"GPL");
        if !is_walked(&plain) && !is_walked(&sleeping) {
            continue;
        }
        asked += 1;
        let attach_may = match row.attach_type {
            // Up to 6.1 this was not looked at when it was loaded.
            Some(AttachType::TraceRawTp) if here() <= Version(6, 1) => is_walked(&sleeping),
            // Which functions may sleep is the function's own rule; up to 6.1, an option's that guests have off.
            Some(AttachType::TraceFentry | AttachType::TraceFexit | AttachType::ModifyReturn)
                if !row.sleepable || here() <= Version(6, 1) =>
            {
                is_walked(&sleeping)
            }
            attach => attach.is_none_or(|a| a.row().may_sleep.is_some_and(|v| v <= here())),
        };
        let expected = match row.prog_type.row().sleep {
            Sleep::Never => (true, false),
            Sleep::Since(since) => (true, since <= here()),
            Sleep::Always => (false, true),
            Sleep::ByAttach => (true, attach_may),
            // A security hook or member that may not sleep is the hook's own rule.
            Sleep::Flag => (true, is_walked(&sleeping)),
            // Whether it is a uprobe is known when it is attached.
            Sleep::Uprobe => (true, true),
        };
        // A place of programs that sleep says so itself.
        let expected = if row.prog_type == ProgType::Lsm && !attach_may { (true, false) } else { expected };
        let found = (is_walked(&plain), is_walked(&sleeping));
        if found != expected {
            wrong.push(format!("{}: {found:?} (plain, sleeping) here, the rows say {expected:?}", row.name));
        }
    }
    println!("{asked} places asked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked > 50, "only {asked} places could be asked");
}

#[test]
fn licences_open_the_helpers_of_the_gpl_as_their_rows_say() {
    let prober = Prober::untyped();
    // bpf_trace_printk wants the GPL.
    let call = [Insn::new(CALL, 0, 0, 0, 6)];
    let more = ["MIT", "gpl", "GPL ", "GPL v3", "GPLv2", "Dual Apache/GPL", ""];
    let rows = licence::TABLE.iter().map(|r| (r.text, r.gpl)).chain(more.map(|text| (text, false)));
    for (text, gpl) in rows {
        let license = std::ffi::CString::new(text).expect("no zero");
        let refusal = prober.refuse(Place::Kprobe, &call, &license);
        let refused = refusal.log.contains("GPL");
        assert_eq!(!refused, gpl, "`{text}`: {}", refusal.log);
        assert_eq!(licence::is_gpl(text), gpl, "`{text}`");
    }
}

/// libbpf's own reading of section names, through its shared library.
const ASK_LIBBPF: &str = r#"
import ctypes, sys
lib = ctypes.CDLL("libbpf.so.1")
lib.libbpf_set_print(None)
for name in sys.stdin.read().splitlines():
    prog, attach = ctypes.c_int(-1), ctypes.c_int(-1)
    found = lib.libbpf_prog_type_by_name(name.encode(), ctypes.byref(prog), ctypes.byref(attach))
    print(prog.value if found == 0 else -1, attach.value)
"#;

#[test]
fn section_names_are_read_as_libbpf_reads_them() {
    use std::io::Write;
    let names: Vec<(String, &section::Section)> = section::TABLE
        .iter()
        .map(|row| match row.form {
            Form::Exact => (row.pattern.to_owned(), row),
            Form::Detail(_) if row.pattern == "socket" => (row.pattern.to_owned(), row),
            Form::Detail(_) => (format!("{}/something", row.pattern), row),
        })
        .collect();
    let mut python = Process::new("python3")
        .args(["-c", ASK_LIBBPF])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("python3");
    let text: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
    python.stdin.take().expect("piped").write_all(text.join("\n").as_bytes()).expect("written");
    let out = python.wait_with_output().expect("libbpf");
    let out = String::from_utf8(out.stdout).expect("numbers");
    assert_eq!(out.lines().count(), names.len(), "libbpf answered {out}");
    let (mut known, mut wrong) = (0, Vec::new());
    for ((name, row), line) in names.iter().zip(out.lines()) {
        let (prog, attach) = line.split_once(' ').expect("two numbers");
        if prog == "-1" {
            continue;
        }
        known += 1;
        let expected = (row.prog_type.id().to_string(), row.attach_type.map_or(0, AttachType::id).to_string());
        if (prog, attach) != (expected.0.as_str(), expected.1.as_str()) {
            wrong.push(format!("{name}: libbpf says {line}, the row {} {}", expected.0, expected.1));
        }
        let (found, _) = section::find(name).expect("known");
        assert_eq!(found.pattern, row.pattern, "{name}");
    }
    println!("{known} of {} patterns are known to this libbpf", names.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // libbpf 1.1, the oldest with which this runs, knows so many.
    assert!(known >= 80, "libbpf knows only {known} of them");
}

#[test]
fn a_link_type_is_what_an_attach_type_s_row_says() {
    // Rows alone: each link but the nameless one holds something, and what it holds says so.
    for row in link_type::TABLE.iter().filter(|row| row.id != LinkType::Unspec) {
        assert!(attach_type::TABLE.iter().any(|a| a.link == Some(row.id)), "{} holds nothing", row.name);
    }
}
