//! All that is read of an object, as text without numbers of types: two objects that say the same read the same.
#![allow(dead_code, reason = "each test uses its own part")]

use std::collections::BTreeSet;
use std::fmt::Write;

use skep_btf::{Btf, Kind, TypeId};
use skep_object::{Content, ExternKind, MapRole, MapSpec, Object, RelocTarget};

/// A type with everything in it; structures with a name are described once in each text.
struct Describer<'a> {
    btf: Option<&'a Btf>,
    seen: BTreeSet<String>,
    /// Names of parameters count. Those of what is declared only have none, and get some when they are read.
    named: bool,
    /// What pointers lead to counts by its name only: one file may know more of it than another.
    shallow: bool,
    out: String,
}

impl Describer<'_> {
    fn add(&mut self, id: TypeId) {
        let Some(btf) = self.btf else { return };
        let Some(found) = btf.get(id) else { return self.out.push('?') };
        let name = btf.name(id);
        let is_body = matches!(found.kind, Kind::Struct { .. } | Kind::Union { .. } | Kind::Enum { .. });
        // By name: of two that are the same, a linker keeps one.
        if is_body && !name.is_empty() && !self.seen.insert(name.to_owned()) {
            write!(self.out, "again {name}").expect("text");
            return;
        }
        let tags: Vec<&str> = btf.decl_tags(id, -1).collect();
        if !tags.is_empty() {
            write!(self.out, "{tags:?}").expect("text");
        }
        match &found.kind {
            Kind::Ptr(to) => match btf.resolve(*to) {
                Some((id, Kind::Struct { .. } | Kind::Union { .. } | Kind::Fwd { .. }))
                    if self.shallow && !btf.name(id).is_empty() =>
                {
                    write!(self.out, "*{}", btf.name(id)).expect("text");
                }
                _ => self.around("*", *to),
            },
            Kind::Const(to) => self.around("const ", *to),
            Kind::Volatile(to) => self.around("volatile ", *to),
            Kind::Restrict(to) => self.around("restrict ", *to),
            Kind::TypeTag(to) => self.around(&format!("tag {name} "), *to),
            Kind::Typedef(to) => self.around(&format!("{name}="), *to),
            Kind::Array { element, len } => self.around(&format!("[{len}]"), *element),
            Kind::Struct { size, members } | Kind::Union { size, members } => {
                let word = if matches!(found.kind, Kind::Struct { .. }) { "struct" } else { "union" };
                write!(self.out, "{word} {name} {size} {{").expect("text");
                for (at, member) in members.iter().enumerate() {
                    let name = btf.string(member.name_off).unwrap_or("?");
                    write!(self.out, "{name}@{}:{} ", member.bit_offset, member.bit_size).expect("text");
                    let tags: Vec<&str> = btf.decl_tags(id, at as i32).collect();
                    if !tags.is_empty() {
                        write!(self.out, "{tags:?} ").expect("text");
                    }
                    self.add(member.type_id);
                    self.out.push(';');
                }
                self.out.push('}');
            }
            Kind::Enum { size, signed, values } => {
                write!(self.out, "enum {name} {size} {signed} {{").expect("text");
                for value in values {
                    let name = btf.string(value.name_off).unwrap_or("?");
                    write!(self.out, "{name}={},", value.value).expect("text");
                }
                self.out.push('}');
            }
            Kind::FuncProto { ret, params } => {
                // Of a function alone, not of what is pointed at: several share one prototype.
                let named = std::mem::take(&mut self.named);
                self.out.push('(');
                for (text, to) in params {
                    let name = btf.string(*text).filter(|_| named).unwrap_or("");
                    write!(self.out, "{name} ").expect("text");
                    self.add(*to);
                    self.out.push(',');
                }
                self.around(")", *ret);
            }
            Kind::Func { proto, linkage } => self.around(&format!("func {name} {linkage} "), *proto),
            Kind::Var { type_id, linkage } => self.around(&format!("var {name} {linkage} "), *type_id),
            Kind::Datasec { size, vars } => {
                write!(self.out, "section {name} {size} {{").expect("text");
                for var in vars {
                    write!(self.out, "@{}+{} ", var.offset, var.size).expect("text");
                    self.add(var.type_id);
                    self.out.push(';');
                }
                self.out.push('}');
            }
            other => write!(self.out, "{name} {other:?}").expect("text"),
        }
    }

    fn around(&mut self, before: &str, to: TypeId) {
        self.out.push_str(before);
        self.add(to);
    }
}

/// How types are described.
#[derive(Clone, Copy)]
pub(crate) enum Depth {
    /// With all that they lead to.
    Whole,
    /// What pointers lead to by its name.
    Names,
}

