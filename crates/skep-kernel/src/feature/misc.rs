//! What this kernel's verifier takes beyond the first programs: long ones, loops, later instructions.

use skep_isa::Insn;
use skep_isa::insn::EXIT;
use skep_isa::spec::{ProgType, limit};

use super::{Answer, refused};
use crate::lower::encode;
use crate::sys::{self, attr};

/// `r0 = number`.
const fn mov(number: i32) -> Insn {
    Insn::new(0xb7, 0, 0, 0, number)
}

const END: Insn = Insn::new(EXIT, 0, 0, 0, 0);

/// Each fact with bpftool's name (without `have_`), its first kernel, and whether it holds here.
pub fn misc() -> Vec<(&'static str, &'static str, Answer)> {
    let first_limit =
        limit::TABLE.iter().find(|row| row.name == "instructions_unprivileged").map_or(4096, |row| row.value);
    let mut long = vec![mov(1); usize::try_from(first_limit).unwrap_or(4096)];
    long.push(END);
    // r0 counts down from 10.
    let bounded_loop = [mov(10), Insn::new(0x07, 0, 0, 0, -1), Insn::new(0x55, 0, 0, -2, 0), END];
    let less_than = [mov(0), Insn::new(0xa5, 0, 0, 0, 1), END];
    let short_jump = [mov(0), Insn::new(0x16, 0, 0, 0, 0), END];
    let signed_division = [mov(4), Insn::new(0x37, 0, 0, 1, 2), END];
    vec![
        ("large_insn_limit", "5.2", takes(&long)),
        ("bounded_loops", "5.3", takes(&bounded_loop)),
        ("v2_isa_extension", "4.14", takes(&less_than)),
        ("v3_isa_extension", "5.1", takes(&short_jump)),
        ("v4_isa_extension", "6.6", takes(&signed_division)),
    ]
}

fn takes(code: &[Insn]) -> Answer {
    let code = encode(code);
    let attr = attr::ProgLoad {
        prog_type: ProgType::SocketFilter.id(),
        prog_name: crate::name::kernel_name("skep_probe"),
        ..Default::default()
    };
    let parts = sys::ProgramParts { code: &code, license: c"GPL", funcs: &[], lines: &[], modules: &[] };
    match sys::prog_load(&attr, &parts, &mut []) {
        Ok(_) => Answer::Yes,
        Err(rustix::io::Errno::TOOBIG) => Answer::No("this kernel's limit is lower".to_owned()),
        Err(errno) => refused(errno),
    }
}
