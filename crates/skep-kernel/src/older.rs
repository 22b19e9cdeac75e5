//! What an older kernel is not told: names, flags, places and helpers that came later, and that a program can do without.
//!
//! Enter at [`map`], [`program`] and [`code`], which leave out what the kernel is known to lack, and at [`map_may_load`] and
//! [`program_may_load`], which find that out after a refusal. Types are rewritten elsewhere.

use rustix::io::Errno;
use skep_isa::insn::CALL;
use skep_isa::spec::{BtfFeature, helper, map_flag};

use crate::feature::{Feature, Features};
use crate::lower::Lowered;
use crate::sys::attr;

/// Helpers that tell apart the kernel's memory and the process's, and what did for both before.
const STAND_INS: [(&str, &str); 4] = [
    ("probe_read_kernel", "probe_read"),
    ("probe_read_user", "probe_read"),
    ("probe_read_kernel_str", "probe_read_str"),
    ("probe_read_user_str", "probe_read_str"),
];

/// What a map is made with here. A section of variables need not be mapped by user space.
pub(crate) fn map(attr: attr::MapCreate, is_data: bool, features: &Features) -> attr::MapCreate {
    let mut attr = attr;
    if features.lacks(Feature::Names) {
        attr.map_name = Default::default();
    }
    if is_data && features.lacks(Feature::MmapableArrays) {
        attr.map_flags &= !map_flag::MMAPABLE;
    }
    attr
}

/// Whether a map that was refused so is worth another try.
pub(crate) fn map_may_load(errno: Errno, attr: &attr::MapCreate, is_data: bool, features: &Features) -> bool {
    let mut asked = vec![Feature::Names];
    if is_data && attr.map_flags & map_flag::MMAPABLE != 0 {
        asked.push(Feature::MmapableArrays);
    }
    is_of_attributes(errno) && features.finds_lacking(&asked)
}

/// What a program is loaded with here.
pub(crate) fn program(attr: attr::ProgLoad, features: &Features) -> attr::ProgLoad {
    let mut attr = attr;
    if features.lacks(Feature::Names) {
        attr.prog_name = Default::default();
    }
    // Kernels without it have no program types that need it.
    if features.lacks(Feature::AttachType) {
        attr.expected_attach_type = 0;
    }
    attr
}

/// Puts helpers that are here in the place of those that are not, and leaves out records that cannot be here.
pub(crate) fn code(lowered: &mut Lowered, features: &Features) {
    if features.lacks(Feature::ProbeRead) {
        for (insn, stand_in) in calls(&mut lowered.code) {
            insn.copy_from_slice(&stand_in.to_le_bytes());
        }
    }
    if features.lacks(Feature::Btf(BtfFeature::Func)) {
        lowered.funcs.clear();
        lowered.lines.clear();
    }
}

/// Whether a program that was refused so is worth another try.
pub(crate) fn program_may_load(errno: Errno, log: &str, lowered: &mut Lowered, features: &Features) -> bool {
    if log.is_empty() {
        let mut asked = vec![Feature::Names, Feature::AttachType];
        if !lowered.funcs.is_empty() {
            asked.push(Feature::Btf(BtfFeature::Func));
        }
        return is_of_attributes(errno) && features.finds_lacking(&asked);
    }
    let lacks_helper = log.contains("invalid func") || log.contains("unknown func");
    lacks_helper && calls(&mut lowered.code).next().is_some() && features.finds_lacking(&[Feature::ProbeRead])
}

/// Whether the kernel refuses attributes so that it does not know.
fn is_of_attributes(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::TOOBIG)
}

/// The calls of later helpers: where the helper's number stands, and what it can be.
fn calls(code: &mut [u8]) -> impl Iterator<Item = (&mut [u8; 4], u32)> {
    let id = |name: &str| helper::named(name).map(|row| row.id);
    let known: Vec<(u32, u32)> = STAND_INS.iter().filter_map(|(new, old)| id(new).zip(id(old))).collect();
    let (insns, _) = code.as_chunks_mut::<8>();
    insns.iter_mut().filter_map(move |insn| {
        let [opcode, registers, _, _, number @ ..] = insn;
        let called = u32::from_le_bytes(*number);
        let is_helper = *opcode == CALL && *registers >> 4 == 0;
        let (_, stand_in) = known.iter().find(|(new, _)| is_helper && *new == called)?;
        Some((number, *stand_in))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower::encode;
    use skep_isa::Insn;
    use skep_isa::insn::PSEUDO_CALL;

    fn calling(number: i32) -> Lowered {
        let code = encode(&[Insn::new(CALL, 0, 0, 0, number), Insn::new(CALL, 0, PSEUDO_CALL, 0, number)]);
        Lowered { code, funcs: vec![[0, 1]], lines: vec![[0, 1, 1, 1]] }
    }

    #[test]
    fn a_helper_that_is_missing_is_called_by_its_older_name_and_a_function_of_that_number_is_not() {
        let features = Features::lacking([Feature::ProbeRead]);
        for (new, old) in [(112, 4), (113, 4), (114, 45), (115, 45)] {
            let mut lowered = calling(new);
            code(&mut lowered, &Features::new());
            assert_eq!(lowered.code, calling(new).code, "what nobody asked for is there");
            code(&mut lowered, &features);
            let [first, second] = lowered.code.as_chunks::<8>().0 else { panic!("two instructions") };
            assert_eq!((first[4], second[4]), (old, new as u8));
            assert_eq!(lowered.funcs.len(), 1);
        }
    }

    #[test]
    fn only_what_the_kernel_is_known_to_lack_is_left_out() {
        let given = attr::MapCreate { map_name: [1; 16], map_flags: map_flag::MMAPABLE | 1, ..Default::default() };
        let told = |is_data, lacks: &[Feature]| {
            let attr = map(given, is_data, &Features::lacking(lacks.iter().copied()));
            (attr.map_name[0], attr.map_flags)
        };
        assert_eq!(told(true, &[]), (1, map_flag::MMAPABLE | 1));
        assert_eq!(told(true, &[Feature::MmapableArrays]), (1, 1));
        assert_eq!(told(false, &[Feature::MmapableArrays]), (1, map_flag::MMAPABLE | 1));
        assert_eq!(told(true, &[Feature::Names]), (0, map_flag::MMAPABLE | 1));
        let given = attr::ProgLoad { prog_name: [1; 16], expected_attach_type: 2, ..Default::default() };
        let attr = program(given, &Features::lacking([Feature::AttachType]));
        assert_eq!((attr.prog_name[0], attr.expected_attach_type), (1, 0));
    }

    #[test]
    fn records_of_functions_are_left_out_where_types_have_none() {
        let mut lowered = calling(1);
        code(&mut lowered, &Features::lacking([Feature::Btf(BtfFeature::Func)]));
        assert!(lowered.funcs.is_empty() && lowered.lines.is_empty());
    }
}
