//! One guest: qemu and the server of the host's files, started, watched and ended.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::initramfs;
use super::kernel::Kernel;
use crate::root;

/// Memory of a guest.
const MEMORY: &str = "2G";

/// Where Debian puts the server of files, which comes with qemu.
const FILE_SERVERS: &[&str] = &["/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd"];

/// A program that ends with this one, and when it is dropped.
struct Process(Child);

impl Process {
    fn start(program: &str, configure: impl FnOnce(&mut Command)) -> Result<Process> {
        // Ends it even if this process is killed.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", program]).stdin(Stdio::null());
        configure(&mut command);
        Ok(Process(command.spawn().context("setpriv, of util-linux")?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that goes with its value.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How a guest ended.
pub(crate) enum Outcome {
    /// The script came to its end, with this status.
    Status(u8),
    /// The kernel did not live so long: what to tell of it.
    Crashed(String),
}

/// Where a guest's output goes.
pub(crate) type Sink = Box<dyn Write + Send>;

/// Runs a script in a guest, its output to `out`, what it complains of ours; its exit status.
pub(crate) fn run(kernel: &Kernel, script: &str, limit: Duration, out: Sink) -> Result<Outcome> {
    let folder = Folder(root().join(format!("target/guest/run-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0)?;
    let file = |name: &str| folder.0.join(name);
    std::fs::write(file("initramfs"), initramfs::build(kernel, script)?)?;
    let _server = serve_files(&folder.0)?;
    let mut qemu = Process::start("qemu-system-x86_64", |command| {
        configure(command, kernel, &folder.0);
    })?;
    let copies: Vec<JoinHandle<()>> = [
        qemu.0.stdout.take().map(|from| copy(from, out)),
        qemu.0.stderr.take().map(|from| copy(from, std::io::stderr())),
    ]
    .into_iter()
    .flatten()
    .collect();
    let end = Instant::now() + limit;
    let is_late = loop {
        if qemu.0.try_wait()?.is_some() {
            break false;
        }
        if Instant::now() > end {
            break true;
        }
        thread::sleep(Duration::from_millis(20));
    };
    drop(qemu);
    for copy in copies {
        let _ = copy.join();
    }
    let status = std::fs::read_to_string(file("status")).ok().and_then(|text| text.trim().parse().ok());
    match status {
        Some(status) if !is_late => Ok(Outcome::Status(status)),
        _ => {
            let console = last_lines(&file("console"));
            let told = |what: &str| format!("the guest {} {what}; the console's last lines:\n{console}", kernel.name());
            if is_late {
                bail!(told(&format!("took longer than {limit:?}")));
            }
            Ok(Outcome::Crashed(told("ended early")))
        }
    }
}

/// The script of one command: where, with what environment, and the words.
pub(crate) fn script(words: &[impl AsRef<str>]) -> Result<String> {
    let mut text = environment()?;
    let words: Vec<String> = words.iter().map(|word| quoted(word.as_ref())).collect();
    writeln!(text, "exec {}", words.join(" "))?;
    Ok(text)
}

/// The beginning of every script: this folder and this environment, as far as tests and tools care.
pub(crate) fn environment() -> Result<String> {
    let mut text = String::new();
    for (name, value) in std::env::vars() {
        let is_kept = ["CARGO_", "RUST_", "SKEP_"].iter().any(|prefix| name.starts_with(prefix));
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if (is_kept && is_name) || name == "HOME" || name == "PATH" {
            writeln!(text, "export {name}={}", quoted(&value))?;
        }
    }
    let here = std::env::current_dir()?;
    writeln!(text, "cd {}", quoted(&here.to_string_lossy()))?;
    Ok(text)
}

/// A word as a shell reads it.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Starts the server of this machine's files, and waits until it listens.
fn serve_files(folder: &Path) -> Result<Process> {
    let Some(program) = FILE_SERVERS.iter().find(|path| Path::new(path).exists()) else {
        bail!("no virtiofsd: install qemu-system-common");
    };
    let (socket, log) = (folder.join("files"), folder.join("files.log"));
    let out = std::fs::File::create(&log)?;
    let mut server = Process::start(program, |command| {
        command.arg(format!("--socket-path={}", socket.display()));
        command.args(["-o", "source=/", "-o", "cache=always", "-o", "sandbox=chroot"]);
        command.stdout(Stdio::null()).stderr(out);
    })?;
    let end = Instant::now() + Duration::from_secs(10);
    while !socket.exists() {
        if server.0.try_wait()?.is_some() || Instant::now() > end {
            bail!("{program} does not serve files; it needs root:\n{}", last_lines(&log));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(server)
}

fn configure(command: &mut Command, kernel: &Kernel, folder: &Path) {
    let path = |name: &str| folder.join(name).display().to_string();
    command.args(["-cpu", "max", "-smp", "2", "-m", MEMORY, "-no-reboot"]);
    command.args(["-display", "none", "-vga", "none", "-net", "none", "-monitor", "none"]);
    command.args(["-serial", &format!("file:{}", path("console"))]);
    command.args(["-kernel", &kernel.image().display().to_string(), "-initrd", &path("initramfs")]);
    command.args(["-append", "console=ttyS0 quiet panic=-1 oops=panic lsm=bpf"]);
    // The server of files reads and writes the guest's memory.
    command.args(["-object", &format!("memory-backend-memfd,id=memory,size={MEMORY},share=on")]);
    command.args(["-numa", "node,memdev=memory"]);
    command.args(["-chardev", &format!("socket,id=files,path={}", path("files"))]);
    command.args(["-device", "vhost-user-fs-pci,chardev=files,tag=host"]);
    command.args(["-device", "virtio-serial-pci"]);
    let status = path("status");
    for (name, to) in [("out", "/dev/stdout"), ("err", "/dev/stderr"), ("status", &status)] {
        command.args(["-chardev", &format!("file,id={name},path={to}")]);
        command.args(["-device", &format!("virtserialport,chardev={name},name={name}")]);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
}

/// Passes on what comes, as it comes.
fn copy(mut from: impl Read + Send + 'static, mut to: impl Write + Send + 'static) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let _ = to.write_all(buffer.get(..length).unwrap_or_default());
            let _ = to.flush();
        }
    })
}

/// The end of a log, without what a terminal is told.
fn last_lines(path: &Path) -> String {
    const LINES: usize = 60;
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).replace('\r', "");
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(LINES);
    lines.get(from..).unwrap_or_default().iter().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_the_words_that_were_quoted() {
        let word = "it's $HOME `x` \"\\ \n*";
        let out = Command::new("sh").args(["-c", &format!("printf %s {}", quoted(word))]).output().expect("sh");
        assert_eq!(out.stdout, word.as_bytes());
    }
}
