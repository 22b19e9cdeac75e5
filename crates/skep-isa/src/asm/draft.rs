//! What has been read so far: sections, labels and references, before names are looked up.

use std::collections::HashMap;

use super::pattern::Reference;
use super::report::{Report, Spot};
use super::token::{Token, Word, tokens};
use super::{Line, Map};
use crate::Insn;
use crate::opcode::Op;
use skep_diag::code;

/// A file while it is read.
pub(super) struct Draft<'a> {
    pub report: Report<'a>,
    pub license: Option<String>,
    pub sections: Vec<DraftSection>,
    by_name: HashMap<String, usize>,
    /// Index of the section that is being filled.
    pub current: Option<usize>,
    pub labels: Vec<Label>,
    /// Labels and maps by name.
    pub names: HashMap<String, Named>,
    pub maps: Vec<Map>,
    /// What directives say of labels that may come later.
    pub globals: HashMap<String, Spot>,
    pub typed: HashMap<String, bool>,
    /// Bytes of data in all sections.
    pub data: u64,
}

/// What a name stands for.
#[derive(Clone, Copy)]
pub(super) enum Named {
    Label(usize),
    Map(usize),
}

pub(super) struct DraftSection {
    pub name: String,
    pub is_code: bool,
    pub insns: Vec<Insn>,
    pub lines: Vec<Line>,
    pub bytes: Vec<u8>,
    /// Length of a section without bytes (`.bss`).
    pub zeros: u64,
    pub fixes: Vec<Fix>,
}

impl DraftSection {
    /// Bytes so far.
    pub(super) fn len(&self) -> u64 {
        if self.is_code { self.insns.len() as u64 * Insn::SIZE as u64 } else { self.bytes.len() as u64 + self.zeros }
    }

    /// True for a section whose bytes are zeros that are not stored.
    pub(super) fn is_zeros(&self) -> bool {
        self.name == ".bss" || self.name.starts_with(".bss.")
    }
}

/// An instruction that names something.
pub(super) struct Fix {
    pub slot: usize,
    pub op: &'static Op,
    pub reference: Reference,
    pub spot: Spot,
}

pub(super) struct Label {
    pub name: String,
    pub section: usize,
    pub offset: u64,
    pub spot: Spot,
    pub is_function: bool,
    pub is_global: bool,
}

/// Names of sections that the assembler makes by itself.
const OWN: &[&str] = &[".BTF", ".debug", ".maps", ".symtab", ".strtab", ".shstrtab", ".rel"];

