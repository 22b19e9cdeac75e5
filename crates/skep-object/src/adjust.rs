//! What is decided when an object is loaded, not when it is compiled: sizes of maps, values of variables, what programs are.
//!
//! Enter at [`Object::set_map`], [`Object::set_variable`] and [`Object::set_section`]. This module knows no engine: whether a size is one that a map
//! can have is said by whoever makes the map.

use skep_btf::{Kind, Part, Scan, SectionVar, TypeId};
use skep_diag::{Diagnostic, Snippet, code};
use skep_isa::spec::{map_flag, nearest, section};

use crate::external::ExternKind;
use crate::hook::Hook;
use crate::map::{MapRole, MapSpec};
use crate::object::Object;

/// The fields of a map's definition that can be set, by their names in it.
const FIELDS: [&str; 5] = ["max_entries", "value_size", "key_size", "map_flags", "map_extra"];

impl Object {
    /// Sets fields of a map's definition: `max_entries=1024`, or several as `value_size=1016,max_entries=64`. The fields
    /// are `max_entries`, `value_size`, `key_size`, `map_flags` (a number, or names such as `BPF_F_NO_PREALLOC|MMAPABLE`)
    /// and `map_extra`. A key or value of another size than its type has loses the type.
    ///
    /// # Errors
    /// `M0001` for a map that there is not; `S0001` for a field that is none, a number that does not fit it, and the map of a
    /// data section, which is as large as its variables.
    ///
    /// ```no_run
    /// # let bytes = [];
    /// let mut object = skep_object::Object::parse("stacks.bpf.o", &bytes)?;
    /// object.set_map("stacks", "value_size=1016,max_entries=64")?;
    /// # Ok::<(), skep_diag::Diagnostic>(())
    /// ```
    pub fn set_map(&mut self, map: &str, settings: &str) -> Result<(), Diagnostic> {
        let at = self.maps.iter().position(|spec| spec.name == map).ok_or_else(|| self.no_map(map))?;
        let btf = self.btf.as_ref();
        let size_of = |id: TypeId| btf.and_then(|btf| btf.size_of(id));
        let Some(spec) = self.maps.get_mut(at) else { return Ok(()) };
        let mut changed = spec.clone();
        let mut start = 0;
        for setting in settings.split(',') {
            set_field(&mut changed, setting.trim()).map_err(|problem| {
                let place = start..start + setting.len();
                let title = format!("map `{map}` does not take `{}`", setting.trim());
                let snippet = Snippet::new("setting", settings).mark(place, problem.mark);
                let error = Diagnostic::error(code::BAD_SETTING, title).snippet(snippet);
                let error = problem.note.into_iter().fold(error, Diagnostic::note);
                problem.help.into_iter().fold(error, Diagnostic::help)
            })?;
            start += setting.len() + 1;
        }
        changed.key_type = changed.key_type.filter(|id| size_of(*id) == Some(changed.key_size.into()));
        changed.value_type = changed.value_type.filter(|id| size_of(*id) == Some(changed.value_size.into()));
        *spec = changed;
        Ok(())
    }

