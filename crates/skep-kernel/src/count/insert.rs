//! Inserting code before and after instructions, while all that names a slot moves along.

use std::collections::BTreeMap;

use skep_isa::Insn;
use skep_object::ProgramSpec;

use super::{Counted, Distance, GiveUp, Stretch, instructions, target};

/// What is to be inserted, by slot.
///
/// A jump to a slot goes to what was inserted before it, and so never to what was inserted after its neighbour.
#[derive(Default)]
pub(super) struct Insertions {
    before: BTreeMap<usize, Stretch>,
    after: BTreeMap<usize, Stretch>,
    /// On the way of a conditional jump that is taken.
    on_jump: BTreeMap<usize, Stretch>,
}

/// `goto`.
const GOTO: u8 = 0x05;
/// What tells `==` (0x15) from `!=` (0x55) in a jump's code.
const OPPOSITE: u8 = 0x40;

/// Where a slot has gone.
#[derive(Clone, Copy)]
struct Place {
    /// Where jumps to it go: the first instruction inserted before it, or itself.
    start: usize,
    /// The slot itself.
    at: usize,
}

impl Insertions {
    pub(super) fn before(&mut self, slot: usize, stretch: Stretch) {
        self.before.insert(slot, stretch);
    }

    pub(super) fn after(&mut self, slot: usize, stretch: Stretch) {
        self.after.insert(slot, stretch);
    }

    /// On the way that the `==` or `!=` jump at `slot` takes when it jumps.
    pub(super) fn on_jump(&mut self, slot: usize, stretch: Stretch) {
        self.on_jump.insert(slot, stretch);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty() && self.on_jump.is_empty()
    }

    pub(super) fn apply(&self, spec: &ProgramSpec) -> Result<Counted, GiveUp> {
        let mut code = Vec::with_capacity(spec.code.len() * 2);
        let mut map_slots = Vec::new();
        let mut places = Vec::with_capacity(spec.code.len());
        for (slot, insn) in spec.code.iter().enumerate() {
            let start = code.len();
            if let Some(stretch) = self.before.get(&slot) {
                map_slots.push(code.len() + stretch.map_at);
                code.extend_from_slice(&stretch.code);
            }
            places.push(Place { start, at: code.len() });
            if let Some(stretch) = self.on_jump.get(&slot) {
                // The opposite test jumps over the stretch, which ends with the jump itself.
                let over = i16::try_from(stretch.code.len() + 1).map_err(|_| GiveUp::TooFar)?;
                code.push(Insn { code: insn.code ^ OPPOSITE, off: over, ..*insn });
                map_slots.push(code.len() + stretch.map_at);
                code.extend_from_slice(&stretch.code);
                code.push(Insn::new(GOTO, 0, 0, 0, 0));
                continue;
            }
            code.push(*insn);
            if let Some(stretch) = self.after.get(&slot) {
                map_slots.push(code.len() + stretch.map_at);
                code.extend_from_slice(&stretch.code);
            }
        }
        let place =
            |slot: i64| usize::try_from(slot).ok().and_then(|slot| places.get(slot)).copied().ok_or(GiveUp::Wild);
        for (slot, insn) in instructions(&spec.code) {
            let Some((to, kept_in)) = target(slot, insn)? else { continue };
            let mut at = place(slot as i64)?.at;
            if let Some(stretch) = self.on_jump.get(&slot) {
                at += stretch.code.len() + 1;
            }
            let distance = place(to)?.start as i64 - (at as i64 + 1);
            let moved = code.get_mut(at).ok_or(GiveUp::Wild)?;
            match kept_in {
                Distance::Off => moved.off = i16::try_from(distance).map_err(|_| GiveUp::TooFar)?,
                Distance::Imm => moved.imm = i32::try_from(distance).map_err(|_| GiveUp::TooFar)?,
            }
        }
        let number = |slot: usize| u32::try_from(slot).map_err(|_| GiveUp::TooFar);
        let mut moved = ProgramSpec { code, ..spec.clone() };
        for reloc in &mut moved.relocs {
            reloc.slot = number(place(reloc.slot.into())?.at)?;
        }
        for func in &mut moved.funcs {
            func.slot = number(place(func.slot.into())?.start)?;
        }
        for line in &mut moved.lines {
            line.slot = number(place(line.slot.into())?.start)?;
        }
        Ok(Counted { spec: moved, map_slots })
    }
}
