//! Classic programs from text and bytes. [`parse`] tells the three forms of `tcpdump` apart by how they begin.
//!
//! What is parsed need not be a program the kernel takes; that is asked of [`check`](super::check()).

use super::{ClassicInsn, Field, Kind, Op, named};
use crate::spec::{ancillary, nearest};

/// Most instructions that are read: far more than any filter may have.
const MOST: usize = 65_536;

/// Why a text or bytes are not instructions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1; of bytes, the byte's number from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text holds nothing.
    #[error("there is no instruction")]
    Empty,
    /// A number is wanted.
    #[error("`{found}` is not {what}")]
    Number {
        /// What stands there; empty at the end.
        found: String,
        /// What should.
        what: &'static str,
    },
    /// Something else is wanted.
    #[error("`{found}` stands where {what} is wanted")]
    Wanted {
        /// What stands there; empty at the end.
        found: String,
        /// What should.
        what: &'static str,
    },
    /// The first line of decimal text says another number of instructions than follow.
    #[error("the text has {found} instructions and says that it has {said}")]
    Count {
        /// What it says.
        said: usize,
        /// What it has.
        found: usize,
    },
    /// No operation has the mnemonic.
    #[error("`{found}` is no operation{}", suggest(.near))]
    Mnemonic {
        /// What stands there.
        found: String,
        /// A mnemonic much like it.
        near: Option<&'static str>,
    },
    /// The operation is not written with such an operand.
    #[error("`{name}` has no form with the operand `{found}`")]
    Operand {
        /// The operation.
        name: &'static str,
        /// What stands there.
        found: String,
    },
    /// The number before an instruction is not its own.
    #[error("the instruction has number {found}, its place is {place}")]
    Place {
        /// What stands there.
        found: usize,
        /// What should.
        place: usize,
    },
    /// A conditional jump that goes back, or further than its field can say.
    #[error("a jump from instruction {from} cannot go to instruction {to}")]
    Jump {
        /// The jump's instruction.
        from: usize,
        /// Where it should go.
        to: i64,
    },
    /// Bytes that are no whole number of instructions.
    #[error("{len} bytes are no whole number of instructions of 8 bytes")]
    Bytes {
        /// How many.
        len: usize,
    },
    /// More than anyone needs.
    #[error("there are more than {MOST} instructions")]
    TooMany,
}

fn suggest(near: &Option<&'static str>) -> String {
    near.map(|word| format!("; is it `{word}`?")).unwrap_or_default()
}

/// Parses what `tcpdump` prints with `-d`, `-dd` or `-ddd`; of the last also the form of one line, with commas, that
/// iptables takes. Empty lines are skipped.
///
/// # Errors
/// The first [`ParseError`].
///
/// ```
/// use skep_isa::classic::{ClassicInsn, parse};
/// let keep_all = vec![ClassicInsn::new(6, 0, 0, 262144)];
/// assert_eq!(parse("(000) ret      #262144\n"), Ok(keep_all.clone()));
/// assert_eq!(parse("{ 0x6, 0, 0, 0x00040000 },\n"), Ok(keep_all.clone()));
/// assert_eq!(parse("1\n6 0 0 262144\n"), Ok(keep_all.clone()));
/// assert_eq!(parse("1,6 0 0 262144"), Ok(keep_all));
/// let error = parse("1\n6 0 oh 1").unwrap_err();
/// assert_eq!(error.to_string(), "line 2, column 5: `oh` is not a distance of 0 to 255");
/// ```
pub fn parse(text: &str) -> Result<Vec<ClassicInsn>, ParseError> {
    match text.trim_start().chars().next() {
        None => Err(ParseError { line: 1, column: 1, problem: Problem::Empty }),
        Some('{') => c(text),
        Some(first) if first.is_ascii_digit() => decimal(text),
        Some(_) => listing(text),
    }
}

/// Reads instructions of 8 bytes each, little-endian: the memory of an array of `struct sock_filter`.
///
/// # Errors
/// [`Problem::Bytes`] when bytes are left over, [`Problem::TooMany`].
pub fn parse_bytes(bytes: &[u8]) -> Result<Vec<ClassicInsn>, ParseError> {
    let at = |column, problem| ParseError { line: 1, column, problem };
    let (insns, rest) = bytes.as_chunks::<{ ClassicInsn::SIZE }>();
    if !rest.is_empty() {
        return Err(at(bytes.len() - rest.len() + 1, Problem::Bytes { len: bytes.len() }));
    }
    if insns.len() > MOST {
        return Err(at(MOST * ClassicInsn::SIZE + 1, Problem::TooMany));
    }
    Ok(insns.iter().map(|bytes| ClassicInsn::from_bytes(*bytes)).collect())
}

/// A place in a text.
struct Cursor<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
}

