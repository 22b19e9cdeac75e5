//! CO-RE: instructions that depend on the layout of the kernel's types, resolved against the types of the kernel at hand.
//!
//! Enter at [`Resolver::resolve`], which gives the value of a [`Relocation`], and at [`patch`](fn@patch), which puts it
//! into an instruction. [`Target`] holds the kernel's types. The results are libbpf's, but for constants of unsigned 32-bit
//! enumerations from 2^31 up, which libbpf takes for negative and then refuses. Kinds are rows of `skep_isa::spec::core_kind`. Nothing here reads files or knows of programs beyond the instruction at hand.

mod error;
mod field;
mod missing;
mod patch;
mod path;
mod target;
mod types;
mod view;

use std::cell::RefCell;
use std::collections::HashMap;

pub use error::Error;
pub use missing::{Mismatch, Missing};
pub use patch::{Patched, patch};
use skep_isa::spec::CoreKind;
use skep_isa::spec::core_kind::About;
pub use target::{Located, Module, Target};

use crate::ext::CoreRecord;
use crate::kind::{Kind, TypeId};
use crate::scan::{Scan, essential};
use field::Pair;
use path::{Path, Step};
use view::Effort;

/// What an instruction asks of the kernel's types.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Relocation {
    /// The kind's number.
    pub kind: u32,
    /// The type, in the program's own types.
    pub type_id: TypeId,
    /// Offset of the access string in the strings of the program's types.
    pub access_off: u32,
}

impl From<CoreRecord> for Relocation {
    fn from(record: CoreRecord) -> Relocation {
        Relocation { kind: record.kind, type_id: record.type_id, access_off: record.access_off }
    }
}

/// What a relocation comes to on a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// What is asked.
    pub kind: CoreKind,
    /// Of what, as C spells it in the program: `task_struct.thread.cr2[3]`, `cpu_usage_stat::CPUTIME_GUEST`.
    pub what: String,
    /// The value the program was compiled with.
    pub local: u64,
    /// The value here; `None` makes the instruction invalid.
    pub value: Option<u64>,
    /// The type it was found in.
    pub found: Option<Found>,
    /// Why nothing was found. The value may still be known: that something does not exist is an answer.
    pub missing: Option<Missing>,
    /// Whether the instruction must carry `local` before.
    checked: bool,
    /// Bytes a load or store took and takes, where they differ, and whether both read the same number.
    resized: Option<Resized>,
}

/// A field of another size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Resized {
    from: u64,
    to: u64,
    alike: bool,
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Name of the module whose type it is; `None` for the kernel proper.
    pub module: Option<String>,
    /// The type.
    pub type_id: TypeId,
    /// What was found, as C spells it there.
    pub what: String,
}

/// A number, and what comes with it.
struct Value {
    number: u64,
    /// Whether compilers put exactly this number into the instruction.
    checked: bool,
    /// Size and type of a field at this offset.
    access: Option<(u64, TypeId)>,
}

impl Value {
    fn checked(number: u64) -> Value {
        Value { number, checked: true, access: None }
    }
}

/// Resolves the relocations of one object against one kernel. Answers are kept: asking again is free.
#[derive(Debug)]
pub struct Resolver<'t, 'a> {
    local: &'t Scan<'t>,
    target: &'t Target<'a>,
    state: RefCell<State>,
}

/// What a resolver found out so far.
#[derive(Debug)]
struct State {
    /// Types of the kernel for types of the program. Those that did not fit where others did are no longer asked.
    candidates: HashMap<TypeId, Vec<Located>>,
    known: HashMap<Relocation, Result<Resolution, Error>>,
    effort: Effort,
}

impl<'t, 'a> Resolver<'t, 'a> {
    /// For relocations of a program with these types.
    pub fn new(local: &'t Scan<'t>, target: &'t Target<'a>) -> Resolver<'t, 'a> {
        let state = State { candidates: HashMap::new(), known: HashMap::new(), effort: Effort::new() };
        Resolver { local, target, state: RefCell::new(state) }
    }

    /// What a relocation comes to.
    ///
    /// # Errors
    /// [`Error`] when the program's or the kernel's types are damaged, do not fit the relocation, or are ambiguous. What
    /// the kernel merely lacks is [`Resolution::missing`].
    pub fn resolve(&self, relocation: Relocation) -> Result<Resolution, Error> {
        let state = &mut *self.state.borrow_mut();
        if let Some(known) = state.known.get(&relocation) {
            return known.clone();
        }
        let resolved = self.find(relocation, state);
        state.known.insert(relocation, resolved.clone());
        resolved
    }

