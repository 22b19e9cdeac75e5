//! Instances of the kernel's structures of functions: from an object's declaration of a structure to the kernel's own.
//!
//! Enter at [`Instance::all`]. Members are found by their names, as in libbpf: the kernel's structure may have more than the
//! object declares and in another order, and what the object leaves zero may be missing in the kernel.

use std::os::fd::{BorrowedFd, OwnedFd};

use skep_btf::core::Located;
use skep_btf::{Kind, KindId, Member, Scan, Type, TypeId};
use skep_object::{MapRole, MapSpec, Object, ProgramSpec, StructOps, essential};

use crate::error::Error;
use crate::load::Kernel;
use crate::sys::{self, attr};

/// `BPF_F_VTYPE_BTF_OBJ_FD`: the value's type is that of a module.
const OF_MODULE: u32 = skep_isa::spec::map_flag::VTYPE_BTF_OBJ_FD;

/// An instance as this kernel has it.
#[derive(Debug)]
pub(crate) struct Instance {
    /// The map, by its index in `Object::maps`.
    pub(crate) map: usize,
    /// `struct bpf_struct_ops_NAME`, the type of the map's value.
    value_type: Located,
    /// Bytes of it.
    value_size: u32,
    /// The module whose type it is.
    module: Option<OwnedFd>,
    /// Which member each program is.
    programs: Vec<(String, Place)>,
}

/// A member of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The structure.
    pub(crate) of: Located,
    /// Its index among the members.
    pub(crate) index: u32,
}

impl Instance {
    /// An object's, but for optional ones none of whose programs is wanted.
    ///
    /// # Errors
    /// [`Error::NoSymbol`] for a structure that the kernel does not have, [`Error::BadObject`] for one that does not fit the
    /// kernel's.
    pub(crate) fn all(
        object: &Object,
        programs: &[&ProgramSpec],
        kernel: &Kernel<'_, '_>,
    ) -> Result<Vec<Instance>, Error> {
        let mut all = Vec::new();
        for (map, spec) in object.maps.iter().enumerate() {
            if let MapRole::StructOps(ops) = &spec.role
                && (!ops.optional || ops.programs.iter().any(|(_, name)| programs.iter().any(|p| p.name == *name)))
            {
                all.push(Instance::new(map, spec, ops, object, kernel)?);
            }
        }
        Ok(all)
    }

    /// The member that a program is; `None` for one that no instance holds.
    ///
    /// # Errors
    /// [`Error::BadObject`] for a program that stands for two members.
    pub(crate) fn member_of(instances: &[Instance], program: &str) -> Result<Option<Place>, Error> {
        let mut places = instances.iter().flat_map(|one| &one.programs).filter(|(name, _)| name == program);
        let Some((_, place)) = places.next() else { return Ok(None) };
        if places.any(|(_, other)| other != place) {
            let what = "two members of structures of functions, and a program can be one".to_owned();
            return Err(Error::BadObject { object: format!("program `{program}`"), what });
        }
        Ok(Some(*place))
    }

    /// What `BPF_MAP_CREATE` is told.
    pub(crate) fn attr(&self, attr: attr::MapCreate, types: Option<BorrowedFd<'_>>) -> attr::MapCreate {
        use std::os::fd::AsFd;
        let module = self.module.as_ref().map(|fd| sys::number(fd.as_fd()));
        attr::MapCreate {
            value_size: self.value_size,
            btf_fd: types.map_or(0, sys::number),
            btf_vmlinux_value_type_id: self.value_type.id.0,
            value_type_btf_fd: module.unwrap_or(0),
            map_flags: attr.map_flags | if module.is_some() { OF_MODULE } else { 0 },
            ..attr
        }
    }

    fn new(
        map: usize,
        spec: &MapSpec,
        ops: &StructOps,
        object: &Object,
        kernel: &Kernel<'_, '_>,
    ) -> Result<Instance, Error> {
        let bad = |what: String| Error::BadObject { object: format!("map `{}`", spec.name), what };
        let Some(btf) = &object.btf else { return Err(bad("a type without types".to_owned())) };
        let name = essential(btf.name(ops.type_id));
        let missing = |name: String| Error::NoSymbol { what: "structure", name, near: None, why: None };
        let of = kernel.find(KindId::Struct, name).ok_or_else(|| missing(name.to_owned()))?;
        let value_name = format!("bpf_struct_ops_{name}");
        let value_type = kernel.find(KindId::Struct, &value_name).ok_or_else(|| {
            let why = Some(format!("it is no structure that programs can be functions of: there is no `{value_name}`"));
            Error::NoSymbol { what: "table of functions", name: name.to_owned(), near: None, why }
        })?;
        let (Some(scan), Some(value_scan)) = (kernel.scan(of), kernel.scan(value_type)) else {
            return Err(missing(name.to_owned()));
        };
        let value_size = value_scan.size_of(value_type.id).and_then(|s| u32::try_from(s).ok());
        let value_size = value_size.ok_or_else(|| missing(value_name))?;
        let theirs = members(scan.get(of.id));
        let mut programs = Vec::new();
        let Some(Kind::Struct { members: ours, .. }) = btf.get(ops.type_id).map(|t| &t.kind) else {
            return Err(bad("a type that is no structure".to_owned()));
        };
        for member in ours {
            let member_name = btf.string(member.name_off).unwrap_or_default();
            let at = member.bit_offset / 8;
            let program = ops.programs.iter().find(|(offset, _)| *offset == at).map(|(_, program)| program);
            let found = theirs.iter().zip(0..).find(|(m, _)| scan.string(m.name_off) == Some(member_name));
            let Some((their, index)) = found else {
                let size = btf.size_of(member.type_id).unwrap_or(0);
                if is_zero(&ops.initial, at, size) {
                    // A function that the kernel does not know is never called.
                    continue;
                }
                return Err(bad(format!("member `{member_name}` of `{name}`, which this kernel's does not have")));
            };
            let unfit = || bad(format!("member `{member_name}` of `{name}`, which is of another type in this kernel"));
            match program {
                Some(program) if is_function(scan, their.type_id) => {
                    programs.push((program.clone(), Place { of, index }));
                }
                Some(_) => return Err(unfit()),
                None if member.bit_size != 0 || their.bit_size != 0 => return Err(unfit()),
                None if btf.size_of(member.type_id) != scan.size_of(their.type_id) => return Err(unfit()),
                None => {}
            }
        }
        let module = kernel.module(value_type)?.map(|fd| fd.try_clone_to_owned()).transpose();
        let module = module.map_err(|e| Error::call("dup", value_name_of(name), crate::btf::errno(&e)))?;
        Ok(Instance { map, value_type, value_size, module, programs })
    }
}

fn value_name_of(name: &str) -> String {
    format!("the types of `{name}`")
}

fn members(found: Option<Type>) -> Vec<Member> {
    match found.map(|t| t.kind) {
        Some(Kind::Struct { members, .. }) => members,
        _ => Vec::new(),
    }
}

fn is_zero(bytes: &[u8], at: u32, size: u64) -> bool {
    bytes.iter().skip(at as usize).take(size as usize).all(|byte| *byte == 0)
}

/// True for a pointer to a function.
fn is_function(scan: &Scan<'_>, id: TypeId) -> bool {
    let Some((_, Type { kind: Kind::Ptr(to), .. })) = scan.resolve(id) else { return false };
    matches!(scan.resolve(to), Some((_, Type { kind: Kind::FuncProto { .. }, .. })))
}