impl<'a> Draft<'a> {
    pub(super) fn new(origin: &'a str, text: &'a str) -> Draft<'a> {
        Draft {
            report: Report::new(origin, text),
            license: None,
            sections: Vec::new(),
            by_name: HashMap::new(),
            current: None,
            labels: Vec::new(),
            names: HashMap::new(),
            maps: Vec::new(),
            globals: HashMap::new(),
            typed: HashMap::new(),
            data: 0,
        }
    }

    /// Reads all lines.
    pub(super) fn read(&mut self) {
        for at in 0..self.report.lines.len() {
            if self.report.is_full() {
                return;
            }
            let line = self.report.lines.get(at).copied().unwrap_or("");
            self.line(at, line);
        }
    }

    /// Labels, then a directive or an instruction.
    fn line(&mut self, at: usize, line: &'a str) {
        let (coded, tokens) = split_code(line);
        let mut rest = tokens.as_slice();
        let mut coded = coded;
        // Listings have `12: (bf) r1 = r2`: the number is no label, and the code stands behind it.
        let relisted;
        while let [first, colon, after @ ..] = rest
            && colon.is(":")
            && matches!(first.word, Word::Name(_) | Word::Int(_) | Word::Reg(..))
        {
            if !matches!(first.word, Word::Int(_)) {
                self.label(at, first);
            }
            if coded.is_none()
                && let Some(tail) = line.get(colon.span.end..)
                && let (Some(code), tokens) = split_code(tail)
            {
                coded = Some(code);
                relisted = shifted(tokens, colon.span.end);
                rest = &relisted;
                break;
            }
            rest = after;
        }
        let Some(first) = rest.first() else { return };
        if let Some(name) = prototype(rest) {
            return self.label(at, name);
        }
        if let Some(bad) = rest.iter().find_map(|t| match t.word {
            Word::Bad(why) => Some((t.span.clone(), why)),
            _ => None,
        }) {
            let spot = Spot { line: at, span: bad.0 };
            let title = format!("`{}` cannot be read", self.report.text(&spot));
            let error = self.report.error(code::ASM_SYNTAX, title, &spot, bad.1);
            return self.report.add(at, error);
        }
        match first.word {
            Word::Name(name) if name.starts_with('.') => self.directive(at, line, name, rest),
            _ => self.instruction(at, coded, rest),
        }
    }

    fn label(&mut self, line: usize, token: &Token<'_>) {
        let spot = Spot { line, span: token.span.clone() };
        let Word::Name(name) = token.word else {
            let error = self
                .report
                .error(code::ASM_SYNTAX, "a register cannot be a label", &spot, "the name of a register")
                .help("choose another name");
            return self.report.add(line, error);
        };
        let section = self.section_here();
        let Some(offset) = self.sections.get(section).map(DraftSection::len) else { return };
        if self.define(name, Named::Label(self.labels.len()), &spot) {
            let name = name.to_owned();
            self.labels.push(Label { name, section, offset, spot, is_function: false, is_global: false });
        }
    }

    /// Gives a name to something; false, with an error, when it has one already.
    pub(super) fn define(&mut self, name: &str, what: Named, spot: &Spot) -> bool {
        let Some(before) = self.names.get(name) else {
            self.names.insert(name.to_owned(), what);
            return true;
        };
        let mut error =
            self.report.error(code::ASM_TWICE, format!("`{name}` is defined twice"), spot, "the second definition");
        error = match before {
            Named::Label(at) => match self.labels.get(*at) {
                Some(label) => error.snippet(self.report.snippet(&label.spot, "the first")),
                None => error,
            },
            Named::Map(_) => error.note(format!("there is a map `{name}`")),
        };
        self.report.add(spot.line, error.help("give one of them another name"));
        false
    }

    /// Index of the section that is filled; `.text` when none was named.
    pub(super) fn section_here(&mut self) -> usize {
        match self.current {
            Some(at) => at,
            None => self.enter(".text", true),
        }
    }

    /// Goes on in a section, which is made if need be.
    pub(super) fn enter(&mut self, name: &str, is_code: bool) -> usize {
        let at = *self.by_name.entry(name.to_owned()).or_insert(self.sections.len());
        if at == self.sections.len() {
            self.sections.push(DraftSection {
                name: name.to_owned(),
                is_code,
                insns: Vec::new(),
                lines: Vec::new(),
                bytes: Vec::new(),
                zeros: 0,
                fixes: Vec::new(),
            });
        }
        self.current = Some(at);
        at
    }

    /// True for the name of a section that is made by the assembler.
    pub(super) fn is_own(name: &str) -> bool {
        OWN.iter().any(|own| name.starts_with(own))
    }
}

/// The name in `int count(struct xdp_md * ctx):`, with which bpftool begins a function.
fn prototype<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<&'t Token<'a>> {
    let [.., close, colon] = tokens else { return None };
    let open = tokens.iter().position(|t| t.is("("))?;
    let name = tokens.get(open.checked_sub(1)?).filter(|t| matches!(t.word, Word::Name(_)))?;
    (open > 1 && close.is(")") && colon.is(":")).then_some(name)
}

/// The code in parentheses that a line in the kernel's spelling begins with, and the tokens after it.
fn split_code(line: &str) -> (Option<u8>, Vec<Token<'_>>) {
    let start = line.len() - line.trim_start().len();
    let code = line.get(start..start + 4).and_then(|text| text.strip_prefix('(')?.strip_suffix(')'));
    let code = code.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
        Some(code) => {
            let rest = line.get(start + 4..).unwrap_or("");
            (Some(code), shifted(tokens(rest), start + 4))
        }
        None => (None, tokens(line)),
    }
}

fn shifted(mut tokens: Vec<Token<'_>>, by: usize) -> Vec<Token<'_>> {
    for token in &mut tokens {
        token.span = token.span.start + by..token.span.end + by;
    }
    tokens
}
