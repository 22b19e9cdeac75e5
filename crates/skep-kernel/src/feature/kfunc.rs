//! Which programs may call a function of this kernel, by asking its verifier.

use skep_isa::Insn;
use skep_isa::insn::CALL;
use skep_isa::spec::Place;

use super::{Answer, Prober};

/// The source field of a call of a kernel function.
const KFUNC: u8 = 2;

/// Whether programs at each place may call the function with this BTF id, in the order of the places.
pub fn kfunc(btf_id: u32) -> Vec<(Place, Answer)> {
    let prober = Prober::new();
    Place::all().map(|place| (place, prober.kfunc(place, btf_id))).collect()
}

impl Prober {
    /// Whether programs at a place may call the function with this BTF id.
    pub fn kfunc(&self, place: Place, btf_id: u32) -> Answer {
        /// What the verifier says, and what it means.
        const NO: [(&str, &str); 4] = [
            ("is not allowed", "programs here may not call it"),
            ("must be sleepable", "it may sleep, and programs here may not"),
            ("is not a function", "this kernel has no such function"),
            ("CAP_SYS_BOOT", "it wants CAP_SYS_BOOT"),
        ];
        let call = Insn::new(CALL, 0, KFUNC, 0, btf_id.cast_signed());
        let refusal = self.refuse(place, &[call], c"GPL");
        match NO.iter().find(|(said, _)| refusal.log.contains(said)) {
            Some((_, meaning)) => Answer::No((*meaning).to_owned()),
            None if refusal.was_reached() => Answer::Yes,
            None => Answer::Unknown(refusal.why_not_reached(place)),
        }
    }
}
