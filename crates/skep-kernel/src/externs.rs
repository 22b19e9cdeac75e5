//! Variables, addresses and functions of the running kernel that programs name.
//!
//! Enter at [`Externs::resolve`] with the names that some programs use, then at [`Externs::put`] for each reference. What the
//! kernel does not have and a program can do without (`__weak`) is 0, and a call of it a call of no function.

use std::collections::{BTreeSet, HashMap};

use skep_btf::core::Located;
use skep_btf::{Kind, KindId, Scan};
use skep_isa::Insn;
use skep_isa::insn::CALL;
use skep_isa::spec::nearest;
use skep_object::{Extern, ExternKind, Object, ProgramSpec, RelocTarget};

use crate::error::Error;
use crate::kallsyms;
use crate::load::Kernel;
use crate::sys;

/// Source field of a wide load that names a variable or function of the kernel.
const PSEUDO_BTF_ID: u8 = 3;
/// Source field of a call of a function of the kernel.
const PSEUDO_KFUNC: u8 = 2;
/// First number of calls of functions that the kernel does not have: the verifier prints it, libbpf has the same.
pub(crate) const NO_FUNCTION: i32 = 2_002_000_000;

/// What the kernel has for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// A variable or function of its types, and for a module's, where its types stand in [`Externs::modules`].
    Type(u32, Option<usize>),
    Address(u64),
    /// Nothing; the program can do without.
    Nothing,
}

/// The names of an object, as the running kernel has them.
#[derive(Debug, Default)]
pub(crate) struct Externs {
    found: HashMap<String, Found>,
    /// Descriptors of modules' types, from index 1 on.
    modules: Vec<u32>,
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
    pub(crate) fn resolve(
        object: &Object,
        programs: &[&ProgramSpec],
        kernel: &Kernel<'_, '_>,
    ) -> Result<Externs, Error> {
        let names = programs.iter().flat_map(|p| &p.relocs).filter_map(|r| match &r.target {
            RelocTarget::Extern(name) => Some(name.as_str()),
            _ => None,
        });
        // In the order of names, so that of several missing ones the same is told each time.
        let used: BTreeSet<&str> = names.collect();
        let known: HashMap<&str, &Extern> = object.externs.iter().map(|e| (e.name.as_str(), e)).collect();
        let untyped = used.iter().filter(|name| known.get(**name).is_none_or(|e| e.kind == ExternKind::Address));
        let untyped: Vec<&str> = untyped.copied().collect();
        let addresses = kallsyms::addresses(&untyped);
        let mut externs = Externs::default();
        for name in used {
            let (weak, kind) = known.get(name).map_or((false, ExternKind::Address), |e| (e.weak, e.kind));
            let essential = known.get(name).map_or(name, |e| e.essential());
            let (what, located) = match kind {
                ExternKind::Variable(_) => ("variable with a type", kernel.find(KindId::Var, essential)),
                ExternKind::Function(_) => ("function that programs may call", kernel.find(KindId::Func, essential)),
                ExternKind::Address | ExternKind::Option { .. } => ("symbol", None),
            };
            let fits = located.is_none_or(|located| fits(object, kind, located, kernel));
            let one = match located {
                // Of a variable of another type, libbpf does without no more than of a strong one.
                Some(_) if !(fits || weak && matches!(kind, ExternKind::Function(_))) => {
                    let why = Some("its type in the object is not its type in the kernel".to_owned());
                    return Err(Error::NoSymbol { what, name: name.to_owned(), near: None, why });
                }
                Some(located) if fits => Some(Found::Type(located.id.0, externs.module(located, kernel)?)),
                _ => addresses.get(name).copied().map(Found::Address),
            };
            let one = match one {
                Some(one) => one,
                None if weak => Found::Nothing,
                None if !known.contains_key(name) => return Err(unlinked(name)),
                None => return Err(missing(what, name, kind, kernel.proper())),
            };
            externs.found.insert(name.to_owned(), one);
        }
        Ok(externs)
    }

    /// Where the types of a module stand, `None` for those of the kernel proper.
    fn module(&mut self, located: Located, kernel: &Kernel<'_, '_>) -> Result<Option<usize>, Error> {
        let Some(fd) = kernel.module(located)?.map(sys::number) else { return Ok(None) };
        if self.modules.is_empty() {
            // Index 0 is the kernel proper.
            self.modules.push(0);
        }
        let at = self.modules.iter().position(|known| *known == fd).unwrap_or_else(|| {
            self.modules.push(fd);
            self.modules.len() - 1
        });
        Ok(Some(at))
    }

    /// Descriptors of modules' types, by the index that calls of their functions carry.
    pub(crate) fn modules(&self) -> &[u32] {
        &self.modules
    }

    /// Puts what a name is into the instruction at `slot`; `None` when none that can take it stands there.
    pub(crate) fn put(&self, code: &mut [Insn], slot: usize, name: &str) -> Option<()> {
        let found = self.found.get(name).copied()?;
        let first = code.get_mut(slot)?;
        if first.code == CALL {
            (first.src, first.off) = (PSEUDO_KFUNC, 0);
            first.imm = match found {
                Found::Type(id, module) => {
                    first.off = i16::try_from(module.unwrap_or(0)).ok()?;
                    id.cast_signed()
                }
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
            Found::Type(id, module) => {
                let fd = module.and_then(|at| self.modules.get(at)).map_or(0, |fd| fd.cast_signed());
                (PSEUDO_BTF_ID, id.cast_signed(), fd)
            }
            Found::Address(address) => (0, address as i32, (address >> 32) as i32),
            Found::Nothing => (0, 0, 0),
        };
        Some(())
    }
}

/// Whether the kernel's variable or function is what the object declares.
fn fits(object: &Object, kind: ExternKind, located: Located, kernel: &Kernel<'_, '_>) -> bool {
    let (ExternKind::Variable(local) | ExternKind::Function(local)) = kind else { return true };
    let there = kernel.scan(located).and_then(|scan| scan.get(located.id)).map(|t| t.kind);
    let local = match object.btf.as_ref().and_then(|btf| btf.get(local)).map(|t| &t.kind) {
        Some(Kind::Func { proto, .. }) => *proto,
        _ => local,
    };
    match there {
        Some(Kind::Var { type_id: id, .. } | Kind::Func { proto: id, .. }) => {
            kernel.agrees(local, Located { id, ..located })
        }
        _ => false,
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