impl<'a> Cursor<'a> {
    fn new(rest: &'a str, line: usize) -> Cursor<'a> {
        Cursor { rest, line, column: 1 }
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let (gone, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        for c in gone.chars() {
            (self.line, self.column) = if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.rest = rest;
        gone
    }

    fn skip_space(&mut self) {
        let space = self.rest.len() - self.rest.trim_start().len();
        self.advance(space);
    }

    /// The next word: up to a space or one of these.
    fn word(&mut self, ends: &[char]) -> (&'a str, usize, usize) {
        self.skip_space();
        let (line, column) = (self.line, self.column);
        let end = self.rest.find(|c: char| c.is_whitespace() || ends.contains(&c)).unwrap_or(self.rest.len());
        (self.advance(end), line, column)
    }

    fn fail(&self, problem: Problem) -> ParseError {
        ParseError { line: self.line, column: self.column, problem }
    }

    /// This character, or an error.
    fn want(&mut self, wanted: char, what: &'static str) -> Result<(), ParseError> {
        self.skip_space();
        if self.rest.starts_with(wanted) {
            self.advance(wanted.len_utf8());
            return Ok(());
        }
        let found = self.rest.chars().next().map(String::from).unwrap_or_default();
        Err(self.fail(Problem::Wanted { found, what }))
    }

    fn number<T: TryFrom<u64>>(&mut self, what: &'static str) -> Result<T, ParseError> {
        let (word, line, column) = self.word(&[',', '{', '}']);
        let value = unsigned(word).and_then(|value| T::try_from(value).ok());
        value.ok_or_else(|| ParseError { line, column, problem: Problem::Number { found: word.to_owned(), what } })
    }
}

const CODE: &str = "a code of 0 to 65535";
const DISTANCE: &str = "a distance of 0 to 255";
const CONSTANT: &str = "a number of 32 bits";

/// A number as C writes it, without a sign.
fn unsigned(word: &str) -> Option<u64> {
    let hex = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    let digits = hex.unwrap_or(word);
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, if hex.is_some() { 16 } else { 10 }).ok()
}

/// `-dd`: `{ 0x28, 0, 0, 0x0000000c },`.
fn c(text: &str) -> Result<Vec<ClassicInsn>, ParseError> {
    let mut cursor = Cursor::new(text, 1);
    let mut program = Vec::new();
    loop {
        cursor.skip_space();
        if cursor.rest.is_empty() {
            return Ok(program);
        }
        if program.len() == MOST {
            return Err(cursor.fail(Problem::TooMany));
        }
        cursor.want('{', "`{`")?;
        let code = cursor.number(CODE)?;
        cursor.want(',', "`,`")?;
        let jt = cursor.number(DISTANCE)?;
        cursor.want(',', "`,`")?;
        let jf = cursor.number(DISTANCE)?;
        cursor.want(',', "`,`")?;
        let k = cursor.number(CONSTANT)?;
        cursor.want('}', "`}`")?;
        program.push(ClassicInsn { code, jt, jf, k });
        cursor.skip_space();
        // The last one may go without.
        if !cursor.rest.is_empty() {
            cursor.want(',', "`,`")?;
        }
    }
}

/// `-ddd`: the number of instructions, then four numbers for each. Lines end with a break or a comma.
fn decimal(text: &str) -> Result<Vec<ClassicInsn>, ParseError> {
    let mut cursor = Cursor::new(text, 1);
    let said: usize = cursor.number("the number of instructions")?;
    let (line, column) = (cursor.line, cursor.column);
    let mut program = Vec::new();
    let end = |cursor: &mut Cursor<'_>| {
        // Up to the end of the line nothing may follow.
        let blank = cursor.rest.find(|c: char| !c.is_whitespace() || c == '\n').unwrap_or(cursor.rest.len());
        cursor.advance(blank);
        match cursor.rest.chars().next() {
            None => Ok(()),
            Some('\n' | ',') => {
                cursor.advance(1);
                Ok(())
            }
            Some(_) => {
                let found = cursor.word(&[',']).0.to_owned();
                Err(Problem::Wanted { found, what: "the end of the line" })
            }
        }
    };
    loop {
        let at = (cursor.line, cursor.column);
        end(&mut cursor).map_err(|problem| ParseError { line: at.0, column: at.1, problem })?;
        cursor.skip_space();
        if cursor.rest.is_empty() {
            break;
        }
        if program.len() == MOST {
            return Err(cursor.fail(Problem::TooMany));
        }
        let code = cursor.number(CODE)?;
        let jt = cursor.number(DISTANCE)?;
        let jf = cursor.number(DISTANCE)?;
        let k = cursor.number(CONSTANT)?;
        program.push(ClassicInsn { code, jt, jf, k });
    }
    if program.len() != said {
        return Err(ParseError { line, column, problem: Problem::Count { said, found: program.len() } });
    }
    Ok(program)
}

/// `-d`: `(000) ldh      [12]`. The number may be left out.
fn listing(text: &str) -> Result<Vec<ClassicInsn>, ParseError> {
    let mut program = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut cursor = Cursor::new(line, index + 1);
        if program.len() == MOST {
            return Err(cursor.fail(Problem::TooMany));
        }
        program.push(instruction(&mut cursor, program.len())?);
        let (rest, line, column) = cursor.word(&[]);
        if !rest.is_empty() {
            let problem = Problem::Wanted { found: rest.to_owned(), what: "the end of the line" };
            return Err(ParseError { line, column, problem });
        }
    }
    Ok(program)
}

