//! Maps kept by name: `LIBBPF_PIN_BY_NAME` has a map shared by all who name it, in a folder of a
//! bpf file system.

use std::ffi::CString;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::io::Errno;
use skep_isa::spec::Command;
use skep_object::MapSpec;

use crate::error::Error;
use crate::map::Map;
use crate::sys;

/// Where they are kept if nothing else is said, as libbpf has it.
pub(crate) const FOLDER: &str = "/sys/fs/bpf";

/// The map that is kept under this one's name; the one that `make` makes, and from now on kept, where there is none.
///
/// # Errors
/// [`Error::PinnedMap`] for one of another shape, [`Error::Call`] or [`Error::NoPrivilege`] when it cannot be opened or kept.
pub(crate) fn open_or_keep(
    folder: &Path,
    spec: &MapSpec,
    make: impl FnOnce() -> Result<Map, Error>,
) -> Result<Map, Error> {
    if let Some(map) = open(folder, spec)? {
        return Ok(map);
    }
    let map = make()?;
    keep(folder, &map)?;
    Ok(map)
}

fn open(folder: &Path, spec: &MapSpec) -> Result<Option<Map>, Error> {
    let path = path(folder, &spec.name);
    let Some(map) = Map::from_path(&cstring(&path)?)? else { return Ok(None) };
    let info = map.info()?;
    let there = [info.type_number, info.key_size, info.value_size, info.max_entries, info.flags].map(u64::from);
    let here = [spec.map_type.id(), spec.key_size, spec.value_size, spec.max_entries, spec.flags].map(u64::from);
    let names = ["type", "key size", "value size", "entries", "flags"];
    let differs = names.iter().zip(there.iter().zip(here)).find(|(_, (there, here))| *there != here);
    match differs {
        None => Ok(Some(map.renamed(&spec.name))),
        Some((what, (there, here))) => {
            let (map, there, here) = (spec.name.clone(), *there, here);
            Err(Error::PinnedMap { map, path, what, there, here })
        }
    }
}

/// Keeps a map under its name.
fn keep(folder: &Path, map: &Map) -> Result<(), Error> {
    let path = path(folder, map.name());
    sys::pin(&cstring(&path)?, map.as_fd()).map_err(|errno| {
        let (call, object) = (Command::ObjPin.constant(), format!("map `{}` as `{path}`", map.name()));
        match errno {
            _ if !is_bpf(folder) => Error::Call { call, object, errno, cause: Some(NO_BPFFS) },
            Errno::PERM | Errno::ACCESS => Error::no_privilege(call, object, "CAP_BPF and write access to the folder"),
            _ => Error::Call { call, object, errno, cause: None },
        }
    })
}

const NO_BPFFS: &str = "no bpf file system is mounted there: `mount -t bpf bpf /sys/fs/bpf`";

/// True for a folder of a bpf file system.
fn is_bpf(folder: &Path) -> bool {
    /// `BPF_FS_MAGIC`.
    const MAGIC: i64 = 0xcafe_4a11;
    rustix::fs::statfs(folder).is_ok_and(|found| found.f_type == MAGIC)
}

/// Dots have a meaning of its own in names of that file system.
fn path(folder: &Path, name: &str) -> String {
    folder.join(name.replace(['.', '/'], "_")).display().to_string()
}

fn cstring(path: &str) -> Result<CString, Error> {
    CString::new(path).map_err(|_| Error::call(Command::ObjGet.constant(), path, Errno::INVAL))
}
