//! Dynptrs: pieces of memory that a program holds by 16 bytes of its stack, and what reads and writes them.
//!
//! The 16 bytes are the kernel's: the address, then the size with its type and its right, then an offset. A program that
//! forges them gets nowhere else, as each access is checked like its own.

use super::{Answer, Args, E2BIG, EINVAL, error};
use crate::fault::FaultKind;
use crate::interpreter::Vm;

/// Largest size.
const MOST: u32 = (1 << 24) - 1;
const READ_ONLY: u32 = 1 << 31;
const LOCAL: u32 = 1 << 28;
const RING: u32 = 2 << 28;

/// What the 16 bytes say.
struct Dynptr {
    address: u64,
    /// Size, type and right.
    size: u32,
    offset: u32,
}

impl Dynptr {
    /// The address of `len` bytes at an offset, else the error.
    fn part(&self, offset: u32, len: u32) -> Result<u64, i64> {
        if self.address == 0 {
            return Err(EINVAL);
        }
        let size = self.size & MOST;
        if len > size || offset > size - len {
            return Err(E2BIG);
        }
        Ok(self.address.wrapping_add(self.offset.into()).wrapping_add(offset.into()))
    }
}

fn load(vm: &Vm<'_>, at: u64) -> Result<Dynptr, FaultKind> {
    let rest = vm.load::<8>(at.wrapping_add(8))?;
    Ok(Dynptr { address: vm.load::<8>(at)?, size: rest as u32, offset: (rest >> 32) as u32 })
}

/// Makes a dynptr, of nothing where the address is 0.
fn make(vm: &mut Vm<'_>, at: u64, address: u64, size: u32) -> Result<(), FaultKind> {
    vm.give(at, &[address.to_le_bytes(), u64::from(size).to_le_bytes()].concat())
}

pub(super) fn from_mem(vm: &mut Vm<'_>, [data, size, flags, to, _]: Args) -> Answer {
    let size = size as u32;
    if size > MOST || flags != 0 {
        make(vm, to, 0, 0)?;
        return Ok(error(if size > MOST { E2BIG } else { EINVAL }));
    }
    vm.check_room(data, size as usize)?;
    make(vm, to, data, size | LOCAL)?;
    Ok(0)
}

pub(super) fn read(vm: &mut Vm<'_>, [to, len, from, offset, flags]: Args) -> Answer {
    let len = len as u32;
    let dynptr = load(vm, from)?;
    if flags != 0 {
        return Ok(error(EINVAL));
    }
    let address = match dynptr.part(offset as u32, len) {
        Ok(address) => address,
        Err(errno) => return Ok(error(errno)),
    };
    if len != 0 {
        let bytes = vm.take(address, len as usize)?;
        vm.give(to, bytes.bytes())?;
    }
    Ok(0)
}

pub(super) fn write(vm: &mut Vm<'_>, [to, offset, from, len, flags]: Args) -> Answer {
    let len = len as u32;
    let dynptr = load(vm, to)?;
    if dynptr.size & READ_ONLY != 0 {
        return Ok(error(EINVAL));
    }
    let address = match dynptr.part(offset as u32, len) {
        Ok(address) if flags == 0 => address,
        Ok(_) => return Ok(error(EINVAL)),
        Err(errno) => return Ok(error(errno)),
    };
    if len != 0 {
        let bytes = vm.take(from, len as usize)?;
        vm.give(address, bytes.bytes())?;
    }
    Ok(0)
}

pub(super) fn data(vm: &mut Vm<'_>, [from, offset, len, ..]: Args) -> Answer {
    let dynptr = load(vm, from)?;
    let is_writable = dynptr.size & READ_ONLY == 0;
    Ok(dynptr.part(offset as u32, len as u32).ok().filter(|_| is_writable).unwrap_or(0))
}

