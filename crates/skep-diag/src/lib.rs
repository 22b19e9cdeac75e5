//! Diagnostics: what went wrong, where, why, and what to try. They are data; [`Diagnostic::render`] draws them.
//!
//! Enter at [`Diagnostic`]; every one carries a [`Code`] from the registry in [`code`]. This crate knows nothing of
//! eBPF, opens nothing and prints nothing.
#![forbid(unsafe_code)]

pub mod code;
mod render;

pub use code::Code;
pub use render::Style;

use std::ops::Range;

/// What the system said of an error, in words and without its number: `no such file or directory`.
pub fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

/// One message to the user: a code, a title, excerpts with marks, notes (why) and helps (what to try).
///
/// ```
/// use skep_diag::{code, Diagnostic, Snippet, Style};
/// let d = Diagnostic::error(code::UNKNOWN_HOOK, "no hook kind is spelled `xpd`")
///     .snippet(Snippet::new("--on", "xpd:eth0").mark(0..3, "not a kind of hook"))
///     .help("did you mean `xdp:eth0`?");
/// let text = d.render(Style::Plain);
/// assert!(text.starts_with("error[H0001]: no hook kind is spelled `xpd`"));
/// assert!(text.contains("^^^ not a kind of hook"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which registered message this is.
    pub code: Code,
    /// How bad it is.
    pub level: Level,
    /// What happened, in one line.
    pub title: String,
    /// Where: excerpts of source or input.
    pub snippets: Vec<Snippet>,
    /// Why.
    pub notes: Vec<String>,
    /// What to try.
    pub helps: Vec<String>,
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The thing asked for did not happen.
    Error,
    /// It happened, but not all of it or not as asked.
    Warning,
}

/// An excerpt of a text with marks in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// Name of the file, or of the argument.
    pub origin: String,
    /// The excerpt, whole lines.
    pub text: String,
    /// Number of its first line in the file, from 1.
    pub first_line: usize,
    /// Marks, as byte ranges of `text`; the first is the primary one.
    pub marks: Vec<(Range<usize>, String)>,
}

impl Snippet {
    /// An excerpt that begins at line 1.
    pub fn new(origin: impl Into<String>, text: impl Into<String>) -> Snippet {
        Snippet { origin: origin.into(), text: text.into(), first_line: 1, marks: Vec::new() }
    }

    /// Sets the number of the excerpt's first line.
    pub fn at_line(mut self, line: usize) -> Snippet {
        self.first_line = line.max(1);
        self
    }

    /// Adds a mark; a range outside the text is drawn at its end.
    pub fn mark(mut self, range: Range<usize>, label: impl Into<String>) -> Snippet {
        self.marks.push((range, label.into()));
        self
    }
}

impl Diagnostic {
    /// An error with this code and title.
    pub fn error(code: Code, title: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Level::Error, code, title.into())
    }

    /// A warning with this code and title.
    pub fn warning(code: Code, title: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Level::Warning, code, title.into())
    }

    fn new(level: Level, code: Code, title: String) -> Diagnostic {
        Diagnostic { code, level, title, snippets: Vec::new(), notes: Vec::new(), helps: Vec::new() }
    }

    /// Adds an excerpt.
    pub fn snippet(mut self, snippet: Snippet) -> Diagnostic {
        self.snippets.push(snippet);
        self
    }

    /// Adds a reason.
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }

    /// Adds something to try.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.helps.push(help.into());
        self
    }

    /// Draws it as rustc would, without a line break at the end.
    pub fn render(&self, style: Style) -> String {
        render::render(self, style)
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.render(Style::Plain))
    }
}

impl std::error::Error for Diagnostic {}
