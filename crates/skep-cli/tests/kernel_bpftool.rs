//! What `skep prog`, `map` and `feature` say, against bpftool on the same kernel. Needs root.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod live;
mod namespace;

use std::process::Command;

use live::*;
use rustix::process::Signal;
use serde_json::Value;
use skep_isa::Insn;

/// The JSON that a skep command prints.
fn skep(words: &str) -> Value {
    let out = Command::new(env!("CARGO_BIN_EXE_skep")).args(words.split(' ')).output().expect("skep");
    assert!(out.status.success(), "{words}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("JSON")
}

/// The JSON that a bpftool command prints.
fn bpftool(words: &str) -> Value {
    serde_json::from_str(&run(&format!("bpftool -j {words}"))).expect("JSON")
}

/// Each field that skep gives has the value that bpftool gives.
fn same_fields(ours: &Value, theirs: &Value) {
    let fields = ours.as_object().expect("an object");
    assert!(fields.len() >= 6, "{ours}");
    for (name, value) in fields {
        assert_eq!((name, value), (name, &theirs[name]), "{ours}\n{theirs}");
    }
}

/// The row of a list that has this id.
fn row(list: &Value, id: u32) -> &Value {
    let mut rows = list.as_array().expect("a list").iter();
    rows.find(|row| row["id"] == id).unwrap_or_else(|| panic!("{id} is not in {list}"))
}

#[test]
fn lists_have_the_fields_of_bpftool() {
    apart(|| {
        run("ip link add here type veth peer name there");
        let running = Skep::start("run examples/protocols/protocols.bpf.o --on xdp:here --json");
        let held = running.until_linked(1);
        let program = held.programs[0];
        same_fields(row(&skep("prog list --json"), program), &bpftool(&format!("prog show id {program}")));
        let maps = skep("map list --json");
        assert!(held.maps.len() >= 3, "{held:?}");
        for id in held.maps.iter().copied() {
            same_fields(row(&maps, id), &bpftool(&format!("map show id {id}")));
        }
        running.end(Signal::INT);
    });
}

/// Entries as pairs of key and value, both as bytes, in the order of keys.
fn pairs(dump: &Value) -> Vec<(String, String)> {
    let entries = dump.as_array().expect("a list").iter();
    let values = |e: &Value| if e["value"].is_null() { e["values"].to_string() } else { e["value"].to_string() };
    let mut pairs: Vec<_> = entries.map(|e| (e["key"].to_string(), values(e))).collect();
    pairs.sort();
    pairs
}

/// Fills a map of an object by a run over nothing, and compares both dumps of it.
fn same_dump(words: &str, map: &str, entries: usize) {
    let running = Skep::start(words);
    let held = running.until_linked(1);
    let maps = skep("map list --json");
    let id = held.maps.iter().find(|id| row(&maps, **id)["name"] == map).expect("the map");
    let (ours, theirs) = (skep(&format!("map dump {id} --json")), bpftool(&format!("map dump id {id}")));
    assert_eq!(pairs(&ours).len(), entries, "{ours}");
    assert_eq!(pairs(&ours), pairs(&theirs));
    // By type, both show the same numbers; names of constants and addresses are ours alone.
    for entry in ours.as_array().expect("a list") {
        let same = theirs.as_array().expect("a list").iter().find(|e| e["key"] == entry["key"]).expect("the entry");
        let (ours, theirs) = (&entry["formatted"], &same["formatted"]);
        assert_eq!((&ours["value"], &ours["values"]), (&theirs["value"], &theirs["values"]));
    }
    running.end(Signal::INT);
}

#[test]
fn dumps_have_the_keys_and_values_of_bpftool() {
    apart(|| {
        run("ip link add here type veth peer name there");
        let folder = temporary("fill");
        let fill = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).expect("a file");
            path.display().to_string()
        };
        let protocols = fill("protocols", "ARP {1, 42}\nTCP {18446744073709551615, 3}\nUDP {5, 6}\n");
        same_dump(
            &format!("run examples/protocols/protocols.bpf.o --on xdp:here --json --fill protocols={protocols}"),
            "protocols",
            3,
        );
        let blocked = fill("blocked", "10.0.0.0/8 7\n10.1.0.0/16 8\n0.0.0.0/0 9\n");
        same_dump(
            &format!("run examples/blocklist/blocklist.bpf.o --on xdp:here --json --fill blocked4={blocked}"),
            "blocked4",
            3,
        );
        let ran = fill("ran", "GATE 1\nTAP 4294967296\n");
        let words = "run tests/data/object/several.bpf.o --prog gate --on xdp:here --json";
        same_dump(&format!("{words} --fill ran={ran}"), "ran", 3);
        let histogram = "run tests/programs/percpu_array.bpf.o --on xdp:here --json";
        let object =
            skep::Object::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/programs/percpu_array.bpf.o"));
        let object = object.expect("the object");
        let per_cpu = object.spec().maps.iter().find(|m| m.map_type.is_per_cpu()).expect("a per-CPU map");
        same_dump(histogram, &per_cpu.name, per_cpu.max_entries as usize);
    });
}

