//! Types the kernel holds, by id: those of a foreign map or program, or of the kernel itself.

use std::os::fd::AsFd;

use crate::error::Error;
use skep_isa::spec::Command;

use crate::sys;

/// The encoded types with this id.
///
/// # Errors
/// [`Error::NoPrivilege`], or [`Error::Call`] when there are none.
pub fn btf_bytes(id: u32) -> Result<Vec<u8>, Error> {
    let failed = |command: Command| move |e| Error::by_id(command, format!("types {id}"), e);
    let fd = sys::fd_by_id(Command::BtfGetFdById, id).map_err(failed(Command::BtfGetFdById))?;
    let size = sys::btf_info(fd.as_fd(), &mut []).map_err(failed(Command::ObjGetInfoByFd))?.btf_size;
    let mut bytes = vec![0; size as usize];
    sys::btf_info(fd.as_fd(), &mut bytes).map_err(failed(Command::ObjGetInfoByFd))?;
    Ok(bytes)
}