    /// Puts a program into another section, whose name says its type and where it runs: for objects whose sections have names
    /// of their own, or whose hooks whoever loads them chooses (`fentry/dummy`).
    ///
    /// # Errors
    /// `O0008` for a program that there is not, `O0005` for a name that no pattern fits.
    ///
    /// ```no_run
    /// # let bytes = [];
    /// let mut object = skep_object::Object::parse("redirect.bpf.o", &bytes)?;
    /// object.set_section("xdp_sock_prog", "xdp")?;
    /// # Ok::<(), skep_diag::Diagnostic>(())
    /// ```
    pub fn set_section(&mut self, program: &str, section: &str) -> Result<(), Diagnostic> {
        let names: Vec<&str> = self.programs.iter().map(|spec| spec.name.as_str()).collect();
        let no_program = || {
            let error =
                Diagnostic::error(code::NO_PROGRAM, format!("object `{}` has no program `{program}`", self.name));
            match nearest(program, names.iter().copied()) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help(format!("its programs: {}", names.join(", "))),
            }
        };
        let at = names.iter().position(|name| *name == program).ok_or_else(no_program)?;
        let Some((row, detail)) = section::find(section) else {
            let title = format!("section `{section}` tells no program type");
            let pattern = section.split('/').next().unwrap_or(section);
            let near = nearest(pattern, section::TABLE.iter().map(|row| row.pattern));
            let error = Diagnostic::error(code::UNKNOWN_SECTION, title);
            return Err(match near {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help("`skep explain section` lists them"),
            });
        };
        let hook = Hook::of_section(row, detail);
        if let Some(spec) = self.programs.get_mut(at) {
            (spec.section, spec.kind, spec.hook) = (section.to_owned(), Some(row), hook);
        }
        Ok(())
    }

    /// Gives a global variable its first value: `limit` is 5, `ports[2]` is 80, `config.mode` is `FAST`. The path is C's, the
    /// value is written as [`skep_btf::Btf::parse_value`] reads it. What the path does not name stays.
    ///
    /// # Errors
    /// `S0002` for a variable, member or element that there is not, `S0001` for a value that does not fit its type, `O0004`
    /// for an object without types.
    ///
    /// ```no_run
    /// # let bytes = [];
    /// let mut object = skep_object::Object::parse("filter.bpf.o", &bytes)?;
    /// object.set_variable("ports[2]", "80")?;
    /// # Ok::<(), skep_diag::Diagnostic>(())
    /// ```
    pub fn set_variable(&mut self, path: &str, value: &str) -> Result<(), Diagnostic> {
        let Some(btf) = &self.btf else {
            return Err(Diagnostic::error(code::NO_BTF, format!("object `{}` has no types", self.name))
                .note("variables are found by name and written by type, which stand in BTF")
                .help("compile with `-g`, and do not strip the object (`llvm-strip -g` keeps BTF)"));
        };
        let variable = self.variable(path)?;
        let spelled = |id: TypeId| Scan::new(btf.bytes()).map(|scan| scan.spell(id)).unwrap_or_default();
        let behind = path.get(variable.name.len()..).unwrap_or("");
        let part = btf.part(variable.type_id, behind).map_err(|why| {
            Diagnostic::error(code::NO_VARIABLE, format!("`{path}` leads nowhere in object `{}`", self.name))
                .note(why)
                .note(format!("`{}` is of type `{}`", variable.name, spelled(variable.type_id)))
        })?;
        let (map, offset) = (variable.map, variable.offset);
        let size = btf.size_of(variable.type_id).and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
        let range = offset..offset.saturating_add(size);
        let mut bytes = match self.maps.get(map).map(|spec| &spec.role) {
            Some(MapRole::Data { initial, .. }) => initial.get(range.clone()).unwrap_or_default().to_vec(),
            _ => Vec::new(),
        };
        btf.write_part(part, value, &mut bytes).map_err(|why| {
            Diagnostic::error(code::BAD_SETTING, format!("`{value}` is no value of variable `{path}`"))
                .note(why)
                .note(format!("`{path}` is of type `{}`", part_type(part, &spelled)))
        })?;
        if let Some(MapRole::Data { initial, .. }) = self.maps.get_mut(map).map(|spec| &mut spec.role)
            && let Some(room) = initial.get_mut(range)
        {
            room.copy_from_slice(&bytes);
        }
        Ok(())
    }

    /// The variable that a path begins with. Names may have dots in them (`counter.seen`, a static variable of a function),
    /// so the longest that fits is meant.
    fn variable(&self, path: &str) -> Result<Variable<'_>, Diagnostic> {
        let begins = |name: &str| {
            let rest = path.strip_prefix(name).filter(|_| !name.is_empty())?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then_some(name.len())
        };
        let longest = self.variables().filter_map(|one| begins(one.name)).max();
        let mut fitting = self.variables().filter(|one| longest.is_some() && begins(one.name) == longest);
        let no = |title: String| Diagnostic::error(code::NO_VARIABLE, title);
        let Some(found) = fitting.next() else {
            let word = path.split(['.', '[']).next().unwrap_or(path);
            let error = no(format!("object `{}` has no variable `{word}`", self.name));
            if self.externs.iter().any(|one| one.name == word && matches!(one.kind, ExternKind::Option { .. })) {
                return Err(error.note("the name is of a kernel option, whose value is the running kernel's"));
            }
            let mut names: Vec<&str> = self.variables().map(|one| one.name).collect();
            if names.is_empty() {
                return Err(error.note("it has no variables in .rodata, .data or .bss"));
            }
            names.truncate(NAMES);
            return Err(match nearest(word, names.iter().copied()) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help(format!("its variables: {}", names.join(", "))),
            });
        };
        match fitting.count() {
            0 => Ok(found),
            more => Err(no(format!("object `{}` has {} variables `{}`", self.name, more + 1, found.name))
                .note("static variables of several files or functions have one name")
                .help("give them names of their own")),
        }
    }

    /// The variables of all data maps but that of the kernel's options.
    fn variables(&self) -> impl Iterator<Item = Variable<'_>> {
        let options = self.externs.iter().find_map(|one| match one.kind {
            ExternKind::Option { map, .. } => Some(map),
            _ => None,
        });
        let data = self.maps.iter().enumerate().filter(move |(at, spec)| {
            Some(*at) != options && matches!(spec.role, MapRole::Data { .. }) && spec.value_type.is_some()
        });
        data.flat_map(move |(map, spec)| {
            let vars: &[SectionVar] =
                match spec.value_type.and_then(|id| self.btf.as_ref()?.get(id)).map(|found| &found.kind) {
                    Some(Kind::Datasec { vars, .. }) => vars,
                    _ => &[],
                };
            vars.iter().filter_map(move |var| {
                let btf = self.btf.as_ref()?;
                let offset = usize::try_from(var.offset).ok()?;
                let Kind::Var { type_id, .. } = btf.get(var.type_id)?.kind else { return None };
                Some(Variable { name: btf.name(var.type_id), type_id, map, offset })
            })
        })
    }

    fn no_map(&self, name: &str) -> Diagnostic {
        let error = Diagnostic::error(code::NO_MAP, format!("object `{}` has no map `{name}`", self.name));
        let names: Vec<&str> = self.maps.iter().map(|spec| spec.name.as_str()).collect();
        match nearest(name, names.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None if names.is_empty() => error.note("it has no maps"),
            None => error.help(format!("its maps: {}", names.join(", "))),
        }
    }
}

