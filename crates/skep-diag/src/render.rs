//! Drawing a diagnostic, by annotate-snippets.

use annotate_snippets::{AnnotationKind, Group, Level as L, Renderer, Snippet as S};

use crate::{Diagnostic, Level};

/// How a diagnostic is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// ASCII, no colour: for files, tests and `NO_COLOR`.
    Plain,
    /// With terminal colours.
    Color,
}

pub(crate) fn render(d: &Diagnostic, style: Style) -> String {
    let level = match d.level {
        Level::Error => L::ERROR,
        Level::Warning => L::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(d.title.as_str()).id(d.code.as_str()));
    for snippet in &d.snippets {
        let text = snippet.text.as_str();
        let mut s = S::source(text).path(snippet.origin.as_str()).line_start(snippet.first_line).fold(false);
        for (at, (range, label)) in snippet.marks.iter().enumerate() {
            let start = floor(text, range.start);
            let end = floor(text, range.end).max(start);
            let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            s = s.annotation(kind.span(start..end).label(label.as_str()));
        }
        group = group.element(s);
    }
    for note in &d.notes {
        group = group.element(L::NOTE.message(note.as_str()));
    }
    for help in &d.helps {
        group = group.element(L::HELP.message(help.as_str()));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Color => Renderer::styled(),
    };
    renderer.render(&[group])
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use crate::{Diagnostic, Snippet, Style, code};

    #[test]
    fn draws_where_why_and_what_to_try() {
        let d = Diagnostic::error(code::REJECTED, "the kernel rejected `count`")
            .snippet(
                Snippet::new("count.bpf.c", "    __u64 *v = bpf_map_lookup_elem(&m, &k);\n    *v += 1;")
                    .at_line(12)
                    .mark(48..55, "R0 may be null here"),
            )
            .note("a lookup returns null when the key is absent")
            .help("test `v` before it is used");
        let expected = "\
error[K0001]: the kernel rejected `count`
  --> count.bpf.c:13:5
   |
12 |     __u64 *v = bpf_map_lookup_elem(&m, &k);
13 |     *v += 1;
   |     ^^^^^^^ R0 may be null here
   |
   = note: a lookup returns null when the key is absent
   = help: test `v` before it is used";
        assert_eq!(d.render(Style::Plain), expected);
    }

    #[test]
    fn a_mark_outside_the_text_does_no_harm() {
        let d = Diagnostic::warning(code::BAD_BTF, "x").snippet(Snippet::new("é", "é").mark(1..900, "there"));
        assert!(d.render(Style::Plain).contains("there"));
    }
}
