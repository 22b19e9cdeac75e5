//! Helpers on memory that is not the program's: reads at any address, the call stack, what happens to the task.
//!
//! A pointer of the sandbox is kernel memory here; any other address is asked of the host.

use super::{Answer, Args, EEXIST, EFAULT, EINVAL, ENOMEM, EPERM, ERANGE, bad, error};
use crate::context::Kind;
use crate::fault::FaultKind;
use crate::host::{Effect, Space};
use crate::interpreter::Vm;
use crate::memory::{is_context, packet_pointer};
use skep_isa::spec::MapType;

/// Half of the addresses are the user's.
fn space_of(address: u64) -> Space {
    if (address as i64) < 0 { Space::Kernel } else { Space::User }
}

/// Checks that an argument is the context; that of a routine is its memory.
fn context(vm: &Vm<'_>, id: i32, value: u64) -> Result<(), FaultKind> {
    let is_memory = vm.kind == Kind::Memory && (value == 0 || value == packet_pointer(vm.packet.data));
    if is_context(value) || is_memory { Ok(()) } else { Err(bad(id, 1, value, "not the context")) }
}

impl Vm<'_> {
    /// Bytes at an address of any memory, else the error that the kernel gives.
    pub(super) fn probe(&mut self, space: Space, address: u64, size: usize) -> Result<Vec<u8>, i64> {
        if space == Space::Kernel
            && let Ok(bytes) = self.take(address, size)
        {
            return Ok(bytes.bytes().to_vec());
        }
        // What x86 does not even try.
        match space {
            Space::Kernel if address < KERNEL_BEGIN => return Err(ERANGE),
            Space::User if address.checked_add(size as u64).is_none_or(|end| end > USER_END) => return Err(EFAULT),
            _ if size == 0 => return Ok(Vec::new()),
            _ => {}
        }
        self.works(size);
        let mut bytes = vec![0; size];
        if self.world.host.read(space, address, &mut bytes) { Ok(bytes) } else { Err(EFAULT) }
    }

    /// Bytes of a string at an address of any memory, up to its zero or `most` of them.
    pub(super) fn probe_string(&mut self, space: Space, address: u64, most: usize) -> Result<Vec<u8>, i64> {
        let mut text = Vec::new();
        while text.len() < most {
            match self.probe(space, address.wrapping_add(text.len() as u64), 1)?.first() {
                Some(0) | None => break,
                Some(byte) => text.push(*byte),
            }
        }
        self.works(text.len());
        Ok(text)
    }

    /// The memory that an address is of where one helper reads both.
    pub(super) fn either(&self, address: u64) -> Space {
        if self.take(address, 1).is_ok() { Space::Kernel } else { space_of(address) }
    }
}

fn read_bytes(vm: &mut Vm<'_>, space: Space, [to, size, from, ..]: Args) -> Answer {
    let size = size as u32 as usize;
    // First, so that nobody's size is taken for an allocation.
    vm.check_room(to, size)?;
    match vm.probe(space, from, size) {
        Ok(bytes) => {
            vm.give(to, &bytes)?;
            Ok(0)
        }
        Err(errno) => {
            vm.give_padded(to, &[], size)?;
            Ok(error(errno))
        }
    }
}

/// Where addresses of the user end and those of the kernel begin, on x86 with tables of four levels.
const USER_END: u64 = 0x7fff_ffff_f000;
const KERNEL_BEGIN: u64 = 0xffff_8000_0000_0000;

fn read_string(vm: &mut Vm<'_>, space: Space, [to, size, from, ..]: Args) -> Answer {
    let size = size as u32 as usize;
    if size == 0 {
        return Ok(0);
    }
    vm.check_room(to, size)?;
    match vm.probe_string(space, from, size) {
        Ok(mut text) => {
            // The last byte is a zero also where the string has none so far.
            text.truncate(size - 1);
            text.push(0);
            vm.give(to, &text)?;
            Ok(text.len() as u64)
        }
        Err(errno) => {
            vm.give_padded(to, &[], size)?;
            Ok(error(errno))
        }
    }
}

pub(super) fn read(vm: &mut Vm<'_>, args: Args) -> Answer {
    let space = vm.either(args[2]);
    read_bytes(vm, space, args)
}

pub(super) fn read_str(vm: &mut Vm<'_>, args: Args) -> Answer {
    let space = vm.either(args[2]);
    read_string(vm, space, args)
}

pub(super) fn read_user(vm: &mut Vm<'_>, args: Args) -> Answer {
    read_bytes(vm, Space::User, args)
}

pub(super) fn read_kernel(vm: &mut Vm<'_>, args: Args) -> Answer {
    read_bytes(vm, Space::Kernel, args)
}

pub(super) fn read_user_str(vm: &mut Vm<'_>, args: Args) -> Answer {
    read_string(vm, Space::User, args)
}

