//! Debian's kernels for cloud machines: found, downloaded and unpacked once, never installed; and their modules.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::root;

/// A kernel of Debian's, unpacked.
pub(crate) struct Kernel {
    /// The package's folder.
    folder: PathBuf,
    /// What `uname -r` says there.
    release: String,
    /// Where each module is, by its name with `_` for `-`.
    modules: HashMap<String, PathBuf>,
    /// Names of modules that are built in.
    built_in: Vec<String>,
}

impl Kernel {
    /// The kernel of a series (`6.1`): the one that is here already, else the newest that apt knows.
    pub(crate) fn get(series: &str) -> Result<Kernel> {
        let home = root().join("target/guest");
        std::fs::create_dir_all(&home)?;
        let prefix = format!("linux-image-{series}.");
        let here = std::fs::read_dir(&home)?.flatten().filter_map(|e| e.file_name().into_string().ok());
        let mut here: Vec<String> = here.filter(|name| is_package(name, &prefix)).collect();
        here.sort_by_key(|name| numbers(name));
        if let Some(newest) = here.pop() {
            return Kernel::open(home.join(newest));
        }
        let apt = Apt::new(series, &home);
        // The list of packages may be missing, or tell of one that is gone.
        match download(&apt, &prefix, &home) {
            Ok(folder) => Kernel::open(folder),
            Err(_) => {
                apt.update()?;
                Kernel::open(download(&apt, &prefix, &home)?)
            }
        }
    }

    fn open(folder: PathBuf) -> Result<Kernel> {
        let lib = folder.join("lib/modules");
        let entry = std::fs::read_dir(&lib).with_context(|| lib.display().to_string())?.next();
        let release = entry.context("a package without modules")??.file_name().to_string_lossy().into_owned();
        let mut modules = HashMap::new();
        find_modules(&lib, &mut modules)?;
        let list = std::fs::read_to_string(lib.join(&release).join("modules.builtin"))?;
        let built_in = list.lines().filter_map(|line| module_name(Path::new(line))).collect();
        Ok(Kernel { folder, release, modules, built_in })
    }

    /// What `uname -r` says in a guest.
    pub(crate) fn name(&self) -> &str {
        &self.release
    }

    /// The file that qemu boots.
    pub(crate) fn image(&self) -> PathBuf {
        self.folder.join(format!("boot/vmlinuz-{}", self.release))
    }

    /// Its configuration.
    pub(crate) fn config(&self) -> Result<Vec<u8>> {
        let path = self.folder.join(format!("boot/config-{}", self.release));
        std::fs::read(&path).with_context(|| path.display().to_string())
    }

    /// These modules and what they need, each behind what it needs: names and contents. What is built in is left out;
    /// what this kernel does not have at all is an error unless it is `optional`.
    pub(crate) fn modules(&self, needed: &[&str], optional: &[&str]) -> Result<Vec<(String, Vec<u8>)>> {
        let mut found = Vec::new();
        for name in needed {
            self.add(name, &mut found)?;
        }
        for name in optional.iter().filter(|name| self.modules.contains_key(**name)) {
            self.add(name, &mut found)?;
        }
        Ok(found)
    }

    fn add(&self, name: &str, found: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
        if self.built_in.iter().any(|b| b == name) || found.iter().any(|(f, _)| f == name) {
            return Ok(());
        }
        let path = self.modules.get(name).with_context(|| format!("{}: no module {name}", self.release))?;
        let content = match path.extension().is_some_and(|e| e == "xz") {
            true => command(Command::new("xz").arg("-dc").arg(path))?,
            false => std::fs::read(path)?,
        };
        for other in depends(&content) {
            self.add(&other.replace('-', "_"), found)?;
        }
        found.push((name.to_owned(), content));
        Ok(())
    }
}

/// Runs to its end; what it wrote.
fn command(command: &mut Command) -> Result<Vec<u8>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let out = command.output().with_context(|| format!("{name}: is it installed?"))?;
    ensure!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr).trim());
    Ok(out.stdout)
}

/// Series of earlier releases of Debian, which this machine's lists of packages do not tell of.
const EARLIER: &[(&str, &str)] = &[("5.10", "bullseye")];

/// The ways to ask for packages: by this machine's lists, or by lists of our own for an earlier release.
struct Apt {
    /// The release and the folder of its lists.
    earlier: Option<(&'static str, PathBuf)>,
}

impl Apt {
    fn new(series: &str, home: &Path) -> Apt {
        let row = EARLIER.iter().find(|row| row.0 == series);
        Apt { earlier: row.map(|row| (row.1, home.join(format!("lists-{}", row.1)))) }
    }

    /// One of apt's programs, told where its lists are.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        if let Some((_, folder)) = &self.earlier {
            let path = |name: &str| folder.join(name).display().to_string();
            command.args([
                "-o",
                &format!("Dir::Etc::sourcelist={}", path("sources.list")),
                "-o",
                "Dir::Etc::sourceparts=-",
            ]);
            command.args(["-o", &format!("Dir::State::lists={}", path("lists")), "-o", "APT::Sandbox::User=root"]);
            command.args([
                "-o",
                &format!("Dir::Cache::pkgcache={}", path("packages")),
                "-o",
                "Dir::Cache::srcpkgcache=",
            ]);
        }
        command
    }

    /// Has the lists made anew. Those of an earlier release come from where this machine's do.
    fn update(&self) -> Result<()> {
        command(Command::new("apt-get").args(["update", "-qq"]))?;
        let Some((release, folder)) = &self.earlier else { return Ok(()) };
        std::fs::create_dir_all(folder.join("lists/partial"))?;
        let ask = ["indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages", "Origin: Debian"];
        let known = command(Command::new("apt-get").args(ask))?;
        let sources = sources(&String::from_utf8_lossy(&known), release);
        std::fs::write(folder.join("sources.list"), sources)?;
        command(self.command("apt-get").args(["update", "-qq"]))?;
        Ok(())
    }
}