    /// Whether a type of the program and one of the kernel are of the same kinds throughout, behind pointers, arrays and
    /// prototypes: names, sizes and members do not count. False where either is damaged.
    pub fn agrees(&self, local: TypeId, with: Located) -> bool {
        let Some(target) = self.target.scan(with.module) else { return false };
        let effort = &mut self.state.borrow_mut().effort;
        effort.renew();
        Pair { local: self.local, target }.alike(local, with.id, effort).unwrap_or(false)
    }

    fn find(&self, relocation: Relocation, state: &mut State) -> Result<Resolution, Error> {
        let kind = CoreKind::from_id(relocation.kind).ok_or(Error::Kind(relocation.kind))?;
        let about = kind.row().about;
        let root = relocation.type_id;
        let local_type = view::get(self.local, root)?;
        let access = view::name(self.local, relocation.access_off);
        let path = Path::parse(self.local, root, access, about)?;
        let what = path.spell(self.local);
        if kind == CoreKind::TypeIdLocal {
            let id = u64::from(root.0);
            let empty = Resolution::empty(kind, what, Value { checked: false, ..Value::checked(id) });
            return Ok(Resolution { value: Some(id), ..empty });
        }
        let name = view::name(self.local, local_type.name_off);
        if name.is_empty() {
            return Err(Error::Anonymous);
        }
        let of_kind = |scan: &Scan<'a>, id| scan.get(id).is_some_and(|t| view::same_kind(&t.kind, &local_type.kind));
        let search = || self.target.candidates(name, of_kind);
        let candidates = state.candidates.entry(root).or_insert_with(search);
        let effort = &mut state.effort;
        effort.renew();
        let mut fitting = Vec::new();
        let mut first: Option<(Resolution, u64)> = None;
        let mut mismatch = None;
        for candidate in candidates.iter().copied() {
            let Some(scan) = self.target.scan(candidate.module) else { continue };
            let pair = Pair { local: self.local, target: scan };
            effort.read(&local_type.kind, &local_type.kind)?;
            let there = match pair.whole(kind, &path, candidate.id, effort)? {
                Ok(there) => there,
                Err(why) => {
                    mismatch.get_or_insert(Missing::Part { mismatch: why, module: candidate.module });
                    continue;
                }
            };
            let found = Found {
                module: candidate.module.and_then(|at| self.target.modules().get(at)).map(|m| m.name.clone()),
                type_id: candidate.id,
                what: there.spell(scan),
            };
            let value = pair.value(kind, &path, &there)?;
            let resolution = Resolution { found: Some(found), what: what.clone(), ..value };
            match &first {
                None => first = Some((resolution, there.bits)),
                Some((first, bits)) => first.agrees(*bits, &resolution, there.bits)?,
            }
            fitting.push(candidate);
        }
        if let Some((resolution, _)) = first {
            *candidates = fitting;
            return Ok(resolution);
        }
        let missing = mismatch.unwrap_or_else(|| Missing::Type {
            spelled: self.local.spell(root),
            name: String::from_utf8_lossy(essential(name.as_bytes())).into_owned(),
        });
        let value = local_value(kind, self.local, &path)?;
        Ok(Resolution { missing: Some(missing), ..Resolution::empty(kind, what, value) })
    }

