//! Static linking: several relocatable objects made one.
//!
//! Enter at [`link`]. The steps, each in a file of its own: read the objects (`input`), put sections behind one another
//! (`section`), decide which definition of a name stands (`symbol`), see that files mean the same by it (`agree`), move what
//! refers to moved things (`reloc`), merge the types (`types`), and write (`write`). Nothing here knows what a program or a map
//! is, and no file is opened.

mod agree;
mod input;
mod reloc;
mod section;
mod symbol;
mod types;
mod write;

use std::collections::HashMap;

use skep_diag::{Diagnostic, code};

use input::Input;
use section::Sections;
use symbol::Symbols;

/// Links objects, given by name and bytes, into one relocatable object, as `bpftool gen object` does.
///
/// Sections of one name follow one another. Of a name that several files define, the one definition that is not weak stands,
/// and what other files declare `extern` is that; what nobody defines stays `extern`. Static functions and variables may have
/// one name in several files. Types stand once. `license` and `version` are taken once.
///
/// # Errors
/// `O0002`, `O0003`, `O0009` for bytes that are no little-endian eBPF object, `B0001` for damaged types, `L0001` for two
/// definitions of a name, `L0002` for names, sections and licences that differ, `O0006` for relocations that lead nowhere.
///
/// ```
/// use skep_isa::asm;
/// use skep_object::{Object, link, write};
/// let object = |text| write(&asm::assemble("part.s", text).unwrap()).unwrap();
/// let (one, two) = (object(".section xdp\npass: r0 = 2\n exit\n"), object(".section tc\ndrop: r0 = 2\n exit\n"));
/// let both = link(&[("one.o", &one), ("two.o", &two)])?;
/// assert_eq!(Object::parse("both.o", &both)?.programs.len(), 2);
/// # Ok::<(), skep_diag::Diagnostic>(())
/// ```
pub fn link(objects: &[(&str, &[u8])]) -> Result<Vec<u8>, Diagnostic> {
    let inputs = objects.iter().map(|(file, bytes)| Input::parse(file, bytes)).collect::<Result<Vec<_>, _>>()?;
    let mut sections = Sections::merge(&inputs)?;
    let symbols = Symbols::merge(&inputs, &sections)?;
    let declared: Vec<HashMap<_, _>> =
        inputs.iter().map(|input| input.btf.as_ref().map(agree::declarations).unwrap_or_default()).collect();
    agree::check(&inputs, &symbols, &declared)?;
    let relocs = reloc::merge(&inputs, &mut sections, &symbols)?;
    let types = types::merge(&inputs, &sections, &symbols, &declared)?;
    write::write(&sections, &symbols, &relocs, types.as_ref()).map_err(|e| {
        Diagnostic::error(code::UNSUPPORTED_OBJECT, "the linked object is larger than ELF can say").note(e.to_string())
    })
}
