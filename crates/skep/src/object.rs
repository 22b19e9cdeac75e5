//! Objects opened from files.

use std::path::Path;
use std::sync::Arc;

use crate::error::Error;

/// An eBPF object: programs, maps and types. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Object {
    spec: Arc<skep_object::Object>,
}

impl Object {
    /// Opens an object that a compiler made.
    ///
    /// # Errors
    /// A file that cannot be read, or what [`skep_object::Object::parse`] finds.
    pub fn open(path: impl AsRef<Path>) -> Result<Object, Error> {
        let path = path.as_ref();
        let bytes = read(path)?;
        Object::parse(&path.display().to_string(), &bytes)
    }

    /// Reads an object from its bytes; `name` stands in messages and names the maps of data sections.
    ///
    /// # Errors
    /// What [`skep_object::Object::parse`] finds.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Object, Error> {
        Ok(Object { spec: Arc::new(skep_object::Object::parse(name, bytes)?) })
    }

    /// What the object defines.
    pub fn spec(&self) -> &skep_object::Object {
        &self.spec
    }

    pub(crate) fn shared(&self) -> Arc<skep_object::Object> {
        Arc::clone(&self.spec)
    }
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| Error::File { action: "read", path: path.display().to_string(), error })
}
