//! One instruction: the pattern that fits its tokens, its operands into fields; or what is wrong with it.

use std::ops::Range;

use skep_diag::{Diagnostic, code};

use super::Line;
use super::draft::{Draft, Fix};
use super::pattern::{Bound, Expected, Miss, PATTERNS, Pattern, Target};
use super::report::{Spot, either};
use super::token::{Token, Word};
use crate::opcode::{self, Field, Kind, Op, Operand, Place, Refusal, Size, Source, Width};
use crate::spec::nearest;
use crate::{Insn, disasm, insn};

/// Most slots of a file; four of the kernel's largest programs.
const MOST_SLOTS: usize = 4_000_000;
/// Most words that an error says could stand somewhere.
const MOST_EXPECTED: usize = 8;

impl<'a> Draft<'a> {
    /// Reads an instruction; `coded` is the code that its line begins with.
    pub(super) fn instruction(&mut self, line: usize, coded: Option<u8>, tokens: &[Token<'a>]) {
        let whole = whole(tokens);
        let at = self.section_here();
        let Some(section) = self.sections.get(at) else { return };
        if !section.is_code || section.insns.len() >= MOST_SLOTS {
            let spot = Spot { line, span: whole };
            let error = if section.is_code {
                self.report.error(code::ASM_PLACE, "the program is too large", &spot, "one instruction too many")
            } else {
                let title = format!("section `{}` is for data", section.name);
                self.report
                    .error(code::ASM_PLACE, title, &spot, "an instruction")
                    .help("name a section for programs first, as in `.section xdp`")
            };
            return self.report.add(line, error);
        }
        match self.encode(line, coded, tokens) {
            Ok((op, insn, high, reference)) => {
                let text = self.report.lines.get(line).copied().unwrap_or("").to_owned();
                let Some(section) = self.sections.get_mut(at) else { return };
                let slot = section.insns.len();
                section.lines.push(Line {
                    slot: slot as u32,
                    line: line as u32 + 1,
                    column: whole.start as u32 + 1,
                    text,
                });
                section.insns.push(insn);
                if op.slots() == 2 {
                    section.insns.push(Op::tail(high));
                }
                if let Some((reference, span)) = reference {
                    section.fixes.push(Fix { slot, op, reference, spot: Spot { line, span } });
                }
            }
            Err(error) => self.report.add(line, *error),
        }
    }

    fn encode(&self, line: usize, coded: Option<u8>, tokens: &[Token<'a>]) -> Result<Encoded, Box<Diagnostic>> {
        let bare = without_parentheses(tokens);
        let tokens = bare.as_deref().unwrap_or(tokens);
        let (pattern, bound) = self.find(line, coded, tokens)?;
        let op = operation(pattern, &bound);
        let mut fields = (0_i16, 0_i32, 0_i32);
        for (target, value, span) in &bound.numbers {
            let spot = Spot { line, span: span.clone() };
            self.place(op, *target, *value, coded.is_some(), &mut fields).map_err(|range| {
                let title = format!("`{}` does not fit", self.report.text(&spot).trim());
                let mut error = self.report.error(code::ASM_RANGE, title, &spot, &format!("expected {range}"));
                if *target == Target::Imm && matches!(op.kind, Kind::Alu { op: opcode::Alu::Mov, .. }) {
                    error = error.help("a wide load takes 64 bits: `r1 = 0x123456789 ll`");
                } else if *target == Target::Off && matches!(op.kind, Kind::Goto(_)) {
                    error = error.help("`gotol` takes 32 bits");
                }
                Box::new(error)
            })?;
        }
        let register = |bound: &Option<(u8, Range<usize>)>| bound.as_ref().map_or(0, |(number, _)| *number);
        let src = bound.callee.unwrap_or_else(|| register(&bound.src));
        let insn = op
            .encode(register(&bound.dst), src, fields.0, fields.1)
            .map_err(|refusal| Box::new(self.refused(line, tokens, &bound, refusal)))?;
        let pointer = matches!(op.kind, Kind::LoadImm(Source::MapFd | Source::MapIdx));
        if pointer && fields.2 != 0 {
            let spot = Spot { line, span: whole(tokens) };
            let title = "a descriptor has no upper half";
            return Err(Box::new(self.report.error(code::ASM_RANGE, title, &spot, "the fourth operand must be 0")));
        }
        Ok((op, insn, fields.2, bound.reference))
    }

    /// The first pattern that fits; else what the patterns that come farthest expect.
    fn find(
        &self,
        line: usize,
        coded: Option<u8>,
        tokens: &[Token<'a>],
    ) -> Result<(&'static Pattern, Bound), Box<Diagnostic>> {
        let mut best: Vec<Miss> = Vec::new();
        // One with the code in front is sought first: the same text may mean two codes.
        for pattern in PATTERNS.iter() {
            let is_call = matches!(pattern.op.kind, Kind::Call(_)) && coded == Some(insn::CALL);
            if coded.map_or(pattern.coded, |code| code != pattern.op.code && !is_call) {
                continue;
            }
            match pattern.matches(tokens) {
                Ok(bound) => return Ok((pattern, bound)),
                Err(miss) => {
                    let farthest = best.first().map_or(0, |best| best.at);
                    if miss.at > farthest {
                        best.clear();
                    }
                    if miss.at >= farthest {
                        best.push(miss);
                    }
                }
            }
        }
        Err(Box::new(self.unfit(line, coded, tokens, &best)))
    }

    /// Tells of the token that no pattern takes.
    fn unfit(&self, line: usize, coded: Option<u8>, tokens: &[Token<'a>], misses: &[Miss]) -> Diagnostic {
        let at = misses.first().map_or(0, |miss| miss.at);
        let end = tokens.last().map_or(0, |t| t.span.end);
        let token = tokens.get(at);
        let spot = Spot { line, span: token.map_or(end..end, |t| t.span.clone()) };
        let text = self.report.text(&spot);
        if let (Some(code), true) = (coded, at == 0 || opcode::rows(coded.unwrap_or(0)).is_empty()) {
            let title = if opcode::rows(code).is_empty() {
                Refusal::Code { code }.to_string()
            } else {
                format!("code {code:#04x} is another instruction than its text")
            };
            return self
                .report
                .error(code::ASM_SYNTAX, title, &spot, "expected the text of this code")
                .help("without the code in parentheses the text alone counts");
        }
        if at == 0 {
            return self.no_instruction(&spot, text);
        }
        let mut expected: Vec<Expected> = Vec::new();
        for miss in misses {
            for one in [Some(miss.expected), miss.or_sign.then_some(Expected::Word("+"))].into_iter().flatten() {
                if !expected.contains(&one) {
                    expected.push(one);
                }
            }
        }
        let mut expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        let more = expected.len() > MOST_EXPECTED;
        expected.truncate(MOST_EXPECTED);
        let mut label = either(&expected);
        if more {
            label = format!("{}, …", expected.join(", "));
        }
        let title = match token {
            Some(_) => format!("`{text}` cannot stand here"),
            None => "the instruction is not complete".to_owned(),
        };
        let error = self.report.error(code::ASM_SYNTAX, title, &spot, &format!("expected {label}"));
        match (token.map(|t| &t.word), tokens.first().map(|t| &t.word)) {
            (Some(Word::Reg(width, number)), Some(Word::Reg(first, _))) if width != first => {
                let letter = if *first == Width::W32 { 'w' } else { 'r' };
                error.help(format!("both sides are 64 bits wide (r) or both 32 (w): here `{letter}{number}`"))
            }
            (Some(Word::Name(name)), _) => match nearest(name, expected.iter().map(|e| e.trim_matches('`'))) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => match PATTERNS.iter().find(|pattern| pattern.has_word(name)) {
                    Some(pattern) => error.help(format!("`{name}` is written as in `{}`", example(pattern.op))),
                    None => error,
                },
            },
            _ => error,
        }
    }

    /// Tells of a first word with which no instruction begins.
    fn no_instruction(&self, spot: &Spot, text: &str) -> Diagnostic {
        let title = format!("`{text}` begins no instruction");
        let error = self.report.error(code::ASM_SYNTAX, title, spot, "expected an instruction, a label or a directive");
        // Other assemblers write mnemonics; those are the names of the rows.
        if let Some(op) = opcode::named(text).next() {
            return error.help(format!("`{text}` is written as its effect: `{}`", example(op)));
        }
        let words = PATTERNS.iter().filter_map(Pattern::first_word);
        match nearest(text, words) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("instructions are written as their effect: `r1 = 5`, `if r1 > r2 goto done`, `exit`"),
        }
    }

    /// Puts a number in its field, or says what the field takes.
    fn place(
        &self,
        op: &Op,
        target: Target,
        value: i128,
        coded: bool,
        (off, imm, high): &mut (i16, i32, i32),
    ) -> Result<(), &'static str> {
        match target {
            Target::Off => *off = i16::try_from(value).map_err(|_| "a number from -32768 to 32767")?,
            Target::Imm => *imm = immediate(value, coded || takes_bits(op.kind))?,
            Target::High => *high = immediate(value, true)?,
            Target::Wide => {
                let bits = i64::try_from(value).map(|v| v as u64).or_else(|_| u64::try_from(value));
                let bits = bits.map_err(|_| "a number of 64 bits")?;
                (*imm, *high) = (bits as i32, (bits >> 32) as i32);
            }
        }
        Ok(())
    }

    /// Tells of an operand that the table refuses.
    fn refused(&self, line: usize, tokens: &[Token<'_>], bound: &Bound, refusal: Refusal) -> Diagnostic {
        let (place, expected) = match refusal {
            Refusal::Register { place, .. } => (Some(place), "expected a register from 0 to 10"),
            Refusal::FramePointer { place, .. } => (Some(place), "expected a register that can be written, 0 to 9"),
            _ => (None, "this instruction"),
        };
        let span = match place {
            Some(Place::Dst) => bound.dst.as_ref().map(|(_, span)| span.clone()),
            Some(Place::Src) => bound.src.as_ref().map(|(_, span)| span.clone()),
            _ => None,
        };
        let spot = Spot { line, span: span.unwrap_or_else(|| whole(tokens)) };
        let title = match refusal {
            Refusal::Register { value, .. } => format!("there is no register {value}"),
            Refusal::FramePointer { .. } => "r10 is the frame pointer and cannot be written".to_owned(),
            other => other.to_string(),
        };
        self.report.error(code::ASM_OPERAND, title, &spot, expected)
    }
}

/// Row, instruction, immediate of the second slot, and what is to be looked up.
type Encoded = (&'static Op, Insn, i32, Option<(super::pattern::Reference, Range<usize>)>);

/// The row that is meant: the pattern's, or for a call the one of its callee.
fn operation(pattern: &'static Pattern, bound: &Bound) -> &'static Op {
    let wanted = bound.callee.map_or(0, i32::from);
    match pattern.op.kind {
        Kind::Call(_) => {
            let mut rows = opcode::rows(insn::CALL).iter();
            rows.find(|op| op.src == Field::Is(wanted)).unwrap_or(pattern.op)
        }
        _ => pattern.op,
    }
}

/// An operation as it is written, with operands that could be.
fn example(op: &Op) -> String {
    let value = |field: Field, value: i32| if field == Field::Value { value } else { 0 };
    let src = if matches!(op.src, Field::Read | Field::Update) { 2 } else { 0 };
    let dst = if matches!(op.dst, Field::Reserved) { 0 } else { 1 };
    let filled = op.encode(dst, src, value(op.off, 8) as i16, value(op.imm, 5)).unwrap_or_default();
    let mut written = String::new();
    // Writing into a String does not fail.
    let _ = disasm::write(&mut written, op, filled, 0);
    written
}

/// From the first token to the last.
fn whole(tokens: &[Token<'_>]) -> Range<usize> {
    let start = tokens.first().map_or(0, |t| t.span.start);
    start..tokens.last().map_or(start, |t| t.span.end)
}

/// True where an immediate is 32 bits and no more, so that 0xffffffff and -1 are the same.
fn takes_bits(kind: Kind) -> bool {
    match kind {
        Kind::Alu { width: Width::W32, .. } | Kind::If { width: Width::W32, .. } => true,
        Kind::Store { size, operand: Operand::Imm } => size != Size::Dw,
        Kind::LoadPacketAbs(_) | Kind::LoadPacketInd(_) | Kind::LoadImm(_) => true,
        _ => false,
    }
}

fn immediate(value: i128, bits: bool) -> Result<i32, &'static str> {
    match (i32::try_from(value), u32::try_from(value)) {
        (Ok(value), _) => Ok(value),
        (_, Ok(value)) if bits => Ok(value as i32),
        _ if bits => Err("a number of 32 bits"),
        _ => Err("a number from -2147483648 to 2147483647; it is sign-extended to 64 bits"),
    }
}

/// `if (r1 == 0) goto` without its parentheses.
fn without_parentheses<'a>(tokens: &[Token<'a>]) -> Option<Vec<Token<'a>>> {
    let [first, open, ..] = tokens else { return None };
    let goto = tokens.iter().position(|t| t.is("goto"))?;
    let close = goto.checked_sub(1).filter(|at| tokens.get(*at).is_some_and(|t| t.is(")")))?;
    if !first.is("if") || !open.is("(") {
        return None;
    }
    Some(tokens.iter().enumerate().filter(|(at, _)| *at != 1 && *at != close).map(|(_, t)| t.clone()).collect())
}