pub(super) fn read_kernel_str(vm: &mut Vm<'_>, args: Args) -> Answer {
    read_string(vm, Space::Kernel, args)
}

pub(super) fn write_user(vm: &mut Vm<'_>, [to, from, size, ..]: Args) -> Answer {
    let bytes = vm.take(from, size as u32 as usize)?;
    Ok(if vm.world.host.write_user(to, bytes.bytes()) { 0 } else { error(EFAULT) })
}

const SKIP: u64 = 0xff;
const F_USER_STACK: u64 = 1 << 8;

pub(super) fn get_stack(vm: &mut Vm<'_>, [ctx, to, size, flags, _]: Args) -> Answer {
    context(vm, 67, ctx)?;
    let size = size as u32 as usize;
    if size != 0 {
        vm.give_padded(to, &[], size)?;
    }
    // Build ids are of files, which the vm has none of.
    if flags & !(SKIP | F_USER_STACK) != 0 || !size.is_multiple_of(8) {
        return Ok(error(EINVAL));
    }
    let space = if flags & F_USER_STACK == 0 { Space::Kernel } else { Space::User };
    let stack = vm.world.host.stack(space);
    let skip = (flags & SKIP) as usize;
    if stack.is_empty() || stack.len() < skip {
        return Ok(error(EFAULT));
    }
    let bytes: Vec<u8> = stack.iter().skip(skip).take(size / 8).flat_map(|address| address.to_le_bytes()).collect();
    if !bytes.is_empty() {
        vm.give(to, &bytes)?;
    }
    Ok(bytes.len() as u64)
}

/// Stacks are told apart by their hash alone (`BPF_F_FAST_STACK_CMP`).
const F_FAST: u64 = 1 << 9;
/// A stack takes the place of another of the same number (`BPF_F_REUSE_STACKID`).
const F_REUSE: u64 = 1 << 10;

pub(super) fn get_stackid(vm: &mut Vm<'_>, [ctx, map, flags, ..]: Args) -> Answer {
    context(vm, 27, ctx)?;
    let index = vm.map_of(27, 2, map)?;
    let stacks = vm.world.maps.get(index).filter(|found| found.map_type() == MapType::StackTrace).cloned();
    let Some(stacks) = stacks else { return Err(bad(27, 2, map, "not a map of stacks").into()) };
    if flags & !(SKIP | F_USER_STACK | F_FAST | F_REUSE) != 0 {
        return Ok(error(EINVAL));
    }
    let space = if flags & F_USER_STACK == 0 { Space::Kernel } else { Space::User };
    let (size, skip) = (stacks.value_size() as usize, (flags & SKIP) as usize);
    let stack = vm.world.host.stack(space);
    let mut value: Vec<u8> = stack.iter().skip(skip).take(size / 8).flat_map(|address| address.to_le_bytes()).collect();
    if value.is_empty() {
        return Ok(error(EFAULT));
    }
    vm.works(size);
    value.resize(size, 0);
    let hash = value.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    let id = hash & stacks.max_entries().wrapping_sub(1);
    let key = id.to_le_bytes();
    match stacks.lookup(&key) {
        Some(there) if there == value => return Ok(id.into()),
        Some(_) if flags & F_REUSE == 0 => return Ok(error(EEXIST)),
        _ => {}
    }
    let cpu = vm.world.cpu;
    Ok(stacks.program_update(&key, &value, 0, cpu).map_or(error(ENOMEM), |()| id.into()))
}

/// The largest number of a signal.
const SIGNALS: u32 = 64;

fn signal(vm: &mut Vm<'_>, number: u64, to_thread: bool) -> Answer {
    // Neither a task of the kernel's own nor the first process gets one.
    if vm.world.host.task().pid_tgid >> 32 <= 1 {
        return Ok(error(EPERM));
    }
    let number = number as u32;
    if number > SIGNALS {
        return Ok(error(EINVAL));
    }
    vm.world.host.effect(Effect::Signal { number, to_thread });
    Ok(0)
}

pub(super) fn send_signal(vm: &mut Vm<'_>, [number, ..]: Args) -> Answer {
    signal(vm, number, false)
}

pub(super) fn send_signal_thread(vm: &mut Vm<'_>, [number, ..]: Args) -> Answer {
    signal(vm, number, true)
}

pub(super) fn override_return(vm: &mut Vm<'_>, [ctx, value, ..]: Args) -> Answer {
    context(vm, 58, ctx)?;
    vm.world.host.effect(Effect::OverrideReturn { value });
    Ok(0)
}

pub(super) fn func_ip(vm: &mut Vm<'_>, [ctx, ..]: Args) -> Answer {
    context(vm, 173, ctx)?;
    Ok(vm.world.host.probe().ip)
}

pub(super) fn cookie(vm: &mut Vm<'_>, [ctx, ..]: Args) -> Answer {
    context(vm, 174, ctx)?;
    Ok(vm.world.host.probe().cookie)
}