/// One line of a listing.
fn instruction(cursor: &mut Cursor<'_>, place: usize) -> Result<ClassicInsn, ParseError> {
    cursor.skip_space();
    if cursor.rest.starts_with('(') {
        let (line, column) = (cursor.line, cursor.column);
        cursor.advance(1);
        let (word, ..) = cursor.word(&[')']);
        let found = unsigned(word);
        cursor.want(')', "`)`")?;
        let bad = |problem| Err(ParseError { line, column, problem });
        match found.and_then(|found| usize::try_from(found).ok()) {
            Some(found) if found == place => {}
            Some(found) => return bad(Problem::Place { found, place }),
            None => return bad(Problem::Number { found: word.to_owned(), what: "an instruction's number" }),
        }
    }
    let (name, line, column) = cursor.word(&[]);
    let Some(first) = named(name).next() else {
        let near = nearest(name, super::TABLE.iter().map(|op| op.name));
        return Err(ParseError { line, column, problem: Problem::Mnemonic { found: name.to_owned(), near } });
    };
    cursor.skip_space();
    let (line, column) = (cursor.line, cursor.column);
    let error = |problem| ParseError { line, column, problem };
    // The operand: to the end, or to the targets of a conditional jump.
    let conditional = matches!(first.kind, Kind::If { .. });
    let end = if conditional { targets(cursor.rest) } else { None };
    let written = cursor.advance(end.unwrap_or(cursor.rest.len())).trim_end();
    let found: Option<(&Op, i64)> = named(name).find_map(|op| Some((op, operand(op.field, written)?)));
    let Some((op, value)) = found else {
        return Err(error(Problem::Operand { name: first.name, found: written.to_owned() }));
    };
    let distance = |to: i64| to - place as i64 - 1;
    let jump = |to: i64| Problem::Jump { from: place, to };
    if !conditional {
        let value = if op.field == Field::Distance { distance(value) } else { value };
        // The highest bit is a sign in some forms, a bit in others; a distance back is one that wraps around.
        return Ok(op.encode(0, 0, value as u32));
    }
    let mut target = |word: &'static str| {
        let (found, line, column) = cursor.word(&[]);
        if found != word {
            let problem = Problem::Wanted { found: found.to_owned(), what: "`jt` and `jf`" };
            return Err(ParseError { line, column, problem });
        }
        cursor.skip_space();
        let (line, column) = (cursor.line, cursor.column);
        let to: u32 = cursor.number("an instruction's number")?;
        u8::try_from(distance(to.into())).map_err(|_| ParseError { line, column, problem: jump(to.into()) })
    };
    let (jt, jf) = (target("jt")?, target("jf")?);
    Ok(op.encode(jt, jf, value as u32))
}

/// Where `jt` begins: a word of its own.
fn targets(text: &str) -> Option<usize> {
    text.match_indices("jt").map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).is_some_and(|t| t.ends_with(char::is_whitespace));
        before && text.get(at + 2..).is_some_and(|t| t.starts_with(char::is_whitespace))
    })
}

/// The value of an operand written as a field of this sort is, `None` if it is written otherwise. A value fits 32 bits,
/// signed or not; that of a distance is an instruction's number.
fn operand(field: Field, text: &str) -> Option<i64> {
    let between = |open: &str, close: &str| text.strip_prefix(open)?.strip_suffix(close).map(str::trim);
    match field {
        Field::Nothing => text.is_empty().then_some(0),
        Field::Length => (text == "#pktlen").then_some(0),
        Field::X => (text == "x").then_some(0),
        Field::Hex | Field::Decimal => number(text.strip_prefix('#')?),
        Field::Cell => number(between("M[", "]")?),
        Field::Indexed => number(between("[x", "]")?.strip_prefix('+')?.trim_start()),
        Field::HeaderLen => number(between("4*([", "]&0xf)")?),
        Field::Place => {
            let place = between("[", "]")?;
            let row = ancillary::TABLE.iter().find(|row| row.name == place);
            row.map(|row| i64::from(ancillary::BASE + row.offset)).or_else(|| number(place))
        }
        Field::Distance => number(text),
    }
}

fn number(text: &str) -> Option<i64> {
    let value = match text.strip_prefix('-') {
        Some(digits) => -i64::try_from(unsigned(digits)?).ok()?,
        None => i64::try_from(unsigned(text)?).ok()?,
    };
    (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(&value).then_some(value)
}
