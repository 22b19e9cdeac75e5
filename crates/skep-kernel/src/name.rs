//! Names and lists as the kernel writes them.

use crate::error::Error;

/// A name as the kernel takes it: at most 15 bytes of letters, digits, `_` and `.`, then zeros.
pub(crate) fn kernel_name(name: &str) -> [u8; 16] {
    let mut out = [0; 16];
    let allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'.';
    for (to, from) in out.iter_mut().take(15).zip(name.bytes()) {
        *to = if allowed(from) { from } else { b'_' };
    }
    out
}

/// A name as the kernel gives it, up to its first zero.
pub(crate) fn from_kernel(name: &[u8]) -> String {
    let name = name.split(|b| *b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// A list of CPUs such as `0-3,8`, ascending.
pub(crate) fn cpu_list(path: &str) -> Result<Vec<u32>, Error> {
    let failed = |errno| Error::File { path: path.to_owned(), errno };
    let text = std::fs::read_to_string(path)
        .map_err(|e| failed(rustix::io::Errno::from_io_error(&e).unwrap_or(rustix::io::Errno::IO)))?;
    parse_cpu_list(text.trim()).ok_or_else(|| failed(rustix::io::Errno::BADMSG))
}

fn parse_cpu_list(text: &str) -> Option<Vec<u32>> {
    let mut cpus = Vec::new();
    for part in text.split(',').filter(|p| !p.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.parse::<u16>().ok()?, last.parse::<u16>().ok()?);
        cpus.extend(u32::from(first)..=u32::from(last));
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_and_made_of_what_the_kernel_takes() {
        assert_eq!(&kernel_name("count.bpf-x"), b"count.bpf_x\0\0\0\0\0");
        assert_eq!(&kernel_name("a_name_of_more_than_15"), b"a_name_of_more_\0");
        assert_eq!(from_kernel(b"abc\0def"), "abc");
    }

    #[test]
    fn lists_of_cpus_are_read() {
        assert_eq!(parse_cpu_list("0-2,8"), Some(vec![0, 1, 2, 8]));
        assert_eq!(parse_cpu_list(""), Some(vec![]));
        assert_eq!(parse_cpu_list("x"), None);
    }
}
