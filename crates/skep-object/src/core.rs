//! CO-RE for whole programs: every instruction that depends on the kernel's types gets the value for one kernel.
//!
//! Enter at [`ProgramSpec::relocate`]. What a single relocation comes to is [`skep_btf::core`]'s.

use skep_btf::Scan;
use skep_btf::core::{Error, Mismatch, Missing, Patched, Resolution, Resolver, Target, patch};
use skep_diag::{Diagnostic, Snippet, code};
use skep_isa::spec::core_kind::About;

use crate::object::Object;

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

impl Poisoned {
    /// What is missing, where it is needed, what is near, and what to change. `string` reads the object's BTF strings, `near`
    /// are names of the kernel, and `because` says why the instruction matters.
    pub fn diagnostic<'s>(
        &self,
        program: &ProgramSpec,
        string: impl Fn(u32) -> Option<&'s str>,
        near: &[String],
        because: &str,
    ) -> Diagnostic {
        let Poisoned { resolution, missing, slot } = self;
        let (what, slot) = (&resolution.what, *slot as usize);
        let title = match missing {
            Missing::Access { .. } => {
                format!("`{}` reads or writes `{what}`, which has another size on this kernel", program.name)
            }
            _ => format!("`{}` needs `{what}`, which this kernel does not have", program.name),
        };
        let mut d = Diagnostic::error(code::MISSING, title);
        if let Some(snippet) = program.source(slot, string, "it is needed here") {
            d = d.snippet(snippet);
        }
        let func = program.func_at(slot).filter(|f| f.name != program.name).map(|f| format!(" in `{}`", f.name));
        let func = func.unwrap_or_default();
        d = d
            .note(missing.to_string())
            .note(format!("instruction {slot}{func} asks for {}, and {because}", resolution.kind));
        if !near.is_empty() {
            let owner = match missing {
                Missing::Part {
                    mismatch: Mismatch::NoMember { place, .. } | Mismatch::NoConstant { place, .. },
                    ..
                } => {
                    format!("`{place}`")
                }
                _ => "this kernel".to_owned(),
            };
            d = d.help(format!("{owner} has `{}`", near.join("`, `")));
        }
        d.help(match (missing, resolution.kind.row().about) {
            (Missing::Access { .. }, _) => {
                "read it with `BPF_CORE_READ` into a variable of the right size, or ask for `bpf_core_field_size`"
            }
            (_, About::Field) => "use it only where `bpf_core_field_exists` says it is there",
            (_, About::Enumerator) => "use it only where `bpf_core_enum_value_exists` says it is there",
            (_, About::Type) => "use it only where `bpf_core_type_exists` says it is there",
        })
    }
}

impl Object {
    /// The object for one kernel, of which the programs with these indices (`None` for all) need everything they ask for.
    ///
    /// # Errors
    /// As [`ProgramSpec::relocate`], and `K0006` for what the kernel lacks: without a verifier nobody knows whether a
    /// program comes there. `because` says so.
    pub fn relocate_whole(
        &self,
        programs: Option<&[usize]>,
        target: &Target<'_>,
        because: &str,
    ) -> Result<Object, Box<Diagnostic>> {
        let mut object = self.clone();
        let Some(btf) = &self.btf else { return Ok(object) };
        let Ok(local) = Scan::new(btf.bytes()) else { return Ok(object) };
        let resolver = Resolver::new(&local, target);
        for (index, program) in self.programs.iter().enumerate().filter(|(_, p)| p.needs_kernel_types()) {
            if programs.is_some_and(|wanted| !wanted.contains(&index)) {
                continue;
            }
            let relocated = program.relocate(&resolver, |offset| btf.string(offset))?;
            if let Some(poisoned) = relocated.poisoned.first() {
                let near = resolver.near(&poisoned.missing);
                return Err(Box::new(poisoned.diagnostic(program, |offset| btf.string(offset), &near, because)));
            }
            if let Some(place) = object.programs.get_mut(index) {
                *place = relocated.program;
            }
        }
        Ok(object)
    }
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
        resolver: &Resolver<'_, '_>,
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
