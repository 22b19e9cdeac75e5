//! Loading by right of a token, from a user namespace that has no privilege outside. Needs root, unshare of util-linux, and
//! Linux 6.9, which made tokens.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod host;

use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use host::{first_byte, frame, program};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
    move_mount,
};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use skep_btf::{Btf, Builder, Kind};
use skep_isa::spec::{Command as Bpf, MapType};
use skep_kernel::feature::{Feature, Features, kernel_version};
use skep_kernel::{Error, ObjectTypes, Options, TestRun, load};
use skep_object::{MapSpec, Object};

/// What the process inside says when it has a file system to be configured: this and its descriptor.
const READY: &str = "ready ";

/// A program, a map and types.
fn object() -> Object {
    let mut types = Builder::new();
    let int = types.add("int", Kind::Int { size: 4, bits: 32, signed: true, char: false, bool: false });
    let mut object = host::object(vec![program("first", "xdp", (first_byte(), vec![]))], vec![]);
    let mut map = MapSpec::new("numbers", MapType::Hash, 4, 4, 8);
    (map.key_type, map.value_type) = (Some(int), Some(int));
    object.maps.push(map);
    object.btf = Some(Btf::parse(&types.encode().expect("small")).expect("built"));
    object
}

/// Where the process inside mounts its file system.
fn folder(process: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("token-{process}"))
}

fn with(token: Option<&Path>) -> Options {
    Options { token: token.map(Path::to_owned), ..Options::default() }
}

#[test]
fn a_user_namespace_loads_what_a_file_system_lends_it() {
    if kernel_version().expect("a version") < Bpf::TokenCreate.row().since {
        let error = load(&object(), &with(Some(Path::new("/sys/fs/bpf")))).expect_err("no tokens here");
        assert!(matches!(error, Error::Token { .. }), "{error}");
        return;
    }
    let test = std::env::current_exe().expect("this test");
    let mut inside = Command::new("unshare");
    inside.args(["--user", "--map-root-user", "--mount", "--net"]).arg(test);
    inside.args(["--exact", "inside_the_namespace", "--ignored", "--nocapture"]);
    inside.stdin(Stdio::piped()).stdout(Stdio::piped()).env_remove("LIBBPF_BPF_TOKEN_PATH");
    let mut inside = inside.spawn().expect("unshare");
    let mut lines = BufReader::new(inside.stdout.take().expect("piped")).lines();
    let fd = lines.find_map(|line| {
        let line = line.expect("text");
        Some(line.split_once(READY)?.1.trim().parse::<i32>().expect("a descriptor"))
    });
    if let Some(fd) = fd {
        // Only out here may a file system be told what to lend.
        let pid = Pid::from_raw(inside.id().cast_signed()).expect("a number");
        let process = pidfd_open(pid, PidfdFlags::empty()).expect("it runs");
        let file_system = pidfd_getfd(process, fd, PidfdGetfdFlags::empty()).expect("its descriptor");
        for what in ["cmds", "maps", "progs", "attachs"] {
            fsconfig_set_string(&file_system, format!("delegate_{what}"), "any").expect("lent");
        }
        fsconfig_create(&file_system).expect("made");
        inside.stdin.take().expect("piped").write_all(b"done\n").expect("it waits");
    }
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    let ended = inside.wait().expect("ended");
    let _ = std::fs::remove_dir(folder(inside.id()));
    assert!(ended.success(), "{}", rest.join("\n"));
    assert!(fd.is_some());
}

#[test]
#[ignore = "the test above runs it in a namespace"]
fn inside_the_namespace() {
    let without = load(&object(), &with(None)).expect_err("nothing is lent yet");
    assert!(matches!(without, Error::NoPrivilege { .. }), "{without}");
    let missing = load(&object(), &with(Some(Path::new("/sys")))).expect_err("no bpf file system");
    assert!(missing.diagnostic().notes.iter().any(|note| note.contains("root of a bpf")), "{missing}");

    let file_system = fsopen("bpf", FsOpenFlags::FSOPEN_CLOEXEC).expect("a file system of this namespace");
    println!("{READY}{}", file_system.as_raw_fd());
    std::io::stdin().lock().read_line(&mut String::new()).expect("the other's word");
    let mount = fsmount(file_system.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).expect("mounted");
    let folder = folder(std::process::id());
    std::fs::create_dir(&folder).expect("a folder");
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    move_mount(mount.as_fd(), "", rustix::fs::CWD, &folder, flags).expect("put there");

    let options = with(Some(&folder));
    let loaded = load(&object(), &options).unwrap_or_else(|e| panic!("{:?}", e.diagnostic()));
    assert_eq!(loaded.types(), &ObjectTypes::Whole);
    assert_ne!(loaded.map(0).expect("made").info().expect("told").btf_id, 0, "the map has its types");
    let program = loaded.program(0).expect("loaded");
    assert_eq!(program.test_run(&TestRun { data: &frame(7), ..Default::default() }).expect("runs").retval, 7);
    // The kernel is asked by the same right.
    let version = kernel_version().expect("a version");
    let is_here = |feature| if let Feature::Btf(feature) = feature { feature.row().since <= version } else { true };
    assert!(Feature::all().all(|feature| options.features.has(feature) == is_here(feature)));

    // The same answers, and with them the token, for another load.
    let again = Options { features: Arc::clone(&options.features), ..with(None) };
    load(&object(), &again).unwrap_or_else(|e| panic!("{e}"));
    // A path that is empty is for no token.
    let none = load(&object(), &with(Some(Path::new("")))).expect_err("without");
    assert!(matches!(none, Error::NoPrivilege { .. }), "{none}");

    // The usual place needs no name.
    let usual = std::process::Command::new("mount").arg("--bind").arg(&folder).arg("/sys/fs/bpf").status();
    assert!(usual.expect("mount").success());
    let features = Arc::new(Features::new());
    load(&object(), &Options { features, ..Options::default() }).unwrap_or_else(|e| panic!("{e}"));
}
