//! Filling a map from a text file: one entry a line.

use skep::Loaded;
use skep_diag::{Diagnostic, Snippet, code};

use crate::failure::Failure;

/// Reads `KEY` or `KEY VALUE` lines into a map; what follows `#` is a comment.
pub(crate) fn fill(loaded: &Loaded, map: &str, path: &str) -> Result<(), Failure> {
    let map = loaded.map_named(map)?;
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::from(skep::Error::File { action: "read", path: path.to_owned(), error }))?;
    for (at, line) in text.lines().enumerate() {
        let entry = line.split('#').next().unwrap_or_default().trim();
        if entry.is_empty() {
            continue;
        }
        let (key, value) = match entry.split_once(char::is_whitespace) {
            Some((key, value)) if !key.starts_with('{') => (key, Some(value.trim())),
            _ => split_braces(entry),
        };
        if let Err(error) = map.update_text(key, value) {
            let inner = error.diagnostic();
            let start = line.find(entry).unwrap_or(0);
            let d = Diagnostic::error(code::MAP_TYPE, format!("map `{}` does not take an entry of {path}", map.name()))
                .snippet(Snippet::new(path, line).at_line(at + 1).mark(start..start + entry.len(), inner.title));
            let d = inner.notes.into_iter().fold(d, Diagnostic::note);
            return Err(d.help("a line is KEY or KEY VALUE, such as `10.0.0.0/8` or `TCP {1, 2}`").into());
        }
    }
    Ok(())
}

/// Splits `{a, b} VALUE` behind the key's closing brace.
fn split_braces(entry: &str) -> (&str, Option<&str>) {
    let mut depth = 0;
    for (at, c) in entry.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 && c == '}' {
            let (key, value) = entry.split_at(at + 1);
            return (key, Some(value.trim()).filter(|v| !v.is_empty()));
        }
    }
    (entry, None)
}

#[cfg(test)]
mod tests {
    use super::split_braces;

    #[test]
    fn keys_in_braces_end_at_their_own_brace() {
        assert_eq!(split_braces("{1, {2, 3}} 4"), ("{1, {2, 3}}", Some("4")));
        assert_eq!(split_braces("{1, 2}"), ("{1, 2}", None));
        assert_eq!(split_braces("{1, 2"), ("{1, 2", None));
    }
}
