//! What the live tests share: two namespaces joined by a veth pair, real servers, and `skep` as a process.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

pub(crate) use crate::namespace::apart;

/// The other end of the veth pair `here` – `there`: a process in a namespace of its own. It ends on drop.
pub(crate) struct Neighbour(Child);

impl Neighbour {
    /// Makes the pair: here 10.9.0.1, there 10.9.0.2. `there` is down, so that nothing is sent before [`Neighbour::up`].
    pub(crate) fn new() -> Neighbour {
        run("ip link set lo up");
        let child = Command::new("unshare").args(["--net", "sleep", "600"]).spawn().expect("unshare");
        let neighbour = Neighbour(child);
        run("ip link add here type veth peer name there");
        // The child is in its own namespace once `unshare` has done its work.
        let own = std::fs::read_link("/proc/thread-self/ns/net").expect("proc");
        let theirs = format!("/proc/{}/ns/net", neighbour.0.id());
        until("the neighbour has its namespace", || std::fs::read_link(&theirs).is_ok_and(|ns| ns != own));
        run(&format!("ip link set there netns {}", neighbour.0.id()));
        run("ip addr add 10.9.0.1/24 dev here");
        run("ip addr add fd09::1/64 dev here nodad");
        run("ip link set here up");
        neighbour.run("ip addr add 10.9.0.2/24 dev there");
        neighbour
    }

    /// From now on it can send.
    pub(crate) fn up(&self) {
        self.run("ip link set there up");
        self.run("ip addr add fd09::2/64 dev there nodad");
        until("the device has its carrier", || run("ip -o link show dev here").contains("state UP"));
    }

    /// From now on it cannot: what its counters say is all there was.
    pub(crate) fn down(&self) {
        self.run("ip link set there down");
    }

    /// Runs a command on its side, which must succeed.
    pub(crate) fn run(&self, command: &str) -> String {
        run(&format!("nsenter -t {} -n {command}", self.0.id()))
    }

    /// Sends pings to our side; true when each was answered.
    pub(crate) fn ping(&self, address: &str, count: usize) -> bool {
        let (pid, count) = (self.0.id().to_string(), count.to_string());
        let args = ["-t", &pid, "-n", "ping", "-c", &count, "-i", "0.01", "-W", "1", address];
        let out = Command::new("nsenter").args(args).output().expect("ping");
        String::from_utf8_lossy(&out.stdout).contains(" 0% packet loss")
    }

    /// Packets that it sent to us, by its own counter.
    pub(crate) fn sent(&self) -> u64 {
        counter(&self.run("ip -j -s link show dev there"), "tx")
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Packets that went through our end, both ways, by its counters.
pub(crate) fn passed_here() -> u64 {
    let text = run("ip -j -s link show dev here");
    counter(&text, "rx") + counter(&text, "tx")
}

fn counter(text: &str, way: &str) -> u64 {
    let links: Value = serde_json::from_str(text).expect("ip's JSON");
    links[0]["stats64"][way]["packets"].as_u64().expect("a counter")
}

/// A web server on our side, in a temporary folder; both go on drop.
pub(crate) struct Server(Child, #[expect(dead_code, reason = "held for what its drop does")] Folder);

/// Length of the file that the server has.
pub(crate) const PAGE: usize = 300_000;

impl Server {
    pub(crate) fn new() -> Server {
        let folder = temporary("server");
        std::fs::write(folder.join("page"), vec![b'x'; PAGE]).expect("a page");
        let mut python = Command::new("python3");
        python.args(["-m", "http.server", "8000", "--bind", "::"]).current_dir(&*folder);
        let child = python.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("python3");
        let server = Server(child, folder);
        until("the server answers", || std::net::TcpStream::connect("[::1]:8000").is_ok());
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `skep` at work; what it writes is collected as it comes. It is killed on drop.
pub(crate) struct Skep {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Skep {
    /// Starts it in the repository's root with these words, separated by blanks.
    pub(crate) fn start(words: &str) -> Skep {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        command.args(words.split_whitespace()).current_dir(root).env("NO_COLOR", "1");
        let mut child = command.stdout(Stdio::piped()).spawn().expect("skep");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (out, into) = (child.stdout.take().expect("piped"), Arc::clone(&lines));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(out).lines() {
                into.lock().expect("not poisoned").push(line.expect("UTF-8"));
            }
        });
        Skep { child, lines, reader: Some(reader) }
    }

    /// The lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("not poisoned").clone()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is there");
    }

    /// Waits for its end: its exit status, and all lines.
    pub(crate) fn ended(mut self) -> (Option<i32>, Vec<String>) {
        let status = self.child.wait().expect("its status");
        self.reader.take().expect("not joined yet").join().expect("read");
        (status.code(), self.lines())
    }

    /// Waits for its end, which must be a success, and gives all lines.
    pub(crate) fn finish(self) -> Vec<String> {
        let (status, lines) = self.ended();
        assert_eq!(status, Some(0), "{lines:#?}");
        lines
    }

    /// Ends it with a signal, and reads the last line as JSON.
    pub(crate) fn end(self, signal: Signal) -> Value {
        self.signal(signal);
        let lines = self.finish();
        serde_json::from_str(lines.last().expect("a summary")).expect("JSON")
    }

    /// Kills it, as nothing can be caught.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it is there");
        self.child.wait().expect("its status");
    }

    /// What it holds in the kernel, as its descriptors tell.
    pub(crate) fn holds(&self) -> Held {
        let mut held = Held::default();
        let descriptors = std::fs::read_dir(format!("/proc/{}/fdinfo", self.child.id())).expect("proc");
        for file in descriptors {
            // One may be closed since it was listed.
            let Ok(text) = std::fs::read_to_string(file.expect("an entry").path()) else { continue };
            let field = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name))?;
                line.trim().parse::<u32>().ok()
            };
            // A link tells its program, too.
            held.links.extend(field("link_id:"));
            held.programs.extend(field("prog_id:"));
            held.maps.extend(field("map_id:"));
        }
        held
    }

    /// Waits until it has as many links.
    pub(crate) fn until_linked(&self, links: usize) -> Held {
        until("skep is attached", || self.holds().links.len() == links);
        self.holds()
    }
}

impl Drop for Skep {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Numbers of what a process holds in the kernel.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) programs: Vec<u32>,
    pub(crate) maps: Vec<u32>,
    pub(crate) links: Vec<u32>,
}

impl Held {
    /// Waits until the kernel has nothing of it any more.
    pub(crate) fn until_gone(&self) {
        assert!(!self.programs.is_empty() && !self.maps.is_empty(), "{self:?}");
        until("programs, maps and links are gone", || {
            let programs = skep_kernel::Program::ids().expect("ids");
            let maps = skep_kernel::Map::ids().expect("ids");
            let linked = |id: &u32| {
                let mut bpftool = Command::new("bpftool");
                bpftool.args(["link", "show", "id", &id.to_string()]).output().expect("bpftool").status.success()
            };
            !self.programs.iter().any(|id| programs.contains(id))
                && !self.maps.iter().any(|id| maps.contains(id))
                && !self.links.iter().any(linked)
        });
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

/// A temporary folder; it goes on drop.
pub(crate) struct Folder(PathBuf);

impl std::ops::Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A new temporary folder.
pub(crate) fn temporary(name: &str) -> Folder {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("skep-live-{}-{count}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    Folder(folder)
}
