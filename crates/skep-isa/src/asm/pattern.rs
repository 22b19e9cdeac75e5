//! How instructions are written: a pattern for each row of the table, read off what the printers make of the row.
//!
//! Each row is printed once, with operands that nobody writes, by LLVM's printer and by the kernel's; the tokens of
//! that text are the pattern, and where an operand came out there is a hole. So there is no second table of spellings.

use std::ops::Range;
use std::sync::LazyLock;

use super::token::{Token, Word, tokens};
use crate::opcode::{Field, Kind, Op, Place, Size, Source, TABLE, Width};
use crate::{Insn, disasm};

/// One way to write one operation.
pub(super) struct Pattern {
    pub op: &'static Op,
    /// The kernel's spelling alone: it is meant only where the line begins with the code, `(18) r1 = 5`.
    pub coded: bool,
    parts: Vec<Part>,
}

/// A token that must stand as it is, or a hole.
#[derive(Clone, PartialEq, Eq)]
enum Part {
    /// This word or sign.
    Word(String),
    /// This number.
    Number(u64),
    /// Register 0, of this width; `None` for either.
    R0(Option<Width>),
    /// A register, of this width; `None` for either.
    Reg(Place, Option<Width>),
    /// A number with or without sign.
    Int(Target),
    /// Nothing, or a sign and a number.
    Signed(Target),
    /// A distance or a label.
    Jump(Place),
    /// What is called.
    Callee,
}

/// Where a number goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Target {
    Off,
    Imm,
    /// The second slot's immediate.
    High,
    /// Both immediates of a wide load, or the address of a symbol.
    Wide,
}

/// What an instruction names and only the whole file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    Jump(String),
    Call(String),
    Address(String, i64),
}

/// What stood in the holes of a pattern.
#[derive(Clone, Default, Debug)]
pub(super) struct Bound {
    pub dst: Option<(u8, Range<usize>)>,
    pub src: Option<(u8, Range<usize>)>,
    /// Numbers, each where it goes.
    pub numbers: Vec<(Target, i128, Range<usize>)>,
    pub reference: Option<(Reference, Range<usize>)>,
    /// Source field of a call whose number says what it is.
    pub callee: Option<u8>,
}

/// Why a pattern does not fit: the token that is wrong and what could stand there.
pub(super) struct Miss {
    pub at: usize,
    pub expected: Expected,
    /// Whether a sign and a number could stand there as well.
    pub or_sign: bool,
}

/// What could stand at a place. Words of the language are made to text only when they are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expected {
    /// This word or sign.
    Word(&'static str),
    /// This number.
    Number(u64),
    /// The register that stood before.
    Again(Width, u8),
    /// Something of a kind.
    Some(&'static str),
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Expected::Word(word) => write!(f, "`{word}`"),
            Expected::Number(value) => write!(f, "`{value}`"),
            Expected::Again(Width::W32, number) => write!(f, "`w{number}` again"),
            Expected::Again(Width::W64, number) => write!(f, "`r{number}` again"),
            Expected::Some(kind) => f.write_str(kind),
        }
    }
}

/// All patterns, in the order of the table.
pub(super) static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let mut patterns: Vec<Pattern> = Vec::new();
    let mut add = |op, coded, parts: Vec<Part>| {
        if !patterns.iter().any(|p| p.op == op && p.parts == parts) {
            patterns.push(Pattern { op, coded, parts });
        }
    };
    for op in TABLE {
        if matches!(op.kind, Kind::Call(_)) {
            // What is called tells the row; one pattern is enough.
            if op.src == Field::Is(0) {
                add(op, false, vec![Part::Word("call".to_owned()), Part::Callee]);
            }
            continue;
        }
        let insn = unlikely(op);
        let (mut llvm, mut kernel) = (String::new(), String::new());
        // Writing into a String does not fail.
        let _ = disasm::write(&mut llvm, op, insn, HIGH);
        let _ = disasm::kernel::write(&mut kernel, op, insn, HIGH);
        let parts = read_off(op, &llvm);
        add(op, false, parts.clone());
        if matches!(op.kind, Kind::LoadImm(source) if source != Source::Const) {
            // LLVM leaves out the upper half; a fourth operand gives it.
            let high = [Part::Word(",".to_owned()), Part::Int(Target::High)];
            add(op, false, parts.into_iter().chain(high).collect());
        }
        // The kernel prints these sources as it prints a constant.
        if !matches!(op.kind, Kind::LoadImm(Source::BtfId | Source::MapIdx | Source::MapIdxValue)) {
            let coded = op.kind == Kind::LoadImm(Source::Const);
            add(op, coded, read_off(op, kernel.get(5..).unwrap_or("")));
        }
    }
    patterns
});

