//! What tests on the host's kernel share: programs by hand, network namespaces, and a look at what is left behind.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(unsafe_code, reason = "a thread leaves its network namespace")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use skep_isa::Insn;
use skep_isa::insn::{CALL, EXIT, LD_IMM64, PSEUDO_MAP_FD};
use skep_isa::spec::{MapType, section};
use skep_object::{FuncInfo, MapSpec, Object, ProgramSpec, Reloc, RelocTarget};

/// `mov64 dst, imm`.
pub(crate) fn mov(dst: u8, imm: i32) -> Insn {
    Insn::new(0xb7, dst, 0, 0, imm)
}

/// `mov64 dst, src`.
pub(crate) fn copy(dst: u8, src: u8) -> Insn {
    Insn::new(0xbf, dst, src, 0, 0)
}

/// `add64 dst, imm`.
pub(crate) fn add(dst: u8, imm: i32) -> Insn {
    Insn::new(0x07, dst, 0, 0, imm)
}

/// `exit`.
pub(crate) fn exit() -> Insn {
    Insn::new(EXIT, 0, 0, 0, 0)
}

/// A call of a helper.
pub(crate) fn call(helper: i32) -> Insn {
    Insn::new(CALL, 0, 0, 0, helper)
}

/// `return number`.
pub(crate) fn returns(number: i32) -> Vec<Insn> {
    vec![mov(0, number), exit()]
}

/// Both slots of the load of a map's address.
pub(crate) fn load_map(dst: u8) -> [Insn; 2] {
    [Insn::new(LD_IMM64, dst, PSEUDO_MAP_FD, 0, 0), Insn::default()]
}

/// An XDP program that returns the frame's first byte; its early exit jumps straight to an `exit`.
pub(crate) fn first_byte() -> Vec<Insn> {
    vec![
        mov(0, 0),
        Insn::new(0x61, 2, 1, 4, 0), // r2 = data_end
        Insn::new(0x61, 1, 1, 0, 0), // r1 = data
        copy(3, 1),
        add(3, 1),
        Insn::new(0x2d, 3, 2, 1, 0), // if r3 > r2 goto exit
        Insn::new(0x71, 0, 1, 0, 0), // r0 = *(u8 *)r1
        exit(),
    ]
}

/// Writes an 8-byte record into map 0 by `bpf_ringbuf_output`, then returns `result`.
pub(crate) fn output(result: i32) -> (Vec<Insn>, Vec<Reloc>) {
    let mut code = vec![mov(1, 7), Insn::new(0x7b, 10, 1, -8, 0)];
    let slot = u32::try_from(code.len()).expect("a short program");
    code.extend(load_map(1));
    code.extend([copy(2, 10), add(2, -8), mov(3, 8), mov(4, 0), call(130)]);
    code.extend(returns(result));
    (code, vec![Reloc { slot, target: RelocTarget::Map(0) }])
}

/// A program in a section.
pub(crate) fn program(name: &str, section: &str, (code, relocs): (Vec<Insn>, Vec<Reloc>)) -> ProgramSpec {
    ProgramSpec {
        name: name.into(),
        section: section.into(),
        kind: section::find(section).map(|(row, _)| row),
        hook: None,
        code,
        relocs,
        funcs: vec![FuncInfo { slot: 0, name: name.into(), type_id: None }],
        lines: vec![],
    }
}

