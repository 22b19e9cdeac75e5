//! Types and functions as C spells them.

use super::Scan;
use crate::kind::{Kind, TypeId};

impl<'a> Scan<'a> {
    /// The function's prototype as C declares it: result type, then each parameter's type and name.
    ///
    /// `None` for what is no function.
    pub fn prototype(&self, func: TypeId) -> Option<Prototype<'a>> {
        let Kind::Func { proto, .. } = self.get(func)?.kind else { return None };
        let Kind::FuncProto { ret, params } = self.get(proto)?.kind else { return None };
        let params =
            params.iter().map(|(name, id)| (self.spell(*id), self.string(*name).unwrap_or_default())).collect();
        Some(Prototype { name: self.name(func), result: self.spell(ret), params })
    }

    /// A type as C spells it, without a declared name: `const struct sk_buff *`.
    pub fn spell(&self, id: TypeId) -> String {
        self.spelled(id, crate::btf::DEPTH)
    }

    fn spelled(&self, id: TypeId, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else { return "…".to_owned() };
        let Some(found) = self.get(id) else { return "void".to_owned() };
        let name = self.string(found.name_off).unwrap_or_default();
        let named = |word: &str| if name.is_empty() { format!("{word} {{…}}") } else { format!("{word} {name}") };
        match found.kind {
            Kind::Ptr(to) => {
                let inner = self.spelled(to, depth);
                if inner.ends_with('*') { format!("{inner}*") } else { format!("{inner} *") }
            }
            Kind::Const(to) => match self.spelled(to, depth) {
                pointer if pointer.ends_with('*') => format!("{pointer} const"),
                inner => format!("const {inner}"),
            },
            Kind::Volatile(to) => format!("volatile {}", self.spelled(to, depth)),
            Kind::Restrict(to) | Kind::TypeTag(to) => self.spelled(to, depth),
            Kind::Struct { .. } | Kind::Fwd { union: false } => named("struct"),
            Kind::Union { .. } | Kind::Fwd { union: true } => named("union"),
            Kind::Enum { .. } => named("enum"),
            Kind::Array { element, len } => format!("{}[{len}]", self.spelled(element, depth)),
            Kind::FuncProto { ret, .. } => format!("{} (*)(…)", self.spelled(ret, depth)),
            _ if name.is_empty() => "void".to_owned(),
            _ => name.to_owned(),
        }
    }
}

/// A function as C declares it.
#[derive(Clone, Debug)]
pub struct Prototype<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its result's type.
    pub result: String,
    /// Type and name of each parameter.
    pub params: Vec<(String, &'a str)>,
}

impl std::fmt::Display for Prototype<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let join = |(ty, name): &(String, &str)| match name.is_empty() {
            true => ty.clone(),
            false if ty.ends_with('*') => format!("{ty}{name}"),
            false => format!("{ty} {name}"),
        };
        let params: Vec<String> = self.params.iter().map(join).collect();
        let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
        let blank = if self.result.ends_with('*') { "" } else { " " };
        write!(f, "{}{blank}{}({params})", self.result, self.name)
    }
}
