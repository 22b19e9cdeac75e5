//! Directives: LLVM's for sections, symbols and data; `.map` and `.license` of our own.

use skep_diag::code;

use super::Map;
use super::draft::{Draft, Named};
use super::report::Spot;
use super::token::{Token, Word};
use crate::spec::map_type::{self, MapType};
use crate::spec::nearest;

/// One row of [`DIRECTIVES`].
#[derive(Debug)]
pub struct Directive {
    /// Its name, with the dot.
    pub name: &'static str,
    /// How it is written.
    pub form: &'static str,
    /// What it does.
    pub what: &'static str,
    act: Act,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Section,
    /// The section of the directive's own name.
    Enter,
    Global,
    Type,
    Map,
    License,
    /// Numbers of this many bytes.
    Numbers(usize),
    /// Strings, with a zero byte after each or without.
    Strings(bool),
    Zeros,
    Align,
    /// Read over: it says nothing that an eBPF object has a place for.
    Skip,
}

const fn row(name: &'static str, act: Act, form: &'static str, what: &'static str) -> Directive {
    Directive { name, form, what, act }
}

/// All directives.
#[rustfmt::skip]
pub const DIRECTIVES: &[Directive] = &[
    row(".section", Act::Section, ".section NAME[, \"FLAGS\"[, @TYPE]]", "Goes on in this section."),
    row(".text", Act::Enter, ".text", "Goes on in the section of subprograms."),
    row(".data", Act::Enter, ".data", "Goes on in the section of variables."),
    row(".rodata", Act::Enter, ".rodata", "Goes on in the section of constants."),
    row(".bss", Act::Enter, ".bss", "Goes on in the section of variables that begin as zeros."),
    row(".global", Act::Global, ".global NAME, …", "Other files see this symbol; a function is then a program."),
    row(".globl", Act::Global, ".globl NAME, …", "The same."),
    row(".type", Act::Type, ".type NAME, @function", "This label is a function (or data, with @object)."),
    row(".map", Act::Map, ".map NAME TYPE [key=BYTES] [value=BYTES] [entries=N] [flags=N]", "Defines a map."),
    row(".license", Act::License, ".license \"TEXT\"", "The license that the kernel is told."),
    row(".byte", Act::Numbers(1), ".byte N, …", "Numbers of one byte."),
    row(".short", Act::Numbers(2), ".short N, …", "Numbers of two bytes."),
    row(".2byte", Act::Numbers(2), ".2byte N, …", "The same."),
    row(".long", Act::Numbers(4), ".long N, …", "Numbers of four bytes."),
    row(".4byte", Act::Numbers(4), ".4byte N, …", "The same."),
    row(".quad", Act::Numbers(8), ".quad N, …", "Numbers of eight bytes."),
    row(".8byte", Act::Numbers(8), ".8byte N, …", "The same."),
    row(".ascii", Act::Strings(false), ".ascii \"TEXT\", …", "The bytes of strings."),
    row(".asciz", Act::Strings(true), ".asciz \"TEXT\", …", "The bytes of strings, each with a zero byte after it."),
    row(".string", Act::Strings(true), ".string \"TEXT\", …", "The same."),
    row(".zero", Act::Zeros, ".zero BYTES", "Zero bytes."),
    row(".space", Act::Zeros, ".space BYTES", "The same."),
    row(".skip", Act::Zeros, ".skip BYTES", "The same."),
    row(".p2align", Act::Align, ".p2align BITS", "Zero bytes up to a multiple of a power of two; code is always aligned."),
    row(".size", Act::Skip, ".size NAME, …", "Read over: a function goes on to the next one."),
    row(".file", Act::Skip, ".file …", "Read over, as are .ident, .loc, .addrsig, .addrsig_sym and .cfi_*."),
    row(".ident", Act::Skip, ".ident …", "Read over."),
    row(".loc", Act::Skip, ".loc …", "Read over: lines are those of the assembly."),
    row(".addrsig", Act::Skip, ".addrsig", "Read over."),
    row(".addrsig_sym", Act::Skip, ".addrsig_sym …", "Read over."),
    row(".cfi_sections", Act::Skip, ".cfi_sections …", "Read over."),
    row(".cfi_startproc", Act::Skip, ".cfi_startproc", "Read over."),
    row(".cfi_endproc", Act::Skip, ".cfi_endproc", "Read over."),
];

/// Most bytes of all data of a file: a few words could ask for any number.
const MOST_DATA: u64 = 1 << 28;
/// Most maps of a file.
const MOST_MAPS: usize = 4096;

