//! Which program goes to which hook: decided from the object and the user's words, before anything is loaded.

use skep_diag::{Diagnostic, code};
use skep_isa::spec::{self, HookKind};
use skep_object::{Hook, Object, ProgramSpec};

use crate::error::Error;

/// A program (by its index in the object) and the hook it is to be attached to.
pub type Placement = (usize, Hook);

/// Pairs programs with hooks.
///
/// `names` picks programs; empty means all but the optional ones (`SEC("?xdp")`). With `hooks`, each goes to every picked program whose type runs there; without,
/// each picked program goes where its section's name says.
///
/// # Errors
/// No such program (`O0008`), a hook no picked program fits (`H0003`), a program without a hook (`H0004`), a section
/// whose name is not known (`O0005`).
pub fn plan(object: &Object, names: &[String], hooks: &[Hook]) -> Result<Vec<Placement>, Error> {
    let mut picked = pick(object, names)?;
    let mut seen = std::collections::HashSet::new();
    picked.retain(|program| seen.insert(*program));
    let mut placements: Vec<Placement> = Vec::new();
    if hooks.is_empty() {
        for at in picked {
            let Some(program) = object.programs.get(at) else { continue };
            known(program)?;
            let hook = program.hook.clone().ok_or_else(|| no_hook(program))?;
            placements.push((at, hook));
        }
        return Ok(placements);
    }
    for hook in hooks {
        let mut fit = false;
        for at in &picked {
            if object.programs.get(*at).is_some_and(|p| fits(p, hook.kind())) {
                fit = true;
                // The same hook twice is the same hook.
                if !placements.contains(&(*at, hook.clone())) {
                    placements.push((*at, hook.clone()));
                }
            }
        }
        if !fit {
            return Err(mismatch(object, &picked, hook));
        }
    }
    Ok(placements)
}

/// True when programs of this type run at hooks of this kind.
pub(crate) fn fits(program: &ProgramSpec, kind: HookKind) -> bool {
    program.prog_type().is_some_and(|t| kind.row().prog_types.contains(&t))
}

fn pick(object: &Object, names: &[String]) -> Result<Vec<usize>, Error> {
    let all = || object.programs.iter().map(|p| p.name.as_str()).collect::<Vec<_>>();
    if object.programs.is_empty() {
        return Err(Diagnostic::error(code::NO_PROGRAM, format!("object `{}` has no programs", object.name))
            .note("a program is a function in a section of its own, such as `SEC(\"xdp\")`")
            .help("`skep dis` shows what code it has")
            .into());
    }
    if names.is_empty() {
        let wanted = object.programs.iter().enumerate().filter(|(_, program)| !program.is_optional());
        let wanted: Vec<usize> = wanted.map(|(at, _)| at).collect();
        if wanted.is_empty() {
            let title = format!("every program of object `{}` is optional", object.name);
            return Err(Diagnostic::error(code::NO_PROGRAM, title)
                .note("a section whose name begins with `?` is loaded only when its program is asked for")
                .help(format!("pick some with `--prog`: {}", all().join(", ")))
                .into());
        }
        return Ok(wanted);
    }
    let find = |name: &String| {
        object.programs.iter().position(|p| p.name == *name).ok_or_else(|| {
            let d = Diagnostic::error(code::NO_PROGRAM, format!("object `{}` has no program `{name}`", object.name));
            let d = d.note(format!("its programs: {}", all().join(", ")));
            match spec::nearest(name, all()) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d,
            }
        })
    };
    Ok(names.iter().map(find).collect::<Result<_, _>>()?)
}

/// A program whose section says what it is.
fn known(program: &ProgramSpec) -> Result<(), Error> {
    if program.kind.is_some() {
        return Ok(());
    }
    let word = program.section.split('/').next().unwrap_or_default();
    let d = Diagnostic::error(
        code::UNKNOWN_SECTION,
        format!("section `{}` does not say what program `{}` is", program.section, program.name),
    )
    .note("the section's name gives a program its type: `SEC(\"xdp\")`, `SEC(\"tracepoint/sched/sched_switch\")`");
    let near = spec::nearest(word, spec::section::TABLE.iter().map(|row| row.pattern));
    Err(match near {
        Some(near) => d.help(format!("did you mean `SEC(\"{near}\")`?")),
        None => d.help("pick other programs with `--prog`, or say what it is: `--section PROG=xdp`"),
    }
    .into())
}

