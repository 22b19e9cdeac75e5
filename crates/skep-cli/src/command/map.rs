//! `skep map`: maps in the kernel.

use crate::args::Map;
use crate::failure::Failure;

#[cfg(target_os = "linux")]
pub(crate) fn run(args: &Map) -> Result<(), Failure> {
    match args {
        Map::List { json } => linux::list(*json),
        Map::Dump { map, json } => linux::dump(map, *json),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn run(_args: &Map) -> Result<(), Failure> {
    Err(super::no_kernel())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::Write;

    use serde::Serialize;
    use skep::{Btf, Entry, Shape, Value};
    use skep_btf::TypeId;
    use skep_diag::{Diagnostic, code};
    use skep_isa::spec::MapType;
    use skep_kernel::{Map, MapInfo};

    use crate::command::{present, print_json, print_table};
    use crate::failure::Failure;
    use crate::table;

    /// A map in bpftool's shape.
    #[derive(Serialize)]
    struct Line {
        id: u32,
        r#type: String,
        name: String,
        flags: u32,
        bytes_key: u32,
        bytes_value: u32,
        max_entries: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        btf_id: Option<u32>,
    }

    /// An entry in bpftool's shape: bytes as hex strings, and by type where types are known.
    #[derive(Serialize)]
    struct EntryLine {
        key: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<Vec<String>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        values: Option<Vec<Cpu<Vec<String>>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        formatted: Option<Formatted>,
    }

    #[derive(Serialize)]
    struct Formatted {
        key: Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        values: Option<Vec<Cpu<Value>>>,
    }

    #[derive(Serialize)]
    struct Cpu<T> {
        cpu: usize,
        value: T,
    }

    pub(super) fn list(json: bool) -> Result<(), Failure> {
        let lines: Vec<Line> = infos()?.into_iter().map(line).collect();
        if json {
            return print_json(&lines);
        }
        let mut table = table::new(["id", "type", "name", "key", "value", "entries", "flags"].map(str::to_owned));
        for l in &lines {
            table.add_row([
                l.id.to_string(),
                l.r#type.clone(),
                l.name.clone(),
                l.bytes_key.to_string(),
                l.bytes_value.to_string(),
                l.max_entries.to_string(),
                format!("{:#x}", l.flags),
            ]);
        }
        [0, 3, 4, 5].into_iter().for_each(|column| table::right(&mut table, column));
        print_table(&table, lines.len(), "maps")
    }

    pub(super) fn dump(which: &str, json: bool) -> Result<(), Failure> {
        let info = find(which)?;
        let map_type = info.map_type.filter(|t| skep::readable(*t)).ok_or_else(|| {
            let name = info.map_type.map_or("?", MapType::name);
            let d = Diagnostic::error(code::MAP_TYPE, format!("map {} (`{}`) cannot be dumped", info.id, info.name))
                .note(format!("a map of type {name} has no entries to walk"));
            match info.map_type {
                Some(MapType::Ringbuf) => d.help("`skep run` shows its records as they come"),
                _ => d,
            }
        })?;
        let types = if info.btf_id > 0 { present(skep_kernel::btf_bytes(info.btf_id))? } else { None };
        let btf = types.and_then(|bytes| Btf::parse(&bytes).ok());
        let type_id = |id: u32| (id > 0).then_some(TypeId(id));
        let shape = Shape {
            map_type,
            key_size: info.key_size as usize,
            value_size: info.value_size as usize,
            key_type: type_id(info.btf_key_type),
            value_type: type_id(info.btf_value_type),
        };
        let bytes = Map::from_id(info.id)?.entries()?;
        if json {
            let lines: Vec<EntryLine> =
                bytes.into_iter().map(|entry| entry_line(&shape, btf.as_ref(), entry)).collect();
            return print_json(&lines);
        }
        let entries = shape.entries(btf.as_ref(), bytes);
        let text = table::entries(&info.name, map_type.is_per_cpu(), &entries);
        Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
    }

    fn entry_line(shape: &Shape, btf: Option<&Btf>, (key, value): (Vec<u8>, Vec<u8>)) -> EntryLine {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:#04x}")).collect::<Vec<_>>();
        let per_cpu = shape.map_type.is_per_cpu();
        let stride = shape.value_size.next_multiple_of(8).max(8);
        let typed = btf.filter(|_| shape.value_type.is_some()).and_then(|btf| {
            let Entry { key, value } = shape.entries(Some(btf), vec![(key.clone(), value.clone())]).pop()?;
            Some(match value {
                Value::List(cpus) if per_cpu => {
                    let cpus = cpus.into_iter().enumerate().map(|(cpu, value)| Cpu { cpu, value });
                    Formatted { key, value: None, values: Some(cpus.collect()) }
                }
                value => Formatted { key, value: Some(value), values: None },
            })
        });
        let cpus = value.chunks_exact(stride).map(|c| hex(c.get(..shape.value_size).unwrap_or(c)));
        EntryLine {
            key: hex(&key),
            value: (!per_cpu).then(|| hex(&value)),
            values: per_cpu.then(|| cpus.enumerate().map(|(cpu, value)| Cpu { cpu, value }).collect()),
            formatted: typed,
        }
    }

    fn infos() -> Result<Vec<MapInfo>, Failure> {
        let mut infos = Vec::new();
        for id in Map::ids()? {
            infos.extend(present(Map::from_id(id).and_then(|m| m.info()))?);
        }
        Ok(infos)
    }

    /// The map with this id, or the only one with this name.
    fn find(which: &str) -> Result<MapInfo, Failure> {
        let infos = infos()?;
        let id: Option<u32> = which.parse().ok();
        let fits = |info: &&MapInfo| id.map_or(info.name == which, |id| info.id == id);
        let found: Vec<&MapInfo> = infos.iter().filter(fits).collect();
        let no =
            |title: String| Diagnostic::error(code::NO_MAP, title).help("`skep map list` shows the maps there are");
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] if id.is_some() => Err(no(format!("the kernel has no map with id {which}")).into()),
            [] => Err(no(format!("the kernel has no map called `{which}`")).into()),
            many => {
                let ids: Vec<_> = many.iter().map(|m| m.id.to_string()).collect();
                Err(no(format!("{} maps are called `{which}`", many.len()))
                    .note(format!("their ids: {}", ids.join(", ")))
                    .into())
            }
        }
    }

    fn line(info: MapInfo) -> Line {
        Line {
            id: info.id,
            r#type: info.map_type.map_or_else(|| info.type_number.to_string(), |t| t.name().to_owned()),
            name: info.name,
            flags: info.flags,
            bytes_key: info.key_size,
            bytes_value: info.value_size,
            max_entries: info.max_entries,
            btf_id: (info.btf_id > 0).then_some(info.btf_id),
        }
    }
}
