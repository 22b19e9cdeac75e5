//! `--map`, `--set` and `--section`: what an object leaves to whoever loads it, put into it before it is loaded.

use std::collections::BTreeMap;

use skep::{Error, Object};
use skep_diag::{Diagnostic, code};

use crate::args::Settings;
use crate::failure::Failure;

impl Settings {
    /// Puts all settings into an object.
    pub(crate) fn apply(&self, object: &mut Object) -> Result<(), Failure> {
        Ok(self.each(|setting| setting.put(object))?)
    }

    /// Puts the settings into an object whose maps and variables it has, and notes the others.
    #[cfg(target_os = "linux")]
    pub(crate) fn apply_where_known(&self, object: &mut Object, unused: &mut Unused) -> Result<(), Failure> {
        unused.objects += 1;
        let mut at = 0;
        Ok(self.each(|setting| {
            at += 1;
            match setting.put(object) {
                Err(error) if [code::NO_MAP, code::NO_VARIABLE, code::NO_PROGRAM].contains(&error.code()) => {
                    unused.said.entry(at).or_default().push(error.diagnostic());
                    Ok(())
                }
                done => done,
            }
        })?)
    }

    fn each(&self, mut put: impl FnMut(Setting<'_>) -> Result<(), Error>) -> Result<(), Error> {
        self.map.iter().try_for_each(|(name, fields)| put(Setting::Map(name, fields)))?;
        self.set.iter().try_for_each(|(name, value)| put(Setting::Variable(name, value)))?;
        self.section.iter().try_for_each(|(program, section)| put(Setting::Section(program, section)))
    }
}

/// One setting.
enum Setting<'a> {
    Map(&'a str, &'a str),
    Variable(&'a str, &'a str),
    Section(&'a str, &'a str),
}

impl Setting<'_> {
    fn put(&self, object: &mut Object) -> Result<(), Error> {
        match self {
            Setting::Map(name, fields) => object.set_map(name, fields),
            Setting::Variable(name, value) => object.set_variable(name, value),
            Setting::Section(program, section) => object.set_section(program, section),
        }
    }
}

/// What objects said that do not have what a setting names.
#[derive(Default)]
#[cfg(target_os = "linux")]
pub(crate) struct Unused {
    /// How many objects were asked.
    objects: usize,
    /// By the number of the setting.
    said: BTreeMap<usize, Vec<Diagnostic>>,
}

#[cfg(target_os = "linux")]
impl Unused {
    /// Refuses a setting that none of the objects took.
    pub(crate) fn check(self) -> Result<(), Failure> {
        let nobody = self.said.into_values().find(|said| said.len() == self.objects);
        nobody.and_then(|said| said.into_iter().next()).map_or(Ok(()), |first| Err(first.into()))
    }
}