fn no_hook(program: &ProgramSpec) -> Error {
    let prog_type = program.prog_type().map_or("?", |t| t.name());
    let kinds: Vec<_> = spec::hook::TABLE
        .iter()
        .filter(|row| program.prog_type().is_some_and(|t| row.prog_types.contains(&t)))
        .map(|row| format!("--on {}", row.form))
        .collect();
    if kinds.is_empty() {
        let title = format!("skep does not run programs of type {prog_type} such as `{}` yet", program.name);
        return Diagnostic::error(code::NO_HOOK, title)
            .note("no hook takes them")
            .help("`skep check --engine kernel` asks the verifier about them; `--prog` picks others")
            .into();
    }
    Diagnostic::error(code::NO_HOOK, format!("program `{}` does not say where to run", program.name))
        .note(format!("its section `{}` gives it the type {prog_type} but names no place", program.section))
        .help(format!("say where: {}", kinds.join(", ")))
        .into()
}

fn mismatch(object: &Object, picked: &[usize], hook: &Hook) -> Error {
    let programs: Vec<&ProgramSpec> = picked.iter().filter_map(|at| object.programs.get(*at)).collect();
    // A section that says nothing is the likelier mistake.
    if let [program] = programs.as_slice()
        && let Err(error) = known(program)
    {
        return error;
    }
    let row = hook.kind().row();
    let are: Vec<_> = programs
        .iter()
        .map(|p| format!("`{}` is {}", p.name, p.prog_type().map_or("of no known type", |t| t.name())))
        .collect();
    let runs: Vec<_> = row.prog_types.iter().map(|t| t.name()).collect();
    Diagnostic::error(code::HOOK_MISMATCH, format!("no program of `{}` runs at {hook}", object.name))
        .note(format!("{} runs programs of type {}", row.form, runs.join(", ")))
        .note(are.join(", "))
        .help("give a hook of the program's type, or pick another program with --prog")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(sections: &[&str]) -> Object {
        let program = |(at, section): (usize, &&str)| ProgramSpec {
            name: format!("p{at}"),
            section: (*section).to_owned(),
            kind: spec::section::find(section).map(|(row, _)| row),
            hook: None,
            code: vec![],
            relocs: vec![],
            funcs: vec![],
            lines: vec![],
        };
        let programs = sections.iter().enumerate().map(program).collect();
        let (name, license, maps, externs) = ("o".to_owned(), String::new(), vec![], vec![]);
        Object { name, license, programs, maps, externs, btf: None, big_endian: false }
    }

    #[test]
    fn optional_programs_are_placed_only_by_name() {
        let hook = [Hook::parse("pcap:x").expect("a hook")];
        let placed = |object: &Object, names: &[String]| {
            plan(object, names, &hook).map(|all| all.into_iter().map(|(at, _)| at).collect::<Vec<_>>())
        };
        let some = object(&["?xdp", "xdp"]);
        assert_eq!(placed(&some, &[]).expect("one"), [1]);
        assert_eq!(placed(&some, &["p0".to_owned()]).expect("one"), [0]);
        let error = placed(&object(&["?xdp", "?tc"]), &[]).expect_err("none is left").diagnostic();
        assert_eq!(error.title, "every program of object `o` is optional");
    }

    #[test]
    fn a_type_that_no_hook_takes_is_said_so() {
        for section in ["struct_ops", "syscall"] {
            let error = plan(&object(&[section]), &[], &[]).expect_err("no hook").diagnostic();
            assert!(error.title.starts_with("skep does not run programs of type"), "{error}");
            assert!(error.helps.iter().any(|help| help.contains("skep check")), "{error}");
        }
    }
}
