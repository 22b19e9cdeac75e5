//! Corpus a: the programs of the kernel's selftests, from Debian's source package, compiled here against the running
//! kernel's types as the selftests' Makefile does.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use super::{renew, version};

/// The source package, the archive it installs, and the folder in that archive.
const PACKAGE: &str = "linux-source-6.12";
/// The kernel's types.
const TYPES: &str = "/sys/kernel/btf/vmlinux";
/// What of the source is read, as paths in it.
const PARTS: &[&str] =
    &["tools/testing/selftests/bpf", "tools/lib/bpf", "tools/include", "include/uapi", "scripts/bpf_doc.py"];
/// What every program is compiled with, beside where headers are.
const FLAGS: &[&str] = &[
    "-g",
    "-O2",
    "--target=bpf",
    "-mcpu=v3",
    "-mlittle-endian",
    "-Wno-everything",
    "-D__TARGET_ARCH_x86",
    "-DENABLE_ATOMICS_TESTS",
];
/// Programs whose functions must stay functions.
const NOT_INLINED: &[&str] = &["test_l4lb_noinline", "test_xdp_noinline"];
/// Programs that compile at least; how many depends a little on the kernel's types (790 of 798 with those of Linux 6.18).
const LEAST: usize = 700;
/// Compilers at once.
const JOBS: usize = 2;

/// Makes the corpus in `folder`, or what of it is missing.
pub(crate) fn make(folder: &Path) -> Result<()> {
    renew(folder, &stamp()?)?;
    let build = Build::new(folder)?;
    let mut programs = build.programs()?;
    ensure!(!programs.is_empty(), "the source has no programs");
    let all = programs.len();
    let known = std::fs::read_to_string(build.failures()).unwrap_or_default();
    let failed = |name: &str| known.lines().any(|line| line.split(':').next() == Some(name));
    programs.retain(|source| !build.object(source).exists() && !failed(&stem(source)));
    if !programs.is_empty() {
        println!("compiling {} of {all} programs", programs.len());
        let mut failures: Vec<String> = known.lines().map(str::to_owned).collect();
        failures.extend(build.compile_all(&programs)?);
        failures.sort();
        std::fs::write(build.failures(), failures.join("\n"))?;
    }
    let failures = std::fs::read_to_string(build.failures()).unwrap_or_default();
    failures.lines().for_each(|line| println!("does not compile: {line}"));
    let compiled = all - failures.lines().count();
    println!("{compiled} of {all} programs compile");
    ensure!(compiled >= LEAST, "only {compiled} programs compile, wanted are {LEAST}");
    Ok(())
}

/// All that the objects are made of.
fn stamp() -> Result<String> {
    let types = std::fs::read(TYPES).with_context(|| TYPES.to_owned())?;
    let mut hash = std::hash::DefaultHasher::new();
    types.hash(&mut hash);
    let flags = [FLAGS, NOT_INLINED, PARTS].concat().join(" ");
    let packages: String = [PACKAGE, "clang-19", "bpftool"].iter().map(|p| version(p)).collect::<Result<_>>()?;
    Ok(format!("{packages}types {:016x}\nflags {flags}\n", hash.finish()))
}

/// Where things are.
struct Build {
    folder: PathBuf,
    /// The unpacked source.
    source: PathBuf,
    /// Headers made here.
    include: PathBuf,
    /// Folders of the system's headers, in clang's order.
    system: Vec<String>,
}

impl Build {
    /// Unpacks the source and makes the headers, where that is not done.
    fn new(folder: &Path) -> Result<Build> {
        let source = folder.join("source");
        let include = source.join("made");
        let build = Build { folder: folder.to_owned(), source, include, system: system_headers()? };
        let done = build.source.join("complete");
        if !done.exists() {
            build.unpack()?;
            build.headers()?;
            std::fs::write(done, "")?;
        }
        Ok(build)
    }

    fn unpack(&self) -> Result<()> {
        let archive = format!("/usr/src/{PACKAGE}.tar.xz");
        println!("unpacking {archive}");
        std::fs::create_dir_all(&self.source)?;
        let mut tar = Command::new("tar");
        tar.args(["-xJf", &archive, "--strip-components=1", "-C"]).arg(&self.source);
        done(tar.args(PARTS.iter().map(|part| format!("{PACKAGE}/{part}"))))
    }

