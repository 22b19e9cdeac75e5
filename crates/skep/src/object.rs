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

    /// Sets fields of a map's definition before it is made: `max_entries=1024`, or several with commas between. See
    /// [`skep_object::Object::set_map`].
    ///
    /// # Errors
    /// No such map or field, or a number that does not fit it.
    pub fn set_map(&mut self, map: &str, settings: &str) -> Result<(), Error> {
        Ok(Arc::make_mut(&mut self.spec).set_map(map, settings)?)
    }

    /// Gives a global variable, a member or an element of one its first value, as text by its type. See
    /// [`skep_object::Object::set_variable`].
    ///
    /// ```
    /// use skep::{Engine, Error, Object};
    /// let mut object = Object::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/vlan/vlan.bpf.o"))?;
    /// object.set_variable("vlan_id", "7")?;
    /// let mut loaded = Engine::Vm.load(&object)?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// No such variable, or a value that does not fit its type.
    pub fn set_variable(&mut self, path: &str, value: &str) -> Result<(), Error> {
        Ok(Arc::make_mut(&mut self.spec).set_variable(path, value)?)
    }

    /// Puts a program into another section, whose name says its type and where it runs. See
    /// [`skep_object::Object::set_section`].
    ///
    /// # Errors
    /// No such program, or a name that tells no type.
    pub fn set_section(&mut self, program: &str, section: &str) -> Result<(), Error> {
        Ok(Arc::make_mut(&mut self.spec).set_section(program, section)?)
    }

    pub(crate) fn shared(&self) -> Arc<skep_object::Object> {
        Arc::clone(&self.spec)
    }
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| Error::File { action: "read", path: path.display().to_string(), error })
}
