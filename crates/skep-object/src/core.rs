//! CO-RE for whole programs: every instruction that depends on the kernel's types gets the value for one kernel.
//!
//! Enter at [`ProgramSpec::relocate`]. What a single relocation comes to is [`skep_btf::core`]'s.

use skep_btf::core::{Error, Missing, Patched, Resolution, Resolver, patch};
use skep_diag::{Diagnostic, Snippet, code};

use crate::program::{ProgramSpec, RelocTarget};

/// A program for one kernel.
#[derive(Clone, Debug)]
pub struct Relocated {
    /// The program, in which no [`RelocTarget::Core`] is left.
    pub program: ProgramSpec,
    /// Its instructions that could not be given a value.
    pub poisoned: Vec<Poisoned>,
}

/// An instruction that asks for something the kernel does not have: a call of no helper stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poisoned {
    /// The first slot it takes.
    pub slot: u32,
    /// What it asks for.
    pub resolution: Resolution,
    /// Why there is no value.
    pub missing: Missing,
}

impl ProgramSpec {
    /// True when it has instructions that depend on the kernel's types.
    pub fn needs_kernel_types(&self) -> bool {
        self.relocs.iter().any(|r| matches!(r.target, RelocTarget::Core(_)))
    }

    /// The program for the kernel that `resolver` knows. `string` reads the object's BTF strings, for messages.
    ///
    /// # Errors
    /// A diagnostic (`B0003`) for a relocation that does not fit its instruction or the types; what the kernel merely
    /// lacks is [`Relocated::poisoned`].
    pub fn relocate<'s>(
        &self,
        resolver: &mut Resolver<'_, '_>,
        string: impl Fn(u32) -> Option<&'s str>,
    ) -> Result<Relocated, Box<Diagnostic>> {
        let mut program = self.clone();
        let mut poisoned = Vec::new();
        for reloc in &self.relocs {
            let RelocTarget::Core(relocation) = reloc.target else { continue };
            let slot = reloc.slot;
            let refused = |error| Box::new(self.refused(slot as usize, &error, &string));
            let resolution = resolver.resolve(relocation).map_err(refused)?;
            let done = patch(&mut program.code, slot as usize, &resolution);
            match done.map_err(|error| Box::new(self.refused(slot as usize, &error, &string)))? {
                Patched::Value { .. } => {}
                Patched::Poisoned(missing) => poisoned.push(Poisoned { slot, resolution, missing }),
            }
        }
        program.relocs.retain(|r| !matches!(r.target, RelocTarget::Core(_)));
        Ok(Relocated { program, poisoned })
    }

    fn refused<'s>(&self, slot: usize, error: &Error, string: &impl Fn(u32) -> Option<&'s str>) -> Diagnostic {
        let title = format!("instruction {slot} of `{}` cannot be adapted to this kernel's types", self.name);
        let d = Diagnostic::error(code::BAD_CORE, title);
        let d = match self.source(slot, string, "it is made for this") {
            Some(snippet) => d.snippet(snippet),
            None => d,
        };
        d.note(error.to_string()).help(match error {
            Error::Ambiguous { .. } => "ask for a field in which these types agree",
            Error::Value { .. } => "compile the object again; a tool that merges or rewrites objects may have moved it",
            _ => "compile the object again with another version of clang",
        })
    }

    /// The source line of an instruction, marked. `string` reads the object's BTF strings.
    pub fn source<'s>(&self, slot: usize, string: impl Fn(u32) -> Option<&'s str>, label: &str) -> Option<Snippet> {
        let line = self.line_at(slot)?;
        let text = string(line.text_off).filter(|t| !t.trim().is_empty())?.trim_end();
        let begin = text.len() - text.trim_start().len();
        let file = string(line.file_off).unwrap_or("<unknown file>");
        let at = usize::try_from(line.line).unwrap_or(1);
        Some(Snippet::new(file, text).at_line(at).mark(begin..text.len(), label))
    }
}