/// Names that a message lists.
const NAMES: usize = 32;

/// A global variable.
struct Variable<'a> {
    name: &'a str,
    type_id: TypeId,
    /// The data map it stands in.
    map: usize,
    /// Its first byte there.
    offset: usize,
}

/// A type as C spells it, with the width of a bit-field.
fn part_type(part: Part, spelled: &impl Fn(TypeId) -> String) -> String {
    match part.bit_size {
        0 => spelled(part.type_id),
        bits => format!("{} : {bits}", spelled(part.type_id)),
    }
}

/// Why a setting is refused.
struct Problem {
    mark: &'static str,
    note: Option<String>,
    help: Option<String>,
}

fn set_field(spec: &mut MapSpec, setting: &str) -> Result<(), Problem> {
    let problem = |mark, note, help| Problem { mark, note, help };
    let forms = || Some(format!("write FIELD=NUMBER; the fields: {}", FIELDS.join(", ")));
    let (field, text) = setting.split_once('=').ok_or_else(|| problem("not FIELD=NUMBER", None, forms()))?;
    let (field, text) = (field.trim(), text.trim());
    if !FIELDS.contains(&field) {
        let near = nearest(field, FIELDS).map(|near| format!("did you mean `{near}`?"));
        return Err(problem("no field of a map that can be set", None, near.or_else(forms)));
    }
    if matches!(spec.role, MapRole::Data { .. }) {
        let note = "it is a data section: its one value is the section's variables".to_owned();
        return Err(problem(
            "cannot be set",
            Some(note),
            Some("a variable of it is set by its own name: `--set NAME=VALUE`".to_owned()),
        ));
    }
    let bits = if field == "map_extra" { 64 } else { 32 };
    let number = if field == "map_flags" { flags(text)? } else { number(text) };
    let number = number.ok_or_else(|| problem("not a number", None, None))?;
    let short = u32::try_from(number);
    if bits == 32 && short.is_err() {
        return Err(problem("does not fit 32 bits", None, None));
    }
    let short = short.unwrap_or_default();
    match field {
        "max_entries" => spec.max_entries = short,
        "value_size" => spec.value_size = short,
        "key_size" => spec.key_size = short,
        "map_flags" => spec.flags = short,
        _ => spec.extra = number,
    }
    Ok(())
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Flags as a number, or by their names with `|` between.
fn flags(text: &str) -> Result<Option<u64>, Problem> {
    if text.starts_with(|c: char| c.is_ascii_digit()) || text.is_empty() {
        return Ok(number(text));
    }
    let mut all = 0;
    for word in text.split('|').map(str::trim) {
        let name = word.strip_prefix("BPF_F_").unwrap_or(word);
        let row = map_flag::TABLE.iter().find(|row| row.name.eq_ignore_ascii_case(name));
        let value = row.map(|row| u64::from(row.value)).or_else(|| number(word));
        let near = || nearest(name, map_flag::TABLE.iter().map(|row| row.name));
        all |= value.ok_or_else(|| Problem {
            mark: "no flag of a map",
            note: None,
            help: Some(match near() {
                Some(near) => format!("did you mean `BPF_F_{near}`?"),
                None => "`skep explain map-flag` lists them".to_owned(),
            }),
        })?;
    }
    Ok(Some(all))
}
