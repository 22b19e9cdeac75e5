//! Symbols: which definition of a name stands, and what all others become.

use std::collections::HashMap;

use object::elf::{STT_SECTION, SymbolType, SymbolVisibility};
use skep_diag::{Diagnostic, code};

use super::input::{Input, Place, Symbol};
use super::section::Sections;

/// A symbol of the result.
pub(super) struct Merged<'a> {
    pub(super) name: &'a str,
    /// Its section among those of the result.
    pub(super) place: Place,
    pub(super) value: u64,
    pub(super) size: u64,
    pub(super) kind: SymbolType,
    pub(super) is_local: bool,
    pub(super) is_weak: bool,
    pub(super) visibility: SymbolVisibility,
}

/// A symbol of a file, by the numbers of both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Origin {
    pub(super) input: usize,
    pub(super) symbol: usize,
}

/// A name that all files share.
pub(super) struct Global {
    /// Its symbol in the result.
    at: usize,
    /// The definition that stands; while there is none, the first that names it.
    pub(super) holder: Origin,
    /// All that name it, in the order of files.
    pub(super) seen: Vec<Origin>,
    is_defined: bool,
    /// The definition that stands is weak.
    may_lose: bool,
}

/// The symbols of the result.
pub(super) struct Symbols<'a> {
    pub(super) all: Vec<Merged<'a>>,
    /// For each file, for each of its symbols: which it became.
    became: Vec<Vec<Option<usize>>>,
    globals: HashMap<&'a str, Global>,
}

impl<'a> Symbols<'a> {
    pub(super) fn merge(inputs: &[Input<'a>], sections: &Sections<'_>) -> Result<Symbols<'a>, Diagnostic> {
        let mut symbols = Symbols { all: Vec::new(), became: Vec::new(), globals: HashMap::new() };
        for (input, file) in inputs.iter().enumerate() {
            let mut became = Vec::with_capacity(file.symbols.len());
            for (at, symbol) in file.symbols.iter().enumerate() {
                // The first says nothing; those of sections are made where something refers to them.
                let is_none = at == 0 || symbol.kind == STT_SECTION;
                became.push(if is_none {
                    None
                } else {
                    symbols.add(inputs, sections, Origin { input, symbol: at }, symbol)?
                });
            }
            symbols.became.push(became);
        }
        Ok(symbols)
    }

    /// Which symbol one of a file became.
    pub(super) fn became(&self, origin: Origin) -> Option<usize> {
        *self.became.get(origin.input)?.get(origin.symbol)?
    }

    /// What is known of a name that files share.
    pub(super) fn global(&self, name: &str) -> Option<&Global> {
        self.globals.get(name)
    }

    /// The names that files share, in the order in which they appear.
    pub(super) fn globals(&self) -> impl Iterator<Item = (&'a str, &Global)> {
        let mut all: Vec<_> = self.globals.iter().map(|(name, global)| (*name, global)).collect();
        all.sort_unstable_by_key(|(_, global)| global.at);
        all.into_iter()
    }

    fn add(
        &mut self,
        inputs: &[Input<'a>],
        sections: &Sections<'_>,
        origin: Origin,
        symbol: &Symbol<'a>,
    ) -> Result<Option<usize>, Diagnostic> {
        let mut merged = Merged {
            name: symbol.name,
            place: symbol.place,
            value: symbol.value,
            size: symbol.size,
            kind: symbol.kind,
            is_local: symbol.is_local,
            is_weak: symbol.is_weak,
            visibility: symbol.visibility,
        };
        if let Place::Section(section) = symbol.place {
            // Where its section does not go on, neither does it.
            let Some(placed) = sections.placed(origin.input, section) else { return Ok(None) };
            merged.place = Place::Section(placed.section);
            merged.value = merged.value.saturating_add(placed.offset);
        }
        let is_defined = symbol.place != Place::Undefined;
        let next = self.all.len();
        if symbol.is_local {
            self.all.push(merged);
            return Ok(Some(next));
        }
        let Some(global) = self.globals.get_mut(symbol.name) else {
            self.all.push(merged);
            let may_lose = is_defined && symbol.is_weak;
            self.globals
                .insert(symbol.name, Global { at: next, holder: origin, seen: vec![origin], is_defined, may_lose });
            return Ok(Some(next));
        };
        let at = global.at;
        if is_defined && global.is_defined && !symbol.is_weak && !global.may_lose {
            let file = |origin: Origin| inputs.get(origin.input).map_or("", |input| input.file);
            return Err(twice(symbol.name, file(global.holder), file(origin)));
        }
        global.seen.push(origin);
        let stands = is_defined && (!global.is_defined || (global.may_lose && !symbol.is_weak));
        if let Some(before) = self.all.get_mut(at) {
            // One that cannot do without it is enough, and so is one that hides it.
            merged.is_weak = before.is_weak && symbol.is_weak;
            merged.visibility = SymbolVisibility(before.visibility.0.max(symbol.visibility.0));
            (before.is_weak, before.visibility) = (merged.is_weak, merged.visibility);
            if stands {
                *before = merged;
            }
        }
        if stands {
            (global.holder, global.is_defined, global.may_lose) = (origin, true, symbol.is_weak);
        }
        Ok(Some(at))
    }
}

fn twice(name: &str, one: &str, other: &str) -> Diagnostic {
    let files = if one == other { format!("twice in {one}") } else { format!("in {one} and in {other}") };
    Diagnostic::error(code::LINK_TWICE, format!("`{name}` is defined {files}"))
        .note("neither definition is weak, so that none can give way")
        .help("make one of them `static`, or `extern`, or `__weak`")
}