#[test]
fn features_have_the_names_and_answers_of_bpftool() {
    let (ours, theirs) = (skep("feature --json"), bpftool("feature probe kernel"));
    assert!(ours["program_types"]["have_tracing_prog_type"].is_boolean(), "{ours}");
    for group in ["program_types", "map_types"] {
        let named = theirs[group].as_object().expect("a group");
        assert!(named.len() > 25, "{named:?}");
        // bpftool tries a tracing program without naming what it traces, which newer kernels refuse.
        let comparable = |name: &str| name != "have_tracing_prog_type";
        let differs = |(name, answer): &(&String, &Value)| comparable(name) && ours[group][name.as_str()] != **answer;
        let differences: Vec<_> = named.iter().filter(differs).map(|(n, a)| (n, a, &ours[group][n])).collect();
        assert!(differences.is_empty(), "name, bpftool's answer, ours: {differences:#?}");
    }
}

#[test]
fn libbpf_loads_what_asm_makes_and_what_bpftool_dumps_is_assembled_to_the_same_bytes() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/programs/assembly.bpf.s");
    let text = std::fs::read_to_string(source).expect("the source");
    // Debian's bpftool prints nothing sensible for the newest instructions.
    let newest = ["bswap", "(s8)", "(s16)", "(s32)", "s/=", "s%=", "gotol"];
    let older = |line: &&str| !newest.iter().any(|word| line.contains(word));
    let text: Vec<&str> =
        text.lines().filter(older).map(|line| if line.contains("r2 ^= r3") { "r2 = 1" } else { line }).collect();
    let folder = std::env::temp_dir().join(format!("skep-asm-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = |name: &str| folder.join(name).display().to_string();
    std::fs::write(file("older.s"), text.join("\n")).expect("written");
    let skep = env!("CARGO_BIN_EXE_skep");
    run(&format!("{skep} asm {} -o {}", file("older.s"), file("older.bpf.o")));

    // In a mount namespace of its own, so that neither the pin nor the filesystem it needs stays.
    let script = "mkdir pins && mount -t bpf bpf pins && bpftool prog load older.bpf.o pins/p type xdp && \
                  bpftool prog dump xlated pinned pins/p > dump.s && \
                  bpftool prog dump xlated pinned pins/p file dump.bin";
    let status = Command::new("unshare").args(["--mount", "sh", "-ec", script]).current_dir(&folder).status();
    assert!(status.is_ok_and(|s| s.success()), "bpftool loads and dumps it");

    run(&format!("{skep} asm {} -o {}", file("dump.s"), file("dump.o")));
    run(&format!("llvm-objcopy-19 -O binary --only-section=.text {} {}", file("dump.o"), file("again.bin")));
    let [dumped, again] = ["dump.bin", "again.bin"].map(|name| std::fs::read(file(name)).expect("bytes"));
    std::fs::remove_dir_all(&folder).expect("removed");
    assert!(dumped.len() > 1000, "{}", dumped.len());
    // The kernel moves a call's distance to the offset; in the immediate it has the number of the function.
    let mut dumped = Insn::slots(&dumped);
    for insn in dumped.iter_mut().filter(|insn| insn.is_local_call()) {
        (insn.off, insn.imm) = (0, insn.off.into());
    }
    assert_eq!(dumped, Insn::slots(&again));
}
