//! The pages of `tests/cli`: every command on them does and says what the page shows, to the byte.
//!
//! `SKEP_BLESS=1 cargo test -p skep-cli --test transcripts` writes what the commands say now into the pages.

#[cfg(all(target_os = "linux", feature = "kernel-tests"))]
mod namespace;
mod transcript;

use transcript::{User, check, pages};

/// The pages that anybody can run, each a test of its own.
macro_rules! tests {
    ($user:expr, $folder:literal: $($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(concat!($folder, "/", stringify!($name), ".md"), $user);
        })*

        #[test]
        fn no_page_is_left_out() {
            assert_eq!(pages($folder), [$(stringify!($name)),*]);
        }
    };
}

mod for_anybody {
    use super::*;

    tests!(User::Same, "tests/cli":
        asm
        bad_captures
        bad_hooks
        bad_names
        bad_objects
        bad_output
        bad_usage
        blocklist
        classic
        completion
        core
        disassembly
        explain
        faults
        help
        limits
        link
        man
        programs
        protocols
        records
        settings
        sockets
        types
        vlan
        vm
    );
}

mod without_privilege {
    use super::*;

    tests!(User::Ordinary, "tests/cli/ordinary":
        privilege
    );
}

#[cfg(all(target_os = "linux", feature = "kernel-tests"))]
mod on_the_kernel {
    use super::*;

    tests!(User::Root, "tests/cli/kernel":
        attach
        explain
        feature
        frames
        list
        rejected
        verdict
    );
}
