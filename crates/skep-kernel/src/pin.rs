//! Maps kept by name: `LIBBPF_PIN_BY_NAME` has a map shared by all who name it, in the bpf file system at [`FOLDER`].

use std::ffi::CString;
use std::os::fd::AsFd;

use rustix::io::Errno;
use skep_isa::spec::Command;
use skep_object::MapSpec;

use crate::error::Error;
use crate::map::Map;
use crate::sys;

/// Where they are kept, as libbpf has it.
const FOLDER: &str = "/sys/fs/bpf";

/// The map that is kept under this one's name, `None` where there is none.
///
/// # Errors
/// [`Error::PinnedMap`] for one of another shape, [`Error::Call`] when it cannot be opened.
pub(crate) fn open(spec: &MapSpec) -> Result<Option<Map>, Error> {
    let path = path(&spec.name);
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
///
/// # Errors
/// [`Error::Call`] or [`Error::NoPrivilege`].
pub(crate) fn keep(map: &Map) -> Result<(), Error> {
    let path = path(map.name());
    sys::pin(&cstring(&path)?, map.as_fd()).map_err(|errno| {
        let (call, object) = (Command::ObjPin.constant(), format!("map `{}` as `{path}`", map.name()));
        match errno {
            Errno::PERM | Errno::ACCESS => Error::no_privilege(call, object, "CAP_BPF and write access to the folder"),
            Errno::INVAL | Errno::NOENT => {
                let cause = Some("no bpf file system is mounted there: `mount -t bpf bpf /sys/fs/bpf`");
                Error::Call { call, object, errno, cause }
            }
            _ => Error::Call { call, object, errno, cause: None },
        }
    })
}

/// A dot has a meaning of its own in names of that file system.
fn path(name: &str) -> String {
    format!("{FOLDER}/{}", name.replace('.', "_"))
}

fn cstring(path: &str) -> Result<CString, Error> {
    CString::new(path).map_err(|_| Error::call(Command::ObjGet.constant(), path, Errno::INVAL))
}