impl<'a> Draft<'a> {
    /// Reads a directive; `tokens` begins with its name.
    pub(super) fn directive(&mut self, at: usize, line: &'a str, name: &str, tokens: &[Token<'a>]) {
        let rest = tokens.get(1..).unwrap_or_default();
        let here = Spot { line: at, span: tokens.first().map_or(0..0, |t| t.span.clone()) };
        let Some(row) = DIRECTIVES.iter().find(|row| row.name == name) else {
            let error =
                self.report.error(code::ASM_DIRECTIVE, format!("there is no directive `{name}`"), &here, "not known");
            let error = match nearest(name, DIRECTIVES.iter().map(|row| row.name)) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help("a label that begins with a dot needs its colon"),
            };
            return self.report.add(at, error);
        };
        let done = match row.act {
            Act::Section => self.section(at, line, rest),
            Act::Enter => {
                self.enter(name, name == ".text");
                Ok(())
            }
            Act::Global => self.names_of(at, rest).map(|names| {
                for (name, spot) in names {
                    self.globals.entry(name).or_insert(spot);
                }
            }),
            Act::Type => self.symbol_type(at, rest),
            Act::Map => self.map(at, rest),
            Act::License => self.license_text(at, rest),
            Act::Numbers(size) => self.numbers(at, size, rest),
            Act::Strings(zero) => self.strings(at, zero, rest),
            Act::Zeros => self.zeros(at, rest),
            Act::Align => self.align(at, rest),
            Act::Skip => Ok(()),
        };
        if let Err(wrong) = done {
            let (spot, title, label) = *wrong;
            let error = self.report.error(code::ASM_DIRECTIVE, title, &spot, &label);
            self.report.add(at, error.help(format!("it is written `{}`", row.form)));
        }
    }

    fn section(&mut self, at: usize, line: &'a str, rest: &[Token<'a>]) -> Done {
        let Some(first) = rest.first() else { return Err(missing(at, line, "the name of a section")) };
        // A name without quotes goes on to a space or a comma; it may hold any sign.
        let (name, end) = match &first.word {
            Word::Text(bytes) => (String::from_utf8_lossy(bytes).into_owned(), first.span.end),
            _ => {
                let text = line.get(first.span.start..).unwrap_or("");
                let word = text.split(|c: char| c.is_whitespace() || c == ',' || c == ';').next().unwrap_or("");
                (word.to_owned(), first.span.start + word.len())
            }
        };
        let spot = Spot { line: at, span: first.span.start..end };
        if name.is_empty() || name.contains('\0') {
            return Err(wrong(spot, "a section needs a name", "expected a name"));
        }
        if Draft::is_own(&name) {
            let error = self
                .report
                .error(code::ASM_PLACE, format!("section `{name}` is made by the assembler"), &spot, "not by hand")
                .help("define maps by `.map`; leave out debug information (compile without `-g`)");
            self.report.add(at, error);
            return Ok(());
        }
        let flags = rest.iter().find(|t| t.span.start > end).filter(|t| t.is(","));
        let flags = flags.and_then(|comma| rest.iter().find(|t| t.span.start > comma.span.start));
        let is_code = match flags.map(|t| &t.word) {
            Some(Word::Text(flags)) => flags.contains(&b'x'),
            _ => !is_data(&name),
        };
        self.enter(&name, is_code);
        Ok(())
    }

    /// Names with commas between them.
    fn names_of(&self, at: usize, rest: &[Token<'a>]) -> Result<Vec<(String, Spot)>, Box<Wrong>> {
        let mut names = Vec::new();
        for item in rest.split(|t| t.is(",")) {
            match item {
                [Token { word: Word::Name(name), span }] => {
                    names.push(((*name).to_owned(), Spot { line: at, span: span.clone() }));
                }
                [first, ..] => return Err(wrong(spot(at, first), "this is no name", "expected the name of a label")),
                [] => return Err(self.missing_here(at, "the name of a label")),
            }
        }
        Ok(names)
    }

    fn symbol_type(&mut self, at: usize, rest: &[Token<'a>]) -> Done {
        let [Token { word: Word::Name(name), .. }, comma, mark, kind] = rest else {
            return Err(self.missing_here(at, "a name and @function or @object"));
        };
        if !comma.is(",") || !(mark.is("@") || mark.is("%")) || !(kind.is("function") || kind.is("object")) {
            return Err(wrong(spot(at, kind), "this is no type of a symbol", "expected @function or @object"));
        }
        self.typed.insert((*name).to_owned(), kind.is("function"));
        Ok(())
    }

    fn license_text(&mut self, at: usize, rest: &[Token<'a>]) -> Done {
        let text = match rest {
            [Token { word: Word::Text(bytes), .. }] => String::from_utf8_lossy(bytes).into_owned(),
            [Token { word: Word::Name(name), .. }] => (*name).to_owned(),
            [first, ..] => return Err(wrong(spot(at, first), "this is no license", "expected a text such as \"GPL\"")),
            [] => return Err(self.missing_here(at, "a text such as \"GPL\"")),
        };
        if self.license.replace(text).is_some() {
            let here = Spot { line: at, span: rest.first().map_or(0..0, |t| t.span.clone()) };
            let error = self.report.error(code::ASM_TWICE, "the license is given twice", &here, "the second");
            self.report.add(at, error.help("remove one of them"));
        }
        Ok(())
    }

    fn map(&mut self, at: usize, rest: &[Token<'a>]) -> Done {
        let [first, kind, settings @ ..] = rest else {
            return Err(self.missing_here(at, "a name and a type of map"));
        };
        let Word::Name(name) = first.word else {
            return Err(wrong(spot(at, first), "this is no name", "expected the name of the map"));
        };
        let Word::Name(type_name) = kind.word else {
            return Err(wrong(spot(at, kind), "this is no type of map", "expected a type such as hash"));
        };
        let types = || map_type::TABLE.iter().filter(|row| row.id != MapType::Unspec);
        let Some(row) = types().find(|row| row.name == type_name) else {
            let title = format!("there is no map type `{type_name}`");
            let mut error = self.report.error(code::ASM_NAME, title, &spot(at, kind), "expected a type such as hash");
            if let Some(near) = nearest(type_name, types().map(|row| row.name)) {
                error = error.help(format!("did you mean `{near}`?"));
            }
            self.report.add(at, error);
            return Ok(());
        };
        let mut map =
            Map { name: name.to_owned(), map_type: row.id, key_size: 0, value_size: 0, max_entries: 0, flags: 0 };
        let mut given: Vec<&str> = Vec::new();
        let mut settings = settings;
        while let [key, after @ ..] = settings {
            let Word::Name(word) = key.word else {
                return Err(wrong(spot(at, key), "this is no setting of a map", SETTINGS));
            };
            let field = match word {
                "key" => &mut map.key_size,
                "value" => &mut map.value_size,
                "entries" => &mut map.max_entries,
                "flags" => &mut map.flags,
                _ => return Err(wrong(spot(at, key), "this is no setting of a map", SETTINGS)),
            };
            let [equals, value, after @ ..] = after else {
                return Err(self.missing_here(at, "`=` and a number"));
            };
            let number = match value.word {
                Word::Int(number) if equals.is("=") => u32::try_from(number).ok(),
                _ => None,
            };
            let Some(number) = number else {
                return Err(wrong(spot(at, value), "this is no number of 32 bits", "expected a number"));
            };
            if given.contains(&word) {
                return Err(wrong(spot(at, key), "a setting is given twice", "the second"));
            }
            *field = number;
            given.push(word);
            settings = after;
        }
        let here = spot(at, first);
        if self.maps.len() >= MOST_MAPS {
            return Err(wrong(here, "a file has too many maps", "one map too many"));
        }
        if self.define(name, Named::Map(self.maps.len()), &here) {
            self.maps.push(map);
        }
        Ok(())
    }

    fn numbers(&mut self, at: usize, size: usize, rest: &[Token<'a>]) -> Done {
        let mut bytes = Vec::new();
        for item in rest.split(|t| t.is(",")) {
            let (negative, number) = match item {
                [minus, number] if minus.is("-") => (true, number),
                [number] => (false, number),
                [first, ..] => return Err(wrong(spot(at, first), "this is no number", "expected a number")),
                [] => return Err(self.missing_here(at, "a number")),
            };
            let Word::Int(value) = number.word else {
                return Err(wrong(spot(at, number), "this is no number", "expected a number"));
            };
            let bits = 8 * size as u32;
            let most = if negative { 1_u128 << (bits - 1) } else { (1_u128 << bits) - 1 };
            if u128::from(value) > most {
                let label = format!("expected a number of {bits} bits");
                return Err(wrong(spot(at, number), "the number does not fit", &label));
            }
            let value = if negative { value.wrapping_neg() } else { value };
            bytes.extend(value.to_le_bytes().iter().take(size));
        }
        self.emit(at, rest, &bytes)
    }

    fn strings(&mut self, at: usize, zero: bool, rest: &[Token<'a>]) -> Done {
        let mut bytes = Vec::new();
        for item in rest.split(|t| t.is(",")) {
            match item {
                [Token { word: Word::Text(text), .. }] => bytes.extend(text),
                [first, ..] => return Err(wrong(spot(at, first), "this is no string", "expected a text in quotes")),
                [] => return Err(self.missing_here(at, "a text in quotes")),
            }
            bytes.extend(zero.then_some(0));
        }
        self.emit(at, rest, &bytes)
    }

    fn zeros(&mut self, at: usize, rest: &[Token<'a>]) -> Done {
        let [number, ..] = rest else { return Err(self.missing_here(at, "a number of bytes")) };
        let Word::Int(count) = number.word else {
            return Err(wrong(spot(at, number), "this is no number", "expected a number of bytes"));
        };
        self.take(spot(at, number), count)?;
        let section = self.section_here();
        let Some(section) = self.sections.get_mut(section) else { return Ok(()) };
        if section.is_zeros() {
            section.zeros += count;
            return Ok(());
        }
        self.emit(at, rest, &vec![0; count as usize])
    }

    /// Takes bytes from those that a file may have.
    fn take(&mut self, here: Spot, count: u64) -> Done {
        match self.data.checked_add(count).filter(|data| *data <= MOST_DATA) {
            Some(data) => {
                self.data = data;
                Ok(())
            }
            None => Err(wrong(here, "a file has at most 268435456 bytes of data", "expected fewer bytes")),
        }
    }

    fn align(&mut self, at: usize, rest: &[Token<'a>]) -> Done {
        let bits = match rest {
            [Token { word: Word::Int(bits @ 0..=12), .. }, ..] => *bits,
            [first, ..] => return Err(wrong(spot(at, first), "this is no alignment", "expected 0 to 12")),
            [] => return Err(self.missing_here(at, "a power of two")),
        };
        let section = self.section_here();
        let Some(section) = self.sections.get_mut(section) else { return Ok(()) };
        if !section.is_code {
            let gap = section.len().next_multiple_of(1 << bits) - section.len();
            if section.is_zeros() {
                section.zeros += gap;
            } else {
                section.bytes.extend(std::iter::repeat_n(0, gap as usize));
            }
        }
        Ok(())
    }

    /// Adds bytes to the section, which must be one for data.
    fn emit(&mut self, at: usize, rest: &[Token<'a>], bytes: &[u8]) -> Done {
        let section = self.section_here();
        let Some(section) = self.sections.get_mut(section) else { return Ok(()) };
        let span = rest.first().map_or(0, |t| t.span.start)..rest.last().map_or(0, |t| t.span.end);
        let here = Spot { line: at, span };
        if section.is_code || section.is_zeros() {
            let title = if section.is_code {
                format!("section `{}` is for instructions", section.name)
            } else {
                format!("section `{}` holds zeros only", section.name)
            };
            let error = self.report.error(code::ASM_PLACE, title, &here, "data");
            self.report.add(at, error.help("name a section for data first: `.data`, `.rodata` or `.section license`"));
        } else {
            section.bytes.extend(bytes);
        }
        Ok(())
    }

    fn missing_here(&self, at: usize, expected: &str) -> Box<Wrong> {
        missing(at, self.report.lines.get(at).copied().unwrap_or(""), expected)
    }
}

/// What stands in `key=…`.
const SETTINGS: &str = "expected key=, value=, entries= or flags=";

/// Where a directive is wrong, what is wrong, and what was expected.
type Wrong = (Spot, String, String);
type Done = Result<(), Box<Wrong>>;

fn wrong(spot: Spot, title: &str, label: &str) -> Box<Wrong> {
    Box::new((spot, title.to_owned(), label.to_owned()))
}

fn missing(at: usize, line: &str, expected: &str) -> Box<Wrong> {
    let end = super::token::tokens(line).last().map_or(0, |t| t.span.end);
    let spot = Spot { line: at, span: end..end };
    Box::new((spot, "the directive is not complete".to_owned(), format!("expected {expected}")))
}

fn spot(line: usize, token: &Token<'_>) -> Spot {
    Spot { line, span: token.span.clone() }
}

/// True for the name of a section that holds no instructions.
fn is_data(name: &str) -> bool {
    matches!(name, "license" | "version")
        || [".data", ".rodata", ".bss"]
            .iter()
            .any(|data| name.strip_prefix(data).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}