fn described(btf: Option<&Btf>, id: Option<TypeId>, depth: Depth) -> String {
    let is_func = id.and_then(|id| btf?.get(id)).is_some_and(|found| matches!(found.kind, Kind::Func { .. }));
    describe(btf, id, is_func, depth)
}

fn describe(btf: Option<&Btf>, id: Option<TypeId>, named: bool, depth: Depth) -> String {
    let shallow = matches!(depth, Depth::Names);
    let mut describer = Describer { btf, seen: BTreeSet::new(), named, shallow, out: String::new() };
    if let Some(id) = id {
        describer.add(id);
    }
    describer.out
}

/// A map's sizes and types.
fn shape(btf: Option<&Btf>, map: &MapSpec, depth: Depth) -> String {
    let types = [map.key_type, map.value_type, map.record_type].map(|id| described(btf, id, depth));
    let sizes = (map.map_type, map.key_size, map.value_size, map.max_entries, map.flags, map.extra);
    format!("{} {sizes:?} {types:?}", map.name)
}

/// A line of text for each thing that is read, but for the file's name; programs and maps in the order of their names.
pub(crate) fn lines(object: &Object, depth: Depth) -> Vec<String> {
    let btf = object.btf.as_ref();
    let text = |offset: u32| btf.and_then(|btf| btf.string(offset)).unwrap_or("");
    let map_name = |map: usize| object.maps.get(map).map_or("?", |map| map.name.as_str());
    let mut out = vec![format!("license {}", object.license)];
    for map in &object.maps {
        let role = match &map.role {
            MapRole::User => "user".to_owned(),
            MapRole::Data { initial, read_only } => format!("data {read_only} {initial:?}"),
            MapRole::Arena { initial } => format!("arena {initial:?}"),
            MapRole::StructOps(ops) => {
                let of = described(btf, Some(ops.type_id), depth);
                format!("operations {of} {:?} {:?} {}", ops.initial, ops.programs, ops.optional)
            }
        };
        let mut contents: Vec<String> = map
            .contents
            .iter()
            .map(|(key, content)| match content {
                Content::Map(map) => format!("{key}: map {}", map_name(*map)),
                Content::Program(name) => format!("{key}: program {name}"),
            })
            .collect();
        contents.sort();
        let inner = map.inner.as_ref().map(|inner| shape(btf, inner, depth));
        let (numa, pinned) = (map.numa_node, map.pinned);
        out.push(format!("map {} {inner:?} {contents:?} {numa:?} {pinned} {role}", shape(btf, map, depth)));
    }
    for one in &object.externs {
        let kind = match one.kind {
            ExternKind::Option { type_id, map, offset, size } => {
                format!("option {} {} {offset} {size}", described(btf, Some(type_id), depth), map_name(map))
            }
            ExternKind::Variable(id) => format!("variable {}", described(btf, Some(id), depth)),
            ExternKind::Function(id) => format!("function {}", describe(btf, Some(id), false, depth)),
            ExternKind::Address => "address".to_owned(),
        };
        out.push(format!("extern {} {} {kind}", one.name, one.weak));
    }
    for program in &object.programs {
        let title = format!("program {} {}", program.section, program.name);
        for (slot, insn) in program.code.iter().enumerate() {
            out.push(format!("{title} {slot:05} {:02x?}", insn.to_bytes()));
        }
        for reloc in &program.relocs {
            let target = match &reloc.target {
                RelocTarget::Map(map) => format!("map {}", map_name(*map)),
                RelocTarget::MapValue { map, offset } => format!("value {} {offset}", map_name(*map)),
                RelocTarget::Extern(name) => format!("extern {name}"),
                RelocTarget::Core(core) => {
                    format!(
                        "core {:?} {} {}",
                        core.kind,
                        described(btf, Some(core.type_id), depth),
                        text(core.access_off)
                    )
                }
            };
            out.push(format!("{title} {:05} refers {target}", reloc.slot));
        }
        for func in &program.funcs {
            out.push(format!("{title} {:05} func {} {}", func.slot, func.name, described(btf, func.type_id, depth)));
        }
        for line in &program.lines {
            let (file, source) = (text(line.file_off), text(line.text_off));
            out.push(format!("{title} {:05} line {file}:{}:{} {source}", line.slot, line.line, line.column));
        }
    }
    out.sort();
    out
}

/// The first things that one object has and the other has not.
pub(crate) fn difference(one: &Object, other: &Object, depth: Depth) -> Option<String> {
    let (one, other) = (lines(one, depth), lines(other, depth));
    if one == other {
        return None;
    }
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        let those: BTreeSet<&String> = those.iter().collect();
        these.iter().filter(|line| !those.contains(line)).take(3).map(|line| line.chars().take(600).collect()).collect()
    };
    let (left, right) = (only(&one, &other), only(&other, &one));
    Some(format!("only the first has\n  {}\nonly the second has\n  {}", left.join("\n  "), right.join("\n  ")))
}