/// A map without types.
pub(crate) fn map(name: &str, map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> MapSpec {
    MapSpec::new(name, map_type, key_size, value_size, max_entries)
}

/// A GPL object.
pub(crate) fn object(programs: Vec<ProgramSpec>, maps: Vec<MapSpec>) -> Object {
    Object { name: "test".into(), license: "GPL".into(), programs, maps, externs: vec![], btf: None, big_endian: false }
}

/// Compiles C to an object, with line information that names the file `FILE.bpf.c`.
pub(crate) fn compile(file: &str, source: &str) -> Object {
    let folder = std::env::temp_dir().join(format!("skep-{}-{file}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (c, o) = (format!("{file}.bpf.c"), format!("{file}.bpf.o"));
    std::fs::write(folder.join(&c), source).expect("written");
    let headers = format!("-I/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    let mut clang = Command::new("clang-19");
    clang.args("-O2 -g -mcpu=v3 -target bpf -fdebug-compilation-dir=. -c".split(' ')).args([&headers, &c, "-o", &o]);
    assert!(clang.current_dir(&folder).status().expect("clang-19").success());
    let bytes = std::fs::read(folder.join(o)).expect("compiled");
    std::fs::remove_dir_all(folder).expect("removed");
    Object::parse(file, &bytes).expect("an object")
}

/// The object of `tests/relocated/NAME.bpf.c`, compiled anew: it needs what no committed object has, libbpf's headers.
pub(crate) fn relocated(name: &str) -> Object {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/relocated/{name}.bpf.c"));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{:?}.o", std::thread::current().id()));
    let headers = format!("-I/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    let mut clang = Command::new("clang-19");
    clang.args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", &headers, "-c"]).arg(source).arg("-o").arg(&path);
    let output = clang.output().expect("clang-19");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = std::fs::read(&path).expect("compiled");
    std::fs::remove_file(&path).expect("removed");
    Object::parse(&format!("{name}.bpf.o"), &bytes).unwrap_or_else(|d| panic!("{}: {:?}", d.title, d.notes))
}

/// A frame that test runs of every type take: Ethernet, IPv4, and this first byte.
pub(crate) fn frame(first: u8) -> Vec<u8> {
    let mut frame = vec![0; 64];
    frame[0] = first;
    frame[12] = 8;
    frame[14] = 0x45;
    frame
}

/// Runs a test in a network namespace of its own, which ends with its last process, socket and thread.
pub(crate) fn in_namespace(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(|| {
        // SAFETY: only this thread, which is about to end, changes its network namespace; no descriptors are unshared.
        unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNET) }.expect("root");
        run("ip link set lo up");
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// A neighbour: a process in a namespace of its own, at the other end of a veth pair. It ends on drop.
pub(crate) struct Neighbour(std::process::Child);

impl Neighbour {
    /// Makes the pair `here` (10.9.0.1) – `there` (10.9.0.2).
    pub(crate) fn new() -> Neighbour {
        let child = Command::new("unshare").args(["--net", "sleep", "600"]).spawn().expect("unshare");
        let neighbour = Neighbour(child);
        run("ip link add here type veth peer name there");
        // The child is in its own namespace once `unshare` has done its work.
        let own = std::fs::read_link("/proc/thread-self/ns/net").expect("proc");
        let theirs = format!("/proc/{}/ns/net", neighbour.0.id());
        until("the neighbour has its namespace", || std::fs::read_link(&theirs).is_ok_and(|ns| ns != own));
        run(&format!("ip link set there netns {}", neighbour.0.id()));
        run("ip addr add 10.9.0.1/24 dev here");
        run("ip link set here up");
        neighbour.run("ip addr add 10.9.0.2/24 dev there");
        neighbour.run("ip link set there up");
        neighbour
    }

    /// Runs a command on the neighbour's side.
    pub(crate) fn run(&self, command: &str) -> String {
        run(&format!("nsenter -t {} -n {command}", self.0.id()))
    }

    /// Sends pings to our side, each answered or not; true when all were.
    pub(crate) fn ping(&self, count: usize) -> bool {
        let pid = self.0.id().to_string();
        let args = ["-t", &pid, "-n", "ping", "-c", &count.to_string(), "-i", "0.01", "-W", "1", "10.9.0.1"];
        let out = Command::new("nsenter").args(args).output().expect("ping");
        String::from_utf8_lossy(&out.stdout).contains(" 0% packet loss")
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command that must succeed, and gives its output.
pub(crate) fn run(command: &str) -> String {
    let mut words = command.split_whitespace();
    let out = Command::new(words.next().expect("a command")).args(words).output().expect(command);
    assert!(out.status.success(), "{command}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// Waits for what must come true within ten seconds.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < end, "in vain waited for: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the kernel has no such program any more.
pub(crate) fn until_gone(program_id: u32) {
    until("the program is gone", || !skep_kernel::Program::ids().expect("ids").contains(&program_id));
}
