//! A page: text around ```console blocks, in which `$ ` lines are commands and what follows them is what they say.

/// A page, in pieces that make its text again.
pub(crate) struct Page<'a> {
    pieces: Vec<Piece<'a>>,
}

enum Piece<'a> {
    /// A line that is not part of a session, with its line break.
    Text(&'a str),
    Session(Session<'a>),
}

/// A command and what it says.
pub(crate) struct Session<'a> {
    /// Its lines as they stand, with the `$ `.
    lines: String,
    /// What the shell is given.
    pub(crate) command: String,
    output: Vec<&'a str>,
}

impl<'a> Page<'a> {
    pub(crate) fn parse(text: &'a str) -> Page<'a> {
        let mut pieces = Vec::new();
        let mut in_block = false;
        let mut lines = text.split_inclusive('\n');
        while let Some(line) = lines.next() {
            let is_fence = line.starts_with("```");
            if is_fence {
                in_block = !in_block && line.trim_end() == "```console";
            }
            if in_block && line.starts_with("$ ") {
                let mut command = line.to_owned();
                while command.ends_with("\\\n") {
                    command.push_str(lines.next().expect("a line after the backslash"));
                }
                let shell = command.trim_start_matches("$ ").trim_end().to_owned();
                pieces.push(Piece::Session(Session { lines: command, command: shell, output: Vec::new() }));
            } else if let (true, false, Some(Piece::Session(session))) = (in_block, is_fence, pieces.last_mut()) {
                session.output.push(line);
            } else {
                pieces.push(Piece::Text(line));
            }
        }
        Page { pieces }
    }

    pub(crate) fn sessions(&self) -> impl Iterator<Item = &Session<'a>> {
        self.pieces.iter().filter_map(|p| match p {
            Piece::Session(session) => Some(session),
            Piece::Text(_) => None,
        })
    }

    /// The page with these outputs; lines with `[..]` stay where they still fit.
    pub(crate) fn with(&self, said: &[String]) -> String {
        let mut said = said.iter();
        let piece = |p: &Piece<'_>| match p {
            Piece::Text(line) => (*line).to_owned(),
            Piece::Session(session) => {
                session.lines.clone() + &session.output_for(said.next().map_or("", String::as_str))
            }
        };
        self.pieces.iter().map(piece).collect()
    }

    /// For each command that says something else than the page: both.
    pub(crate) fn differences(&self, said: &[String]) -> impl Iterator<Item = String> {
        self.sessions().zip(said).filter(|(session, said)| session.output_for(said) != session.output.concat()).map(
            |(session, said)| {
                format!("{}--- the page shows\n{}--- it says\n{said}", session.lines, session.output.concat())
            },
        )
    }
}

impl Session<'_> {
    /// The new output, in which each line that the next of the old lines with `[..]` fits is that line.
    fn output_for(&self, said: &str) -> String {
        let mut old = self.output.as_slice();
        let mut text = String::new();
        for line in said.split_inclusive('\n') {
            match old.iter().position(|pattern| fits(pattern, line)) {
                Some(at) => {
                    text.push_str(old[at]);
                    old = &old[at + 1..];
                }
                None => text.push_str(line),
            }
        }
        text
    }
}

/// True when the line is the pattern, in which `[..]` stands for anything.
fn fits(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split("[..]");
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# A page\n\n```console\n$ one\nsaid [..] ns\nmore\n$ two \\\n    lines\n```\n\nend\n";

    #[test]
    fn a_page_that_shows_what_happens_stays_as_it_is() {
        let page = Page::parse(PAGE);
        let commands: Vec<&str> = page.sessions().map(|s| s.command.as_str()).collect();
        assert_eq!(commands, ["one", "two \\\n    lines"]);
        assert_eq!(page.with(&["said 12 ns\nmore\n".into(), String::new()]), PAGE);
        assert_eq!(page.differences(&["said 12 ns\nmore\n".into(), String::new()]).count(), 0);
    }

    #[test]
    fn a_line_more_or_less_or_another_one_is_a_difference() {
        let page = Page::parse(PAGE);
        for said in ["said 12 ns\n", "said 12 ns\nmore\nand more\n", "said 12 ms\nmore\n", ""] {
            assert_eq!(page.differences(&[said.into(), String::new()]).count(), 1, "{said:?}");
        }
        assert_eq!(
            page.with(&["first\nsaid 9 ns\n[exit 2]\n".into(), String::new()]),
            PAGE.replace("said [..] ns\nmore\n", "first\nsaid [..] ns\n[exit 2]\n")
        );
    }

    #[test]
    fn a_hole_takes_anything_in_its_line_and_no_more() {
        assert!(fits("a [..] c\n", "a b c\n") && fits("[..]\n", "x\n") && fits("a[..][..]b\n", "ab\n"));
        assert!(!fits("a [..] c\n", "a b d\n") && !fits("a\n", "ab\n") && !fits("a[..]b[..]c\n", "ac\n"));
    }
}
