//! What an object names and does not define: kernel options, variables, addresses and functions.

use skep_btf::TypeId;

/// One name that the object does not define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extern {
    /// The name as the object has it; behind `___` may stand a flavour, which the kernel's name has not.
    pub name: String,
    /// True where the program can do without it (`__weak`): it is then 0.
    pub weak: bool,
    /// What it is.
    pub kind: ExternKind,
}

/// What an object may name without defining it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExternKind {
    /// An option of the kernel's configuration, or one of libbpf's own names: a variable of the map `.kconfig`.
    Option {
        /// Its type.
        type_id: TypeId,
        /// The map, by its index in `Object::maps`.
        map: usize,
        /// Where it stands in the map's value, in bytes.
        offset: u32,
        /// Its size in bytes.
        size: u32,
    },
    /// A variable of the kernel, by its type.
    Variable(TypeId),
    /// An address in the kernel, without a type.
    Address,
    /// A function of the kernel that programs may call.
    Function(TypeId),
}

impl Extern {
    /// The name without its flavour.
    pub fn essential(&self) -> &str {
        essential(&self.name)
    }
}

/// A name without its flavour, which stands behind `___`. As libbpf has it, a name does not begin with its flavour.
pub fn essential(name: &str) -> &str {
    match name.find("___") {
        Some(at) if at > 0 => name.get(..at).unwrap_or(name),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flavour_is_no_part_of_the_kernel_s_name() {
        let named = |name: &str| Extern { name: name.to_owned(), weak: false, kind: ExternKind::Address };
        assert_eq!(named("bpf_task_acquire___v2").essential(), "bpf_task_acquire");
        assert_eq!(named("jiffies").essential(), "jiffies");
        assert_eq!(named("___x").essential(), "___x");
    }
}
