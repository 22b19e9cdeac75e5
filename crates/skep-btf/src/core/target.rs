//! The kernel's types: those of the kernel proper, and those of its modules, which are read only when the former do not
//! have what is looked for.

use std::cell::OnceCell;

use crate::kind::TypeId;
use crate::scan::{KindId, Scan};

/// A module's types.
#[derive(Debug)]
pub struct Module<'a> {
    /// The module's name.
    pub name: String,
    /// Its types, which continue the kernel's.
    pub scan: Scan<'a>,
}

type Modules<'a> = Box<dyn Fn() -> Vec<Module<'a>> + 'a>;

/// The types a program's relocations are resolved against.
///
/// ```
/// use skep_btf::core::Target;
/// use skep_btf::{Builder, Scan};
/// let bytes = Builder::new().encode().unwrap();
/// let scan = Scan::new(&bytes).unwrap();
/// let target = Target::new(&scan);
/// assert_eq!(target.kernel().ids().count(), 0);
/// ```
pub struct Target<'a> {
    kernel: &'a Scan<'a>,
    modules: Option<Modules<'a>>,
    loaded: OnceCell<Vec<Module<'a>>>,
}

impl<'a> Target<'a> {
    /// The kernel proper.
    pub fn new(kernel: &'a Scan<'a>) -> Target<'a> {
        Target { kernel, modules: None, loaded: OnceCell::new() }
    }

    /// With modules, which are asked for at most once.
    pub fn with_modules(kernel: &'a Scan<'a>, modules: impl Fn() -> Vec<Module<'a>> + 'a) -> Target<'a> {
        Target { kernel, modules: Some(Box::new(modules)), loaded: OnceCell::new() }
    }

    /// The types of the kernel proper.
    pub fn kernel(&self) -> &'a Scan<'a> {
        self.kernel
    }

    /// The modules' types, read when this is first asked for.
    pub fn modules(&self) -> &[Module<'a>] {
        self.loaded.get_or_init(|| self.modules.as_ref().map(|modules| modules()).unwrap_or_default())
    }

    /// The types of the kernel proper, or of the module with this index in [`Target::modules`].
    pub fn scan(&self, module: Option<usize>) -> Option<&Scan<'a>> {
        match module {
            None => Some(self.kernel),
            Some(at) => self.modules().get(at).map(|module| &module.scan),
        }
    }

    /// The type of a kind with this name: the kernel's, and only where it has none, the first that a module has.
    pub fn find(&self, kind: KindId, name: &str) -> Option<Located> {
        if let Some(id) = self.kernel.find(kind, name) {
            return Some(Located { module: None, id });
        }
        let own = |scan: &Scan<'a>| scan.find_all(&[(kind, name)]).first().copied().flatten();
        let mut modules = self.modules().iter().enumerate();
        modules.find_map(|(at, module)| Some(Located { module: Some(at), id: own(&module.scan)? }))
    }

    /// Types of this essential name for which `fits` holds: the kernel's, and only where it has none, those of modules.
    pub(super) fn candidates(&self, name: &str, fits: impl Fn(&Scan<'a>, TypeId) -> bool) -> Vec<Located> {
        let of = |scan: &Scan<'a>, module| {
            let ids = scan.named(name).filter(|id| fits(scan, *id));
            ids.map(|id| Located { module, id }).collect::<Vec<_>>()
        };
        let found = of(self.kernel, None);
        if !found.is_empty() {
            return found;
        }
        self.modules().iter().enumerate().flat_map(|(at, module)| of(&module.scan, Some(at))).collect()
    }
}

impl std::fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("types", &self.kernel.ids().count()).finish_non_exhaustive()
    }
}

/// A type of the kernel or of one of its modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// The module, by its index in [`Target::modules`]; `None` for the kernel proper.
    pub module: Option<usize>,
    /// Its number there.
    pub id: TypeId,
}
