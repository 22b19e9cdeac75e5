//! Records: typed events out of ring buffers.

use skep_btf::{Btf, TypeId, Value};
use skep_diag::{Diagnostic, code};
use skep_isa::spec::{self, MapType};
use skep_object::Object;

use crate::error::Error;

/// One typed event.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Name of the map it came through.
    pub map: String,
    /// What it says, by its type; bytes where no type is known.
    pub value: Value,
    /// Name of the type when it was not given but guessed from the size.
    pub guess: Option<String>,
}

/// How the records of one map are read.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    map: String,
    given: Option<TypeId>,
    /// The last guess: for which size, and what it came to.
    guessed: Option<(usize, Option<TypeId>)>,
}

impl Schema {
    /// The schema of each ring buffer of the object, by map index; `given` are pairs of map and type.
    pub(crate) fn all(object: &Object, given: &[(String, String)]) -> Result<Vec<(usize, Schema)>, Error> {
        for (map, _) in given {
            if !object.maps.iter().any(|m| m.name == *map && m.map_type == MapType::Ringbuf) {
                return Err(no_ring(object, map));
            }
        }
        let rings = object.maps.iter().enumerate().filter(|(_, m)| m.map_type == MapType::Ringbuf);
        rings
            .map(|(at, m)| {
                let spelled = given.iter().find(|(map, _)| *map == m.name).map(|(_, t)| t);
                let given = match spelled {
                    Some(spelled) => Some(find(object, spelled)?),
                    None => m.record_type,
                };
                Ok((at, Schema { map: m.name.clone(), given, guessed: None }))
            })
            .collect()
    }

    pub(crate) fn record(&mut self, btf: Option<&Btf>, bytes: &[u8]) -> Record {
        let map = self.map.clone();
        let Some(btf) = btf else { return Record { map, value: Value::Bytes(bytes.to_vec()), guess: None } };
        if let Some(id) = self.given {
            return Record { map, value: btf.value(id, bytes), guess: None };
        }
        let guess = match self.guessed {
            Some((size, id)) if size == bytes.len() => id,
            _ => {
                let mut of_size = btf.structs_of_size(bytes.len() as u64);
                // More than one is no guess but a choice.
                let id = of_size.next().filter(|_| of_size.next().is_none());
                self.guessed = Some((bytes.len(), id));
                id
            }
        };
        let value = guess.map_or_else(|| Value::Bytes(bytes.to_vec()), |id| btf.value(id, bytes));
        Record { map, value, guess: guess.map(|id| btf.name(id).to_owned()) }
    }
}

fn find(object: &Object, spelled: &str) -> Result<TypeId, Error> {
    let no = |d: Diagnostic| Error::from(d);
    let btf = object.btf.as_ref().ok_or_else(|| {
        no(Diagnostic::error(code::NO_BTF, format!("object `{}` has no types", object.name)).help("compile with `-g`"))
    })?;
    btf.find_type(spelled).ok_or_else(|| {
        let structs = btf.types().filter(|(_, t)| matches!(t.kind, skep_btf::Kind::Struct { .. }));
        let names: Vec<&str> = structs.map(|(id, _)| btf.name(id)).filter(|n| !n.is_empty()).collect();
        let d = Diagnostic::error(code::NO_TYPE, format!("object `{}` has no type `{spelled}`", object.name));
        let d = match spec::nearest(spelled, names.iter().copied()) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.note(format!("its structures: {}", names.join(", "))),
        };
        no(d.note("a compiler leaves out types that nothing uses: let a function take a pointer to it"))
    })
}

fn no_ring(object: &Object, map: &str) -> Error {
    let rings: Vec<&str> =
        object.maps.iter().filter(|m| m.map_type == MapType::Ringbuf).map(|m| m.name.as_str()).collect();
    let d = Diagnostic::error(code::NO_MAP, format!("object `{}` has no ring buffer `{map}`", object.name));
    match rings.as_slice() {
        [] => d.note("it has no ring buffers at all").into(),
        _ => d.note(format!("its ring buffers: {}", rings.join(", "))).into(),
    }
}
