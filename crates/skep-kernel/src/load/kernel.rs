//! The running kernel's types as loading needs them: read only when something names them.
//!
//! Enter at [`with_kernel`].

use std::os::fd::BorrowedFd;

use skep_btf::core::{Located, Resolver, Target};
use skep_btf::{KindId, Scan, TypeId};
use skep_isa::spec::prog_type::Names;
use skep_object::{MapRole, Object, ProgramSpec};

use crate::btf::KernelTypes;
use crate::error::Error;
use crate::externs::has_externs;

/// What loading asks of types.
#[derive(Default)]
pub(crate) struct Kernel<'k, 's> {
    /// The running kernel's, `None` where nothing names them.
    own: Option<Own<'k, 's>>,
    /// Answers what programs ask of the layout of types: the running kernel's, or those given in their place.
    layout: Option<&'k Resolver<'k, 's>>,
}

struct Own<'k, 's> {
    types: &'k KernelTypes,
    target: &'k Target<'s>,
    /// Compares the object's types with them.
    resolver: Option<&'k Resolver<'k, 's>>,
}

/// Reads the types that these programs of an object need, and lends them. `others` stand in for the running kernel's where the
/// layout of types is asked for.
pub(super) fn with_kernel<T>(
    object: &Object,
    programs: &[&ProgramSpec],
    others: Option<&KernelTypes>,
    with: impl FnOnce(&Kernel<'_, '_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let has_instances = object.maps.iter().any(|map| matches!(map.role, MapRole::StructOps(_)));
    let names = has_instances || programs.iter().any(|spec| names_kernel(spec));
    let needs_layout = programs.iter().any(|spec| spec.needs_kernel_types());
    let types = if names || needs_layout && others.is_none() { Some(KernelTypes::open()?) } else { None };
    let scan = types.as_ref().map(KernelTypes::scan).transpose()?;
    let other_scan = others.map(KernelTypes::scan).transpose()?;
    let target = types.as_ref().zip(scan.as_ref()).map(|(types, scan)| types.target(scan));
    let other_target = others.zip(other_scan.as_ref()).map(|(types, scan)| types.target(scan));
    let local = object.btf.as_ref().and_then(|btf| Scan::new(btf.bytes()).ok());
    let own_resolver = local.as_ref().zip(target.as_ref()).map(|(local, target)| Resolver::new(local, target));
    let other_resolver = local.as_ref().zip(other_target.as_ref()).map(|(local, target)| Resolver::new(local, target));
    let own = types.as_ref().zip(target.as_ref());
    let own = own.map(|(types, target)| Own { types, target, resolver: own_resolver.as_ref() });
    let layout = if others.is_some() { other_resolver.as_ref() } else { own_resolver.as_ref() };
    with(&Kernel { own, layout })
}

/// True for programs that name something of the kernel's types.
fn names_kernel(spec: &ProgramSpec) -> bool {
    has_externs(spec) || spec.prog_type().is_some_and(|t| t.row().names == Names::Btf)
}

impl<'k, 's> Kernel<'k, 's> {
    /// Answers what programs ask of the layout of types.
    pub(super) fn resolver(&self) -> Option<&'k Resolver<'k, 's>> {
        self.layout
    }

    /// The type of a kind with this name: the kernel's, or the first that a module has.
    pub(crate) fn find(&self, kind: KindId, name: &str) -> Option<Located> {
        self.own.as_ref()?.target.find(kind, name)
    }

    /// The same in one module alone, where that is named.
    pub(crate) fn find_in(&self, module: Option<&str>, kind: KindId, name: &str) -> Option<Located> {
        let Some(module) = module else { return self.find(kind, name) };
        let target = self.own.as_ref()?.target;
        if module == KernelTypes::KERNEL {
            return Some(Located { module: None, id: target.kernel().find(kind, name)? });
        }
        let at = target.modules().iter().position(|m| m.name == module)?;
        let id = target.scan(Some(at))?.find_all(&[(kind, name)]).first().copied().flatten()?;
        Some(Located { module: Some(at), id })
    }

    /// The types that a found one stands in.
    pub(crate) fn scan(&self, of: Located) -> Option<&'k Scan<'s>> {
        self.own.as_ref()?.target.scan(of.module)
    }

    /// The types of the kernel proper.
    pub(crate) fn proper(&self) -> Option<&'s Scan<'s>> {
        Some(self.own.as_ref()?.target.kernel())
    }

    /// A module's types in the kernel; `None` for those of the kernel proper.
    ///
    /// # Errors
    /// [`Error::Call`] or [`Error::NoPrivilege`] when they cannot be opened.
    pub(crate) fn module(&self, of: Located) -> Result<Option<BorrowedFd<'k>>, Error> {
        let (Some(own), Some(at)) = (&self.own, of.module) else { return Ok(None) };
        own.types.module(at).map(Some)
    }

    /// Whether a type of the object and one of the kernel are of the same kinds throughout.
    pub(crate) fn agrees(&self, local: TypeId, with: Located) -> bool {
        let resolver = self.own.as_ref().and_then(|own| own.resolver);
        resolver.is_some_and(|resolver| resolver.agrees(local, with))
    }
}
