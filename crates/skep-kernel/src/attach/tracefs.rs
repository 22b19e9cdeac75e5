//! tracefs, where tracepoints have their numbers. It is read without being mounted anywhere.

use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Dir, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use crate::error::Error;

/// Where tracefs is mounted on most systems.
const USUAL: &str = "/sys/kernel/tracing/events";

/// The directory of events.
pub(super) struct Events(OwnedFd);

impl Events {
    /// Opens the usual place, or the file system itself where nothing is mounted there.
    pub(super) fn open() -> Result<Events, Error> {
        if let Ok(events) = directory(CWD, USUAL) {
            return Ok(Events(events));
        }
        let failed = |call| move |e| Error::call_that_needs("CAP_SYS_ADMIN", call, "tracefs", e);
        let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC).map_err(failed("fsopen"))?;
        fsconfig_create(&context).map_err(failed("fsconfig"))?;
        let root = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty());
        let root = root.map_err(failed("fsmount"))?;
        directory(root, "events").map(Events).map_err(failed("openat"))
    }

    /// The number of a tracepoint.
    pub(super) fn id(&self, category: &str, name: &str) -> Result<u64, Error> {
        if [category, name].iter().any(|part| part.contains('/') || part.starts_with('.')) {
            return Err(self.none(category, name));
        }
        let path = format!("{category}/{name}/id");
        let failed = |errno| Error::File { path: format!("tracefs events/{path}"), errno };
        match openat(&self.0, &path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(file) => {
                let mut text = [0; 32];
                let len = rustix::io::read(&file, &mut text).map_err(failed)?;
                let text = str::from_utf8(text.get(..len).unwrap_or_default()).unwrap_or_default();
                text.trim().parse().map_err(|_| failed(Errno::BADMSG))
            }
            Err(Errno::NOENT | Errno::NOTDIR) => Err(self.none(category, name)),
            Err(e) => Err(failed(e)),
        }
    }

    /// An error that names a near tracepoint: of the same category, else of the same name.
    fn none(&self, category: &str, name: &str) -> Error {
        let near_name = |category: &str| nearest(name, &self.names(category));
        let near = near_name(category).map(|name| format!("{category}:{name}")).or_else(|| {
            let categories = self.names(".");
            let near = nearest(category, &categories).filter(|near| near != category);
            let same = |c: &&String| self.names(c).iter().any(|n| n == name);
            near.and_then(|c| near_name(&c).map(|name| format!("{c}:{name}")))
                .or_else(|| categories.iter().find(same).map(|c| format!("{c}:{name}")))
        });
        Error::NoTracepoint { name: format!("{category}:{name}"), near }
    }

    /// A tracepoint of any category whose name is like this one.
    pub(super) fn near(&self, name: &str) -> Option<String> {
        let all: Vec<String> = self.names(".").iter().flat_map(|category| self.names(category)).collect();
        nearest(name, &all)
    }

    /// Names in a directory; none when it cannot be read.
    fn names(&self, path: &str) -> Vec<String> {
        let entries = directory(&self.0, path).and_then(Dir::new);
        let names = entries.into_iter().flatten().flatten().map(|e| e.file_name().to_string_lossy().into_owned());
        names.filter(|name| !name.starts_with('.')).collect()
    }
}

fn nearest(name: &str, names: &[String]) -> Option<String> {
    skep_isa::spec::nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
}

fn directory(at: impl std::os::fd::AsFd, path: &str) -> Result<OwnedFd, Errno> {
    openat(at, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}
