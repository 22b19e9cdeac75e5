//! Lines to tokens. Nothing is refused here: what cannot be read becomes [`Word::Bad`], and the parser tells.

use std::ops::Range;
use std::sync::LazyLock;

use crate::opcode::{Kind, TABLE, Width};

/// A token and where it stands in its line, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub word: Word<'a>,
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// A name or a word of the language: `goto`, `u32`, `.Lend`.
    Name(&'a str),
    /// `r1`, or `w1` for its low half; the number may be any.
    Reg(Width, u8),
    /// A number without its sign.
    Int(u64),
    /// A string, its escapes replaced.
    Text(Vec<u8>),
    /// An operator or bracket.
    Sign(&'a str),
    /// What is no token, and why.
    Bad(&'static str),
}

impl Token<'_> {
    /// True for this word or sign.
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(&self.word, Word::Name(word) | Word::Sign(word) if *word == text)
    }
}

/// Operators of several characters, the longest first: those of the table of operations.
static OPERATORS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let symbols = TABLE.iter().filter_map(|op| match op.kind {
        Kind::Alu { op, .. } => Some(op.symbol()),
        Kind::If { cond, .. } => Some(cond.symbol()),
        _ => None,
    });
    let mut operators: Vec<&str> = symbols.filter(|symbol| symbol.len() > 1).collect();
    operators.sort_by_key(|symbol| std::cmp::Reverse(symbol.len()));
    operators.dedup();
    operators
});

/// The tokens of a line, up to a comment (`;`, `#`, `//`). A `#` between two words is none: `bpf_redirect#23`.
pub(super) fn tokens(line: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or(' ');
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let glued = || {
            let before = line.get(..at).and_then(|before| before.chars().next_back());
            let after = rest.get(1..).unwrap_or("");
            let after = after.strip_prefix('-').unwrap_or(after);
            before.is_some_and(is_inner) && after.starts_with(is_inner)
        };
        if first == ';' || rest.starts_with("//") || (first == '#' && !glued()) {
            break;
        }
        let (word, length) = token(rest, first);
        tokens.push(Token { word, span: at..at + length });
        at += length;
    }
    tokens
}

fn is_inner(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '$')
}

/// The token a text begins with, and its length.
fn token(rest: &str, first: char) -> (Word<'_>, usize) {
    if let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
        return (Word::Sign(operator), operator.len());
    }
    if first == '"' {
        return string(rest);
    }
    if is_inner(first) {
        let word = rest.split(|c| !is_inner(c)).next().unwrap_or(rest);
        if first.is_ascii_digit() {
            return (number(word), word.len());
        }
        // The one name with a dash is the kernel's for a kernel function.
        const KFUNC: &str = "kernel-function";
        let word = if rest.starts_with(KFUNC) { KFUNC } else { word };
        return (register(word).unwrap_or(Word::Name(word)), word.len());
    }
    let length = first.len_utf8();
    match rest.get(..length) {
        Some(sign) if first.is_ascii_punctuation() => (Word::Sign(sign), length),
        _ => (Word::Bad("this character means nothing in assembly"), length),
    }
}

fn register(word: &str) -> Option<Word<'_>> {
    let width = match word.chars().next()? {
        'r' => Width::W64,
        'w' => Width::W32,
        _ => return None,
    };
    let digits = word.get(1..).filter(|d| !d.is_empty() && d.len() < 3 && d.bytes().all(|b| b.is_ascii_digit()))?;
    Some(Word::Reg(width, digits.parse().ok()?))
}

fn number(word: &str) -> Word<'static> {
    let (digits, radix) = match word.get(..2) {
        Some("0x" | "0X") => (word.get(2..), 16),
        Some("0b" | "0B") => (word.get(2..), 2),
        _ => (Some(word), 10),
    };
    let digits = digits.unwrap_or("");
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Word::Bad("this is no number; write 10, 0xa or 0b1010");
    }
    u64::from_str_radix(digits, radix).map_or(Word::Bad("this number has more than 64 bits"), Word::Int)
}

fn string(rest: &str) -> (Word<'_>, usize) {
    let mut bytes = Vec::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (Word::Text(bytes), at + 1),
            '\\' => match chars.next().map(|(_, escaped)| escaped) {
                Some('n') => bytes.push(b'\n'),
                Some('t') => bytes.push(b'\t'),
                Some('r') => bytes.push(b'\r'),
                Some(quoted @ ('"' | '\\')) => bytes.push(quoted as u8),
                Some(digit @ '0'..='7') => {
                    let mut value = digit as u32 - 48;
                    for _ in 0..2 {
                        let Some(next) = chars.peek().and_then(|(_, c)| c.to_digit(8)) else { break };
                        value = value * 8 + next;
                        chars.next();
                    }
                    bytes.push(value as u8);
                }
                _ => return (Word::Bad(r#"this string has an escape other than \n \t \r \" \\ and \000"#), rest.len()),
            },
            c => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    (Word::Bad("this string does not end"), rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Word<'_>> {
        tokens(line).into_iter().map(|t| t.word).collect()
    }

    #[test]
    fn reads_words_signs_numbers_and_registers() {
        use Word::{Int, Name, Reg, Sign};
        assert_eq!(words("r1 s>>= 0x20 ; shifts"), [Reg(Width::W64, 1), Sign("s>>="), Int(32)]);
        assert_eq!(words("w2=-1"), [Reg(Width::W32, 2), Sign("="), Sign("-"), Int(1)]);
        assert_eq!(words("call bpf_redirect#23 # go"), [Name("call"), Name("bpf_redirect"), Sign("#"), Int(23)]);
        assert_eq!(words("if r1 s<-5 goto .L1 // back").len(), 7);
        assert_eq!(words("r10x r123"), [Name("r10x"), Name("r123")]);
    }

    #[test]
    fn says_what_is_no_token() {
        for bad in ["0x", "12ab", "99999999999999999999", "\"abc", "\"\\q\"", "é§"] {
            assert!(words(bad).iter().any(|w| matches!(w, Word::Bad(_) | Word::Name("é"))), "{bad}");
        }
        assert_eq!(words(r#""a\n\0""#), [Word::Text(b"a\n\0".to_vec())]);
    }
}