const DST: u8 = 3;
const SRC: u8 = 4;
const OFF: i16 = 0x1111;
const IMM: i32 = 0x2222_2222;
const HIGH: i32 = 0x3333_3333;
const WIDE: u64 = 0x3333_3333_2222_2222;

/// The row with operands that are told from each other and from anything the row has itself.
fn unlikely(op: &Op) -> Insn {
    let fill = |field: Field, value: i32| match field {
        Field::Is(wanted) => wanted,
        Field::Reserved | Field::Ignored => 0,
        _ => value,
    };
    let (dst, src) = (fill(op.dst, DST.into()) as u8, fill(op.src, SRC.into()) as u8);
    Insn::new(op.code, dst, src, fill(op.off, OFF.into()) as i16, fill(op.imm, IMM))
}

fn read_off(op: &Op, text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let narrow = narrow_register(op);
    for token in tokens(text) {
        let part = match token.word {
            Word::Reg(width, DST) => Part::Reg(Place::Dst, (narrow != Some(Place::Dst)).then_some(width)),
            Word::Reg(width, SRC) => Part::Reg(Place::Src, (narrow != Some(Place::Src)).then_some(width)),
            Word::Reg(width, _) => Part::R0(narrow.is_none().then_some(width)),
            Word::Int(value) => number(op, value),
            Word::Name(word) | Word::Sign(word) => Part::Word(word.to_owned()),
            Word::Text(_) | Word::Bad(_) => continue,
        };
        match part {
            // The sign, and the kernel's `pc`, are parts of a distance.
            Part::Jump(_) => parts.retain(|p| !matches!(p, Part::Word(w) if w == "+" || w == "pc")),
            Part::Int(to) if parts.last() == Some(&Part::Word("+".to_owned())) => {
                parts.pop();
                parts.push(Part::Signed(to));
                continue;
            }
            _ => {}
        }
        parts.push(part);
    }
    parts
}

fn number(op: &Op, value: u64) -> Part {
    let jumps = op.jump(Insn::default()).is_some();
    let target = match value {
        v if v == OFF as u64 && op.off == Field::Value => Target::Off,
        v if v == IMM as u64 => Target::Imm,
        v if v == HIGH as u64 => Target::High,
        WIDE => Target::Wide,
        _ => return Part::Number(value),
    };
    match target {
        Target::Off if jumps => Part::Jump(Place::Off),
        Target::Imm if matches!(op.kind, Kind::Goto(_)) => Part::Jump(Place::Imm),
        _ => Part::Int(target),
    }
}

/// The register of up to 32 bits that goes to or from memory: compilers write it `r1` or `w1`, and it is the same.
fn narrow_register(op: &Op) -> Option<Place> {
    match op.kind {
        Kind::Load { size, signed: false } | Kind::LoadAcquire(size) if size != Size::Dw => Some(Place::Dst),
        Kind::Store { size, .. } | Kind::Atomic { size, .. } | Kind::StoreRelease(size) if size != Size::Dw => {
            Some(Place::Src)
        }
        _ => None,
    }
}

