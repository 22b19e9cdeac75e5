//! Errors: why a machine cannot be made.

use skep_diag::{Code, Diagnostic, Snippet, code};
use skep_isa::spec::{MapType, ProgType, helper};
use skep_object::{Object, ProgramSpec};

/// A place in a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The program's name.
    pub program: String,
    /// Slot of the instruction.
    pub slot: usize,
    /// The source line, when the object has it.
    pub line: Option<SourceLine>,
}

/// A line of source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLine {
    /// Name of the file.
    pub file: String,
    /// Number, from 1.
    pub number: u32,
    /// Column, from 1.
    pub column: u32,
    /// The line itself.
    pub text: String,
}

impl Place {
    pub(crate) fn of(program: &ProgramSpec, object: &Object, slot: usize) -> Place {
        let line = program.line_at(slot).and_then(|info| {
            let btf = object.btf.as_ref()?;
            Some(SourceLine {
                file: btf.string(info.file_off)?.to_owned(),
                number: info.line,
                column: info.column,
                text: btf.string(info.text_off)?.to_owned(),
            })
        });
        Place { program: program.name.clone(), slot, line }
    }

    /// Adds the place to a message: the marked source line, else the slot's number.
    pub(crate) fn mark(&self, d: Diagnostic, label: &str) -> Diagnostic {
        match &self.line {
            Some(line) => {
                let start = (line.column as usize).saturating_sub(1).min(line.text.len());
                let end = line.text.trim_end().len().max(start);
                let excerpt = Snippet::new(line.file.clone(), line.text.clone());
                d.snippet(excerpt.at_line(line.number as usize).mark(start..end, label))
                    .note(format!("instruction {} of `{}`", self.slot, self.program))
            }
            None => {
                d.note(format!("at instruction {} of `{}` (the object has no source lines)", self.slot, self.program))
            }
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`, instruction {}", self.program, self.slot)?;
        match &self.line {
            Some(line) => write!(f, " ({}:{})", line.file, line.number),
            None => Ok(()),
        }
    }
}

/// Why a machine cannot be made of an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The object cannot run on this machine: its byte order.
    #[error("{}", .0.title)]
    Object(Box<Diagnostic>),
    /// An index that is not one of the object's programs.
    #[error("the object has no program number {index}, it has {count}")]
    NoProgram {
        /// The index asked for.
        index: usize,
        /// Number of programs.
        count: usize,
    },
    /// A program type the vm has no context for.
    #[error("the vm does not run {} programs such as `{program}` yet", prog_type.map_or("untyped", ProgType::name))]
    ProgramType {
        /// The program's name.
        program: String,
        /// Its type, `None` when its section says nothing.
        prog_type: Option<ProgType>,
    },
    /// A map type the vm does not have.
    #[error("the vm does not have {map_type} maps such as `{map}` yet")]
    MapType {
        /// The map's name.
        map: String,
        /// Its type.
        map_type: MapType,
    },
    /// A map whose sizes or flags contradict its type.
    #[error("map `{map}` cannot be made: {why}")]
    BadMap {
        /// The map's name.
        map: String,
        /// What is wrong.
        why: String,
    },
    /// A map that does not fit.
    #[error("map `{map}` takes {bytes} bytes, more than the {limit} left to it")]
    MapTooLarge {
        /// The map's name.
        map: String,
        /// Bytes it takes.
        bytes: u64,
        /// Bytes it may take.
        limit: u64,
    },
    /// An instruction that is unknown, reserved or refers to what is not there.
    #[error("{place}: {why}")]
    BadCode {
        /// Where.
        place: Place,
        /// What is wrong.
        why: String,
    },
    /// A helper the vm does not have, or not for this type of program.
    #[error("{place}: {} {why}", helper_name(*id))]
    Helper {
        /// Where.
        place: Place,
        /// Number of the helper.
        id: i32,
        /// Why not.
        why: String,
    },
    /// An instruction that needs something of the kernel: a kernel function, variable or option.
    #[error("{place}: {what} is not available in the vm")]
    Unsupported {
        /// Where.
        place: Place,
        /// What it needs.
        what: String,
    },
}

/// `bpf_NAME (helper N)`.
fn helper_name(id: i32) -> String {
    match u32::try_from(id).ok().and_then(helper::find) {
        Some(row) => format!("bpf_{} (helper {id})", row.name),
        None => format!("helper {id}"),
    }
}

impl Error {
    /// The registered code of the message.
    pub fn code(&self) -> Code {
        match self {
            Error::Object(diagnostic) => diagnostic.code,
            Error::NoProgram { .. } => code::NO_PROGRAM,
            Error::ProgramType { .. } | Error::MapType { .. } | Error::Helper { .. } | Error::Unsupported { .. } => {
                code::UNSUPPORTED_VM
            }
            Error::BadMap { .. } => code::BAD_MAP,
            Error::MapTooLarge { .. } => code::MAP_TOO_LARGE,
            Error::BadCode { .. } => code::BAD_CODE,
        }
    }

    /// The message for the user: where, why and what to try.
    pub fn diagnostic(&self) -> Diagnostic {
        let error = |title: String| Diagnostic::error(self.code(), title);
        match self {
            Error::Object(diagnostic) => diagnostic.as_ref().clone(),
            Error::NoProgram { .. } => error(self.to_string()).help("list the object's programs first"),
            Error::ProgramType { program, prog_type: None } => error(self.to_string())
                .note("its section's name tells no type")
                .help(format!("say which is meant: `--section {program}=xdp`")),
            Error::ProgramType { .. } => error(self.to_string())
                .note("the vm has contexts for xdp, sched_cls, sched_act, socket_filter and cgroup_skb programs")
                .help("run the program on the kernel engine"),
            Error::MapType { .. } => error(self.to_string()).help("run the object on the kernel engine"),
            Error::BadMap { map, .. } => error(self.to_string())
                .help(format!("correct the map's definition, or set its sizes: `--map {map}:max_entries=1024`")),
            Error::MapTooLarge { .. } => error(self.to_string()).help("lower the map's `max_entries`"),
            Error::BadCode { place, why } => place
                .mark(error(format!("`{}` is not a valid program", place.program)), why)
                .note(why.clone())
                .help("compile it again, with `-mcpu=v4` at most"),
            Error::Helper { place, id, why } => place
                .mark(error(format!("`{}` calls {}, which {why}", place.program, helper_name(*id))), "called here")
                .help("run the program on the kernel engine"),
            Error::Unsupported { place, what } => place
                .mark(error(format!("`{}` needs {what}, which the vm does not have", place.program)), "needed here")
                .help("run the program on the kernel engine"),
        }
    }
}
