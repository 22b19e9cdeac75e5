//! A cursor over little-endian bytes that answers `None` past the end.

/// Reads forward from `at`.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(len)?;
        let piece = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(piece)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    pub(crate) fn i32(&mut self) -> Option<i32> {
        self.u32().map(|v| v as i32)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }
}

/// `bytes[off..off + len]`, if it is inside.
pub(crate) fn piece(bytes: &[u8], off: u32, len: u32) -> Option<&[u8]> {
    let start = off as usize;
    bytes.get(start..start.checked_add(len as usize)?)
}

/// Longest string that is read. A hostile file can name one string of megabytes a hundred thousand times.
pub(crate) const LONGEST_STRING: usize = 4096;

/// The NUL-terminated UTF-8 string at `off`, at most [`LONGEST_STRING`] bytes long. Of control characters it may hold
/// tabs only, because a terminal obeys the others; the carriage return that ends a source line is left out.
pub(crate) fn string(strings: &[u8], off: u32) -> Option<&str> {
    let rest = strings.get(off as usize..)?;
    let rest = rest.get(..=LONGEST_STRING).unwrap_or(rest);
    let end = rest.iter().position(|b| *b == 0)?;
    let text = std::str::from_utf8(rest.get(..end)?).ok()?;
    let text = text.strip_suffix('\r').unwrap_or(text);
    (!text.chars().any(|c| c.is_control() && c != '\t')).then_some(text)
}