impl Pattern {
    /// What stands in the holes, if the tokens are this pattern from the first to the last.
    pub(super) fn matches(&'static self, tokens: &[Token<'_>]) -> Result<Bound, Miss> {
        let mut reader = Reader { tokens, at: 0, bound: Bound::default(), passed: None };
        for part in &self.parts {
            let before = reader.at;
            if let Err(expected) = reader.part(part) {
                let or_sign = reader.passed == Some(before) && reader.at == before;
                return Err(Miss { at: reader.at, expected, or_sign });
            }
        }
        match tokens.get(reader.at) {
            None => Ok(reader.bound),
            Some(_) if reader.is_annotation() => Ok(reader.bound),
            Some(_) => Err(Miss {
                at: reader.at,
                expected: Expected::Some("the end of the line"),
                or_sign: reader.passed == Some(reader.at),
            }),
        }
    }

    /// True when this is one of its words.
    pub(super) fn has_word(&self, word: &str) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Word(w) if w == word))
    }

    /// The first word, if the pattern begins with one.
    pub(super) fn first_word(&self) -> Option<&str> {
        match self.parts.first() {
            Some(Part::Word(word)) => Some(word),
            _ => None,
        }
    }
}

struct Reader<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    bound: Bound,
    /// Where a signed number was left out.
    passed: Option<usize>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Token<'a>> {
        self.tokens.get(self.at)
    }

    fn span_from(&self, first: usize) -> Range<usize> {
        let start = self.tokens.get(first).map_or(0, |t| t.span.start);
        let end = self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(start, |t| t.span.end);
        start..end.max(start)
    }

    fn part(&mut self, part: &'static Part) -> Result<(), Expected> {
        match part {
            Part::Word(word) if self.peek().is_some_and(|t| t.is(word)) => self.at += 1,
            Part::Word(word) => return Err(Expected::Word(word)),
            Part::Number(value) if self.peek().is_some_and(|t| t.word == Word::Int(*value)) => self.at += 1,
            Part::Number(value) => return Err(Expected::Number(*value)),
            Part::R0(width) => match self.peek().map(|t| &t.word) {
                Some(Word::Reg(found, 0)) if width.is_none_or(|w| w == *found) => self.at += 1,
                _ => return Err(Expected::Word(if *width == Some(Width::W32) { "w0" } else { "r0" })),
            },
            Part::Reg(place, width) => self.register(*place, *width)?,
            Part::Int(target) => {
                let first = self.at;
                if *target == Target::Wide && self.symbol() {
                    return Ok(());
                }
                let value = self.signed(*target == Target::Wide)?;
                self.bound.numbers.push((*target, value, self.span_from(first)));
            }
            Part::Signed(target) => {
                let first = self.at;
                if self.peek().is_some_and(|t| t.is("+") || t.is("-")) {
                    let value = self.signed(false)?;
                    self.bound.numbers.push((*target, value, self.span_from(first)));
                } else {
                    self.passed = Some(first);
                }
            }
            Part::Jump(place) => self.jump(*place)?,
            Part::Callee => self.callee()?,
        }
        Ok(())
    }

    fn register(&mut self, place: Place, width: Option<Width>) -> Result<(), Expected> {
        let kind = match width {
            Some(Width::W64) => "a register r0 to r10",
            Some(Width::W32) => "a register w0 to w10",
            None => "a register",
        };
        let Some(Token { word: Word::Reg(found, number), span }) = self.peek() else {
            return Err(Expected::Some(kind));
        };
        if width.is_some_and(|w| w != *found) {
            return Err(Expected::Some(kind));
        }
        let slot = if place == Place::Dst { &mut self.bound.dst } else { &mut self.bound.src };
        match slot {
            Some((before, _)) if *before != *number => {
                return Err(Expected::Again(*found, *before));
            }
            _ => *slot = Some((*number, span.clone())),
        }
        self.at += 1;
        Ok(())
    }

    /// Signs and a number; `1 + -8` is written too.
    fn signed(&mut self, wide: bool) -> Result<i128, Expected> {
        let mut negative = false;
        while let Some(t) = self.peek().filter(|t| t.is("+") || t.is("-")) {
            negative ^= t.is("-");
            self.at += 1;
        }
        let Some(Token { word: Word::Int(value), .. }) = self.peek() else {
            return Err(Expected::Some(if wide { "a number, a map or a symbol" } else { "a number" }));
        };
        self.at += 1;
        let value = i128::from(*value);
        Ok(if negative { -value } else { value })
    }

    /// `map` or `table + 8`.
    fn symbol(&mut self) -> bool {
        let Some(Token { word: Word::Name(name), .. }) = self.peek() else { return false };
        // A word of the language goes on otherwise: `cmpxchg_64(`.
        let next = self.tokens.get(self.at + 1);
        if next.is_some_and(|t| !(t.is("ll") || t.is("+") || t.is("-"))) {
            return false;
        }
        let first = self.at;
        self.at += 1;
        let mut addend = 0;
        if self.peek().is_some_and(|t| t.is("+") || t.is("-")) {
            let sign = self.at;
            match self.signed(false).ok().and_then(|value| i64::try_from(value).ok()) {
                Some(value) => addend = value,
                None => self.at = sign,
            }
        }
        let span = self.span_from(first);
        self.bound.reference = Some((Reference::Address((*name).to_owned(), addend), span));
        true
    }

    fn jump(&mut self, place: Place) -> Result<(), Expected> {
        let first = self.at;
        let next_is_sign = self.tokens.get(first + 1).is_some_and(|t| t.is("+") || t.is("-"));
        match self.peek().map(|t| &t.word) {
            Some(Word::Name("pc")) if next_is_sign => self.at += 1,
            Some(Word::Name(label)) => {
                self.at += 1;
                let span = self.span_from(first);
                self.bound.reference = Some((Reference::Jump((*label).to_owned()), span));
                return Ok(());
            }
            _ => {}
        }
        let value = self.signed(false).map_err(|_| Expected::Some("a label or a distance such as +3"))?;
        let target = if place == Place::Off { Target::Off } else { Target::Imm };
        self.bound.numbers.push((target, value, self.span_from(first)));
        Ok(())
    }

    /// `1`, `name`, `name#1`, `pc+1`, `kernel-function#1`.
    fn callee(&mut self) -> Result<(), Expected> {
        const HELPER: u8 = 0;
        let first = self.at;
        let next = self.tokens.get(first + 1);
        let kind = match self.peek().map(|t| &t.word) {
            Some(Word::Name("pc")) if next.is_some_and(|t| t.is("+") || t.is("-")) => {
                self.at += 1;
                crate::insn::PSEUDO_CALL
            }
            Some(Word::Name(name)) if next.is_some_and(|t| t.is("#")) => {
                self.at += 2;
                if *name == "kernel-function" { crate::insn::PSEUDO_KFUNC_CALL } else { HELPER }
            }
            Some(Word::Name(name)) => {
                self.at += 1;
                let span = self.span_from(first);
                self.bound.reference = Some((Reference::Call((*name).to_owned()), span));
                return Ok(());
            }
            Some(Word::Int(_)) => HELPER,
            Some(Word::Sign("-" | "+")) => HELPER,
            _ => return Err(Expected::Some("the name or number of a helper, or a function of this file")),
        };
        let value = self.signed(false)?;
        self.bound.numbers.push((Target::Imm, value, self.span_from(first)));
        self.bound.callee = Some(kind);
        // bpftool says after a distance which function it is.
        if kind == crate::insn::PSEUDO_CALL && self.peek().is_some_and(|t| t.is("#")) {
            self.at += 2;
        }
        Ok(())
    }

    /// `<label+0x8>`, which llvm-objdump writes after a distance.
    fn is_annotation(&self) -> bool {
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        matches!(rest, [first, .., last] if first.is("<") && last.is(">"))
            && matches!(self.bound.numbers.as_slice(), [.., (Target::Off | Target::Imm, ..)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_but_other_calls_can_be_written() {
        for op in TABLE.iter().filter(|op| !matches!(op.kind, Kind::Call(_))) {
            assert!(PATTERNS.iter().any(|p| p.op == op && !p.coded), "{op:?}");
        }
    }

    #[test]
    fn no_two_rows_are_written_alike() {
        for (at, a) in PATTERNS.iter().enumerate() {
            for b in PATTERNS.iter().skip(at + 1).filter(|b| b.op != a.op && !b.coded && !a.coded) {
                assert!(a.parts != b.parts, "{:?} {:?}", a.op, b.op);
            }
        }
    }
}