/// A dynptr of a new record of a ring buffer; of nothing where there is none.
pub(super) fn reserve(vm: &mut Vm<'_>, [map, size, flags, to, _]: Args) -> Answer {
    let size = size as u32;
    vm.check_room(to, 16)?;
    let errno = match (flags, size) {
        (1.., _) => EINVAL,
        (_, size) if size > MOST => E2BIG,
        _ => match super::ring::reserve(vm, [map, size.into(), 0, 0, 0])? {
            0 => EINVAL,
            record => {
                make(vm, to, record, size | RING)?;
                return Ok(0);
            }
        },
    };
    make(vm, to, 0, 0)?;
    Ok(error(errno))
}

pub(super) fn submit(vm: &mut Vm<'_>, [at, ..]: Args) -> Answer {
    finish(vm, at, super::ring::submit)
}

pub(super) fn discard(vm: &mut Vm<'_>, [at, ..]: Args) -> Answer {
    finish(vm, at, super::ring::discard)
}

fn finish(vm: &mut Vm<'_>, at: u64, with: super::Call) -> Answer {
    match take_record(vm, at)? {
        0 => Ok(0),
        record => with(vm, [record, 0, 0, 0, 0]),
    }
}

/// Takes the record out of a dynptr, 0 where it has none.
fn take_record(vm: &mut Vm<'_>, at: u64) -> Result<u64, FaultKind> {
    let dynptr = load(vm, at)?;
    make(vm, at, 0, 0)?;
    Ok(dynptr.address)
}

pub(crate) mod kfuncs {
    //! The same by name: kernel functions on dynptrs.

    use super::{MOST, READ_ONLY, load, make};
    use crate::helper::{Answer, Args, EINVAL, ERANGE, error};
    use crate::interpreter::Vm;

    pub(crate) fn adjust(vm: &mut Vm<'_>, [at, start, end, ..]: Args) -> Answer {
        let dynptr = load(vm, at)?;
        let (start, end) = (start as u32, end as u32);
        if dynptr.address == 0 || start > end {
            return Ok(error(EINVAL));
        }
        if end > dynptr.size & MOST {
            return Ok(error(ERANGE));
        }
        let size = dynptr.size & !MOST | (end - start);
        let rest = u64::from(dynptr.offset.wrapping_add(start)) << 32 | u64::from(size);
        vm.give(at.wrapping_add(8), &rest.to_le_bytes())?;
        Ok(0)
    }

    pub(crate) fn is_null(vm: &mut Vm<'_>, [at, ..]: Args) -> Answer {
        Ok((load(vm, at)?.address == 0).into())
    }

    pub(crate) fn is_rdonly(vm: &mut Vm<'_>, [at, ..]: Args) -> Answer {
        let dynptr = load(vm, at)?;
        Ok((dynptr.address != 0 && dynptr.size & READ_ONLY != 0).into())
    }

    pub(crate) fn size(vm: &mut Vm<'_>, [at, ..]: Args) -> Answer {
        let dynptr = load(vm, at)?;
        Ok(if dynptr.address == 0 { u64::from(error(EINVAL) as u32) } else { u64::from(dynptr.size & MOST) })
    }

    pub(crate) fn clone(vm: &mut Vm<'_>, [from, to, ..]: Args) -> Answer {
        if load(vm, from)?.address == 0 {
            make(vm, to, 0, 0)?;
            return Ok(error(EINVAL));
        }
        let bytes = vm.take(from, 16)?;
        vm.give(to, bytes.bytes())?;
        Ok(0)
    }

    /// All of the memory is in one piece, so no buffer is needed.
    pub(crate) fn slice(vm: &mut Vm<'_>, [from, offset, _, len, _]: Args) -> Answer {
        Ok(load(vm, from)?.part(offset as u32, len as u32).unwrap_or(0))
    }

    pub(crate) fn slice_rdwr(vm: &mut Vm<'_>, [from, offset, _, len, _]: Args) -> Answer {
        let dynptr = load(vm, from)?;
        let is_writable = dynptr.size & READ_ONLY == 0;
        Ok(dynptr.part(offset as u32, len as u32).ok().filter(|_| is_writable).unwrap_or(0))
    }
}
