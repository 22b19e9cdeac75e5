//! `skep btf dump`: every type of a file, of the kernel or of a module, in bpftool's shapes.

use std::io::{BufWriter, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};
use skep_btf::Scan;

use super::source::Source;
use crate::failure::Failure;

pub(super) fn run(source: &str, json: bool) -> Result<(), Failure> {
    Source::open(source)?.with(|types| {
        let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
        if json {
            serde_json::to_writer(&mut out, &All(types))?;
            writeln!(out)?;
        } else {
            for record in types.ids().filter_map(|id| types.record(id)) {
                writeln!(out, "{record}")?;
            }
        }
        Ok(out.flush()?)
    })
}

/// All types as one document.
struct All<'a>(&'a Scan<'a>);

impl Serialize for All<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("types", &List(self.0))?;
        map.end()
    }
}

struct List<'a>(&'a Scan<'a>);

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.ids().filter_map(|id| self.0.record(id)))
    }
}
