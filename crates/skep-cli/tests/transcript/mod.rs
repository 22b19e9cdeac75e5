//! Pages with commands and what they say: read, run, compared, written anew.

mod inputs;
mod page;

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use page::{Page, Session};

/// The most time a command may take, in seconds.
const PATIENCE: &str = "60";

/// Number of the user `nobody`, who owns nothing.
const NOBODY: u32 = 65534;

/// Who runs the commands of a page.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "kernel-tests"), allow(dead_code, reason = "only the kernel's pages need root"))]
pub(crate) enum User {
    /// Whoever runs the tests.
    Same,
    /// Nobody, when root runs the tests; else whoever does.
    Ordinary,
    /// Root, in a network namespace that ends with the page.
    Root,
}

/// The names of a folder's pages, in order.
pub(crate) fn pages(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(repository().join(folder)).expect("the folder of pages");
    let paths = entries.map(|e| e.expect("an entry").path()).filter(|p| p.extension().is_some_and(|e| e == "md"));
    let mut names: Vec<String> = paths.map(|p| p.file_stem().expect("a name").display().to_string()).collect();
    names.sort();
    names
}

/// Runs the commands of a page and compares what they say; with `SKEP_BLESS` it writes that into the page.
pub(crate) fn check(path: &str, user: User) {
    let file = repository().join(path);
    let text = std::fs::read_to_string(&file).expect("the page");
    let page = Page::parse(&text);
    assert!(page.sessions().next().is_some(), "{path} has no `$ ` lines in ```console blocks");
    let desk = Desk::new(path);
    let said = desk.run(&page, user);
    let blessed = page.with(&said);
    if blessed == text {
        return;
    }
    if std::env::var_os("SKEP_BLESS").is_some() {
        std::fs::write(&file, blessed).expect("the page can be written");
        return;
    }
    let differences: Vec<String> = page.differences(&said).collect();
    panic!("{path} does not show what happens (SKEP_BLESS=1 writes it anew):\n\n{}", differences.join("\n\n"));
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// A folder where a page's commands run: it has the repository's examples and test objects at their usual paths, the
/// inputs that are made, and `bin/skep`. It goes with the value.
struct Desk(PathBuf);

impl Desk {
    fn new(page: &str) -> Desk {
        let name = format!("skep-page-{}-{}", std::process::id(), page.replace('/', "-"));
        let desk = Desk(std::env::temp_dir().join(name));
        std::fs::create_dir_all(desk.0.join("bin")).expect("a temporary folder");
        for folder in ["examples", "tests/programs", "tests/data/object", "tests/data/link"] {
            copy_inputs(&repository().join(folder), &desk.0.join(folder));
        }
        inputs::make(&desk.0);
        // A copy, because a user without rights may not reach the folder it was built in; made by a process of its own,
        // because what is forked beside this thread would hold the file open for writing, and such a file does not run.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_skep")).arg(desk.0.join("bin/skep")).status();
        assert!(copied.expect("cp").success(), "the binary");
        desk
    }

    /// What the page's commands say, in order; for [`User::Root`] from a thread in a network namespace of its own.
    fn run(&self, page: &Page<'_>, user: User) -> Vec<String> {
        let run = || page.sessions().map(|session| self.say(session, user)).collect();
        #[cfg(all(target_os = "linux", feature = "kernel-tests"))]
        if user == User::Root {
            return crate::namespace::apart(run);
        }
        run()
    }

    /// One command's output as a user sees it, stdout and stderr as they come, and its status when it is not 0.
    fn say(&self, session: &Session<'_>, user: User) -> String {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let mut command = Command::new("timeout");
        command.args([PATIENCE, "sh", "-c", &session.command]).current_dir(&self.0);
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", self.0.join("bin").display());
        command.env_clear().env("PATH", path).env("NO_COLOR", "1").env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(writer.try_clone().expect("a pipe")).stderr(writer);
        if user == User::Ordinary && is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let mut child = command.spawn().expect("a shell");
        // The parent's ends of the pipe close with the command; only then does the reading end.
        drop(command);
        let mut said = Vec::new();
        reader.read_to_end(&mut said).expect("its output");
        let status = child.wait().expect("its status");
        let mut said = String::from_utf8(said).expect("UTF-8");
        if !said.is_empty() && !said.ends_with('\n') {
            said.push('\n');
        }
        match status.code() {
            Some(0) => {}
            Some(code) => said.push_str(&format!("[exit {code}]\n")),
            None => said.push_str(&format!("[{status}]\n")),
        }
        said
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Copies the committed inputs of a folder, and of the folders in it.
fn copy_inputs(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder of inputs") {
        let path = entry.expect("an entry").path();
        let copy = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_inputs(&path, &copy);
        } else if path.extension().is_some_and(|e| ["o", "c", "s", "pcap"].iter().any(|kept| e == *kept)) {
            std::fs::copy(&path, &copy).expect("an input");
        }
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    // What this process makes belongs to its user.
    std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}