    /// `bpf/` as libbpf installs it, the list of helpers, and the kernel's types.
    fn headers(&self) -> Result<()> {
        let bpf = self.include.join("bpf");
        std::fs::create_dir_all(&bpf)?;
        for entry in std::fs::read_dir(self.source.join("tools/lib/bpf"))? {
            let path = entry?.path();
            if let (Some(name), true) = (path.file_name(), path.extension().is_some_and(|e| e == "h")) {
                std::fs::copy(&path, bpf.join(name))?;
            }
        }
        let written = |path: PathBuf, command: &mut Command| -> Result<()> {
            let out = command.stderr(Stdio::inherit()).output().with_context(|| format!("{command:?}"))?;
            ensure!(out.status.success() && !out.stdout.is_empty(), "{command:?} failed");
            std::fs::write(&path, out.stdout).with_context(|| path.display().to_string())
        };
        let mut helpers = Command::new("python3");
        helpers.arg(self.source.join("scripts/bpf_doc.py")).args(["--header", "--file"]);
        written(bpf.join("bpf_helper_defs.h"), helpers.arg(self.source.join("tools/include/uapi/linux/bpf.h")))?;
        let mut types = Command::new("bpftool");
        written(self.include.join("vmlinux.h"), types.args(["btf", "dump", "file", TYPES, "format", "c"]))
    }

    fn tests(&self) -> PathBuf {
        self.source.join("tools/testing/selftests/bpf")
    }

    fn programs(&self) -> Result<Vec<PathBuf>> {
        let mut programs = Vec::new();
        for entry in std::fs::read_dir(self.tests().join("progs"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "c") {
                programs.push(path);
            }
        }
        programs.sort();
        Ok(programs)
    }

    fn object(&self, source: &Path) -> PathBuf {
        self.folder.join(format!("{}.bpf.o", stem(source)))
    }

    /// What did not compile, a line each.
    fn failures(&self) -> PathBuf {
        self.folder.join("failures")
    }

    /// Compiles all, [`JOBS`] at a time; a line for each that fails.
    fn compile_all(&self, programs: &[PathBuf]) -> Result<Vec<String>> {
        let (next, failures, started) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Instant::now());
        let work = || -> Result<()> {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(source) = programs.get(at) else { return Ok(()) };
                if let Some(why) = self.compile(source)? {
                    let mut failures = failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    failures.push(format!("{}: {why}", stem(source)));
                }
                if at % 50 == 49 {
                    println!("  {} of {}, {:.0} s", at + 1, programs.len(), started.elapsed().as_secs_f64());
                }
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..JOBS).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| match worker.join() {
                Ok(done) => done,
                Err(_) => bail!("a compiling thread died"),
            })
        })?;
        Ok(failures.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Compiles one; the first error when it fails.
    fn compile(&self, source: &Path) -> Result<Option<String>> {
        let object = self.object(source);
        let partial = object.with_extension("partial");
        let mut clang = Command::new("clang-19");
        clang.args(FLAGS);
        for folder in [self.include.clone(), self.tests(), self.source.join("tools/include/uapi")] {
            clang.arg("-I").arg(folder);
        }
        for folder in &self.system {
            clang.args(["-idirafter", folder]);
        }
        if NOT_INLINED.contains(&stem(source).as_str()) {
            clang.arg("-fno-inline");
        }
        let out = clang.arg("-c").arg(source).arg("-o").arg(&partial).output().context("clang-19")?;
        if out.status.success() {
            std::fs::rename(&partial, &object)?;
            return Ok(None);
        }
        let _ = std::fs::remove_file(&partial);
        let said = String::from_utf8_lossy(&out.stderr);
        let error = said.lines().find_map(|line| line.split_once("error: ").map(|(_, why)| why.to_owned()));
        Ok(Some(error.or_else(|| said.lines().next().map(str::to_owned)).unwrap_or_else(|| "no reason".to_owned())))
    }
}

/// The folders that clang searches for the system's headers when it compiles for this machine.
fn system_headers() -> Result<Vec<String>> {
    let out = Command::new("clang-19").args(["-v", "-E", "-x", "c", "-"]).stdin(Stdio::null()).output();
    let out = out.context("clang-19")?;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let folders = said.lines().filter_map(|line| line.strip_prefix(" /")).map(|rest| format!("/{}", rest.trim()));
    let folders: Vec<String> = folders.filter(|folder| Path::new(folder).is_dir()).collect();
    ensure!(!folders.is_empty(), "clang-19 names no folders of headers");
    Ok(folders)
}

fn stem(source: &Path) -> String {
    source.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn done(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?} failed");
    Ok(())
}
