//! Variables, addresses and functions of the running kernel that programs name.
//!
//! Enter at [`Externs::resolve`] with the names that some programs use, then at [`Externs::put`] for each reference. What the
//! kernel does not have and a program can do without (`__weak`) is 0, and a call of it a call of no function.

use std::collections::{BTreeSet, HashMap};

use skep_btf::{KindId, Scan};
use skep_isa::Insn;
use skep_isa::insn::CALL;
use skep_isa::spec::nearest;
use skep_object::{Extern, ExternKind, Object, ProgramSpec, RelocTarget};

use crate::error::Error;
use crate::kallsyms;

/// Source field of a wide load that names a variable or function of the kernel.
const PSEUDO_BTF_ID: u8 = 3;
/// Source field of a call of a function of the kernel.
const PSEUDO_KFUNC: u8 = 2;
/// First number of calls of functions that the kernel does not have: the verifier prints it, libbpf has the same.
pub(crate) const NO_FUNCTION: i32 = 2_002_000_000;

/// What the kernel has for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// A variable or function of its own types.
    Type(u32),
    Address(u64),
    /// Nothing; the program can do without.
    Nothing,
}

/// The names of an object, as the running kernel has them.
#[derive(Debug, Default)]
pub(crate) struct Externs {
    found: HashMap<String, Found>,
}

/// True where a program names something of the kernel.
pub(crate) fn has_externs(spec: &ProgramSpec) -> bool {
    spec.relocs.iter().any(|r| matches!(r.target, RelocTarget::Extern(_)))
}

impl Externs {
    /// Finds what these programs name.
    ///
    /// # Errors
    /// [`Error::NoSymbol`] for what the kernel does not have and the programs cannot do without.
    pub(crate) fn resolve<'o>(
        object: &'o Object,
        programs: impl Iterator<Item = &'o ProgramSpec>,
        kernel: Option<&Scan<'_>>,
    ) -> Result<Externs, Error> {
        let name = |r: &'o skep_object::Reloc| match &r.target {
            RelocTarget::Extern(name) => Some(name.as_str()),
            _ => None,
        };
        // In the order of names, so that of several missing ones the same is told each time.
        let used: BTreeSet<&str> = programs.flat_map(|p| p.relocs.iter().filter_map(name)).collect();
        let known: HashMap<&str, &Extern> = object.externs.iter().map(|e| (e.name.as_str(), e)).collect();
        let untyped = used.iter().filter(|name| known.get(**name).is_none_or(|e| e.kind == ExternKind::Address));
        let untyped: Vec<&str> = untyped.copied().collect();
        let addresses = kallsyms::addresses(&untyped);
        let mut found = HashMap::new();
        for name in used {
            let (weak, kind) = known.get(name).map_or((false, ExternKind::Address), |e| (e.weak, e.kind));
            let typed = |kind: KindId| {
                let name = known.get(name).map_or(name, |e| e.essential());
                kernel.and_then(|scan| scan.find(kind, name)).map(|id| Found::Type(id.0))
            };
            let (what, one) = match kind {
                ExternKind::Variable(_) => ("variable with a type", typed(KindId::Var)),
                ExternKind::Function(_) => ("function that programs may call", typed(KindId::Func)),
                ExternKind::Address | ExternKind::Option { .. } => {
                    ("symbol", addresses.get(name).copied().map(Found::Address))
                }
            };
            let one = match one {
                Some(one) => one,
                None if weak => Found::Nothing,
                None if !known.contains_key(name) => return Err(unlinked(name)),
                None => return Err(missing(what, name, kind, kernel)),
            };
            found.insert(name.to_owned(), one);
        }
        Ok(Externs { found })
    }

    /// Puts what a name is into the instruction at `slot`; `None` when none that can take it stands there.
    pub(crate) fn put(&self, code: &mut [Insn], slot: usize, name: &str) -> Option<()> {
        let found = self.found.get(name).copied()?;
        let first = code.get_mut(slot)?;
        if first.code == CALL {
            (first.src, first.off) = (PSEUDO_KFUNC, 0);
            first.imm = match found {
                Found::Type(id) => id.cast_signed(),
                Found::Address(_) => return None,
                Found::Nothing => {
                    first.src = 0;
                    NO_FUNCTION
                }
            };
            return Some(());
        }
        let [first, second] = code.get_mut(slot..)?.first_chunk_mut()?;
        if !first.is_wide() {
            return None;
        }
        (first.src, first.imm, second.imm) = match found {
            Found::Type(id) => (PSEUDO_BTF_ID, id.cast_signed(), 0),
            Found::Address(address) => (0, address as i32, (address >> 32) as i32),
            Found::Nothing => (0, 0, 0),
        };
        Some(())
    }
}

/// A name that nothing says the kernel has: most likely another object's.
fn unlinked(name: &str) -> Error {
    let why = "the object declares it and does not define it; link the object that does: `skep gen object OUT IN…`";
    Error::NoSymbol { what: "symbol", name: name.to_owned(), near: None, why: Some(why.to_owned()) }
}

fn missing(what: &'static str, name: &str, kind: ExternKind, kernel: Option<&Scan<'_>>) -> Error {
    let near = kernel.filter(|_| matches!(kind, ExternKind::Function(_))).and_then(|scan| {
        let names: Vec<&str> = scan.tagged("bpf_kfunc").into_iter().map(|id| scan.name(id)).collect();
        nearest(name, names).map(str::to_owned)
    });
    let why = match kind {
        ExternKind::Address => {
            Some("`/proc/kallsyms` does not list it, or hides addresses (kernel.kptr_restrict)".to_owned())
        }
        _ => None,
    };
    Error::NoSymbol { what, name: name.to_owned(), near, why }
}
