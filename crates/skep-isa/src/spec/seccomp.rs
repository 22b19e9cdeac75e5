//! seccomp: what its filters read, and what the number they return makes the kernel do.

use super::{Version, v};

/// Bytes of `struct seccomp_data`.
pub const SIZE: u32 = 64;

/// One field of `struct seccomp_data`, in the machine's byte order.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Offset in bytes.
    pub offset: u32,
    /// Size in bytes; filters load 4 at a time.
    pub size: u32,
    /// The kernel's name.
    pub name: &'static str,
}

const fn field(offset: u32, size: u32, name: &'static str) -> Field {
    Field { offset, size, name }
}

/// All fields of `struct seccomp_data`, in order.
pub static DATA: &[Field] = &[
    field(0, 4, "nr"),
    field(4, 4, "arch"),
    field(8, 8, "instruction_pointer"),
    field(16, 8, "args[0]"),
    field(24, 8, "args[1]"),
    field(32, 8, "args[2]"),
    field(40, 8, "args[3]"),
    field(48, 8, "args[4]"),
    field(56, 8, "args[5]"),
];

/// What a filter's result makes the kernel do; of several filters' results the first of [`ACTIONS`] counts.
#[derive(Debug, PartialEq, Eq)]
pub struct Action {
    /// The upper 16 bits of the result.
    pub value: u32,
    /// The kernel's constant.
    pub name: &'static str,
    /// First kernel that has it.
    pub since: Version,
    /// What the kernel does, in one sentence.
    pub what: &'static str,
}

/// The bits of a result that are the action (`SECCOMP_RET_ACTION_FULL`).
pub const ACTION: u32 = 0xffff_0000;
/// The bits of a result that are data of the action (`SECCOMP_RET_DATA`).
pub const ACTION_DATA: u32 = 0xffff;

const fn action(value: u32, name: &'static str, since: Version, what: &'static str) -> Action {
    Action { value, name, since, what }
}

/// All actions, the strongest first.
#[rustfmt::skip]
pub static ACTIONS: &[Action] = &[
    action(0x8000_0000, "SECCOMP_RET_KILL_PROCESS", v(4, 14), "The process is killed as by SIGSYS."),
    action(0x0000_0000, "SECCOMP_RET_KILL_THREAD", v(3, 5), "The thread is killed as by SIGSYS."),
    action(0x0003_0000, "SECCOMP_RET_TRAP", v(3, 5), "The call is not made and SIGSYS is sent."),
    action(0x0005_0000, "SECCOMP_RET_ERRNO", v(3, 5), "The call is not made and fails with the data as its error number, 4095 at most."),
    action(0x7fc0_0000, "SECCOMP_RET_USER_NOTIF", v(5, 0), "A process that listens on the filter's descriptor decides; without one the call fails with ENOSYS."),
    action(0x7ff0_0000, "SECCOMP_RET_TRACE", v(3, 5), "The tracer is told; without one the call fails with ENOSYS."),
    action(0x7ffc_0000, "SECCOMP_RET_LOG", v(4, 14), "The call is made and logged."),
    action(0x7fff_0000, "SECCOMP_RET_ALLOW", v(3, 5), "The call is made."),
];

/// The action of a filter's result; the kernel kills the process for any other number.
///
/// ```
/// use skep_isa::spec::seccomp;
/// assert_eq!(seccomp::action_of(0x0005_0001).map(|row| row.name), Some("SECCOMP_RET_ERRNO"));
/// assert_eq!(seccomp::action_of(0x1234_0000), None);
/// ```
pub fn action_of(result: u32) -> Option<&'static Action> {
    ACTIONS.iter().find(|row| row.value == result & ACTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_fill_the_struct_without_a_hole() {
        let end = DATA.iter().fold(0, |end, field| {
            assert_eq!(field.offset, end, "{}", field.name);
            end + field.size
        });
        assert_eq!(end, SIZE);
    }

    #[test]
    fn actions_are_in_the_order_in_which_the_kernel_prefers_them() {
        assert!(ACTIONS.is_sorted_by_key(|row| row.value as i32));
        assert!(ACTIONS.iter().all(|row| row.value & ACTION_DATA == 0));
    }
}
