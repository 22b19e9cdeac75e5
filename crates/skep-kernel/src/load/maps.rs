//! The maps of an object: made, filled with what they begin with, kept where their names say.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use skep_object::{Content, ExternKind, MapRole, MapSpec, Object};

use super::Loaded;
use crate::error::Error;
use crate::feature::Features;
use crate::kconfig;
use crate::map::{Map, Parts};
use crate::pin;
use crate::struct_ops::Instance;

/// What maps are made with beside their specs.
pub(super) struct Makes<'a> {
    /// The object's types in the kernel.
    pub(super) types: Option<BorrowedFd<'a>>,
    /// What is known of the kernel.
    pub(super) features: &'a Features,
    /// The object's instances of the kernel's structures.
    pub(super) instances: &'a [Instance],
    /// The folder where maps are kept by their names.
    pub(super) pins: &'a Path,
}

/// Makes the maps of an object, those that others hold included, but for structures of functions that nothing needs; programs
/// go into them by [`fill_programs`].
pub(super) fn create(object: &Object, makes: &Makes<'_>) -> Result<Vec<Option<Map>>, Error> {
    let mut maps = Vec::with_capacity(object.maps.len());
    for (index, spec) in object.maps.iter().enumerate() {
        let has_instance = || makes.instances.iter().any(|instance| instance.map == index);
        if matches!(spec.role, MapRole::StructOps(_)) && !has_instance() {
            maps.push(None);
            continue;
        }
        let made = || one(object, index, spec, makes);
        maps.push(Some(if spec.pinned { pin::open_or_keep(makes.pins, spec, made)? } else { made()? }));
    }
    for (spec, map) in object.maps.iter().zip(&maps) {
        for (key, content) in &spec.contents {
            let Content::Map(inner) = content else { continue };
            let inner = maps.get(*inner).and_then(Option::as_ref).ok_or_else(|| leads_nowhere(spec, *inner))?;
            map.iter().try_for_each(|map| map.put(*key, inner.as_fd()))?;
        }
    }
    Ok(maps)
}

/// Puts programs into the arrays that begin with them.
pub(super) fn fill_programs(object: &Object, loaded: &Loaded) -> Result<(), Error> {
    for (at, spec) in object.maps.iter().enumerate() {
        let Some(map) = loaded.map(at) else { continue };
        for (key, content) in &spec.contents {
            let Content::Program(name) = content else { continue };
            let index = object.programs.iter().position(|program| program.name == *name);
            // A program that was not asked for is not there to be called.
            if let Some(program) = index.and_then(|index| loaded.program(index)) {
                map.put(*key, program.as_fd())?;
            }
        }
    }
    Ok(())
}

fn leads_nowhere(spec: &MapSpec, index: usize) -> Error {
    Error::BadObject {
        object: format!("map `{}`", spec.name),
        what: format!("map {index}, which the object does not have"),
    }
}

/// Makes one map; that of kernel options with their values.
fn one(object: &Object, index: usize, spec: &MapSpec, makes: &Makes<'_>) -> Result<Map, Error> {
    let Makes { types, features, instances, .. } = *makes;
    let parts = Parts { types, features: Some(features), ..Parts::default() };
    let inner = spec.inner.as_ref().map(|inner| Map::with_parts(inner, &parts)).transpose()?;
    let instance = instances.iter().find(|instance| instance.map == index);
    let parts = Parts { inner: inner.as_ref(), instance, ..parts };
    let is_options = object.externs.iter().any(|e| matches!(e.kind, ExternKind::Option { map, .. } if map == index));
    if is_options {
        let mut spec = spec.clone();
        if let MapRole::Data { initial, .. } = &mut spec.role {
            kconfig::fill(object, index, initial)?;
        }
        return Map::with_parts(&spec, &parts);
    }
    Map::with_parts(spec, &parts)
}