    /// Names of this kernel that are near the one a resolution misses. Costs milliseconds for a type.
    pub fn near(&self, missing: &Missing) -> Vec<String> {
        let Some((scan, mismatch)) = (match missing {
            Missing::Type { name, .. } => {
                return missing::near(name, &self.target.kernel().names().collect::<Vec<_>>());
            }
            Missing::Part { mismatch, module } => self.target.scan(*module).map(|scan| (scan, mismatch)),
            Missing::Access { .. } => None,
        }) else {
            return Vec::new();
        };
        match mismatch {
            Mismatch::NoMember { owner, name, .. } => {
                let members = missing::members(scan, *owner);
                missing::near(name, &members.iter().map(|(name, _)| *name).collect::<Vec<_>>())
            }
            Mismatch::NoConstant { owner, name, .. } => match view::skip(scan, *owner).map(|(_, owner)| owner.kind) {
                Ok(Kind::Enum { values, .. }) => {
                    let names = values.iter().map(|v| view::name(scan, v.name_off));
                    missing::near(name, &names.collect::<Vec<_>>())
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

impl Resolution {
    /// With the value for what is not there.
    fn empty(kind: CoreKind, what: String, local: Value) -> Resolution {
        Resolution {
            kind,
            what,
            local: local.number,
            value: kind.row().absent,
            found: None,
            missing: None,
            checked: local.checked,
            resized: None,
        }
    }

    /// An error when another type of the same name says something else.
    fn agrees(&self, bits: u64, other: &Resolution, other_bits: u64) -> Result<(), Error> {
        if bits == other_bits && self.value == other.value {
            return Ok(());
        }
        let say = |resolution: &Resolution, bits: u64| match bits == other_bits {
            true => resolution.value.map_or("no value".to_owned(), |value| value.to_string()),
            false => format!("bit {bits}"),
        };
        let second = if bits == other_bits { say(other, bits) } else { format!("bit {other_bits}") };
        Err(Error::Ambiguous { what: self.what.clone(), first: say(self, bits), second })
    }
}

impl<'a> Pair<'_, 'a> {
    /// The way of the program through a type of the kernel, or the type as a whole.
    fn whole(
        &self,
        kind: CoreKind,
        path: &Path<'_>,
        root: TypeId,
        effort: &mut Effort,
    ) -> Result<Result<Path<'a>, Mismatch>, Error> {
        match kind.row().about {
            About::Field => self.field(path, root, effort),
            About::Enumerator => self.constant(path, root),
            About::Type => {
                let fits = match kind {
                    CoreKind::TypeMatches => self.types_match(path.root, root, effort)?,
                    _ => self.types_agree(path.root, root, effort)?,
                };
                let other = || Mismatch::OtherShape { place: self.target.spell(root) };
                Ok(if fits { Ok(Path::root(root)) } else { Err(other()) })
            }
        }
    }

    /// The constant of the same essential name.
    fn constant(&self, path: &Path<'_>, root: TypeId) -> Result<Result<Path<'a>, Mismatch>, Error> {
        let (owner, found) = view::skip(self.target, root)?;
        let name = path.steps.first().and_then(|step| step.name).unwrap_or_default();
        let none = Mismatch::NoConstant { owner, place: self.target.spell(root), name: name.to_owned() };
        let Kind::Enum { values, .. } = &found.kind else { return Ok(Err(none)) };
        let wanted = essential(name.as_bytes());
        let names = values.iter().map(|v| view::name(self.target, v.name_off));
        let mut constants = (0u32..).zip(names);
        let Some((index, name)) = constants.find(|(_, name)| essential(name.as_bytes()) == wanted) else {
            return Ok(Err(none));
        };
        let mut path = Path::root(root);
        path.steps.push(Step { owner, index, name: Some(name) });
        Ok(Ok(path))
    }

    /// The value in the program's types and in the kernel's.
    fn value(&self, kind: CoreKind, path: &Path<'_>, there: &Path<'_>) -> Result<Resolution, Error> {
        let local = local_value(kind, self.local, path)?;
        let target = local_value(kind, self.target, there)?;
        let resized = match (local.access, target.access) {
            (None, None) => None,
            (Some((from, _)), Some((to, _))) if from == to => None,
            (Some((from, a)), Some((to, b))) => Some(Resized { from, to, alike: self.reads_alike(a, b)? }),
            (from, to) => {
                let size = |access: Option<(u64, TypeId)>| access.map_or(0, |(size, _)| size);
                Some(Resized { from: size(from), to: size(to), alike: false }).filter(|r| r.from != r.to)
            }
        };
        let value = Some(target.number);
        Ok(Resolution { value, resized, ..Resolution::empty(kind, String::new(), local) })
    }

    /// Whether a load of either type gives the same number when only its size is changed: of pointers and of unsigned
    /// integers, whose upper bits are zero.
    fn reads_alike(&self, local: TypeId, target: TypeId) -> Result<bool, Error> {
        let (a, b) = (view::get(self.local, local)?, view::get(self.target, target)?);
        let unsigned = |kind: &Kind| match kind {
            Kind::Int { signed, char, bool, .. } => !*signed || *char || *bool,
            _ => false,
        };
        let pointers = matches!((&a.kind, &b.kind), (Kind::Ptr(_), Kind::Ptr(_)));
        Ok(pointers || unsigned(&a.kind) && unsigned(&b.kind))
    }
}

/// The value of something that is there.
fn local_value(kind: CoreKind, scan: &Scan<'_>, path: &Path<'_>) -> Result<Value, Error> {
    match kind.row().about {
        About::Field => field::value(kind, scan, path),
        About::Type => types::value(kind, scan, path.root),
        About::Enumerator if kind == CoreKind::EnumvalExists => Ok(Value::checked(1)),
        About::Enumerator => {
            let Some(step) = path.steps.first() else { return Err(Error::Types("a way without steps")) };
            let Kind::Enum { values, .. } = view::get(scan, step.owner)?.kind else {
                return Err(Error::Types("a constant without its enumeration"));
            };
            let constant = values.get(step.index as usize).ok_or(Error::Types("a constant is gone"))?;
            Ok(Value::checked(constant.value.cast_unsigned()))
        }
    }
}