/// What apt is told of an earlier release: `known` has on each line an address and the release that comes from there.
fn sources(known: &str, release: &str) -> String {
    const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let lines = known.lines().filter_map(|line| line.split_once(' '));
    // A release has no updates when it is no longer changed.
    let lines = lines.filter(|(_, suite)| !suite.ends_with("-updates") && !suite.ends_with("-backports"));
    let line = |(address, suite): (&str, &str)| {
        let kind = suite.find('-').and_then(|at| suite.get(at..)).unwrap_or_default();
        format!("deb [signed-by={KEYS}] {address} {release}{kind} main\n")
    };
    let mut lines: Vec<String> = lines.map(line).collect();
    lines.sort();
    lines.dedup();
    lines.concat()
}

/// Downloads and unpacks the newest package whose name begins so and that is still to be had; its folder.
fn download(apt: &Apt, prefix: &str, home: &Path) -> Result<PathBuf> {
    let pattern = "^linux-image-.*-cloud-amd64-unsigned$";
    let listed = command(apt.command("apt-cache").args(["search", "--names-only", pattern]))?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let names = listed.lines().filter_map(|line| line.split(' ').next()).filter(|name| is_package(name, prefix));
    let mut names: Vec<&str> = names.collect();
    names.sort_by_key(|name| numbers(name));
    let mut last = anyhow::anyhow!("apt knows no package {prefix}…-cloud-amd64-unsigned");
    for name in names.into_iter().rev().take(TRIES) {
        eprintln!("guest: downloading {name}");
        match unpack(apt, name, home) {
            Ok(folder) => return Ok(folder),
            Err(error) => last = error,
        }
        let _ = std::fs::remove_dir_all(partial(name, home));
    }
    Err(last)
}

/// Packages that are tried: lists may tell of newer ones than a mirror has.
const TRIES: usize = 6;

/// Where a package is unpacked until it is whole.
fn partial(name: &str, home: &Path) -> PathBuf {
    home.join(format!("{name}.partial"))
}

fn unpack(apt: &Apt, name: &str, home: &Path) -> Result<PathBuf> {
    let partial = partial(name, home);
    let _ = std::fs::remove_dir_all(&partial);
    std::fs::create_dir_all(&partial)?;
    let download = ["-q", "-o", "APT::Sandbox::User=root", "download", name];
    command(apt.command("apt-get").args(download).current_dir(&partial))?;
    let files = std::fs::read_dir(&partial)?.flatten().map(|entry| entry.path());
    let package = files.into_iter().next().context("apt-get download left no file")?;
    command(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&partial))?;
    std::fs::remove_file(&package)?;
    let folder = home.join(name);
    std::fs::rename(&partial, &folder)?;
    Ok(folder)
}

/// `linux-image-6.1.0-56-cloud-amd64-unsigned`
fn is_package(name: &str, prefix: &str) -> bool {
    name.starts_with(prefix) && name.ends_with("-cloud-amd64-unsigned")
}

/// The numbers in a name, by which versions compare.
fn numbers(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

fn find_modules(folder: &Path, modules: &mut HashMap<String, PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            find_modules(&path, modules)?;
        } else if let Some(name) = module_name(&path) {
            modules.insert(name, path);
        }
    }
    Ok(())
}

/// `virtio_pci` of `…/virtio-pci.ko.xz`
fn module_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(".xz").unwrap_or(name).strip_suffix(".ko")?;
    Some(stem.replace('-', "_"))
}

/// The modules that one says it needs: `depends=a,b` between zero bytes.
fn depends(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|window| window == KEY) else { return vec![] };
    let rest = module.get(at + KEY.len()..).unwrap_or_default();
    let text = String::from_utf8_lossy(rest.split(|b| *b == 0).next().unwrap_or_default()).into_owned();
    text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_numbers() {
        let name = |version: &str| format!("linux-image-{version}-cloud-amd64-unsigned");
        assert!(numbers(&name("6.1.0-100")) > numbers(&name("6.1.0-56")));
        assert!(numbers(&name("6.12.117+deb12")) > numbers(&name("6.12.9+deb12")));
        assert!(is_package(&name("6.1.0-56"), "linux-image-6.1."));
        assert!(!is_package(&name("6.12.9+deb12"), "linux-image-6.1."));
    }

    #[test]
    fn an_earlier_release_comes_from_where_this_one_does() {
        let known = "http://a/debian/ bookworm-updates\nhttp://a/debian/ bookworm\nhttp://a/debian/ bookworm\n\
            http://a/security/ bookworm-security\n";
        let sources = sources(known, "bullseye");
        let lines: Vec<&str> = sources.lines().filter_map(|line| line.split_once("] ").map(|(_, rest)| rest)).collect();
        assert_eq!(lines, ["http://a/debian/ bullseye main", "http://a/security/ bullseye-security main"]);
    }

    #[test]
    fn a_module_says_what_it_needs() {
        assert_eq!(depends(b"x\0depends=virtio,virtio-ring\0y"), ["virtio", "virtio-ring"]);
        assert!(depends(b"x\0depends=\0y").is_empty());
        assert!(depends(b"depends").is_empty());
        assert_eq!(module_name(Path::new("a/virtio-pci.ko.xz")).as_deref(), Some("virtio_pci"));
        assert_eq!(module_name(Path::new("modules.order")), None);
    }
}
