//! Types the kernel holds: its own and its modules', and by id those of a foreign map or program.
//!
//! Enter at [`KernelTypes::open`]. What the bytes mean is `skep_btf`'s.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::error::Error;
use crate::map::ids;
use rustix::io::Errno;
use skep_btf::Scan;
use skep_btf::core::{Module, Target};
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

/// The running kernel's types as bytes: the kernel's own at once, its modules' when they are first asked for.
#[derive(Debug)]
pub struct KernelTypes {
    bytes: Vec<u8>,
    /// Where modules' types are, `None` for types that are not the running kernel's.
    folder: Option<PathBuf>,
    modules: OnceLock<Vec<(String, Vec<u8>)>>,
    /// The modules' types as the kernel holds them, opened when one is first asked for; in the order of `modules`.
    open: OnceLock<Vec<Option<OwnedFd>>>,
}

impl KernelTypes {
    /// Where the kernel shows its types.
    pub const FOLDER: &str = "/sys/kernel/btf";
    /// Name of the kernel proper among them.
    pub const KERNEL: &str = "vmlinux";

    /// Reads the types of the running kernel.
    ///
    /// # Errors
    /// [`Error::NoTypes`] when it shows none.
    pub fn open() -> Result<KernelTypes, Error> {
        let folder = Path::new(KernelTypes::FOLDER);
        let path = folder.join(KernelTypes::KERNEL);
        let bytes =
            std::fs::read(&path).map_err(|e| Error::NoTypes { path: path.display().to_string(), errno: errno(&e) })?;
        Ok(KernelTypes { bytes, folder: Some(folder.to_owned()), modules: OnceLock::new(), open: OnceLock::new() })
    }

    /// Types of another kernel, without modules.
    pub fn from_bytes(bytes: Vec<u8>) -> KernelTypes {
        KernelTypes { bytes, folder: None, modules: OnceLock::new(), open: OnceLock::new() }
    }

    /// The kernel's own types, encoded.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Names and encoded types of the modules, ordered by name. A module whose types cannot be read is left out: it may
    /// have been unloaded meanwhile.
    pub fn modules(&self) -> &[(String, Vec<u8>)] {
        self.modules.get_or_init(|| {
            let Some(entries) = self.folder.as_ref().and_then(|folder| std::fs::read_dir(folder).ok()) else {
                return Vec::new();
            };
            let mut modules: Vec<_> = entries
                .filter_map(|entry| {
                    let name = entry.ok()?.file_name().into_string().ok()?;
                    let path = self.folder.as_ref()?.join(&name);
                    (name != KernelTypes::KERNEL).then_some(())?;
                    Some((name, std::fs::read(path).ok()?))
                })
                .collect();
            modules.sort();
            modules
        })
    }

    /// The types of the module with this index in [`KernelTypes::modules`], as the kernel holds them.
    ///
    /// # Errors
    /// [`Error::NoPrivilege`], or [`Error::Call`] where the module was unloaded meanwhile.
    pub(crate) fn module(&self, at: usize) -> Result<BorrowedFd<'_>, Error> {
        let name = self.modules().get(at).map_or("", |(name, _)| name);
        if self.open.get().is_none() {
            let open = self.open_modules()?;
            self.open.get_or_init(|| open);
        }
        let found = self.open.get().and_then(|open| open.get(at)?.as_ref());
        found
            .map(AsFd::as_fd)
            .ok_or_else(|| Error::by_id(Command::BtfGetFdById, format!("the types of module `{name}`"), Errno::NOENT))
    }

    fn open_modules(&self) -> Result<Vec<Option<OwnedFd>>, Error> {
        let mut open: Vec<Option<OwnedFd>> = self.modules().iter().map(|_| None).collect();
        for id in ids(Command::BtfGetNextId)? {
            let failed = |e| Error::by_id(Command::BtfGetFdById, format!("types {id}"), e);
            // Types of programs come and go.
            let Ok(fd) = sys::fd_by_id(Command::BtfGetFdById, id) else { continue };
            let (is_kernels, name) = sys::btf_name(fd.as_fd()).map_err(failed)?;
            let at = self.modules().iter().position(|(module, _)| is_kernels && *module == name);
            if let Some(slot) = at.and_then(|at| open.get_mut(at)) {
                *slot = Some(fd);
            }
        }
        Ok(open)
    }

    /// The kernel's own types, walked.
    ///
    /// # Errors
    /// [`Error::BadTypes`] when they are damaged.
    pub fn scan(&self) -> Result<Scan<'_>, Error> {
        Scan::new(&self.bytes).map_err(|e| Error::BadTypes { what: KernelTypes::KERNEL.to_owned(), why: e.to_string() })
    }

    /// What programs are relocated against. Modules with damaged types are left out.
    pub fn target<'a>(&'a self, scan: &'a Scan<'a>) -> Target<'a> {
        Target::with_modules(scan, move || {
            let modules = self.modules().iter();
            modules
                .filter_map(|(name, bytes)| Some(Module { name: name.clone(), scan: Scan::split(bytes, scan).ok()? }))
                .collect()
        })
    }
}

pub(crate) fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
