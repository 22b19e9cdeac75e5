//! Messages about lines: every one shows its line and marks the token that is wrong.

use std::ops::Range;

use skep_diag::{Code, Diagnostic, Snippet, code};

/// A place in the source: the index of a line, and bytes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub line: usize,
    pub span: Range<usize>,
}

/// Most errors that are told; who has more has given another kind of file.
const MOST: usize = 100;
/// Most bytes of a line that are shown.
const LONGEST: usize = 400;

/// The source's lines, and what is wrong with them so far.
pub(super) struct Report<'a> {
    pub origin: &'a str,
    pub lines: Vec<&'a str>,
    errors: Vec<(usize, Diagnostic)>,
}

impl<'a> Report<'a> {
    pub(super) fn new(origin: &'a str, text: &'a str) -> Report<'a> {
        Report { origin, lines: text.lines().collect(), errors: Vec::new() }
    }

    /// An error at a place, to be completed with notes and helps and then [`add`](Report::add)ed.
    pub(super) fn error(&self, code: Code, title: impl Into<String>, spot: &Spot, label: &str) -> Diagnostic {
        Diagnostic::error(code, title).snippet(self.snippet(spot, label))
    }

    /// The line of a place, with the place marked.
    pub(super) fn snippet(&self, spot: &Spot, label: &str) -> Snippet {
        let text = self.lines.get(spot.line).copied().unwrap_or("");
        let shown = text.get(..text.floor_char_boundary(LONGEST)).unwrap_or(text);
        // Where something is missing at the end, the end is marked.
        let end = spot.span.end.max(spot.span.start + 1);
        Snippet::new(self.origin, shown).at_line(spot.line + 1).mark(spot.span.start..end, label)
    }

    pub(super) fn add(&mut self, line: usize, error: Diagnostic) {
        if self.is_full() {
            return;
        }
        self.errors.push((line, error));
        if self.is_full() {
            let last = Diagnostic::error(code::ASM_SYNTAX, format!("{} has more errors than {MOST}", self.origin))
                .note("the rest is not told")
                .help("is it assembly at all?");
            self.errors.push((usize::MAX, last));
        }
    }

    /// True when more errors would not be told.
    pub(super) fn is_full(&self) -> bool {
        self.errors.len() >= MOST
    }

    /// True when something is wrong already.
    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Text at a place.
    pub(super) fn text(&self, spot: &Spot) -> &'a str {
        self.lines.get(spot.line).and_then(|line| line.get(spot.span.clone())).unwrap_or("")
    }

    /// The errors in the order of lines.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.errors.sort_by_key(|(line, _)| *line);
        self.errors.into_iter().map(|(_, error)| error).collect()
    }
}

/// `a, b or c`.
pub(super) fn either(words: &[impl AsRef<str>]) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} or {}", first.join(", "), last.as_ref())
        }
    }
}
